//! Who may publish and play what: asked, not owned.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use super::limits;

/// What a client wants to do with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Send it.
    Publish,
    /// Receive it.
    Play,
}

/// One question to a [`Policy`].
#[derive(Clone, Debug)]
pub struct Request {
    /// Publish or play.
    pub action: Action,
    /// The application that the client connected to.
    pub app: String,
    /// The stream's name, without the query.
    pub name: String,
    /// What followed the `?` behind the name; empty if there was none.
    pub query: String,
    /// Where the client is.
    pub peer: SocketAddr,
}

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who publishes: a publisher with the same owner as the present one replaces it at once (the same person came back
    /// after a break). With an empty owner the present publisher is replaced only after it has been silent for
    /// [`limits::TAKEOVER_SILENCE`].
    pub owner: String,
    /// How long a player may wait for a stream that nobody has published yet.
    pub wait: Duration,
    /// Whether this is a live stream, whose viewers watch and do not talk: its packets may wait [`limits::GATHER`] for each other, and who comes
    /// gets the group of pictures that is running.
    pub live: bool,
    /// Kilobits a second that a publisher may send in the long run; 0 for any number.
    pub max_kbps: u32,
}

/// A no, with the sentence that the client is told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The token is missing, wrong, expired or for something else.
    #[error("{0}")]
    Denied(String),
    /// There is no such stream and there will not be one.
    #[error("{0}")]
    NotFound(String),
}

/// The answer to a [`Request`], which may take a while (a token check does not, a question to another server does).
pub type Answer = Pin<Box<dyn Future<Output = Result<Grant, Refusal>> + Send>>;

/// Whether a grant still holds.
pub type Stay = Pin<Box<dyn Future<Output = bool> + Send>>;

/// Decides who may publish and play, and hears which streams flow.
pub trait Policy: Send + Sync + 'static {
    /// May this client do that? Given up after [`limits::AUTHORIZE`].
    fn authorize(&self, request: Request) -> Answer;

    /// Does the grant that `owner` got for playing `stream` still hold? Asked every [`limits::TICK`] of each player's connection, unless
    /// it is still being answered; the player goes on meanwhile.
    fn may_stay(&self, stream: &str, owner: &str) -> Stay {
        let _ = (stream, owner);
        Box::pin(std::future::ready(true))
    }

    /// The first packet of `stream` has arrived. Called on the network's threads: do not block.
    fn started(&self, stream: &str) {
        let _ = stream;
    }

    /// The publisher of `stream` has gone and nobody has taken its place. Called on the network's threads: do not block.
    fn stopped(&self, stream: &str) {
        let _ = stream;
    }
}

/// Everyone may publish and play any name (trusted networks, tests).
#[derive(Clone, Copy, Debug, Default)]
pub struct Open;

impl Policy for Open {
    fn authorize(&self, _: Request) -> Answer {
        Box::pin(std::future::ready(Ok(Grant { owner: String::new(), wait: limits::PENDING, live: false, max_kbps: 0 })))
    }
}
