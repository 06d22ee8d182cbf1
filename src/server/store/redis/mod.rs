//! Rooms in Redis, for any number of server processes: all of them serve the same rooms.
//!
//! A room is one document. A process works on the room as it knows it and hands the result to a script, which takes it only if nobody was
//! faster; otherwise it answers with the newer room, and the process tries again. So the same [`Room`] decides
//! here and in memory, and what has not changed costs one question and no document. What other processes have to hear (somebody who waits
//! must look, a stream must end) is published; after a break in listening, [`News::Missed`] says that anything may have happened.
//!
//! Time is that of the Redis server, so that processes agree when somebody is due. Nothing is kept for ever: whatever no process touches
//! any more ends by itself.

mod connection;
mod known;
mod nodes;
mod order;

pub use nodes::Node;

use super::{Change, Due, Effects, Error, Later, Look, News, Store, Totals, Watcher};
use crate::base::Clock;
use crate::proto::api::{AudiencePage, Events, RoomPage, Viewer};
use crate::proto::{Event, Identity, MemberId, RoomId};
use crate::server::keyring::Ring;
use crate::server::limits::{CLAIM, EVENTS_PER_ANSWER, ROOM_TTL, SEATS_NOTED};
use crate::server::room::Room;
use connection::Connection;
use known::{Known, Memo};
use order::{Order, micros};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, broadcast};

/// How often a change is tried when others are faster; with one try at a time in each process, this many processes may fight.
const ATTEMPTS: u32 = 32;
/// Longest pause before another try, multiplied by how often it was tried.
const PAUSE: Duration = Duration::from_millis(2);
/// Rooms of one process that are fought for are taken in turns, in so many groups.
const TURNS: usize = 64;
/// Rooms that are looked at together when one is searched for.
const SEARCHED: usize = 256;
/// Due seats that one process takes at a time; the next ones wait for its next look, or for another process.
const DUE: usize = 256;

/// Rooms in Redis.
#[derive(Debug)]
pub struct Redis {
    connection: Connection,
    memo: Memo,
    turns: Vec<Mutex<()>>,
}

impl Redis {
    /// The rooms in the Redis at `url` (`redis://[[user]:password@]host[:port][/db]`), version 6.2 or later. Must be called in a tokio
    /// runtime; connects, and comes back by itself when the connection breaks later.
    ///
    /// # Errors
    /// When the address is none, or nobody answers there.
    pub async fn open(url: &str, clock: Clock) -> Result<Self, Error> {
        let turns = (0..TURNS).map(|_| Mutex::default()).collect();
        Ok(Self { connection: Connection::open(url, clock).await?, memo: Memo::default(), turns })
    }

