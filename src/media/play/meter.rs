//! What a player counts.

use crate::media::frame::{CHUNK_SAMPLES, SAMPLE_RATE};
use crate::media::stats::Percentiles;
use std::collections::VecDeque;
use std::time::Duration;

/// Rates and frame rates are taken over this.
const SECOND: Duration = Duration::from_secs(1);
/// Delays count as recent for this long.
const RECENT: Duration = Duration::from_secs(5);
/// Entries that any window keeps at most.
const MOST: usize = 2_000;

/// A sum over the last second.
#[derive(Debug, Default)]
pub(super) struct Rate {
    window: VecDeque<(Duration, u32)>,
    sum: u64,
    since: Option<Duration>,
}

impl Rate {
    pub(super) fn add(&mut self, amount: usize, now: Duration) {
        self.since.get_or_insert(now);
        self.trim(now);
        let amount = u32::try_from(amount).unwrap_or(u32::MAX);
        self.window.push_back((now, amount));
        self.sum += u64::from(amount);
    }

    /// Per second.
    pub(super) fn per_second(&mut self, now: Duration) -> f32 {
        self.trim(now);
        let Some(age) = self.since.map(|since| now.saturating_sub(since)) else { return 0.0 };
        self.sum as f32 / age.min(SECOND).as_secs_f32().max(0.1)
    }

    fn trim(&mut self, now: Duration) {
        while self.window.len() >= MOST || self.window.front().is_some_and(|(at, _)| *at + SECOND < now) {
            self.sum -= self.window.pop_front().map_or(0, |(_, amount)| u64::from(amount));
        }
    }
}

/// Loudness over 100 ms.
#[derive(Debug, Default)]
pub(super) struct Level {
    squares: VecDeque<f32>,
    loudest: f32,
}

/// Ticks in 100 ms.
const TICKS: usize = (SAMPLE_RATE as usize / 10) / CHUNK_SAMPLES;

impl Level {
    pub(super) fn add(&mut self, tick: &[f32; CHUNK_SAMPLES]) {
        if self.squares.len() == TICKS {
            self.squares.pop_front();
        }
        self.squares.push_back(tick.iter().map(|s| s * s).sum::<f32>() / CHUNK_SAMPLES as f32);
        self.loudest = self.loudest.max(self.rms());
    }

    /// Root mean square of the last 100 ms; full scale is 1.
    pub(super) fn rms(&self) -> f32 {
        // An empty sum is minus zero.
        (self.squares.iter().sum::<f32>().max(0.0) / TICKS as f32).sqrt()
    }

    /// The largest so far.
    pub(super) fn loudest(&self) -> f32 {
        self.loudest
    }
}

/// Delays in steps of a millisecond, of any number of pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Histogram {
    counts: Vec<u32>,
    total: u64,
    max_us: u32,
}

/// Longer delays are counted as this many milliseconds.
const LONGEST_MS: usize = 5_000;

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; LONGEST_MS + 1], total: 0, max_us: 0 }
    }
}

impl Histogram {
    /// Counts a delay.
    pub(super) fn add(&mut self, delay_us: u32) {
        let at = (delay_us as usize / 1000).min(LONGEST_MS);
        self.counts[at] = self.counts[at].saturating_add(1);
        self.total += 1;
        self.max_us = self.max_us.max(delay_us);
    }

    /// The percentiles, exact to half a millisecond; `None` when nothing was counted.
    pub(super) fn percentiles(&self) -> Option<Percentiles> {
        let max = self.max_us as f32 / 1000.0;
        let at = |share: f64| {
            let wanted = (self.total as f64 * share).ceil().max(1.0) as u64;
            let mut seen = 0;
            let ms = self.counts.iter().position(|count| {
                seen += u64::from(*count);
                seen >= wanted
            });
            (ms.unwrap_or(LONGEST_MS) as f32 + 0.5).min(max)
        };
        (self.total > 0).then(|| Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max })
    }
}

/// Delays of the last seconds and of all time.
#[derive(Debug, Default)]
pub(super) struct Delays {
    recent: VecDeque<(Duration, u32)>,
    pub(super) all: Histogram,
    worst: Option<Duration>,
}

impl Delays {
    pub(super) fn add(&mut self, delay: Duration, now: Duration) {
        let us = u32::try_from(delay.as_micros()).unwrap_or(u32::MAX);
        self.all.add(us);
        self.worst = self.worst.max(Some(delay));
        while self.recent.len() >= MOST || self.recent.front().is_some_and(|(at, _)| *at + RECENT < now) {
            self.recent.pop_front();
        }
        self.recent.push_back((now, us));
    }

