//! Takes pictures of a window, or of a part of the screen.

use super::areas::Edges;
use super::shared_memory::Segment;
use super::x::{X, failed};
use crate::media::capture::screen::grab::{Grab, Shot};
use crate::media::capture::screen::target::{Area, Target};
use crate::media::capture::source::{SourceError, SourceErrorKind};
use crate::media::convert::{Order, Pixels};
use std::time::Duration;
use x11rb::connection::Connection;
use x11rb::protocol::composite::{self, ConnectionExt as _};
use x11rb::protocol::shm::ConnectionExt as _;
use x11rb::protocol::xfixes::ConnectionExt as _;
use x11rb::protocol::xproto::{ConnectionExt as _, ImageFormat, MapState, Pixmap, Window};

/// All bits of every pixel.
const PLANES: u32 = u32::MAX;

/// What takes the pictures.
pub(super) struct Grabber {
    x: X,
    what: What,
    size: (u32, u32),
    /// The picture before, and the one that is being taken.
    memory: [Memory; 2],
    /// Which of them is the one before; `None`: there is none of this size.
    last: Option<usize>,
}

enum What {
    /// A part of the screen; a screen by its name moves about when screens are put together differently.
    Part { screen: Option<Option<String>>, area: Area, everything: Area },
    /// A window, drawn by the server into memory of its own, so that others before it do not matter.
    Window { window: Window, pixmap: Option<(Pixmap, (u32, u32))> },
}

/// Where a picture is put.
#[derive(Default)]
enum Memory {
    #[default]
    None,
    Shared(Segment),
    Own(Vec<u8>),
}

impl Memory {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::None => &[],
            Self::Shared(segment) => segment.bytes(),
            Self::Own(bytes) => bytes,
        }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        match self {
            Self::None => &mut [],
            Self::Shared(segment) => segment.bytes_mut(),
            Self::Own(bytes) => bytes,
        }
    }
}

impl Grabber {
    pub(super) fn open(target: &Target) -> Result<Self, SourceError> {
        let x = X::connect()?;
        let everything = x.everything()?;
        let what = match target {
            Target::Screen(name) => What::Part { area: screen(&x, name.as_deref())?, screen: Some(name.clone()), everything },
            Target::Region(area) => {
                let gone = || SourceError::new(SourceErrorKind::Gone, "this part of the screen is not there any more");
                What::Part { area: area.within(everything).ok_or_else(gone)?, screen: None, everything }
            }
            Target::Window(id) => {
                if !x.has_composite {
                    return Err(SourceError::new(SourceErrorKind::NoDevice, "the X server cannot take pictures of a window"));
                }
                let gone = |_| SourceError::new(SourceErrorKind::Gone, "there is no such window");
                let window = Window::try_from(*id).map_err(gone)?;
                let redirect = x.server.composite_redirect_window(window, composite::Redirect::AUTOMATIC);
                redirect.map_err(failed)?.check().map_err(failed)?;
                What::Window { window, pixmap: None }
            }
            Target::Portal => return Err(SourceError::new(SourceErrorKind::NoDevice, "X11 has no dialog of its own")),
        };
        let mut grabber = Self { x, what, size: (0, 0), memory: Default::default(), last: None };
        grabber.size = match grabber.locate()? {
            Some(Place { size, .. }) => size,
            None => return Err(SourceError::new(SourceErrorKind::Stalled, "the window is minimised")),
        };
        if let (Target::Region(_), What::Part { area, .. }) = (target, &grabber.what) {
            // They stay for as long as the connection, which is as long as this.
            Edges::new(&grabber.x)?.show(&grabber.x, *area)?;
        }
        Ok(grabber)
    }

