//! Who is in which room, and what happened there. Pure: no I/O, no clock; time is an argument, and what has to be done elsewhere (waking those
//! who wait, ending streams) is handed out as [`Effects`].
//!
//! Push first, room second: creating or entering reserves a seat; the member is announced, and the creator's room listed, when the
//! stream [`started`](Registry::started).

mod ring;
mod room;
#[cfg(test)]
mod tests;

use super::limits::{AFTERLIFE, COMMAND_BYTES, DATA_BYTES, Limits, PAGE, RECHECK, ROOMS_PER_PERSON, TEXT_BYTES};
use super::token::{Holder, PasswordDigest, Person};
use crate::proto::api::{CreateRoom, Events, MessageBody, RoomPage, RoomState, SendMessage, Sending};
use crate::proto::event::{DissolveReason, LeaveReason};
use crate::proto::{Code, EventKind, Identity, MemberId, Problem, RoomId, name};
use room::{Closed, Room, Seat};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// All rooms.
#[derive(Debug, Default)]
pub struct Registry {
    limits: Limits,
    rooms: HashMap<RoomId, Room>,
    /// Listed rooms by number.
    listed: BTreeMap<u64, RoomId>,
    deadlines: BTreeSet<(Duration, Key)>,
    created: u64,
    effects: Effects,
}

/// What a deadline is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// A seat that may have been given up.
    Seat(RoomId, MemberId),
    /// A closed room that may be forgotten.
    Room(RoomId),
}

/// What has to be done elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Rooms in which something happened.
    pub touched: BTreeSet<RoomId>,
    /// Streams to end.
    pub kicked: Vec<String>,
}

/// A seat, taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The holder's seat.
    pub member: MemberId,
    /// The room now; without URLs.
    pub state: RoomState,
}

/// A seat whose time is up unless its stream flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The seat.
    pub holder: Holder,
    /// Its stream.
    pub stream: String,
}

/// The name of a seat's stream.
pub fn stream_name(holder: &Holder) -> String {
    format!("{}_{}", holder.room, holder.member)
}

impl Registry {
    /// No rooms yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// What has to be done elsewhere since the last call.
    pub fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// Creates a room and takes its creator's seat. With an id of one's own open room it is that one's seat again.
    ///
    /// # Errors
    /// [`Code::BadName`], [`Code::BadRequest`] (an id that none of ours looks like), [`Code::Conflict`], [`Code::ServerFull`].
    pub fn create(
        &mut self,
        now: Duration,
        person: &Person,
        request: &CreateRoom,
        password: Option<PasswordDigest>,
    ) -> Result<Entered, Problem> {
        let name = name::check(&request.name).map_err(|e| Problem::new(Code::BadName, e.to_string()))?;
        if let Some(id) = &request.room {
            if !id::is_room_id(id.as_str()) {
                return Err(Problem::new(Code::BadRequest, "this is not a room's id"));
            }
            match self.rooms.get(id) {
                Some(room) if room.creator_identity != person.identity => {
                    return Err(Problem::new(Code::Conflict, "another room has this id"));
                }
                Some(room) if room.closed.is_none() => return self.take_seat(now, person, id),
                Some(_) => self.forget(id),
                None => {}
            }
        }
        self.make_space(person)?;
        let id = request.room.clone().unwrap_or_else(|| self.unused_id());
        self.created += 1;
        let creator = MemberId::new(id::random(id::MEMBER_CHARS));
        let room = Room {
            id: id.clone(),
            name: name.to_owned(),
            mode: request.mode,
            cap: self.limits.cap(request.mode).max(1),
            password,
            dissolve_on_creator_exit: request.dissolve_on_creator_exit,
            creator,
            creator_identity: person.identity.clone(),
            number: self.created,
            proven: false,
            seats: Vec::new(),
            events: ring::Ring::default(),
            closed: None,
        };
        self.rooms.insert(id.clone(), room);
        self.take_seat(now, person, &id)
    }

