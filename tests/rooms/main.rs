//! The room service over real HTTP, used through the room client; streams are pretended.
#![cfg(all(feature = "server", feature = "room"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod admin;
mod audience;
mod client;
mod cluster;
mod contract;
mod events;
mod fields;
mod flv;
mod hooks;
mod host;
mod redis_server;
mod refusals;
mod restart;
mod rtmp;
mod seats;
mod streams;
mod world;
