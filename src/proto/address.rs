//! The address of a server, as people type it and as invites carry it: `host[:port]`, with `http://`, `https://` or `parlor://` before it and
//! `#pin=...` behind it.

use std::fmt;
use std::str::FromStr;

use url::Host;

use crate::base::Pin;

/// The port that carries everything.
pub const DEFAULT_PORT: u16 = 1935;

/// Longer than any host's name.
const MAX_HOST_BYTES: usize = 253;

/// Whether the way to a server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `parlor://` or nothing: TLS, except on this very computer without a pin.
    Parlor,
    /// `http://`: plain text, unless there is a pin.
    Http,
    /// `https://`: TLS.
    Https,
}

/// What requests and streams ride on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// TLS, except to a server on this computer whose key is not pinned, or one at `http://`.
    #[default]
    Auto,
    /// Plain text.
    Tcp,
    /// TLS.
    Tls,
}

impl Carrier {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Tcp, Self::Tls];

    /// The address that leads to the same place by this carrier.
    #[must_use]
    pub fn lead(self, mut address: Address) -> Address {
        match self {
            Self::Auto => {}
            Self::Tcp => (address.scheme, address.pin) = (Scheme::Http, None),
            Self::Tls => address.scheme = Scheme::Https,
        }
        address
    }
}

/// A server's address, checked. Prints as what [`FromStr`] takes, `parlor://` left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Whether it is encrypted.
    pub scheme: Scheme,
    /// Name or IP address.
    pub host: Host<String>,
    /// Port.
    pub port: u16,
    /// The key that the server must have, unless its certificate is signed by an authority that this computer trusts.
    pub pin: Option<Pin>,
}

/// Why a text is no address of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Another scheme, no valid host, no valid port.
    #[error("this is not the address of a server: one looks like host:port")]
    NotAnAddress,
    /// `#pin=` with something else than a pin behind it.
    #[error("the pin is damaged: copy the whole link again")]
    BadPin,
}

impl Address {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Whether it is this very machine.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.to_canonical().is_loopback(),
        }
    }

    /// Whether it is reached by TLS.
    pub fn is_encrypted(&self) -> bool {
        let by_scheme = match self.scheme {
            Scheme::Parlor => !self.is_loopback(),
            Scheme::Http => false,
            Scheme::Https => true,
        };
        // A pin is of no use without, and whoever has one is not to be talked out of it by a changed scheme.
        self.pin.is_some() || by_scheme
    }

    /// From what stands between scheme and path, and what follows the `#`.
    pub(super) fn of_parts(scheme: Scheme, authority: &str, fragment: &str) -> Result<Self, AddressError> {
        let (host, port) = match authority.split_once(']') {
            Some((ip, "")) => (&authority[..=ip.len()], None),
            Some((ip, port)) => (&authority[..=ip.len()], Some(port.strip_prefix(':').ok_or(AddressError::NotAnAddress)?)),
            None => authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        // The parser of the web takes much more for a host than any person means as one.
        let valid = if host.starts_with('[') {
            host.len() > 2
        } else {
            !host.is_empty() && host.chars().all(|c| c.is_alphanumeric() || ".-_".contains(c))
        };
        let host = Host::parse(host).ok().filter(|_| valid).ok_or(AddressError::NotAnAddress)?;
        if matches!(&host, Host::Domain(name) if name.len() > MAX_HOST_BYTES) {
            return Err(AddressError::NotAnAddress);
        }
        let port = match port {
            Some(port) => port.parse().ok().filter(|p| *p != 0).ok_or(AddressError::NotAnAddress)?,
            None => scheme.default_port(),
        };
        Ok(Self { scheme, host, port, pin: pin_in(fragment)? })
    }
}

impl Scheme {
    /// The scheme before `://`, if it is one of ours.
    pub(super) fn of(text: &str) -> Option<Self> {
        let is = |scheme: &str| text.eq_ignore_ascii_case(scheme);
        [("parlor", Self::Parlor), ("http", Self::Http), ("https", Self::Https)].into_iter().find(|(s, _)| is(s)).map(|(_, s)| s)
    }

