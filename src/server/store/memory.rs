//! Rooms in this process' memory: one lock, and an index for every question, so that none of them looks at all rooms.

mod audience;
#[cfg(test)]
mod audit;
mod people;

use super::history::History;
use super::ring::Ring;
use super::{Change, Due, Effects, Error, Later, Look, News, Store, Totals, Verdict, Watcher};
use crate::base::Clock;
use crate::proto::api::{AudiencePage, RoomPage};
use crate::proto::{Event, EventKind, Identity, MemberId, RoomId};
use crate::server::limits::{CLAIM, ROOMS_PER_PERSON};
use crate::server::room::{Deadline, Outbox, Room};
use audience::Audiences;
use people::People;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// Rooms in memory; they end with the process.
#[derive(Debug)]
pub struct Memory {
    clock: Clock,
    books: Mutex<Books>,
    silence: broadcast::Sender<News>,
    audiences: Mutex<Audiences>,
    people: Mutex<People>,
    began: Duration,
}

#[derive(Debug, Default)]
struct Books {
    rooms: HashMap<RoomId, Entry>,
    /// How many rooms there have ever been.
    created: u64,
    index: Index,
    deadlines: BTreeSet<(Duration, Key)>,
    /// Closed rooms by when they are forgotten.
    closed: BTreeSet<(Duration, RoomId)>,
}

/// What a deadline is about.
type Key = (RoomId, Option<MemberId>);

/// A room with what is kept beside it.
#[derive(Debug, Default)]
struct Entry {
    /// Empty only while it is being changed.
    slot: Option<Room>,
    events: Ring,
    history: History,
    /// The same deadlines as in the books, by whom.
    deadlines: HashMap<Option<MemberId>, Duration>,
    /// Its number and name, as the index has them.
    listed: Option<(u64, String)>,
    /// Number and creator of an open room, as the index has them.
    open: Option<(u64, Identity)>,
}

/// Where to find rooms without looking at all of them.
#[derive(Debug, Default)]
struct Index {
    /// Listed rooms by number.
    listed: BTreeMap<u64, RoomId>,
    /// Numbers of the listed rooms of a name.
    named: HashMap<String, BTreeSet<u64>>,
    /// Open rooms by number.
    open: BTreeMap<u64, RoomId>,
    /// How many open rooms somebody has created.
    owned: HashMap<Identity, usize>,
}

impl Memory {
    /// No rooms yet.
    pub fn new(clock: Clock) -> Self {
        Self {
            books: Mutex::default(),
            audiences: Mutex::default(),
            people: Mutex::default(),
            began: clock.now(),
            clock,
            silence: broadcast::Sender::new(1),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn audiences(&self) -> MutexGuard<'_, Audiences> {
        self.audiences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is there already.
fn ready<'a, T: Send + 'a>(answer: Result<T, Error>) -> Later<'a, T> {
    Box::pin(std::future::ready(answer))
}

impl Store for Memory {
    fn update<'a>(&'a self, room: &'a RoomId, due: Option<&'a Due>, change: Change<'a>) -> Later<'a, Effects> {
        let mut books = self.lock();
        // Read under the lock: no room ever sees time go backwards.
        let now = self.clock.now();
        ready(books.update(now, room, due, change))
    }

    fn view<'a>(&'a self, room: &'a RoomId, since: Option<u64>, look: Look<'a>) -> Later<'a, ()> {
        if let Some(entry) = self.lock().rooms.get(room)
            && let Some(room) = &entry.slot
        {
            look(room, since.map(|since| entry.events.since(since)).unwrap_or_default());
        }
        ready(Ok(()))
    }

    fn find<'a>(&'a self, name: &'a str) -> Later<'a, Option<RoomId>> {
        let books = self.lock();
        let newest = books.index.named.get(name).and_then(|numbers| numbers.last());
        ready(Ok(newest.and_then(|number| books.index.listed.get(number)).cloned()))
    }

    fn list<'a>(&'a self, search: &'a str, offset: usize, limit: usize) -> Later<'a, RoomPage> {
        let books = self.lock();
        let newest = books.index.listed.values().rev().filter_map(|id| books.rooms.get(id)?.slot.as_ref());
        if search.is_empty() {
            let rooms = newest.skip(offset).take(limit).map(Room::summary).collect();
            return ready(Ok(RoomPage { rooms, total: books.index.listed.len() }));
        }
        let search = search.to_lowercase();
        let found: Vec<&Room> = newest.filter(|room| room.name.to_lowercase().contains(&search)).collect();
        let rooms = found.iter().skip(offset).take(limit).map(|room| room.summary()).collect();
        ready(Ok(RoomPage { rooms, total: found.len() }))
    }

