//! The offset between the server's clock and ours, from request round trips: the quickest of the last few counts, because it was
//! delayed least.

use std::collections::VecDeque;
use std::time::Duration;

/// Round trips that are remembered. At one every 5 s (the heartbeat) that is 80 s, in which two clocks drift apart by less than 2 ms.
const WINDOW: usize = 16;

/// Collects round trips. Times are the local clock's.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    trips: VecDeque<Trip>,
}

#[derive(Clone, Copy, Debug)]
struct Trip {
    took_us: i64,
    offset_us: i64,
}

impl Estimate {
    /// Adds a round trip: asked at `sent`, answered at `received` with the server's `server_us`. Returns the best estimate of
    /// `server - local`, in microseconds.
    pub fn add(&mut self, sent: Duration, received: Duration, server_us: i64) -> i64 {
        let (sent, received) = (micros(sent), micros(received));
        let trip = Trip {
            took_us: received.saturating_sub(sent).max(0),
            offset_us: server_us.saturating_sub(sent / 2 + received / 2 + (sent % 2 + received % 2) / 2),
        };
        if self.trips.len() == WINDOW {
            self.trips.pop_front();
        }
        self.trips.push_back(trip);
        self.trips.iter().min_by_key(|t| t.took_us).map_or(trip.offset_us, |t| t.offset_us)
    }

    /// Forgets all: the server behind the address may be another one now.
    pub fn clear(&mut self) {
        self.trips.clear();
    }
}

fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_quickest_round_trip_counts() {
        let mut estimate = Estimate::default();
        // True offset: +5 s. Asymmetric delays spoil the slow ones.
        assert_eq!(estimate.add(MS(1000), MS(1100), 6_090_000), 5_040_000);
        assert_eq!(estimate.add(MS(2000), MS(2002), 7_001_000), 5_000_000);
        assert_eq!(estimate.add(MS(3000), MS(3060), 8_001_000), 5_000_000);
    }

    #[test]
    fn old_round_trips_are_forgotten() {
        let mut estimate = Estimate::default();
        estimate.add(MS(0), MS(0), 1_000_000);
        for i in 1..WINDOW as u64 {
            assert_eq!(estimate.add(MS(i), MS(i + 10), 0), 1_000_000);
        }
        assert!(estimate.add(MS(1000), MS(1010), 3_005_000) < 1_000_000 + 3_000_000);
        assert_ne!(estimate.add(MS(1000), MS(1001), 3_000_500), 1_000_000);
    }
}
