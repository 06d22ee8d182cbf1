//! What a member keeps for the server, in case it is restarted: the receipt of the seat and the last messages, and which messages have been
//! shown already.

use crate::proto::api::{Message, Restore, RoomState, SealedMessage};
use crate::proto::{Event, EventKind, MemberId};
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Messages kept: as many as a server takes back in one request.
const MESSAGES: usize = 100;
/// Bytes of text in them: with every character escaped they fit into that request, beside the largest receipt.
const BYTES: usize = 24 * 1024;
/// Messages that are known again when they come a second time.
const KNOWN: usize = 512;

/// What is kept. Shared by all that talk with the server.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    receipt: Option<String>,
    messages: VecDeque<SealedMessage>,
    bytes: usize,
    known: VecDeque<(MemberId, u64)>,
}

impl Kept {
    /// Takes the newest receipt.
    pub fn state(&self, state: &RoomState) {
        if let Some(receipt) = &state.receipt {
            self.lock().receipt = Some(receipt.clone());
        }
    }

    /// Keeps the messages among `events`, and takes those out that have been seen.
    pub fn events(&self, events: &mut Vec<Event>) {
        events.retain(|event| match &event.kind {
            EventKind::Message { member, name, nonce, body } => {
                let Event { seq, at_us, seal, .. } = event;
                let sealed = seal.as_ref().map(|seal| SealedMessage {
                    seq: *seq,
                    at_us: *at_us,
                    member: member.clone(),
                    name: name.clone(),
                    nonce: *nonce,
                    body: body.clone(),
                    seal: seal.clone(),
                });
                self.lock().message(member, *nonce, sealed)
            }
            _ => true,
        });
    }

    /// Keeps a page of what was said, and takes those out that have been seen.
    pub fn messages(&self, messages: &mut Vec<Message>) {
        messages.retain(|message| self.lock().message(&message.member, message.nonce, Some(message.clone().into())));
    }

    /// What to give back to a server that was restarted; nothing without a receipt.
    pub fn restore(&self) -> Option<Restore> {
        let inner = self.lock();
        Some(Restore { receipt: inner.receipt.clone()?, messages: inner.messages.iter().cloned().collect() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Whether it is a new one.
    fn message(&mut self, member: &MemberId, nonce: u64, sealed: Option<SealedMessage>) -> bool {
        if self.known.iter().any(|(who, known)| who == member && *known == nonce) {
            return false;
        }
        if self.known.len() == KNOWN {
            self.known.pop_front();
        }
        self.known.push_back((member.clone(), nonce));
        if let Some(sealed) = sealed {
            self.bytes += bytes(&sealed);
            let place = self.messages.partition_point(|kept| kept.seq < sealed.seq);
            self.messages.insert(place, sealed);
        }
        while self.messages.len() > MESSAGES || self.bytes > BYTES {
            let Some(oldest) = self.messages.pop_front() else { break };
            self.bytes -= bytes(&oldest);
        }
        true
    }
}

fn bytes(message: &SealedMessage) -> usize {
    use crate::proto::api::MessageBody::{Custom, Text};
    let body = match &message.body {
        Text { text } => text.len(),
        Custom { command, data } => command.len() + data.len(),
    };
    body + message.name.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::api::MessageBody;

    fn event(seq: u64, nonce: u64, text: &str) -> Event {
        let (member, body) = (MemberId::new("m"), MessageBody::Text { text: text.into() });
        Event { seq, at_us: 0, kind: EventKind::Message { member, name: "Ann".into(), nonce, body }, seal: Some("s".into()) }
    }

    fn state(receipt: &str) -> RoomState {
        let receipt = format!(
            "{{\"room\":\"r\",\"name\":\"r\",\"mode\":\"duo\",\"cap\":2,\"creator\":\"m\",\"seq\":1,\"members\":[],\"receipt\":\"{receipt}\"}}"
        );
        serde_json::from_str(&receipt).unwrap()
    }

    #[test]
    fn each_message_is_shown_once_and_the_newest_are_given_back() {
        let kept = Kept::default();
        assert_eq!(kept.restore(), None, "nothing can be given back without a receipt");
        kept.state(&state("one"));
        kept.state(&state("two"));
        let mut events = vec![event(1, 1, "a"), event(2, 2, "b"), event(1_048_577, 1, "a")];
        kept.events(&mut events);
        assert_eq!(events.len(), 2, "said again after a restart, under another number");
        kept.events(&mut vec![event(3, 3, &"x".repeat(BYTES - 1)), event(4, 4, "d")]);
        let restore = kept.restore().unwrap();
        assert_eq!((restore.receipt.as_str(), restore.messages.len()), ("two", 1), "what is too much goes, the oldest first");
        assert_eq!(restore.messages[0].seq, 4);
    }
}
