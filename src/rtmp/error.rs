//! Why a session cannot go on.

use std::time::Duration;

use super::{chunk, handshake, message};

/// Why a session, of either role, cannot go on. The connection is to be closed after what waits for output is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The peer does not speak RTMP.
    #[error("handshake failed")]
    Handshake(#[from] handshake::Error),
    /// The peer's chunks make no sense or exceed a limit.
    #[error("chunk stream broken")]
    Chunk(#[from] chunk::Error),
    /// A message makes no sense or exceeds a limit.
    #[error("message not understood")]
    Message(#[from] message::Error),
    /// A command that needs a connection or a message stream that is not there.
    #[error("command {0} out of order")]
    OutOfOrder(&'static str),
    /// The peer's `connect` names no app.
    #[error("connect without an app")]
    NoApp,
    /// More message streams than [`super::server::MAX_STREAMS`].
    #[error("too many message streams")]
    TooManyStreams,
    /// The peer caused more events or answers than were taken away meanwhile.
    #[error("peer sends more than is handled")]
    Flood,
    /// A publisher sent more than [`super::server::MAX_HELD_BYTES`] before it was accepted.
    #[error("publisher did not wait to be accepted")]
    Impatient,
    /// The peer took longer than this for a step of the set-up.
    #[error("not set up within {0:?}")]
    SetUpTimeout(Duration),
    /// The peer sent nothing, not even answers to pings, for this long.
    #[error("peer silent for {0:?}")]
    Silent(Duration),
}
