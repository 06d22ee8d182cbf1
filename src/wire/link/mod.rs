//! RTMP client links: one stream sent ([`Publication`]) or received ([`Playback`]) over one connection.
//!
//! Each runs as one task of the network's runtime; its owner is an ordinary thread that never waits for the network. A link that is
//! closed stays closed: starting a new one (with a back-off) is its owner's affair.
//!
//! ```no_run
//! use parlor::wire::link::{Options, Playback};
//! # fn demo(runtime: &tokio::runtime::Handle) {
//! let playback = Playback::start(runtime, "rtmp://127.0.0.1/live/room_anna", Options::default());
//! while let Some((packet, arrived)) = playback.packets().pop_within(std::time::Duration::from_secs(1)) {
//!     println!("{:?} at {arrived:?}: {} bytes", packet.kind, packet.payload.len());
//! }
//! println!("{:?}", playback.state());
//! # }
//! ```

mod playback;
mod publication;
mod task;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Clock;
use crate::rtmp::{self, client};

use super::carrier::{Carrier, CarrierKind, ConnectError, connect};
use super::pipe::Pipe;
use super::url::{Url, UrlError};

pub use playback::{Playback, PlaybackStats};
pub use publication::{Congestion, Publication, PublicationStats};

/// How often a link looks at its timeouts.
const TICK: Duration = Duration::from_millis(500);

/// How long a closing link may take for its good-bye, less than the 200 ms that its owner waits.
const FAREWELL: Duration = Duration::from_millis(150);

/// How a link works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stamps arrivals and measures ages.
    pub clock: Clock,
    /// From the start to a connection, and again from there to the server's yes.
    pub timeout: Duration,
}

impl Default for Options {
    /// The system's clock and five seconds.
    fn default() -> Self {
        Self { clock: Clock::system(), timeout: Duration::from_secs(5) }
    }
}

/// Where a link stands.
#[derive(Clone, Debug)]
pub enum State {
    /// Not there yet.
    Connecting,
    /// The server has accepted the stream.
    Live,
    /// Over for good.
    Closed(Error),
}

impl State {
    /// Whether the server has accepted the stream and the link still stands.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Live)
    }

    /// Why it is over, if it is.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Closed(error) => Some(error),
            Self::Connecting | Self::Live => None,
        }
    }
}

/// Why a link is closed. Cloning shares the cause.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be used.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// The server is not there.
    #[error(transparent)]
    Unreachable(ConnectError),
    /// The server does not answer, or takes nothing any more.
    #[error("the media server does not answer")]
    Timeout,
    /// The server said no.
    #[error("the media server refused: {description} ({code})")]
    Refused {
        /// RTMP's status code, such as `NetStream.Publish.BadName`.
        code: String,
        /// The server's own words.
        description: String,
    },
    /// The server does not speak RTMP as it should.
    #[error("the media server broke the protocol")]
    Protocol(#[source] rtmp::Error),
    /// The connection broke.
    #[error("the connection to the media server broke")]
    Broken(#[source] Arc<io::Error>),
    /// The server closed the connection without a word.
    #[error("the media server closed the connection")]
    ClosedByPeer,
    /// The stream is over: its publisher has gone, or the server has ended our publication.
    #[error("the stream has ended")]
    Ended,
    /// We closed it.
    #[error("closed")]
    Stopped,
}

/// What an owner can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try again, after a while.
    Transient,
    /// Trying the same again is useless.
    Permanent,
}

impl Error {
    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) | Self::Unreachable(ConnectError::Untrusted { .. }) | Self::Refused { .. } | Self::Stopped => {
                ErrorKind::Permanent
            }
            Self::Unreachable(_) | Self::Timeout | Self::Protocol(_) | Self::Broken(_) | Self::ClosedByPeer | Self::Ended => {
                ErrorKind::Transient
            }
        }
    }
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Timeout { .. } => Self::Timeout,
            other => Self::Unreachable(other),
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Broken(Arc::new(error))
    }
}

impl From<rtmp::Error> for Error {
    fn from(error: rtmp::Error) -> Self {
        match error {
            rtmp::Error::SetUpTimeout(_) => Self::Timeout,
            other => Self::Protocol(other),
        }
    }
}

/// A connection with a client session on it.
struct Line {
    pipe: Pipe<Box<dyn Carrier>>,
    session: client::Session,
    clock: Clock,
    carrier: CarrierKind,
}

impl Line {
    async fn open(url: &str, role: client::Role, options: &Options) -> Result<Self, Error> {
        let url: Url = url.parse()?;
        let (stream, carrier) = connect(&url, options.timeout).await?;
        let config =
            client::Config { set_up_timeout: options.timeout, ..client::Config::new(role, &url.tc_url(), &url.app, &url.name) };
        let session = client::Session::new(config, options.clock.now());
        Ok(Self { pipe: Pipe::new(stream), session, clock: options.clock.clone(), carrier })
    }

    /// Moves what the session has to say to the pipe.
    fn flush(&mut self) {
        while let Some(bytes) = self.session.poll_output() {
            self.pipe.push(bytes);
        }
    }

    async fn close(mut self) {
        self.session.close();
        self.flush();
        self.pipe.close(FAREWELL).await;
    }
}
