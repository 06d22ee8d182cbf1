//! The room service: a pure [`registry`] of rooms, seats and events; [`token`]s; and the HTTP [`router`] over both.
//!
//! It speaks `proto` and knows `base`. It moves no media and binds no port: who does is asked through [`MediaSide`] and told by `host`.

mod router;

pub use router::{Peer, router};

/// What the room service asks of whatever relays the streams.
pub trait MediaSide: Send + Sync + 'static {
    /// Whether packets of that stream flow.
    fn is_live(&self, stream: &str) -> bool;
    /// Ends that stream: its publisher is disconnected.
    fn kick(&self, stream: &str);
}
