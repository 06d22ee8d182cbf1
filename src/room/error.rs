//! What can go wrong between a client and the room service.

use crate::base::{cause, proxy};
use crate::proto::{AddressError, Code, Problem};
use crate::wire::tls::{Untrusted, client as tls};
use std::sync::Arc;

/// Why a request failed. `Display` is one English sentence; the app translates by [`kind`](Self::kind).
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The text given as the server's address is none.
    #[error("{address:?}: {source}")]
    BadAddress {
        /// The text.
        address: String,
        /// What is wrong with it.
        source: AddressError,
    },
    /// No connection, or it broke.
    #[error("the server {server} cannot be reached")]
    Unreachable {
        /// `host:port`.
        server: String,
        /// What the network said.
        #[source]
        cause: Arc<reqwest::Error>,
    },
    /// The proxy on the way is not there, or does not let through.
    #[error("the proxy {proxy} {}: {detail}", if *refused { format!("does not connect to {server}") } else { "cannot be reached".to_owned() })]
    Proxy {
        /// `host:port` of the proxy.
        proxy: String,
        /// `host:port` of the server.
        server: String,
        /// It is there, but says no.
        refused: bool,
        /// What came instead.
        detail: String,
    },
    /// No answer in time.
    #[error("the server {server} does not answer")]
    Timeout {
        /// `host:port`.
        server: String,
    },
    /// It is not the server that was meant, as far as anybody can tell: nothing was said to it.
    #[error("{server} is not trusted: {why}")]
    Untrusted {
        /// `host:port`.
        server: String,
        /// What is wrong with its certificate.
        why: Untrusted,
    },
    /// Something answers, but it is no Parlor server.
    #[error("{server} is not a Parlor server: {detail}")]
    NotParlor {
        /// `host:port`.
        server: String,
        /// What came instead.
        detail: String,
    },
    /// The server refused, and says why.
    #[error(transparent)]
    Problem(#[from] Problem),
}

/// The kinds of [`Error`], for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The address is mistyped: ask for another.
    BadAddress,
    /// No connection: try again later.
    Unreachable,
    /// No answer: try again later.
    Timeout,
    /// Another server than the one meant, or one that nobody vouches for: ask for a newer invite.
    Untrusted,
    /// Wrong address or wrong port: ask for another.
    NotParlor,
    /// The server refused with this code.
    Problem(Code),
}

impl Error {
    /// What kind of error it is.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::BadAddress { .. } => ErrorKind::BadAddress,
            Self::Unreachable { .. } | Self::Proxy { .. } => ErrorKind::Unreachable,
            Self::Timeout { .. } => ErrorKind::Timeout,
            Self::Untrusted { .. } => ErrorKind::Untrusted,
            Self::NotParlor { .. } => ErrorKind::NotParlor,
            Self::Problem(problem) => ErrorKind::Problem(problem.code),
        }
    }

    /// Whether the same request may succeed a little later: the network or the server is out of order, not the request.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self.kind(),
            ErrorKind::Unreachable
                | ErrorKind::Timeout
                | ErrorKind::Problem(
                    Code::RateLimited
                        | Code::ServerFull
                        | Code::StoreUnavailable
                        | Code::Stopping
                        | Code::Internal
                        | Code::Unknown
                )
        )
    }

    /// Whether the connection ended before any answer.
    pub(super) fn was_cut(cause: &reqwest::Error) -> bool {
        let reset = |e: &std::io::Error| matches!(e.kind(), std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe);
        !cause.is_timeout()
            && !cause.is_connect()
            && (find_source::<hyper::Error>(cause).is_some_and(hyper::Error::is_incomplete_message)
                || find_source::<std::io::Error>(cause).is_some_and(reset))
    }

    pub(super) fn from_transport(server: &str, proxy: Option<&proxy::Address>, cause: reqwest::Error) -> Self {
        let server = server.to_owned();
        if cause.is_timeout() {
            return Self::Timeout { server };
        }
        if let Some(why) = Untrusted::among(&cause) {
            return Self::Untrusted { server, why: why.clone() };
        }
        if tls::is_foreign(&cause) {
            return Self::NotParlor { server, detail: "it does not speak TLS 1.3".to_owned() };
        }
        if let Some(garbage) = find_source::<hyper::Error>(&cause).filter(|e| e.is_parse()) {
            return Self::NotParlor { server, detail: garbage.to_string() };
        }
        if let Some(proxy) = proxy.filter(|_| cause.is_connect()) {
            let detail = cause::chain(&cause);
            // Of the library's error there is only its text.
            let refused = detail.contains("tunnel error") && !detail.contains("failed to create underlying connection");
            return Self::Proxy { proxy: proxy.authority(), server, refused, detail };
        }
        Self::Unreachable { server, cause: Arc::new(cause) }
    }
}

/// The first error of type `T` among the causes of `error`.
fn find_source<T: std::error::Error + 'static>(error: &dyn std::error::Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref() {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
