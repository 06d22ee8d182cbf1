//! Requests and responses of the HTTP API under `/v1`, as JSON.
//!
//! | request | body | answer |
//! |---|---|---|
//! | `POST /v1/login` | [`Login`] | [`Session`] |
//! | `GET /v1/time` | | [`Time`] |
//! | `GET /v1/rooms?offset=&limit=` | | [`RoomPage`] |
//! | `POST /v1/rooms` | [`CreateRoom`] | [`Seat`]: the creator's; the room is listed when the creator's stream flows |
//! | `GET /v1/rooms/{room}` | | [`RoomState`]; members only |
//! | `DELETE /v1/rooms/{room}` | | dissolve; creator only |
//! | `POST /v1/rooms/{room}/members` | [`Enter`] | [`Seat`] |
//! | `DELETE /v1/rooms/{room}/members/me` | | leave |
//! | `POST /v1/rooms/{room}/heartbeat` | [`Heartbeat`] | [`Beat`] |
//! | `GET /v1/rooms/{room}/events?since=&wait_s=` | | [`Events`]; long poll |
//! | `POST /v1/rooms/{room}/messages` | [`SendMessage`] | [`Sent`] |
//!
//! All but the first two carry `Authorization: Bearer TOKEN` of a [`Session`]. Every failure is a [`Problem`](super::Problem).

use super::{Event, Identity, MemberId, Mode, RoomId};
use serde::{Deserialize, Serialize};

/// Sign in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Display name.
    pub name: String,
}

/// Who one is from now on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The server's name for this person.
    pub identity: Identity,
    /// Bearer token for all further requests.
    pub token: String,
}

/// The server's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Time {
    /// Microseconds since the UNIX epoch.
    pub now_us: i64,
}

/// Ask for a new room.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateRoom {
    /// Room name; see [`name::check`](super::name::check).
    pub name: String,
    /// Kind of room.
    pub mode: Mode,
    /// Password that members must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether the creator's leaving ends the room for all.
    #[serde(default = "yes")]
    pub dissolve_on_creator_exit: bool,
    /// A room that this client had before the server restarted: it comes back under this id if the id is free.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

/// Ask for a seat. Repeating the request returns the same seat.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enter {
    /// The room's password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A seat in a room: what its holder needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seat {
    /// The room.
    pub room: RoomId,
    /// The holder's member id.
    pub member: MemberId,
    /// Where to push one's own stream, token included. `rtmp://host:port/app/stream?token=...`
    pub publish_url: String,
    /// Events with higher numbers than this follow.
    pub seq: u64,
    /// The room as it is now (others' play URLs included).
    pub state: RoomState,
}

/// One line of the room list. Holds no URL and no member's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// The room.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Names of those inside.
    pub members: Vec<String>,
    /// Seats in all.
    pub cap: usize,
    /// Whether a password is asked.
    pub locked: bool,
}

/// A page of the room list.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoomPage {
    /// Newest first.
    pub rooms: Vec<RoomSummary>,
    /// Listed rooms in all.
    pub total: usize,
}

/// A room as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    /// The room.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Seats in all.
    pub cap: usize,
    /// The creator's seat.
    pub creator: MemberId,
    /// Number of the last event that is part of this state.
    pub seq: u64,
    /// Members whose stream flows, in order of arrival; the asking member too.
    pub members: Vec<Member>,
}

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Their seat.
    pub member: MemberId,
    /// Their display name.
    pub name: String,
    /// Where the asking member can play them, token included; `None` for oneself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub play_url: Option<String>,
    /// What they send.
    pub sending: Sending,
}

/// Which of their devices a member has switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Microphone not muted.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
}

impl Default for Sending {
    fn default() -> Self {
        Self { mic: true, camera: true }
    }
}

/// "I am still here", every 5 s.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// What one sends; a change becomes an event for the others.
    pub sending: Sending,
}

/// Answer to a heartbeat.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Beat {
    /// The server's clock, microseconds since the UNIX epoch.
    pub now_us: i64,
    /// Number of the newest event in the room.
    pub seq: u64,
}

/// What happened since the number asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Events {
    /// In order, without holes.
    pub events: Vec<Event>,
    /// Ask next with this number.
    pub next: u64,
    /// Events between the number asked for and the first one here are gone: fetch the room's state anew.
    pub gap: bool,
}

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum MessageBody {
    /// A line of chat.
    Text {
        /// The line.
        text: String,
    },
    /// An application's own message.
    Custom {
        /// What it is, in the application's terms.
        command: String,
        /// Its data, in the application's terms.
        data: String,
    },
}

/// Say something to all in the room.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SendMessage {
    /// The message.
    #[serde(flatten)]
    pub body: MessageBody,
    /// Chosen by the sender: a repeated request with the same number is not said twice.
    pub nonce: u64,
}

/// Answer to [`SendMessage`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Sent {
    /// Number of the event that carries the message.
    pub seq: u64,
}

fn yes() -> bool {
    true
}
