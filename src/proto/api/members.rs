//! Who is in a room, and what they send.

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
}

/// Which of their devices a member has switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Heartbeat {
    /// What one sends; a change becomes an event for the others.
    pub sending: Sending,
}

/// Answer to a heartbeat.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Beat {
    /// The server's clock, microseconds since the UNIX epoch.
    pub now_us: i64,
    /// Number of the newest event in the room.
    pub seq: u64,
}
