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

mod flight;
mod lateness;
mod playback;
mod publication;
mod pulse;
mod task;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::base::network::{self, Network};
use crate::base::{Clock, Proxy};
use crate::rtmp::{self, client};

use super::carrier::{Carrier, CarrierKind, ConnectError, Connected, connect};
use super::pipe::Pipe;
use super::url::{Url, UrlError};

use pulse::{Beat, Pulse};

pub use flight::{Flight, Line};
pub use playback::{Playback, PlaybackStats};
pub use publication::{Congestion, Publication, PublicationStats};

/// How often a link looks at its timeouts.
const TICK: Duration = Duration::from_millis(250);

/// A server that does not even answer pings for so long, while something is received, is not reachable any more.
const SILENCE: Duration = Duration::from_secs(2);

/// The same while something is sent: pings may have to wait behind it for longer than that. Where the system tells what was acknowledged, it is quicker.
const SILENCE_SENDING: Duration = Duration::from_secs(4);

/// How long a closing link may take for its good-bye, less than the 200 ms that its owner waits.
const FAREWELL: Duration = Duration::from_millis(150);

/// How a link works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Stamps arrivals and measures ages.
    pub clock: Clock,
    /// From the start to a connection, and again from there to the server's yes.
    pub timeout: Duration,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
}

impl Default for Options {
    /// The system's clock, five seconds and no proxy.
    fn default() -> Self {
        Self { clock: Clock::system(), timeout: Duration::from_secs(5), proxy: Proxy::Direct }
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
    /// This computer has lost the address that the connection was made from, or has slept.
    #[error("this computer's network has changed")]
    Moved,
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
    /// Whether the same may succeed after a while.
    pub fn is_transient(&self) -> bool {
        self.kind() == ErrorKind::Transient
    }

    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Url(_) | Self::Unreachable(ConnectError::Untrusted { .. }) | Self::Refused { .. } | Self::Stopped => {
                ErrorKind::Permanent
            }
            Self::Unreachable(_)
            | Self::Timeout
            | Self::Protocol(_)
            | Self::Broken(_)
            | Self::ClosedByPeer
            | Self::Moved
            | Self::Ended => ErrorKind::Transient,
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
struct Wire {
    pipe: Pipe<Box<dyn Carrier>>,
    session: client::Session,
    clock: Clock,
    carrier: CarrierKind,
    pulse: Pulse,
    local: IpAddr,
    /// The network when the connection was made, and as it is.
    network: (Network, watch::Receiver<Network>),
}

impl Wire {
    async fn open(url: &str, role: client::Role, options: &Options) -> Result<Self, Error> {
        let url: Url = url.parse()?;
        let mut seen = network::watch();
        let before = seen.borrow_and_update().clone();
        let Connected { stream, carrier, local } = connect(&url, &options.proxy, options.timeout).await?;
        let config =
            client::Config { set_up_timeout: options.timeout, ..client::Config::new(role, &url.tc_url(), &url.app, &url.name) };
        let now = options.clock.now();
        let session = client::Session::new(config, now);
        let patience = match role {
            client::Role::Play => SILENCE,
            client::Role::Publish => SILENCE_SENDING,
        };
        let (pulse, network) = (Pulse::new(patience, now), (before, seen));
        Ok(Self { pipe: Pipe::new(stream), session, clock: options.clock.clone(), carrier, pulse, local, network })
    }

    /// Moves what the session has to say to the pipe.
    fn flush(&mut self) {
        while let Some(bytes) = self.session.poll_output() {
            self.pipe.push(bytes);
        }
    }

    /// Looks at the clock: whether the server has been silent for too long.
    fn tick(&mut self) -> Result<(), Error> {
        let now = self.clock.now();
        self.session.tick(now)?;
        match self.pulse.look(now) {
            Beat::Fine => {}
            Beat::Ping => {
                if self.session.ping(now) {
                    self.pulse.pinged(now);
                }
            }
            Beat::Dead => return Err(Error::Timeout),
        }
        Ok(())
    }

    async fn close(mut self) {
        self.session.close();
        self.flush();
        self.pipe.close(FAREWELL).await;
    }
}

/// Waits until the connection from `local` cannot be alive any more, as far as this computer's network tells.
async fn moved(local: IpAddr, (before, network): &mut (Network, watch::Receiver<Network>)) -> Error {
    while network.changed().await.is_ok() {
        let now = network.borrow_and_update().clone();
        if !now.keeps(local, before) {
            return Error::Moved;
        }
        *before = now;
    }
    std::future::pending().await
}
