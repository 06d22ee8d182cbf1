//! One person's seat.

use super::Marks;
use super::restore::nobody;
use crate::proto::api::Sending;
use crate::proto::{Identity, MemberId};
use crate::server::limits::NONCES;
use crate::server::token::Person;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// One person's seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// Its id.
    pub member: MemberId,
    /// Whose it is.
    pub identity: Identity,
    /// Display name.
    pub name: String,
    /// What they send.
    pub sending: Sending,
    /// Their stream has flowed: the others know of them.
    pub joined: bool,
    /// By what they are known if they are removed.
    pub marks: Marks,
    /// It was theirs before the room was lost.
    pub returned: bool,
    /// Numbers of their last messages, and of the events that carry them.
    said: VecDeque<(u64, u64)>,
}

impl Seat {
    /// A seat that waits for its stream.
    pub fn new(member: MemberId, person: &Person, marks: &Marks) -> Self {
        Self {
            member,
            identity: person.identity.clone(),
            name: person.name.clone(),
            sending: Sending::default(),
            joined: false,
            marks: marks.clone(),
            returned: false,
            said: VecDeque::new(),
        }
    }

    /// A seat that is kept for somebody who has not come back yet.
    pub fn kept(member: MemberId, name: &str) -> Self {
        let person = Person { name: name.to_owned(), ..nobody(&member) };
        Self { returned: true, ..Self::new(member, &person, &Marks::default()) }
    }

    /// Whether it is only kept.
    pub fn is_kept(&self) -> bool {
        self.identity == nobody(&self.member).identity
    }

    /// Whether it is only kept, and nothing flows there either.
    pub fn is_vacant(&self) -> bool {
        self.is_kept() && !self.joined
    }

    /// Gives a kept seat to whom it belongs.
    pub fn give_to(&mut self, person: &Person, marks: &Marks) {
        self.identity = person.identity.clone();
        self.name.clone_from(&person.name);
        self.marks = marks.clone();
    }

    /// The event that carries the message of that number, if it was said lately.
    pub fn said(&self, nonce: u64) -> Option<u64> {
        self.said.iter().find(|(known, _)| *known == nonce).map(|(_, seq)| *seq)
    }

    /// Remembers that the message of number `nonce` is event `seq`.
    pub fn remember(&mut self, nonce: u64, seq: u64) {
        if self.said.len() == NONCES {
            self.said.pop_front();
        }
        self.said.push_back((nonce, seq));
    }
}
