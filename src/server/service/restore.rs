//! Bringing back what a restart of the server has lost.

use super::Service;
use crate::proto::api::{Restore, Seat};
use crate::proto::{Code, Problem, RoomId};
use crate::server::limits::{RETURN_AGE, RETURNED};
use crate::server::receipt::{Receipt, is_ours};
use crate::server::room::{Return, Room, micros, room_not_found};
use crate::server::store::Verdict;
use crate::server::token::Person;
use std::net::IpAddr;

impl Service {
    /// Gives back a seat by its receipt, and brings the room back if it was lost.
    ///
    /// # Errors
    /// [`Code::BadReceipt`], [`Code::TooLarge`], [`Code::RoomNotFound`] (it is over), [`Code::Removed`], [`Code::RoomFull`], [`Code::ServerFull`].
    pub async fn restore(
        &self,
        from: IpAddr,
        person: &Person,
        via: &str,
        room: &RoomId,
        request: Restore,
    ) -> Result<Seat, Problem> {
        let now = self.now();
        let receipt = Receipt::open(&request.receipt, &self.0.keys, now)
            .filter(|receipt| receipt.record.id() == room && receipt.identity == person.identity)
            .ok_or_else(|| Problem::new(Code::BadReceipt, "this is no receipt of yours for this room, or it is too old"))?;
        let oldest = micros(now.saturating_sub(RETURN_AGE));
        let mut messages = request.messages;
        if messages.len() > RETURNED {
            return Err(Problem::new(Code::TooLarge, format!("more than {RETURNED} messages at once; send the rest later")));
        }
        messages.retain(|message| message.at_us >= oldest);
        if !messages.iter().all(|message| is_ours(message, room, &self.0.keys)) {
            return Err(Problem::new(Code::BadReceipt, "a message is not as this server sealed it"));
        }
        let marks = self.marks(from, person);
        let back = Return { person, marks: &marks, member: &receipt.member, record: &receipt.record, messages: &messages };
        // A room that was there as long as the store remembers is not lost: it is over, and only its creator may make it again.
        let began = self.0.store.began().await?;
        let may_make = receipt.at_us < micros(began) || receipt.record.is_creator(&receipt.member);
        let cap = self.limits().cap(receipt.record.mode());
        let mut result = Err(room_not_found());
        let mut change = |slot: &mut Option<Room>, now| {
            let (mut changed, verdict) = match slot.as_ref() {
                Some(room) => (room.clone(), Verdict::Commit),
                None if may_make => {
                    (Room::lost(now, &receipt.record, cap, &messages), Verdict::Create { rooms: self.limits().rooms })
                }
                None => return Verdict::Keep,
            };
            result = changed.take_back(now, &back);
            if result.is_err() {
                return Verdict::Keep;
            }
            *slot = Some(changed);
            verdict
        };
        let effects = self.0.store.update(room, None, &mut change).await?;
        self.carry_out(effects);
        self.seat(result?, person, via).await
    }
}
