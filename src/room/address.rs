//! From a server's address to the base of its HTTP addresses.

use super::Error;
use crate::proto::address::Carrier;
use crate::proto::{Address, AddressError};
use url::Url;

/// The address as it was given, and where requests go when they ride on `carrier`. Takes `host`, `host:port`, and both with `parlor://`, `http://` or `https://` before and `#pin=` behind.
pub(super) fn parse(text: &str, carrier: Carrier) -> Result<(Address, Url), Error> {
    let bad = |source| Error::BadAddress { address: text.to_owned(), source };
    let address: Address = text.parse().map_err(bad)?;
    let scheme = if carrier.lead(address.clone()).is_encrypted() { "https" } else { "http" };
    let base = Url::parse(&format!("{scheme}://{}/", address.authority())).map_err(|_| bad(AddressError::NotAnAddress))?;
    Ok((address, base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_requests_go() {
        for (typed, base) in [
            ("127.0.0.1:4000", "http://127.0.0.1:4000/"),
            ("https://127.0.0.1:4000", "https://127.0.0.1:4000/"),
            ("calls.example", "https://calls.example:1935/"),
            ("https://calls.example", "https://calls.example/"),
            ("http://calls.example:1935", "http://calls.example:1935/"),
            ("[2001:db8::1]:99", "https://[2001:db8::1]:99/"),
        ] {
            assert_eq!(parse(typed, Carrier::Auto).unwrap().1.as_str(), base, "{typed}");
        }
    }

    #[test]
    fn another_carrier_leads_to_the_same_address() {
        let pinned = "calls.example:4000#pin=AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        for (carrier, base) in [
            (Carrier::Auto, "https://calls.example:4000/"),
            (Carrier::Tcp, "http://calls.example:4000/"),
            (Carrier::Tls, "https://calls.example:4000/"),
        ] {
            let (address, url) = parse(pinned, carrier).unwrap();
            assert_eq!((address.to_string().as_str(), url.as_str()), (pinned, base), "invites stay as they are");
        }
        assert_eq!(parse("127.0.0.1:1", Carrier::Tls).unwrap().1.as_str(), "https://127.0.0.1:1/");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in ["", "a b", "ftp://host", "host/room", "host#pin=x"] {
            assert!(matches!(parse(typed, Carrier::Auto), Err(Error::BadAddress { .. })), "{typed}");
        }
    }
}