    /// Where to take the next picture from; `None`: the window is not to be seen.
    fn locate(&mut self) -> Result<Option<Place>, SourceError> {
        match &mut self.what {
            What::Part { screen: name, area, everything } => {
                let now = self.x.everything()?;
                if now != *everything {
                    *everything = now;
                    if let Some(name) = name {
                        *area = screen(&self.x, name.as_deref())?;
                    }
                }
                let gone = || SourceError::new(SourceErrorKind::Gone, "this part of the screen is not there any more");
                let area = area.within(now).ok_or_else(gone)?;
                let size = (area.width, area.height);
                Ok(Some(Place { drawable: self.x.root, from: (area.x, area.y), size, on_screen: (area.x, area.y) }))
            }
            What::Window { window, pixmap } => {
                let attributes = self.x.server.get_window_attributes(*window).map_err(failed)?;
                let geometry = self.x.server.get_geometry(*window).map_err(failed)?;
                let place = self.x.server.translate_coordinates(*window, self.x.root, 0, 0).map_err(failed)?;
                if attributes.reply().map_err(failed)?.map_state != MapState::VIEWABLE {
                    // What it is drawn into is made anew when it comes back.
                    if let Some((old, _)) = pixmap.take() {
                        let _ = self.x.server.free_pixmap(old);
                    }
                    return Ok(None);
                }
                let geometry = geometry.reply().map_err(failed)?;
                let place = place.reply().map_err(failed)?;
                let (size, edge) = ((u32::from(geometry.width), u32::from(geometry.height)), i32::from(geometry.border_width));
                if pixmap.as_ref().is_none_or(|(_, old)| *old != size) {
                    if let Some((old, _)) = pixmap.take() {
                        let _ = self.x.server.free_pixmap(old);
                    }
                    let id = self.x.server.generate_id().map_err(failed)?;
                    match self.x.server.composite_name_window_pixmap(*window, id).map_err(failed)?.check() {
                        Ok(()) => *pixmap = Some((id, size)),
                        // It was minimised between two questions.
                        Err(error) => {
                            tracing::debug!("the window has no picture just now: {error}");
                            return Ok(None);
                        }
                    }
                }
                let on_screen = (i32::from(place.dst_x), i32::from(place.dst_y));
                Ok(pixmap.as_ref().map(|(id, _)| Place { drawable: *id, from: (edge, edge), size, on_screen }))
            }
        }
    }

    /// Takes the picture into one of the two memories.
    fn take(&mut self, place: &Place, into: usize) -> Result<(), SourceError> {
        let Place { drawable, from, size: (width, height), .. } = *place;
        let len = width as usize * 4 * height as usize;
        if self.memory[into].bytes().len() != len {
            let old = std::mem::take(&mut self.memory[into]);
            if let Memory::Shared(segment) = old {
                segment.free(&self.x);
            }
            self.memory[into] = if self.x.has_shared_memory {
                // A server at the other end of a network has the extension, but not our memory.
                match Segment::new(&self.x, len) {
                    Ok(segment) => Memory::Shared(segment),
                    Err(error) => {
                        tracing::info!("pictures of the screen go through the socket: {error}");
                        self.x.has_shared_memory = false;
                        Memory::Own(Vec::new())
                    }
                }
            } else {
                Memory::Own(Vec::new())
            };
        }
        let short = |side: i32| i16::try_from(side).unwrap_or(i16::MAX);
        let (x, y) = (short(from.0), short(from.1));
        // Protocol sizes have 16 bits.
        let (w, h) = (width.min(u16::MAX.into()) as u16, height.min(u16::MAX.into()) as u16);
        let z = ImageFormat::Z_PIXMAP;
        match &mut self.memory[into] {
            Memory::Shared(segment) => {
                let asked = self.x.server.shm_get_image(drawable, x, y, w, h, PLANES, z.into(), segment.id, 0);
                asked.map_err(failed)?.reply().map_err(failed)?;
            }
            memory => {
                let asked = self.x.server.get_image(z, drawable, x, y, w, h, PLANES).map_err(failed)?;
                let mut data = asked.reply().map_err(failed)?.data;
                data.resize(len, 0);
                *memory = Memory::Own(data);
            }
        }
        Ok(())
    }

    /// Draws the mouse pointer, which the server leaves out.
    fn draw_pointer(&mut self, place: &Place, into: usize) {
        if !self.x.has_cursor {
            return;
        }
        let Some(cursor) = self.x.server.xfixes_get_cursor_image().ok().and_then(|asked| asked.reply().ok()) else { return };
        let pointer = (i32::from(cursor.x) - place.on_screen.0, i32::from(cursor.y) - place.on_screen.1);
        let inside = |at: i32, side: u32| u32::try_from(at).is_ok_and(|at| at < side);
        if !inside(pointer.0, place.size.0) || !inside(pointer.1, place.size.1) {
            return;
        }
        let corner = (pointer.0 - i32::from(cursor.xhot), pointer.1 - i32::from(cursor.yhot));
        blend(self.memory[into].bytes_mut(), place.size, &cursor.cursor_image, cursor.width.into(), corner);
    }
}

