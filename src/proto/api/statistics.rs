//! What a member measures, told with heartbeats.

use crate::proto::MemberId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Figures of one member's program, as it sees them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statistics {
    /// What they send; nothing while no stream of theirs flows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<SentFigures>,
    /// What they receive, one for each other member; 16 at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub received: Vec<ReceivedFigures>,
    /// How busy the program keeps the computer, in percent of all cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100)]
    pub cpu_app: Option<u8>,
    /// How busy the computer is, in percent of all cores.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 100)]
    pub cpu_device: Option<u8>,
}

/// A stream as its sender sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SentFigures {
    /// Width of the picture, in pixels.
    pub width: u16,
    /// Height of the picture, in pixels.
    pub height: u16,
    /// Pictures a second.
    pub fps: u16,
    /// Kilobits of sound and picture a second.
    pub kbps: u32,
    /// Milliseconds of media that wait to be sent.
    pub queue_ms: u32,
    /// Pictures not sent because the network was too slow, in all.
    pub dropped: u64,
}

/// A stream as its receiver sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceivedFigures {
    /// Whose stream.
    pub member: MemberId,
    /// Width of the picture, in pixels.
    pub width: u16,
    /// Height of the picture, in pixels.
    pub height: u16,
    /// Pictures a second.
    pub fps: u16,
    /// Kilobits of sound and picture a second.
    pub kbps: u32,
    /// From the camera to the screen: half of the pictures were faster, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_p50_ms: Option<u32>,
    /// From the camera to the screen: all but one of twenty pictures were faster, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_p95_ms: Option<u32>,
    /// How unevenly it arrives, in milliseconds.
    pub jitter_ms: u32,
    /// Sound and picture held back to smooth that out, in milliseconds.
    pub cache_ms: u32,
    /// How often the picture stood still for more than half a second, in all.
    pub freezes: u64,
    /// On how many lines of pixels the picture is shown, 0 while it is hidden: its sender need not make it larger. Left out if that is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wanted: Option<u16>,
}

/// How one's own stream is received by somebody in the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReceivedBy {
    /// Who.
    pub member: MemberId,
    /// How.
    pub figures: ReceivedFigures,
}
