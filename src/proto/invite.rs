//! Links that lead into a room: `parlor://host:port/ROOM`. One parser takes every form a person may paste.

use super::RoomId;

/// The port that carries everything.
pub const DEFAULT_PORT: u16 = 1935;

/// Where a room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// `host` or `host:port`; `None` when only a code was given.
    pub server: Option<String>,
    /// The room's id (its code) or its name.
    pub room: RoomId,
}

impl std::fmt::Display for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.server {
            Some(server) => write!(f, "parlor://{server}/{}", self.room),
            None => write!(f, "{}", self.room),
        }
    }
}
