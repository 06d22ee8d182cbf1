//! The thread that keeps the lists true.
//!
//! One serves the whole process: it starts with the first [`Devices`] handle and is joined with the last. It sleeps until a sound server says that
//! something changed, or until half a second has passed; then it looks at the times of a few folders (Linux) or asks for the lists (elsewhere).

use super::system::{Pace, System};
use super::{Kind, Lists};
use crate::base::{Stop, Worker};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Who may be told of changes at the same time; more are not told.
const LISTENERS: usize = 32;

type Listener = Box<dyn Fn() + Send + Sync>;

/// What this computer has, kept true by a thread. Clones are the same; the thread ends with the last one.
#[derive(Clone, Debug)]
pub struct Devices(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    shared: Arc<Shared>,
    _worker: Option<Worker>,
}

#[derive(Default)]
struct Shared {
    lists: Mutex<Arc<Lists>>,
    changed: Condvar,
    version: AtomicU64,
    listeners: Mutex<Vec<(u64, Listener)>>,
    next: AtomicU64,
}

/// Being told of changes; ends when dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the news"]
pub struct Listening(Weak<Shared>, u64);

static WATCH: Mutex<Weak<Watch>> = Mutex::new(Weak::new());

impl Devices {
    /// Starts to watch, or joins in. Returns at once: the lists are known a moment later (see [`settle`](Self::settle)).
    pub fn watch() -> Self {
        let mut place = lock(&WATCH);
        if let Some(watch) = place.upgrade() {
            return Self(watch);
        }
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        let worker = Worker::spawn("devices", move |stop| keep(&seen, stop))
            .map_err(|error| tracing::error!(%error, "no thread to watch the devices"))
            .ok();
        let watch = Arc::new(Watch { shared, _worker: worker });
        *place = Arc::downgrade(&watch);
        Self(watch)
    }

    /// The lists as they are now.
    pub fn lists(&self) -> Arc<Lists> {
        lock(&self.0.shared.lists).clone()
    }

    /// Another number whenever the lists have changed; costs nothing to ask.
    pub fn version(&self) -> u64 {
        self.0.shared.version.load(Ordering::Acquire)
    }

    /// Waits until all lists are known, at most for `limit`.
    pub fn settle(&self, limit: Duration) {
        let lists = lock(&self.0.shared.lists);
        let known = |lists: &Arc<Lists>| Kind::ALL.iter().all(|kind| lists.of(*kind).known);
        drop(
            self.0.shared.changed.wait_timeout_while(lists, limit, |lists| !known(lists)).unwrap_or_else(PoisonError::into_inner),
        );
    }

    /// Calls `tell` on the watching thread after each change, until the guard is dropped. It must not wait.
    pub fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> Listening {
        let id = self.0.shared.next.fetch_add(1, Ordering::Relaxed);
        let mut listeners = lock(&self.0.shared.listeners);
        if listeners.len() < LISTENERS {
            listeners.push((id, Box::new(tell)));
        } else {
            tracing::warn!("too many listen to changes of the devices");
        }
        Listening(Arc::downgrade(&self.0.shared), id)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(shared) = self.0.upgrade() {
            lock(&shared.listeners).retain(|(id, _)| *id != self.1);
        }
    }
}

impl Shared {
    fn publish(&self, lists: Lists) {
        let mut place = lock(&self.lists);
        if **place == lists {
            return;
        }
        for kind in Kind::ALL {
            let (old, new) = (place.of(kind), lists.of(kind));
            if old != new {
                let names: Vec<_> = new.devices.iter().map(|d| d.name.as_str()).collect();
                tracing::info!(?kind, ?names, default = new.default.as_ref().map(|d| d.name.as_str()), "devices");
            }
        }
        *place = Arc::new(lists);
        self.version.fetch_add(1, Ordering::Release);
        drop(place);
        self.changed.notify_all();
        for (_, tell) in lock(&self.listeners).iter() {
            tell();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("version", &self.version).finish_non_exhaustive()
    }
}

fn keep(shared: &Shared, stop: &Stop) {
    let mut system = System::default();
    let mut lists = Lists::default();
    while !stop.is_set() {
        // Each kind is told as soon as it is known: cameras take longest to ask.
        for kind in [Kind::Speaker, Kind::Microphone, Kind::Camera] {
            if stop.is_set() {
                return;
            }
            if let Some(list) = system.look(kind) {
                *lists.of_mut(kind) = list;
                shared.publish(lists.clone());
            }
        }
        match system.wait() {
            #[cfg(target_os = "linux")]
            Pace::Waited => {}
            Pace::Sleep(pause) => drop(stop.wait(pause)),
        }
    }
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn all_share_one_watch_that_ends_with_the_last() {
        let first = Devices::watch();
        let second = Devices::watch();
        assert!(Arc::ptr_eq(&first.0, &second.0));
        first.settle(Duration::from_secs(60));
        assert!(Kind::ALL.iter().all(|kind| second.lists().of(*kind).known));
    }

    #[test]
    fn changes_are_told_and_equal_lists_are_none() {
        let shared = Arc::new(Shared::default());
        let devices = Devices(Arc::new(Watch { shared: shared.clone(), _worker: None }));
        let told = Arc::new(AtomicUsize::new(0));
        let count = told.clone();
        let listening = devices.on_change(move || {
            count.fetch_add(1, Ordering::Relaxed);
        });
        let mut lists = Lists::default();
        lists.cameras.known = true;
        shared.publish(lists.clone());
        shared.publish(lists.clone());
        assert_eq!((told.load(Ordering::Relaxed), devices.version()), (1, 1));
        drop(listening);
        lists.speakers.known = true;
        shared.publish(lists);
        assert_eq!((told.load(Ordering::Relaxed), devices.version()), (1, 2));
    }
}
