//! The near end of a source: what its thread writes to, and whoever listens reads from.

use super::source::SourceError;
use crate::base::{Queue, Slot};
use crate::media::beauty;
use crate::media::convert::ToRgba;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, Picture, Rgba};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A preview that was not looked at so often in a row is not made any more until somebody has looked: a bot has no eyes, and a window that
/// is hidden or shut neither.
const IGNORED: u64 = 8;
/// Chunks over which the level is averaged: 100 ms.
const LEVEL_CHUNKS: usize = 10;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Places that want what a source delivers.
#[derive(Debug)]
pub(super) struct Outlets<S>(Arc<Mutex<Vec<(u64, S)>>>);

impl<S> Clone for Outlets<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Default for Outlets<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Clone + Send + 'static> Outlets<S> {
    /// Adds a place until the returned guard is dropped.
    pub(super) fn connect(&self, place: S) -> Outlet {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&self.0).push((id, place));
        let outlets = self.clone();
        Outlet(Some(Box::new(move || lock(&outlets.0).retain(|(other, _)| *other != id))))
    }

    /// The places, as they are now.
    pub(super) fn all(&self) -> Vec<S> {
        lock(&self.0).iter().map(|(_, place)| place.clone()).collect()
    }
}

/// A connection to a source; dropping it ends the deliveries.
#[must_use = "dropping it ends the deliveries"]
pub struct Outlet(Option<Box<dyn FnOnce() + Send>>);

impl Drop for Outlet {
    fn drop(&mut self) {
        if let Some(disconnect) = self.0.take() {
            disconnect();
        }
    }
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outlet")
    }
}

/// Where a picture source writes to. Clones are the same feed.
#[derive(Clone, Debug, Default)]
pub(super) struct PictureFeed(Arc<PictureInner>);

#[derive(Debug, Default)]
struct PictureInner {
    outlets: Outlets<Slot<Arc<Picture>>>,
    previews: Outlets<Slot<Rgba>>,
    delivered: AtomicU64,
    /// Whether pictures are handed over left-right swapped.
    mirrored: AtomicBool,
    /// Whether previews are planes.
    planes: AtomicBool,
    /// Whether the last picture could not be converted for the previews.
    unshowable: AtomicBool,
    beauty: Mutex<beauty::Control>,
    failure: Mutex<Option<SourceError>>,
}

impl PictureFeed {
    pub(super) fn outlets(&self) -> &Outlets<Slot<Arc<Picture>>> {
        &self.0.outlets
    }

    pub(super) fn previews(&self) -> &Outlets<Slot<Rgba>> {
        &self.0.previews
    }

    /// Makes pictures more beautiful from now on, as this control says.
    pub(super) fn set_beauty(&self, control: beauty::Control) {
        *lock(&self.0.beauty) = control;
    }

    /// Hands a picture to everybody: first to the encoders, then, converted, to the previews.
    pub(super) fn deliver(&self, mut picture: Picture, to_rgba: &mut ToRgba) {
        if self.0.mirrored.load(Ordering::Relaxed) {
            picture.mirror();
        }
        self.fail(None);
        self.0.delivered.fetch_add(1, Ordering::Relaxed);
        let beauty = lock(&self.0.beauty).clone();
        beauty.apply(&mut picture);
        let picture = Arc::new(picture);
        for slot in self.0.outlets.all() {
            slot.put(Arc::clone(&picture));
        }
        to_rgba.set_planes(self.0.planes.load(Ordering::Relaxed));
        for slot in self.0.previews.all().iter().filter(|slot| !slot.is_ignored(IGNORED)) {
            match to_rgba.picture(&picture) {
                Ok(rgba) => {
                    self.0.unshowable.store(false, Ordering::Relaxed);
                    slot.put(rgba);
                }
                // One word for all that follow each other.
                Err(error) if !self.0.unshowable.swap(true, Ordering::Relaxed) => tracing::warn!("no preview: {error}"),
                Err(_) => {}
            }
        }
    }

    /// Hands pictures over left-right swapped from the next one on, or as they come.
    pub(super) fn set_mirrored(&self, on: bool) {
        self.0.mirrored.store(on, Ordering::Relaxed);
    }

    /// Makes previews for a screen that works out colours itself.
    pub(super) fn set_planes(&self, on: bool) {
        self.0.planes.store(on, Ordering::Relaxed);
    }

    pub(super) fn delivered(&self) -> u64 {
        self.0.delivered.load(Ordering::Relaxed)
    }

    /// Says that the source does not deliver now, and why; `None`: it does.
    pub(super) fn fail(&self, error: Option<SourceError>) {
        *lock(&self.0.failure) = error;
    }

    pub(super) fn failure(&self) -> Option<SourceError> {
        lock(&self.0.failure).clone()
    }
}

/// Loudness of a source's last 100 ms, to be read by whoever shows it. Clones are the same meter.
#[derive(Clone, Debug, Default)]
pub struct Level(Arc<AtomicU32>);

