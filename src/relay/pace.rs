//! How fast a reader takes what it is sent, so that one who cannot take pictures is not sent them, nor the publisher asked for more.
//!
//! What the system's send buffer holds cannot be seen. But whenever it takes bytes again after it was full, it is nearly empty: between two
//! such moments it has sent as many bytes as it took. The bookkeeping alone; time is an argument.

use std::time::Duration;

use super::limits;

/// Samples shorter than this say nothing about anything.
const SHORTEST: Duration = Duration::from_micros(200);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Whether the connection is full at the moment.
    full: bool,
    /// When it last took bytes again, and how many it had taken by then.
    taken: Option<(Duration, u64)>,
    /// Bytes a second, and when that was measured.
    rate: Option<(f64, Duration)>,
    /// How many times in a row it fell behind soon after it had caught up, and when the last time was.
    falls: u32,
    fell: Option<Duration>,
}

impl Pace {
    /// The connection takes no more at the moment.
    pub fn full(&mut self) {
        self.full = true;
    }

    /// The connection takes bytes, and has taken `written` so far.
    pub fn takes(&mut self, written: u64, now: Duration) {
        if !std::mem::replace(&mut self.full, false) {
            return;
        }
        if let Some((since, before)) = self.taken {
            let took = now.saturating_sub(since).max(SHORTEST);
            self.rate = Some((written.saturating_sub(before) as f64 / took.as_secs_f64(), now));
        }
        self.taken = Some((now, written));
    }

    /// The reader is up to date and gets pictures: what was measured when it was behind is history.
    pub fn flows(&mut self) {
        self.taken = None;
    }

    /// The reader has fallen behind.
    pub fn fell(&mut self, now: Duration) {
        let again = self.fell.is_some_and(|fell| now.saturating_sub(fell) < limits::STEADY);
        self.falls = if again { self.falls.saturating_add(1) } else { 0 };
        self.fell = Some(now);
    }

    /// Whether pictures may go on with a key frame of `bytes`: there must be room, and it must not take longer than pictures may be late.
    /// What was measured is believed less and less.
    pub fn allows(&self, bytes: usize, now: Duration) -> bool {
        let Some((rate, measured)) = self.rate else { return !self.full };
        let doublings = now.saturating_sub(measured).as_secs_f64() / limits::DISBELIEF.as_secs_f64();
        !self.full && bytes as f64 <= rate * doublings.exp2() * limits::SPAN.as_secs_f64()
    }

    /// Whether it is time to ask the publisher for a key frame of about `bytes`: a reader that falls behind again and again asks less and
    /// less, because others pay for it.
    pub fn may_ask(&self, bytes: usize, now: Duration) -> bool {
        let pause = match self.falls {
            0 => Duration::ZERO,
            falls => limits::KEY_FRAME_INTERVAL * 2_u32.pow(falls.min(4)),
        };
        self.allows(bytes, now) && self.fell.is_none_or(|fell| now.saturating_sub(fell) >= pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn who_takes_little_gets_no_pictures_until_that_is_long_ago() {
        let mut pace = Pace::default();
        assert!(pace.allows(1_000_000, ms(0)), "nothing is known yet");
        pace.full();
        assert!(!pace.allows(10, ms(100)), "nobody gets anything who is full");
        pace.takes(40_000, ms(6000));
        assert!(pace.allows(1_000_000, ms(6000)), "how long it was stuck says nothing of its pace now");
        pace.full();
        pace.takes(42_000, ms(6400));
        pace.takes(99_000, ms(6400));
        assert!(!pace.allows(20_000, ms(6400)), "2 kB in 400 ms");
        assert!(pace.allows(1_000, ms(6400)));
        assert!(!pace.allows(20_000, ms(6400) + 3 * limits::DISBELIEF));
        assert!(pace.allows(20_000, ms(6400) + 4 * limits::DISBELIEF));
        pace.full();
        pace.takes(43_000, ms(7001));
        pace.full();
        pace.takes(73_000, ms(7101));
        assert!(pace.allows(20_000, ms(7101)), "the network is better now");
    }

    #[test]
    fn who_falls_behind_again_and_again_asks_less_and_less() {
        let mut pace = Pace::default();
        assert!(pace.may_ask(1, ms(0)));
        pace.fell(ms(0));
        assert!(pace.may_ask(1, ms(0)));
        pace.fell(ms(500));
        assert!(!pace.may_ask(1, ms(2400)) && pace.may_ask(1, ms(2500)));
        pace.fell(ms(2600));
        assert!(!pace.may_ask(1, ms(6500)) && pace.may_ask(1, ms(6600)));
        pace.fell(ms(2600) + limits::STEADY);
        assert!(pace.may_ask(1, ms(2600) + limits::STEADY));
    }
}
