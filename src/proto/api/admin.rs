//! What operators see.

use super::{Sending, Statistics};
use crate::proto::{MemberId, Mode, RoomId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The server at a glance.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    /// Version and commit of the program.
    pub version: String,
    /// The server's clock, microseconds since the UNIX epoch.
    pub now_us: i64,
    /// How long it has been running, in seconds.
    pub uptime_s: u64,
    /// Open rooms, listed or not.
    pub rooms: usize,
    /// What its relay carries.
    pub media: MediaFigures,
}

/// What this server's relay carries, all streams together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MediaFigures {
    /// Streams that are sent to it.
    pub publishers: u64,
    /// Connections that play one.
    pub readers: u64,
    /// Bytes received of the streams that are there now; twice asked, it tells the bit rate.
    pub bytes_in: u64,
    /// Packets that readers missed because they were too slow.
    pub dropped: u64,
}

/// One stream in this server's relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamFigures {
    /// Bytes received; twice asked, it tells the bit rate.
    pub bytes_in: u64,
    /// Connections that play it.
    pub readers: u64,
    /// Packets that readers missed because they were too slow.
    pub dropped: u64,
}

/// A room as operators see it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdminRoom {
    /// The room.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// What its creator noted about it.
    pub info: String,
    /// When it was created, microseconds since the UNIX epoch.
    pub created_us: i64,
    /// Seats in all.
    pub cap: usize,
    /// Whether a password is asked.
    pub locked: bool,
    /// Whether it is in the room list.
    pub listed: bool,
    /// The creator's seat.
    pub creator: MemberId,
    /// Everybody with a seat.
    pub members: Vec<AdminMember>,
    /// How many watch.
    pub audience: usize,
}

/// A member as operators see them.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdminMember {
    /// Their seat.
    pub member: MemberId,
    /// Their display name.
    pub name: String,
    /// Whether their stream has flowed; before that the others do not see them.
    pub joined: bool,
    /// What they send.
    pub sending: Sending,
    /// Their stream in this server's relay; nothing while it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamFigures>,
    /// What they measured last, if they told this server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

/// A page of all rooms.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct AdminRooms {
    /// Newest first.
    pub rooms: Vec<AdminRoom>,
    /// Rooms in all.
    pub total: usize,
}
