//! The last minute of a stream.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What people look back on.
const SPAN: Duration = Duration::from_secs(60);
/// Samples come ten a second; a few milliseconds early counts as on time, so that a timer's jitter leaves no holes.
const EVERY: Duration = Duration::from_millis(95);
/// A minute of them, and some.
const MOST: usize = 640;
/// Length of a step of [`History::seconds`].
const SECOND: Duration = Duration::from_secs(1);

/// Figures of a moment.
pub trait Sample: Copy {
    /// When, by the local clock.
    fn at(&self) -> Duration;
}

/// Ten samples a second of the last minute. Clones are the same history: the pipeline writes, anybody reads.
#[derive(Debug)]
pub struct History<S>(Arc<Mutex<VecDeque<S>>>);

impl<S> Clone for History<S> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<S> Default for History<S> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<S: Sample> History<S> {
    /// Whether it is time for the next sample.
    pub fn is_due(&self, now: Duration) -> bool {
        self.lock().back().is_none_or(|last| now.saturating_sub(last.at()) >= EVERY)
    }

    /// Adds a sample, unless the one before is younger than a tenth of a second.
    pub fn add(&self, sample: S) {
        if !self.is_due(sample.at()) {
            return;
        }
        let mut samples = self.lock();
        while samples.len() >= MOST || samples.front().is_some_and(|first| first.at() + SPAN < sample.at()) {
            samples.pop_front();
        }
        samples.push_back(sample);
    }

    /// Those taken after this moment, oldest first.
    pub fn after(&self, at: Duration) -> Vec<S> {
        let samples = self.lock();
        let from = samples.partition_point(|sample| sample.at() <= at);
        samples.range(from..).copied().collect()
    }

    /// One figure for each of the last sixty seconds before `now`, oldest first: `of` makes it of that second's samples. `None` where
    /// there are none, or where `of` knows none.
    pub fn seconds(&self, now: Duration, of: impl Fn(&[S]) -> Option<f32>) -> Vec<Option<f32>> {
        let mut samples = self.lock();
        let samples = &*samples.make_contiguous();
        (0..SPAN.as_secs())
            .map(|second| {
                // A sample belongs to the second that ends with it.
                let begin = now.saturating_sub(SPAN - SECOND * u32::try_from(second).unwrap_or(0));
                let from = samples.partition_point(|sample| sample.at() <= begin);
                let to = samples.partition_point(|sample| sample.at() <= begin + SECOND);
                samples.get(from..to).filter(|some| !some.is_empty()).and_then(&of)
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::PlaySample;
    use super::*;

    fn sample(ms: u64, kbps: f32) -> PlaySample {
        PlaySample { at: Duration::from_millis(ms), kbps, ..PlaySample::default() }
    }

    #[test]
    fn ten_a_second_are_kept_for_a_minute() {
        let history = History::default();
        for ms in (0..200_000).step_by(20) {
            history.add(sample(ms, 1.0));
        }
        let kept = history.after(Duration::ZERO);
        assert_eq!(kept.len(), 601, "a minute of tenths");
        assert!(kept.windows(2).all(|two| two[1].at - two[0].at == Duration::from_millis(100)));
        let last = kept[kept.len() - 1].at;
        assert_eq!(last, Duration::from_millis(199_900));
        assert_eq!(history.after(last - Duration::from_millis(250)).len(), 3);
        assert!(history.after(last).is_empty());
    }

    #[test]
    fn seconds_stand_where_they_were_and_holes_stay_holes() {
        let history = History::default();
        for ms in (100..=60_000).step_by(100).filter(|ms| !(30_000..40_000).contains(ms)) {
            history.add(sample(ms, ms as f32));
        }
        let now = Duration::from_secs(60);
        let largest = |samples: &[PlaySample]| samples.iter().map(|s| s.kbps).reduce(f32::max);
        let seconds = history.seconds(now, largest);
        assert_eq!((seconds.len(), seconds[0], seconds[59]), (60, Some(1_000.0), Some(60_000.0)));
        assert_eq!((seconds[28], seconds[31], seconds[40]), (Some(29_000.0), None, Some(41_000.0)));
        assert!(History::default().seconds(now, largest).iter().all(Option::is_none));
        assert_eq!(history.seconds(now + Duration::from_secs(30), largest)[29], Some(60_000.0), "time goes on");
    }

    #[test]
    fn clones_are_the_same_history() {
        let history = History::default();
        history.clone().add(sample(5, 1.0));
        assert_eq!(history.after(Duration::ZERO).len(), 1);
    }
}
