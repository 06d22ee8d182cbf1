//! The life of a link's task: started on the network's runtime, told to stop and waited for (not long) by the owner's thread.

use std::future::Future;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long dropping a link may take, whatever the network does.
const DROP_WAIT: Duration = Duration::from_millis(200);

type Done = Arc<(Mutex<bool>, Condvar)>;

/// A task that ends soon after its owner drops this.
#[derive(Debug)]
pub(super) struct Task {
    stop: watch::Sender<bool>,
    done: Done,
    handle: JoinHandle<()>,
}

/// Says that the task is over, also if the runtime throws it away.
struct Finish(Done);

impl Drop for Finish {
    fn drop(&mut self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

impl Task {
    /// Runs `body`, which ends when what it is given becomes true.
    pub fn spawn<F>(runtime: &Handle, body: impl FnOnce(watch::Receiver<bool>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (stop, stopped) = watch::channel(false);
        let done = Done::default();
        let finish = Finish(done.clone());
        let body = body(stopped);
        let handle = runtime.spawn(async move {
            let _finish = finish;
            body.await;
        });
        Self { stop, done, handle }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        // One of the network's own threads must not wait for the network; the task's farewell is bounded by itself.
        if Handle::try_current().is_ok() {
            return;
        }
        let done = self.done.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.done.1.wait_timeout_while(done, DROP_WAIT, |done| !*done);
        if !*waited.unwrap_or_else(PoisonError::into_inner).0 {
            self.handle.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn dropping_waits_for_the_task_but_not_for_ever() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let ended = Arc::new(Mutex::new(false));
        let seen = ended.clone();
        drop(Task::spawn(runtime.handle(), |mut stop| async move {
            let _ = stop.wait_for(|stop| *stop).await;
            *seen.lock().unwrap() = true;
        }));
        assert!(*ended.lock().unwrap());

        let stubborn = Task::spawn(runtime.handle(), |_| std::future::pending());
        let start = Instant::now();
        drop(stubborn);
        let took = start.elapsed();
        assert!(took >= DROP_WAIT && took < Duration::from_secs(10), "{took:?}");

        let orphan = Task::spawn(runtime.handle(), |_| std::future::pending());
        drop(runtime);
        drop(orphan); // its task is gone already
    }
}
