//! `rtmp://host[:port]/app/name[?query]`, `rtmps://host[:port]/app/name[?query][#pin=...]`.

use std::fmt;
use std::str::FromStr;

use crate::base::Pin;

/// The port registered for RTMP.
const RTMP_PORT: u16 = 1935;

/// The port that everybody means by `rtmps://`.
const RTMPS_PORT: u16 = 443;

/// Longer than any address with a token; keeps a pasted novel out of the handshake.
const MAX_LENGTH: usize = 2048;

/// How the bytes travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RTMP over TCP.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
}

impl Scheme {
    const fn name(self) -> &'static str {
        match self {
            Self::Rtmp => "rtmp",
            Self::Rtmps => "rtmps",
        }
    }
}

/// The address of one stream on one server.
///
/// Printing it (also with `{:?}`) leaves the query out, because that is where secrets are.
#[derive(Clone, PartialEq, Eq)]
pub struct Url {
    /// The carrier.
    pub scheme: Scheme,
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// Port; unless given 1935, for TLS 443.
    pub port: u16,
    /// The application: all of the path but its last part.
    pub app: String,
    /// The stream: the last part of the path, with `?query` if there is one.
    pub name: String,
    /// The key that the server must have, unless its certificate is signed by an authority that this computer trusts; for TLS only.
    pub pin: Option<Pin>,
}

/// Why an address cannot be used, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Neither `rtmp://` nor `rtmps://`.
    #[error("a stream address starts with rtmp:// or rtmps://")]
    Scheme,
    /// No host between `//` and `/`.
    #[error("the stream address names no server")]
    Host,
    /// Something other than 1..=65535 behind the colon.
    #[error("the port in the stream address is not a number from 1 to 65535")]
    Port,
    /// Fewer than two parts in the path.
    #[error("a stream address ends with an application and a stream name, as in rtmp://host/live/name")]
    Path,
    /// White space, control characters, or more than 2048 bytes.
    #[error("the stream address has blanks in it or is too long")]
    Text,
    /// `#pin=` with something else than a pin behind it.
    #[error("the pin in the stream address is damaged")]
    Pin,
}

impl Url {
    /// What goes into RTMP's `connect` as `tcUrl`.
    pub fn tc_url(&self) -> String {
        format!("{}://{}/{}", self.scheme.name(), self.authority(), self.app)
    }

    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if text.len() > MAX_LENGTH || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlError::Text);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        let is = |known: &Scheme| scheme.eq_ignore_ascii_case(known.name());
        let scheme = [Scheme::Rtmp, Scheme::Rtmps].into_iter().find(is).ok_or(UrlError::Scheme)?;
        // A stream on a server of other make may have a # in its name.
        let (rest, pin) = match scheme {
            Scheme::Rtmp => (rest, None),
            Scheme::Rtmps => rest.rsplit_once("#pin=").map_or((rest, None), |(rest, pin)| (rest, Some(pin))),
        };
        let pin = pin.map(|pin| pin.parse().map_err(|_| UrlError::Pin)).transpose()?;
        let (authority, path) = rest.split_once('/').ok_or(UrlError::Path)?;
        let (host, port) = split_authority(authority, if scheme == Scheme::Rtmp { RTMP_PORT } else { RTMPS_PORT })?;
        let path_end = path.find('?').unwrap_or(path.len());
        let slash = path.get(..path_end).and_then(|p| p.rfind('/')).ok_or(UrlError::Path)?;
        let (app, name) = (&path[..slash], &path[slash + 1..]);
        if app.is_empty() || name.is_empty() || name.starts_with('?') {
            return Err(UrlError::Path);
        }
        Ok(Self { scheme, host: host.to_owned(), port, app: app.to_owned(), name: name.to_owned(), pin })
    }
}