    /// Takes a seat in the room of that id, or in the newest listed room of that name. Whoever has a seat gets the same again.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::WrongPassword`], [`Code::RoomFull`].
    pub fn enter(
        &mut self,
        now: Duration,
        person: &Person,
        room: &str,
        password: Option<PasswordDigest>,
    ) -> Result<Entered, Problem> {
        let room = self.find(room).ok_or_else(room_not_found)?;
        if room.seat_of(&person.identity).is_none() && room.password.is_some() && room.password != password {
            return Err(match password {
                Some(_) => Problem::new(Code::WrongPassword, "the password is wrong"),
                None => Problem::new(Code::WrongPassword, "this room asks for a password"),
            });
        }
        let id = room.id.clone();
        self.take_seat(now, person, &id)
    }

    /// Gives up one's seat.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn exit(&mut self, now: Duration, identity: &Identity, id: &RoomId) -> Result<(), Problem> {
        let member = self.seated(identity, id)?.member.clone();
        self.remove(now, id, &member, LeaveReason::Left);
        Ok(())
    }

    /// Ends the room for everybody.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::Forbidden`] for anybody but the creator.
    pub fn dissolve(&mut self, now: Duration, identity: &Identity, id: &RoomId) -> Result<(), Problem> {
        if self.open(id)?.creator_identity != *identity {
            return Err(Problem::new(Code::Forbidden, "only its creator may end a room"));
        }
        self.close(now, id, DissolveReason::Ended);
        Ok(())
    }

    /// The room as its members see it; without URLs.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn state(&self, identity: &Identity, id: &RoomId) -> Result<(MemberId, RoomState), Problem> {
        let member = self.seated(identity, id)?.member.clone();
        Ok((member, self.open(id)?.state()))
    }

    /// A member is still there, and sends this. Returns the number of the room's newest event.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn heartbeat(&mut self, now: Duration, identity: &Identity, id: &RoomId, sending: Sending) -> Result<u64, Problem> {
        let seat = self.seated(identity, id)?;
        let (member, deadline) = (seat.member.clone(), seat.deadline_after_life(now));
        let changed = seat.sending != sending;
        let announced = seat.joined;
        self.set_deadline(id, &member, deadline);
        if changed {
            if let Some(seat) = self.seat_mut(id, &member) {
                seat.sending = sending;
            }
            if announced {
                self.happened(now, id, EventKind::Changed { member, sending });
            }
        }
        Ok(self.open(id)?.events.last())
    }

    /// What happened after event number `since`. Those who were in a room when it was dissolved can still ask for a while.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn events(&self, identity: &Identity, id: &RoomId, since: u64) -> Result<Events, Problem> {
        let room = self.rooms.get(id).ok_or_else(room_not_found)?;
        match &room.closed {
            Some(closed) if closed.former.contains(identity) => {}
            Some(_) => return Err(room_not_found()),
            None => {
                room.seat_of(identity).ok_or_else(not_a_member)?;
            }
        }
        Ok(room.events.since(since))
    }

    /// Says something to all. The same number again is not said twice. Returns the event's number.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::TooLarge`], [`Code::BadRequest`].
    pub fn say(&mut self, now: Duration, identity: &Identity, id: &RoomId, message: SendMessage) -> Result<u64, Problem> {
        let seat = self.seated(identity, id)?;
        if let Some((_, seq)) = seat.said.iter().find(|(nonce, _)| *nonce == message.nonce) {
            return Ok(*seq);
        }
        check_message(&message.body)?;
        let (member, name) = (seat.member.clone(), seat.name.clone());
        let seq = self.happened(now, id, EventKind::Message { member: member.clone(), name, body: message.body });
        if let Some(seat) = self.seat_mut(id, &member) {
            seat.remember(message.nonce, seq);
        }
        Ok(seq)
    }

    /// A page of the listed rooms, newest first.
    pub fn list(&self, offset: usize, limit: usize) -> RoomPage {
        let rooms = self.listed.values().rev().skip(offset).take(limit.min(PAGE));
        RoomPage { rooms: rooms.filter_map(|id| self.rooms.get(id)).map(Room::summary).collect(), total: self.listed.len() }
    }

    /// Whether that seat exists.
    pub fn has_seat(&self, holder: &Holder) -> bool {
        self.rooms.get(&holder.room).is_some_and(|room| room.seat(&holder.member).is_some())
    }

    /// Whose stream it is, if that seat exists.
    pub fn holder_of(&self, stream: &str) -> Option<Holder> {
        let (room, member) = stream.split_once('_')?;
        let holder = Holder { room: RoomId::new(room), member: MemberId::new(member) };
        self.has_seat(&holder).then_some(holder)
    }

    /// A seat's stream flows: its holder joins, unless they have already. A room's stream without a seat is ended.
    pub fn started(&mut self, now: Duration, stream: &str) {
        match self.holder_of(stream) {
            Some(holder) => self.joined(now, &holder),
            None => self.effects.kicked.push(stream.to_owned()),
        }
    }

    /// A seat's stream has ended: its holder has some time to bring it back, and as much as their heartbeats give.
    pub fn stopped(&mut self, now: Duration, stream: &str) {
        let Some(holder) = self.holder_of(stream) else { return };
        let seat = self.rooms.get(&holder.room).and_then(|room| room.seat(&holder.member));
        if let Some(deadline) = seat.map(|s| s.deadline_after_stop(now)) {
            self.set_deadline(&holder.room, &holder.member, deadline);
        }
    }

    /// Seats whose time is up unless their stream flows: find out, and [`settle`](Self::settle) each. Forgets closed rooms by the way.
    pub fn due(&mut self, now: Duration) -> Vec<Due> {
        let up: Vec<Key> = self.deadlines.iter().take_while(|(at, _)| *at <= now).map(|(_, key)| key.clone()).collect();
        let mut due = Vec::new();
        for key in up {
            match key {
                Key::Room(id) => self.forget(&id),
                Key::Seat(room, member) => {
                    let holder = Holder { room, member };
                    due.push(Due { stream: stream_name(&holder), holder });
                }
            }
        }
        due
    }

    /// Removes a due member, or, if the stream flows, looks again later. Does nothing if there was a sign of life meanwhile.
    pub fn settle(&mut self, now: Duration, holder: &Holder, stream_flows: bool) {
        let Some(seat) = self.rooms.get(&holder.room).and_then(|room| room.seat(&holder.member)) else { return };
        if seat.deadline > now {
            return;
        }
        if stream_flows {
            // If the notice of its start was lost, this is it.
            self.joined(now, holder);
            self.set_deadline(&holder.room, &holder.member, now + RECHECK);
        } else {
            self.remove(now, &holder.room, &holder.member, LeaveReason::TimedOut);
        }
    }

    fn find(&self, wanted: &str) -> Option<&Room> {
        let by_id = |id: &str| self.rooms.get(&RoomId::new(id)).filter(|room| room.closed.is_none());
        let by_name = |name: &str| self.listed.values().rev().filter_map(|id| self.rooms.get(id)).find(|room| room.name == name);
        let wanted = wanted.trim();
        // A code may have been written down in capitals.
        by_id(wanted).or_else(|| by_name(wanted)).or_else(|| by_id(&wanted.to_ascii_lowercase()))
    }

    fn open(&self, id: &RoomId) -> Result<&Room, Problem> {
        self.rooms.get(id).filter(|room| room.closed.is_none()).ok_or_else(room_not_found)
    }

    fn seated(&self, identity: &Identity, id: &RoomId) -> Result<&Seat, Problem> {
        self.open(id)?.seat_of(identity).ok_or_else(not_a_member)
    }

    fn seat_mut(&mut self, id: &RoomId, member: &MemberId) -> Option<&mut Seat> {
        self.rooms.get_mut(id)?.seats.iter_mut().find(|s| s.member == *member)
    }

    fn take_seat(&mut self, now: Duration, person: &Person, id: &RoomId) -> Result<Entered, Problem> {
        let room = self.rooms.get_mut(id).ok_or_else(room_not_found)?;
        if let Some(seat) = room.seat_of(&person.identity) {
            let member = seat.member.clone();
            let fresh = Seat::new(member.clone(), person, now).deadline;
            let deadline = if seat.joined { seat.deadline_after_life(now) } else { fresh };
            let entered = Entered { member: member.clone(), state: room.state() };
            self.set_deadline(id, &member, deadline);
            return Ok(entered);
        }
        if room.seats.len() >= room.cap {
            return Err(Problem::new(Code::RoomFull, format!("all {} seats of this room are taken", room.cap)));
        }
        let member = match room.creator_identity == person.identity {
            true => room.creator.clone(),
            false => MemberId::new(id::random(id::MEMBER_CHARS)),
        };
        let seat = Seat::new(member.clone(), person, now);
        self.deadlines.insert((seat.deadline, Key::Seat(id.clone(), member.clone())));
        room.seats.push(seat);
        Ok(Entered { member, state: room.state() })
    }

    fn joined(&mut self, now: Duration, holder: &Holder) {
        let Some(room) = self.rooms.get_mut(&holder.room) else { return };
        let Some(position) = room.position(&holder.member) else { return };
        if !room.seats[position].joined {
            // Seats stand in the order of arrival.
            let mut seat = room.seats.remove(position);
            seat.joined = true;
            let name = seat.name.clone();
            room.seats.push(seat);
            room.proven |= holder.member == room.creator;
            self.happened(now, &holder.room, EventKind::Joined { member: holder.member.clone(), name });
            self.update_listing(&holder.room);
        }
        if let Some(seat) = self.rooms.get(&holder.room).and_then(|room| room.seat(&holder.member)) {
            let deadline = seat.deadline_after_life(now);
            self.set_deadline(&holder.room, &holder.member, deadline);
        }
    }

    fn remove(&mut self, now: Duration, id: &RoomId, member: &MemberId, reason: LeaveReason) {
        let Some(room) = self.rooms.get_mut(id) else { return };
        let Some(position) = room.position(member) else { return };
        let seat = room.seats.remove(position);
        self.effects.kicked.push(room.stream(member));
        // Whoever waits for events has to hear that the seat is gone, even if nobody else knew of it.
        self.effects.touched.insert(id.clone());
        self.deadlines.remove(&(seat.deadline, Key::Seat(id.clone(), member.clone())));
        let ends = if room.creator == *member && room.dissolve_on_creator_exit {
            Some(DissolveReason::CreatorLeft)
        } else {
            room.seats.is_empty().then_some(DissolveReason::Empty)
        };
        if seat.joined {
            self.happened(now, id, EventKind::Left { member: member.clone(), name: seat.name, reason });
        }
        match ends {
            Some(reason) => self.close(now, id, reason),
            None => self.update_listing(id),
        }
    }

    fn close(&mut self, now: Duration, id: &RoomId, reason: DissolveReason) {
        self.happened(now, id, EventKind::Dissolved { reason });
        let Some(room) = self.rooms.get_mut(id) else { return };
        let seats = std::mem::take(&mut room.seats);
        let deadline = now + AFTERLIFE;
        room.closed = Some(Closed { reason, former: seats.iter().map(|s| s.identity.clone()).collect(), deadline });
        for seat in seats {
            self.effects.kicked.push(room.stream(&seat.member));
            self.deadlines.remove(&(seat.deadline, Key::Seat(id.clone(), seat.member)));
        }
        self.deadlines.insert((deadline, Key::Room(id.clone())));
        self.update_listing(id);
    }

    /// Forgets a closed room.
    fn forget(&mut self, id: &RoomId) {
        if let Some(closed) = self.rooms.get(id).and_then(|room| room.closed.as_ref()) {
            tracing::debug!(room = %id, reason = ?closed.reason, "forgotten");
            self.deadlines.remove(&(closed.deadline, Key::Room(id.clone())));
            self.rooms.remove(id);
            self.effects.touched.insert(id.clone());
        }
    }

    /// Makes sure that one more room fits.
    fn make_space(&mut self, person: &Person) -> Result<(), Problem> {
        let own = self.rooms.values().filter(|r| r.closed.is_none() && r.creator_identity == person.identity).count();
        if own >= ROOMS_PER_PERSON {
            return Err(Problem::new(Code::RateLimited, format!("you have {own} rooms already; leave one first")));
        }
        if self.rooms.len() >= self.limits.rooms {
            // The memory of the room that was dissolved first makes way.
            let oldest = self.deadlines.iter().find_map(|(_, key)| match key {
                Key::Room(id) => Some(id.clone()),
                Key::Seat(..) => None,
            });
            match oldest {
                Some(id) => self.forget(&id),
                None => return Err(Problem::new(Code::ServerFull, "the server has as many rooms as it may have")),
            }
        }
        Ok(())
    }

    fn unused_id(&self) -> RoomId {
        loop {
            let id = RoomId::new(id::random(id::ROOM_CHARS));
            if !self.rooms.contains_key(&id) {
                return id;
            }
        }
    }

    fn happened(&mut self, now: Duration, id: &RoomId, kind: EventKind) -> u64 {
        self.effects.touched.insert(id.clone());
        self.rooms.get_mut(id).map_or(0, |room| room.events.push(now, kind))
    }

    fn set_deadline(&mut self, id: &RoomId, member: &MemberId, deadline: Duration) {
        let Some(seat) = self.seat_mut(id, member) else { return };
        let old = std::mem::replace(&mut seat.deadline, deadline);
        let key = Key::Seat(id.clone(), member.clone());
        self.deadlines.remove(&(old, key.clone()));
        self.deadlines.insert((deadline, key));
    }

    fn update_listing(&mut self, id: &RoomId) {
        let Some(room) = self.rooms.get(id) else { return };
        if room.is_listed() {
            self.listed.insert(room.number, id.clone());
        } else {
            self.listed.remove(&room.number);
        }
    }
}

