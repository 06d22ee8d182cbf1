//! Those who watch a live room without a seat.

use super::RoomState;
use crate::proto::{MemberId, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Ask to watch a live room. Repeating the request returns the same place with fresh addresses.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The room's password, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A place in the audience: what its holder needs.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ticket {
    /// The room.
    pub room: RoomId,
    /// The holder's id in the audience; messages of theirs carry it.
    pub viewer: MemberId,
    /// Events with higher numbers than this follow.
    pub seq: u64,
    /// The room as it is now, with play URLs that are good for this viewer only.
    pub state: RoomState,
}

/// Somebody who watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Viewer {
    /// Their id in the audience.
    pub viewer: MemberId,
    /// Their display name.
    pub name: String,
}

/// A page of the audience.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct AudiencePage {
    /// By id.
    pub viewers: Vec<Viewer>,
    /// Viewers in all.
    pub total: usize,
}
