//! Rooms here, streams on a real nginx with its RTMP module, configured as the operator's guide says.
#![cfg(all(feature = "room", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[cfg(feature = "media")]
mod calls;
mod nginx;
mod streams;
