//! What is promised about connections: every one has keys of its own, nobody on the way can listen, change or play server, and nothing is said
//! to a server that is not believed. The bytes on the wire are looked at.
#![cfg(all(feature = "room", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod certificates;
#[cfg(feature = "media")]
mod programs;
mod promise;
mod refusals;
mod support;
mod tap;
mod tools;
