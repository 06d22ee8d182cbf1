//! The connection to Redis: scripts, what is published, and the server's time.

use super::order::{Order, micros};
use crate::base::Clock;
use crate::proto::{Identity, RoomId};
use crate::server::limits::SESSION;
use crate::server::store::{Error, News};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, IntoConnectionInfo, ProtocolVersion, PushInfo, PushKind, Script};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinHandle;

/// What all our keys begin with.
const PREFIX: &str = "parlor:";
/// How long a connection may take to come up.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take; scripts take well below a millisecond.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a request may take in all, waiting for the connection included.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is made sure that we listen and what time it is.
const CARE: Duration = Duration::from_secs(5);
/// Keys that no process has asked for during this time are of no use: every session has ended.
const KEYS: Duration = SESSION;
/// News that wait to be read; whoever falls further behind is told that it missed some.
const NEWS: usize = 4096;
/// A measurement of the time that took longer says too little.
const SHARP: Duration = Duration::from_millis(50);
/// Requests under way on the one connection.
const PIPELINE: usize = 1024;

/// A connection that comes back by itself.
pub(super) struct Connection {
    manager: ConnectionManager,
    scripts: Scripts,
    news: broadcast::Sender<News>,
    clock: Clock,
    /// Time of the Redis server minus that of our clock, in microseconds.
    offset_us: Arc<AtomicI64>,
    care: JoinHandle<()>,
}

struct Scripts {
    change: Script,
    view: Script,
    list: Script,
    find: Script,
    due: Script,
    totals: Script,
    all: Script,
    messages: Script,
    audience: Script,
    keys: Script,
    announce: Script,
    nodes: Script,
    place: Script,
    people: Script,
    began: Script,
}

impl Default for Scripts {
    fn default() -> Self {
        let script = |text| Script::new(&format!("{}{text}", include_str!("common.lua")));
        Self {
            change: script(include_str!("change.lua")),
            view: script(include_str!("view.lua")),
            list: script(include_str!("list.lua")),
            find: script(include_str!("find.lua")),
            due: script(include_str!("due.lua")),
            totals: script(include_str!("totals.lua")),
            all: script(include_str!("all.lua")),
            messages: script(include_str!("messages.lua")),
            audience: script(include_str!("audience.lua")),
            keys: script(include_str!("keys.lua")),
            announce: script(include_str!("announce.lua")),
            nodes: script(include_str!("nodes.lua")),
            place: script(include_str!("place.lua")),
            people: script(include_str!("people.lua")),
            began: script(include_str!("began.lua")),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

impl Connection {
    pub async fn open(url: &str, clock: Clock) -> Result<Self, Error> {
        let info = url.into_connection_info().map_err(Error::unavailable)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings)).map_err(Error::unavailable)?;
        let (news, _) = broadcast::channel(NEWS);
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER))
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500))
            .set_number_of_retries(3)
            .set_pipeline_buffer_size(PIPELINE)
            .set_push_sender(ear(news.clone()))
            .set_automatic_resubscription();
        let connect = ConnectionManager::new_with_config(client, config);
        let mut manager = connect.await.map_err(Error::unavailable)?;
        manager.subscribe(channel()).await.map_err(Error::unavailable)?;
        let offset_us = Arc::new(AtomicI64::new(0));
        let care = tokio::spawn(care(manager.clone(), clock.clone(), offset_us.clone()));
        Ok(Self { manager, scripts: Scripts::default(), news, clock, offset_us, care })
    }

    /// The time that all processes agree on.
    pub fn now(&self) -> Duration {
        let (now, offset_us) = (self.clock.now(), self.offset_us.load(Ordering::Relaxed));
        let offset = Duration::from_micros(offset_us.unsigned_abs());
        if offset_us < 0 { now.saturating_sub(offset) } else { now + offset }
    }

    pub fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    pub async fn change(&self, order: &Order<'_>) -> Result<Vec<String>, Error> {
        let order = serde_json::to_string(order).map_err(Error::damaged)?;
        self.ask(self.scripts.change.arg(PREFIX).arg(order)).await
    }

    pub async fn view(&self, room: &RoomId, version: &str, since: Option<u64>, most: usize) -> Result<Vec<String>, Error> {
        let since = since.map(|since| since.to_string()).unwrap_or_default();
        self.ask(self.scripts.view.arg(PREFIX).arg(room.as_str()).arg(version).arg(since).arg(most)).await
    }

    pub async fn list(&self, skip: usize, most: usize) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.list.arg(PREFIX).arg(skip).arg(most)).await
    }

    pub async fn find(&self, name: &str) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.find.arg(PREFIX).arg(name)).await
    }

    pub async fn due(&self, now: Duration, claim: Duration, most: usize) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.due.arg(PREFIX).arg(micros(now)).arg(micros(claim)).arg(most)).await
    }

    pub async fn totals(&self) -> Result<Vec<String>, Error> {
        self.ask(&self.scripts.totals.arg(PREFIX)).await
    }

    pub async fn all(&self, skip: usize, most: usize) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.all.arg(PREFIX).arg(skip).arg(most)).await
    }

    pub async fn messages(&self, room: &RoomId, before: Option<u64>, most: usize) -> Result<Vec<String>, Error> {
        let before = before.map(|before| before.to_string()).unwrap_or_default();
        self.ask(self.scripts.messages.arg(PREFIX).arg(room.as_str()).arg(before).arg(most)).await
    }

    /// Does something with those who watch a room; see `audience.lua`.
    pub async fn audience(&self, what: &str, room: &RoomId, more: &[&str]) -> Result<Vec<String>, Error> {
        let now = micros(self.now()).to_string();
        let mut script = self.scripts.audience.prepare_invoke();
        script.arg(PREFIX).arg(what).arg(room.as_str()).arg(now);
        for word in more {
            script.arg(*word);
        }
        self.ask(&script).await
    }

    /// The keys kept there; `text` if there are none, or if they are to be `replaced`.
    pub async fn keys(&self, text: &str, replaced: bool) -> Result<String, Error> {
        let mut answer = self.ask(self.scripts.keys.arg(PREFIX).arg(text).arg(replaced).arg(KEYS.as_millis())).await?;
        answer.pop().ok_or_else(|| Error::damaged("keys that are none"))
    }

    pub async fn announce(&self, id: &str, node: &str, streams: &[String], ttl: Duration) -> Result<Vec<String>, Error> {
        let mut script = self.scripts.announce.arg(PREFIX);
        script.arg(id).arg(node).arg(micros(self.now() + ttl)).arg(milliseconds(ttl)).arg(streams);
        self.ask(&script).await
    }

    /// The processes that live, less the one that is `leaving`.
    pub async fn nodes(&self, leaving: &str) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.nodes.arg(PREFIX).arg(micros(self.now())).arg(leaving)).await
    }

    /// The process that has a stream, after it was said that `node` has it for `ttl`, or (without) no more; with an empty `node` nothing is said.
    pub async fn place(&self, stream: &str, node: &str, ttl: Option<Duration>) -> Result<Option<String>, Error> {
        let ttl = ttl.map(milliseconds).unwrap_or_default();
        Ok(self.ask(self.scripts.place.arg(PREFIX).arg(stream).arg(node).arg(ttl)).await?.pop())
    }

    /// What is known of a person; see `people.lua`.
    pub async fn person(&self, what: &str, identity: &Identity, words: &[String]) -> Result<Vec<String>, Error> {
        let mut script = self.scripts.people.arg(PREFIX);
        script.arg(what).arg(identity.as_str()).arg(milliseconds(SESSION)).arg(words);
        self.ask(&script).await
    }

    /// Since when the store remembers, in microseconds.
    pub async fn began(&self) -> Result<Vec<String>, Error> {
        self.ask(self.scripts.began.arg(PREFIX).arg(micros(self.now())).arg(milliseconds(SESSION))).await
    }

    async fn ask(&self, script: &redis::ScriptInvocation<'_>) -> Result<Vec<String>, Error> {
        let mut manager = self.manager.clone();
        match tokio::time::timeout(PATIENCE, script.invoke_async(&mut manager)).await {
            Ok(answer) => answer.map_err(Error::unavailable),
            Err(elapsed) => Err(Error::unavailable(elapsed)),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.care.abort();
    }
}

