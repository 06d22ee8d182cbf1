//! Whether the books of a store in memory agree with each other, for tests.

use super::{Index, Memory};
use crate::proto::EventKind;
use crate::server::limits::TICK;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

impl Memory {
    /// Nothing is left of anything.
    pub(in crate::server) fn check_empty(&self) {
        let books = self.lock();
        assert!(books.rooms.is_empty() && books.deadlines.is_empty() && books.closed.is_empty());
        let Index { listed, named, open, owned } = &books.index;
        assert!(listed.is_empty() && named.is_empty() && open.is_empty() && owned.is_empty());
    }

    /// Rooms, indexes, deadlines and events tell the same story.
    pub(in crate::server) fn check(&self, now: Duration) {
        let books = self.lock();
        let (mut deadlines, mut closed, mut listed, mut owned) =
            (BTreeSet::new(), BTreeSet::new(), BTreeMap::new(), HashMap::new());
        for (id, entry) in &books.rooms {
            let room = entry.slot.as_ref().unwrap();
            assert!(room.outbox == Default::default(), "all was sent");
            assert!(room.seats.len() <= room.cap, "over the cap");
            assert!(room.closed.is_some() || !room.seats.is_empty(), "an empty room is closed");
            assert!(room.closed.is_none() || room.seats.is_empty(), "a closed room has no seats");
            let identities: BTreeSet<_> = room.seats.iter().map(|s| &s.identity).collect();
            assert_eq!(identities.len(), room.seats.len(), "one seat each");
            let due: BTreeSet<_> = entry.deadlines.keys().cloned().collect();
            let wanted: BTreeSet<_> = match room.closed {
                Some(_) => BTreeSet::from([None]),
                None => room.seats.iter().map(|s| Some(s.member.clone())).collect(),
            };
            assert_eq!(due, wanted, "each seat and each memory has one deadline, and nothing else has");
            for (member, at) in &entry.deadlines {
                assert!(*at > now.saturating_sub(TICK), "a deadline was missed");
                deadlines.insert((*at, (id.clone(), member.clone())));
                if member.is_none() {
                    closed.insert((*at, id.clone()));
                }
            }
            if room.is_listed() {
                listed.insert(room.number, id.clone());
            }
            if room.closed.is_none() {
                *owned.entry(room.creator_identity.clone()).or_insert(0) += 1;
            }
            entry.check_events();
        }
        assert_eq!((&books.deadlines, &books.closed), (&deadlines, &closed));
        assert_eq!((&books.index.listed, &books.index.owned), (&listed, &owned));
        let named: BTreeSet<_> = books.index.named.values().flatten().collect();
        assert_eq!(named, listed.keys().collect());
    }
}

impl super::Entry {
    fn check_events(&self) {
        let room = self.slot.as_ref().unwrap();
        let (mut since, mut present) = (room.restored.as_ref().map_or(0, |restored| restored.first - 1), BTreeSet::new());
        loop {
            let events = self.events.since(since);
            assert!(!events.gap, "so few events fit");
            if events.events.is_empty() {
                break;
            }
            for event in events.events {
                assert_eq!(event.seq, since + 1, "numbers are consecutive");
                since = event.seq;
                match event.kind {
                    EventKind::Joined { member, .. } => assert!(present.insert(member), "joined twice"),
                    EventKind::Left { member, .. } => assert!(present.remove(&member), "left without having joined"),
                    EventKind::Changed { member, .. } => assert!(present.contains(&member)),
                    EventKind::MuteRequested { member } => assert!(present.contains(&member)),
                    EventKind::Message { .. } | EventKind::Field { .. } | EventKind::Restored | EventKind::Dissolved { .. } => {}
                }
            }
        }
        assert_eq!(since, room.seq);
        let joined: BTreeSet<_> = room.seats.iter().filter(|s| s.joined).map(|s| s.member.clone()).collect();
        assert!(room.closed.is_some() || joined == present, "events and seats tell the same story");
    }
}
