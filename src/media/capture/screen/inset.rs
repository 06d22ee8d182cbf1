//! The sharer's camera as a small picture in the corner of what they share.

use crate::base::Slot;
use crate::media::capture::feed::Outlet;
use crate::media::capture::video::Video;
use crate::media::frame::Picture;
use crate::media::swscale::{Colour, Scaler, Target};
use ffmpeg_next::format::Pixel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Height of the small picture, and its distance from the corner, as parts of the large one's height.
const HEIGHT: u32 = 5;
const MARGIN: u32 = 40;
/// It is not made smaller than this, in pixels; a share too small for it gets none.
const LEAST: u32 = 72;
/// Its frame, in pixels, and the frame's luma.
const FRAME: u32 = 2;
const FRAME_LUMA: u8 = 20;
/// The small picture's widths are multiples of this: what the converter likes.
const STEP: u32 = 16;

/// Where the camera's pictures come in. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub(in crate::media::capture) struct Camera {
    newest: Slot<Arc<Picture>>,
    connected: Arc<Mutex<Option<Outlet>>>,
}

impl Camera {
    /// Shows this camera from now on; `None`: none.
    pub(in crate::media::capture) fn set(&self, camera: Option<&Video>) {
        let mut connected = self.lock();
        *connected = None;
        self.newest.take();
        *connected = camera.map(|camera| camera.connect(self.newest.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, Option<Outlet>> {
        self.connected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Puts it there.
pub(super) struct Inset {
    camera: Camera,
    last: Option<Arc<Picture>>,
    scaler: Scaler,
}

impl Inset {
    pub(super) fn new(camera: Camera) -> Self {
        Self { camera, last: None, scaler: Scaler::default() }
    }

    /// Takes the newest of the camera's pictures; returns whether that changes anything.
    pub(super) fn look(&mut self) -> bool {
        if self.camera.lock().is_none() {
            return self.last.take().is_some();
        }
        let newest = self.camera.newest.take();
        let new = newest.is_some();
        self.last = newest.or(self.last.take());
        new
    }

    /// Draws it into the lower right corner of `picture`, if there is one.
    pub(super) fn draw(&mut self, picture: &mut Picture) {
        let Some(camera) = &self.last else { return };
        let Some((x, y, width, height)) = place((camera.width, camera.height), (picture.width, picture.height)) else { return };
        frame(picture, (x, y, width, height));
        let (full_w, full_h) = (picture.width as usize, picture.height as usize);
        let (chroma_w, chroma_h) = (full_w.div_ceil(2), full_h.div_ceil(2));
        let chroma = full_w * full_h + (y as usize / 2) * chroma_w + x as usize / 2;
        let mut target = Target {
            format: Pixel::YUV420P,
            width,
            height,
            colour: Colour::of_height(picture.height),
            offsets: [y as usize * full_w + x as usize, chroma, chroma + chroma_w * chroma_h],
            strides: [full_w, chroma_w, chroma_w],
            data: &mut picture.data,
        };
        if let Err(error) = self.scaler.picture(camera, &mut target) {
            tracing::warn!("the camera is not shown beside the screen: {error}");
        }
    }
}

/// Where a camera of one shape goes in a picture: x, y, width, height, all even.
fn place(camera: (u32, u32), picture: (u32, u32)) -> Option<(u32, u32, u32, u32)> {
    let height = (picture.1 / HEIGHT).max(LEAST) & !1;
    let width = (height * camera.0 / camera.1.max(1)).next_multiple_of(STEP);
    let margin = (picture.1 / MARGIN).max(FRAME) & !1;
    let x = picture.0.checked_sub(width + margin)? & !1;
    let y = picture.1.checked_sub(height + margin)? & !1;
    // Half of what is shared stays free of it.
    (width * 2 <= picture.0 && height * 2 <= picture.1 && x >= FRAME && y >= FRAME).then_some((x, y, width, height))
}

fn frame(picture: &mut Picture, (x, y, width, height): (u32, u32, u32, u32)) {
    let row = picture.width as usize;
    let (x, width) = ((x - FRAME) as usize, (width + 2 * FRAME) as usize);
    let rows = (y - FRAME) as usize..(y + height + FRAME) as usize;
    let luma = &mut picture.planes_mut()[0];
    for row in luma.chunks_exact_mut(row).take(rows.end).skip(rows.start) {
        let end = (x + width).min(row.len());
        row[x..end].fill(FRAME_LUMA);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::capture::feed::PictureFeed;
    use crate::media::convert::ToRgba;
    use crate::media::frame::Pool;
    use std::time::Duration;

    fn plain(width: u32, height: u32, [luma, u, v]: [u8; 3]) -> Picture {
        let mut picture =
            Picture { width, height, captured: Duration::ZERO, data: Pool::new().take(Picture::len(width, height)) };
        let planes = picture.planes_mut();
        for (plane, value) in planes.into_iter().zip([luma, u, v]) {
            plane.fill(value);
        }
        picture
    }

    #[test]
    fn the_camera_is_a_small_picture_in_the_corner_and_goes_when_it_is_off() {
        let (camera, feed) = (Camera::default(), PictureFeed::default());
        let mut inset = Inset::new(camera.clone());
        *camera.lock() = Some(feed.outlets().connect(camera.newest.clone()));
        // Red by BT.601, which a large picture does not use.
        feed.deliver(plain(640, 360, [81, 90, 240]), &mut ToRgba::new());
        assert!(inset.look());
        for (width, height) in [(1920, 1080), (1280, 800), (802, 602)] {
            let mut picture = plain(width, height, [200, 128, 128]);
            inset.draw(&mut picture);
            let (x, y, w, h) = place((640, 360), (width, height)).unwrap();
            let luma = |x: u32, y: u32| picture.planes()[0][(y * width + x) as usize];
            assert_eq!((luma(x - 1, y + h / 2), luma(x - 3, y + h / 2), luma(0, 0)), (FRAME_LUMA, 200, 200));
            let shown = ToRgba::new().picture(&picture).unwrap();
            for (x, y) in [(x + w / 2, y + h / 2), (x + 4, y + 4), (x + w - 5, y + h - 5)] {
                let pixel = &shown.data[((y * width + x) * 4) as usize..][..3];
                assert!(pixel[0] > 235 && pixel[1] < 20 && pixel[2] < 20, "{width}x{height} at {x},{y}: {pixel:?}");
            }
        }
        camera.set(None);
        assert!(inset.look() && !inset.look());
        let mut picture = plain(1280, 720, [200, 128, 128]);
        inset.draw(&mut picture);
        assert!(picture.planes()[0].iter().all(|luma| *luma == 200));
    }

    #[test]
    fn a_share_that_is_small_has_no_room_for_it() {
        assert_eq!(place((640, 360), (200, 100)), None);
        assert_eq!(place((640, 360), (100, 1000)), None);
        assert!(place((360, 640), (640, 360)).is_some());
    }
}