fn split_authority(authority: &str, default_port: u16) -> Result<(&str, u16), UrlError> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, tail) = rest.split_once(']').ok_or(UrlError::Host)?;
            match tail.strip_prefix(':') {
                Some(port) => (host, Some(port)),
                None if tail.is_empty() => (host, None),
                None => return Err(UrlError::Port),
            }
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() || host.contains('@') {
        return Err(UrlError::Host);
    }
    let port = match port {
        Some(digits) => digits.parse().ok().filter(|&p| p != 0).ok_or(UrlError::Port)?,
        None => default_port,
    };
    Ok((host, port))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.split('?').next().unwrap_or_default();
        write!(f, "{}/{name}", self.tc_url())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_an_address() {
        let url: Url = "RTMP://10.0.0.7:2935/live/r1_m2?token=a/b=".parse().unwrap();
        assert_eq!((url.host.as_str(), url.port), ("10.0.0.7", 2935));
        assert_eq!((url.app.as_str(), url.name.as_str()), ("live", "r1_m2?token=a/b="));
        assert_eq!(url.tc_url(), "rtmp://10.0.0.7:2935/live");
        let url: Url = "rtmp://[::1]/a/b/c".parse().unwrap();
        assert_eq!((url.host.as_str(), url.port, url.app.as_str(), url.name.as_str()), ("::1", 1935, "a/b", "c"));
        assert_eq!(url.authority(), "[::1]:1935");
    }

    #[test]
    fn an_encrypted_one_may_carry_a_pin() {
        let pin = "A".repeat(43);
        let url: Url = format!("rtmps://h:1935/live/n?token=x#pin={pin}").parse().unwrap();
        assert_eq!((url.scheme, url.port, url.name.as_str(), url.pin), (Scheme::Rtmps, 1935, "n?token=x", pin.parse().ok()));
        assert_eq!((url.tc_url(), url.to_string()), ("rtmps://h:1935/live".into(), "rtmps://h:1935/live/n".into()));
        let url: Url = "rtmps://h/live/n".parse().unwrap();
        assert_eq!((url.port, url.pin), (443, None));
        let url: Url = format!("rtmp://h/live/n#pin={pin}").parse().unwrap();
        assert_eq!((url.name, url.pin), (format!("n#pin={pin}"), None));
        assert_eq!("rtmps://h/live/n#pin=AAA".parse::<Url>(), Err(UrlError::Pin));
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "(rtmps?://)?[a-z0-9.\\[\\]:@-]{0,12}(:[0-9]{0,6})?(/[a-z?=/#]{0,9}){0,3}(#pin=[A-Za-z0-9_-]{0,44})?") {
            if let Ok(url) = text.parse::<Url>() {
                let pin = url.pin.map_or(String::new(), |pin| format!("#pin={pin}"));
                proptest::prop_assert_eq!(format!("{}/{}{pin}", url.tc_url(), url.name).parse(), Ok(url));
            }
        }

        #[test]
        fn nor_does_any_other(text in "\\PC{0,60}") {
            let _ = text.parse::<Url>();
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let url: Url = "rtmp://h/live/n?token=secret".parse().unwrap();
        assert!(!format!("{url} {url:?}").contains("secret"));
    }

    #[test]
    fn bad_addresses_are_told_apart() {
        for (text, error) in [
            ("http://h/live/n", UrlError::Scheme),
            ("h/live/n", UrlError::Scheme),
            ("", UrlError::Scheme),
            ("rtmp:///live/n", UrlError::Host),
            ("rtmp://[::1/live/n", UrlError::Host),
            ("rtmp://h:0/live/n", UrlError::Port),
            ("rtmp://h:x/live/n", UrlError::Port),
            ("rtmp://[::1]x/live/n", UrlError::Port),
            ("rtmp://h", UrlError::Path),
            ("rtmp://h/live", UrlError::Path),
            ("rtmp://h/live/", UrlError::Path),
            ("rtmp://h//n", UrlError::Path),
            ("rtmp://h/live/?token=x", UrlError::Path),
            ("rtmp://h/live?x=/n", UrlError::Path),
            ("rtmp://h/li ve/n", UrlError::Text),
        ] {
            assert_eq!(text.parse::<Url>(), Err(error), "{text}");
        }
    }
}
