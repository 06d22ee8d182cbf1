//! Chunk streams (RTMP 1.0, section 5.3): messages cut into chunks, several of them interleaved.
//!
//! [`Reader`] and [`Writer`] know chunk sizes and headers; what the messages mean is the business of
//! [`super::message`]. The two chunk-level messages that must act between two chunks, Set Chunk Size and Abort, are
//! obeyed by the reader itself.

mod framed;
mod output;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use bytes::Bytes;
pub use framed::{Cuts, framed};
pub use output::Output;
pub use reader::Reader;
pub use writer::Writer;

/// The longest message that is taken. A 4K key frame at 50 Mbit/s is under 2 MiB; the wire format would allow 16 MiB.
pub const MAX_MESSAGE_BYTES: usize = 4 << 20;

/// How many chunk streams one connection may use. Clients use three to eight; each costs about 100 bytes here.
pub const MAX_CHUNK_STREAMS: usize = 64;

/// How many bytes of unfinished messages, all chunk streams together, one connection may make us hold: one message of
/// the greatest size and a few that were interrupted by it. What is allocated for them is at most twice that (buffers grow
/// by doubling) and 64 KiB for each chunk stream in use (what a message's announced length is believed at once).
pub const MAX_PARTIAL_BYTES: usize = MAX_MESSAGE_BYTES + (1 << 20);

/// The chunk size both directions start with (5.4.1).
pub const DEFAULT_CHUNK_SIZE: usize = 128;

/// The largest chunk size that makes a difference: no message is longer than its 24-bit length (5.4.1).
pub const MAX_CHUNK_SIZE: u32 = 0xff_ffff;

/// A timestamp field of this value says that the real one follows in four bytes (5.3.1.3).
const EXTENDED: u32 = 0xff_ffff;

/// A whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Milliseconds modulo 2^32.
    pub timestamp_ms: u32,
    /// The message type, see [`super::message::kind`].
    pub kind: u8,
    /// The message stream; 0 is the connection itself.
    pub stream_id: u32,
    /// The body.
    pub payload: Bytes,
}

/// Why the peer's chunks cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A message longer than [`MAX_MESSAGE_BYTES`].
    #[error("message of {0} bytes is longer than {MAX_MESSAGE_BYTES}")]
    MessageTooLong(usize),
    /// More than [`MAX_CHUNK_STREAMS`].
    #[error("more than {MAX_CHUNK_STREAMS} chunk streams")]
    TooManyStreams,
    /// More than [`MAX_PARTIAL_BYTES`].
    #[error("more than {MAX_PARTIAL_BYTES} bytes of unfinished messages")]
    TooMuchPartial,
    /// The first chunk of a chunk stream has no header to build on.
    #[error("chunk stream {0} starts without a header")]
    NoHeader(u32),
    /// A new message begins on a chunk stream whose last one is not finished.
    #[error("chunk stream {0} starts a message inside another")]
    Unfinished(u32),
    /// Set Chunk Size to 0, or with the top bit set.
    #[error("chunk size {0} is not allowed")]
    BadChunkSize(u32),
    /// Set Chunk Size or Abort with fewer than four bytes.
    #[error("chunk control message of {0} bytes is too short")]
    ShortControl(usize),
}
