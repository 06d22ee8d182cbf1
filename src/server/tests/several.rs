//! Several services over one real Redis, as several processes have them, and a Redis that goes and comes back.

use super::world::redis_server::RedisServer;
use super::world::{FROM, Streams, T0, VIA, person, wish};
use crate::base::Clock;
use crate::proto::api::{Enter, Events, MessageBody, Seat, SendMessage, Sending};
use crate::proto::{Code, EventKind, Mode, RoomId};
use crate::server::limits::{GONE, Limits};
use crate::server::room::id::stream_name;
use crate::server::store::Redis;
use crate::server::token::Keys;
use crate::server::{MediaSide as _, Service};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const LONG: Duration = Duration::from_secs(20);

/// One process.
#[derive(Clone)]
struct Node {
    service: Service,
    store: Arc<Redis>,
    streams: Arc<Streams>,
    clock: Clock,
}

impl Node {
    async fn new(redis: &RedisServer, clock: &Clock) -> Self {
        let (store, streams) = (Arc::new(Redis::open(&redis.url(), clock.clone()).await.unwrap()), Arc::default());
        let keys = Keys::random();
        keys.set_ring(store.share_keys(&keys.ring()).await.unwrap());
        let service = Service::new(Limits::default(), keys, clock.clone(), store.clone(), Arc::clone(&streams) as _);
        let listening = service.clone();
        tokio::spawn(async move { listening.keep_listening().await });
        Self { service, store, streams, clock: clock.clone() }
    }

    async fn several(redis: &RedisServer) -> [Self; 3] {
        let clock = Clock::manual(T0);
        [Self::new(redis, &clock).await, Self::new(redis, &clock).await, Self::new(redis, &clock).await]
    }

    async fn create(&self, name: &str, mode: Mode) -> Seat {
        let seat = self.service.create(FROM, &person(name), VIA, &wish("Call", mode)).await.unwrap();
        self.push(&seat).await;
        seat
    }

    async fn enter(&self, name: &str, room: &RoomId) -> Result<Seat, Code> {
        self.service.enter(FROM, &person(name), VIA, room.as_str(), &Enter::default()).await.map_err(|p| p.code)
    }

    async fn push(&self, seat: &Seat) {
        self.streams.begin(&stream_name(&seat.room, &seat.member));
        self.service.started(&stream_name(&seat.room, &seat.member)).await;
    }

    async fn beat(&self, name: &str, room: &RoomId) -> Result<u64, Code> {
        let beat = Sending::default().into();
        self.service.heartbeat(&person(name), room, beat).await.map(|beat| beat.seq).map_err(|p| p.code)
    }

    async fn say(&self, name: &str, room: &RoomId, text: &str) -> u64 {
        let message = SendMessage { body: MessageBody::Text { text: text.into() }, nonce: rand::random() };
        self.service.say(&person(name), room, &message).await.unwrap().seq
    }

    async fn events(&self, name: &str, room: &RoomId, since: u64, wait: Duration) -> Result<Events, Code> {
        self.service.events(&person(name), room, since, wait).await.map_err(|p| p.code)
    }
}

