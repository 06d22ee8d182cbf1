//! One room: its seats and what becomes of them. Pure: no I/O, no clock; time is an argument, and what has to be done elsewhere (keeping
//! events, waking those who wait, ending streams, looking again later) is left in an [`Outbox`].
//!
//! A room is a plain value that a [`Store`](super::store::Store) keeps and may write down. Every operation checks first and changes
//! then: one that fails has changed nothing. A store may run an operation again on a newer value of the room, so it must not do anything
//! but change the room.
//!
//! Push first, room second: creating or entering reserves a seat; the member is announced, and the creator's room listed, when the
//! stream [`started`](Room::started).

mod fields;
mod host;
pub mod id;
pub mod outbox;
mod restore;
pub mod seat;

pub use host::Marks;
pub use outbox::{Deadline, Outbox};
pub use restore::{Record, Restored, Return};
pub use seat::Seat;

use super::limits::{AFTERLIFE, COMMAND_BYTES, DATA_BYTES, GONE, NONCES, PENDING, RECHECK, STREAM_GRACE, TEXT_BYTES};
use super::token::{PasswordDigest, Person};
use crate::proto::api::{Fields, Member, MessageBody, RoomState, RoomSummary, SendMessage, Sending};
use crate::proto::event::{DissolveReason, LeaveReason};
use crate::proto::{Code, Event, EventKind, Identity, MemberId, Mode, Problem, RoomId};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// A room and its seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Its id; also the invite code.
    pub id: RoomId,
    /// Its name, checked.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Seats in all.
    pub cap: usize,
    /// What members must give.
    pub password: Option<PasswordDigest>,
    /// Whether the creator's leaving ends it.
    pub dissolve_on_creator_exit: bool,
    /// Whether it is encrypted from end to end.
    #[serde(default)]
    pub sealed: bool,
    /// The creator's seat, kept for them when they are away.
    pub creator: MemberId,
    /// Who created it.
    pub creator_identity: Identity,
    /// What its creator noted about it.
    pub info: String,
    /// When it was created, microseconds since the UNIX epoch.
    pub created_us: i64,
    /// The number with which its creator asked for it.
    pub nonce: Option<u64>,
    /// Custom fields by key.
    pub fields: Fields,
    /// Marks of those who were removed, oldest first.
    pub removed: VecDeque<String>,
    /// The last messages of viewers: whose, with which numbers, and of which events.
    viewers_said: VecDeque<(MemberId, u64, u64)>,
    /// Where it goes on, if it was lost.
    pub restored: Option<Restored>,
    /// Rooms are numbered in the order of creation, by the store that keeps them; 0: not yet.
    #[serde(skip)]
    pub number: u64,
    /// The creator's stream has flowed at least once.
    pub proven: bool,
    /// Joined members in order of arrival, among them those who have not joined yet.
    pub seats: Vec<Seat>,
    /// Number of the newest event; 0 before the first.
    pub seq: u64,
    /// Set when it is over.
    pub closed: Option<Closed>,
    /// What the last changes ask for; taken by the store.
    #[serde(skip)]
    pub(super) outbox: Outbox,
}

/// A room after its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Why it ended.
    pub reason: DissolveReason,
    /// Who may still hear of it.
    pub former: Vec<Identity>,
}

/// What a new room shall be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: RoomId,
    /// Its name, checked.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Seats in all.
    pub cap: usize,
    /// What members must give.
    pub password: Option<PasswordDigest>,
    /// Whether the creator's leaving ends it.
    pub dissolve_on_creator_exit: bool,
    /// Whether it is encrypted from end to end.
    pub sealed: bool,
    /// What its creator noted about it.
    pub info: String,
    /// The number with which its creator asks for it.
    pub nonce: Option<u64>,
}

/// What somebody says who wants a seat.
#[derive(Clone, Copy, Debug)]
pub struct AtDoor {
    /// The room's password.
    pub password: Option<PasswordDigest>,
    /// They can read what is said in a room that is encrypted from end to end.
    pub has_key: bool,
    /// What they will send.
    pub sending: Sending,
}

/// A seat, taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entered {
    /// The holder's seat.
    pub member: MemberId,
    /// The room now; without URLs.
    pub state: RoomState,
    /// What a receipt of the seat tells; nothing for viewers.
    pub record: Option<Record>,
}

