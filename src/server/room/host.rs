//! What a room's host, and an operator of the server, may do to others.

use super::{Room, Seat};
use crate::proto::event::{DissolveReason, LeaveReason};
use crate::proto::{Code, EventKind, Identity, MemberId, Problem};
use crate::server::limits::REMOVED;
use crate::server::token::Keys;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// By what somebody who was removed is known when they come back: the person, and the same name from the same address. Unreadable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks([String; 2]);

impl Marks {
    /// The marks of a person who comes from `network`.
    pub fn new(keys: &Keys, identity: &Identity, name: &str, network: IpAddr) -> Self {
        let name = name.to_lowercase();
        Self([keys.mark(&["identity", identity.as_str()]), keys.mark(&["name", &name, &network.to_string()])])
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &String> {
        self.0.iter().filter(|mark| !mark.is_empty())
    }
}

impl Room {
    /// The host asks a member to mute their microphone. Says nothing new if it is muted.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`] (the host or the other), [`Code::Forbidden`] for anybody but the creator.
    pub fn request_mute(&mut self, now: Duration, by: &Identity, member: &MemberId) -> Result<(), Problem> {
        self.check_host(by)?;
        let seat = self.seat(member).ok_or_else(not_there)?;
        if seat.sending.mic {
            self.happened(now, EventKind::MuteRequested { member: member.clone() });
        }
        Ok(())
    }

    /// The host removes a member, who does not come back. Oneself: leaves.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::Forbidden`] for anybody but the creator.
    pub fn remove_by(&mut self, now: Duration, by: &Identity, member: &MemberId) -> Result<(), Problem> {
        if self.seated(by)?.member == *member {
            return self.exit(now, by);
        }
        self.check_host(by)?;
        self.expel(now, member)
    }

    /// Removes a member, who does not come back.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn expel(&mut self, now: Duration, member: &MemberId) -> Result<(), Problem> {
        self.check_open()?;
        let marks = self.seat(member).ok_or_else(not_there)?.marks.clone();
        self.block(marks.each().cloned());
        self.remove(now, member, LeaveReason::Removed);
        Ok(())
    }

    /// Somebody does not come back.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`].
    pub fn bar(&mut self, marks: &Marks) -> Result<(), Problem> {
        self.check_open()?;
        self.block(marks.each().cloned());
        Ok(())
    }

    /// An operator ends the room.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`].
    pub fn shut(&mut self, now: Duration) -> Result<(), Problem> {
        self.check_open()?;
        self.close(now, DissolveReason::ByOperator);
        Ok(())
    }

    /// Fails for whoever was removed.
    ///
    /// # Errors
    /// [`Code::Removed`].
    pub fn check_welcome(&self, marks: &Marks) -> Result<(), Problem> {
        match marks.each().any(|mark| self.removed.contains(mark)) {
            true => Err(Problem::new(Code::Removed, "the host has removed you from this room")),
            false => Ok(()),
        }
    }

    /// Fails for anybody but the creator in their seat.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::Forbidden`].
    pub fn check_host(&self, identity: &Identity) -> Result<&Seat, Problem> {
        let seat = self.seated(identity)?;
        match seat.member == self.creator {
            true => Ok(seat),
            false => Err(Problem::new(Code::Forbidden, "only the room's host may do this")),
        }
    }

    pub(super) fn block(&mut self, marks: impl IntoIterator<Item = String>) {
        for mark in marks {
            if !self.removed.contains(&mark) {
                self.removed.push_back(mark);
            }
        }
        while self.removed.len() > REMOVED {
            self.removed.pop_front();
        }
    }
}

fn not_there() -> Problem {
    Problem::new(Code::NotAMember, "there is no such member in this room")
}
