//! Small tools that every other room of the house may use: time, threads, the two kinds of hand-over between
//! threads ([`Slot`]: newest wins; [`Queue`]: bounded, oldest dropped), back-off, [the network's state](network), logging, secrets and [`settings`](mod@settings).
//!
//! This module knows nothing of Parlor.

pub mod avatar;
pub mod backoff;
pub mod cause;
pub mod clock;
#[cfg(any(feature = "app", feature = "media"))]
pub mod fonts;
pub mod log;
pub mod network;
#[cfg(any(feature = "proto", feature = "wire"))]
pub mod pin;
pub mod portable;
pub mod proxy;
pub mod queue;
pub mod retry;
pub mod secret;
#[cfg(any(feature = "proto", feature = "wire"))]
pub mod secret_key;
pub mod settings;
pub mod slot;
pub mod stamp;
pub mod thread;

pub use backoff::Backoff;
pub use clock::{Clock, ServerClock};
#[cfg(any(feature = "proto", feature = "wire"))]
pub use pin::Pin;
pub use proxy::Proxy;
pub use queue::Queue;
pub use retry::Retry;
pub use secret::Secret;
#[cfg(any(feature = "proto", feature = "wire"))]
pub use secret_key::SecretKey;
pub use settings::{choices, settings};
pub use slot::Slot;
pub use thread::{Stop, Worker};
