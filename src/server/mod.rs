//! The room service: a pure [`room`]; the [`store`] that keeps all rooms; [`token`]s; the [`Service`] that ties them to clock and waiting
//! clients; and the HTTP [`router()`] with its OpenAPI [`document()`].
//!
//! It speaks `proto` and knows `base`. It moves no media and binds no port: who relays streams is asked through [`MediaSide`]
//! and tells what flows; `host` composes both.

pub mod engine;
mod extract;
pub mod keyring;
mod limiter;
pub mod limits;
mod receipt;
pub mod room;
mod routes;
mod service;
pub mod store;
#[cfg(test)]
mod tests;
pub mod token;
mod waiting;

pub use extract::{Arrival, Peer};
pub use limits::Limits;
pub use routes::{document, router, tls_only};
pub use service::{APP, Access, Service};

use crate::proto::api::{MediaFigures, StreamFigures};
use engine::Engine;
use std::future::Future;
use std::pin::Pin;

/// What the room service asks of whatever relays the streams. Called without any lock held.
pub trait MediaSide: Send + Sync + 'static {
    /// Whether packets of that stream flow.
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>>;
    /// Ends that stream: its publisher is disconnected.
    fn kick(&self, stream: &str);
    /// Figures of that stream, if it is here.
    fn figures(&self, _stream: &str) -> Option<StreamFigures> {
        None
    }
    /// Figures of all streams here.
    fn totals(&self) -> MediaFigures {
        MediaFigures::default()
    }
    /// Ends that stream, and waits until it has ended: whoever publishes it comes again, after a break that the engine may not have noticed.
    fn make_way<'a>(&'a self, _stream: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(std::future::ready(()))
    }
    /// The engine that relays the streams, if this server does not do it itself.
    fn engine(&self) -> Option<&Engine> {
        None
    }
}
