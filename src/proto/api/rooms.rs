//! Rooms and the seats in them.

use super::{Fields, Member, SealedMessage, Sending, StreamRules};
use crate::proto::{MemberId, Mode, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ask for a new room.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Weekly meeting", "mode": "multi", "nonce": 4711}))]
pub struct CreateRoom {
    /// Room name: 1 to 64 characters, none of `< > * { } ( ) ^ % $ # @ ! ~ & =` and no control character.
    #[schema(example = "Weekly meeting")]
    pub name: String,
    /// Kind of room.
    pub mode: Mode,
    /// Password that members must give.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Whether the creator's leaving ends the room for all.
    #[serde(default = "yes")]
    pub dissolve_on_creator_exit: bool,
    /// What the room list tells of it beside its name, in the application's terms; at most 1024 bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub info: String,
    /// Whether it is encrypted from end to end: only those enter who say that they know it (see [`Enter::sealed`]). Not for live rooms, which
    /// programs of every kind watch.
    #[serde(default, skip_serializing_if = "is_off")]
    pub sealed: bool,
    /// Chosen by the creator: a repeated request with the same number returns the room that the first one made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<u64>,
    /// A room that this client had before the server restarted: it comes back under this id if the id is free. Only on servers without a data
    /// folder, which cannot know their own receipts again; elsewhere rooms come back by receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
}

impl CreateRoom {
    /// A room without a password that ends when its creator leaves.
    pub fn new(name: impl Into<String>, mode: Mode) -> Self {
        Self {
            name: name.into(),
            mode,
            password: None,
            dissolve_on_creator_exit: true,
            info: String::new(),
            sealed: false,
            nonce: None,
            room: None,
        }
    }
}

/// Bring back a room that the server lost when it was restarted, and one's seat in it; where the room is there, only one's seat. May be
/// repeated, with further messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restore {
    /// The newest receipt of one's seat in that room.
    pub receipt: String,
    /// Messages that were said before the restart, with the server's seals; 100 at most. Those that are there already are passed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<SealedMessage>,
}

/// Ask for a seat. Repeating the request returns the same seat.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Enter {
    /// The room's password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// What one will send, so that the others see it right from the beginning; without it, microphone and camera count as switched on until the first
    /// heartbeat. Without effect on a seat that one has already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<Sending>,
    /// One has the key of a room that is encrypted from end to end. The key itself is no server's business.
    #[serde(default, skip_serializing_if = "is_off")]
    pub sealed: bool,
}

/// A seat in a room: what its holder needs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Seat {
    /// The room.
    pub room: RoomId,
    /// The holder's member id.
    pub member: MemberId,
    /// Where to push one's own stream, token included. `rtmp://host:port/app/stream?token=...`
    pub publish_url: String,
    /// How one's own stream is to be made.
    #[serde(default)]
    pub stream: StreamRules,
    /// Events with higher numbers than this follow.
    pub seq: u64,
    /// The room as it is now (others' play URLs included).
    pub state: RoomState,
}

/// One line of the room list. Holds no URL and no member's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Whether it is encrypted from end to end: one needs the key in its invite.
    #[serde(default, skip_serializing_if = "is_off")]
    pub sealed: bool,
    /// What its creator noted about it.
    #[serde(default)]
    pub info: String,
}

/// A page of the room list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct RoomPage {
    /// Newest first.
    pub rooms: Vec<RoomSummary>,
    /// Listed rooms in all.
    pub total: usize,
}

/// A room as its members see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// Whether it is encrypted from end to end.
    #[serde(default, skip_serializing_if = "is_off")]
    pub sealed: bool,
    /// What its creator noted about it.
    #[serde(default)]
    pub info: String,
    /// Custom fields by key.
    #[serde(default)]
    pub fields: Fields,
    /// How many watch.
    #[serde(default)]
    pub audience: usize,
    /// Proof of one's seat, to bring the room back after a restart of the server: keep the newest. Only for members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<String>,
}

/// Said only where it is so: older programs do not know it.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_off(switch: &bool) -> bool {
    !switch
}

fn yes() -> bool {
    true
}
