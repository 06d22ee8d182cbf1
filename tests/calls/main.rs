//! Whole calls, end to end: a server in this process, several calls on it, and what each saw and heard of the others.
//!
//! Nothing here depends on how fast the machine is: every step is awaited, with generous limits.
#![cfg(all(feature = "media", feature = "room", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod old;
mod pause;
mod proxy;
mod record;
mod rejoin;
mod restart;
mod sealed;
mod stage;
mod talk;
mod trouble;
mod tunnel;