fn milliseconds(time: Duration) -> String {
    time.as_millis().to_string()
}

fn channel() -> String {
    format!("{PREFIX}news")
}

/// Passes on what is published. After a break it says that some was missed.
fn ear(news: broadcast::Sender<News>) -> impl Fn(PushInfo) -> Result<(), redis::aio::SendError> + Send + Sync {
    let broken = AtomicBool::new(false);
    move |push| {
        let heard = match push.kind {
            PushKind::Disconnection => {
                broken.store(true, Ordering::Relaxed);
                None
            }
            PushKind::Subscribe => broken.swap(false, Ordering::Relaxed).then_some(News::Missed),
            PushKind::Message => {
                redis::Msg::from_push_info(push).and_then(|message| read(&message.get_payload::<String>().ok()?))
            }
            _ => None,
        };
        if let Some(heard) = heard {
            // Nobody listens: nobody is to be told.
            let _ = news.send(heard);
        }
        Ok(())
    }
}

fn read(payload: &str) -> Option<News> {
    let (what, of) = payload.split_once(' ')?;
    match what {
        "woken" => Some(News::Woken(RoomId::new(of))),
        "signed" => {
            let (identity, issued_us) = of.split_once(' ')?;
            Some(News::SignedIn(Identity::new(identity), issued_us.parse().ok()?))
        }
        "kicked" => Some(News::Kicked(of.to_owned())),
        _ => None,
    }
}

/// Makes sure, now and then, that we listen, and what time it is there.
async fn care(mut manager: ConnectionManager, clock: Clock, offset_us: Arc<AtomicI64>) {
    let mut ticks = tokio::time::interval(CARE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = manager.subscribe(channel()).await {
            tracing::warn!(%error, "the store of rooms does not answer");
            continue;
        }
        // Stepped time is everybody's already.
        if clock.is_manual() {
            continue;
        }
        let asked = clock.now();
        let answer: Result<(u64, u64), _> = redis::cmd("TIME").query_async(&mut manager).await;
        let answered = clock.now();
        if let Ok((seconds, micros)) = answer
            && answered - asked <= SHARP
        {
            let there = Duration::from_secs(seconds) + Duration::from_micros(micros);
            let here = asked + (answered - asked) / 2;
            let offset = signed_us(there) - signed_us(here);
            offset_us.store(offset, Ordering::Relaxed);
        }
    }
}

fn signed_us(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
