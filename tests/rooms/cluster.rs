//! Three real server processes over one real Redis: one room list, one story of each room, streams from wherever they are; and what remains
//! when one of them, or Redis, is killed.

use crate::redis_server::RedisServer;
use crate::world::{code, wish};
use bytes::Bytes;
use parlor::proto::api::{Login, MessageBody, Restore, Seat, Sending};
use parlor::proto::event::LeaveReason;
use parlor::proto::{Code, EventKind, Mode};
use parlor::room::{Client, ErrorKind};
use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::link::{Options, Playback, Publication};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Handle;

/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// One `parlor-server`.
struct Node {
    child: Child,
    listen: String,
    _folder: TempDir,
}

impl Node {
    fn start(redis: &RedisServer) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_parlor-server"))
            .args(["--listen", "127.0.0.1:0", "--metrics", "off", "--redis", &redis.url(), "--data"])
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        Self { child, listen: ready["listen"].as_str().unwrap().to_owned(), _folder: folder }
    }

    async fn client(&self, name: &str) -> Client {
        let client = Client::new(&self.listen).unwrap();
        client.login(name).await.unwrap();
        client
    }

    /// As a power cut would.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until the answer is there.
async fn until<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asked = tokio::time::timeout(PATIENCE, async {
        loop {
            match ask().await {
                Some(answer) => return answer,
                None => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    });
    asked.await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// Somebody's stream: a picture every 20 ms, a key frame every second and whenever one is asked for.
struct Camera {
    publication: Arc<Publication>,
    asked: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
}

impl Camera {
    fn start(seat: &Seat) -> Self {
        let publication = Arc::new(Publication::start(&Handle::current(), &seat.publish_url, Options::default()));
        let (asked, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (sends, count, stopped) = (publication.clone(), asked.clone(), stop.clone());
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(20));
            for picture in 0_u32.. {
                ticks.tick().await;
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let wanted = sends.take_key_frame_request();
                count.fetch_add(u32::from(wanted), Ordering::Relaxed);
                if picture == 0 {
                    sends.send(video(0, tag::avc_sequence_header(b"configuration")));
                }
                sends.send(video(picture * 20, tag::avc_frame(wanted || picture % 50 == 0, 0, &[7; 300])));
            }
        });
        Self { publication, asked, stop }
    }

    fn is_live(&self) -> bool {
        self.publication.state().is_live()
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn video(timestamp_ms: u32, payload: Bytes) -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms, payload }
}

/// Plays the only other member's stream, by way of the server that `client` talks to.
async fn play(client: &Client, seat: &Seat, whose: &Seat) -> Playback {
    let url = until("a play URL", async || {
        let state = client.get_room(&seat.room).await.ok()?;
        state.members.into_iter().find(|m| m.member == whose.member)?.play_url
    });
    Playback::start(&Handle::current(), &url.await, Options::default())
}