    fn totals(&self) -> Later<'_, Totals> {
        let books = self.lock();
        let open = books.rooms.values().filter_map(|entry| entry.slot.as_ref()).filter(|room| room.closed.is_none());
        let (rooms, members) = open.fold((0, 0), |(rooms, members), room| (rooms + 1, members + room.seats.len()));
        ready(Ok(Totals { rooms, members, audience: Some(self.audiences().count()) }))
    }

    fn due(&self) -> Later<'_, Vec<Due>> {
        let mut books = self.lock();
        let now = self.clock.now();
        let up: Vec<Key> = books.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect();
        let claim = now + CLAIM;
        for (room, member) in &up {
            books.look_at(room, member, Deadline::At(claim));
        }
        self.audiences().purge(now);
        ready(Ok(up.into_iter().map(|(room, member)| Due { room, member, claim }).collect()))
    }

    fn began(&self) -> Later<'_, Duration> {
        ready(Ok(self.began))
    }

    fn sign_in<'a>(&'a self, identity: &'a Identity, wanted_us: u64) -> Later<'a, (u64, Vec<RoomId>)> {
        ready(Ok(self.people().sign_in(identity, wanted_us)))
    }

    fn newest<'a>(&'a self, identity: &'a Identity, issued_us: u64) -> Later<'a, u64> {
        ready(Ok(self.people().newest(identity, issued_us)))
    }

    fn note_seat<'a>(&'a self, identity: &'a Identity, room: &'a RoomId) -> Later<'a, ()> {
        self.people().note_seat(identity, room);
        ready(Ok(()))
    }

    fn news(&self) -> broadcast::Receiver<News> {
        // There is no other process.
        self.silence.subscribe()
    }

    fn all(&self, offset: usize, limit: usize) -> Later<'_, (Vec<Room>, usize)> {
        let books = self.lock();
        let ids = books.index.open.values().rev().skip(offset).take(limit);
        let rooms = ids.filter_map(|id| books.rooms.get(id)?.slot.clone()).collect();
        ready(Ok((rooms, books.index.open.len())))
    }

    fn messages<'a>(&'a self, room: &'a RoomId, before: Option<u64>, limit: usize) -> Later<'a, (Vec<Event>, bool)> {
        let books = self.lock();
        ready(Ok(books.rooms.get(room).map(|entry| entry.history.before(before, limit)).unwrap_or_default()))
    }

    fn watch<'a>(&'a self, room: &'a RoomId, watcher: &'a Watcher, until: Duration, cap: usize) -> Later<'a, Option<usize>> {
        ready(Ok(self.audiences().watch(self.clock.now(), room, watcher, until, cap)))
    }

    fn watcher<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, Option<Watcher>> {
        ready(Ok(self.audiences().watcher(self.clock.now(), room, viewer)))
    }

    fn unwatch<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, bool> {
        ready(Ok(self.audiences().unwatch(room, viewer)))
    }

    fn audience<'a>(&'a self, room: &'a RoomId, offset: usize, limit: usize) -> Later<'a, AudiencePage> {
        ready(Ok(self.audiences().page(self.clock.now(), room, offset, limit)))
    }
}

impl Books {
    fn update(&mut self, now: Duration, id: &RoomId, due: Option<&Due>, change: Change<'_>) -> Result<Effects, Error> {
        if let Some(due) = due {
            let deadline = self.rooms.get(id).and_then(|entry| entry.deadlines.get(&due.member));
            if deadline.is_none_or(|at| *at > due.claim) {
                return Ok(Effects::default());
            }
        }
        let mut effects = Effects::default();
        let mut nothing = None;
        let slot = self.rooms.get_mut(id).map_or(&mut nothing, |entry| &mut entry.slot);
        match change(slot, now) {
            Verdict::Keep => return Ok(effects),
            Verdict::Commit => {}
            Verdict::Create { rooms } => {
                if let Some(mut room) = slot.take() {
                    // A dissolved room of that id makes way.
                    self.forget(id, &mut effects);
                    self.make_space(&room.creator_identity, rooms, &mut effects)?;
                    self.created += 1;
                    room.number = self.created;
                    self.rooms.insert(id.clone(), Entry { slot: Some(room), ..Entry::default() });
                }
            }
        }
        self.settle(id, &mut effects);
        Ok(effects)
    }

