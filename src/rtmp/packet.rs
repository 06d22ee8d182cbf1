//! The unit that a relay forwards.

use bytes::Bytes;

/// What a [`Packet`] carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PacketKind {
    /// RTMP message type 8: an FLV audio tag's body.
    Audio,
    /// RTMP message type 9: an FLV video tag's body.
    Video,
    /// RTMP message type 18: AMF0 values, the first one the name of what follows (`onMetaData`, ...).
    Data,
}

/// One media message of a stream. Cloning shares the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it carries.
    pub kind: PacketKind,
    /// Milliseconds on the stream's own time line, modulo 2^32 (RTMP 1.0, 5.3.1.2).
    pub timestamp_ms: u32,
    /// The message's body.
    pub payload: Bytes,
}
