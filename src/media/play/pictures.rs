//! Decoded pictures that wait for their moment: at most two.

use std::collections::VecDeque;
use std::time::Duration;

/// Pictures that may wait: one is due next, one has been decoded meanwhile.
const WAITING: usize = 2;

/// The waiting pictures, in the order of display.
#[derive(Debug)]
pub(super) struct Pictures<T> {
    waiting: VecDeque<(i64, T)>,
    dropped: u64,
}

impl<T> Pictures<T> {
    pub(super) fn new() -> Self {
        Self { waiting: VecDeque::with_capacity(WAITING + 1), dropped: 0 }
    }

    /// Whether another picture may be decoded.
    pub(super) fn has_room(&self) -> bool {
        self.waiting.len() < WAITING
    }

    /// Adds a picture of this media time. One decoder call can yield several: the oldest gives way.
    pub(super) fn push(&mut self, media_us: i64, picture: T) {
        self.waiting.push_back((media_us, picture));
        if self.waiting.len() > 2 * WAITING {
            self.waiting.pop_front();
            self.dropped += 1;
        }
    }

    /// The newest picture that is due; older ones that were due as well are dropped and counted.
    pub(super) fn take_due(&mut self, now: Duration, due: impl Fn(i64) -> Duration) -> Option<(i64, T)> {
        let mut newest = None;
        while self.waiting.front().is_some_and(|(media_us, _)| due(*media_us) <= now) {
            self.dropped += u64::from(newest.is_some());
            newest = self.waiting.pop_front();
        }
        newest
    }

    /// The next picture, due or not.
    pub(super) fn take_next(&mut self) -> Option<(i64, T)> {
        self.waiting.pop_front()
    }

    /// Media time of the picture that is due next.
    pub(super) fn next(&self) -> Option<i64> {
        self.waiting.front().map(|(media_us, _)| *media_us)
    }

    /// Counts pictures that were not even converted, or not decoded, because a newer one is due.
    pub(super) fn count_dropped(&mut self, count: usize) {
        self.dropped += count as u64;
    }

    /// Pictures that were never shown.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Another stream begins.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(media_us: i64) -> Duration {
        Duration::from_micros(media_us as u64)
    }

    #[test]
    fn a_picture_is_shown_at_its_time_and_the_newest_of_late_ones() {
        let mut pictures = Pictures::new();
        pictures.push(33_000, 'a');
        assert!(pictures.has_room());
        pictures.push(66_000, 'b');
        assert!(!pictures.has_room());
        assert_eq!(pictures.take_due(Duration::from_millis(32), due), None);
        assert_eq!(pictures.take_due(Duration::from_millis(33), due), Some((33_000, 'a')));
        assert_eq!(pictures.next(), Some(66_000));
        pictures.push(99_000, 'c');
        assert_eq!(pictures.take_due(Duration::from_millis(200), due), Some((99_000, 'c')));
        assert_eq!((pictures.dropped(), pictures.next()), (1, None));
    }

    #[test]
    fn never_more_than_a_few_wait() {
        let mut pictures = Pictures::new();
        for i in 0..100 {
            pictures.push(i, i);
        }
        assert_eq!((pictures.waiting.len(), pictures.dropped()), (4, 96));
    }
}
