//! A rectangle dragged with the mouse, anywhere on the screen.
//!
//! The pointer is taken from everybody else meanwhile. The rectangle's edges are four thin windows: unlike lines drawn on the screen itself they
//! are seen with and without a compositor, and what lies below needs no repair. They come back while the area is shared, so that everybody knows
//! what is seen.

use super::x::{X, failed};
use crate::base::Stop;
use crate::media::capture::screen::target::{Area, LEAST_SIDE};
use crate::media::capture::source::{SourceError, SourceErrorKind};
use std::time::Duration;
use x11rb::CURRENT_TIME;
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, Cursor, EventMask, GrabMode, GrabStatus, StackMode, Window,
    WindowClass,
};

/// Thickness of the edges, in pixels, and their colour: the accent of the program.
const EDGE: u32 = 3;
const COLOUR: u32 = 0x0020_b2aa;
/// How often to look whether anything has happened.
const LOOK: Duration = Duration::from_millis(10);
/// Another program may hold the pointer (a menu that is just being closed): tries, [`LOOK`] apart.
const TRIES: u32 = 100;
/// The cross in the standard font of cursors, and its mask.
const CROSS: u16 = 34;
/// Escape, as a symbol.
const ESCAPE: u32 = 0xff1b;
const FIRST_BUTTON: u8 = 1;

/// See [`pick_area`](crate::media::capture::screen::pick_area).
pub(in crate::media::capture::screen) fn pick(stop: &Stop) -> Result<Option<Area>, SourceError> {
    let x = X::connect()?;
    let escape = code_of(&x, ESCAPE)?;
    let cursor = cross(&x)?;
    let edges = Edges::new(&x)?;
    hold(&x, cursor, stop)?;
    let mut drag: Option<((i32, i32), (i32, i32))> = None;
    // When the connection ends, the server takes away all of this by itself.
    loop {
        if stop.wait(LOOK) {
            return Ok(None);
        }
        while let Some(event) = x.server.poll_for_event().map_err(failed)? {
            match event {
                Event::ButtonPress(press) if press.detail == FIRST_BUTTON => {
                    let at = (press.root_x.into(), press.root_y.into());
                    drag = Some((at, at));
                }
                Event::ButtonPress(_) => return Ok(None),
                Event::KeyPress(press) if Some(press.detail) == escape => return Ok(None),
                Event::MotionNotify(motion) => {
                    if let Some((_, to)) = &mut drag {
                        *to = (motion.root_x.into(), motion.root_y.into());
                    }
                }
                Event::ButtonRelease(release) if release.detail == FIRST_BUTTON => {
                    if let Some((from, _)) = drag.take() {
                        let area = Area::between(from, (release.root_x.into(), release.root_y.into()));
                        edges.hide(&x)?;
                        // A click is no rectangle: the person may try again.
                        if area.width >= LEAST_SIDE && area.height >= LEAST_SIDE {
                            return Ok(area.within(x.everything()?));
                        }
                    }
                }
                _ => {}
            }
        }
        if let Some((from, to)) = drag {
            edges.show(&x, Area::between(from, to))?;
        }
    }
}

/// Takes pointer and keyboard.
fn hold(x: &X, cursor: Cursor, stop: &Stop) -> Result<(), SourceError> {
    let events = EventMask::BUTTON_PRESS | EventMask::BUTTON_RELEASE | EventMask::POINTER_MOTION;
    for _ in 0..TRIES {
        let asked =
            x.server.grab_pointer(false, x.root, events, GrabMode::ASYNC, GrabMode::ASYNC, x11rb::NONE, cursor, CURRENT_TIME);
        if asked.map_err(failed)?.reply().map_err(failed)?.status == GrabStatus::SUCCESS {
            // Without the keyboard, Escape does nothing, and the other mouse button is left.
            let keys = x.server.grab_keyboard(false, x.root, CURRENT_TIME, GrabMode::ASYNC, GrabMode::ASYNC);
            let _ = keys.map_err(failed)?.reply();
            return Ok(());
        }
        if stop.wait(LOOK) {
            break;
        }
    }
    Err(SourceError::new(SourceErrorKind::Busy, "another program holds the mouse pointer"))
}