/// Where a picture is taken from.
struct Place {
    drawable: u32,
    from: (i32, i32),
    size: (u32, u32),
    /// Where its upper left corner is on the screen.
    on_screen: (i32, i32),
}

impl Grab for Grabber {
    fn size(&self) -> (u32, u32) {
        self.size
    }

    fn grab(&mut self, _limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
        let Some(place) = self.locate()? else { return Ok(None) };
        let into = self.last.map_or(0, |last| 1 - last);
        if let Err(error) = self.take(&place, into) {
            // A window that changes its size between two questions is no reason to stop; one that is gone is.
            return match (&mut self.what, error.kind) {
                (What::Window { pixmap, .. }, SourceErrorKind::Other) => {
                    *pixmap = None;
                    self.last = None;
                    Ok(None)
                }
                _ => Err(error),
            };
        }
        self.draw_pointer(&place, into);
        let [a, b] = &self.memory;
        let changed = self.last.is_none() || self.size != place.size || a.bytes() != b.bytes();
        (self.last, self.size) = (Some(into), place.size);
        let (size, data) = (place.size, self.memory[into].bytes());
        let pixels = Pixels { size, stride: size.0 as usize * 4, order: Order::Bgr, data };
        Ok(Some(Shot { pixels, changed }))
    }
}

/// The screen of this name, or the main one.
fn screen(x: &X, name: Option<&str>) -> Result<Area, SourceError> {
    let gone = || SourceError::new(SourceErrorKind::Gone, "this screen is not there any more");
    let wanted = |name: &str, known: &str| name == known;
    let found = x.monitors()?.into_iter().find(|monitor| name.is_none_or(|name| wanted(name, &monitor.name)));
    found.map(|monitor| monitor.area).ok_or_else(gone)
}

/// Draws an image of premultiplied ARGB words, `width` across, at `corner`, over pixels of blue, green, red.
fn blend(pixels: &mut [u8], (w, h): (u32, u32), image: &[u32], width: usize, corner: (i32, i32)) {
    for (n, argb) in image.iter().enumerate() {
        let (x, y) = (corner.0 + (n % width.max(1)) as i32, corner.1 + (n / width.max(1)) as i32);
        let (Ok(x), Ok(y)) = (u32::try_from(x), u32::try_from(y)) else { continue };
        let [alpha, red, green, blue] = argb.to_be_bytes();
        if x >= w || y >= h || alpha == 0 {
            continue;
        }
        let at = (y as usize * w as usize + x as usize) * 4;
        if let Some(pixel) = pixels.get_mut(at..at + 3) {
            for (old, new) in pixel.iter_mut().zip([blue, green, red]) {
                let below = u32::from(*old) * (255 - u32::from(alpha)) / 255;
                *old = below.saturating_add(u32::from(new)).min(255) as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_is_drawn_over_what_is_there_and_cut_off_at_the_edges() {
        let mut pixels = vec![100; 4 * 4 * 4];
        // Opaque red, half white, nothing, opaque blue.
        let image = [0xffff_0000, 0x8080_8080, 0, 0xff00_00ff];
        blend(&mut pixels, (4, 4), &image, 2, (3, 2));
        let at = |x: usize, y: usize| &pixels[(y * 4 + x) * 4..][..3];
        assert_eq!(at(3, 2), [0, 0, 255]);
        assert_eq!(at(3, 3), [100, 100, 100]);
        assert_eq!(at(0, 3), [100, 100, 100], "what is cut off does not come in again on the left");
        blend(&mut pixels, (4, 4), &image, 2, (-1, 0));
        let at = |x: usize, y: usize| &pixels[(y * 4 + x) * 4..][..3];
        assert_eq!((at(0, 0), at(0, 1)), (&[177, 177, 177][..], &[255, 0, 0][..]));
    }
}
