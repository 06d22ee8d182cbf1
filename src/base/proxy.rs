//! The way out of a network that lets nobody out directly: an HTTP proxy, which is asked to connect to a server.
//!
//! ```
//! use parlor::base::Proxy;
//! let proxy = Proxy::At("proxy.example:8080".parse()?);
//! assert_eq!(proxy.on_the_way_to("calls.example", true).map(|p| p.authority()).as_deref(), Some("proxy.example:8080"));
//! assert!(proxy.on_the_way_to("127.0.0.1", true).is_none());
//! # Ok::<(), parlor::base::proxy::AddressError>(())
//! ```

use super::Secret;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use url::{Host, Url};

/// Longer than any address of a proxy with name and password.
const MAX_BYTES: usize = 512;

/// Which proxy stands between this computer and servers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// None: servers are reached directly.
    Direct,
    /// The one that the environment names: `https_proxy` for what is encrypted, `http_proxy` for what is not, else `all_proxy`, except for what
    /// `no_proxy` lists; upper case is as good.
    #[default]
    System,
    /// This one.
    At(Address),
}

/// Where a proxy is, and who one is there. Neither way of printing it shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or address; an IPv6 address without its brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Name and password, where it asks for them.
    pub login: Option<(String, Secret)>,
}

/// Why a text is no address of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing.
    #[error("a proxy needs an address")]
    Empty,
    /// A proxy that is spoken to in another way than HTTP.
    #[error("only HTTP proxies can be used")]
    Scheme,
    /// No valid host or port.
    #[error("this is not the address of a proxy: one looks like host:port")]
    NotAnAddress,
}

impl Proxy {
    /// Whom to ask for a connection to `host` (IPv6 without brackets), which is to be encrypted or not. `None`: nobody, it is reached directly, as
    /// this very computer always is.
    pub fn on_the_way_to(&self, host: &str, encrypted: bool) -> Option<Address> {
        if is_this_computer(host) {
            return None;
        }
        match self {
            Self::Direct => None,
            Self::System => of_environment(|name| std::env::var(name).ok(), host, encrypted),
            Self::At(address) => Some(address.clone()),
        }
    }
}

impl Address {
    /// `host:port`, with brackets around an IPv6 address.
    pub fn authority(&self) -> String {
        if self.host.contains(':') { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    /// As others want it, password included: `http://name:password@host:port`.
    pub fn to_url(&self) -> String {
        let code = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20");
        let login = self.login.as_ref().map(|(name, password)| format!("{}:{}@", code(name), code(password.expose())));
        format!("http://{}{}", login.unwrap_or_default(), self.authority())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.authority())
    }
}

impl FromStr for Address {
    type Err = AddressError;

    /// Takes `host:port`, with `http://` and `name:password@` before it, if need be.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let whole = match text.split_once("://") {
            None => format!("http://{text}"),
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => text.to_owned(),
            Some(_) => return Err(AddressError::Scheme),
        };
        let url = Url::parse(&whole).ok().filter(|_| text.len() <= MAX_BYTES).ok_or(AddressError::NotAnAddress)?;
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::NotAnAddress);
        }
        // Port 80 is left out by the parser; a host without a port is not known to be one.
        let named = whole.rsplit_once('@').map_or(&whole["http://".len()..], |(_, host)| host).trim_end_matches('/');
        let has_port = named.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok_and(|port| port != 0));
        let host = match url.host().filter(|_| has_port).ok_or(AddressError::NotAnAddress)? {
            Host::Domain(name) => name.to_owned(),
            Host::Ipv4(ip) => ip.to_string(),
            Host::Ipv6(ip) => ip.to_string(),
        };
        let port = url.port_or_known_default().ok_or(AddressError::NotAnAddress)?;
        let plain = |text: &str| {
            let one = format!("={}", text.replace('+', "%2B").replace('&', "%26"));
            url::form_urlencoded::parse(one.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let login =
            (!url.username().is_empty()).then(|| (plain(url.username()), Secret::new(plain(url.password().unwrap_or_default()))));
        Ok(Self { host, port, login })
    }
}

/// The proxy that `variable`s name for a connection to `host`.
fn of_environment(variable: impl Fn(&str) -> Option<String>, host: &str, encrypted: bool) -> Option<Address> {
    let find = |name: &str| {
        let found = variable(name).or_else(|| variable(&name.to_ascii_uppercase()))?;
        Some(found.trim().to_owned()).filter(|text| !text.is_empty())
    };
    if find("no_proxy").is_some_and(|list| list.split(',').any(|entry| covers(entry.trim(), host))) {
        return None;
    }
    let named = find(if encrypted { "https_proxy" } else { "http_proxy" }).or_else(|| find("all_proxy"))?;
    named.parse().inspect_err(|error| tracing::warn!(%error, "the environment names a proxy that cannot be used")).ok()
}

