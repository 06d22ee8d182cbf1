//! Token buckets: how often someone may do something.

use super::limits::{BUCKETS, Rate};
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Fewer buckets than this are not worth looking through.
const SWEEP: usize = 1024;

/// A bucket per key, bounded in number. Time is an argument.
#[derive(Debug)]
pub struct Limiter<K> {
    rate: Rate,
    buckets: HashMap<K, Bucket>,
    /// At so many buckets, those that are full again are looked for.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    at: Duration,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    /// Full buckets for everybody.
    pub fn new(rate: Rate) -> Self {
        Self { rate, buckets: HashMap::new(), sweep_at: SWEEP }
    }

    /// Takes one token; false if there is none.
    pub fn take(&mut self, key: &K, now: Duration) -> bool {
        let tokens = self.level(key, now);
        let allowed = tokens >= 1.0;
        if self.buckets.len() >= self.sweep_at && !self.buckets.contains_key(key) {
            self.forget(now);
        }
        self.buckets.insert(key.clone(), Bucket { tokens: if allowed { tokens - 1.0 } else { tokens }, at: now });
        allowed
    }

    /// Whether no token is left.
    pub fn is_exhausted(&self, key: &K, now: Duration) -> bool {
        self.level(key, now) < 1.0
    }

    fn level(&self, key: &K, now: Duration) -> f64 {
        self.buckets.get(key).map_or(self.rate.burst, |b| refilled(self.rate, b, now))
    }

    /// Makes room: full buckets first, which are as good as none; if there are still too many, all, because refusing newcomers would let one
    /// attacker lock everybody out. What it costs is spread over as many newcomers as there are buckets.
    fn forget(&mut self, now: Duration) {
        let rate = self.rate;
        self.buckets.retain(|_, b| refilled(rate, b, now) < rate.burst);
        if self.buckets.len() >= BUCKETS {
            self.buckets.clear();
        }
        self.sweep_at = (self.buckets.len() * 2).clamp(SWEEP, BUCKETS);
        self.buckets.shrink_to(self.sweep_at);
    }
}

fn refilled(rate: Rate, bucket: &Bucket, now: Duration) -> f64 {
    (bucket.tokens + now.saturating_sub(bucket.at).as_secs_f64() * rate.per_s).min(rate.burst)
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    #[test]
    fn a_burst_then_the_rate() {
        let mut limiter = Limiter::new(Rate { burst: 3.0, per_s: 0.5 });
        assert_eq!((0..5).filter(|_| limiter.take(&"a", S(0))).count(), 3);
        assert!(limiter.take(&"b", S(0)), "another key has its own bucket");
        assert!(limiter.is_exhausted(&"a", S(1)));
        assert!(limiter.take(&"a", S(2)));
        assert!(!limiter.take(&"a", S(2)));
        assert_eq!((0..5).filter(|_| limiter.take(&"a", S(1000))).count(), 3, "never more than the burst");
    }

    #[test]
    fn who_has_rested_is_forgotten() {
        let mut limiter = Limiter::new(Rate { burst: 2.0, per_s: 1.0 });
        for i in 0..100_000_u64 {
            // A hundred newcomers a second, each full again after one.
            limiter.take(&i, Duration::from_millis(i * 10));
            assert!(limiter.buckets.len() <= SWEEP, "{} at {i}", limiter.buckets.len());
        }
        assert!(limiter.buckets.capacity() < 4 * SWEEP);
    }

    #[test]
    fn the_number_of_buckets_is_bounded_and_newcomers_are_served() {
        let mut limiter = Limiter::new(Rate { burst: 1.0, per_s: 0.001 });
        for i in 0..BUCKETS + 10 {
            assert!(limiter.take(&i, S(0)), "{i}");
        }
        assert!(limiter.buckets.len() <= BUCKETS);
    }
}