impl Level {
    /// RMS, full scale is 1.
    pub fn rms(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }

    fn set(&self, rms: f32) {
        self.0.store(rms.to_bits(), Ordering::Relaxed);
    }
}

/// Where a sound source writes to. Clones are the same feed.
#[derive(Clone, Debug, Default)]
pub(super) struct SoundFeed(Arc<SoundInner>);

#[derive(Debug, Default)]
struct SoundInner {
    outlets: Outlets<Queue<Chunk>>,
    /// Mean squares of the last chunks.
    recent: Mutex<VecDeque<f32>>,
    level: Level,
    failure: Mutex<Option<SourceError>>,
}

impl SoundFeed {
    pub(super) fn outlets(&self) -> &Outlets<Queue<Chunk>> {
        &self.0.outlets
    }

    /// Hands a chunk to everybody and measures it.
    pub(super) fn deliver(&self, chunk: &Chunk) {
        let power = chunk.samples.iter().map(|s| s * s).sum::<f32>() / CHUNK_SAMPLES as f32;
        let mut recent = lock(&self.0.recent);
        if recent.len() == LEVEL_CHUNKS {
            recent.pop_front();
        }
        recent.push_back(power);
        let level = (recent.iter().sum::<f32>() / recent.len() as f32).sqrt();
        drop(recent);
        self.0.level.set(level);
        for queue in self.0.outlets.all() {
            queue.push(chunk.clone());
        }
    }

    pub(super) fn level(&self) -> &Level {
        &self.0.level
    }

    /// See [`PictureFeed::fail`].
    pub(super) fn fail(&self, error: Option<SourceError>) {
        *lock(&self.0.failure) = error;
    }

    pub(super) fn failure(&self) -> Option<SourceError> {
        lock(&self.0.failure).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::frame::Pool;
    use std::time::Duration;

    fn picture() -> Picture {
        let mut data = Pool::new().take(Picture::len(64, 36));
        data.fill(128);
        Picture { width: 64, height: 36, captured: Duration::ZERO, data }
    }

    #[test]
    fn everybody_connected_gets_the_picture_and_nobody_else() {
        let feed = PictureFeed::default();
        let (a, b, preview) = (Slot::new(), Slot::new(), Slot::new());
        let (_a, b_outlet, _p) =
            (feed.outlets().connect(a.clone()), feed.outlets().connect(b.clone()), feed.previews().connect(preview.clone()));
        feed.deliver(picture(), &mut ToRgba::new());
        let (in_a, in_b) = (a.take().unwrap(), b.take().unwrap());
        assert!(Arc::ptr_eq(&in_a, &in_b), "shared, not copied");
        assert_eq!(preview.take().map(|p| (p.width, p.height)), Some((64, 36)));
        drop(b_outlet);
        feed.deliver(picture(), &mut ToRgba::new());
        assert!(a.take().is_some() && b.take().is_none());
        assert_eq!(feed.delivered(), 2);
    }

    #[test]
    fn a_preview_that_nobody_looks_at_is_not_made_until_somebody_looks() {
        let (feed, preview) = (PictureFeed::default(), Slot::new());
        let _p = feed.previews().connect(preview.clone());
        let mut deliver = |ms| {
            feed.deliver(Picture { captured: Duration::from_millis(ms), ..picture() }, &mut ToRgba::new());
        };
        (0..100).for_each(&mut deliver);
        assert_eq!(preview.replaced(), IGNORED);
        assert!(preview.take().is_some(), "an old one, for once");
        deliver(100);
        assert_eq!(preview.take().and_then(|p| p.captured), Some(Duration::from_millis(100)));
    }

    #[test]
    fn a_picture_heals_a_failure() {
        let feed = PictureFeed::default();
        feed.fail(Some(SourceError::new(super::super::SourceErrorKind::Stalled, "test")));
        assert!(feed.failure().is_some());
        feed.deliver(picture(), &mut ToRgba::new());
        assert_eq!(feed.failure(), None);
    }

    #[test]
    fn the_level_is_that_of_the_last_tenth_of_a_second() {
        let feed = SoundFeed::default();
        let loud = Chunk { captured: Duration::ZERO, samples: [0.5; CHUNK_SAMPLES] };
        let silent = Chunk { captured: Duration::ZERO, samples: [0.0; CHUNK_SAMPLES] };
        for _ in 0..LEVEL_CHUNKS {
            feed.deliver(&loud);
        }
        assert!((feed.level().rms() - 0.5).abs() < 1e-6);
        for _ in 0..LEVEL_CHUNKS / 2 {
            feed.deliver(&silent);
        }
        assert!((feed.level().rms() - 0.5 * 0.5_f32.sqrt()).abs() < 1e-6);
        for _ in 0..LEVEL_CHUNKS / 2 {
            feed.deliver(&silent);
        }
        assert_eq!(feed.level().rms(), 0.0);
    }
}