impl Room {
    /// An empty room; its creator's seat is taken by [`enter`](Self::enter).
    pub fn new(now: Duration, plan: Plan, creator: &Person) -> Self {
        let Plan { id, name, mode, cap, password, dissolve_on_creator_exit, sealed, info, nonce } = plan;
        Self {
            id,
            name,
            mode,
            cap: cap.max(1),
            password,
            dissolve_on_creator_exit,
            sealed,
            creator: MemberId::new(id::random(id::MEMBER_CHARS)),
            creator_identity: creator.identity.clone(),
            info,
            created_us: micros(now),
            nonce,
            fields: Fields::new(),
            removed: VecDeque::new(),
            viewers_said: VecDeque::new(),
            restored: None,
            number: 0,
            proven: false,
            seats: Vec::new(),
            seq: 0,
            closed: None,
            outbox: Outbox::default(),
        }
    }

    /// Takes a seat. Whoever has one gets the same again, and is asked for nothing.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::WrongPassword`], [`Code::KeyRequired`], [`Code::Removed`], [`Code::RoomFull`].
    pub fn enter(&mut self, now: Duration, person: &Person, marks: &Marks, said: AtDoor) -> Result<Entered, Problem> {
        self.check_open()?;
        let fresh = self.seat_of(&person.identity).is_none();
        if fresh {
            self.check_password(said.password)?;
            self.check_key(said.has_key)?;
            self.check_welcome(marks)?;
        }
        let entered = self.take_seat(now, person, marks)?;
        if fresh {
            self.seated_mut(&person.identity)?.sending = said.sending;
        }
        Ok(entered)
    }

    /// Fails if that is not the room's password.
    ///
    /// # Errors
    /// [`Code::WrongPassword`].
    pub fn check_password(&self, password: Option<PasswordDigest>) -> Result<(), Problem> {
        match password {
            password if self.password.is_none() || self.password == password => Ok(()),
            Some(_) => Err(Problem::new(Code::WrongPassword, "the password is wrong")),
            None => Err(Problem::new(Code::WrongPassword, "this room asks for a password")),
        }
    }

    /// Only who has the key can tell whether it is the right one; who has none, or a program that knows of no keys, would see nothing.
    fn check_key(&self, has_key: bool) -> Result<(), Problem> {
        let sentence = "this room is encrypted from end to end: enter by its invite link, with a program that can read it";
        if self.sealed && !has_key { Err(Problem::new(Code::KeyRequired, sentence)) } else { Ok(()) }
    }

    /// Takes a seat without being asked for the password: the way of whoever creates the room.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::RoomFull`].
    pub fn take_seat(&mut self, now: Duration, person: &Person, marks: &Marks) -> Result<Entered, Problem> {
        self.check_open()?;
        if let Some(seat) = self.seat_of(&person.identity) {
            let (member, joined) = (seat.member.clone(), seat.joined);
            self.look_at(&member, Deadline::At(now + if joined { GONE } else { PENDING }));
            return Ok(self.entered(member));
        }
        if self.seats.len() >= self.cap {
            return Err(self.full());
        }
        let member = match self.creator_identity == person.identity {
            true => self.creator.clone(),
            false => MemberId::new(id::random(id::MEMBER_CHARS)),
        };
        self.seats.push(Seat::new(member.clone(), person, marks));
        self.look_at(&member, Deadline::At(now + PENDING));
        Ok(self.entered(member))
    }

