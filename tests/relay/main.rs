//! The relay as its clients see it: over real sockets, with our own links and with a real ffmpeg.
#![cfg(feature = "server")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_peers;
mod ffmpeg;
mod links;
mod slow;
mod support;
mod writes;
