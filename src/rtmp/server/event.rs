//! What a server session tells its owner, and how the owner says no.

use crate::rtmp::{Packet, Reception};

/// Something the peer did.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// `connect` came and was answered.
    Connected {
        /// The application, without slashes around it.
        app: String,
        /// The URL the client says it used, as it is.
        tc_url: String,
        /// Whether the client says that it is ours (and so understands key frame requests).
        parlor: bool,
    },
    /// A publisher waits to be accepted.
    Publish {
        /// The message stream to answer on.
        stream_id: u32,
        /// The application.
        app: String,
        /// The stream's name with its `?query`.
        name: String,
    },
    /// A player waits to be accepted.
    Play {
        /// The message stream to answer on.
        stream_id: u32,
        /// The application.
        app: String,
        /// The stream's name with its `?query`.
        name: String,
    },
    /// A publisher's packet.
    Packet {
        /// The message stream it came on.
        stream_id: u32,
        /// The packet.
        packet: Packet,
    },
    /// A publisher (accepted or waiting) has stopped.
    StopPublish {
        /// Its message stream.
        stream_id: u32,
    },
    /// A player (accepted or waiting) has stopped.
    StopPlay {
        /// Its message stream.
        stream_id: u32,
    },
    /// A player asks for a key frame.
    KeyFrameWanted {
        /// Its message stream.
        stream_id: u32,
    },
    /// A player tells how its stream arrives.
    Reception {
        /// Its message stream.
        stream_id: u32,
        /// How.
        reception: Reception,
    },
    /// The peer says that it is about to close the connection.
    Closed,
}

/// Why a publisher or player is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reject {
    /// The name cannot be used (for a publisher: it is taken).
    BadName,
    /// There is no such stream.
    NotFound,
    /// Not allowed, with a sentence for a person.
    Denied(String),
    /// It cannot be done now, with a sentence for a person.
    Failed(String),
}
