//! Parlor: self-hosted video calls, carried as RTMP.
//!
//! The map of the house (imports point one way; `tests/architecture.rs` keeps it true):
//!
//! ```text
//! app -> call, ui, media, host        call -> room, media         host -> server, relay
//! room, server -> proto               media, relay -> wire -> rtmp
//! base, proto, rtmp know nothing of ours; ui knows only base
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

#[cfg(feature = "app")]
pub mod app;
pub mod base;
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
