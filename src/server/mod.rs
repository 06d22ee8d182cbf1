//! The room service: a pure [`registry`] of rooms, seats and events; [`token`]s; the [`Service`] that ties them to clock and waiting
//! clients; and the HTTP [`router()`] with its OpenAPI [`document()`].
//!
//! It speaks `proto` and knows `base`. It moves no media and binds no port: who relays streams is asked through [`MediaSide`]
//! and tells what flows; `host` composes both.

mod extract;
mod limiter;
pub mod limits;
pub mod registry;
mod routes;
mod service;
pub mod token;

pub use extract::Peer;
pub use limits::Limits;
pub use routes::{document, router};
pub use service::{APP, Service};

/// What the room service asks of whatever relays the streams. Called without any lock held.
pub trait MediaSide: Send + Sync + 'static {
    /// Whether packets of that stream flow.
    fn is_live(&self, stream: &str) -> bool;
    /// Ends that stream: its publisher is disconnected.
    fn kick(&self, stream: &str);
}