/// The key that makes a symbol.
fn code_of(x: &X, symbol: u32) -> Result<Option<u8>, SourceError> {
    let (first, last) = (x.server.setup().min_keycode, x.server.setup().max_keycode);
    let map = x.server.get_keyboard_mapping(first, last - first + 1).map_err(failed)?.reply().map_err(failed)?;
    let each = usize::from(map.keysyms_per_keycode.max(1));
    let at = map.keysyms.chunks(each).position(|symbols| symbols.contains(&symbol));
    Ok(at.and_then(|at| u8::try_from(usize::from(first) + at).ok()))
}

fn cross(x: &X) -> Result<Cursor, SourceError> {
    let (font, cursor) = (x.server.generate_id().map_err(failed)?, x.server.generate_id().map_err(failed)?);
    x.server.open_font(font, b"cursor").map_err(failed)?;
    let white = u16::MAX;
    x.server.create_glyph_cursor(cursor, font, font, CROSS, CROSS + 1, 0, 0, 0, white, white, white).map_err(failed)?;
    Ok(cursor)
}

/// Four thin windows around a rectangle. They are gone with the connection.
pub(super) struct Edges([Window; 4]);

impl Edges {
    pub(super) fn new(x: &X) -> Result<Self, SourceError> {
        let mut windows = [0; 4];
        for window in &mut windows {
            *window = x.server.generate_id().map_err(failed)?;
            let look = CreateWindowAux::new().override_redirect(1).background_pixel(COLOUR).save_under(1);
            let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
            let made = x.server.create_window(depth, *window, x.root, 0, 0, 1, 1, 0, WindowClass::INPUT_OUTPUT, visual, &look);
            made.map_err(failed)?.check().map_err(failed)?;
        }
        Ok(Self(windows))
    }

    /// Puts them around a rectangle; nothing of it is covered.
    pub(super) fn show(&self, x: &X, area: Area) -> Result<(), SourceError> {
        for (window, edge) in self.0.iter().zip(edges(area)) {
            let place = ConfigureWindowAux::new().x(edge.x).y(edge.y).width(edge.width).height(edge.height);
            x.server.configure_window(*window, &place.stack_mode(StackMode::ABOVE)).map_err(failed)?;
            x.server.map_window(*window).map_err(failed)?;
        }
        x.server.flush().map_err(failed)
    }

    fn hide(&self, x: &X) -> Result<(), SourceError> {
        for window in self.0 {
            x.server.unmap_window(window).map_err(failed)?;
        }
        x.server.flush().map_err(failed)
    }
}

/// Above, below, left and right of a rectangle, outside of it.
fn edges(Area { x, y, width, height }: Area) -> [Area; 4] {
    let edge = EDGE as i32;
    let (right, below) = (x.saturating_add_unsigned(width), y.saturating_add_unsigned(height));
    let across = Area { x: x - edge, y: y - edge, width: width + 2 * EDGE, height: EDGE };
    let down = Area { x: x - edge, y, width: EDGE, height: height.max(1) };
    [across, Area { y: below, ..across }, down, Area { x: right, ..down }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_surround_the_rectangle_and_hide_nothing_of_it() {
        let area = Area { x: 100, y: 50, width: 64, height: 32 };
        for edge in edges(area) {
            assert_eq!(edge.within(area), None, "{edge:?}");
            assert!(edge.width >= EDGE && edge.height >= EDGE);
        }
        let [above, below, left, right] = edges(area);
        assert_eq!((above.y, below.y, left.x, right.x), (47, 82, 97, 164));
        assert_eq!((above.width, left.height), (70, 32));
    }
}
