//! RTMP 1.0 without I/O, both roles: bytes in, bytes and events out, time as an argument.
//!
//! This module knows no socket, no thread and no clock; it may use `bytes` and nothing of Parlor. Input from the wire never
//! panics, and what it can make a session hold is bounded: per connection [`chunk::MAX_PARTIAL_BYTES`] of unfinished
//! messages, [`server::MAX_HELD_BYTES`] before a publisher is accepted, and [`server::MAX_EVENTS`] events that the owner
//! has not taken (each at most one message of [`chunk::MAX_MESSAGE_BYTES`], all of them no more than one read brought).
//!
//! ```
//! use std::time::Duration;
//!
//! use parlor::rtmp::{client, server};
//!
//! let now = Duration::ZERO;
//! let config = client::Config::new(client::Role::Play, "rtmp://host/live", "live", "name");
//! let mut client = client::Session::new(config, now);
//! let mut server = server::Session::new(server::Config::default(), now);
//! loop {
//!     let to_server: Vec<u8> = std::iter::from_fn(|| client.poll_output()).flatten().collect();
//!     let to_client: Vec<u8> = std::iter::from_fn(|| server.poll_output()).flatten().collect();
//!     if to_server.is_empty() && to_client.is_empty() {
//!         break;
//!     }
//!     server.receive(&to_server, now)?;
//!     client.receive(&to_client, now)?;
//! }
//! assert!(matches!(server.poll_event(), Some(server::Event::Connected { .. })));
//! assert!(matches!(server.poll_event(), Some(server::Event::Play { stream_id: 1, .. })));
//! server.accept(1, now);
//! # Ok::<(), parlor::rtmp::Error>(())
//! ```

pub mod amf0;
pub mod chunk;
pub mod client;
mod connection;
mod error;
#[doc(hidden)]
pub mod fuzzing;
pub mod handshake;
pub mod message;
mod packet;
mod reception;
#[cfg(test)]
mod round_trip;
pub mod server;
pub mod tag;

pub use chunk::Cuts;
pub use error::Error;
pub use packet::{Packet, PacketKind};
pub use reception::Reception;

/// Where other messages may come between the bytes of a packet that [`client::Session::framed`] or [`server::framed`] made.
pub fn cuts(framed: &[u8]) -> Cuts {
    connection::cuts(framed)
}
