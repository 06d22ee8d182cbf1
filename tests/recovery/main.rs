//! What a call does when the network, the computer, the server or the other person goes away for a while, over an emulated network whose
//! return is known to the microsecond. Needs root and /dev/net/tun; says so where it is skipped.
//!
//! One person is in this process and on the near side of the link; the server, and the other person in a process of their own, are on the far side.
#![cfg(all(target_os = "linux", feature = "media", feature = "room", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod diary;
mod lab;
mod leaving;
mod losses;
mod outages;
