//! How late packets come: the difference between arrival and media time over the last seconds.
//!
//! The smallest difference in the window is the network's floor (`base`); how far the others lie above it is what a jitter buffer must
//! cover. The floor is forgotten with the window, so a slow drift of the two clocks and a longer way through the network are followed.

use std::collections::VecDeque;
use std::time::Duration;

/// Arrivals that count.
const WINDOW: Duration = Duration::from_secs(3);
/// A window never holds more: 4 s of 10 ms packets.
const MOST: usize = 400;

/// The arrivals of one medium of one stream.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// When, and arrival minus media time in microseconds.
    window: VecDeque<(Duration, i64)>,
    sorted: Vec<i64>,
    jitter_us: f64,
}

impl Arrivals {
    /// Notes a packet of this media time.
    pub(super) fn note(&mut self, media_us: i64, arrived: Duration) {
        let difference = micros(arrived) - media_us;
        if let Some(&(_, last)) = self.window.back() {
            // RFC 3550, 6.4.1.
            self.jitter_us += ((difference - last).abs() as f64 - self.jitter_us) / 16.0;
        }
        while self.window.len() >= MOST || self.window.front().is_some_and(|(at, _)| *at + WINDOW < arrived) {
            self.window.pop_front();
        }
        self.window.push_back((arrived, difference));
        self.sorted.clear();
        self.sorted.extend(self.window.iter().map(|(_, d)| *d));
        self.sorted.sort_unstable();
    }

    /// Arrival minus media time of the fastest packet, in microseconds.
    pub(super) fn base_us(&self) -> Option<i64> {
        self.sorted.first().copied()
    }

    /// Arrival minus media time that 95 % of the packets do not exceed, in microseconds.
    pub(super) fn p95_us(&self) -> Option<i64> {
        self.sorted.get(self.sorted.len() * 95 / 100).copied()
    }

    /// By how much 5 % of the packets are later than the fastest, in microseconds.
    pub(super) fn spread_us(&self) -> i64 {
        self.p95_us().zip(self.base_us()).map_or(0, |(late, base)| late - base)
    }

    /// Interarrival jitter as RTP defines it, in microseconds.
    pub(super) fn jitter_us(&self) -> f64 {
        self.jitter_us
    }

    /// When the newest packet came.
    pub(super) fn last(&self) -> Option<Duration> {
        self.window.back().map(|(at, _)| *at)
    }

    /// Whether a packet of this media time belongs to another time line than those before it.
    pub(super) fn is_foreign(&self, media_us: i64, arrived: Duration) -> bool {
        let last = self.window.back().map(|(_, d)| *d);
        last.is_some_and(|last| (micros(arrived) - media_us - last).abs() > FOREIGN_US)
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// A step of the difference beyond this is no delay but a new time line (another publisher under the same name).
const FOREIGN_US: i64 = 10_000_000;

/// Microseconds of a moment or a length.
pub(super) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// The moment `us` microseconds after the epoch; the epoch itself if that is before it.
pub(super) fn moment(us: i64) -> Duration {
    Duration::from_micros(u64::try_from(us).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floor_and_spread_come_from_the_window() {
        let mut arrivals = Arrivals::default();
        for i in 0..200_i64 {
            let late = if i % 10 == 0 { 40_000 } else { 0 };
            arrivals.note(i * 20_000, moment(5_000_000 + i * 20_000 + late));
        }
        assert_eq!((arrivals.base_us(), arrivals.spread_us()), (Some(5_000_000), 40_000));
        // The way becomes 100 ms longer and steady: after the window has passed, that is the floor.
        for i in 200..400_i64 {
            arrivals.note(i * 20_000, moment(5_100_000 + i * 20_000));
        }
        assert_eq!((arrivals.base_us(), arrivals.spread_us()), (Some(5_100_000), 0));
    }

    #[test]
    fn another_time_line_is_recognised() {
        let mut arrivals = Arrivals::default();
        arrivals.note(0, Duration::from_secs(100));
        assert!(!arrivals.is_foreign(20_000, Duration::from_secs(105)));
        assert!(arrivals.is_foreign(3_600_000_000, Duration::from_secs(101)));
    }
}
