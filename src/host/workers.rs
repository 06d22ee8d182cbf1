//! Threads that serve connections, each with an event loop of its own. A relay's work comes in grains of microseconds: an event loop that hands
//! them to other threads, as the shared one does, spends as long on that as on the work.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads at most; a relay of that many cores fills a network card of 100 Gbit/s.
const MOST: usize = 16;

/// The threads. Dropping this ends what they serve.
pub(super) struct Workers {
    threads: Vec<Worker>,
    turn: AtomicUsize,
}

struct Worker {
    handle: Handle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Workers {
    /// One for each processor.
    ///
    /// # Errors
    /// When the system gives none.
    pub fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from).min(MOST);
        let threads = (0..count).map(Worker::start).collect::<io::Result<_>>()?;
        Ok(Self { threads, turn: AtomicUsize::new(0) })
    }

    /// Where the next connection is to be served: they take turns.
    pub fn next(&self) -> &Handle {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        &self.threads[turn % self.threads.len()].handle
    }
}

impl Worker {
    fn start(number: usize) -> io::Result<Self> {
        let (stop, stopped) = oneshot::channel::<()>();
        let (say, said) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name(format!("connections {number}")).spawn(move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(say.send(Err(error))),
            };
            // Where nobody listens any more, nobody holds the other end of `stop` either.
            drop(say.send(Ok(runtime.handle().clone())));
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        let handle = said.recv().map_err(|_| io::Error::other("the thread ended at once"))??;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("a thread that serves connections broke down");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn connections_take_turns_and_end_with_their_threads() {
        let workers = Workers::start().unwrap();
        let count = workers.threads.len();
        let names: Vec<_> = (0..count)
            .map(|_| {
                let (say, said) = mpsc::sync_channel(1);
                workers.next().spawn(async move { say.send(thread::current().name().map(str::to_owned)) });
                said.recv().unwrap().unwrap()
            })
            .collect();
        assert_eq!(names, (0..count).map(|number| format!("connections {number}")).collect::<Vec<_>>());
        let held = Arc::new(());
        let inside = held.clone();
        workers.next().spawn(async move {
            let _inside = inside;
            std::future::pending::<()>().await;
        });
        drop(workers);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