    /// Does what the room's outbox says, and brings the indexes up to date.
    fn settle(&mut self, id: &RoomId, effects: &mut Effects) {
        let Some(entry) = self.rooms.get_mut(id) else { return };
        let Some(room) = &mut entry.slot else { return self.forget(id, effects) };
        let Outbox { events, returned, kicked, deadlines, woken } = std::mem::take(&mut room.outbox);
        for message in returned {
            entry.history.add(message);
        }
        for event in events {
            if matches!(event.kind, EventKind::Message { .. }) {
                entry.history.add(event.clone());
            }
            entry.events.push(event);
        }
        if room.is_listed() != entry.listed.is_some() {
            match entry.listed.take() {
                None => entry.listed = Some(self.index.list(room)),
                Some(listed) => self.index.unlist(&listed),
            }
        }
        let open = room.closed.is_none().then_some((room.number, &room.creator_identity));
        if open != entry.open.as_ref().map(|(number, owner)| (*number, owner)) {
            if let Some(open) = entry.open.take() {
                self.index.close(&open);
            }
            // The creator of a room that was lost becomes known when they come back.
            if room.closed.is_none() {
                entry.open = Some(self.index.open(room));
            }
        }
        for (member, deadline) in deadlines {
            self.look_at(id, &member, deadline);
        }
        effects.kicked.extend(kicked);
        if woken {
            effects.woken.push(id.clone());
        }
    }

    fn look_at(&mut self, id: &RoomId, member: &Option<MemberId>, deadline: Deadline) {
        let Some(entry) = self.rooms.get_mut(id) else { return };
        let old = entry.deadlines.get(member).copied();
        let new = match deadline {
            Deadline::At(at) => Some(at),
            Deadline::AtLeast(at) => Some(old.map_or(at, |old| old.max(at))),
            Deadline::Never => None,
        };
        if old == new {
            return;
        }
        let key = (id.clone(), member.clone());
        match new {
            Some(at) => entry.deadlines.insert(member.clone(), at),
            None => entry.deadlines.remove(member),
        };
        if member.is_none() {
            old.map(|at| self.closed.remove(&(at, id.clone())));
            new.map(|at| self.closed.insert((at, id.clone())));
        }
        if let Some(old) = old {
            self.deadlines.remove(&(old, key.clone()));
        }
        if let Some(new) = new {
            self.deadlines.insert((new, key));
        }
    }

    /// Makes sure that one more room fits.
    fn make_space(&mut self, creator: &Identity, rooms: usize, effects: &mut Effects) -> Result<(), Error> {
        let own = self.index.owned.get(creator).copied().unwrap_or_default();
        if own >= ROOMS_PER_PERSON {
            return Err(Error::TooManyOwn(own));
        }
        if self.rooms.len() >= rooms {
            // The memory of the room that was dissolved first makes way.
            let (_, oldest) = self.closed.first().cloned().ok_or(Error::Full)?;
            self.forget(&oldest, effects);
        }
        Ok(())
    }

    fn forget(&mut self, id: &RoomId, effects: &mut Effects) {
        let Some(entry) = self.rooms.remove(id) else { return };
        for (member, at) in entry.deadlines {
            if member.is_none() {
                self.closed.remove(&(at, id.clone()));
            }
            self.deadlines.remove(&(at, (id.clone(), member)));
        }
        if let Some(listed) = &entry.listed {
            self.index.unlist(listed);
        }
        if let Some(open) = &entry.open {
            self.index.close(open);
        }
        effects.woken.push(id.clone());
    }
}

impl Index {
    fn list(&mut self, room: &Room) -> (u64, String) {
        self.listed.insert(room.number, room.id.clone());
        self.named.entry(room.name.clone()).or_default().insert(room.number);
        (room.number, room.name.clone())
    }

    fn unlist(&mut self, (number, name): &(u64, String)) {
        self.listed.remove(number);
        if let Some(numbers) = self.named.get_mut(name) {
            numbers.remove(number);
            if numbers.is_empty() {
                self.named.remove(name);
            }
        }
    }

    fn open(&mut self, room: &Room) -> (u64, Identity) {
        self.open.insert(room.number, room.id.clone());
        *self.owned.entry(room.creator_identity.clone()).or_default() += 1;
        (room.number, room.creator_identity.clone())
    }

    fn close(&mut self, (number, owner): &(u64, Identity)) {
        self.open.remove(number);
        if let Some(rooms) = self.owned.get_mut(owner) {
            *rooms -= 1;
            if *rooms == 0 {
                self.owned.remove(owner);
            }
        }
    }
}
