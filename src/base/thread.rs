//! Named threads that are stopped **and joined** when their owner is dropped.
//!
//! ```
//! use parlor::base::{Stop, Worker};
//! let worker = Worker::spawn("ticker", |stop: &Stop| while !stop.wait(std::time::Duration::from_secs(60)) {})?;
//! drop(worker); // returns at once: the wait is woken, the thread is joined
//! # Ok::<(), std::io::Error>(())
//! ```

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

/// The wish that a thread should end. Clones are the same wish.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// A wish not yet made.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether the thread should end.
    pub fn is_set(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the thread to end and wakes it if it waits here.
    pub fn set(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Sleeps for `timeout`, less if the wish is made meanwhile. Returns whether the thread should end.
    pub fn wait(&self, timeout: Duration) -> bool {
        let guard = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        *self.0.1.wait_timeout_while(guard, timeout, |set| !*set).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// A running thread, owned.
#[derive(Debug)]
pub struct Worker {
    stop: Stop,
    handle: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts `body` on a thread called `name` (at most 15 bytes show up in system tools).
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn spawn(name: &str, body: impl FnOnce(&Stop) + Send + 'static) -> io::Result<Self> {
        let stop = Stop::new();
        let seen = stop.clone();
        let handle = std::thread::Builder::new().name(name.to_owned()).spawn(move || body(&seen))?;
        Ok(Self { stop, handle: Some(handle) })
    }

    /// Like [`spawn`](Self::spawn), for a thread that must open something that cannot change threads (a device): runs `open` there,
    /// and returns only when it has succeeded (with what it reported about the opened thing) or failed.
    ///
    /// # Errors
    /// The error of `open`, or of the system that gave no thread.
    pub fn open<S, R, E>(
        name: &str,
        open: impl FnOnce() -> Result<(S, R), E> + Send + 'static,
        run: impl FnOnce(S, &Stop) + Send + 'static,
    ) -> Result<(Self, R), E>
    where
        R: Send + 'static,
        E: From<io::Error> + Send + 'static,
    {
        let (report, opened) = mpsc::sync_channel(1);
        let worker = Self::spawn(name, move |stop| match open() {
            Ok((state, geometry)) => {
                if report.send(Ok(geometry)).is_ok() {
                    run(state, stop);
                }
            }
            Err(error) => {
                // The other side waits until it hears from us, so this cannot fail.
                let _ = report.send(Err(error));
            }
        })?;
        match opened.recv() {
            Ok(Ok(geometry)) => Ok((worker, geometry)),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(E::from(io::Error::other(format!("thread {name} died while opening")))),
        }
    }

    /// Asks the thread to end, without waiting: stop several first, then drop them.
    pub fn stop(&self) {
        self.stop.set();
    }

    /// Whether the thread has ended by itself.
    pub fn is_finished(&self) -> bool {
        self.handle.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Asks the thread to end but does not wait for it: only for a thread that hangs inside a driver.
    pub fn abandon(mut self) {
        self.stop.set();
        self.handle = None;
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop.set();
        if let Some(handle) = self.handle.take() {
            // A thread that drops its own worker cannot wait for itself.
            if handle.thread().id() != std::thread::current().id() && handle.join().is_err() {
                tracing::error!("a thread panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn dropping_a_worker_stops_and_joins_it() {
        let ended = Arc::new(AtomicBool::new(false));
        let seen = ended.clone();
        let worker = Worker::spawn("test", move |stop| {
            while !stop.wait(Duration::from_secs(3600)) {}
            seen.store(true, Ordering::SeqCst);
        })
        .unwrap();
        drop(worker);
        assert!(ended.load(Ordering::SeqCst));
    }

    #[test]
    fn open_reports_geometry_or_the_error() {
        let (worker, size) =
            Worker::open("test", || Ok::<_, io::Error>(((), (640, 480))), |(), stop| while !stop.wait(Duration::from_secs(1)) {})
                .unwrap();
        assert_eq!(size, (640, 480));
        drop(worker);
        let failed = Worker::open("test", || Err::<((), ()), _>(io::Error::other("busy")), |(), _| {});
        assert_eq!(failed.unwrap_err().to_string(), "busy");
    }

    #[test]
    fn a_thread_that_dies_while_opening_is_an_error_not_a_hang() {
        let failed = Worker::open("test", || -> Result<((), ()), io::Error> { panic!("driver") }, |(), _| {});
        assert!(failed.unwrap_err().to_string().contains("died"));
    }
}
