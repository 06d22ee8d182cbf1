//! One's own picture: a running source.

use super::camera;
use super::feed::{Outlet, PictureFeed};
use super::file;
use super::pattern::Pattern;
use super::pause::{self, Card};
use super::screen::Share;
use super::source::{Format, SourceError, VideoSource};
use crate::base::{Clock, Slot, Stop, Worker};
use crate::media::beauty;
use crate::media::convert::ToRgba;
use crate::media::devices::Using;
use crate::media::frame::{Picture, Rgba};
use std::sync::Arc;

/// A running source of pictures. Dropping it releases the device or file.
///
/// ```no_run
/// use parlor::base::{Clock, Slot};
/// use parlor::media::capture::{Format, Video, VideoSource};
/// let video = Video::open(VideoSource::Pattern, Format::default(), Clock::system())?;
/// let newest = Slot::new();
/// let _connected = video.connect(newest.clone());
/// let picture = newest.take_within(std::time::Duration::from_secs(1));
/// # Ok::<(), parlor::media::capture::SourceError>(())
/// ```
#[derive(Debug)]
pub struct Video {
    source: VideoSource,
    format: Format,
    feed: PictureFeed,
    engine: Engine,
}

/// What keeps the pictures coming.
#[derive(Debug)]
#[allow(dead_code, reason = "some are held for their Drop only")]
enum Engine {
    Idle,
    Thread(Worker),
    Camera(camera::Camera),
    File(file::Tap),
    Screen(Share),
}

impl Video {
    /// Opens a source; returns when it delivers, or when it is clear that it cannot. Pictures come as `format` says: other shapes get
    /// bars, other sizes are scaled, a slower source stays slower. What is on the screen keeps its shape, is not made larger, and may change its size. [`VideoSource::None`] opens and delivers nothing.
    ///
    /// Blocks while the device opens: up to some seconds for a camera.
    ///
    /// # Errors
    /// When there is no such device or file, or it cannot be used now; the kind says which.
    pub fn open(source: VideoSource, format: Format, clock: Clock) -> Result<Self, SourceError> {
        let feed = PictureFeed::default();
        let (engine, format) = match &source {
            VideoSource::None => (Engine::Idle, format),
            VideoSource::Pattern => {
                let feed = feed.clone();
                let run = move |stop: &Stop| run_pattern(&Pattern::new(format), &feed, &clock, stop);
                (Engine::Thread(Worker::spawn("pattern", run)?), format)
            }
            VideoSource::Camera(id) => {
                let (camera, fps) = camera::Camera::open(id.clone().into(), format, feed.clone(), clock)?;
                (Engine::Camera(camera), Format { fps, ..format })
            }
            VideoSource::File(path) => {
                let (tap, fps) = file::pictures(path, format, feed.clone(), clock)?;
                (Engine::File(tap), Format { fps, ..format })
            }
            VideoSource::Screen(target) => {
                let (share, (width, height)) = Share::open(target.clone(), format, feed.clone(), clock)?;
                (Engine::Screen(share), Format { width, height, ..format })
            }
        };
        Ok(Self { source, format, feed, engine })
    }

    /// What is shown while there is no other picture, a few times a second; returns at once. When its image cannot be used, `failed` is told, on
    /// another thread, and initials are shown.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn pause(
        card: Card,
        format: Format,
        clock: Clock,
        failed: impl FnOnce(SourceError) + Send + 'static,
    ) -> Result<Self, SourceError> {
        let feed = PictureFeed::default();
        let inside = feed.clone();
        let worker = Worker::spawn("pause", move |stop| {
            let (still, error) = card.draw(format);
            if let Some(error) = error {
                failed(error);
            }
            pause::run(&still, &inside, &clock, stop);
        })?;
        let format = Format { fps: pause::FPS, ..format };
        Ok(Self { source: VideoSource::None, format, feed, engine: Engine::Thread(worker) })
    }

    /// What was opened.
    pub fn source(&self) -> &VideoSource {
        &self.source
    }

    /// Size of the pictures, and how many a second the source gives at most.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Hands pictures over left-right swapped from the next one on, or as they come.
    pub fn set_mirrored(&self, on: bool) {
        self.feed.set_mirrored(on);
    }

    /// Makes previews for a screen that works out colours itself, from the next one on.
    pub fn set_planes(&self, on: bool) {
        self.feed.set_planes(on);
    }

    /// Puts each picture into `slot`, until the guard is dropped.
    pub fn connect(&self, slot: Slot<Arc<Picture>>) -> Outlet {
        self.feed.outlets().connect(slot)
    }

    /// Puts each picture into `slot` as RGBA, until the guard is dropped.
    pub fn show_in(&self, slot: Slot<Rgba>) -> Outlet {
        self.feed.previews().connect(slot)
    }

    /// Shows `camera` as a small picture in the corner of what is shared of the screen; other sources show nothing else.
    pub fn set_inset(&self, camera: Option<&Self>) {
        if let Engine::Screen(share) = &self.engine {
            share.camera().set(camera);
        }
    }

    /// Makes its pictures more beautiful from now on, as this control says.
    pub fn set_beauty(&self, control: beauty::Control) {
        self.feed.set_beauty(control);
    }

    /// The camera that is open; another kind of source uses none.
    pub fn using(&self) -> Option<Using> {
        if let Engine::Camera(camera) = &self.engine { Some(camera.using()) } else { None }
    }

    /// Pictures delivered so far.
    pub fn delivered(&self) -> u64 {
        self.feed.delivered()
    }

    /// Why no pictures come just now; the source goes on trying by itself.
    pub fn failure(&self) -> Option<SourceError> {
        self.feed.failure()
    }
}

fn run_pattern(pattern: &Pattern, feed: &PictureFeed, clock: &Clock, stop: &Stop) {
    let mut to_rgba = ToRgba::new();
    loop {
        let now = clock.now();
        let due = pattern.next_due(now);
        if stop.wait(due.saturating_sub(now)) {
            return;
        }
        feed.deliver(pattern.draw(clock.now().max(due)), &mut to_rgba);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_pattern_comes_on_time_and_in_order() {
        let format = Format { width: 320, height: 180, fps: 30 };
        let video = Video::open(VideoSource::Pattern, format, Clock::system()).unwrap();
        let (slot, preview) = (Slot::new(), Slot::new());
        let (outlet, _shown) = (video.connect(slot.clone()), video.show_in(preview.clone()));
        let mut last = Duration::ZERO;
        for _ in 0..5 {
            let picture = slot.take_within(Duration::from_secs(20)).unwrap();
            assert!(picture.captured > last);
            last = picture.captured;
        }
        assert!(preview.take_within(Duration::from_secs(20)).is_some());
        drop(outlet);
        slot.take();
        assert!(slot.take_within(Duration::from_millis(200)).is_none());
        assert!(video.delivered() >= 5);
    }

    #[test]
    fn no_source_is_silent_and_no_error() {
        let video = Video::open(VideoSource::None, Format::default(), Clock::system()).unwrap();
        assert_eq!((video.delivered(), video.failure()), (0, None));
    }

    #[test]
    fn a_camera_that_is_not_there_is_an_error_at_once() {
        let open = |id: &str| Video::open(VideoSource::Camera(Some(id.into())), Format::default(), Clock::system());
        assert_eq!(open("no-such-camera").unwrap_err().kind, super::super::SourceErrorKind::NoDevice);
    }
}
