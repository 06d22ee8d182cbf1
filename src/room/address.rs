//! From what a person types as "server" to the base of its HTTP addresses.

use super::Error;
use crate::proto::invite::DEFAULT_PORT;
use url::{Host, Url};

/// A server's address, checked.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// `http://host:port/`.
    pub base: Url,
    /// `host:port`, as shown and as put into invites.
    pub shown: String,
    /// Whether it is this very machine.
    pub is_loopback: bool,
}

impl Address {
    /// Takes `host`, `host:port`, `http://host[:port]` and `parlor://host[:port]`.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let bad = || Error::BadAddress(text.to_owned());
        let trimmed = text.trim().trim_end_matches('/');
        // `http` may leave out port 80, as everywhere; the other forms mean the one port of a Parlor server.
        let (rest, default_port) = match trimmed.split_once("://") {
            None => (trimmed, DEFAULT_PORT),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("parlor") => (rest, DEFAULT_PORT),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (rest, 80),
            Some(_) => return Err(bad()),
        };
        if rest.is_empty() || rest.contains(['/', '?', '#', '@', '\\']) || rest.contains(char::is_whitespace) {
            return Err(bad());
        }
        // The parser drops a port that is its scheme's default, so one is always given to it, and read back from the text.
        let has_port =
            rest.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
        let full = if has_port { format!("http://{rest}/") } else { format!("http://{rest}:{default_port}/") };
        let base = Url::parse(&full).map_err(|_| bad())?;
        let port = base.port_or_known_default().filter(|p| *p != 0).ok_or_else(bad)?;
        let host = base.host().ok_or_else(bad)?;
        let is_loopback = match &host {
            Host::Domain(name) => *name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let shown = format!("{host}:{port}");
        Ok(Self { base, shown, is_loopback })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_people_type_them() {
        for (typed, shown, loopback) in [
            ("127.0.0.1:4000", "127.0.0.1:4000", true),
            ("localhost", "localhost:1935", true),
            (" calls.example ", "calls.example:1935", false),
            ("http://calls.example/", "calls.example:80", false),
            ("http://127.0.0.1:1935", "127.0.0.1:1935", true),
            ("parlor://10.0.0.2/", "10.0.0.2:1935", false),
            ("[::1]", "[::1]:1935", true),
            ("[2001:db8::1]:99", "[2001:db8::1]:99", false),
        ] {
            let address = Address::parse(typed).unwrap();
            assert_eq!((address.shown.as_str(), address.is_loopback), (shown, loopback), "{typed}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            " ",
            "a b",
            "host:0",
            "host:99999",
            "https://host",
            "ftp://host",
            "host/room",
            "u@host",
            "[::1",
            "http://",
            "a:b:c",
        ] {
            assert!(matches!(Address::parse(typed), Err(Error::BadAddress(_))), "{typed}");
        }
    }
}