    /// The keys behind tokens that all processes use: `own`, if there are none yet or these are the same with a newer one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn share_keys(&self, own: &Ring) -> Result<Ring, Error> {
        let text = serde_json::to_string(own).map_err(Error::damaged)?;
        let shared = self.connection.keys(&text, false).await?;
        let ring: Ring = serde_json::from_str(&shared).map_err(Error::damaged)?;
        if own.is_successor_of(&ring) {
            self.connection.keys(&text, true).await?;
            return Ok(own.clone());
        }
        Ok(ring)
    }

    async fn change(&self, id: &RoomId, due: Option<&Due>, change: Change<'_>) -> Result<(), Error> {
        let mut known = self.memo.find(id);
        let mut turn = None;
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tokio::time::sleep(PAUSE.mul_f64(rand::random::<f64>() * f64::from(attempt))).await;
                if turn.is_none() {
                    turn = Some(self.turn(id).lock().await);
                }
            }
            let now = self.connection.now();
            let mut slot = known.as_ref().map(|known| known.room.clone());
            let verdict = change(&mut slot, now);
            let order = Order::new(id, known.as_deref(), verdict, slot.as_mut(), due, now).map_err(Error::damaged)?;
            let reply = self.connection.change(&order).await?;
            let mut reply = reply.into_iter();
            match (reply.next().as_deref(), reply.next(), reply.next(), reply.next()) {
                (Some("done"), number, ..) => {
                    if let Some(mut room) = slot {
                        room.number = parse(number)?;
                        if let Some(known) = order.known(room, known.as_deref()) {
                            self.memo.insert(id, Arc::new(known));
                        }
                    }
                    return Ok(());
                }
                (Some("same" | "late"), ..) => return Ok(()),
                (Some("forgotten"), ..) => {
                    self.memo.remove(id);
                    return Ok(());
                }
                (Some("gone"), ..) => {
                    self.memo.remove(id);
                    known = None;
                }
                (Some("newer"), Some(version), Some(doc), number) => {
                    let newer = Arc::new(Known::read(version, doc, parse(number)?).map_err(Error::damaged)?);
                    self.memo.insert(id, newer.clone());
                    known = Some(newer);
                }
                (Some("full"), ..) => return Err(Error::Full),
                (Some("too many own"), own, ..) => return Err(Error::TooManyOwn(parse(own)?)),
                _ => return Err(Error::damaged("an answer that is none")),
            }
        }
        Err(Error::Busy)
    }

    async fn show(&self, id: &RoomId, since: Option<u64>, look: Look<'_>) -> Result<(), Error> {
        let known = self.memo.find(id);
        let version = known.as_deref().map_or("", |known| &known.version);
        let reply = self.connection.view(id, version, since, EVENTS_PER_ANSWER).await?;
        let mut reply = reply.into_iter();
        let known = match (reply.next().as_deref(), reply.next(), reply.next(), reply.next()) {
            (Some("gone"), ..) => {
                self.memo.remove(id);
                return Ok(());
            }
            (Some("same"), ..) => known.ok_or_else(|| Error::damaged("a room that nobody knows"))?,
            (Some("newer"), Some(version), Some(doc), number) => {
                let newer = Arc::new(Known::read(version, doc, parse(number)?).map_err(Error::damaged)?);
                self.memo.insert(id, newer.clone());
                newer
            }
            _ => return Err(Error::damaged("an answer that is none")),
        };
        let (first, last) = (parse(reply.next())?, parse(reply.next())?);
        let events = match since {
            None => Events::default(),
            Some(since) => {
                let kept: Result<Vec<Event>, _> = reply.map(|event| serde_json::from_str(&event)).collect();
                events_since(since, first, last, kept.map_err(Error::damaged)?)
            }
        };
        look(&known.room, events);
        Ok(())
    }

    async fn page(&self, offset: usize, limit: usize) -> Result<RoomPage, Error> {
        let mut reply = self.connection.list(offset, limit).await?.into_iter();
        let total = parse(reply.next())?;
        let rooms = reply.map(|doc| serde_json::from_str::<Room>(&doc).map(|room| room.summary()));
        Ok(RoomPage { rooms: rooms.collect::<Result<_, _>>().map_err(Error::damaged)?, total })
    }

    fn turn(&self, id: &RoomId) -> &Mutex<()> {
        let sum = id.as_str().bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        &self.turns[sum % TURNS]
    }
}

impl Store for Redis {
    fn update<'a>(&'a self, room: &'a RoomId, due: Option<&'a Due>, change: Change<'a>) -> Later<'a, Effects> {
        Box::pin(async move {
            self.change(room, due, change).await?;
            // This process hears of them as all others do.
            Ok(Effects::default())
        })
    }

