//! Where a player's packets come from: an RTMP connection, or a stream that is fetched over HTTP.

use super::demux::Unit;
use super::fetch::{self, Fetch};
use crate::base::{Clock, Proxy};
use crate::media::stats::Carrier;
use crate::media::trouble::Trouble;
use crate::rtmp::{Packet, PacketKind};
use crate::wire::link::{self, Playback};
use std::time::Duration;
use tokio::runtime::Handle;

/// A running source. It does not come back by itself.
pub(super) enum Source {
    Rtmp(Playback),
    Http(Fetch),
}

/// What came, and when.
pub(super) enum Taken {
    Packet(Packet, Duration),
    Unit { unit: Unit, kind: PacketKind, bytes: usize, arrived: Duration },
}

impl Source {
    /// Starts to connect; returns at once.
    pub(super) fn start(runtime: &Handle, proxy: &Proxy, url: &str, clock: &Clock) -> Self {
        if fetch::is_for(url) {
            return Self::Http(Fetch::start(url, proxy));
        }
        let options = link::Options { clock: clock.clone(), proxy: proxy.clone(), ..link::Options::default() };
        Self::Rtmp(Playback::start(runtime, url, options))
    }

    /// Why it is over, if it is.
    pub(super) fn trouble(&self) -> Option<Trouble> {
        match self {
            Self::Rtmp(link) => link.state().error().map(Trouble::from),
            Self::Http(fetch) => fetch.trouble(),
        }
    }

    /// What comes next, waiting up to `wait` for it.
    pub(super) fn take(&mut self, wait: Duration, clock: &Clock) -> Option<Taken> {
        match self {
            Self::Rtmp(link) => link.packets().pop_within(wait).map(|(packet, arrived)| Taken::Packet(packet, arrived)),
            Self::Http(fetch) => fetch.take(wait, || clock.now()).map(|fetched| {
                let fetch::Fetched { unit, kind, bytes, .. } = fetched;
                Taken::Unit { unit, kind, bytes, arrived: clock.now() }
            }),
        }
    }

    /// Asks the publisher for a key frame, where that can be done.
    pub(super) fn request_key_frame(&self) {
        if let Self::Rtmp(link) = self {
            link.request_key_frame();
        }
    }

    /// What it rides on, once it is connected.
    pub(super) fn carrier(&self) -> Option<Carrier> {
        match self {
            Self::Rtmp(link) => link.stats().carrier,
            Self::Http(fetch) => Some(if fetch.is_secure() { Carrier::Tls } else { Carrier::Tcp }),
        }
    }
}

/// How long to leave a server alone at least after a failure: who is asked over HTTP says no at once, and asking costs them more.
pub(super) fn rest(url: &str) -> Duration {
    if fetch::is_for(url) { Duration::from_secs(2) } else { Duration::ZERO }
}

/// `host:port` of a stream's address.
pub(super) fn server(url: &str) -> String {
    if let Ok(url) = url.parse::<crate::wire::Url>() {
        return format!("{}:{}", url.host, url.port);
    }
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_named_without_what_is_secret() {
        for (url, host) in [
            ("rtmp://h/live/a?token=t", "h:1935"),
            ("http://h:8080/live/a.flv?token=t", "h:8080"),
            ("https://me:pw@h/a.m3u8", "h"),
            ("nothing", ""),
        ] {
            assert_eq!(server(url), host, "{url}");
        }
    }
}
