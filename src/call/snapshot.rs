//! What a call looks like now. Cheap to clone: pictures are handed over by feeds, not copied.

use super::Ended;
use crate::base::Slot;
use crate::media::frame::Rgba;
use crate::media::stats::{PlayStats, PublishStats};
use crate::proto::{Invite, MemberId, Mode, RoomId};
use std::time::Duration;

/// How far a call has come.
#[derive(Clone, Debug, Default)]
pub enum Phase {
    /// Asking for a room and starting to push.
    #[default]
    Entering,
    /// In the room.
    InCall,
    /// The connection broke; next try at the given local time.
    Reconnecting {
        /// When the next try is due, by the local clock.
        next_try: Duration,
        /// Tries so far.
        tries: u32,
    },
    /// Over.
    Ended(Ended),
}

/// The state of a call.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// How far it has come.
    pub phase: Phase,
    /// The room, once entered.
    pub room: Option<Room>,
    /// Oneself.
    pub me: Me,
    /// The others, in order of arrival.
    pub peers: Vec<Peer>,
    /// The last lines of chat, oldest first (at most [`MAX_LINES`]).
    pub chat: Vec<Line>,
}

/// Lines of chat kept.
pub const MAX_LINES: usize = 500;

/// The room one is in.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Seats in all.
    pub cap: usize,
    /// Whether one created it.
    pub mine: bool,
    /// What to send to others so that they come.
    pub invite: Invite,
}

/// Oneself in a call.
#[derive(Clone, Debug, Default)]
pub struct Me {
    /// One's seat.
    pub member: Option<MemberId>,
    /// Display name.
    pub name: String,
    /// Microphone on.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
    /// One's own picture, not mirrored; newest wins.
    pub preview: Slot<Rgba>,
    /// Figures of one's own stream.
    pub stats: PublishStats,
}

/// Somebody else in a call.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Their seat.
    pub member: MemberId,
    /// Display name.
    pub name: String,
    /// Their microphone is on.
    pub mic: bool,
    /// Their camera is on.
    pub camera: bool,
    /// Their picture; newest wins. The same slot for as long as they are here.
    pub picture: Slot<Rgba>,
    /// Whether their stream is being received; while it is not, the last picture stays.
    pub receiving: bool,
    /// Figures of their stream.
    pub stats: PlayStats,
}

/// A line of chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of its event in the room.
    pub seq: u64,
    /// Display name of who said it.
    pub name: String,
    /// The line.
    pub text: String,
    /// Whether one said it oneself.
    pub own: bool,
    /// When, by the server's clock: microseconds since the UNIX epoch.
    pub at_us: i64,
}
