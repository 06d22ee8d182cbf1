//! RTMP 1.0 without I/O, both roles: bytes in, bytes and events out, time as an argument.
//!
//! This module knows no socket, no thread and no clock; it may use `bytes` and nothing of Parlor.

pub mod amf0;
mod packet;
pub mod tag;

pub use packet::{Packet, PacketKind};
