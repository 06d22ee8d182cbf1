//! What members keep for the server, so that it loses nothing when it is restarted: receipts of their seats, and seals on what was said.
//! Both are signed with the server's key; whoever changes one has none.

use super::limits::RECEIPT;
use super::room::{Record, micros};
use super::token::Keys;
use crate::proto::api::{MessageBody, SealedMessage};
use crate::proto::{Event, EventKind, Identity, MemberId, RoomId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Proof that somebody has a seat in a room, and what the room is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// When it was given, microseconds since 1970.
    pub at_us: i64,
    /// Whose seat.
    pub identity: Identity,
    /// The seat.
    pub member: MemberId,
    /// The room.
    pub record: Record,
}

impl Receipt {
    /// The receipt as text, signed.
    pub fn seal(&self, keys: &Keys) -> Option<String> {
        let content = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).ok()?);
        let signature = keys.sign(&["receipt", &content]);
        Some(format!("{content}.{signature}"))
    }

    /// Reads a receipt, if it is ours and not too old.
    pub fn open(text: &str, keys: &Keys, now: Duration) -> Option<Self> {
        let (content, signature) = text.split_once('.')?;
        keys.verify(&["receipt", content], signature)?;
        let receipt: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(content).ok()?).ok()?;
        (micros(now) <= receipt.at_us.saturating_add(micros(RECEIPT))).then_some(receipt)
    }
}

/// The seal of a message; nothing for other events.
pub fn seal_of(event: &Event, room: &RoomId, keys: &Keys) -> Option<String> {
    let EventKind::Message { member, name, nonce, body } = &event.kind else { return None };
    Some(fields(room, (event.seq, event.at_us, *nonce), member, name, body, |fields| keys.sign(fields)))
}

/// Whether we have sealed that message, in that room.
pub fn is_ours(message: &SealedMessage, room: &RoomId, keys: &Keys) -> bool {
    let SealedMessage { seq, at_us, member, name, nonce, body, seal } = message;
    fields(room, (*seq, *at_us, *nonce), member, name, body, |fields| keys.verify(fields, seal).is_some())
}

fn fields<T>(
    room: &RoomId,
    (seq, at_us, nonce): (u64, i64, u64),
    member: &MemberId,
    name: &str,
    body: &MessageBody,
    then: impl FnOnce(&[&str]) -> T,
) -> T {
    let (kind, first, second) = match body {
        MessageBody::Text { text } => ("text", text.as_str(), ""),
        MessageBody::Custom { command, data } => ("custom", command.as_str(), data.as_str()),
    };
    let (seq, at_us, nonce) = (seq.to_string(), at_us.to_string(), nonce.to_string());
    then(&["message", room.as_str(), &seq, &at_us, &nonce, member.as_str(), name, kind, first, second])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Event {
        let (member, body) = (MemberId::new("m"), MessageBody::Text { text: text.into() });
        Event { seq: 7, at_us: 12, kind: EventKind::Message { member, name: "Ann".into(), nonce: 3, body }, seal: None }
    }

    #[test]
    fn a_seal_is_good_for_one_message_in_one_room() {
        let (keys, room) = (Keys::random(), RoomId::new("r"));
        let seal = seal_of(&event("hi"), &room, &keys).unwrap();
        let body = MessageBody::Text { text: "hi".into() };
        let good = SealedMessage {
            seq: 7,
            at_us: 12,
            member: MemberId::new("m"),
            name: "Ann".into(),
            nonce: 3,
            body: body.clone(),
            seal,
        };
        assert!(is_ours(&good, &room, &keys));
        assert!(!is_ours(&good, &RoomId::new("q"), &keys));
        assert!(!is_ours(&good, &room, &Keys::random()));
        for forged in [
            SealedMessage { seq: 8, ..good.clone() },
            SealedMessage { at_us: 13, ..good.clone() },
            SealedMessage { nonce: 4, ..good.clone() },
            SealedMessage { member: MemberId::new("n"), ..good.clone() },
            SealedMessage { name: "Bob".into(), ..good.clone() },
            SealedMessage { body: MessageBody::Text { text: "ho".into() }, ..good.clone() },
            SealedMessage { body: MessageBody::Custom { command: "hi".into(), data: String::new() }, ..good.clone() },
            SealedMessage { seal: "00".into(), ..good.clone() },
        ] {
            assert!(!is_ours(&forged, &room, &keys), "{forged:?}");
        }
        let joined = Event { kind: EventKind::Restored, ..event("") };
        assert_eq!(seal_of(&joined, &room, &keys), None);
    }
}
