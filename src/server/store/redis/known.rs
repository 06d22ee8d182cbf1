//! Rooms as this process knows them. Every use of one is checked against the store, so that an old one costs a second question and no more.

use crate::proto::RoomId;
use crate::server::room::Room;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Rooms that a process remembers in one half; with both, 40,000 members in rooms of four.
const HALF: usize = 8192;

/// A room as it was when last asked for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub version: String,
    pub doc: String,
    pub room: Room,
}

impl Known {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is none of ours, or one of another version of this program.
    pub fn read(version: String, doc: String, number: u64) -> Result<Self, serde_json::Error> {
        let mut room: Room = serde_json::from_str(&doc)?;
        room.number = number;
        Ok(Self { version, doc, room })
    }
}

/// The rooms used lately.
#[derive(Debug, Default)]
pub(super) struct Memo(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    young: HashMap<RoomId, Arc<Known>>,
    old: HashMap<RoomId, Arc<Known>>,
}

impl Memo {
    pub fn find(&self, room: &RoomId) -> Option<Arc<Known>> {
        let mut halves = self.lock();
        if let Some(known) = halves.young.get(room) {
            return Some(known.clone());
        }
        let known = halves.old.remove(room)?;
        halves.insert(room, known.clone());
        Some(known)
    }

    pub fn insert(&self, room: &RoomId, known: Arc<Known>) {
        self.lock().insert(room, known);
    }

    pub fn remove(&self, room: &RoomId) {
        let mut halves = self.lock();
        halves.young.remove(room);
        halves.old.remove(room);
    }

    fn lock(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Halves {
    fn insert(&mut self, room: &RoomId, known: Arc<Known>) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(room.clone(), known);
    }
}
