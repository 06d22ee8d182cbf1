//! How long to wait before the next try: doubling, capped, jittered, so that a thousand clients do not come back at once.

use std::time::Duration;

/// A capped exponential back-off with full jitter in the upper half of each step.
#[derive(Clone, Debug)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

impl Backoff {
    /// Waits about `first`, then twice as long each time, never more than `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, tries: 0 }
    }

    /// The next wait: between half of the current step and all of it.
    pub fn next_wait(&mut self) -> Duration {
        let step = self.first.saturating_mul(1 << self.tries.min(16)).min(self.cap);
        self.tries = self.tries.saturating_add(1);
        step.mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }

    /// Tries since the last [`reset`](Self::reset).
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// Starts over after a success.
    pub fn reset(&mut self) {
        self.tries = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_start_over() {
        let (first, cap) = (Duration::from_millis(200), Duration::from_secs(5));
        let mut backoff = Backoff::new(first, cap);
        for i in 0..100_u32 {
            let step = first.saturating_mul(1 << i.min(16)).min(cap);
            let wait = backoff.next_wait();
            assert!(wait >= step / 2 && wait <= step, "try {i}: {wait:?} of {step:?}");
        }
        backoff.reset();
        assert!(backoff.next_wait() <= first);
        assert_eq!(backoff.tries(), 1);
    }
}
