//! One room: its seats and what happened in it.

use super::ring::Ring;
use crate::proto::api::{Member, RoomState, RoomSummary, Sending};
use crate::proto::event::DissolveReason;
use crate::proto::{Identity, MemberId, Mode, RoomId};
use crate::server::limits::{GONE, NONCES, PENDING, STREAM_GRACE};
use crate::server::token::{Holder, PasswordDigest, Person};
use std::collections::VecDeque;
use std::time::Duration;

/// A room and its seats.
#[derive(Debug)]
pub(super) struct Room {
    pub id: RoomId,
    pub name: String,
    pub mode: Mode,
    pub cap: usize,
    pub password: Option<PasswordDigest>,
    pub dissolve_on_creator_exit: bool,
    /// The creator's seat, kept for them when they are away.
    pub creator: MemberId,
    pub creator_identity: Identity,
    /// Rooms are numbered in the order of creation.
    pub number: u64,
    /// The creator's stream has flowed at least once.
    pub proven: bool,
    /// Joined members in order of arrival, among them those who have not joined yet.
    pub seats: Vec<Seat>,
    pub events: Ring,
    pub closed: Option<Closed>,
}

/// A room after its end.
#[derive(Debug)]
pub(super) struct Closed {
    pub reason: DissolveReason,
    /// Who may still hear of it.
    pub former: Vec<Identity>,
    pub deadline: Duration,
}

/// One person's seat.
#[derive(Debug)]
pub(super) struct Seat {
    pub member: MemberId,
    pub identity: Identity,
    pub name: String,
    pub sending: Sending,
    /// Their stream has flowed: the others know of them.
    pub joined: bool,
    /// When they are looked at next; also their key among the registry's deadlines.
    pub deadline: Duration,
    /// Numbers of their last messages, and of the events that carry them.
    pub said: VecDeque<(u64, u64)>,
}

impl Seat {
    pub fn new(member: MemberId, person: &Person, now: Duration) -> Self {
        Self {
            member,
            identity: person.identity.clone(),
            name: person.name.clone(),
            sending: Sending::default(),
            joined: false,
            deadline: now + PENDING,
            said: VecDeque::new(),
        }
    }

    /// When a sign of life at `now` makes them due.
    pub fn deadline_after_life(&self, now: Duration) -> Duration {
        // Heartbeats alone hold no seat: push first.
        if self.joined { now + GONE } else { self.deadline }
    }

    /// When the end of their stream at `now` makes them due.
    pub fn deadline_after_stop(&self, now: Duration) -> Duration {
        self.deadline.max(now + STREAM_GRACE)
    }

    pub fn remember(&mut self, nonce: u64, seq: u64) {
        if self.said.len() == NONCES {
            self.said.pop_front();
        }
        self.said.push_back((nonce, seq));
    }
}

impl Room {
    pub fn seat_of(&self, identity: &Identity) -> Option<&Seat> {
        self.seats.iter().find(|s| s.identity == *identity)
    }

    pub fn seat(&self, member: &MemberId) -> Option<&Seat> {
        self.seats.iter().find(|s| s.member == *member)
    }

    pub fn position(&self, member: &MemberId) -> Option<usize> {
        self.seats.iter().position(|s| s.member == *member)
    }

    /// In the list: the creator has pushed, and somebody's stream has flowed since.
    pub fn is_listed(&self) -> bool {
        self.closed.is_none() && self.proven && self.seats.iter().any(|s| s.joined)
    }

    pub fn stream(&self, member: &MemberId) -> String {
        super::stream_name(&Holder { room: self.id.clone(), member: member.clone() })
    }

    pub fn state(&self) -> RoomState {
        let member =
            |seat: &Seat| Member { member: seat.member.clone(), name: seat.name.clone(), play_url: None, sending: seat.sending };
        RoomState {
            room: self.id.clone(),
            name: self.name.clone(),
            mode: self.mode,
            cap: self.cap,
            creator: self.creator.clone(),
            seq: self.events.last(),
            members: self.seats.iter().filter(|s| s.joined).map(member).collect(),
        }
    }

    pub fn summary(&self) -> RoomSummary {
        RoomSummary {
            room: self.id.clone(),
            name: self.name.clone(),
            mode: self.mode,
            members: self.seats.iter().filter(|s| s.joined).map(|s| s.name.clone()).collect(),
            cap: self.cap,
            locked: self.password.is_some(),
        }
    }
}
