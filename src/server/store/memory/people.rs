//! Who has signed in under a key of their own, and where they have seats.

use crate::proto::{Identity, RoomId};
use crate::server::limits::{BUCKETS, SEATS_NOTED};
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The people. Whoever signed in longest ago makes way: their session goes on as if nobody could replace it.
#[derive(Debug, Default)]
pub(super) struct People {
    known: HashMap<Identity, Known>,
    by_age: BTreeSet<(u64, Identity)>,
}

#[derive(Debug, Default)]
struct Known {
    issued_us: u64,
    rooms: VecDeque<RoomId>,
}

impl People {
    /// Somebody signs in, at that time or later. Returns when, and where they had seats.
    pub fn sign_in(&mut self, identity: &Identity, wanted_us: u64) -> (u64, Vec<RoomId>) {
        let known = self.known.entry(identity.clone()).or_default();
        let issued_us = wanted_us.max(known.issued_us + 1);
        self.by_age.remove(&(known.issued_us, identity.clone()));
        self.by_age.insert((issued_us, identity.clone()));
        known.issued_us = issued_us;
        let rooms = std::mem::take(&mut known.rooms).into();
        if self.known.len() > BUCKETS
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.known.remove(&oldest);
        }
        (issued_us, rooms)
    }

    /// When somebody signed in last; then, if that is not known.
    pub fn newest(&mut self, identity: &Identity, issued_us: u64) -> u64 {
        match self.known.get(identity) {
            Some(known) => known.issued_us,
            None => self.sign_in(identity, issued_us).0,
        }
    }

    /// Somebody has a seat there.
    pub fn note_seat(&mut self, identity: &Identity, room: &RoomId) {
        if let Some(known) = self.known.get_mut(identity)
            && !known.rooms.contains(room)
        {
            if known.rooms.len() >= SEATS_NOTED {
                known.rooms.pop_front();
            }
            known.rooms.push_back(room.clone());
        }
    }
}
