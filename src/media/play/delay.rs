//! How late packets come: the difference between arrival and media time over the last seconds.
//!
//! The smallest difference in the window is the network's floor; how far the others lie above it is what a jitter buffer must cover.
//! The floor is forgotten with the window, so a slow drift of the two clocks and a longer way through the network are followed.
//!
//! A stall (everything stands, then all comes at once, as TCP does it) is covered only when it happens again within seconds: for one alone,
//! people would pay with delay for seconds after it is over.

use std::collections::VecDeque;
use std::time::Duration;

/// Arrivals that count.
const WINDOW: Duration = Duration::from_secs(3);
/// A window never holds more: 4 s of 10 ms packets.
const MOST: usize = 400;
/// What has come within this is how the network is now.
const LATEST: Duration = Duration::from_millis(500);
/// What has not come for this long...
const CALM: Duration = Duration::from_millis(1500);
/// ...is over, but for this much.
const CALM_SPARE_US: i64 = 20_000;
/// Later than this is no jitter but a stall...
const STALL_US: i64 = 100_000;
/// ...which is over when packets are no later than this.
const OVER_US: i64 = 50_000;
/// Two stalls within this are a habit: on a narrow link each key frame is one, every 3 s.
const HABIT: Duration = Duration::from_secs(4);
/// Stalls remembered: one each 100 ms would be jitter.
const MOST_STALLS: usize = 64;

/// The arrivals of one medium of one stream.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    /// When, and arrival minus media time in microseconds.
    window: VecDeque<(Duration, i64)>,
    sorted: Vec<i64>,
    jitter_us: f64,
    /// When each stall was last noticed, and how late its latest packet was.
    stalls: VecDeque<(Duration, i64)>,
    stalled: bool,
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
        self.watch_for_stalls(difference - self.sorted[0], arrived);
    }

    fn watch_for_stalls(&mut self, late_us: i64, arrived: Duration) {
        while self.stalls.len() > MOST_STALLS || self.stalls.front().is_some_and(|(at, _)| *at + HABIT < arrived) {
            self.stalls.pop_front();
        }
        match self.stalls.back_mut() {
            Some(stall) if self.stalled && late_us > OVER_US => *stall = (arrived, stall.1.max(late_us)),
            _ => {
                self.stalled = late_us > STALL_US;
                if self.stalled {
                    self.stalls.push_back((arrived, late_us));
                }
            }
        }
    }

    /// Arrival minus media time of the fastest packet, in microseconds.
    pub(super) fn floor_us(&self) -> Option<i64> {
        self.sorted.first().copied()
    }

    /// The same of the last half second before the newest packet.
    pub(super) fn latest_floor_us(&self) -> Option<i64> {
        self.newest(LATEST).min()
    }

    fn worst_of(&self, span: Duration) -> Option<i64> {
        self.newest(span).max()
    }

    /// Differences of what came within this time before the newest packet.
    fn newest(&self, span: Duration) -> impl Iterator<Item = i64> {
        let newest = self.last().unwrap_or_default();
        self.window.iter().rev().take_while(move |(at, _)| *at + span >= newest).map(|(_, d)| *d)
    }

    /// By how much 5 % of the packets are later than the floor, in microseconds; stalls count when there were several.
    pub(super) fn spread_us(&self) -> i64 {
        let Some(floor) = self.floor_us() else { return 0 };
        let usual = self.sorted.partition_point(|d| *d <= floor + STALL_US);
        let jitter = self.sorted[(usual * 95 / 100).min(usual - 1)] - floor;
        let calm = self.worst_of(CALM).map_or(jitter, |worst| worst - floor + CALM_SPARE_US);
        jitter.min(calm).max(self.habit_us())
    }

    /// Lateness that all stalls but the worst one keep within.
    fn habit_us(&self) -> i64 {
        let (mut worst, mut second) = (0, 0);
        for &(_, late) in &self.stalls {
            second = second.max(late.min(worst));
            worst = worst.max(late);
        }
        second
    }

    /// Arrival minus media time that nearly all packets keep within now, in microseconds.
    pub(super) fn ready_us(&self) -> Option<i64> {
        Some((self.floor_us()? + self.spread_us()).max(self.latest_floor_us()?))
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

    /// Packets each 20 ms from the one numbered `from` to `to`, late by so many milliseconds, in order.
    fn note(arrivals: &mut Arrivals, from: i64, to: i64, late_ms: impl Fn(i64) -> i64) {
        for i in from..to {
            let at = moment(5_000_000 + i * 20_000 + late_ms(i) * 1000);
            arrivals.note(i * 20_000, at.max(arrivals.last().unwrap_or_default()));
        }
    }

    #[test]
    fn floor_and_spread_come_from_the_window() {
        let mut arrivals = Arrivals::default();
        note(&mut arrivals, 0, 200, |i| if i % 10 == 0 { 40 } else { 0 });
        assert_eq!((arrivals.floor_us(), arrivals.spread_us(), arrivals.ready_us()), (Some(5_000_000), 40_000, Some(5_040_000)));
        // The way becomes 100 ms longer and steady: after the window has passed, that is the floor.
        note(&mut arrivals, 200, 400, |_| 100);
        assert_eq!((arrivals.floor_us(), arrivals.spread_us()), (Some(5_100_000), 0));
    }

    #[test]
    fn one_stall_is_not_paid_for_but_a_habit_is() {
        let mut arrivals = Arrivals::default();
        let stall = |from: i64| move |i: i64| if (from..from + 20).contains(&i) { (from + 20 - i) * 20 } else { 0 };
        note(&mut arrivals, 0, 150, stall(100));
        assert!(arrivals.spread_us() <= 100_000, "{}", arrivals.spread_us());
        assert!(arrivals.ready_us().unwrap() <= 5_100_000, "not later than before");
        note(&mut arrivals, 150, 250, stall(200));
        assert!(arrivals.spread_us() >= 380_000, "the second time it counts: {}", arrivals.spread_us());
        note(&mut arrivals, 250, 600, |_| 0);
        assert_eq!(arrivals.spread_us(), 0, "and is forgotten");
    }

    #[test]
    fn a_much_longer_way_counts_within_half_a_second() {
        let mut arrivals = Arrivals::default();
        note(&mut arrivals, 0, 150, |_| 0);
        note(&mut arrivals, 150, 176, |_| 600);
        assert_eq!((arrivals.floor_us(), arrivals.latest_floor_us()), (Some(5_000_000), Some(5_600_000)));
        assert_eq!(arrivals.ready_us(), Some(5_600_000));
        // And back: the floor is there at once, what was late before is no jitter.
        note(&mut arrivals, 176, 400, |_| 600);
        note(&mut arrivals, 400, 440, |_| 0);
        assert_eq!(arrivals.floor_us(), Some(5_000_000));
        assert!(arrivals.ready_us().unwrap() <= 5_100_000, "{:?}", arrivals.ready_us());
        note(&mut arrivals, 440, 510, |_| 0);
        assert!(arrivals.ready_us().unwrap() <= 5_020_000, "1.5 s later: {:?}", arrivals.ready_us());
    }

    #[test]
    fn another_time_line_is_recognised() {
        let mut arrivals = Arrivals::default();
        arrivals.note(0, Duration::from_secs(100));
        assert!(!arrivals.is_foreign(20_000, Duration::from_secs(105)));
        assert!(arrivals.is_foreign(3_600_000_000, Duration::from_secs(101)));
    }
}
