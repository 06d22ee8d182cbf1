//! Where rooms are kept: [`Memory`] for one server process, [`Redis`] for several. What happens to a room is decided by [`Room`] alone; a store keeps rooms, their events and their deadlines, and lets changes of one room happen one after the other.

mod history;
mod memory;
mod redis;
mod ring;

pub use memory::Memory;
pub use redis::{Node, Redis};

use super::room::{Marks, Room};
use crate::proto::api::{AudiencePage, Events, RoomPage};
use crate::proto::{Code, Event, Identity, MemberId, Problem, RoomId};
use serde::{Deserialize, Serialize};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::broadcast;

/// An answer that may take a while; a store in memory has it ready at once.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// A change of a room, given the time. `None` is a room that does not exist; it may be put there, and it may be taken away. Must do
/// nothing else, and must leave the room alone when it decides to [`Keep`](Verdict::Keep) it: it may be run again on a newer value.
pub type Change<'a> = &'a mut (dyn FnMut(&mut Option<Room>, Duration) -> Verdict + Send);

/// A look at a room, with the events that were asked for.
pub type Look<'a> = &'a mut (dyn FnMut(&Room, Events) + Send);

/// What shall become of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing was changed.
    Keep,
    /// Keep what was changed, and do what the room's outbox says.
    Commit,
    /// As `Commit`; the room is a new one. Refused when there are `rooms` already, or when its creator has [`ROOMS_PER_PERSON`].
    ///
    /// [`ROOMS_PER_PERSON`]: super::limits::ROOMS_PER_PERSON
    Create {
        /// Most rooms that there may be.
        rooms: usize,
    },
}

/// What the caller has to do on this machine after a change.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Rooms whose waiting members have to look.
    pub woken: Vec<RoomId>,
    /// Streams to end.
    pub kicked: Vec<String>,
}

/// Something whose time is up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The room.
    pub room: RoomId,
    /// The seat; `None` is the room itself, to be forgotten.
    pub member: Option<MemberId>,
    /// Until when it is the asking process' to deal with: later it is handed out again.
    pub claim: Duration,
}

/// How much there is in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Open rooms.
    pub rooms: usize,
    /// Seats that are taken in them.
    pub members: usize,
    /// Viewers of live rooms, where that is known without looking at each room.
    pub audience: Option<usize>,
}

/// Something that happened, perhaps in another process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Those who wait there have to look.
    Woken(RoomId),
    /// That stream has to end, if it is here.
    Kicked(String),
    /// Somebody has signed in under a key of their own, at that time.
    SignedIn(Identity, u64),
    /// Nobody was listening for a while: anything may have happened.
    Missed,
}

/// Somebody who watches a room without a seat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watcher {
    /// Their id in the audience.
    pub viewer: MemberId,
    /// Display name.
    pub name: String,
    /// By what they are known if they are removed.
    pub marks: Marks,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There are as many rooms as there may be.
    #[error("the server has as many rooms as it may have")]
    Full,
    /// The room's creator has that many already.
    #[error("you have {0} rooms already; leave one first")]
    TooManyOwn(usize),
    /// Others changed the room again and again.
    #[error("too much happens in this room at once; try again in a moment")]
    Busy,
    /// The store is elsewhere and does not answer.
    #[error("the server cannot reach its store of rooms; calls go on, try again in a moment")]
    Unavailable(#[source] Cause),
    /// The store answers what it should not.
    #[error("the server's store of rooms holds something that this server does not understand")]
    Damaged(#[source] Cause),
}

/// What was wrong, in the words of whoever saw it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

impl Error {
    fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }

    fn damaged(cause: impl Into<Cause>) -> Self {
        Self::Damaged(cause.into())
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Full => Code::ServerFull,
            Error::TooManyOwn(_) => Code::RateLimited,
            Error::Busy => Code::StoreUnavailable,
            Error::Unavailable(cause) | Error::Damaged(cause) => {
                tracing::warn!(%cause, "{error}");
                if matches!(error, Error::Damaged(_)) { Code::Internal } else { Code::StoreUnavailable }
            }
        };
        Self::new(code, error.to_string())
    }
}

/// Rooms, their events and their deadlines.
pub trait Store: Send + Sync + 'static {
    /// Runs `change` so that nobody's change of that room comes between. With `due`, only if there was no sign of life since it was
    /// handed out; otherwise `change` may not be run at all.
    fn update<'a>(&'a self, room: &'a RoomId, due: Option<&'a Due>, change: Change<'a>) -> Later<'a, Effects>;

    /// Shows the room as it is now, and what happened in it after event number `since` (`None`: no events); does not call `look` if there is no such room.
    fn view<'a>(&'a self, room: &'a RoomId, since: Option<u64>, look: Look<'a>) -> Later<'a, ()>;

    /// The newest listed room of that name.
    fn find<'a>(&'a self, name: &'a str) -> Later<'a, Option<RoomId>>;

    /// A page of the listed rooms whose name contains `search` in large or small letters, newest first; `limit` is not questioned.
    fn list<'a>(&'a self, search: &'a str, offset: usize, limit: usize) -> Later<'a, RoomPage>;

    /// How much there is in all. Looks at every room: for whoever asks a few times a minute.
    fn totals(&self) -> Later<'_, Totals>;

    /// What is due. Each is handed out once, and again when its claim ends without a change of its deadline.
    fn due(&self) -> Later<'_, Vec<Due>>;

    /// Since when this store remembers: a room that it does not know, but that was there since then, is over.
    fn began(&self) -> Later<'_, Duration>;

    /// Somebody signs in under a key of their own, at that time (microseconds since 1970) or a little later. Returns when, and where seats were
    /// [noted](Self::note_seat) since they signed in before.
    fn sign_in<'a>(&'a self, identity: &'a Identity, wanted_us: u64) -> Later<'a, (u64, Vec<RoomId>)>;

    /// When somebody signed in last; `issued_us`, or a little later, if that is not known.
    fn newest<'a>(&'a self, identity: &'a Identity, issued_us: u64) -> Later<'a, u64>;

    /// Somebody who signed in under a key of their own has a seat there.
    fn note_seat<'a>(&'a self, identity: &'a Identity, room: &'a RoomId) -> Later<'a, ()>;

    /// What happens from now on and was not among the [`Effects`] of this very process.
    fn news(&self) -> broadcast::Receiver<News>;

    /// A page of all open rooms, listed or not, newest first, and how many there are.
    fn all(&self, offset: usize, limit: usize) -> Later<'_, (Vec<Room>, usize)>;

    /// The newest `limit` messages of a room with a lower number than `before`, oldest first, and whether older ones are kept.
    fn messages<'a>(&'a self, room: &'a RoomId, before: Option<u64>, limit: usize) -> Later<'a, (Vec<Event>, bool)>;

    /// Lets somebody watch until then; who watches already stays until then. Returns how many watch, or nothing if `cap` others do.
    fn watch<'a>(&'a self, room: &'a RoomId, watcher: &'a Watcher, until: Duration, cap: usize) -> Later<'a, Option<usize>>;

    /// Somebody who watches.
    fn watcher<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, Option<Watcher>>;

    /// Makes somebody stop watching. False if they did not.
    fn unwatch<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, bool>;

    /// A page of those who watch, by id, and how many there are.
    fn audience<'a>(&'a self, room: &'a RoomId, offset: usize, limit: usize) -> Later<'a, AudiencePage>;
}
