//! Threads that serve connections, each with an event loop of its own. A relay's work comes in grains of microseconds: an event loop that hands
//! them to other threads, as the shared one does, spends as long on that as on the work.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Threads at most; a relay of that many cores fills a network card of 100 Gbit/s.
const MOST: usize = 16;

/// Connections that one thread gets before the next gets any: a thread with much to do finds more of it at each look than two with half as much. So many
/// streams of a megabit take less than half a core.
const BLOCK: usize = 512;

/// The threads. Dropping this ends what they serve.
pub(super) struct Workers {
    threads: Vec<Worker>,
}

/// A connection's place on its thread, counted until this is dropped.
pub(super) struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Worker {
    handle: Handle,
    connections: Arc<AtomicUsize>,
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
        Ok(Self { threads })
    }

    /// Where the next connection is to be served: the first thread that has a block the least.
    pub fn next(&self) -> (&Handle, Place) {
        let blocks = |worker: &&Worker| worker.connections.load(Ordering::Relaxed) / BLOCK;
        // There is one at least.
        let worker = self.threads.iter().min_by_key(blocks).unwrap_or(&self.threads[0]);
        worker.connections.fetch_add(1, Ordering::Relaxed);
        (&worker.handle, Place(worker.connections.clone()))
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
        Ok(Self { handle, connections: Arc::default(), stop: Some(stop), thread: Some(thread) })
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

    #[test]
    fn threads_are_filled_block_by_block_and_connections_end_with_them() {
        let workers = Workers::start().unwrap();
        let name = || {
            let (say, said) = mpsc::sync_channel(1);
            let (handle, place) = workers.next();
            handle.spawn(async move { say.send(thread::current().name().map(str::to_owned)) });
            (said.recv().unwrap().unwrap(), place)
        };
        let mut places: Vec<_> = (0..BLOCK).map(|_| name()).collect();
        assert!(places.iter().all(|(name, _)| name == "connections 0"));
        let second = format!("connections {}", 1 % workers.threads.len());
        assert_eq!(name().0, second);
        places.pop();
        assert_eq!(name().0, "connections 0", "a place that was given up is given again");
        drop(places);
        let held = Arc::new(());
        let inside = held.clone();
        workers.next().0.spawn(async move {
            let _inside = inside;
            std::future::pending::<()>().await;
        });
        drop(workers);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