    /// `http` and `https` may leave out their port, as everywhere; nothing means the one port of a Parlor server.
    const fn default_port(self) -> u16 {
        match self {
            Self::Parlor => DEFAULT_PORT,
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// The pin among what follows the `#`; what else stands there belongs to newer versions.
fn pin_in(fragment: &str) -> Result<Option<Pin>, AddressError> {
    let pin = fragment.split('&').find_map(|part| part.strip_prefix("pin="));
    pin.map(|pin| pin.parse().map_err(|_| AddressError::BadPin)).transpose()
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(typed: &str) -> Result<Self, AddressError> {
        let typed = typed.trim();
        let (rest, fragment) = typed.split_once('#').unwrap_or((typed, ""));
        let (scheme, authority) = match rest.split_once("://") {
            None => (Scheme::Parlor, rest),
            Some((scheme, rest)) => (Scheme::of(scheme).ok_or(AddressError::NotAnAddress)?, rest),
        };
        Self::of_parts(scheme, authority.trim_end_matches('/'), fragment)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::Parlor => "",
            Scheme::Http => "http://",
            Scheme::Https => "https://",
        })?;
        write!(f, "{}:{}", self.host, self.port)?;
        self.pin.map_or(Ok(()), |pin| write!(f, "#pin={pin}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A pin, as text.
    const PIN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

    #[test]
    fn addresses_as_people_type_them() {
        for (typed, shown, loopback, encrypted) in [
            ("127.0.0.1:4000", "127.0.0.1:4000", true, false),
            ("localhost", "localhost:1935", true, false),
            ("https://localhost:1935", "https://localhost:1935", true, true),
            (" calls.example ", "calls.example:1935", false, true),
            ("http://calls.example/", "http://calls.example:80", false, false),
            ("HTTPS://calls.example", "https://calls.example:443", false, true),
            ("http://127.0.0.1:1935", "http://127.0.0.1:1935", true, false),
            ("parlor://10.0.0.2/", "10.0.0.2:1935", false, true),
            ("[::1]", "[::1]:1935", true, false),
            ("[::ffff:127.0.0.1]", "[::ffff:7f00:1]:1935", true, false),
            ("[2001:db8::1]:99", "[2001:db8::1]:99", false, true),
            ("h:1#x", "h:1", false, true),
        ] {
            let address: Address = typed.parse().unwrap();
            assert_eq!(
                (address.to_string().as_str(), address.is_loopback(), address.is_encrypted()),
                (shown, loopback, encrypted)
            );
            assert_eq!(shown.parse(), Ok(address), "{shown}");
        }
    }

    #[test]
    fn a_pin_makes_it_encrypted_even_on_this_computer() {
        for typed in [format!("127.0.0.1#pin={PIN}"), format!("parlor://127.0.0.1:1935/#x=1&pin={PIN}")] {
            let address: Address = typed.parse().unwrap();
            assert_eq!((address.pin.unwrap().to_string().as_str(), address.is_encrypted()), (PIN, true));
            assert_eq!(address.to_string(), format!("127.0.0.1:1935#pin={PIN}"));
        }
        assert!(format!("http://host#pin={PIN}").parse::<Address>().unwrap().is_encrypted());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            " ",
            "a b",
            "host:0",
            "host:99999",
            "host:",
            "ftp://host",
            "host/room",
            "u@host",
            "[::1",
            "::1",
            "[]",
            "[::1]x",
            "http://",
            "a:b:c",
            "host?x",
            "host]",
            "]",
            "[h]",
        ] {
            assert_eq!(typed.parse::<Address>(), Err(AddressError::NotAnAddress), "{typed}");
        }
        for pin in ["", "short", &format!("{PIN}A"), &PIN.replace('A', "+")] {
            assert_eq!(format!("h#pin={pin}").parse::<Address>(), Err(AddressError::BadPin), "{pin}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_parser_and_what_is_understood_reads_back(text in "\\PC{0,60}") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }

        #[test]
        fn nor_does_what_looks_like_an_address(text in "(parlor://|https?://|)[a-z0-9.\\[\\]:@-]{0,20}(:[0-9]{0,6})?/?(#pin=[A-Za-z0-9_-]{0,44})?") {
            if let Ok(address) = text.parse::<Address>() {
                prop_assert_eq!(address.to_string().parse(), Ok(address));
            }
        }
    }
}
