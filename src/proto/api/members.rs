//! Who is in a room, and what they send.

use super::{ReceivedBy, Statistics};
use crate::proto::MemberId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody in a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
    /// What they measured last; only in the list of members, and only if they told this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

/// A page of the member list.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct MemberPage {
    /// In order of arrival.
    pub members: Vec<Member>,
    /// Members in all.
    pub total: usize,
}

/// What a member has switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Sending {
    /// Microphone not muted.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
    /// Records what they see and hear on their computer.
    #[serde(default, skip_serializing_if = "is_off")]
    pub recording: bool,
    /// The picture shows their screen, or a part of it.
    #[serde(default, skip_serializing_if = "is_off")]
    pub sharing: bool,
}

impl Sending {
    /// The switches that every server knows.
    pub fn plain(self) -> Self {
        Self { recording: false, sharing: false, ..self }
    }
}

/// What older programs do not know is not said unless it is so.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_off(switch: &bool) -> bool {
    !switch
}

impl Default for Sending {
    fn default() -> Self {
        Self { mic: true, camera: true, recording: false, sharing: false }
    }
}

/// "I am still here", every 5 s.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// What one sends; a change becomes an event for the others. Viewers send nothing, and may leave this out.
    #[serde(default)]
    pub sending: Sending,
    /// What one measures; the newest is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

impl From<Sending> for Heartbeat {
    fn from(sending: Sending) -> Self {
        Self { sending, statistics: None }
    }
}

/// Answer to a heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Beat {
    /// The server's clock, microseconds since the UNIX epoch.
    pub now_us: i64,
    /// Number of the newest event in the room.
    pub seq: u64,
    /// How many watch.
    #[serde(default)]
    pub audience: usize,
    /// Other servers with the same rooms; see `Session`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
    /// What the others told this server of one's own stream with their last heartbeats; of 16 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub received: Vec<ReceivedBy>,
}
