//! Time. Everything that waits or stamps asks a [`Clock`], so that tests can step it.
//!
//! A moment is a [`Duration`] since the UNIX epoch. The system clock is read once, when the process starts, and advanced by
//! the monotonic clock from then on: it never jumps, and on one machine two processes agree to well under a
//! millisecond.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of "now". Cheap to clone; clones of a manual clock move together.
#[derive(Clone, Debug, Default)]
pub struct Clock(Option<Arc<AtomicU64>>);

impl Clock {
    /// The clock of this machine.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still at `start` until [`advance`](Self::advance) is called.
    pub fn manual(start: Duration) -> Self {
        Self(Some(Arc::new(AtomicU64::new(micros(start)))))
    }

    /// Whether it stands still until it is moved.
    pub fn is_manual(&self) -> bool {
        self.0.is_some()
    }

    /// Time since the UNIX epoch; never goes backwards.
    pub fn now(&self) -> Duration {
        match &self.0 {
            Some(manual) => Duration::from_micros(manual.load(Ordering::Acquire)),
            None => {
                static START: OnceLock<(Instant, Duration)> = OnceLock::new();
                let (instant, epoch) =
                    START.get_or_init(|| (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()));
                *epoch + instant.elapsed()
            }
        }
    }

    /// Moves a manual clock forward; a system clock cannot be moved and ignores it.
    pub fn advance(&self, by: Duration) {
        if let Some(manual) = &self.0 {
            manual.fetch_add(micros(by), Ordering::AcqRel);
        }
    }
}

/// The server's clock as this process knows it: the local clock plus an estimated offset.
///
/// Written by the room client (which measures the offset), read by publisher and players, so that capture and
/// presentation of different machines can be compared. Clones share the offset.
#[derive(Clone, Debug, Default)]
pub struct ServerClock {
    local: Clock,
    offset_us: Arc<AtomicI64>,
    known: Arc<AtomicBool>,
}

impl ServerClock {
    /// A server clock that equals `local` until an offset is [set](Self::set_offset).
    pub fn new(local: Clock) -> Self {
        Self { local, ..Self::default() }
    }

    /// The local clock underneath.
    pub fn local(&self) -> &Clock {
        &self.local
    }

    /// Sets `server - local`, in microseconds.
    pub fn set_offset(&self, offset_us: i64) {
        self.offset_us.store(offset_us, Ordering::Release);
        self.known.store(true, Ordering::Release);
    }

    /// `server - local` in microseconds, or `None` before the first measurement.
    pub fn offset_us(&self) -> Option<i64> {
        self.known.load(Ordering::Acquire).then(|| self.offset_us.load(Ordering::Acquire))
    }

    /// Now, by the server's clock, in microseconds since the UNIX epoch.
    pub fn now_us(&self) -> i64 {
        self.to_server_us(self.local.now())
    }

    /// A local moment by the server's clock, in microseconds since the UNIX epoch.
    pub fn to_server_us(&self, local: Duration) -> i64 {
        i64::try_from(local.as_micros()).unwrap_or(i64::MAX).saturating_add(self.offset_us.load(Ordering::Acquire))
    }

    /// A moment of the server's clock by the local clock.
    pub fn to_local(&self, server_us: i64) -> Duration {
        let local = server_us.saturating_sub(self.offset_us.load(Ordering::Acquire));
        Duration::from_micros(u64::try_from(local).unwrap_or(0))
    }
}

fn micros(d: Duration) -> u64 {
    u64::try_from(d.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Duration::from_secs(10));
        let twin = clock.clone();
        assert_eq!(clock.now(), Duration::from_secs(10));
        twin.advance(Duration::from_millis(5));
        assert_eq!(clock.now(), Duration::from_millis(10_005));
    }

    #[test]
    fn the_system_clock_never_goes_back_and_is_near_the_wall() {
        let clock = Clock::system();
        let (a, b) = (clock.now(), clock.now());
        assert!(b >= a);
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(wall.abs_diff(clock.now()) < Duration::from_secs(5));
    }

    #[test]
    fn server_time_maps_both_ways() {
        let clock = ServerClock::new(Clock::manual(Duration::from_secs(100)));
        assert_eq!(clock.offset_us(), None);
        clock.set_offset(-2_500_000);
        assert_eq!(clock.now_us(), 97_500_000);
        assert_eq!(clock.to_local(97_500_000), Duration::from_secs(100));
    }
}