    /// The longest since this was last asked.
    pub(super) fn take_worst(&mut self) -> Option<Duration> {
        self.worst.take()
    }

    /// Percentiles of the last 5 s.
    pub(super) fn recent(&self, now: Duration) -> Option<Percentiles> {
        let mut sorted: Vec<u32> = self.recent.iter().filter(|(at, _)| *at + RECENT >= now).map(|(_, us)| *us).collect();
        sorted.sort_unstable();
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| sorted[(last as f64 * share).round() as usize] as f32 / 1000.0;
        Some(Percentiles { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1.0) })
    }
}

/// A picture that stands still for longer than this is frozen.
const FROZEN: Duration = Duration::from_millis(500);

/// Counts the times that the picture stood still.
#[derive(Debug, Default)]
pub(super) struct Freezes {
    last: Option<Duration>,
    /// The longest that a picture stayed, since somebody asked.
    longest: Duration,
    times: u64,
    ended_ms: u64,
}

impl Freezes {
    /// A picture was shown.
    pub(super) fn shown(&mut self, now: Duration) {
        let (times, ms) = self.count(now);
        self.longest = self.longest.max(self.still(now));
        (self.times, self.ended_ms, self.last) = (times, ms, Some(now));
    }

    /// The longest that a picture has stayed since this was asked last, the present one included.
    pub(super) fn take_longest(&mut self, now: Duration) -> Duration {
        std::mem::take(&mut self.longest).max(self.still(now))
    }

    fn still(&self, now: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| now.saturating_sub(last))
    }

    /// No picture is expected (the camera is off) until the next one comes.
    pub(super) fn excuse(&mut self, now: Duration) {
        let (times, ms) = self.count(now);
        (self.times, self.ended_ms, self.last) = (times, ms, None);
    }

    /// How often and for how many milliseconds in all, the present one included.
    pub(super) fn count(&self, now: Duration) -> (u64, u64) {
        match self.last.map(|last| now.saturating_sub(last)).filter(|still| *still > FROZEN) {
            Some(still) => (self.times + 1, self.ended_ms + u64::try_from(still.as_millis()).unwrap_or(u64::MAX)),
            None => (self.times, self.ended_ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn rates_cover_one_second() {
        let mut rate = Rate::default();
        for i in 0..300 {
            rate.add(100, Duration::from_secs(9) + MS * 10 * i);
        }
        assert!((rate.per_second(Duration::from_secs(12)) - 10_000.0).abs() < 150.0);
        assert_eq!(rate.per_second(Duration::from_secs(20)), 0.0);
    }

    #[test]
    fn percentiles_of_a_known_spread() {
        let mut delays = Delays::default();
        for i in 1..=1_000_u32 {
            delays.add(MS * i, Duration::from_secs(5));
        }
        for p in [delays.all.percentiles().unwrap(), delays.recent(Duration::from_secs(6)).unwrap()] {
            assert!((p.p50 - 500.0).abs() <= 1.0 && (p.p95 - 950.0).abs() <= 1.0 && (p.p99 - 990.0).abs() <= 1.0, "{p:?}");
            assert_eq!(p.max, 1_000.0);
        }
        assert_eq!(delays.recent(Duration::from_secs(11)), None);
        assert_eq!((delays.take_worst(), delays.take_worst()), (Some(Duration::from_secs(1)), None));
        assert_eq!((Histogram::default().percentiles(), delays.all.total), (None, 1_000));
    }

    #[test]
    fn freezes_are_counted_while_they_last_and_excused_when_the_camera_is_off() {
        let mut freezes = Freezes::default();
        freezes.shown(MS * 1_000);
        assert_eq!(freezes.count(MS * 1_400), (0, 0));
        assert_eq!(freezes.count(MS * 1_700), (1, 700));
        freezes.shown(MS * 2_000);
        assert_eq!(freezes.count(MS * 2_000), (1, 1_000));
        freezes.excuse(MS * 2_100);
        assert_eq!(freezes.count(MS * 60_000), (1, 1_000));
    }

    #[test]
    fn loudness_of_a_square_wave_is_its_height() {
        let mut level = Level::default();
        for _ in 0..TICKS {
            level.add(&[0.5; CHUNK_SAMPLES]);
        }
        assert!((level.rms() - 0.5).abs() < 1e-6);
        for _ in 0..TICKS {
            level.add(&[0.0; CHUNK_SAMPLES]);
        }
        assert_eq!((level.rms(), level.loudest()), (0.0, 0.5));
    }
}
