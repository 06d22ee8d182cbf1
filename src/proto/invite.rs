//! Links that lead into a room: `parlor://host:port/ROOM#pin=...`. One parser takes every form a person may paste.
//!
//! | pasted | server | room |
//! |---|---|---|
//! | `parlor://host/ROOM`, `parlor://host:port/ROOM` | `host:1935`, `host:port` | `ROOM` |
//! | `http://host/ROOM`, `https://host/ROOM` | plain text at `host:80`, TLS at `host:443` | `ROOM` |
//! | `host:port/ROOM`, `host.example/ROOM`, `[::1]:1935/ROOM` | as given | `ROOM` |
//! | `k7wq2mnd`, `Weekly meeting`, `Q3/Q4 review` | | the room's code or name |
//!
//! Any of those that name a server may end with `#`, and behind it, with `&` between them, `pin=` with the fingerprint of the server's key and
//! `k=` with the key of a room that is encrypted from end to end. What stands behind the `#` is for the program that opens the link: it is
//! part of no request, so no server sees it.

use super::address::{Address, AddressError, Scheme};
use super::{RoomId, name};
use crate::base::SecretKey;

/// Longest link that is looked at, in bytes; longer text is no link.
const MAX_LINK_BYTES: usize = 2048;

/// Where a room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// The server; `None` when only a code was given.
    pub server: Option<Address>,
    /// The room's id (its code) or its name.
    pub room: RoomId,
    /// The key of a room that is encrypted from end to end.
    pub key: Option<SecretKey>,
}

/// Why a text is no invite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InviteError {
    /// Nothing but white space.
    #[error("the invite is empty")]
    Empty,
    /// A link with another beginning than `parlor://`, `http://` or `https://`, or one far too long.
    #[error("this is not an invite: one looks like parlor://host/ROOM")]
    NotAnInvite,
    /// The part before the room is no address of a server.
    #[error("the invite names no valid server")]
    BadServer,
    /// The pin is none.
    #[error("the invite's pin is damaged: copy the whole link again")]
    BadPin,
    /// The room's key is none.
    #[error("the invite's key is damaged: copy the whole link again")]
    BadKey,
    /// A server without a room.
    #[error("the invite names no room")]
    NoRoom,
    /// The room's part breaks the rule for names.
    #[error("the invite names no valid room: {0}")]
    BadRoom(#[from] name::NameError),
}

impl From<AddressError> for InviteError {
    fn from(error: AddressError) -> Self {
        match error {
            AddressError::NotAnAddress => Self::BadServer,
            AddressError::BadPin => Self::BadPin,
        }
    }
}

impl std::fmt::Display for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(server) = &self.server else { return write!(f, "{}", self.room) };
        // `parlor` says the same wherever it does.
        let plain = Address { scheme: Scheme::Parlor, ..server.clone() };
        let scheme = match (server.is_encrypted(), plain.is_encrypted()) {
            (true, false) => "https",
            (false, true) => "http",
            _ => "parlor",
        };
        write!(f, "{scheme}://{}/{}", server.authority(), escape(self.room.as_str()))?;
        let pin = server.pin.map(|pin| format!("pin={pin}"));
        let key = self.key.as_ref().map(|key| format!("k={}", key.to_text()));
        for (part, before) in pin.iter().chain(&key).zip(["#", "&"]) {
            write!(f, "{before}{part}")?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Invite {
    type Err = InviteError;

    fn from_str(pasted: &str) -> Result<Self, InviteError> {
        let text = unwrap_quotes(pasted.trim());
        if text.is_empty() {
            return Err(InviteError::Empty);
        }
        if text.len() > MAX_LINK_BYTES {
            return Err(InviteError::NotAnInvite);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Scheme::of(scheme).ok_or(InviteError::NotAnInvite)?, rest),
            None if text.split_once('/').is_some_and(|(server, _)| looks_like_server(server)) => (Scheme::Parlor, text),
            // A name may hold a slash.
            None => return Ok(Self { server: None, room: RoomId::new(name::check(text)?), key: None }),
        };
        let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
        // What follows `?` belongs to newer versions.
        let rest = rest.split('?').next().unwrap_or(rest);
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        let server = Address::of_parts(scheme, server, fragment)?;
        Ok(Self { server: Some(server), room: room_of(path)?, key: key_in(fragment)? })
    }
}

