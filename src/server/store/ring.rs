//! A room's events: numbered without holes, the last ones kept.

use crate::proto::api::{Events, FieldValue, MessageBody};
use crate::proto::{Event, EventKind};
use crate::server::limits::{EVENT_BYTES, EVENTS, EVENTS_PER_ANSWER};
use std::collections::VecDeque;

/// The newest events of a room.
#[derive(Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<Event>,
    bytes: usize,
    last: u64,
}

impl Ring {
    /// Appends an event; its number follows that of the one before.
    pub fn push(&mut self, event: Event) {
        self.last = event.seq;
        self.bytes += text_bytes(&event.kind);
        self.kept.push_back(event);
        while self.kept.len() > EVENTS || (self.bytes > EVENT_BYTES && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= text_bytes(&oldest.kind);
            }
        }
    }

    /// What came after event number `since`. A number that was never given (the server has restarted meanwhile) is a gap too.
    pub fn since(&self, since: u64) -> Events {
        let first = self.kept.front().map_or(self.last + 1, |e| e.seq);
        let gap = since > self.last || since + 1 < first;
        if gap && since > self.last {
            return Events { events: Vec::new(), next: self.last, gap };
        }
        let skip = usize::try_from((since + 1).saturating_sub(first)).unwrap_or(usize::MAX);
        let events: Vec<Event> = self.kept.iter().skip(skip).take(EVENTS_PER_ANSWER).cloned().collect();
        let next = events.last().map_or(since, |e| e.seq);
        Events { events, next, gap }
    }
}

/// Bytes of text in an event.
pub(super) fn text_bytes(kind: &EventKind) -> usize {
    match kind {
        EventKind::Message { name, body, .. } => {
            name.len()
                + match body {
                    MessageBody::Text { text } => text.len(),
                    MessageBody::Custom { command, data } => command.len() + data.len(),
                }
        }
        EventKind::Joined { name, .. } | EventKind::Left { name, .. } => name.len(),
        EventKind::Field { key, value, .. } => {
            key.len()
                + match value {
                    Some(FieldValue::Text(text)) => text.len(),
                    Some(FieldValue::Number(_)) | None => 0,
                }
        }
        EventKind::Changed { .. } | EventKind::MuteRequested { .. } | EventKind::Restored | EventKind::Dissolved { .. } => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::MemberId;

    fn push(ring: &mut Ring, text: String) {
        let kind =
            EventKind::Message { member: MemberId::new("m"), name: "Ann".into(), nonce: 1, body: MessageBody::Text { text } };
        ring.push(Event { seq: ring.last + 1, at_us: 0, kind, seal: None });
    }

    #[test]
    fn the_oldest_go_and_the_gap_is_said() {
        let mut ring = Ring::default();
        for i in 0..EVENTS + 10 {
            push(&mut ring, i.to_string());
        }
        let events = ring.since(0);
        assert!(events.gap);
        assert_eq!(events.events[0].seq, 11);
        assert_eq!(events.events.len(), EVENTS_PER_ANSWER);
        assert_eq!(events.next, 10 + EVENTS_PER_ANSWER as u64);
        assert!(!ring.since(10).gap);
        let rest = ring.since(ring.last - 1);
        assert_eq!((rest.events.len(), rest.next, rest.gap), (1, ring.last, false));
        let none = ring.since(ring.last);
        assert_eq!((none.events.len(), none.next, none.gap), (0, ring.last, false));
    }

    #[test]
    fn a_number_from_before_a_restart_is_a_gap() {
        let mut ring = Ring::default();
        push(&mut ring, "a".into());
        let events = ring.since(u64::MAX);
        assert_eq!((events.events.len(), events.next, events.gap), (0, 1, true));
    }

    #[test]
    fn long_messages_are_bounded_by_bytes() {
        let mut ring = Ring::default();
        for _ in 0..EVENTS {
            push(&mut ring, "x".repeat(8000));
        }
        assert!(ring.bytes <= EVENT_BYTES);
        assert!(ring.kept.len() < 40);
        push(&mut ring, "x".repeat(EVENT_BYTES * 2));
        assert_eq!(ring.kept.len(), 1, "the newest is always there");
    }
}
