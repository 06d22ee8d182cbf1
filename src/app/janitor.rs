//! Puts away what may take a moment to end (a call on a dead network, a camera), so that the window never waits.

use crate::base::{Slot, Worker};

/// Threads that are putting things away. Dropping it waits for all of them.
#[derive(Debug, Default)]
pub struct Janitor {
    workers: Vec<Worker>,
}

impl Janitor {
    /// Drops `thing` on a thread of its own. The returned slot is filled when that is done; `wake` is called then.
    pub fn put_away<T: Send + 'static>(&mut self, thing: T, wake: impl FnOnce() + Send + 'static) -> Slot<()> {
        let done = Slot::new();
        let report = done.clone();
        self.workers.retain(|w| !w.is_finished());
        match Worker::spawn("put away", move |_| {
            drop(thing);
            report.put(());
            wake();
        }) {
            Ok(worker) => self.workers.push(worker),
            Err(error) => {
                // The closure, and the thing with it, was dropped here and now.
                tracing::error!(%error, "no thread to put things away");
                done.put(());
            }
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    struct Slow;

    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    #[test]
    fn nobody_waits_until_the_end() {
        let mut janitor = Janitor::default();
        let started = Instant::now();
        let done = janitor.put_away(Slow, || {});
        assert!(started.elapsed() < Duration::from_millis(150), "putting away waited");
        assert_eq!(done.take(), None);
        drop(janitor);
        assert_eq!(done.take(), Some(()));
    }
}
