//! A place for one value between two threads: the newest wins, a reader never sees an old one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A one-value hand-over. Clones are the same place.
///
/// ```
/// let slot = parlor::base::Slot::new();
/// slot.put(1);
/// assert_eq!(slot.put(2), Some(1)); // the old value comes back, so that its buffer can be reused
/// assert_eq!(slot.take(), Some(2));
/// assert_eq!(slot.replaced(), 1);
/// ```
pub struct Slot<T>(Arc<Inner<T>>);

type Waker = Arc<dyn Fn() + Send + Sync>;

struct Inner<T> {
    value: Mutex<(Option<T>, Option<Waker>)>,
    filled: Condvar,
    replaced: AtomicU64,
    /// Values in a row that nobody took.
    ignored: AtomicU64,
}

impl<T> Slot<T> {
    /// An empty slot.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            value: Mutex::new((None, None)),
            filled: Condvar::new(),
            replaced: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
        }))
    }

    /// Stores `value`, wakes the reader and returns the value nobody took, if any.
    pub fn put(&self, value: T) -> Option<T> {
        let mut guard = self.lock();
        let old = guard.0.replace(value);
        let waker = guard.1.clone();
        drop(guard);
        self.0.filled.notify_one();
        if old.is_some() {
            self.0.replaced.fetch_add(1, Ordering::Relaxed);
            self.0.ignored.fetch_add(1, Ordering::Relaxed);
        } else {
            self.0.ignored.store(0, Ordering::Relaxed);
        }
        if let Some(wake) = waker {
            wake();
        }
        old
    }

    /// Takes the value if there is one; never waits.
    pub fn take(&self) -> Option<T> {
        self.lock().0.take()
    }

    /// Takes the value, waiting up to `timeout` for one.
    pub fn take_within(&self, timeout: Duration) -> Option<T> {
        let guard = self.lock();
        let (mut guard, _) =
            self.0.filled.wait_timeout_while(guard, timeout, |v| v.0.is_none()).unwrap_or_else(PoisonError::into_inner);
        guard.0.take()
    }

    /// Calls `wake` after every [`put`](Self::put), on the thread that put (a window asks for a repaint here).
    pub fn on_put(&self, wake: impl Fn() + Send + Sync + 'static) {
        self.lock().1 = Some(Arc::new(wake));
    }

    /// Whether `other` is the same place.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// How many values were overwritten before anyone took them.
    pub fn replaced(&self) -> u64 {
        self.0.replaced.load(Ordering::Relaxed)
    }

    /// Whether there is a value, and so many before it were overwritten in a row: nobody looks, and making another one is a waste. As soon
    /// as the value is taken, the answer is no.
    pub fn is_ignored(&self, times: u64) -> bool {
        self.lock().0.is_some() && self.0.ignored.load(Ordering::Relaxed) >= times
    }

    fn lock(&self) -> MutexGuard<'_, (Option<T>, Option<Waker>)> {
        self.0.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> std::fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot").field("full", &self.lock().0.is_some()).field("replaced", &self.replaced()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn a_slot_is_ignored_until_somebody_takes() {
        let slot = Slot::new();
        for n in 0..4 {
            slot.put(n);
        }
        assert!(slot.is_ignored(3) && !slot.is_ignored(4));
        slot.take();
        assert!(!slot.is_ignored(0));
        slot.put(5);
        assert!(slot.is_ignored(0) && !slot.is_ignored(1));
    }

    #[test]
    fn the_newest_wins_and_the_loss_is_counted() {
        let slot = Slot::new();
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        slot.on_put(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(slot.put('a'), None);
        assert_eq!(slot.put('b'), Some('a'));
        assert_eq!((slot.take(), slot.take()), (Some('b'), None));
        assert_eq!((slot.replaced(), woken.load(Ordering::SeqCst)), (1, 2));
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let slot = Slot::new();
        let writer = slot.clone();
        let thread = std::thread::spawn(move || writer.put(7));
        assert_eq!(slot.take_within(Duration::from_secs(10)), Some(7));
        thread.join().unwrap();
        assert_eq!(slot.take_within(Duration::from_millis(1)), None);
    }
}
