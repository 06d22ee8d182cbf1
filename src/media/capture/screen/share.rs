//! The thread that looks at the screen, so many times a second, and delivers what it sees.

use super::grab::{Grab, Shot};
use super::inset::{Camera, Inset};
use super::target::{Target, picture_size};
use crate::base::{Clock, Stop, Worker};
use crate::media::capture::feed::PictureFeed;
use crate::media::capture::pattern::next_due;
use crate::media::capture::source::{Format, SourceError, SourceErrorKind};
use crate::media::convert::{FromScreen, ToRgba};
use crate::media::frame::{Picture, Pool};
use std::time::Duration;

/// What does not change is delivered again this often: whoever comes later sees it soon, and nobody takes the pause for an end.
const STILL: Duration = Duration::from_millis(250);
/// How long to wait for a system that gives pictures when it likes.
const PATIENCE: Duration = Duration::from_millis(20);

/// A running capture of the screen. Dropping it ends it.
#[derive(Debug)]
pub(in crate::media::capture) struct Share {
    camera: Camera,
    _worker: Worker,
}

impl Share {
    /// Opens what is to be shared; returns it and the size of the first picture. Pictures are at most as large as `format`, in the shape of what
    /// they show, and follow its size.
    pub(in crate::media::capture) fn open(
        target: Target,
        format: Format,
        feed: PictureFeed,
        clock: Clock,
    ) -> Result<(Self, (u32, u32)), SourceError> {
        let camera = Camera::default();
        let inset = Inset::new(camera.clone());
        let open = move || {
            let grab = super::open(&target)?;
            let size = picture_size(grab.size(), (format.width, format.height));
            Ok::<_, SourceError>((grab, size))
        };
        let run = move |grab: Box<dyn Grab>, stop: &Stop| Run::new(format, feed, clock, inset).run(grab, stop);
        let (worker, size) = Worker::open("screen", open, run)?;
        Ok((Self { camera, _worker: worker }, size))
    }

    /// Where the camera goes that is shown in the corner.
    pub(in crate::media::capture) fn camera(&self) -> &Camera {
        &self.camera
    }
}

struct Run {
    format: Format,
    feed: PictureFeed,
    clock: Clock,
    inset: Inset,
    convert: FromScreen,
    pool: Pool,
    to_rgba: ToRgba,
    /// What is shared as it was seen last, without the camera.
    base: Option<Picture>,
    delivered: Option<Duration>,
}

impl Run {
    fn new(format: Format, feed: PictureFeed, clock: Clock, inset: Inset) -> Self {
        let (convert, pool, to_rgba) = (FromScreen::default(), Pool::new(), ToRgba::new());
        Self { format, feed, clock, inset, convert, pool, to_rgba, base: None, delivered: None }
    }

    fn run(mut self, mut grab: Box<dyn Grab>, stop: &Stop) {
        loop {
            let seen = grab.grab(PATIENCE).and_then(|shot| self.take(shot));
            let changed = match seen {
                Ok(changed) => changed,
                Err(error) => {
                    tracing::info!("sharing ends: {error}");
                    return self.feed.fail(Some(error));
                }
            };
            let now = self.clock.now();
            if self.inset.look() || changed || self.delivered.is_none_or(|at| now.saturating_sub(at) >= STILL) {
                self.deliver(now);
            }
            let now = self.clock.now();
            if stop.wait(next_due(now, self.format.fps).saturating_sub(now)) {
                return;
            }
        }
    }

    /// Keeps what was seen; returns whether it is something new.
    fn take(&mut self, shot: Option<Shot<'_>>) -> Result<bool, SourceError> {
        let Some(shot) = shot else { return Ok(false) };
        let size = picture_size(shot.pixels.size, (self.format.width, self.format.height));
        let same = self.base.as_ref().is_some_and(|base| (base.width, base.height) == size);
        if same && !shot.changed {
            return Ok(false);
        }
        let converted = self.convert.picture(shot.pixels, size);
        self.base = Some(converted.map_err(|e| SourceError::new(SourceErrorKind::UnsupportedFormat, e.to_string()))?);
        Ok(true)
    }

    fn deliver(&mut self, now: Duration) {
        let Some(base) = &self.base else { return };
        let mut data = self.pool.take(base.data.len());
        data.copy_from_slice(&base.data);
        let mut picture = Picture { width: base.width, height: base.height, captured: now, data };
        self.inset.draw(&mut picture);
        self.delivered = Some(now);
        self.feed.deliver(picture, &mut self.to_rgba);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Slot;
    use crate::media::convert::{Order, Pixels};
    use std::collections::VecDeque;

    /// What is "on the screen": sizes and grey levels, one after the other; then the window is closed.
    struct Script(VecDeque<Option<((u32, u32), u8)>>, Vec<u8>);

    impl Grab for Script {
        fn size(&self) -> (u32, u32) {
            (64, 64)
        }

        fn grab(&mut self, _limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
            let next = self.0.pop_front().ok_or_else(|| SourceError::new(SourceErrorKind::Gone, "closed"))?;
            Ok(next.map(|((width, height), grey)| {
                let stride = width as usize * 4 + 16;
                let changed = self.1.len() != stride * height as usize || self.1[0] != grey;
                self.1 = vec![grey; stride * height as usize];
                let pixels = Pixels { size: (width, height), stride, order: Order::Bgr, data: &self.1 };
                Shot { pixels, changed }
            }))
        }
    }

    #[test]
    fn what_changes_is_delivered_in_its_own_size_until_it_is_gone() {
        let script = [Some(((64, 48), 255)), None, Some(((64, 48), 255)), Some(((40, 80), 0))];
        let feed = PictureFeed::default();
        let slot = Slot::new();
        let _outlet = feed.outlets().connect(slot.clone());
        let clock = Clock::manual(Duration::from_secs(1));
        let format = Format { width: 1920, height: 1080, fps: 1000 };
        let mut run = Run::new(format, feed.clone(), clock, Inset::new(Camera::default()));
        let mut grab = Script(script.into(), Vec::new());
        let mut seen = Vec::new();
        while let Ok(shot) = grab.grab(Duration::ZERO) {
            seen.push(run.take(shot).unwrap());
            run.deliver(Duration::from_secs(1));
        }
        assert_eq!(seen, [true, false, false, true]);
        let last = slot.take().unwrap();
        assert_eq!((last.width, last.height, last.planes()[0][0]), (40, 80, 16));
        let script = Script([Some(((64, 48), 255))].into(), Vec::new());
        Run::new(format, feed.clone(), Clock::system(), Inset::new(Camera::default())).run(Box::new(script), &Stop::new());
        assert_eq!(feed.failure().map(|failure| failure.kind), Some(SourceErrorKind::Gone));
        let first = slot.take().unwrap();
        assert_eq!((first.width, first.height, first.planes()[0][0]), (64, 48, 235));
    }
}
