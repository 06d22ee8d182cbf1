//! Whether the computer keeps up with encoding.

use std::time::Duration;

/// More than this share of the time between two pictures, for so long, is too much; less than the other, for so long, leaves room for more.
const TOO_MUCH: (f32, Duration) = (0.85, Duration::from_secs(2));
const LITTLE: (f32, Duration) = (0.3, Duration::from_secs(10));
/// What failed soon after it was tried again is tried again twice as late; so many times at most.
const MAX_FAILURES: u32 = 3;

#[derive(Debug, Default)]
pub(super) struct Load {
    level: usize,
    /// Since when it has been too much, or little.
    high: Option<Duration>,
    low: Option<Duration>,
    /// How many times what was tried again failed soon.
    failures: u32,
    raised: Option<Duration>,
    /// The last change: down, or up again.
    change: Option<bool>,
}

impl Load {
    /// The level that the computer can do.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    /// Whether the last update went down (true) or up again.
    pub(super) fn changed(&self) -> Option<bool> {
        self.change
    }

    pub(super) fn update(&mut self, load: f32, last: usize, now: Duration) {
        self.change = None;
        if load > TOO_MUCH.0 {
            self.low = None;
            if now.saturating_sub(*self.high.get_or_insert(now)) >= TOO_MUCH.1 && self.level < last {
                self.level += 1;
                self.high = None;
                self.change = Some(true);
                if self.raised.take().is_some_and(|at| now.saturating_sub(at) < LITTLE.1 * 2) {
                    self.failures = (self.failures + 1).min(MAX_FAILURES);
                }
            }
        } else if load < LITTLE.0 && self.level > 0 {
            self.high = None;
            if now.saturating_sub(*self.low.get_or_insert(now)) >= LITTLE.1 * 2_u32.pow(self.failures) {
                self.level -= 1;
                self.low = None;
                self.raised = Some(now);
                self.change = Some(false);
            }
        } else {
            (self.high, self.low) = (None, None);
        }
        self.level = self.level.min(last);
    }
}
