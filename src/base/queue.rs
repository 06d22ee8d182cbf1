//! A bounded queue between threads that drops its oldest entry when full, and counts what it dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A bounded, drop-oldest queue. Clones are the same queue.
///
/// ```
/// let queue = parlor::base::Queue::bounded(2);
/// queue.push(1);
/// queue.push(2);
/// assert_eq!(queue.push(3), Some(1));
/// assert_eq!((queue.pop(), queue.dropped()), (Some(2), 1));
/// ```
pub struct Queue<T>(Arc<Inner<T>>);

struct Inner<T> {
    items: Mutex<VecDeque<T>>,
    filled: Condvar,
    capacity: usize,
    dropped: AtomicU64,
}

impl<T> Queue<T> {
    /// An empty queue that holds at most `capacity` (at least one) entries.
    pub fn bounded(capacity: usize) -> Self {
        let capacity = capacity.max(1);
        Self(Arc::new(Inner {
            items: Mutex::new(VecDeque::with_capacity(capacity)),
            filled: Condvar::new(),
            capacity,
            dropped: AtomicU64::new(0),
        }))
    }

    /// Appends `item`; returns the oldest entry if it had to make room.
    pub fn push(&self, item: T) -> Option<T> {
        let mut items = self.lock();
        let oldest = if items.len() == self.0.capacity { items.pop_front() } else { None };
        items.push_back(item);
        drop(items);
        self.0.filled.notify_one();
        if oldest.is_some() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        oldest
    }

    /// Takes the oldest entry; never waits.
    pub fn pop(&self) -> Option<T> {
        self.lock().pop_front()
    }

    /// Takes the oldest entry, waiting up to `timeout` for one.
    pub fn pop_within(&self, timeout: Duration) -> Option<T> {
        let guard = self.lock();
        let (mut items, _) =
            self.0.filled.wait_timeout_while(guard, timeout, |i| i.is_empty()).unwrap_or_else(PoisonError::into_inner);
        items.pop_front()
    }

    /// Entries waiting now.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Throws away all that waits (not counted as dropped).
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many entries were dropped because the queue was full.
    pub fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.0.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> std::fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue").field("len", &self.len()).field("dropped", &self.dropped()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_drops_its_oldest_and_says_so() {
        let queue = Queue::bounded(3);
        for i in 0..5 {
            queue.push(i);
        }
        assert_eq!((queue.len(), queue.dropped()), (3, 2));
        assert_eq!(std::iter::from_fn(|| queue.pop()).collect::<Vec<_>>(), [2, 3, 4]);
        assert_eq!(queue.pop_within(Duration::from_millis(1)), None);
    }

    #[test]
    fn a_capacity_of_zero_still_holds_one() {
        let queue = Queue::bounded(0);
        assert_eq!((queue.push(1), queue.push(2), queue.pop()), (None, Some(1), Some(2)));
    }
}
