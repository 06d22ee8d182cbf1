//! Streams and lines of chat that only those can read who have the room's key: AES-256-GCM (NIST SP 800-38D), with keys derived and counted as
//! SFrame does it (RFC 9605, sections 4.3 and 4.4). Pure: packets in, packets out; no thread, no clock, no socket.
//!
//! # Keys
//! A [`Sealer`] lives as long as one publisher. It chooses a salt of 96 random bits, and from the room's key, the salt, the kind of packet
//! (sound or picture) and the stream's name (the member's id) HKDF-SHA-256 (RFC 5869) makes a key of 256 bits and a nonce of 96. Packets of
//! a kind are counted from 0; the nonce of a packet is that nonce, exclusive-or its number. So no pair of key and nonce comes twice, and one
//! member's packets are none of another's.
//!
//! # On the wire
//! ```text
//! tag header                       1-10 bytes, plain: codec, key frame or not, composition time
//! [pictures: length (4) and 0x1e]  one NAL unit of a type that H.264 leaves to applications: engines that look into pictures pass it on
//! mark                             0xe2 0xee
//! version and length               0x10 + bytes of the counter - 1
//! salt                             12 bytes
//! counter                          1-8 bytes, as few as will do
//! the data, sealed                 as long as it was
//! authentication tag               16 bytes
//! ```
//! The tag also covers the kind of packet, its timestamp, all that stands before the sealed data, and the last sequence header: nothing of
//! it can be changed, and no packet be put in another's place. Sequence headers (sizes, profiles), metadata and the clock message stay plain,
//! because relays and engines want to know them; a sequence header is held back until a packet has proved it, so no decoder sees one that a
//! server made up.
//!
//! # Again and again
//! Within a connection numbers only grow. With a new connection the relay may begin with pictures that came before: at most the last
//! [`REWIND`] are taken once more. A session that was followed by another is over. What is left to a bad server is to hold packets back, to
//! let them go missing, and to show the last seconds again by cutting the connection.

mod cipher;
pub mod fuzzing;
mod opener;
mod sealer;
#[cfg(test)]
mod tests;
pub mod text;
mod wire;

pub use opener::{Opened, Opener, Trouble};
pub use sealer::Sealer;

use crate::base::SecretKey;

/// So many packets of a kind may come once more after the connection was lost: ten seconds of pictures, sixty a second.
pub const REWIND: u64 = 600;

/// What the packets of one stream are sealed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamKey {
    room: SecretKey,
    stream: String,
}

impl StreamKey {
    /// The room's key, and the name of the stream: the same for its publisher and its players, another one for everybody else.
    pub fn new(room: SecretKey, stream: impl Into<String>) -> Self {
        Self { room, stream: stream.into() }
    }
}
