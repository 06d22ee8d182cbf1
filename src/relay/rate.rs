//! Bits a second, over the last few seconds.

use std::time::Duration;

/// Long enough that one key frame is no burst.
const WINDOW: Duration = Duration::from_secs(4);

/// Bytes counted in two windows, the running one and the one before.
#[derive(Debug, Default)]
pub(super) struct Rate {
    since: Option<Duration>,
    running: u64,
    before: Option<u64>,
}

impl Rate {
    /// So many bytes have come.
    pub fn note(&mut self, bytes: u64, now: Duration) {
        let since = *self.since.get_or_insert(now);
        let age = now.saturating_sub(since);
        if age >= WINDOW {
            // After a pause the window before is empty.
            self.before = Some(if age < 2 * WINDOW { self.running } else { 0 });
            (self.since, self.running) = (Some(now), 0);
        }
        self.running += bytes;
    }

    /// Kilobits a second: of the last whole window, or of what there is of the first.
    pub fn kbps(&self, now: Duration) -> u32 {
        let age = self.since.map_or(Duration::ZERO, |since| now.saturating_sub(since));
        let (bytes, time) = match self.before {
            _ if age >= 2 * WINDOW => return 0,
            _ if age >= WINDOW => (self.running, age),
            Some(before) => (before, WINDOW),
            None => (self.running, age.max(Duration::from_secs(1))),
        };
        (bytes as f64 * 8.0 / time.as_secs_f64() / 1000.0).round() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_stream_is_measured_and_a_silent_one_is_nothing() {
        let mut rate = Rate::default();
        assert_eq!(rate.kbps(Duration::ZERO), 0);
        let at = |i: u64| Duration::from_millis(20 * i);
        (0..1000).for_each(|i| rate.note(2500, at(i)));
        assert!((990..=1010).contains(&rate.kbps(at(1000))), "{}", rate.kbps(at(1000)));
        assert_eq!(rate.kbps(at(1000) + 3 * WINDOW), 0);
        (2000..2010).for_each(|i| rate.note(2500, at(i)));
        assert_eq!(rate.kbps(at(2010)), 0, "the window before was a pause");
    }
}
