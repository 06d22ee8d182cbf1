//! How far behind the network a stream is played, and by what means it may catch up.

use super::delay::micros;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;
use std::time::Duration;

/// How late a stream is played on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Latency {
    /// As early as the network allows, 20 to 300 ms: people talk with each other.
    #[default]
    Call,
    /// 1 to 5 s: people watch.
    Live(Smoothness),
}

/// What matters more to those who watch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Smoothness {
    /// To be early: 1 s, and after an interruption back to it.
    Fast,
    /// That nothing is missed: 5 s, and what came late is watched late; at most a little faster than it was.
    Smooth,
    /// Between 1 and 5 s, as the network of the last minute demands.
    #[default]
    Automatic,
}

/// A call's sound is behind by this.
const CALL: RangeInclusive<Duration> = Duration::from_millis(20)..=Duration::from_millis(300);
const FAST: Duration = Duration::from_secs(1);
const SMOOTH: Duration = Duration::from_secs(5);
/// A call jumps to the live edge if it is behind by this more than it should be: a whole word...
const CALL_JUMP: Duration = Duration::from_millis(250);
/// ...a live stream that wants to be early, by this.
const LIVE_JUMP: Duration = Duration::from_secs(2);
/// Ticks between two cuts in a call: speech stays speech at a third more speed...
const CALL_CUTS: u32 = 3;
/// ...and in a live stream, where nobody waits for an answer: hardly to be heard.
const LIVE_CUTS: u32 = 10;
/// More than the delay wanted never waits by more than this in a call...
const CALL_SPARE: Duration = Duration::from_secs(2);
/// ...and in a live stream.
const LIVE_SPARE: Duration = Duration::from_secs(5);
/// A live stream is behind by so many times of what the network's worst stall demanded...
const RESERVE: f64 = 1.5;
/// ...of the last minute, remembered in this many parts...
const PARTS: usize = 12;
/// ...of so many ticks: 5 s.
const PART: u32 = 500;

/// The rules of a [`Latency`].
#[derive(Clone, Debug)]
pub(super) struct Pace {
    latency: Latency,
    /// Between these the delay behind the network's floor lies, in microseconds.
    limits: RangeInclusive<i64>,
    /// More than this behind what is wanted: jump. `None`: never.
    pub(super) jump_us: Option<i64>,
    /// Ticks between two cuts or repetitions of a pitch period.
    pub(super) between_cuts: u32,
    /// Media time that may wait.
    pub(super) most_us: i64,
    /// How late packets have been at worst in each part of the last minute, the newest first.
    worst_us: [i64; PARTS],
    /// Ticks of the newest part.
    ticks: u32,
}

impl Pace {
    pub(super) fn new(latency: Latency) -> Self {
        let (limits, jump, between_cuts, spare) = match latency {
            Latency::Call => (CALL, Some(CALL_JUMP), CALL_CUTS, CALL_SPARE),
            Latency::Live(Smoothness::Fast) => (FAST..=FAST, Some(LIVE_JUMP), CALL_CUTS, LIVE_SPARE),
            Latency::Live(Smoothness::Automatic) => (FAST..=SMOOTH, Some(LIVE_JUMP), LIVE_CUTS, LIVE_SPARE),
            Latency::Live(Smoothness::Smooth) => (SMOOTH..=SMOOTH, None, LIVE_CUTS, LIVE_SPARE),
        };
        Self {
            latency,
            jump_us: jump.map(micros),
            between_cuts,
            most_us: micros(*limits.end() + spare),
            limits: micros(*limits.start())..=micros(*limits.end()),
            worst_us: [0; PARTS],
            ticks: 0,
        }
    }

    /// Whether people only watch.
    pub(super) fn is_live(&self) -> bool {
        self.latency != Latency::Call
    }

    /// The longest delay that is ever wanted.
    pub(super) fn longest(&self) -> Duration {
        Duration::from_micros(self.limits.end().unsigned_abs())
    }

    /// The delay wanted where jitter demands `need_us`.
    pub(super) fn target_us(&self, need_us: i64) -> i64 {
        let worst = self.worst_us.iter().copied().fold(0, i64::max);
        let reserve = if self.is_live() { (worst as f64 * RESERVE) as i64 } else { 0 };
        need_us.max(reserve).clamp(*self.limits.start(), *self.limits.end())
    }

    /// A packet came so much later than the network's floor.
    pub(super) fn came_late(&mut self, late_us: i64) {
        self.worst_us[0] = self.worst_us[0].max(late_us);
    }

    /// 10 ms have passed.
    pub(super) fn tick(&mut self) {
        self.ticks += 1;
        if self.ticks >= PART {
            self.worst_us.rotate_right(1);
            (self.worst_us[0], self.ticks) = (0, 0);
        }
    }

    /// Another stream begins.
    pub(super) fn restart(&mut self) {
        self.worst_us = [0; PARTS];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target_ms(pace: &Pace, need_ms: i64) -> i64 {
        pace.target_us(need_ms * 1000) / 1000
    }

    #[test]
    fn a_call_is_early_and_a_live_stream_as_smooth_as_wanted() {
        let call = Pace::new(Latency::Call);
        assert_eq!([0, 90, 2_000].map(|need| target_ms(&call, need)), [20, 90, 300]);
        let fast = Pace::new(Latency::Live(Smoothness::Fast));
        assert_eq!([0, 9_000].map(|need| target_ms(&fast, need)), [1_000, 1_000]);
        let smooth = Pace::new(Latency::Live(Smoothness::Smooth));
        assert_eq!((target_ms(&smooth, 0), smooth.jump_us), (5_000, None));
    }

    #[test]
    fn automatic_follows_the_worst_of_the_last_minute() {
        let mut pace = Pace::new(Latency::Live(Smoothness::Automatic));
        assert_eq!(target_ms(&pace, 50), 1_000);
        pace.came_late(2_000_000);
        pace.came_late(100);
        assert_eq!(target_ms(&pace, 50), 3_000);
        pace.came_late(60_000_000);
        assert_eq!(target_ms(&pace, 50), 5_000);
        pace.restart();
        pace.came_late(2_000_000);
        for _ in 0..6_000 {
            pace.tick();
        }
        assert_eq!(target_ms(&pace, 50), 1_000);
    }
}