/// Pictures come, from now on.
async fn sees(what: &str, playback: &Playback) {
    while playback.packets().pop().is_some() {}
    let mut pictures = 0;
    until(what, async || {
        while let Some((packet, _)) = playback.packets().pop() {
            pictures += u32::from(packet.kind == PacketKind::Video);
        }
        (pictures > 20).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_three_servers_are_one_and_streams_come_from_wherever_they_are() {
    let redis = RedisServer::start();
    let nodes = [Node::start(&redis), Node::start(&redis), Node::start(&redis)];
    let (ann, bob, cid) = (nodes[0].client("Ann").await, nodes[1].client("Bob").await, nodes[2].client("Cid").await);
    let first = ann.create_room(&wish("Everywhere", Mode::Multi)).await.unwrap();
    let camera = Camera::start(&first);
    for (client, who) in [(&ann, "Ann"), (&bob, "Bob"), (&cid, "Cid")] {
        let page = until("the room is listed", async || {
            let page = client.get_room_list(0, 10).await.unwrap();
            (page.total == 1).then_some(page)
        });
        assert_eq!(page.await.rooms[0].name, "Everywhere", "as {who} sees it");
    }
    let second = bob.enter_room(first.room.as_str(), None).await.unwrap();
    let third = cid.enter_room("Everywhere", None).await.unwrap();
    let bobs = Camera::start(&second);

    // What happens through one server is heard at the others at once.
    let joined = ann.events(&first.room, first.seq + 1, Duration::from_secs(20)).await.unwrap();
    assert!(matches!(&joined.events[0].kind, EventKind::Joined { name, .. } if name == "Bob"), "{joined:?}");
    let said = cid.send_text_msg(&third.room, "hello").await;
    assert!(said.is_ok(), "{said:?}");
    let heard = bob.events(&second.room, joined.next, Duration::from_secs(20)).await.unwrap();
    let is_hello = |event: &parlor::proto::Event| matches!(&event.kind, EventKind::Message { body: MessageBody::Text { text }, .. } if text == "hello");
    assert!(heard.events.iter().any(is_hello), "{heard:?}");

    // Ann's stream is at the first server, Bob's at the second; two players at the third get Ann's by one fetch.
    let at_second = play(&bob, &second, &first).await;
    let (one, two) = (play(&cid, &third, &first).await, play(&cid, &third, &first).await);
    let back = play(&ann, &first, &second).await;
    sees("Ann at the second server", &at_second).await;
    sees("Ann at the third server", &one).await;
    sees("Ann at the third server, again", &two).await;
    sees("Bob at the first server", &back).await;
    let before = camera.asked.load(Ordering::Relaxed);
    until("the wish for a key frame goes all the way", async || {
        one.request_key_frame();
        tokio::time::sleep(Duration::from_millis(200)).await;
        (camera.asked.load(Ordering::Relaxed) > before).then_some(())
    })
    .await;

    // Whoever leaves is gone everywhere, with their stream.
    bob.exit_room(&second.room).await.unwrap();
    until("Bob's stream ends", async || (!bobs.is_live()).then_some(())).await;
    assert_eq!(code(cid.heartbeat(&parlor::proto::RoomId::new("nowhere9"), Sending::default()).await), Code::RoomNotFound);
    let state = cid.get_room(&third.room).await.unwrap();
    assert!(state.members.iter().all(|m| m.name != "Bob"));
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_killed_redis_leaves_calls_alone_and_the_rooms_come_back_with_it() {
    let mut redis = RedisServer::start();
    let nodes = [Node::start(&redis), Node::start(&redis)];
    let (ann, bob) = (nodes[0].client("Ann").await, nodes[1].client("Bob").await);
    let first = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    let camera = Camera::start(&first);
    let second = bob.enter_room(first.room.as_str(), None).await.unwrap();
    let shown = play(&bob, &second, &first).await;
    sees("Ann", &shown).await;

    redis.kill();
    let refused = until("requests are refused", async || bob.heartbeat(&second.room, Sending::default()).await.err()).await;
    assert_eq!(refused.kind(), ErrorKind::Problem(Code::StoreUnavailable), "{refused}");
    assert!(refused.to_string().contains("calls go on"), "{refused}");
    // Longer than a server is believed without Redis.
    tokio::time::sleep(Duration::from_secs(12)).await;
    sees("Ann, without Redis", &shown).await;
    assert!(camera.is_live());

    redis.restart();
    let restore = Restore { receipt: first.state.receipt.clone().expect("a receipt"), messages: Vec::new() };
    let back = until("the room comes back", async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        ann.restore_room(&first.room, &restore).await.inspect_err(|e| eprintln!("{e:?}")).ok()
    });
    let back = back.await;
    assert_eq!((back.room, back.member), (first.room.clone(), first.member.clone()));
    let restore = Restore { receipt: second.state.receipt.clone().expect("a receipt"), messages: Vec::new() };
    let back = until("Bob comes back", async || bob.restore_room(&second.room, &restore).await.ok()).await;
    assert_eq!(back.member, second.member);
    sees("Ann, all the time", &shown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_the_members_of_a_killed_server_go_on_at_another_with_their_seats() {
    let redis = RedisServer::start();
    let mut nodes = [Node::start(&redis), Node::start(&redis), Node::start(&redis)];
    let (ann, bob) = (nodes[0].client("Ann").await, nodes[1].client("Bob").await);
    let first = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    let camera = Camera::start(&first);
    let second = bob.enter_room(first.room.as_str(), None).await.unwrap();
    let bobs = Camera::start(&second);
    let shown = play(&ann, &first, &second).await;
    sees("Bob at Ann's server", &shown).await;
    until("Bob's client knows the other servers", async || {
        let beat = bob.heartbeat(&second.room, Sending::default()).await.unwrap();
        (beat.servers.len() == 2).then_some(())
    })
    .await;
    let before = ann.get_room(&first.room).await.unwrap();

    nodes[1].kill();
    until("Bob's stream is cut", async || (!bobs.is_live()).then_some(())).await;
    // The same client, the same session, the same seat, and an address at another server.
    let again = bob.enter_room(second.room.as_str(), None).await.unwrap();
    assert_eq!(again.member, second.member);
    assert!(!again.publish_url.contains(&nodes[1].listen), "{}", again.publish_url);
    let _back = Camera::start(&again);
    // Ann's player has waited at her server, which fetches Bob's stream from where it is now.
    sees("Bob from another server", &shown).await;
    let seen = play(&bob, &again, &first).await;
    sees("Ann at Bob's new server", &seen).await;
    for _ in 0..6 {
        ann.heartbeat(&first.room, Sending::default()).await.unwrap();
        bob.heartbeat(&second.room, Sending::default()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(4)).await;
    }
    let names = |state: &parlor::proto::api::RoomState| state.members.iter().map(|m| m.member.clone()).collect::<Vec<_>>();
    assert_eq!(names(&ann.get_room(&first.room).await.unwrap()), names(&before), "nobody was removed");
    assert!(camera.is_live());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_whoever_signs_in_at_another_server_leaves_the_seat_they_had_and_the_older_one_is_told() {
    let redis = RedisServer::start();
    let nodes = [Node::start(&redis), Node::start(&redis)];
    let ann = nodes[0].client("Ann").await;
    let first = ann.create_room(&wish("Call", Mode::Multi)).await.unwrap();
    let _camera = Camera::start(&first);
    let me = Login { identity_key: Some("a secret of Bob's own".to_owned()), ..Login::new("Bob") };
    let (here, there) = (Client::new(&nodes[1].listen).unwrap(), Client::new(&nodes[0].listen).unwrap());
    let identity = here.login_as(&me).await.unwrap().identity;
    let second = here.enter_room(first.room.as_str(), None).await.unwrap();
    let bobs = Camera::start(&second);
    until("Bob is there", async || (ann.get_room(&first.room).await.unwrap().members.len() == 2).then_some(())).await;
    let (waiting, room) = (here.clone(), second.room.clone());
    let told = tokio::spawn(async move {
        let mut since = 0;
        loop {
            match waiting.events(&room, since, Duration::from_secs(20)).await {
                Ok(events) => since = events.next,
                Err(error) => return error,
            }
        }
    });
    assert_eq!(there.login_as(&me).await.unwrap().identity, identity);
    let told = tokio::time::timeout(Duration::from_secs(10), told).await.expect("at once").unwrap();
    assert_eq!(told.kind(), ErrorKind::Problem(Code::SignedInElsewhere));
    assert_eq!(code(here.heartbeat(&second.room, Sending::default()).await), Code::SignedInElsewhere);
    until("Bob's stream ends", async || (!bobs.is_live()).then_some(())).await;
    let events = ann.events(&first.room, 0, Duration::ZERO).await.unwrap().events;
    let replaced = |kind: &EventKind| matches!(kind, EventKind::Left { reason: LeaveReason::Replaced, .. });
    assert!(events.iter().any(|event| replaced(&event.kind)), "{events:?}");
    there.enter_room(first.room.as_str(), None).await.unwrap();
    let short = Login { identity_key: Some("short".to_owned()), ..Login::new("Bob") };
    assert_eq!(code(there.login_as(&short).await), Code::BadRequest);
}
