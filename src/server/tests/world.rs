//! A service with stepped time and streams that flow when the test says so.

#[path = "../../../tests/rooms/redis_server.rs"]
pub mod redis_server;

use crate::base::Clock;
use crate::proto::api::{CreateRoom, Enter, MessageBody, RoomPage, SendMessage, Sending};
use crate::proto::{Code, EventKind, Identity, Mode, Problem, RoomId};
use crate::server::limits::{Limits, TICK};
use crate::server::room::id;
use crate::server::store::{Memory, Redis, Store};
use crate::server::token::{Holder, Keys, Person};
use crate::server::{MediaSide, Service};
use redis_server::RedisServer;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::task::JoinHandle;

pub const T0: Duration = Duration::from_secs(1_700_000_000);
pub const S: fn(u64) -> Duration = Duration::from_secs;
pub const VIA: &str = "rtmp://h:1";
pub const FROM: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

pub fn person(name: &str) -> Person {
    Person { identity: Identity::new(format!("id-{name}")), name: name.to_owned(), issued_us: 0 }
}

pub fn wish(name: &str, mode: Mode) -> CreateRoom {
    CreateRoom::new(name, mode)
}

pub fn stream_name(holder: &Holder) -> String {
    id::stream_name(&holder.room, &holder.member)
}

/// Which streams flow, and which were ended.
#[derive(Default)]
pub struct Streams {
    live: Mutex<BTreeSet<String>>,
    kicked: Mutex<Vec<String>>,
}

impl Streams {
    pub fn begin(&self, stream: &str) {
        self.live.lock().unwrap().insert(stream.to_owned());
    }

    pub fn end(&self, stream: &str) {
        self.live.lock().unwrap().remove(stream);
    }
}

impl MediaSide for Streams {
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(self.live.lock().unwrap().contains(stream)))
    }

    fn kick(&self, stream: &str) {
        self.live.lock().unwrap().remove(stream);
        self.kicked.lock().unwrap().push(stream.to_owned());
    }
}

/// What keeps the rooms.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Memory,
    Redis,
}

enum Keeper {
    Memory(Arc<Memory>),
    /// A Redis of one's own, and who hears its news.
    Redis(RedisServer, JoinHandle<()>),
}

/// A service, its store, its clock, and its streams.
pub struct World {
    pub service: Service,
    pub store: Arc<dyn Store>,
    clock: Clock,
    streams: Arc<Streams>,
    keeper: Keeper,
}

impl World {
    pub async fn new(kind: Kind) -> Self {
        Self::with(kind, Limits::default()).await
    }

    pub async fn with(kind: Kind, limits: Limits) -> Self {
        Self::begin(kind, limits, Keys::random(), T0).await
    }

    /// Without rooms, from that moment on.
    pub async fn begin(kind: Kind, limits: Limits, keys: Keys, at: Duration) -> Self {
        let (clock, streams) = (Clock::manual(at), Arc::new(Streams::default()));
        let service = |store: Arc<dyn Store>| Service::new(limits, keys.clone(), clock.clone(), store, streams.clone());
        match kind {
            Kind::Memory => {
                let store = Arc::new(Memory::new(clock.clone()));
                let (service, keeper) = (service(store.clone()), Keeper::Memory(store.clone()));
                Self { service, store, clock, streams, keeper }
            }
            Kind::Redis => {
                let redis = RedisServer::start();
                let store: Arc<dyn Store> = Arc::new(Redis::open(&redis.url(), clock.clone()).await.unwrap());
                let service = service(store.clone());
                let listening = service.clone();
                let listening = tokio::spawn(async move { listening.keep_listening().await });
                Self { service, store, clock, streams, keeper: Keeper::Redis(redis, listening) }
            }
        }
    }

