//! Small tools that every other room of the house may use: time, threads, the two kinds of hand-over between
//! threads ([`Slot`]: newest wins; [`Queue`]: bounded, oldest dropped), back-off and logging.
//!
//! This module knows nothing of Parlor.

pub mod backoff;
pub mod clock;
pub mod log;
#[cfg(any(feature = "proto", feature = "wire"))]
pub mod pin;
pub mod queue;
pub mod slot;
pub mod thread;

pub use backoff::Backoff;
pub use clock::{Clock, ServerClock};
#[cfg(any(feature = "proto", feature = "wire"))]
pub use pin::Pin;
pub use queue::Queue;
pub use slot::Slot;
pub use thread::{Stop, Worker};
