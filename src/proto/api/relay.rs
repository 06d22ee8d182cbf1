//! What a member has to know of whoever relays the streams.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How one's stream is to be made, because of who relays it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamRules {
    /// How sound is to be coded.
    pub audio: Audio,
    /// Whoever relays the stream asks for no key frame and may keep no header of the sound for those who come later: both have to be sent
    /// this often, in milliseconds, and a key frame when somebody joins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeat_every_ms: Option<u32>,
    /// Whoever relays the stream does not tell that it flows: its owner has to (`POST /v1/rooms/{room}/members/me/stream`).
    #[serde(default)]
    pub announce: bool,
}

/// How sound is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Audio {
    /// Opus, in enhanced RTMP.
    #[default]
    Opus,
    /// AAC-LC.
    Aac,
}
