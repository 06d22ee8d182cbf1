//! When a picture should be a key frame.

use std::time::Duration;

/// Least time between two, whoever asks.
const LEAST: Duration = Duration::from_secs(1);

/// Decides, picture by picture.
#[derive(Debug)]
pub(super) struct Keys {
    /// Most time between two, for players that cannot ask.
    most: Duration,
    last: Option<Duration>,
    wanted: bool,
}

impl Keys {
    pub(super) fn new(most: Duration) -> Self {
        Self { most, last: None, wanted: false }
    }

    /// Changes the most time between two.
    pub(super) fn set_most(&mut self, most: Duration) {
        self.most = most;
    }

    /// Asks for one, as soon as may be.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// Whether the picture of `now` should be one.
    pub(super) fn due(&self, now: Duration) -> bool {
        self.last.is_none_or(|last| {
            let since = now.saturating_sub(last);
            since >= self.most || (self.wanted && since >= LEAST)
        })
    }

    /// One was made, of the picture of `now`.
    pub(super) fn made(&mut self, now: Duration) {
        self.last = Some(now);
        self.wanted = false;
    }

    /// The next picture is the first one of a new encoder.
    pub(super) fn start_over(&mut self) {
        *self = Self::new(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_first_one_every_three_seconds_and_never_two_in_one() {
        let mut keys = Keys::new(Duration::from_secs(3));
        let mut made = Vec::new();
        for ms in (0..10_000).step_by(100) {
            let now = Duration::from_millis(ms);
            if ms == 500 || ms == 600 || ms == 4200 {
                keys.want();
            }
            if keys.due(now) {
                keys.made(now);
                made.push(ms);
            }
        }
        assert_eq!(made, [0, 1000, 4000, 5000, 8000]);
        keys.start_over();
        assert!(keys.due(Duration::from_secs(10)));
    }
}
