//! The room service over real HTTP, used through the room client; streams are pretended.
#![cfg(all(feature = "server", feature = "room"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod client;
mod contract;
mod events;
mod hooks;
mod refusals;
mod rtmp;
mod seats;
mod streams;
mod world;