/// The key among what follows the `#`.
fn key_in(fragment: &str) -> Result<Option<SecretKey>, InviteError> {
    let key = fragment.split('&').find_map(|part| part.strip_prefix("k="));
    key.map(|key| key.parse().map_err(|_| InviteError::BadKey)).transpose()
}

/// Mail programs and chats put links between these.
fn unwrap_quotes(text: &str) -> &str {
    let inner = [('<', '>'), ('"', '"'), ('\'', '\''), ('“', '”')]
        .into_iter()
        .find_map(|(open, close)| text.strip_prefix(open).and_then(|t| t.strip_suffix(close)));
    inner.unwrap_or(text).trim()
}

/// Whether the text before the first slash is meant as a server rather than as the beginning of a room's name.
fn looks_like_server(text: &str) -> bool {
    !text.contains(char::is_whitespace)
        && (text == "localhost"
            || text.starts_with('[')
            || text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok())
            || (text.contains('.') && !text.starts_with('.') && !text.ends_with('.')))
}

fn room_of(path: &str) -> Result<RoomId, InviteError> {
    let path = path.trim_matches('/');
    if path.is_empty() {
        return Err(InviteError::NoRoom);
    }
    Ok(RoomId::new(name::check(&unescape(path))?))
}

/// Percent-encodes what would end the room's part of a link.
fn escape(room: &str) -> String {
    let mut out = String::with_capacity(room.len());
    for c in room.chars() {
        match c {
            ' ' | '/' | '?' | '#' | '%' | '"' | '<' | '>' | '\\' | '`' | '|' => out.push_str(&format!("%{:02X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// Undoes percent-encoding; what is not valid stays as it is.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        let hex = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        match (first, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    out.push(high * 16 + low);
                    rest = after;
                }
                _ => {
                    out.push(first);
                    rest = tail;
                }
            },
            _ => {
                out.push(first);
                rest = tail;
            }
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(Option<String>, String), InviteError> {
        text.parse::<Invite>().map(|i| (i.server.map(|s| s.to_string()), i.room.as_str().to_owned()))
    }

    #[test]
    fn every_form_a_person_may_paste_is_understood() {
        for (text, server, room) in [
            ("parlor://example.org/k7wq2mnd", Some("example.org:1935"), "k7wq2mnd"),
            (" parlor://192.168.1.4:2000/k7wq2mnd/ \n", Some("192.168.1.4:2000"), "k7wq2mnd"),
            ("PARLOR://host/Weekly%20meeting", Some("host:1935"), "Weekly meeting"),
            ("<parlor://host/room?pin=abc#x>", Some("host:1935"), "room"),
            ("http://host:1935/room", Some("http://host:1935"), "room"),
            ("https://calls.example/room", Some("https://calls.example:443"), "room"),
            ("http://[::1]:1935/room", Some("http://[::1]:1935"), "room"),
            ("127.0.0.1:1935/room", Some("127.0.0.1:1935"), "room"),
            ("[::1]/room", Some("[::1]:1935"), "room"),
            ("host:99/room#x", Some("host:99"), "room"),
            ("localhost/room", Some("localhost:1935"), "room"),
            ("calls.example/%E5%91%A8%E4%BC%9A", Some("calls.example:1935"), "周会"),
            ("k7wq2mnd", None, "k7wq2mnd"),
            ("周会 二组", None, "周会 二组"),
            ("Q3/Q4 review", None, "Q3/Q4 review"),
            ("\"Support 1\"", None, "Support 1"),
        ] {
            assert_eq!(parsed(text), Ok((server.map(str::to_owned), room.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_invite_says_why() {
        for (text, error) in [
            ("  ", InviteError::Empty),
            ("<>", InviteError::Empty),
            ("ftp://host/room", InviteError::NotAnInvite),
            ("parlor://host", InviteError::NoRoom),
            ("parlor://host:1935//", InviteError::NoRoom),
            ("parlor:///room", InviteError::BadServer),
            ("parlor://user@host/room", InviteError::BadServer),
            ("parlor://host:0/room", InviteError::BadServer),
            ("parlor://host:99999/room", InviteError::BadServer),
            ("http://[zz]/room", InviteError::BadServer),
            ("parlor://host/a%00b", InviteError::BadRoom(name::NameError::Forbidden('\0'))),
            ("a@b", InviteError::BadRoom(name::NameError::Forbidden('@'))),
        ] {
            assert_eq!(parsed(text), Err(error), "{text}");
        }
        assert_eq!(parsed(&"x".repeat(3000)), Err(InviteError::NotAnInvite));
    }

    #[test]
    fn a_pin_belongs_to_the_server() {
        let pin = "A".repeat(43);
        for text in ["parlor://host:1/room#pin=", "<host:1/room?x=1#y=2&pin="] {
            let invite: Invite = format!("{text}{pin}{}", if text.starts_with('<') { ">" } else { "" }).parse().unwrap();
            assert_eq!(invite.server.as_ref().unwrap().pin, pin.parse().ok());
            assert_eq!(invite.to_string(), format!("parlor://host:1/room#pin={pin}"));
        }
        assert_eq!(parsed("parlor://host/room#pin=AAAA"), Err(InviteError::BadPin));
    }

    #[test]
    fn a_key_travels_in_the_fragment_and_in_nothing_else() {
        let (key, pin) = (SecretKey::new([7; 32]), "A".repeat(43));
        let text = key.to_text();
        for (link, shown) in [
            (format!("parlor://host:1/room#k={text}"), format!("parlor://host:1/room#k={text}")),
            (format!("<host:1/room#k={text}&pin={pin}>"), format!("parlor://host:1/room#pin={pin}&k={text}")),
        ] {
            let invite: Invite = link.parse().unwrap();
            assert_eq!((invite.key.as_ref(), invite.to_string()), (Some(&key), shown));
            assert!(!invite.server.as_ref().unwrap().to_string().contains(&text), "requests go to the server's address");
            assert!(!format!("{invite:?}").contains(&text));
        }
        assert_eq!(parsed("parlor://host/room#k=AAAA"), Err(InviteError::BadKey));
        assert!(!InviteError::BadKey.to_string().contains("AAAA"));
    }

    #[test]
    fn a_shown_invite_reads_back_and_says_whether_it_is_encrypted() {
        for (server, shown) in [
            ("[::1]:1935", "parlor://[::1]:1935/"),
            ("https://[::1]:1935", "https://[::1]:1935/"),
            ("http://127.0.0.1:80", "parlor://127.0.0.1:80/"),
            ("http://host:80", "http://host:80/"),
            ("https://host:443", "parlor://host:443/"),
            ("host:5", "parlor://host:5/"),
        ] {
            for room in ["k7wq2mnd", "Q3/Q4 review?", "周会 二组", "50|50"] {
                let server: Address = server.parse().unwrap();
                let invite = Invite { server: Some(server.clone()), room: RoomId::new(room), key: None };
                assert!(invite.to_string().starts_with(shown), "{invite}");
                let read: Invite = invite.to_string().parse().unwrap();
                let again = read.server.unwrap();
                assert_eq!((read.room, again.authority()), (invite.room, server.authority()));
                assert_eq!((again.is_encrypted(), again.pin), (server.is_encrypted(), server.pin));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_parser(text in "\\PC{0,80}") {
            reads_back(&text);
        }

        #[test]
        fn nor_does_what_looks_like_an_invite(
            text in "(parlor://|https?://|)[a-z0-9.\\[\\]:-]{0,12}(:[0-9]{0,6})?/[a-z %#?周|&=]{0,12}(#(pin|k)=[A-Za-z0-9_-]{0,44})?"
        ) {
            reads_back(&text);
        }
    }

    /// What is understood says the same when it is shown and read again.
    fn reads_back(text: &str) {
        if let Ok(invite @ Invite { server: Some(_), .. }) = text.parse::<Invite>() {
            let again: Invite = invite.to_string().parse().unwrap();
            assert_eq!(again.room, invite.room, "{text}");
            let facts = |i: &Invite| i.server.as_ref().map(|s| (s.authority(), s.is_encrypted(), s.pin, i.key.clone()));
            assert_eq!(facts(&again), facts(&invite), "{text}");
        }
    }
}
