//! Strangers at the real program's door: floods, half-said things and bombs, while a stream flows through; and logs that keep secrets.
#![cfg(all(feature = "server", feature = "room", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod bombs;
mod floods;
mod secrets;
mod signals;
mod support;
