//! Sharing the screen on X11, for real: a screen of its own (Xvfb and openbox), windows on it, and calls in which they are shared.
//!
//! What is tested runs in the process that knows the screen, and the environment of this one cannot be changed: each test starts itself again.

#![cfg(all(target_os = "linux", feature = "media", feature = "room", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod calls;
mod capture;
mod sound;
mod stage;
mod wayland;
mod window;
