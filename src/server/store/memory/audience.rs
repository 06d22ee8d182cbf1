//! Those who watch, in memory: any number, none of whom costs the others anything.

use crate::proto::api::{AudiencePage, Viewer};
use crate::proto::{MemberId, RoomId};
use crate::server::store::Watcher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

/// The audiences of all rooms; only rooms with one are in it.
#[derive(Debug, Default)]
pub(super) struct Audiences(HashMap<RoomId, Audience>);

#[derive(Debug, Default)]
struct Audience {
    watchers: BTreeMap<MemberId, (Watcher, Duration)>,
    deadlines: BTreeSet<(Duration, MemberId)>,
}

impl Audiences {
    /// How many watch all rooms together; whoever's time is up counts until the next purge.
    pub fn count(&self) -> usize {
        self.0.values().map(|audience| audience.watchers.len()).sum()
    }

    /// Lets somebody watch until then. Returns how many watch, or nothing if `cap` watch already.
    pub fn watch(&mut self, now: Duration, room: &RoomId, watcher: &Watcher, until: Duration, cap: usize) -> Option<usize> {
        let audience = self.0.entry(room.clone()).or_default();
        audience.purge(now);
        let there = audience.watchers.contains_key(&watcher.viewer);
        if !there && audience.watchers.len() >= cap {
            self.tidy(room);
            return None;
        }
        if let Some((_, old)) = audience.watchers.insert(watcher.viewer.clone(), (watcher.clone(), until)) {
            audience.deadlines.remove(&(old, watcher.viewer.clone()));
        }
        audience.deadlines.insert((until, watcher.viewer.clone()));
        Some(audience.watchers.len())
    }

    /// Somebody who watches.
    pub fn watcher(&mut self, now: Duration, room: &RoomId, viewer: &MemberId) -> Option<Watcher> {
        let audience = self.0.get_mut(room)?;
        audience.purge(now);
        audience.watchers.get(viewer).map(|(watcher, _)| watcher.clone())
    }

    /// Makes somebody stop watching. False if they did not.
    pub fn unwatch(&mut self, room: &RoomId, viewer: &MemberId) -> bool {
        let removed = self.0.get_mut(room).and_then(|audience| {
            let (_, until) = audience.watchers.remove(viewer)?;
            Some(audience.deadlines.remove(&(until, viewer.clone())))
        });
        self.tidy(room);
        removed.is_some()
    }

    /// A page of those who watch.
    pub fn page(&mut self, now: Duration, room: &RoomId, offset: usize, limit: usize) -> AudiencePage {
        let Some(audience) = self.0.get_mut(room) else { return AudiencePage::default() };
        audience.purge(now);
        let viewer = |(watcher, _): &(Watcher, Duration)| Viewer { viewer: watcher.viewer.clone(), name: watcher.name.clone() };
        let page = AudiencePage {
            viewers: audience.watchers.values().skip(offset).take(limit).map(viewer).collect(),
            total: audience.watchers.len(),
        };
        self.tidy(room);
        page
    }

    /// Forgets all whose time is up.
    pub fn purge(&mut self, now: Duration) {
        self.0.retain(|_, audience| {
            audience.purge(now);
            !audience.watchers.is_empty()
        });
    }

    fn tidy(&mut self, room: &RoomId) {
        if self.0.get(room).is_some_and(|audience| audience.watchers.is_empty()) {
            self.0.remove(room);
        }
    }
}

impl Audience {
    fn purge(&mut self, now: Duration) {
        while self.deadlines.first().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, viewer)) = self.deadlines.pop_first() {
                self.watchers.remove(&viewer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::room::Marks;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn watcher(name: &str) -> Watcher {
        Watcher { viewer: MemberId::new(name), name: name.to_owned(), marks: Marks::default() }
    }

    #[test]
    fn an_audience_has_a_cap_and_those_who_are_silent_go() {
        let (mut audiences, room) = (Audiences::default(), RoomId::new("r"));
        assert_eq!(audiences.watch(S(0), &room, &watcher("a"), S(20), 2), Some(1));
        assert_eq!(audiences.watch(S(5), &room, &watcher("b"), S(25), 2), Some(2));
        assert_eq!(audiences.watch(S(6), &room, &watcher("c"), S(26), 2), None);
        assert_eq!(audiences.watch(S(10), &room, &watcher("a"), S(30), 2), Some(2), "once more is no second place");
        assert_eq!(audiences.watch(S(25), &room, &watcher("c"), S(45), 2), Some(2), "b is gone");
        assert!(audiences.watcher(S(25), &room, &MemberId::new("b")).is_none());
        let page = audiences.page(S(26), &room, 1, 5);
        assert_eq!((page.viewers[0].name.as_str(), page.viewers.len(), page.total), ("c", 1, 2));
        assert!(audiences.unwatch(&room, &MemberId::new("c")));
        assert!(!audiences.unwatch(&room, &MemberId::new("c")));
        audiences.purge(S(30));
        assert!(audiences.0.is_empty());
    }
}
