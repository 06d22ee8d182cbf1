//! The serving side of one connection.
//!
//! The owner feeds what the socket gives ([`Session::receive`]), writes what [`Session::poll_output`] gives, and decides
//! about each [`Event::Publish`] and [`Event::Play`] with [`Session::accept`] or [`Session::reject`], at once or much
//! later (a player may wait for its publisher).

mod commands;
mod event;
mod session;
mod status;
#[cfg(test)]
mod tests;

use std::time::Duration;

use bytes::Bytes;

pub use event::{Event, Reject};
pub use session::Session;

pub use super::Error;

use super::{Packet, chunk, connection};

/// How many message streams one connection may open. Publishers and players use one.
pub const MAX_STREAMS: usize = 16;

/// How many bytes a publisher may send before it is accepted. Most send nothing; those that do must not lose their
/// sequence headers.
pub const MAX_HELD_BYTES: usize = 1 << 20;

/// How many packets may wait like that.
pub const MAX_HELD_PACKETS: usize = 1024;

/// How many events may wait to be polled. A read of 64 KiB holds at most a few hundred of a real peer's messages.
pub const MAX_EVENTS: usize = 8192;

/// Packets up to this length are one chunk: a header, then the payload as it is.
pub const CHUNK_BYTES: usize = connection::CHUNK_SIZE as usize;

/// A packet as the bytes that every player gets who was accepted on message stream `stream_id`: made once for all of them. `None` if it is
/// longer than any receiver of ours would take.
pub fn framed(stream_id: u32, packet: &Packet) -> Option<Bytes> {
    (packet.payload.len() <= chunk::MAX_MESSAGE_BYTES).then(|| connection::framed(stream_id, packet))
}

/// The times a session allows.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// From the connection's start to the first `publish` or `play`, and from the end of the last stream to the next.
    pub set_up_timeout: Duration,
    /// Between pings.
    pub ping_interval: Duration,
    /// How long a peer may send nothing at all, in spite of pings.
    pub silence_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            set_up_timeout: Duration::from_secs(15),
            ping_interval: Duration::from_secs(20),
            silence_timeout: Duration::from_secs(60),
        }
    }
}
