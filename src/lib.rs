//! Parlor: self-hosted video calls, carried as RTMP.
//!
//! The map of the house: each room, and those it may import. `tests/architecture.rs` reads it and keeps it true.
//!
//! ```text
//! app   -> call, ui, media, room, host, proto, base
//! bot   -> call, room, media, proto, base
//! host  -> server, relay, wire, proto, base
//! call  -> room, media, proto, base
//! room  -> proto, wire, base
//! server -> proto, base
//! media -> wire, rtmp, base
//! relay -> wire, rtmp, base
//! wire  -> rtmp, base
//! ui    -> base
//! rtmp  -> nothing
//! proto -> base
//! base  -> nothing
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "app")]
pub mod app;
pub mod base;
#[cfg(all(feature = "media", feature = "room"))]
pub mod bot;
#[cfg(all(feature = "media", feature = "room"))]
pub mod call;
#[cfg(feature = "server")]
pub mod host;
#[cfg(feature = "media")]
pub mod media;
#[cfg(feature = "proto")]
pub mod proto;
#[cfg(feature = "server")]
pub mod relay;
#[cfg(feature = "room")]
pub mod room;
pub mod rtmp;

#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "app")]
pub mod ui;
#[cfg(feature = "wire")]
pub mod wire;

/// What the page about the library shows is compiled.
#[cfg(all(doctest, feature = "room", feature = "server"))]
#[doc = include_str!("../docs/sdk.md")]
mod sdk {}

/// Version and commit of this build: `0.1.0 (1a2b3c4d5e)`.
pub const fn version() -> &'static str {
    base::stamp::SHORT
}

/// Whose work the programs are made of, under which licences, with the texts of those; written by `cargo xtask licences`.
pub const LICENCES: &str = include_str!("../assets/licences/THIRD-PARTY.txt");