    fn view<'a>(&'a self, room: &'a RoomId, since: Option<u64>, look: Look<'a>) -> Later<'a, ()> {
        Box::pin(self.show(room, since, look))
    }

    fn find<'a>(&'a self, name: &'a str) -> Later<'a, Option<RoomId>> {
        Box::pin(async move { Ok(self.connection.find(name).await?.pop().map(RoomId::new)) })
    }

    fn list<'a>(&'a self, search: &'a str, offset: usize, limit: usize) -> Later<'a, RoomPage> {
        Box::pin(async move {
            if search.is_empty() {
                return self.page(offset, limit).await;
            }
            let search = search.to_lowercase();
            let (mut found, mut skip) = (Vec::new(), 0);
            loop {
                let page = self.page(skip, SEARCHED).await?;
                skip += SEARCHED;
                found.extend(page.rooms.into_iter().filter(|room| room.name.to_lowercase().contains(&search)));
                if skip >= page.total {
                    break;
                }
            }
            let total = found.len();
            Ok(RoomPage { rooms: found.into_iter().skip(offset).take(limit).collect(), total })
        })
    }

    fn due(&self) -> Later<'_, Vec<Due>> {
        Box::pin(async move {
            // As exact as what is kept, or no claim would ever be met.
            let now = Duration::from_micros(micros(self.connection.now()));
            let claim = now + CLAIM;
            let due = self.connection.due(now, claim, DUE).await?.into_iter().map(|who| match who.split_once(' ') {
                Some((room, member)) => Due { room: RoomId::new(room), member: Some(MemberId::new(member)), claim },
                None => Due { room: RoomId::new(who), member: None, claim },
            });
            Ok(due.collect())
        })
    }

    fn totals(&self) -> Later<'_, Totals> {
        Box::pin(async move {
            let mut reply = self.connection.totals().await?.into_iter();
            Ok(Totals { rooms: parse(reply.next())?, members: parse(reply.next())?, audience: None })
        })
    }

    fn began(&self) -> Later<'_, Duration> {
        Box::pin(async move { Ok(Duration::from_micros(parse(self.connection.began().await?.pop())?)) })
    }

    fn sign_in<'a>(&'a self, identity: &'a Identity, wanted_us: u64) -> Later<'a, (u64, Vec<RoomId>)> {
        Box::pin(async move {
            let mut reply = self.connection.person("sign in", identity, &[wanted_us.to_string()]).await?.into_iter();
            Ok((parse(reply.next())?, reply.map(RoomId::new).collect()))
        })
    }

    fn newest<'a>(&'a self, identity: &'a Identity, issued_us: u64) -> Later<'a, u64> {
        Box::pin(async move { parse(self.connection.person("newest", identity, &[issued_us.to_string()]).await?.pop()) })
    }

    fn note_seat<'a>(&'a self, identity: &'a Identity, room: &'a RoomId) -> Later<'a, ()> {
        Box::pin(async move {
            let words = [room.to_string(), SEATS_NOTED.to_string()];
            self.connection.person("seat", identity, &words).await.map(drop)
        })
    }

    fn news(&self) -> broadcast::Receiver<News> {
        self.connection.news()
    }

    fn all(&self, offset: usize, limit: usize) -> Later<'_, (Vec<Room>, usize)> {
        Box::pin(async move {
            let mut reply = self.connection.all(offset, limit).await?.into_iter();
            let (total, mut rooms) = (parse(reply.next())?, Vec::new());
            while let Some(number) = reply.next() {
                let doc = reply.next().ok_or_else(|| Error::damaged("a room without a document"))?;
                let known = Known::read(String::new(), doc, parse(Some(number))?).map_err(Error::damaged)?;
                rooms.push(known.room);
            }
            Ok((rooms, total))
        })
    }

    fn messages<'a>(&'a self, room: &'a RoomId, before: Option<u64>, limit: usize) -> Later<'a, (Vec<Event>, bool)> {
        Box::pin(async move {
            // One more than is told, to know whether there is one.
            let newest = self.connection.messages(room, before, limit + 1).await?;
            let more = newest.len() > limit;
            let events: Result<Vec<Event>, _> =
                newest.iter().take(limit).rev().map(|event| serde_json::from_str(event)).collect();
            Ok((events.map_err(Error::damaged)?, more))
        })
    }

    fn watch<'a>(&'a self, room: &'a RoomId, watcher: &'a Watcher, until: Duration, cap: usize) -> Later<'a, Option<usize>> {
        Box::pin(async move {
            let doc = serde_json::to_string(watcher).map_err(Error::damaged)?;
            let (until, cap, ttl) = (micros(until).to_string(), cap.to_string(), ROOM_TTL.as_millis().to_string());
            let reply = self.connection.audience("watch", room, &[watcher.viewer.as_str(), &doc, &until, &cap, &ttl]).await?;
            reply.into_iter().next().map(|count| parse(Some(count))).transpose()
        })
    }

    fn watcher<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, Option<Watcher>> {
        Box::pin(async move {
            let found = self.connection.audience("find", room, &[viewer.as_str()]).await?.pop();
            found.map(|doc| serde_json::from_str(&doc)).transpose().map_err(Error::damaged)
        })
    }

    fn unwatch<'a>(&'a self, room: &'a RoomId, viewer: &'a MemberId) -> Later<'a, bool> {
        Box::pin(
            async move { Ok(self.connection.audience("drop", room, &[viewer.as_str()]).await?.pop().as_deref() == Some("1")) },
        )
    }

    fn audience<'a>(&'a self, room: &'a RoomId, offset: usize, limit: usize) -> Later<'a, AudiencePage> {
        Box::pin(async move {
            let (offset, limit) = (offset.to_string(), limit.to_string());
            let mut reply = self.connection.audience("page", room, &[&offset, &limit]).await?.into_iter();
            let total = parse(reply.next())?;
            let viewer = |doc: String| serde_json::from_str::<Watcher>(&doc).map(|w| Viewer { viewer: w.viewer, name: w.name });
            Ok(AudiencePage { viewers: reply.map(viewer).collect::<Result<_, _>>().map_err(Error::damaged)?, total })
        })
    }
}

/// What is told of the events `first..=last` to whoever knows those up to `since`; `kept` are the ones after that.
fn events_since(since: u64, first: u64, last: u64, kept: Vec<Event>) -> Events {
    let gap = since > last || since.saturating_add(1) < first;
    let next = if since > last { last } else { kept.last().map_or(since, |event| event.seq) };
    Events { events: kept, next, gap }
}

/// A number in an answer.
fn parse<T: std::str::FromStr>(text: Option<String>) -> Result<T, Error> {
    text.and_then(|text| text.parse().ok()).ok_or_else(|| Error::damaged("a number that is none"))
}
