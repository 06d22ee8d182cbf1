//! What the scripts are asked to do, in the words of `change.lua`.

use super::super::{Due, Verdict};
use super::known::Known;
use crate::proto::{Event, EventKind, MemberId, RoomId};
use crate::server::limits::{EVENT_BYTES, EVENTS, HISTORY, HISTORY_BYTES, ROOM_TTL, ROOMS_PER_PERSON};
use crate::server::room::{Deadline, Outbox, Room};
use serde::Serialize;
use std::time::Duration;

/// One change of one room.
#[derive(Debug, Serialize)]
pub(super) struct Order<'a> {
    room: &'a str,
    /// The version that was changed; empty: there was no such room.
    known: &'a str,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    due: Option<Claim>,
    now: u64,
    /// The name that a new document gets.
    version: String,
    /// The document, if it is another one now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// Text, for Lua's numbers are not exact.
    seq: String,
    events: Vec<String>,
    /// Numbers and messages, for the history.
    messages: Vec<(String, String)>,
    deadlines: Vec<(String, &'static str, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    listed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    news: Vec<String>,
    most_rooms: usize,
    most_own: usize,
    most_events: usize,
    most_bytes: usize,
    most_messages: usize,
    most_message_bytes: usize,
    ttl_ms: u128,
    expires: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Only whether the version is the newest.
    Look,
    Commit,
    Create,
    Forget,
}

#[derive(Debug, Serialize)]
struct Claim {
    who: String,
    claim: u64,
}

impl<'a> Order<'a> {
    /// What follows from `verdict` on `room`, which came of `known`; takes what is in the room's outbox.
    ///
    /// # Errors
    /// When the room cannot be written down, which is a mistake of ours.
    pub fn new(
        id: &'a RoomId,
        known: Option<&'a Known>,
        verdict: Verdict,
        room: Option<&mut Room>,
        due: Option<&Due>,
        now: Duration,
    ) -> Result<Self, serde_json::Error> {
        let what = match (verdict, &room) {
            (Verdict::Keep, _) => What::Look,
            (_, None) if known.is_none() => What::Look,
            (_, None) => What::Forget,
            (Verdict::Commit, Some(_)) => What::Commit,
            (Verdict::Create { .. }, Some(_)) => What::Create,
        };
        let most_rooms = if let Verdict::Create { rooms } = verdict { rooms } else { usize::MAX };
        let mut order = Self {
            room: id.as_str(),
            known: known.map_or("", |known| &known.version),
            what,
            due: due.map(|due| Claim { who: who(id, due.member.as_ref()), claim: micros(due.claim) }),
            now: micros(now),
            version: format!("{:016x}", rand::random::<u64>()),
            doc: None,
            seq: String::new(),
            events: Vec::new(),
            messages: Vec::new(),
            deadlines: Vec::new(),
            listed: None,
            owner: None,
            news: Vec::new(),
            most_rooms,
            most_own: ROOMS_PER_PERSON,
            most_events: EVENTS,
            most_bytes: EVENT_BYTES,
            most_messages: HISTORY,
            most_message_bytes: HISTORY_BYTES,
            ttl_ms: ROOM_TTL.as_millis(),
            expires: micros(now + ROOM_TTL),
        };
        if let (What::Commit | What::Create, Some(room)) = (what, room) {
            order.fill(id, room, known)?;
        }
        Ok(order)
    }

    fn fill(&mut self, id: &RoomId, room: &mut Room, known: Option<&Known>) -> Result<(), serde_json::Error> {
        let Outbox { events, returned, kicked, deadlines, woken } = std::mem::take(&mut room.outbox);
        let doc = serde_json::to_string(room)?;
        self.doc = known.is_none_or(|known| self.what == What::Create || known.doc != doc).then_some(doc);
        self.seq = room.seq.to_string();
        let said = |event: &&Event| matches!(event.kind, EventKind::Message { .. });
        let line = |event: &Event| Ok((event.seq.to_string(), serde_json::to_string(event)?));
        self.messages = returned.iter().chain(events.iter().filter(said)).map(line).collect::<Result<_, serde_json::Error>>()?;
        self.events = events.iter().map(serde_json::to_string).collect::<Result<_, _>>()?;
        self.deadlines = deadlines
            .into_iter()
            .map(|(member, deadline)| {
                let who = who(id, member.as_ref());
                match deadline {
                    Deadline::At(at) => (who, "at", micros(at)),
                    Deadline::AtLeast(at) => (who, "at_least", micros(at)),
                    Deadline::Never => (who, "never", 0),
                }
            })
            .collect();
        self.listed = room.is_listed().then(|| room.name.clone());
        self.owner = room.closed.is_none().then(|| room.creator_identity.as_str().to_owned());
        self.news = kicked.iter().map(|stream| format!("kicked {stream}")).collect();
        if woken {
            self.news.push(format!("woken {id}"));
        }
        Ok(())
    }

    /// What the process knows of the room once this is done.
    pub fn known(self, room: Room, before: Option<&Known>) -> Option<Known> {
        match (self.doc, before) {
            (Some(doc), _) => Some(Known { version: self.version, doc, room }),
            (None, Some(before)) => Some(before.clone()),
            (None, None) => None,
        }
    }
}

/// How the list of deadlines calls a seat, or the room itself.
pub(super) fn who(room: &RoomId, member: Option<&MemberId>) -> String {
    member.map_or_else(|| room.to_string(), |member| format!("{room} {member}"))
}

/// Times as the store keeps them: microseconds, which its numbers hold exactly until the year 2255.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