    /// The first `count` streams that were ended; with a store elsewhere that takes a moment.
    pub async fn kicked(&self, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            let kicked = self.streams.kicked.lock().unwrap().clone();
            if kicked.len() >= count {
                return kicked;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("not ended: {:?}", self.streams.kicked.lock().unwrap());
    }

    /// Nobody sends any more, and nobody says so.
    pub fn end_streams(&self) {
        self.streams.live.lock().unwrap().clear();
    }

    pub fn end_stream(&self, holder: &Holder) {
        self.streams.live.lock().unwrap().remove(&stream_name(holder));
    }

    pub fn begin_stream(&self, holder: &Holder) {
        self.streams.live.lock().unwrap().insert(stream_name(holder));
    }

    /// The store's books agree with each other.
    pub fn check(&self) {
        match &self.keeper {
            Keeper::Memory(store) => store.check(self.now()),
            Keeper::Redis(..) => {}
        }
    }

    /// Nothing is left in the store.
    pub async fn check_empty(&self) {
        match &self.keeper {
            Keeper::Memory(store) => store.check_empty(),
            Keeper::Redis(redis, _) => {
                let client = redis::Client::open(redis.url()).unwrap();
                let mut connection = client.get_multiplexed_async_connection().await.unwrap();
                let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
                assert!(keys.is_empty() || keys == ["parlor:created"], "{keys:?}");
            }
        }
    }

    pub fn now(&self) -> Duration {
        self.clock.now()
    }

    /// A seat of which nothing flows yet.
    pub async fn reserve(&self, name: &str, request: &CreateRoom) -> Result<Holder, Problem> {
        let seat = self.service.create(FROM, &person(name), VIA, request).await?;
        Ok(Holder { room: seat.room, member: seat.member })
    }

    pub async fn enter_silently(&self, name: &str, room: &str, password: Option<&str>) -> Result<Holder, Code> {
        let enter = Enter { password: password.map(str::to_owned), ..Enter::default() };
        let seat = self.service.enter(FROM, &person(name), VIA, room, &enter).await.map_err(|p| p.code)?;
        Ok(Holder { room: seat.room, member: seat.member })
    }

    pub async fn create(&self, name: &str, request: &CreateRoom) -> Holder {
        let holder = self.reserve(name, request).await.unwrap();
        self.push(&holder).await;
        holder
    }

    pub async fn enter(&self, name: &str, room: &RoomId) -> Result<Holder, Code> {
        let holder = self.enter_silently(name, room.as_str(), None).await?;
        self.push(&holder).await;
        Ok(holder)
    }

    pub async fn exit(&self, name: &str, room: &RoomId) -> Result<(), Code> {
        self.service.exit(&person(name), room).await.map_err(|p| p.code)
    }

    pub async fn dissolve(&self, name: &str, room: &RoomId) -> Result<(), Code> {
        self.service.dissolve(&person(name), room).await.map_err(|p| p.code)
    }

    pub async fn push(&self, holder: &Holder) {
        self.streams.live.lock().unwrap().insert(stream_name(holder));
        self.service.started(&stream_name(holder)).await;
    }

    pub async fn stop(&self, holder: &Holder) {
        self.streams.live.lock().unwrap().remove(&stream_name(holder));
        self.service.stopped(&stream_name(holder)).await;
    }

    pub async fn beat(&self, name: &str, room: &RoomId) -> Result<u64, Code> {
        self.send(name, room, Sending::default()).await
    }

    pub async fn send(&self, name: &str, room: &RoomId, sending: Sending) -> Result<u64, Code> {
        let beat = self.service.heartbeat(&person(name), room, sending.into()).await;
        beat.map(|b| b.seq).map_err(|p| p.code)
    }

    pub async fn say(&self, name: &str, room: &RoomId, nonce: u64, body: MessageBody) -> Result<u64, Code> {
        let sent = self.service.say(&person(name), room, &SendMessage { body, nonce }).await;
        sent.map(|s| s.seq).map_err(|p| p.code)
    }

    /// Lets time pass, looking at deadlines as often as the service does.
    pub async fn pass(&self, time: Duration) {
        let until = self.now() + time;
        while self.now() < until {
            self.clock.advance(TICK.min(until - self.now()));
            self.service.expire().await.unwrap();
        }
    }

    pub async fn list(&self, offset: usize, limit: usize) -> RoomPage {
        self.service.rooms("", offset, limit).await.unwrap()
    }

    pub async fn names(&self, room: &RoomId) -> Vec<String> {
        let mut names = Vec::new();
        let look = &mut |room: &crate::server::room::Room, _| names = room.state().members.into_iter().map(|m| m.name).collect();
        self.store.view(room, None, look).await.unwrap();
        names
    }

    pub async fn kinds(&self, name: &str, room: &RoomId, since: u64) -> Vec<EventKind> {
        self.events(name, room, since).await.unwrap()
    }

    pub async fn events(&self, name: &str, room: &RoomId, since: u64) -> Result<Vec<EventKind>, Code> {
        let events = self.service.events(&person(name), room, since, Duration::ZERO).await.map_err(|p| p.code)?;
        Ok(events.events.into_iter().map(|e| e.kind).collect())
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Self::Redis(_, listening) = self {
            listening.abort();
        }
    }
}
