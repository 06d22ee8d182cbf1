//! What was said in a room, for those who come later: the newest messages, each once.

use super::ring::text_bytes;
use crate::proto::Event;
use crate::server::limits::{HISTORY, HISTORY_BYTES};
use std::collections::VecDeque;

/// The newest messages of a room, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct History {
    kept: VecDeque<Event>,
    bytes: usize,
}

impl History {
    /// Takes a message in, unless there is one of its number; usually it is the newest.
    pub fn add(&mut self, message: Event) {
        let after = self.kept.iter().rev().take_while(|kept| kept.seq > message.seq).count();
        let place = self.kept.len() - after;
        if place > 0 && self.kept.get(place - 1).is_some_and(|kept| kept.seq == message.seq) {
            return;
        }
        self.bytes += text_bytes(&message.kind);
        self.kept.insert(place, message);
        while self.kept.len() > HISTORY || (self.bytes > HISTORY_BYTES && self.kept.len() > 1) {
            if let Some(oldest) = self.kept.pop_front() {
                self.bytes -= text_bytes(&oldest.kind);
            }
        }
    }

    /// The newest `limit` of those with a lower number than `before`, oldest first; and whether there are older ones.
    pub fn before(&self, before: Option<u64>, limit: usize) -> (Vec<Event>, bool) {
        let end = before.map_or(self.kept.len(), |before| self.kept.partition_point(|message| message.seq < before));
        let start = end.saturating_sub(limit);
        (self.kept.range(start..end).cloned().collect(), start > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::api::MessageBody;
    use crate::proto::{EventKind, MemberId};

    fn message(seq: u64, text: &str) -> Event {
        let body = MessageBody::Text { text: text.to_owned() };
        Event {
            seq,
            at_us: 0,
            kind: EventKind::Message { member: MemberId::new("m"), name: "Ann".into(), nonce: 1, body },
            seal: None,
        }
    }

    fn seqs((messages, more): (Vec<Event>, bool)) -> (Vec<u64>, bool) {
        (messages.iter().map(|m| m.seq).collect(), more)
    }

    #[test]
    fn messages_stand_in_order_and_once_however_they_come() {
        let mut history = History::default();
        for seq in [5, 9, 7, 5, 2, 9] {
            history.add(message(seq, "x"));
        }
        assert_eq!(seqs(history.before(None, 10)), (vec![2, 5, 7, 9], false));
        assert_eq!(seqs(history.before(None, 2)), (vec![7, 9], true));
        assert_eq!(seqs(history.before(Some(7), 2)), (vec![2, 5], false));
        assert_eq!(seqs(history.before(Some(8), 1)), (vec![7], true));
        assert_eq!(seqs(history.before(Some(2), 5)), (vec![], false));
    }

    #[test]
    fn the_oldest_go() {
        let mut history = History::default();
        for seq in 0..HISTORY as u64 + 5 {
            history.add(message(seq, "x"));
        }
        assert_eq!(history.before(None, HISTORY + 1).0.len(), HISTORY);
        for seq in 1000..1100 {
            history.add(message(seq, &"x".repeat(8000)));
        }
        assert!(history.bytes <= HISTORY_BYTES && history.kept.len() < 20);
    }
}
