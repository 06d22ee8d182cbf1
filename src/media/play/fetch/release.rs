//! When what was read ahead is let go: as it was sent, whatever comes at once. Pure; time is an argument.

use std::time::Duration;

/// A time line that goes on further away than this is another one.
const JUMP_US: i64 = 10_000_000;
/// What is late by more than this is not made up for: the time line begins anew.
const LATE: Duration = Duration::from_secs(5);

/// Ties the stream's time line to the clock.
#[derive(Debug, Default)]
pub(super) struct Release {
    /// A moment on the stream's time line, and when it was let go.
    origin: Option<(i64, Duration)>,
    last_us: i64,
}

impl Release {
    /// When the packet that was sent at `sent_us` is to be let go, if it is there at `now`. One that is asked for again has the same answer.
    pub(super) fn due(&mut self, sent_us: i64, now: Duration) -> Duration {
        let jumped = (sent_us - self.last_us).abs() > JUMP_US;
        self.last_us = sent_us;
        if let Some((from_us, at)) = self.origin.filter(|_| !jumped) {
            // Picture and sound begin within some milliseconds of each other: what is before the origin is due at once.
            let due = at + Duration::from_micros(u64::try_from(sent_us - from_us).unwrap_or(0));
            if now.saturating_sub(due) <= LATE {
                return due;
            }
        }
        self.origin = Some((sent_us, now));
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1_000 + seconds)
    }

    #[test]
    fn a_segment_that_comes_at_once_is_let_go_as_it_was_made() {
        let mut release = Release::default();
        let due: Vec<_> = (0..6).map(|second| release.due(90_000 * S + second * S, at(0))).collect();
        assert_eq!(due, (0..6).map(at).collect::<Vec<_>>());
        assert_eq!(release.due(90_005 * S, at(3)), at(5), "asked again");
        // The next one came two seconds late: it is made up for.
        assert_eq!(release.due(90_006 * S, at(8)), at(6));
        assert_eq!(release.due(90_009 * S, at(8)), at(9));
    }

    #[test]
    fn after_a_long_wait_or_a_jump_the_time_line_begins_anew() {
        let mut release = Release::default();
        assert_eq!(release.due(0, at(0)), at(0));
        assert_eq!(release.due(S, at(30)), at(30), "much too late");
        assert_eq!(release.due(2 * S, at(30)), at(31));
        assert_eq!(release.due(500 * S, at(31)), at(31), "another time line");
        assert_eq!(release.due(S, at(32)), at(32), "and back");
        assert_eq!(release.due(S - 20_000, at(32)), at(32), "a little before");
    }
}
