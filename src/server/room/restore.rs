//! How a room comes back after the server has lost it: what its members' receipts tell of it, and what becomes of those who return.
//!
//! The first receipt makes the room again, with a place kept for everybody it names. Those who bring theirs take that place; the places of
//! those who do not come are given up like any seat whose stream does not flow.

use super::{Deadline, Entered, Marks, Plan, Room, Seat, room_not_found};
use crate::proto::api::{Fields, SealedMessage};
use crate::proto::event::LeaveReason;
use crate::proto::{Code, Event, EventKind, Identity, MemberId, Mode, Problem, RoomId};
use crate::server::limits::PENDING;
use crate::server::token::{PasswordDigest, Person};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::time::Duration;

/// Events of a restored room are numbered from the next multiple of this: nobody has seen a higher number of the time before.
const EPOCH: u64 = 1 << 20;

/// A room, as a receipt tells of it. Names nobody's identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    id: RoomId,
    name: String,
    mode: Mode,
    password: Option<PasswordDigest>,
    dissolve_on_creator_exit: bool,
    #[serde(default)]
    sealed: bool,
    info: String,
    created_us: i64,
    creator: MemberId,
    proven: bool,
    seq: u64,
    fields: Fields,
    removed: VecDeque<String>,
    seats: Vec<(MemberId, String)>,
}

impl Record {
    /// The room that it tells of.
    pub fn id(&self) -> &RoomId {
        &self.id
    }

    /// Whether that is its creator's seat.
    pub fn is_creator(&self, member: &MemberId) -> bool {
        self.creator == *member
    }

    /// Its kind.
    pub fn mode(&self) -> Mode {
        self.mode
    }
}

/// Where a room that was lost goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Its events are numbered from here; messages with lower numbers are from the time before.
    pub first: u64,
    /// Number of the newest event that a receipt knew of.
    known: u64,
}

/// Whoever returns, with what they bring. All of it is verified.
#[derive(Clone, Debug)]
pub struct Return<'a> {
    /// Who.
    pub person: &'a Person,
    /// By what they would be known if they had been removed.
    pub marks: &'a Marks,
    /// The seat that was theirs.
    pub member: &'a MemberId,
    /// What their receipt tells of the room.
    pub record: &'a Record,
    /// What was said before.
    pub messages: &'a [SealedMessage],
}

impl Room {
    /// What a receipt has to tell.
    pub fn record(&self) -> Record {
        Record {
            id: self.id.clone(),
            name: self.name.clone(),
            mode: self.mode,
            password: self.password,
            dissolve_on_creator_exit: self.dissolve_on_creator_exit,
            sealed: self.sealed,
            info: self.info.clone(),
            created_us: self.created_us,
            creator: self.creator.clone(),
            proven: self.proven,
            seq: self.seq,
            fields: self.fields.clone(),
            removed: self.removed.clone(),
            seats: self.seats.iter().map(|seat| (seat.member.clone(), seat.name.clone())).collect(),
        }
    }

    /// A room that was lost, without anybody in it yet.
    pub fn lost(now: Duration, record: &Record, cap: usize, messages: &[SealedMessage]) -> Self {
        let plan = Plan {
            id: record.id.clone(),
            name: record.name.clone(),
            mode: record.mode,
            cap,
            password: record.password,
            dissolve_on_creator_exit: record.dissolve_on_creator_exit,
            sealed: record.sealed,
            info: record.info.clone(),
            nonce: None,
        };
        let newest = messages.iter().map(|message| message.seq).fold(record.seq, u64::max);
        let first = (newest / EPOCH).saturating_add(1).saturating_mul(EPOCH);
        let mut room = Self {
            creator: record.creator.clone(),
            created_us: record.created_us,
            proven: record.proven,
            seq: first - 1,
            restored: Some(Restored { first, known: 0 }),
            ..Self::new(now, plan, &nobody(&record.creator))
        };
        // Whoever asks for events of the time before is told that there is a gap.
        room.happened(now, EventKind::Restored);
        room
    }

