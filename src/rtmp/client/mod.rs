//! The calling side of one connection: publishes or plays one stream.
//!
//! A session goes by itself through handshake, `connect`, `createStream` and `publish` or `play`; the owner moves bytes
//! and waits for [`Event::Started`] or [`Event::Refused`].

mod session;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use session::Session;

pub use super::Error;
use super::{Packet, Reception};

/// How many events may wait to be polled. A read of 64 KiB holds at most a few hundred of a real peer's messages.
pub const MAX_EVENTS: usize = 8192;

/// What to do on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Send it.
    Publish,
    /// Receive it.
    Play,
}

/// What to connect to, and how.
#[derive(Clone, Debug)]
pub struct Config {
    /// The application: the URL's first path element.
    pub app: String,
    /// The URL up to and with the application: `rtmp://host:port/app`.
    pub tc_url: String,
    /// The stream's name with its `?query`.
    pub name: String,
    /// Publish or play.
    pub role: Role,
    /// What we say we are. Servers look for `FMLE` in publishers.
    pub flash_ver: String,
    /// How much a player says it buffers.
    pub buffer: Duration,
    /// How long the server may take until the stream is asked for, and to let a publisher begin. A player may wait
    /// for its publisher for ever.
    pub set_up_timeout: Duration,
}

impl Config {
    /// The usual values for the rest.
    pub fn new(role: Role, tc_url: &str, app: &str, name: &str) -> Self {
        Self {
            app: app.to_owned(),
            tc_url: tc_url.to_owned(),
            name: name.to_owned(),
            role,
            flash_ver: match role {
                Role::Publish => "FMLE/3.0 (compatible; Parlor)".to_owned(),
                Role::Play => "LNX 9,0,124,2".to_owned(),
            },
            buffer: Duration::from_millis(100),
            set_up_timeout: Duration::from_secs(10),
        }
    }
}

/// Something the server did.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The stream is being published or played.
    Started,
    /// A packet of the stream that is played.
    Packet(Packet),
    /// The server asks for a key frame of the stream that is published.
    KeyFrameRequested,
    /// How the stream that is published arrives at the player who receives it worst.
    Reception(Reception),
    /// The server said no. Nothing more will happen.
    Refused {
        /// The status code, such as `NetStream.Publish.BadName`.
        code: String,
        /// The server's own words.
        description: String,
    },
    /// The stream has ended: its publisher is gone, or we were told to stop. A player may see it start again.
    Ended,
}
