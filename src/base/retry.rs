//! How long to wait before the next try at something that somebody misses: soon, again and again, for as long as they are likely to be waiting; then
//! ever more seldom. Pure; time is an argument.

use std::time::Duration;

/// After the first failure: whatever broke the connection, the network itself is most likely there.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait while it matters: a network that comes back must be found at once.
const SOON: Duration = Duration::from_millis(400);
/// For so long somebody waits for a call to come back.
const PATIENCE: Duration = Duration::from_secs(120);
/// The longest wait of all.
const SELDOM: Duration = Duration::from_secs(5);

/// The schedule of tries after a loss. Waits are jittered, so that a thousand clients do not come back at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retry {
    lost: Option<Duration>,
    tries: u32,
}

impl Retry {
    /// A try, or what it had brought, has failed at `now`: how long to wait for the next one.
    pub fn failed(&mut self, now: Duration) -> Duration {
        self.failed_with(now, rand::random())
    }

    fn failed_with(&mut self, now: Duration, chance: f64) -> Duration {
        let lost = *self.lost.get_or_insert(now);
        let step = FIRST.saturating_mul(1 << self.tries.min(16));
        self.tries = self.tries.saturating_add(1);
        let longest = match now.saturating_sub(lost).checked_sub(PATIENCE) {
            None => SOON,
            // As long again as it has taken since.
            Some(more) => (SOON + more / 8).min(SELDOM),
        };
        step.min(longest).mul_f64(0.5 + chance / 2.0)
    }

    /// Tries since the loss.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// It is as it should be: the next loss starts from the beginning.
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments of tries during an outage of `length` from moment 1000 s on, each of which fails after `takes`.
    fn tries(length: Duration, takes: Duration, chance: f64) -> Vec<Duration> {
        let begin = Duration::from_secs(1000);
        let (mut now, mut retry, mut all) = (begin, Retry::default(), Vec::new());
        while now < begin + length {
            now += retry.failed_with(now, chance);
            all.push(now - begin);
            now += takes;
        }
        all
    }

    #[test]
    fn whenever_the_network_returns_within_a_minute_somebody_tries_within_half_a_second() {
        for takes in [0, 20] {
            let all = tries(Duration::from_secs(61), Duration::from_millis(takes), 1.0);
            assert!(all[0] <= FIRST);
            let gap = all.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
            assert!(gap <= Duration::from_millis(500), "{gap:?}");
            assert!(all.len() < 61 * 4, "{} tries in a minute", all.len());
        }
    }

    #[test]
    fn a_server_that_stays_away_is_asked_ever_more_seldom() {
        let all = tries(Duration::from_secs(3600), Duration::ZERO, 1.0);
        let last = all.windows(2).next_back().map(|pair| pair[1] - pair[0]).unwrap();
        assert_eq!(last, SELDOM);
        assert!(all.len() < 1100, "{} tries in an hour", all.len());
    }

    #[test]
    fn waits_are_jittered_and_start_over() {
        let mut retry = Retry::default();
        let now = Duration::from_secs(5);
        assert_eq!(retry.failed_with(now, 0.0), FIRST / 2);
        for _ in 0..10 {
            let wait = retry.failed(now);
            assert!(wait >= FIRST / 2 && wait <= SOON, "{wait:?}");
        }
        assert_eq!(retry.tries(), 11);
        retry.succeeded();
        assert_eq!((retry.tries(), retry.failed_with(now, 1.0)), (0, FIRST));
    }
}
