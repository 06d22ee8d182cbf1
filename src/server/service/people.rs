//! People who sign in under a key of their own: one session each, the newest.

use super::Service;
use crate::proto::{Code, Identity, Problem, RoomId};
use crate::server::limits::BUCKETS;
use crate::server::room::{Room, micros};
use crate::server::token::Person;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// When people signed in last, as far as this process knows. What another process lets in is heard at once; after a break in listening nothing is
/// known.
#[derive(Debug, Default)]
pub(super) struct Newest(Mutex<HashMap<Identity, u64>>);

impl Newest {
    pub fn find(&self, identity: &Identity) -> Option<u64> {
        self.lock().get(identity).copied()
    }

    pub fn learn(&self, identity: &Identity, issued_us: u64) {
        let mut newest = self.lock();
        if newest.len() >= BUCKETS && !newest.contains_key(identity) {
            // It can be asked for again.
            newest.clear();
        }
        let known = newest.entry(identity.clone()).or_default();
        *known = issued_us.max(*known);
    }

    pub fn forget_all(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Identity, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Signs in whoever has that key; whoever signed in with it before is told, and loses their seats.
    pub(super) async fn sign_in(&self, identity: &Identity) -> Result<u64, Problem> {
        let wanted = u64::try_from(micros(self.now())).unwrap_or_default();
        let (issued_us, rooms) = self.0.store.sign_in(identity, wanted).await?;
        self.heard_of(identity, issued_us);
        for room in rooms {
            self.lose_seat(identity, &room).await?;
        }
        Ok(issued_us)
    }

    /// Somebody has signed in, here or elsewhere.
    pub(super) fn heard_of(&self, identity: &Identity, issued_us: u64) {
        self.0.newest.learn(identity, issued_us);
        self.0.waiting.wake_person(identity);
    }

    /// Fails for whoever has signed in elsewhere since.
    ///
    /// # Errors
    /// [`Code::SignedInElsewhere`].
    pub(super) async fn check_newest(&self, person: &Person) -> Result<(), Problem> {
        if person.issued_us == 0 {
            // Nobody else can be this person.
            return Ok(());
        }
        let newest = match self.0.newest.find(&person.identity) {
            Some(newest) => newest,
            None => {
                // A store that has forgotten all learns of the session by its use.
                let newest = self.0.store.newest(&person.identity, person.issued_us).await?;
                self.0.newest.learn(&person.identity, newest);
                newest
            }
        };
        match person.issued_us < newest {
            true => Err(Problem::new(Code::SignedInElsewhere, "you have signed in elsewhere; this session is over")),
            false => Ok(()),
        }
    }

    /// Notes where somebody has a seat, so that it can be taken from them.
    pub(super) async fn note_seat(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        if person.issued_us > 0 {
            self.0.store.note_seat(&person.identity, room).await?;
        }
        Ok(())
    }

    async fn lose_seat(&self, identity: &Identity, room: &RoomId) -> Result<(), Problem> {
        let replaced = |room: &mut Room, now| {
            room.replace(now, identity);
            Ok(())
        };
        match self.act(room, replaced).await {
            Err(problem) if problem.code != Code::RoomNotFound => Err(problem),
            _ => Ok(()),
        }
    }
}