/// Whether an entry of `no_proxy` means `host`: the host itself or one below it, a network, or everything.
fn covers(entry: &str, host: &str) -> bool {
    if entry == "*" {
        return true;
    }
    if let Ok(ip) = host.parse::<IpAddr>() {
        let (network, length) = entry.split_once('/').unwrap_or((entry, "128"));
        return network.parse().is_ok_and(|network| is_within(ip, network, length.parse().unwrap_or(128)));
    }
    let (entry, host) = (entry.trim_start_matches('.').to_ascii_lowercase(), host.to_ascii_lowercase());
    !entry.is_empty() && host.strip_suffix(&entry).is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// Whether the first `length` bits are the same.
fn is_within(ip: IpAddr, network: IpAddr, length: u32) -> bool {
    let same = |a: u128, b: u128, bits: u32| (a ^ b).checked_shr(bits.saturating_sub(length)).unwrap_or_default() == 0;
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => same(u32::from(ip).into(), u32::from(network).into(), 32),
        (IpAddr::V6(ip), IpAddr::V6(network)) => same(ip.into(), network.into(), 128),
        _ => false,
    }
}

fn is_this_computer(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_an_address_or_is_refused() {
        for (typed, shown) in [
            ("proxy.example:8080", "proxy.example:8080"),
            (" http://proxy.example:80/ ", "proxy.example:80"),
            ("10.0.0.1:3128", "10.0.0.1:3128"),
            ("[2001:db8::1]:3128", "[2001:db8::1]:3128"),
        ] {
            let address: Address = typed.parse().unwrap();
            assert_eq!((address.authority().as_str(), address.login.is_none()), (shown, true), "{typed}");
        }
        let with_login: Address = "http://ada:s%40fe+x@proxy.example:8080".parse().unwrap();
        assert_eq!(with_login.login, Some(("ada".to_owned(), Secret::new("s@fe+x"))));
        assert_eq!(format!("{with_login:?}"), "proxy.example:8080", "the password is not shown");
        assert_eq!(with_login.to_url().parse(), Ok(with_login));
        for (typed, error) in [
            ("  ", AddressError::Empty),
            ("socks5://proxy.example:1080", AddressError::Scheme),
            ("https://proxy.example:443", AddressError::Scheme),
            ("proxy.example", AddressError::NotAnAddress),
            ("proxy.example:0", AddressError::NotAnAddress),
            ("proxy.example:99999", AddressError::NotAnAddress),
            ("a b:80", AddressError::NotAnAddress),
            ("proxy.example:80/path", AddressError::NotAnAddress),
        ] {
            assert_eq!(typed.parse::<Address>(), Err(error), "{typed}");
        }
    }

    #[test]
    fn this_computer_is_never_reached_through_a_proxy() {
        let proxy = Proxy::At("proxy.example:8080".parse().unwrap());
        for host in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(proxy.on_the_way_to(host, true), None, "{host}");
        }
        assert!(proxy.on_the_way_to("192.0.2.1", true).is_some());
        assert_eq!(Proxy::Direct.on_the_way_to("192.0.2.1", true), None);
    }

    #[test]
    fn the_environment_says_which_and_for_whom() {
        let variables = |name: &str| {
            Some(match name {
                "https_proxy" => "http://secure:1".to_owned(),
                "ALL_PROXY" => "all:2".to_owned(),
                "no_proxy" => "example.org, .inside, 10.0.0.0/8,2001:db8::/32".to_owned(),
                _ => return None,
            })
        };
        let asked = |host: &str, encrypted| of_environment(variables, host, encrypted).map(|proxy| proxy.authority());
        assert_eq!(asked("calls.example", true).as_deref(), Some("secure:1"));
        assert_eq!(asked("calls.example", false).as_deref(), Some("all:2"));
        for host in ["example.org", "calls.Example.org", "a.inside", "10.9.8.7", "2001:db8::7"] {
            assert_eq!(asked(host, true), None, "{host}");
        }
        for host in ["notexample.org", "11.0.0.1", "2001:db9::7"] {
            assert!(asked(host, true).is_some(), "{host}");
        }
        assert_eq!(of_environment(|name| (name == "no_proxy").then(|| "*".to_owned()), "h", true), None);
        assert_eq!(of_environment(|_| Some("socks5://h:1".to_owned()), "h", true), None);
    }
}