    /// Gives up one's seat.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn exit(&mut self, now: Duration, identity: &Identity) -> Result<(), Problem> {
        let member = self.seated(identity)?.member.clone();
        self.remove(now, &member, LeaveReason::Left);
        Ok(())
    }

    /// Takes the seat of somebody who has signed in elsewhere.
    pub fn replace(&mut self, now: Duration, identity: &Identity) {
        if let Some(member) = self.seat_of(identity).map(|seat| seat.member.clone()) {
            self.remove(now, &member, LeaveReason::Replaced);
        }
    }

    /// Ends the room for everybody.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::Forbidden`] for anybody but the creator.
    pub fn dissolve(&mut self, now: Duration, identity: &Identity) -> Result<(), Problem> {
        self.check_open()?;
        if self.creator_identity != *identity {
            return Err(Problem::new(Code::Forbidden, "only its creator may end a room"));
        }
        self.close(now, DissolveReason::Ended);
        Ok(())
    }

    /// A member is still there, and sends this. Returns the number of the room's newest event.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn heartbeat(&mut self, now: Duration, identity: &Identity, sending: Sending) -> Result<u64, Problem> {
        let seat = self.seated_mut(identity)?;
        let (member, joined) = (seat.member.clone(), seat.joined);
        let changed = std::mem::replace(&mut seat.sending, sending) != sending;
        if joined {
            // Heartbeats alone hold no seat: push first.
            self.look_at(&member, Deadline::At(now + GONE));
            if changed {
                self.happened(now, EventKind::Changed { member, sending });
            }
        }
        Ok(self.seq)
    }

    /// Says something to all. The same number again is not said twice. Returns the event's number.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::TooLarge`], [`Code::BadRequest`].
    pub fn say(&mut self, now: Duration, identity: &Identity, message: &SendMessage) -> Result<u64, Problem> {
        let seat = self.seated(identity)?;
        if let Some(seq) = seat.said(message.nonce) {
            return Ok(seq);
        }
        check_message(&message.body)?;
        let (member, name) = (seat.member.clone(), seat.name.clone());
        let kind = EventKind::Message { member, name, nonce: message.nonce, body: message.body.clone() };
        let seq = self.happened(now, kind);
        self.seated_mut(identity)?.remember(message.nonce, seq);
        Ok(seq)
    }

    /// Somebody who watches says something to all. The same number again is not said twice.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::TooLarge`], [`Code::BadRequest`].
    pub fn say_as_viewer(&mut self, now: Duration, viewer: &MemberId, name: &str, message: &SendMessage) -> Result<u64, Problem> {
        self.check_open()?;
        let said = self.viewers_said.iter().find(|(who, nonce, _)| who == viewer && *nonce == message.nonce);
        if let Some((.., seq)) = said {
            return Ok(*seq);
        }
        check_message(&message.body)?;
        let (member, nonce, body) = (viewer.clone(), message.nonce, message.body.clone());
        let seq = self.happened(now, EventKind::Message { member, name: name.to_owned(), nonce, body });
        if self.viewers_said.len() == NONCES {
            self.viewers_said.pop_front();
        }
        self.viewers_said.push_back((viewer.clone(), nonce, seq));
        Ok(seq)
    }

    /// A seat's stream flows: its holder joins, unless they have already. False if there is no such seat.
    pub fn started(&mut self, now: Duration, member: &MemberId) -> bool {
        let Some(position) = self.position(member) else { return false };
        if !self.seats[position].joined {
            let mut seat = self.seats.remove(position);
            seat.joined = true;
            let name = seat.name.clone();
            // Seats stand in the order of arrival; whoever comes back has their old place.
            let place = if seat.returned { position } else { self.seats.len() };
            self.seats.insert(place, seat);
            self.proven |= *member == self.creator;
            self.happened(now, EventKind::Joined { member: member.clone(), name });
        }
        self.look_at(member, Deadline::At(now + GONE));
        true
    }

    /// A seat's stream has ended: its holder has some time to bring it back, and as much as their heartbeats give.
    pub fn stopped(&mut self, now: Duration, member: &MemberId) {
        if self.seat(member).is_some() {
            self.look_at(member, Deadline::AtLeast(now + STREAM_GRACE));
        }
    }

    /// Removes a member whose time is up, or, if the stream flows, looks again later.
    pub fn settle(&mut self, now: Duration, member: &MemberId, stream_flows: bool) {
        // If the notice of its start was lost, this is it.
        if stream_flows && self.started(now, member) {
            self.look_at(member, Deadline::At(now + RECHECK));
        } else {
            self.remove(now, member, LeaveReason::TimedOut);
        }
    }

    /// Fails unless the room is open.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`].
    pub fn check_open(&self) -> Result<(), Problem> {
        if self.closed.is_none() { Ok(()) } else { Err(room_not_found()) }
    }

    /// The seat of a person in an open room.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn seated(&self, identity: &Identity) -> Result<&Seat, Problem> {
        self.check_open()?;
        self.seat_of(identity).ok_or_else(not_a_member)
    }

    /// Fails unless that person may hear what happens here. Those who were in a room when it was dissolved may, for a while.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn check_audible(&self, identity: &Identity) -> Result<(), Problem> {
        match &self.closed {
            Some(closed) if closed.former.contains(identity) => Ok(()),
            Some(_) => Err(room_not_found()),
            None => self.seated(identity).map(drop),
        }
    }

    /// The seat of a person.
    pub fn seat_of(&self, identity: &Identity) -> Option<&Seat> {
        self.seats.iter().find(|s| s.identity == *identity)
    }

    /// The seat of that id.
    pub fn seat(&self, member: &MemberId) -> Option<&Seat> {
        self.seats.iter().find(|s| s.member == *member)
    }

    /// In the list: the creator has pushed, and somebody's stream has flowed since.
    pub fn is_listed(&self) -> bool {
        self.closed.is_none() && self.proven && self.seats.iter().any(|s| s.joined)
    }

    /// As members see it; without URLs, audience and receipt.
    pub fn state(&self) -> RoomState {
        let member = |seat: &Seat| Member {
            member: seat.member.clone(),
            name: seat.name.clone(),
            play_url: None,
            sending: seat.sending,
            statistics: None,
        };
        RoomState {
            room: self.id.clone(),
            name: self.name.clone(),
            mode: self.mode,
            cap: self.cap,
            creator: self.creator.clone(),
            seq: self.seq,
            members: self.seats.iter().filter(|s| s.joined).map(member).collect(),
            sealed: self.sealed,
            info: self.info.clone(),
            fields: self.fields.clone(),
            audience: 0,
            receipt: None,
        }
    }

    /// A line of the list.
    pub fn summary(&self) -> RoomSummary {
        RoomSummary {
            room: self.id.clone(),
            name: self.name.clone(),
            mode: self.mode,
            members: self.seats.iter().filter(|s| s.joined).map(|s| s.name.clone()).collect(),
            cap: self.cap,
            locked: self.password.is_some(),
            sealed: self.sealed,
            info: self.info.clone(),
        }
    }

    fn entered(&self, member: MemberId) -> Entered {
        Entered { member, state: self.state(), record: Some(self.record()) }
    }

    fn full(&self) -> Problem {
        Problem::new(Code::RoomFull, format!("all {} seats of this room are taken", self.cap))
    }

    fn position(&self, member: &MemberId) -> Option<usize> {
        self.seats.iter().position(|s| s.member == *member)
    }

    fn seated_mut(&mut self, identity: &Identity) -> Result<&mut Seat, Problem> {
        self.check_open()?;
        self.seats.iter_mut().find(|s| s.identity == *identity).ok_or_else(not_a_member)
    }

    fn remove(&mut self, now: Duration, member: &MemberId, reason: LeaveReason) {
        let Some(position) = self.position(member) else { return };
        let seat = self.seats.remove(position);
        self.outbox.kicked.push(id::stream_name(&self.id, member));
        // Whoever waits for events has to hear that the seat is gone, even if nobody else knew of it.
        self.outbox.woken = true;
        self.look_at(member, Deadline::Never);
        if seat.joined {
            self.happened(now, EventKind::Left { member: member.clone(), name: seat.name, reason });
        }
        // A creator who is replaced goes on elsewhere.
        let has_left = reason != LeaveReason::Replaced;
        if self.creator == *member && self.dissolve_on_creator_exit && has_left {
            self.close(now, DissolveReason::CreatorLeft);
        } else if self.seats.is_empty() {
            self.close(now, DissolveReason::Empty);
        }
    }

    fn close(&mut self, now: Duration, reason: DissolveReason) {
        self.happened(now, EventKind::Dissolved { reason });
        let seats = std::mem::take(&mut self.seats);
        for seat in &seats {
            self.outbox.kicked.push(id::stream_name(&self.id, &seat.member));
            self.look_at(&seat.member, Deadline::Never);
        }
        self.closed = Some(Closed { reason, former: seats.into_iter().map(|s| s.identity).collect() });
        self.outbox.deadlines.push((None, Deadline::At(now + AFTERLIFE)));
    }

    fn happened(&mut self, now: Duration, kind: EventKind) -> u64 {
        self.seq += 1;
        self.outbox.woken = true;
        self.outbox.events.push(Event { seq: self.seq, at_us: micros(now), kind, seal: None });
        self.seq
    }

    fn look_at(&mut self, member: &MemberId, deadline: Deadline) {
        self.outbox.deadlines.push((Some(member.clone()), deadline));
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

/// What is said of a room that is not there.
pub fn room_not_found() -> Problem {
    Problem::new(Code::RoomNotFound, "there is no such room; it may have been dissolved")
}

fn not_a_member() -> Problem {
    Problem::new(Code::NotAMember, "you are not in this room")
}

/// A time as events carry it.
pub fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
