//! Every limit of the room service, with its reason.

use crate::base::settings;
use crate::proto::Mode;
use std::time::Duration;

/// A member whose heartbeat has not been heard for this long, and whose stream does not flow, is gone. Heartbeats come every 5 s.
pub const GONE: Duration = Duration::from_secs(20);
/// How long after taking a seat the stream must flow. Longer than a slow camera takes to open, as short as a member's silence.
pub const PENDING: Duration = Duration::from_secs(20);
/// A silent member whose stream flows is looked at again after this time.
pub const RECHECK: Duration = Duration::from_secs(5);
/// A member without heartbeat has at least this long to bring a broken stream back.
pub const STREAM_GRACE: Duration = Duration::from_secs(5);
/// How often deadlines are looked at: with [`GONE`] and [`RECHECK`] a crash is noticed within 25 s.
pub const TICK: Duration = Duration::from_secs(1);
/// Whoever was told that a seat is due has this long to look at its stream; then somebody else is told.
pub const CLAIM: Duration = Duration::from_secs(5);
/// In a store that outlives this process, a room that no process has touched for this long is gone. Each member's deadline, at most
/// [`GONE`] away, touches it.
pub const ROOM_TTL: Duration = Duration::from_secs(600);
/// Rooms of somebody who has signed in under a key of their own that are left when they sign in elsewhere; they have hardly more than one.
pub const SEATS_NOTED: usize = 16;
/// Bytes of such a key, at least and at most: nobody guesses one, and it is no novel.
pub const IDENTITY_KEY_BYTES: std::ops::RangeInclusive<usize> = 16..=256;
/// A server process that has not been heard of for this long is gone, with its streams. They say so every third of it.
pub const NODE_TTL: Duration = Duration::from_secs(9);
/// How long a dissolved room is remembered, so that those who were in it hear why.
pub const AFTERLIFE: Duration = Duration::from_secs(60);

/// Events kept of a room: minutes of a busy chat. Whoever missed more fetches the state.
pub const EVENTS: usize = 512;
/// Bytes of text in the events kept of a room, so that a thousand rooms full of long messages stay below 256 MiB.
pub const EVENT_BYTES: usize = 256 * 1024;
/// Events in one answer.
pub const EVENTS_PER_ANSWER: usize = 128;
/// Messages of one member whose numbers are remembered to recognise a repeated request.
pub const NONCES: usize = 32;

/// Bytes of a line of chat.
pub const TEXT_BYTES: usize = 4096;
/// Bytes of a custom message's command.
pub const COMMAND_BYTES: usize = 64;
/// Bytes of a custom message's data.
pub const DATA_BYTES: usize = 8192;
/// Bytes of a password: nobody types more.
pub const PASSWORD_BYTES: usize = 256;
/// Bytes of a request's body: the longest message with every character escaped fits.
pub const BODY_BYTES: usize = 64 * 1024;

/// Bytes of what a creator notes about a room.
pub const INFO_BYTES: usize = 1024;
/// Custom fields of a room.
pub const FIELDS: usize = 32;
/// Bytes of a custom field's key.
pub const FIELD_KEY_BYTES: usize = 64;
/// Bytes of a text in a custom field: all of them together fit into a receipt.
pub const FIELD_TEXT_BYTES: usize = 256;
/// Marks of removed people that a room remembers; each person has two. A host who removes more has other troubles.
pub const REMOVED: usize = 128;
/// Messages kept of a room for those who come later.
pub const HISTORY: usize = 200;
/// Bytes of text in the messages kept of a room.
pub const HISTORY_BYTES: usize = 128 * 1024;
/// Messages on one page of what was said: with every character escaped, a page of long ones is below a megabyte.
pub const MESSAGES_PER_PAGE: usize = 50;
/// Messages that a member gives back in one request.
pub const RETURNED: usize = 100;
/// Bytes of a request that brings a room back: the largest receipt and as many messages as fit beside it.
pub const RESTORE_BYTES: usize = 256 * 1024;
/// Messages older than this are not taken back.
pub const RETURN_AGE: Duration = Duration::from_secs(3600);
/// A receipt is good for this long; members get a fresh one with every change in the room, and at least every hour.
pub const RECEIPT: Duration = Duration::from_secs(6 * 3600);
/// Members of whom one member tells figures.
pub const FIGURES_PER_MEMBER: usize = 16;
/// Members whose figures are kept.
pub const FIGURES: usize = 100_000;

/// Rooms on one page of the list.
pub const PAGE: usize = 100;
/// Rooms that one person may have created and that still exist.
pub const ROOMS_PER_PERSON: usize = 8;
/// Longest wait of a long poll: below the 30 s after which many proxies cut.
pub const LONGEST_WAIT: Duration = Duration::from_secs(25);
/// Long polls of one member at the same time; a second one covers a client that reconnects before the server noticed.
pub const POLLS_PER_MEMBER: usize = 2;
/// How long any request may take, a long poll included.
pub const REQUEST: Duration = Duration::from_secs(30);

/// A store of rooms that has not answered after this time counts as out of reach.
pub const REACHABLE: Duration = Duration::from_secs(2);

/// A session ends after this time; clients sign in anew by themselves.
pub const SESSION: Duration = Duration::from_secs(7 * 24 * 3600);
/// A publish or play token is good for at least this long (and never longer than the seats it speaks of).
pub const STREAM_TOKEN: Duration = Duration::from_secs(12 * 3600);
/// Expiries of stream tokens are rounded up to this, so that an unchanged member's URL does not change with every answer.
pub const STREAM_TOKEN_STEP: Duration = Duration::from_secs(3600);

/// Requests of one person: a client makes about one a second, and a burst when many join.
pub const REQUESTS: Rate = Rate { burst: 120.0, per_s: 30.0 };
/// Messages of one person.
pub const MESSAGES: Rate = Rate { burst: 40.0, per_s: 10.0 };
/// Sign-ins from one address: a company behind one router starts its day at once.
pub const LOGINS: Rate = Rate { burst: 500.0, per_s: 50.0 };
/// Wrong passwords from one address.
pub const WRONG_PASSWORDS: Rate = Rate { burst: 10.0, per_s: 0.3 };
/// Wrong access keys, and wrong admin keys, from one address.
pub const WRONG_KEYS: Rate = Rate { burst: 10.0, per_s: 0.1 };
/// Persons or addresses whose rates are remembered.
pub const BUCKETS: usize = 65_536;

/// How often something may happen.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// At once, after a rest.
    pub burst: f64,
    /// In the long run, per second.
    pub per_s: f64,
}

settings! {
    /// How many rooms and seats there may be.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Limits {
        /// Rooms at the same time, dissolved ones that are still remembered included.
        pub rooms: usize = 1000 => 1..=1_000_000;
        /// Seats of a two-party call.
        pub duo: usize = Mode::Duo.default_cap() => 1..=1000;
        /// Seats of a multi-party call.
        pub multi: usize = Mode::Multi.default_cap() => 1..=1000;
        /// Publishers of a live room.
        pub live: usize = Mode::Live.default_cap() => 1..=1000;
        /// Viewers of one live room.
        pub audience: usize = 1000 => 0..=1_000_000;
    }
}

impl Limits {
    /// Seats of a room of that mode.
    pub const fn cap(&self, mode: Mode) -> usize {
        match mode {
            Mode::Duo => self.duo,
            Mode::Multi => self.multi,
            Mode::Live => self.live,
        }
    }
}
