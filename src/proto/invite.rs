//! Links that lead into a room: `parlor://host:port/ROOM`. One parser takes every form a person may paste.
//!
//! | pasted | server | room |
//! |---|---|---|
//! | `parlor://host/ROOM`, `parlor://host:port/ROOM` | `host:1935`, `host:port` | `ROOM` |
//! | `http://host/ROOM`, `https://host/ROOM` | `host:80`, `host:443` | `ROOM` |
//! | `host:port/ROOM`, `host.example/ROOM`, `[::1]:1935/ROOM` | as given | `ROOM` |
//! | `k7wq2mnd`, `Weekly meeting`, `Q3/Q4 review` | | the room's code or name |

use super::{RoomId, name};

/// The port that carries everything.
pub const DEFAULT_PORT: u16 = 1935;

/// Longest link that is looked at, in bytes; longer text is no link.
const MAX_LINK_BYTES: usize = 2048;

/// Where a room is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// `host` or `host:port`; `None` when only a code was given.
    pub server: Option<String>,
    /// The room's id (its code) or its name.
    pub room: RoomId,
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
    /// A server without a room.
    #[error("the invite names no room")]
    NoRoom,
    /// The room's part breaks the rule for names.
    #[error("the invite names no valid room: {0}")]
    BadRoom(#[from] name::NameError),
}

impl std::fmt::Display for Invite {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.server {
            Some(server) => write!(f, "parlor://{server}/{}", escape(self.room.as_str())),
            None => write!(f, "{}", self.room),
        }
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
        if let Some((scheme, rest)) = text.split_once("://") {
            let port = match scheme.to_ascii_lowercase().as_str() {
                "parlor" => DEFAULT_PORT,
                "http" => 80,
                "https" => 443,
                _ => return Err(InviteError::NotAnInvite),
            };
            // What follows `?` or `#` belongs to newer versions.
            let rest = rest.split(['?', '#']).next().unwrap_or(rest);
            let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
            return Ok(Self { server: Some(server_of(server, port)?), room: room_of(path)? });
        }
        match text.split_once('/') {
            Some((server, path)) if looks_like_server(server) => {
                Ok(Self { server: Some(server_of(server, DEFAULT_PORT)?), room: room_of(path)? })
            }
            // A name may hold a slash.
            _ => Ok(Self { server: None, room: RoomId::new(name::check(text)?) }),
        }
    }
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

/// Checks `host[:port]` and adds the port if there is none.
fn server_of(text: &str, default_port: u16) -> Result<String, InviteError> {
    let (host, port) = match text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        Some((address, "")) => (address, None),
        Some((address, port)) => (address, Some(port.strip_prefix(':').ok_or(InviteError::BadServer)?)),
        None => text.rsplit_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let bracketed = text.starts_with('[');
    let valid = if bracketed {
        host.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        !host.is_empty() && host.len() <= 253 && host.chars().all(|c| c.is_alphanumeric() || ".-_".contains(c))
    };
    let port = match port {
        None => default_port,
        Some(port) => port.parse::<u16>().ok().filter(|p| *p != 0).ok_or(InviteError::BadServer)?,
    };
    match (valid, bracketed) {
        (false, _) => Err(InviteError::BadServer),
        (true, true) => Ok(format!("[{host}]:{port}")),
        (true, false) => Ok(format!("{host}:{port}")),
    }
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
        text.parse::<Invite>().map(|i| (i.server, i.room.as_str().to_owned()))
    }

    #[test]
    fn every_form_a_person_may_paste_is_understood() {
        for (text, server, room) in [
            ("parlor://example.org/k7wq2mnd", Some("example.org:1935"), "k7wq2mnd"),
            (" parlor://192.168.1.4:2000/k7wq2mnd/ \n", Some("192.168.1.4:2000"), "k7wq2mnd"),
            ("PARLOR://host/Weekly%20meeting", Some("host:1935"), "Weekly meeting"),
            ("<parlor://host/room?pin=abc#x>", Some("host:1935"), "room"),
            ("http://host:1935/room", Some("host:1935"), "room"),
            ("https://calls.example/room", Some("calls.example:443"), "room"),
            ("http://[::1]:1935/room", Some("[::1]:1935"), "room"),
            ("127.0.0.1:1935/room", Some("127.0.0.1:1935"), "room"),
            ("[::1]/room", Some("[::1]:1935"), "room"),
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
    fn a_shown_invite_reads_back() {
        for room in ["k7wq2mnd", "Q3/Q4 review?", "周会 二组", "50|50"] {
            let invite = Invite { server: Some("[::1]:1935".into()), room: RoomId::new(room) };
            assert_eq!(invite.to_string().parse(), Ok(invite));
        }
    }
}
