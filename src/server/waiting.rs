//! Those who wait for something to happen in a room.

use super::limits::POLLS_PER_MEMBER;
use crate::proto::{Identity, RoomId};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Who waits where. Holds no more than there are requests being answered.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<Tables>);

#[derive(Debug, Default)]
struct Tables {
    /// Woken when something happens in the room; there while somebody waits.
    rooms: HashMap<RoomId, watch::Sender<()>>,
    polls: HashMap<(RoomId, Identity), usize>,
}

/// Somebody who waits for events; uncounted when dropped.
pub(super) struct Waiter<'w> {
    waiting: &'w Waiting,
    key: (RoomId, Identity),
    woken: watch::Receiver<()>,
}

impl Waiting {
    /// Starts to wait; `None` if that person waits there several times over already.
    pub fn start(&self, room: &RoomId, identity: &Identity) -> Option<Waiter<'_>> {
        let key = (room.clone(), identity.clone());
        let mut tables = self.lock();
        let polls = tables.polls.entry(key.clone()).or_default();
        if *polls >= POLLS_PER_MEMBER {
            return None;
        }
        *polls += 1;
        let woken = tables.rooms.entry(room.clone()).or_insert_with(|| watch::Sender::new(())).subscribe();
        drop(tables);
        Some(Waiter { waiting: self, key, woken })
    }

    /// Makes all who wait there look.
    pub fn wake(&self, room: &RoomId) {
        if let Some(waking) = self.lock().rooms.get(room) {
            waking.send_replace(());
        }
    }

    /// Makes that person look, wherever they wait. Looks at all who wait: for what happens seldom.
    pub fn wake_person(&self, identity: &Identity) {
        let tables = self.lock();
        for (room, _) in tables.polls.keys().filter(|(_, waits)| waits == identity) {
            if let Some(waking) = tables.rooms.get(room) {
                waking.send_replace(());
            }
        }
    }

    /// Makes all who wait look.
    pub fn wake_all(&self) {
        for waking in self.lock().rooms.values() {
            waking.send_replace(());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiter<'_> {
    /// What happens from now on ends the next [`woken`](Self::woken). To be called before looking, so that nothing slips in between.
    pub fn listen(&mut self) {
        self.woken.mark_unchanged();
    }

    /// Waits for something to happen since [`listen`](Self::listen).
    pub async fn woken(&mut self) {
        // The sender stays as long as this waiter is counted.
        let _ = self.woken.changed().await;
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut tables = self.waiting.lock();
        if let Some(polls) = tables.polls.get_mut(&self.key) {
            *polls -= 1;
            if *polls == 0 {
                tables.polls.remove(&self.key);
            }
        }
        // The receiver of this very waiter is the last one.
        if tables.rooms.get(&self.key.0).is_some_and(|waking| waking.receiver_count() <= 1) {
            tables.rooms.remove(&self.key.0);
        }
    }
}
