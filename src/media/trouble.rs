//! Why a stream cannot be sent or played, in terms of what a person can do about it. What exactly happened is kept as a detail.

use crate::base::cause;
use crate::wire::link;
use crate::wire::{ConnectError, UrlError};

/// What is wrong with a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it means.
    pub kind: Kind,
    /// What exactly, in English.
    pub detail: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The address cannot be used.
    BadAddress,
    /// The server's name is unknown, or nobody listens there.
    Unreachable,
    /// The proxy on the way is not there, or does not let through.
    Proxy,
    /// It is not the server that was meant, as far as its certificate tells.
    Untrusted,
    /// The server does not answer.
    Timeout,
    /// The server does not know the application, the part of the address before the stream's name.
    BadApplication,
    /// The stream's name is in use, or may not be used.
    BadName,
    /// A password, a key or a token is missing or wrong.
    Denied,
    /// There is no such stream.
    NotFound,
    /// The server cannot do it now, for a reason of its own.
    Failed,
    /// What is there speaks another language.
    NotRtmp,
    /// What is there is no stream that can be read.
    NoStream,
    /// Its picture and its sound are coded in ways that nobody here can decode.
    NothingToPlay,
    /// The connection broke.
    Broken,
    /// The stream has ended, and may begin again.
    Ended,
    /// A recording has been played to its end.
    Finished,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::BadAddress,
        Self::Unreachable,
        Self::Proxy,
        Self::Untrusted,
        Self::Timeout,
        Self::BadApplication,
        Self::BadName,
        Self::Denied,
        Self::NotFound,
        Self::Failed,
        Self::NotRtmp,
        Self::NoStream,
        Self::NothingToPlay,
        Self::Broken,
        Self::Ended,
        Self::Finished,
    ];

    /// Whether the same will fail again, however often it is tried.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::BadAddress | Self::Untrusted | Self::BadApplication | Self::NotRtmp | Self::Finished)
    }
}

impl Trouble {
    /// This kind, with what exactly happened.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl From<&link::Error> for Trouble {
    fn from(error: &link::Error) -> Self {
        let kind = match error {
            link::Error::Url(
                UrlError::Scheme | UrlError::Host | UrlError::Port | UrlError::Path | UrlError::Text | UrlError::Pin,
            ) => Kind::BadAddress,
            link::Error::Unreachable(ConnectError::Unreachable { .. }) => Kind::Unreachable,
            link::Error::Unreachable(ConnectError::Proxy { .. }) => Kind::Proxy,
            link::Error::Unreachable(ConnectError::Untrusted { .. }) => Kind::Untrusted,
            link::Error::Unreachable(ConnectError::Timeout { .. }) | link::Error::Timeout => Kind::Timeout,
            link::Error::Refused { code, description } => refused(code, description),
            link::Error::Protocol(_) => Kind::NotRtmp,
            link::Error::Broken(_) | link::Error::ClosedByPeer | link::Error::Moved | link::Error::Stopped => Kind::Broken,
            link::Error::Ended => Kind::Ended,
        };
        Self::new(kind, cause::chain(error))
    }
}

/// What a server's refusal means. Codes are of the specification, words of the servers that are about.
fn refused(code: &str, description: &str) -> Kind {
    let says = |words: &[&str]| words.iter().any(|word| description.to_ascii_lowercase().contains(word));
    let named = |end: &str| code.to_ascii_lowercase().ends_with(end);
    match () {
        () if named("denied") || named("unauthorized") || says(&["auth", "token", "password", "permission", "forbidden"]) => {
            Kind::Denied
        }
        () if named("badname") => Kind::BadName,
        () if named("streamnotfound") => Kind::NotFound,
        () if code.starts_with("NetConnection.") => Kind::BadApplication,
        () => Kind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_several_servers_are_told_apart() {
        for (code, words, kind) in [
            ("NetStream.Publish.BadName", "a cannot be published.", Kind::BadName),
            ("NetStream.Publish.BadName", "Already publishing", Kind::BadName),
            ("NetStream.Publish.Denied", "the token is expired", Kind::Denied),
            ("NetStream.Play.StreamNotFound", "a is not there.", Kind::NotFound),
            ("NetStream.Play.Failed", "the server is full", Kind::Failed),
            ("NetConnection.Connect.Rejected", "no such application", Kind::BadApplication),
            ("NetConnection.Connect.Rejected", "AccessManager.Reject: [ code=403 need auth ]", Kind::Denied),
            ("", "", Kind::Failed),
        ] {
            let error = link::Error::Refused { code: code.into(), description: words.into() };
            assert_eq!(Trouble::from(&error).kind, kind, "{code} {words}");
        }
    }

    #[test]
    fn what_cannot_be_helped_by_trying_again_is_final() {
        let url = link::Error::Url("http://h".parse::<crate::wire::Url>().unwrap_err());
        let trouble = Trouble::from(&url);
        assert!(trouble.kind.is_final());
        assert!(!trouble.detail.is_empty());
        assert!(!Trouble::from(&link::Error::Ended).kind.is_final() && !Trouble::from(&link::Error::Timeout).kind.is_final());
    }
}
