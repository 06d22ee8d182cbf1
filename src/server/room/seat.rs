//! One person's seat.

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
    /// Numbers of their last messages, and of the events that carry them.
    said: VecDeque<(u64, u64)>,
}

impl Seat {
    /// A seat that waits for its stream.
    pub fn new(member: MemberId, person: &Person) -> Self {
        Self {
            member,
            identity: person.identity.clone(),
            name: person.name.clone(),
            sending: Sending::default(),
            joined: false,
            said: VecDeque::new(),
        }
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
