//! From "who I know" and "who is there" to what has to be done. Pure.
//!
//! The server owns the member list. Notices of joins and leaves only say that it is time to fetch it, so a lost notice is healed by the
//! next comparison.

use crate::proto::api::{Member, RoomState};
use crate::proto::{MemberId, Mode};

/// A member as this side knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Their seat.
    pub member: MemberId,
    /// Their display name.
    pub name: String,
}

/// One step towards the member list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Somebody is gone.
    Remove(MemberId),
    /// Somebody is not in the list, but may come back; see [`Absent::Wait`].
    Miss(MemberId),
    /// Somebody came back on another seat: same person, same picture on the screen, new stream.
    Reseat {
        /// The seat they had.
        old: MemberId,
        /// What they have now.
        new: Member,
    },
    /// Somebody is still there; address, name or switches may be new.
    Refresh(Member),
    /// Somebody is new.
    Add(Member),
}

/// What to do with a known member who is not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absent {
    /// They left.
    Remove,
    /// The server has just come back from a restart and people return one by one: keep their place for a while.
    Wait,
}

/// The steps from `known` to `state`, in the order in which to take them. `me` is left out.
pub fn reconcile(known: &[Known], state: &RoomState, me: &MemberId, absent: Absent) -> Vec<Change> {
    let there = |id: &MemberId| state.members.iter().any(|m| m.member == *id);
    let mut missing: Vec<&Known> = known.iter().filter(|k| !there(&k.member)).collect();
    let (mut news, mut changes) = (Vec::new(), Vec::new());
    for member in state.members.iter().filter(|m| m.member != *me) {
        if known.iter().any(|k| k.member == member.member) {
            changes.push(Change::Refresh(member.clone()));
        } else if let Some(at) = missing.iter().position(|k| absent == Absent::Wait && k.name == member.name) {
            changes.push(Change::Reseat { old: missing.remove(at).member.clone(), new: member.clone() });
        } else {
            news.push(Change::Add(member.clone()));
        }
    }
    let lost = missing.into_iter().map(|k| k.member.clone());
    let mut all: Vec<Change> = match absent {
        Absent::Remove => lost.map(Change::Remove).collect(),
        Absent::Wait => lost.map(Change::Miss).collect(),
    };
    all.extend(changes);
    all.extend(news);
    all
}

/// Picture size, rate and bit rate that suit the number of people: `(width, height, fps, kbit/s)`.
///
/// Four people at the size for two would ask one laptop to decode three of them.
pub const fn quality(mode: Mode) -> (u32, u32, u32, u32) {
    match mode {
        Mode::Live | Mode::Duo => (640, 360, 30, 600),
        Mode::Multi => (480, 360, 15, 300),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::RoomId;
    use crate::proto::api::Sending;
    use proptest::prelude::*;

    fn member(id: &str, name: &str) -> Member {
        Member {
            member: MemberId::new(id),
            name: name.to_owned(),
            play_url: Some(format!("rtmp://h/live/{id}")),
            sending: Sending::default(),
            statistics: None,
        }
    }

    fn state(members: Vec<Member>) -> RoomState {
        let (room, creator) = (RoomId::new("r"), MemberId::new("me"));
        RoomState {
            room,
            name: "r".into(),
            mode: Mode::Multi,
            cap: 4,
            creator,
            seq: 1,
            members,
            sealed: false,
            info: String::new(),
            fields: Default::default(),
            audience: 0,
            receipt: None,
        }
    }

    fn known(id: &str, name: &str) -> Known {
        Known { member: MemberId::new(id), name: name.into() }
    }

    fn me() -> MemberId {
        MemberId::new("me")
    }

    #[test]
    fn leaves_come_before_arrivals_and_oneself_never_shows_up() {
        let there = state(vec![member("me", "I"), member("b", "Bea"), member("c", "Cem")]);
        assert_eq!(
            reconcile(&[known("a", "Ana"), known("b", "Bea")], &there, &me(), Absent::Remove),
            [Change::Remove(MemberId::new("a")), Change::Refresh(member("b", "Bea")), Change::Add(member("c", "Cem"))]
        );
    }

    #[test]
    fn after_a_restart_people_keep_their_place_under_a_new_seat() {
        let old = [known("a1", "Ana"), known("b1", "Bea")];
        let there = state(vec![member("me", "I"), member("b2", "Bea")]);
        let change = Change::Reseat { old: MemberId::new("b1"), new: member("b2", "Bea") };
        assert_eq!(reconcile(&old, &there, &me(), Absent::Wait), [Change::Miss(MemberId::new("a1")), change]);
        // Outside of a restart a person of the same name is somebody else.
        assert_eq!(
            reconcile(&old, &there, &me(), Absent::Remove),
            [Change::Remove(MemberId::new("a1")), Change::Remove(MemberId::new("b1")), Change::Add(member("b2", "Bea"))]
        );
    }

    #[test]
    fn two_people_of_one_name_take_one_place_each() {
        let old = [known("a1", "Ana"), known("a2", "Ana")];
        let there = state(vec![member("a3", "Ana"), member("a4", "Ana"), member("a5", "Ana")]);
        assert_eq!(
            reconcile(&old, &there, &me(), Absent::Wait),
            [
                Change::Reseat { old: MemberId::new("a1"), new: member("a3", "Ana") },
                Change::Reseat { old: MemberId::new("a2"), new: member("a4", "Ana") },
                Change::Add(member("a5", "Ana")),
            ]
        );
    }

    proptest! {
        /// Whatever notices were lost: applying the steps to what was known gives the list.
        #[test]
        fn the_steps_lead_to_the_list(old in proptest::collection::btree_set(1_u8..12, 0..8), new in proptest::collection::btree_set(0_u8..12, 0..8)) {
            let mut here: Vec<Known> = old.iter().map(|i| known(&i.to_string(), "n")).collect();
            let there = state(new.iter().map(|i| member(&i.to_string(), "n")).collect());
            for change in reconcile(&here, &there, &MemberId::new("0"), Absent::Remove) {
                match change {
                    Change::Remove(id) => here.retain(|k| k.member != id),
                    Change::Add(m) => here.push(Known { member: m.member, name: m.name }),
                    Change::Refresh(_) => {}
                    Change::Miss(_) | Change::Reseat { .. } => prop_assert!(false, "only after a restart"),
                }
            }
            let mut ids: Vec<String> = here.iter().map(|k| k.member.to_string()).collect();
            let mut wanted: Vec<String> = new.iter().filter(|i| **i != 0).map(u8::to_string).collect();
            ids.sort();
            wanted.sort();
            prop_assert_eq!(ids, wanted);
        }
    }
}