    /// Gives back the seat that was somebody's, and takes back what was said.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::Removed`], [`Code::RoomFull`].
    pub fn take_back(&mut self, now: Duration, back: &Return<'_>) -> Result<Entered, Problem> {
        self.check_open()?;
        if back.record.id != self.id {
            return Err(room_not_found());
        }
        if self.restored.is_some() {
            self.learn(now, back.record);
            self.check_open()?;
        }
        self.check_welcome(back.marks)?;
        self.claim(now, back)?;
        self.remember_messages(back.messages);
        self.take_seat(now, back.person, back.marks)
    }

    /// What a receipt knows that the room does not.
    fn learn(&mut self, now: Duration, record: &Record) {
        self.learn_seats_and_fields(now, record);
        self.block(record.removed.iter().cloned());
        let unwelcome = self.seats.iter().filter(|seat| self.check_welcome(&seat.marks).is_err());
        for member in unwelcome.map(|seat| seat.member.clone()).collect::<Vec<_>>() {
            self.remove(now, &member, LeaveReason::Removed);
        }
    }

    /// The newest receipt knows best.
    fn learn_seats_and_fields(&mut self, now: Duration, record: &Record) {
        let Some(restored) = &mut self.restored else { return };
        if record.seq < restored.known {
            return;
        }
        restored.known = record.seq;
        let first = restored.first;
        // Fields that were changed since the return are newer than any receipt.
        self.fields.retain(|_, field| field.version >= first);
        for (key, field) in &record.fields {
            self.fields.entry(key.clone()).or_insert_with(|| field.clone());
        }
        let gone = |seat: &&Seat| seat.is_vacant() && !record.seats.iter().any(|(member, _)| *member == seat.member);
        for member in self.seats.iter().filter(gone).map(|seat| seat.member.clone()).collect::<Vec<_>>() {
            self.drop_kept(&member);
        }
        for (member, name) in &record.seats {
            if self.seat(member).is_none() && self.seats.len() < self.cap {
                self.seats.push(Seat::kept(member.clone(), name));
                self.look_at(member, Deadline::At(now + PENDING));
            }
        }
    }

    /// Makes the seat theirs, unless they have one.
    fn claim(&mut self, now: Duration, back: &Return<'_>) -> Result<(), Problem> {
        let Return { person, marks, member, .. } = back;
        if self.seat_of(&person.identity).is_some() {
            return Ok(());
        }
        match self.seats.iter_mut().find(|seat| seat.member == **member) {
            Some(seat) if seat.is_kept() => seat.give_to(person, marks),
            Some(_) => return Err(Problem::new(Code::RoomFull, "somebody else has this seat")),
            None => {
                if self.seats.len() >= self.cap {
                    // A place that is only kept makes way for somebody who is there.
                    let kept = self.seats.iter().find(|seat| seat.is_vacant()).map(|seat| seat.member.clone());
                    self.drop_kept(&kept.ok_or_else(|| self.full())?);
                }
                let mut seat = Seat::kept((*member).clone(), &person.name);
                seat.give_to(person, marks);
                self.seats.push(seat);
                self.look_at(member, Deadline::At(now + PENDING));
            }
        }
        if self.creator == **member {
            self.creator_identity = person.identity.clone();
        }
        Ok(())
    }

    /// Notes what was said before the room was lost, each message once.
    fn remember_messages(&mut self, messages: &[SealedMessage]) {
        let Some(first) = self.restored.as_ref().map(|restored| restored.first) else { return };
        for message in messages.iter().filter(|message| message.seq < first) {
            let SealedMessage { seq, at_us, member, name, nonce, body, .. } = message.clone();
            if let Some(seat) = self.seats.iter_mut().find(|seat| seat.member == member) {
                match seat.said(nonce) {
                    // Said again after the return, because its sender had not heard that it was said.
                    Some(other) if other != seq => continue,
                    Some(_) => {}
                    None => seat.remember(nonce, seq),
                }
            }
            self.outbox.returned.push(Event { seq, at_us, kind: EventKind::Message { member, name, nonce, body }, seal: None });
        }
    }

    /// Gives up a place that nobody has come back to.
    fn drop_kept(&mut self, member: &MemberId) {
        self.seats.retain(|seat| seat.member != *member);
        self.look_at(member, Deadline::Never);
    }
}

/// Stands for somebody who has not come back yet. No identity of ours looks like this.
pub(super) fn nobody(member: &MemberId) -> Person {
    Person { identity: Identity::new(format!("?{member}")), name: String::new(), issued_us: 0 }
}
