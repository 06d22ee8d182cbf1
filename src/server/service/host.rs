//! What members, and hosts above all, do to each other: the member list, muting, removing, custom fields.

use super::Service;
use crate::proto::api::{Count, Field, FieldList, MemberPage, SetField};
use crate::proto::{MemberId, Problem, RoomId};
use crate::server::limits::PAGE;
use crate::server::room::{Entered, Room};
use crate::server::token::Person;

/// Which way a number goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up.
    Inc,
    /// Down.
    Dec,
}

impl Service {
    /// A page of the members whose stream flows, with what they measured last.
    ///
    /// # Errors
    /// As [`Room::seated`].
    pub async fn members(
        &self,
        person: &Person,
        via: &str,
        room: &RoomId,
        offset: usize,
        limit: usize,
    ) -> Result<MemberPage, Problem> {
        let look = |room: &Room, _| {
            let member = room.seated(&person.identity)?.member.clone();
            Ok(Entered { member, state: room.state(), record: None })
        };
        let entered = self.view(room, None, look).await?;
        let mut members = self.with_urls(entered, via).state.members;
        let total = members.len();
        members = members.into_iter().skip(offset).take(limit.min(PAGE)).collect();
        for member in &mut members {
            member.statistics = self.0.figures.get(room, &member.member);
        }
        Ok(MemberPage { members, total })
    }

    /// Asks a member to mute their microphone.
    ///
    /// # Errors
    /// As [`Room::request_mute`].
    pub async fn request_mute(&self, person: &Person, room: &RoomId, member: &MemberId) -> Result<(), Problem> {
        self.check_rate(person)?;
        self.act(room, |room, now| room.request_mute(now, &person.identity, member)).await
    }

    /// Removes a member, who does not come back.
    ///
    /// # Errors
    /// As [`Room::remove_by`].
    pub async fn remove_member(&self, person: &Person, room: &RoomId, member: &MemberId) -> Result<(), Problem> {
        self.act(room, |room, now| room.remove_by(now, &person.identity, member)).await
    }

    /// All custom fields of a room.
    ///
    /// # Errors
    /// As [`Room::check_open`]; only for those inside.
    pub async fn fields(&self, person: &Person, room: &RoomId) -> Result<FieldList, Problem> {
        self.check_present(person, room).await?;
        self.view(room, None, |room, _| Ok(FieldList { fields: room.fields.clone() })).await
    }

    /// Sets a custom field.
    ///
    /// # Errors
    /// As [`Room::set_field`].
    pub async fn set_field(&self, person: &Person, room: &RoomId, key: &str, set: &SetField) -> Result<Field, Problem> {
        self.check_rate(person)?;
        self.act(room, |room, now| room.set_field(now, &person.identity, key, set.value.clone(), set.version)).await
    }

    /// Takes a custom field away.
    ///
    /// # Errors
    /// As [`Room::remove_field`].
    pub async fn remove_field(&self, person: &Person, room: &RoomId, key: &str) -> Result<(), Problem> {
        self.check_rate(person)?;
        self.act(room, |room, now| room.remove_field(now, &person.identity, key)).await
    }

    /// Counts a custom field up or down.
    ///
    /// # Errors
    /// As [`Room::count_field`].
    pub async fn count_field(
        &self,
        person: &Person,
        room: &RoomId,
        key: &str,
        direction: Direction,
        count: Count,
    ) -> Result<Field, Problem> {
        self.check_rate(person)?;
        let by = match direction {
            Direction::Inc => i64::from(count.by),
            Direction::Dec => -i64::from(count.by),
        };
        self.act(room, |room, now| room.count_field(now, &person.identity, key, by, count.nonce)).await
    }
}