fn check_message(body: &MessageBody) -> Result<(), Problem> {
    let too_large = |what: &str, limit: usize| Problem::new(Code::TooLarge, format!("{what} is longer than {limit} bytes"));
    match body {
        MessageBody::Text { text } if text.len() > TEXT_BYTES => Err(too_large("the text", TEXT_BYTES)),
        MessageBody::Text { text } if text.trim().is_empty() => Err(Problem::new(Code::BadRequest, "the text is empty")),
        MessageBody::Custom { command, .. } if command.len() > COMMAND_BYTES => Err(too_large("the command", COMMAND_BYTES)),
        MessageBody::Custom { data, .. } if data.len() > DATA_BYTES => Err(too_large("the data", DATA_BYTES)),
        MessageBody::Text { .. } | MessageBody::Custom { .. } => Ok(()),
    }
}

fn room_not_found() -> Problem {
    Problem::new(Code::RoomNotFound, "there is no such room; it may have been dissolved")
}

fn not_a_member() -> Problem {
    Problem::new(Code::NotAMember, "you are not in this room")
}

pub(super) fn micros(d: Duration) -> i64 {
    i64::try_from(d.as_micros()).unwrap_or(i64::MAX)
}

/// Ids: short, of characters that are told apart when read aloud.
pub(super) mod id {
    use rand::RngExt as _;

    /// Characters of a room's id: 39 bits; it is an address, not a secret.
    pub const ROOM_CHARS: usize = 8;
    /// Characters of a seat's id.
    pub const MEMBER_CHARS: usize = 12;
    /// Characters of a person's id: 99 bits, never met twice.
    pub const IDENTITY_CHARS: usize = 20;
    /// Digits and small letters without 0, 1, i, l, o.
    const ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";

    /// A random id.
    pub fn random(chars: usize) -> String {
        let mut rng = rand::rng();
        (0..chars).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect()
    }

    /// Whether a room of ours may have had that id.
    pub fn is_room_id(text: &str) -> bool {
        text.len() == ROOM_CHARS && text.bytes().all(|b| ALPHABET.contains(&b))
    }
}
