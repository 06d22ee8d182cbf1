//! From a stream's own time line, which may begin anew, to that of a recording. Pure.

use std::time::Duration;

/// A packet whose time says that it is off by this much belongs to another time line: a publisher that came back.
const JUMP_US: i64 = 12_000_000;
/// Where another time line begins, after what was there already.
const STEP_US: i64 = 20_000;

/// One stream on a recording's time line, in microseconds from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    begun: Duration,
    offset_us: Option<i64>,
    last_us: i64,
}

impl Line {
    /// A recording that began at this local moment.
    pub(super) fn new(begun: Duration) -> Self {
        Self { begun, offset_us: None, last_us: -STEP_US }
    }

    /// The stream's time line begins anew.
    pub(super) fn restart(&mut self) {
        self.offset_us = None;
    }

    /// Where a packet of this media time belongs that came at this local moment.
    pub(super) fn place(&mut self, media_us: i64, arrived: Duration) -> i64 {
        let at = arrived.saturating_sub(self.begun).as_micros() as i64;
        let placed = self.offset_us.map(|offset| media_us.saturating_add(offset)).filter(|us| (us - at).abs() < JUMP_US);
        let placed = placed.unwrap_or_else(|| {
            let us = at.max(self.last_us + STEP_US);
            self.offset_us = Some(us - media_us);
            us
        });
        self.last_us = self.last_us.max(placed);
        placed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_follow_the_stream_and_not_how_it_came() {
        let mut line = Line::new(Duration::from_secs(100));
        let at = |ms: u64| Duration::from_millis(100_000 + ms);
        assert_eq!(line.place(5_000_000, at(40)), 40_000);
        assert_eq!(line.place(5_033_000, at(700)), 73_000);
        assert_eq!(line.place(5_020_000, at(701)), 60_000);
    }

    #[test]
    fn a_stream_that_comes_back_goes_on_after_what_was_there() {
        let mut line = Line::new(Duration::ZERO);
        assert_eq!(line.place(9_000_000, Duration::ZERO), 0);
        assert_eq!(line.place(12_000_000, Duration::from_secs(1)), 3_000_000, "ahead: it came in a burst");
        line.restart();
        assert_eq!(line.place(0, Duration::from_secs(2)), 3_020_000);
        // Without a word: only the times show it.
        assert_eq!(line.place(900_000_000, Duration::from_secs(30)), 30_000_000);
        assert_eq!(line.place(900_020_000, Duration::from_secs(30)), 30_020_000);
    }
}
