//! Addresses of streams as people type them: whether they can be used, and their parts as other programs ask for them.

use crate::wire::{Url, UrlError};

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrong {
    /// Nothing was typed.
    Empty,
    /// It begins with something that cannot be sent to or played.
    Scheme,
    /// It names no server.
    Host,
    /// Behind the colon is no port.
    Port,
    /// Application or stream name are missing.
    Path,
    /// Blanks inside, or far too long.
    Text,
    /// The pin is damaged.
    Pin,
}

impl Wrong {
    /// All of them.
    pub const ALL: [Self; 7] = [Self::Empty, Self::Scheme, Self::Host, Self::Port, Self::Path, Self::Text, Self::Pin];
}

impl From<UrlError> for Wrong {
    fn from(error: UrlError) -> Self {
        match error {
            UrlError::Scheme => Self::Scheme,
            UrlError::Host => Self::Host,
            UrlError::Port => Self::Port,
            UrlError::Path => Self::Path,
            UrlError::Text => Self::Text,
            UrlError::Pin => Self::Pin,
        }
    }
}

/// Longer than any address with a token.
const MAX_LENGTH: usize = 2048;

/// Checks an address to send to: `rtmp://` or `rtmps://`.
///
/// # Errors
/// What is wrong with it.
pub fn check_push(address: &str) -> Result<(), Wrong> {
    if address.is_empty() {
        return Err(Wrong::Empty);
    }
    address.parse::<Url>()?;
    Ok(())
}

/// Checks an address to play: those to send to, and `http://` or `https://`.
///
/// # Errors
/// What is wrong with it.
pub fn check_play(address: &str) -> Result<(), Wrong> {
    let rest = match address.split_once("://") {
        Some((scheme, rest)) if ["http", "https"].iter().any(|http| scheme.eq_ignore_ascii_case(http)) => rest,
        _ => return check_push(address),
    };
    if address.len() > MAX_LENGTH || address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Wrong::Text);
    }
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (name, port) = match host.rsplit_once(':').filter(|_| !host.ends_with(']')) {
        Some((name, port)) => (name, Some(port)),
        None => (host, None),
    };
    match port {
        _ if name.is_empty() => Err(Wrong::Host),
        Some(port) if port.parse::<u16>().is_err() => Err(Wrong::Port),
        _ if path.is_empty() => Err(Wrong::Path),
        _ => Ok(()),
    }
}

/// An address to send to, as OBS and others ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// "Server".
    pub server: String,
    /// "Stream key".
    pub key: String,
    /// The way to the server is encrypted.
    pub encrypted: bool,
}

/// Takes an address apart; `authority` (`host:port`) replaces the one in it, which only this computer may understand. A server with a key of its own
/// takes unencrypted streams at the same port: other programs would not know that key.
pub fn parts(address: &str, authority: Option<&str>) -> Option<Parts> {
    let url: Url = address.parse().ok()?;
    let encrypted = address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("rtmps")) && url.pin.is_none();
    let scheme = if encrypted { "rtmps" } else { "rtmp" };
    let authority = authority.map_or_else(|| url.authority(), str::to_owned);
    Some(Parts { server: format!("{scheme}://{authority}/{}", url.app), key: url.name, encrypted })
}

/// The ways to play a stream of our own server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ways {
    /// For players that know RTMP.
    pub rtmp: String,
    /// FLV over HTTP, for all others and for browsers; `None`: another program relays the stream, and nobody knows whether it does that.
    pub http: Option<String>,
}

/// The ways to play what `address` (`rtmp://` or `rtmps://`) plays; `authority` as for [`parts`]. `None`: it is no address.
pub fn ways(address: &str, authority: Option<&str>, relayed_here: bool) -> Option<Ways> {
    let Parts { server, key, encrypted } = parts(address, authority)?;
    let rest = server.split_once("://")?.1;
    let (name, query) = key.split_once('?').map_or((key.as_str(), String::new()), |(name, query)| (name, format!("?{query}")));
    let scheme = if encrypted { "https" } else { "http" };
    let http = relayed_here.then(|| format!("{scheme}://{rest}/{name}.flv{query}"));
    Some(Ways { rtmp: format!("{server}/{key}"), http })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_before_anything_is_connected() {
        for (address, push, play) in [
            ("", Err(Wrong::Empty), Err(Wrong::Empty)),
            ("rtmp://h/live/a", Ok(()), Ok(())),
            ("rtmps://h:443/live/a?token=t", Ok(()), Ok(())),
            ("rtmp://h/live", Err(Wrong::Path), Err(Wrong::Path)),
            ("rtmp://h:x/live/a", Err(Wrong::Port), Err(Wrong::Port)),
            ("http://h:8080/live/a.flv", Err(Wrong::Scheme), Ok(())),
            ("https://[::1]/a.m3u8", Err(Wrong::Scheme), Ok(())),
            ("http://me:pw@h/a.m3u8", Err(Wrong::Scheme), Ok(())),
            ("http://h", Err(Wrong::Scheme), Err(Wrong::Path)),
            ("http:///a", Err(Wrong::Scheme), Err(Wrong::Host)),
            ("http://h:99999/a", Err(Wrong::Scheme), Err(Wrong::Port)),
            ("http://h/a b", Err(Wrong::Text), Err(Wrong::Text)),
            ("file:///etc/passwd", Err(Wrong::Scheme), Err(Wrong::Scheme)),
            ("live", Err(Wrong::Scheme), Err(Wrong::Scheme)),
        ] {
            assert_eq!((check_push(address), check_play(address)), (push, play), "{address}");
        }
    }

    #[test]
    fn other_programs_ask_for_server_and_key_apart() {
        let own = parts("rtmp://127.0.0.1:1935/live/a_b?token=t", Some("192.168.1.2:1935")).unwrap();
        assert_eq!(
            (own.server.as_str(), own.key.as_str(), own.encrypted),
            ("rtmp://192.168.1.2:1935/live", "a_b?token=t", false)
        );
        let foreign = parts("rtmps://live.example/app/k", None).unwrap();
        assert_eq!((foreign.server.as_str(), foreign.encrypted), ("rtmps://live.example:443/app", true));
        assert_eq!(parts("http://h/a.flv", None), None);
    }

    #[test]
    fn a_stream_of_ours_is_played_over_rtmp_and_http() {
        let own = ways("rtmp://127.0.0.1:1935/live/a_b?token=t", Some("192.168.1.2:1935"), true).unwrap();
        assert_eq!(own.rtmp, "rtmp://192.168.1.2:1935/live/a_b?token=t");
        assert_eq!(own.http.as_deref(), Some("http://192.168.1.2:1935/live/a_b.flv?token=t"));
        let far = ways("rtmps://live.example:443/live/k", None, true).unwrap();
        assert_eq!(far.http.as_deref(), Some("https://live.example:443/live/k.flv"));
        assert_eq!(ways("rtmp://cdn.example/live/k", None, false).unwrap().http, None);
        assert_eq!(ways("http://h/a.flv", None, true), None);
    }
}