/// Asks until the answer is the wanted one.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..2000 {
        if let Some(answer) = ask().await {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("waited in vain");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_of_100_who_enter_a_4_seat_room_through_three_servers_exactly_4_get_in_the_creator_counted() {
    let redis = RedisServer::start();
    let nodes = Node::several(&redis).await;
    let room = nodes[0].create("Ann", Mode::Multi).await.room;
    let mut entries = JoinSet::new();
    for i in 0..100 {
        let (node, room) = (nodes[i % 3].clone(), room.clone());
        entries.spawn(async move { node.enter(&i.to_string(), &room).await.map(|seat| seat.member) });
    }
    let answers = entries.join_all().await;
    let seats: BTreeSet<_> = answers.iter().flatten().collect();
    assert_eq!(seats.len(), 3);
    assert!(answers.iter().filter_map(|answer| answer.as_ref().err()).all(|code| *code == Code::RoomFull), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_what_is_said_through_one_server_wakes_those_who_wait_at_another_and_nothing_gets_lost() {
    let redis = RedisServer::start();
    let nodes = Node::several(&redis).await;
    let seat = nodes[0].create("Ann", Mode::Multi).await;
    let bob = nodes[1].enter("Bob", &seat.room).await.unwrap();
    nodes[1].push(&bob).await;
    let (waiting, room) = (nodes[1].clone(), seat.room.clone());
    let heard = tokio::spawn(async move { waiting.events("Bob", &room, 2, LONG).await.unwrap() });
    nodes[2].enter("Cid", &seat.room).await.unwrap();
    let seq = nodes[2].say("Cid", &seat.room, "hello").await;
    let heard = heard.await.unwrap();
    assert_eq!((heard.events[0].seq, heard.next, heard.gap), (seq, seq, false));

    // Many speak through all servers at once: the numbers have no holes, and all say the same.
    let mut speaking = JoinSet::new();
    for i in 0..60 {
        let (node, room) = (nodes[i % 3].clone(), seat.room.clone());
        let who = ["Ann", "Bob", "Cid"][i % 3];
        speaking.spawn(async move { node.say(who, &room, &i.to_string()).await });
    }
    let seqs: BTreeSet<u64> = speaking.join_all().await.into_iter().collect();
    assert_eq!(seqs, (seq + 1..=seq + 60).collect());
    let stories: Vec<_> = [0, 1].map(|node| (node, ["Ann", "Bob"][node])).into_iter().collect();
    let mut told = Vec::new();
    for (node, who) in stories {
        let events = nodes[node].events(who, &seat.room, 0, Duration::ZERO).await.unwrap();
        told.push(events.events);
    }
    assert_eq!(told[0].len() as u64, seq + 60);
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_stream_is_ended_wherever_it_is_when_its_seat_goes() {
    let redis = RedisServer::start();
    let nodes = Node::several(&redis).await;
    let seat = nodes[0].create("Ann", Mode::Multi).await;
    let bob = nodes[1].enter("Bob", &seat.room).await.unwrap();
    nodes[1].push(&bob).await;
    nodes[2].service.exit(&person("Bob"), &seat.room).await.unwrap();
    let stream = stream_name(&bob.room, &bob.member);
    until(async || (!nodes[1].streams.is_live(&stream).await).then_some(())).await;
    assert!(nodes[0].streams.is_live(&stream_name(&seat.room, &seat.member)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_whoever_is_due_is_removed_once_and_the_others_see_it() {
    let redis = RedisServer::start();
    let nodes = Node::several(&redis).await;
    let seat = nodes[0].create("Ann", Mode::Multi).await;
    let bob = nodes[1].enter("Bob", &seat.room).await.unwrap();
    nodes[1].push(&bob).await;
    nodes[1].streams.end(&stream_name(&bob.room, &bob.member));
    nodes[0].clock.advance(GONE);
    nodes[0].beat("Ann", &seat.room).await.unwrap();
    nodes[0].clock.advance(Duration::from_secs(1));
    let mut looking = JoinSet::new();
    for node in nodes.clone() {
        looking.spawn(async move { node.service.expire().await.unwrap() });
    }
    looking.join_all().await;
    assert_eq!(nodes[2].beat("Bob", &seat.room).await, Err(Code::NotAMember));
    let events = nodes[2].events("Ann", &seat.room, 2, Duration::ZERO).await.unwrap().events;
    assert!(matches!(&events[..], [event] if matches!(event.kind, EventKind::Left { .. })), "{events:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_token_of_one_server_is_good_at_the_others() {
    let redis = RedisServer::start();
    let nodes = Node::several(&redis).await;
    let login = crate::proto::api::Login::new("Ann");
    let session = nodes[0].service.login(FROM, &login).await.unwrap();
    assert_eq!(nodes[2].service.person(&session.token).await.unwrap().identity, session.identity);
    let mut ring = crate::server::keyring::Ring::clone(&Keys::random().ring());
    ring = nodes[1].store.share_keys(&ring).await.unwrap();
    let shared = ring.clone();
    ring.rotate(T0 * 2);
    assert_eq!(nodes[1].store.share_keys(&ring).await.unwrap(), ring, "a newer key is everybody's");
    assert_eq!(nodes[0].store.share_keys(&shared).await.unwrap(), ring);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_while_redis_is_away_requests_say_so_and_afterwards_all_is_well() {
    let mut redis = RedisServer::start();
    let node = Node::new(&redis, &Clock::manual(T0)).await;
    let seat = node.create("Ann", Mode::Duo).await;
    let (waiting, room) = (node.clone(), seat.room.clone());
    let waits = tokio::spawn(async move { waiting.events("Ann", &room, 1, LONG).await });
    // It has to wait by then.
    tokio::time::sleep(Duration::from_millis(200)).await;
    redis.kill();
    assert_eq!(node.beat("Ann", &seat.room).await, Err(Code::StoreUnavailable));
    assert_eq!(node.enter("Bob", &seat.room).await.unwrap_err(), Code::StoreUnavailable);
    let stream = stream_name(&seat.room, &seat.member);
    assert!(node.service.may_stay(&stream, &seat.member).await, "nobody has to stop");
    assert!(node.service.expire().await.is_err());
    redis.restart();
    let code = until(async || match node.beat("Ann", &seat.room).await.unwrap_err() {
        Code::StoreUnavailable => None,
        code => Some(code),
    });
    assert_eq!(code.await, Code::RoomNotFound, "this Redis has forgotten all");
    assert_eq!(waits.await.unwrap().unwrap_err(), Code::RoomNotFound, "who waited was told to look");
    let again = crate::proto::api::CreateRoom { room: Some(seat.room.clone()), ..wish("Call", Mode::Duo) };
    node.service.create(FROM, &person("Ann"), VIA, &again).await.unwrap();
    node.enter("Bob", &seat.room).await.unwrap();
}
