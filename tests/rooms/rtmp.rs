//! A whole host: rooms over HTTP and real RTMP connections on the same port.

use crate::world::{code, stream_of, wish};
use parlor::base::Clock;
use parlor::host::{self, Host};
use parlor::proto::api::{Seat, Sending};
use parlor::proto::{Code, Mode};
use parlor::room::Client;
use parlor::rtmp::{Packet, PacketKind};
use parlor::wire::link::{Error, Options, Playback, Publication};
use std::future::Future;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Far longer than anything takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

async fn host(open: bool, clock: Clock) -> Host {
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    host::start(host::Config { listen, open, clock, ..host::Config::default() }).await.unwrap()
}

async fn client(host: &Host, name: &str) -> Client {
    let client = Client::new(&host.addr().to_string()).unwrap();
    client.login(name).await.unwrap();
    client
}

/// Asks until the answer is yes.
async fn until<F: Future<Output = bool>>(what: &str, mut ask: impl FnMut() -> F) {
    let started = Instant::now();
    while !ask().await {
        assert!(started.elapsed() < PATIENCE, "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A stream of sound; ends when dropped.
struct Push {
    task: JoinHandle<()>,
    state: tokio::sync::watch::Receiver<parlor::wire::link::State>,
}

impl Push {
    fn to(url: &str) -> Self {
        let publication = Publication::start(&Handle::current(), url, Options::default());
        let state = publication.watch();
        let task = tokio::spawn(async move {
            for timestamp_ms in (0..).step_by(20) {
                publication.send(Packet { kind: PacketKind::Audio, timestamp_ms, payload: vec![0xaf, 1, 7].into() });
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Self { task, state }
    }

    async fn end(&mut self) -> Error {
        let closed = tokio::time::timeout(PATIENCE, self.state.wait_for(|s| s.error().is_some())).await;
        closed.expect("the stream was to end").unwrap().error().unwrap().clone()
    }
}

impl Drop for Push {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn end_of(playback: &Playback) -> Error {
    let mut state = playback.watch();
    let closed = tokio::time::timeout(PATIENCE, state.wait_for(|s| s.error().is_some())).await;
    closed.expect("the playback was to end").unwrap().error().unwrap().clone()
}

fn play(url: &str) -> Playback {
    Playback::start(&Handle::current(), url, Options::default())
}

async fn hears(playback: &Playback) {
    until("something to hear", async || playback.packets().pop().is_some_and(|(p, _)| p.kind == PacketKind::Audio)).await;
}

/// The only other member's play URL.
async fn other(client: &Client, seat: &Seat) -> String {
    let state = client.get_room(&seat.room).await.unwrap();
    state.members.into_iter().find_map(|m| m.play_url).expect("another member")
}

/// Ann and Bob in a room, both pushing.
struct Pair {
    ann: Client,
    bob: Client,
    first: Seat,
    second: Seat,
    ann_push: Push,
    bob_push: Push,
}

async fn pair(host: &Host) -> Pair {
    let (ann, bob) = (client(host, "Ann").await, client(host, "Bob").await);
    let first = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    let ann_push = Push::to(&first.publish_url);
    until("the room in the list", async || bob.get_room_list(0, 1).await.unwrap().total == 1).await;
    let second = bob.enter_room("Call", None).await.unwrap();
    let bob_push = Push::to(&second.publish_url);
    until("Bob announced", async || ann.get_room(&first.room).await.unwrap().members.len() == 2).await;
    Pair { ann, bob, first, second, ann_push, bob_push }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_hear_each_other_and_leaving_ends_all_they_send_and_receive() {
    let host = host(false, Clock::system()).await;
    let Pair { ann, bob, first, second, mut ann_push, mut bob_push } = pair(&host).await;
    let bob_hears = play(&other(&bob, &second).await);
    let ann_hears = play(&other(&ann, &first).await);
    hears(&bob_hears).await;
    hears(&ann_hears).await;

    bob.exit_room(&second.room).await.unwrap();
    bob_push.end().await;
    end_of(&ann_hears).await;
    end_of(&bob_hears).await;
    assert!(ann_push.state.borrow().is_live(), "Ann goes on");
    ann.dissolve(&first.room).await.unwrap();
    ann_push.end().await;
    host.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_something_else_is_refused_on_the_wire() {
    let host = host(false, Clock::system()).await;
    let Pair { bob, first, second, ann_push, .. } = pair(&host).await;
    let (anns, publish_bob) = (stream_of(&first.publish_url).0, stream_of(&second.publish_url).1);
    let (_, play_token) = stream_of(&other(&bob, &second).await);
    let at = |stream: &str, token: &str| format!("{}/{stream}?token={token}", host.info().rtmp);
    for url in
        [at(&anns, &publish_bob), at(&anns, &play_token), at(&anns, ""), at("anything", &publish_bob), at(&anns, "x.y.z.w")]
    {
        assert!(matches!(Push::to(&url).end().await, Error::Refused { .. }), "{url}");
    }
    for url in [at(&anns, &publish_bob), at(&anns, "")] {
        assert!(matches!(end_of(&play(&url)).await, Error::Refused { .. }), "{url}");
    }
    assert!(ann_push.state.borrow().is_live());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_host_relays_any_name_but_protects_members() {
    let host = host(true, Clock::system()).await;
    let url = format!("{}/benchmark", host.info().rtmp);
    let push = Push::to(&url);
    let playback = play(&url);
    hears(&playback).await;
    assert!(push.state.borrow().is_live());
    let pair = pair(&host).await;
    let bare = pair.first.publish_url.split('?').next().unwrap().to_owned();
    hears(&play(&bare)).await;
    assert!(matches!(Push::to(&bare).end().await, Error::Refused { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_crashed_is_gone_and_one_who_only_sends_stays() {
    let clock = Clock::manual(crate::world::T0);
    let host = host(false, clock.clone()).await;
    let Pair { ann, bob, first, bob_push, ann_push, .. } = pair(&host).await;
    drop(bob_push);
    // In steps: a jump would look to the relay as if Ann had been silent for as long.
    for _ in 0..25 {
        clock.advance(Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(80)).await;
    }
    until("Bob gone", async || ann.get_room(&first.room).await.unwrap().members.len() == 1).await;
    assert_eq!(code(bob.heartbeat(&first.room, Sending::default()).await), Code::NotAMember);
    assert!(ann_push.state.borrow().is_live(), "nobody has heard Ann's heart, but her stream flows");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_and_comes_back_costs_no_seat() {
    let host = host(false, Clock::system()).await;
    let Pair { ann, bob, first, second, bob_push, .. } = pair(&host).await;
    drop(bob_push);
    let again = bob.enter_room(first.room.as_str(), None).await.unwrap();
    assert_eq!(again.member, second.member);
    let _bob_push = Push::to(&again.publish_url);
    hears(&play(&other(&ann, &first).await)).await;
    let events = ann.events(&first.room, 0, Duration::ZERO).await.unwrap();
    assert_eq!(events.events.len(), 2, "two joined, nobody left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_stops_lets_its_port_go_and_ends_the_streams() {
    let started = host(false, Clock::system()).await;
    let addr = started.addr();
    let Pair { mut ann_push, .. } = pair(&started).await;
    started.stop().await;
    ann_push.end().await;
    let again = host::start(host::Config { listen: vec![addr], ..host::Config::default() }).await;
    assert!(again.is_ok(), "the port is free");
    let taken = host::start(host::Config { listen: vec![addr], ..host::Config::default() }).await;
    assert!(matches!(taken, Err(host::Error::AddressTaken(_))));
}
