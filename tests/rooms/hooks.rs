//! Streams on somebody else's engine: what it calls back with, and what becomes of it.

use crate::world::{World, code, http, stream_of, wish};
use parlor::proto::api::{Audio, Seat, Sending};
use parlor::proto::{Code, EventKind, Mode};
use parlor::room::Client;
use parlor::server::engine::{Config, Kind, Presence, Scheme};
use std::time::Duration;

const FORM: &str = "application/x-www-form-urlencoded";

fn config() -> Config {
    Config { kind: Kind::Nginx, push: Some("rtmp://{host}:1936/live/{stream}".into()), ..Config::default() }
}

/// Posts a hook. Status, and the problem's code or `0`.
async fn post(world: &World, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> (u16, String) {
    let answer = http().post(world.url(path)).header("content-type", kind).body(body).send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    let problem: serde_json::Value = serde_json::from_str(&text).unwrap();
    (status, problem["code"].as_str().map_or(text, str::to_owned))
}

/// What nginx posts when a connection does `call` at the address `url`.
fn form(call: &str, url: &str, client: u32) -> String {
    let url = url::Url::parse(url).unwrap();
    let (app, name) = url.path().trim_start_matches('/').rsplit_once('/').unwrap();
    let query = url.query().unwrap_or_default();
    format!(
        "app={app}&flashver=FMLE%2f3.0&swfurl=&tcurl=&pageurl=&addr=10.1.2.3&clientid={client}&call={call}&name={name}&type=live&{query}"
    )
}

async fn nginx(world: &World, call: &str, url: &str, client: u32) -> (u16, String) {
    post(world, "/v1/hooks/nginx", FORM, form(call, url, client)).await
}

fn yes() -> (u16, String) {
    (200, "0".into())
}

fn no() -> (u16, String) {
    (403, "forbidden".into())
}

async fn names(client: &Client, seat: &Seat) -> Vec<String> {
    client.get_room(&seat.room).await.unwrap().members.into_iter().map(|m| m.name).collect()
}

/// The only other member's play address.
async fn other(client: &Client, seat: &Seat) -> String {
    client.get_room(&seat.room).await.unwrap().members.into_iter().find_map(|m| m.play_url).unwrap()
}

#[tokio::test]
async fn the_engine_lets_members_in_and_its_word_makes_them_appear_and_go() {
    let world = World::behind(config()).await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let first = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    assert!(first.publish_url.starts_with("rtmp://127.0.0.1:1936/live/"), "{}", first.publish_url);
    assert_eq!((first.stream.audio, first.stream.repeat_every_ms, first.stream.announce), (Audio::Aac, Some(2000), false));
    assert_eq!(bob.get_room_list(0, 9).await.unwrap().total, 0, "push first");

    assert_eq!(nginx(&world, "connect", &first.publish_url, 1).await, yes());
    let (_, token) = stream_of(&first.publish_url);
    for forged in [first.publish_url.replace(&token, ""), first.publish_url.replace(&token, "a.b.c.d")] {
        assert_eq!(nginx(&world, "publish", &forged, 1).await, no(), "{forged}");
    }
    assert_eq!(nginx(&world, "publish", &first.publish_url.replace("/live/", "/other/"), 1).await, no());
    assert_eq!(nginx(&world, "publish", &first.publish_url, 1).await, yes());
    let second = bob.enter_room("Call", None).await.unwrap();
    assert_eq!(nginx(&world, "publish", &second.publish_url, 2).await, yes());
    assert_eq!(names(&ann, &first).await, ["Ann", "Bob"]);
    let joined = ann.events(&first.room, 0, Duration::ZERO).await.unwrap().events;
    assert!(matches!(&joined[1].kind, EventKind::Joined { name, .. } if name == "Bob"));

    // Whoever may watch a stream may not publish it, and the other way round.
    let play = other(&bob, &second).await;
    assert_eq!(nginx(&world, "play", &play, 3).await, yes());
    assert_eq!(nginx(&world, "publish", &play, 3).await, no());
    assert_eq!(nginx(&world, "play", &first.publish_url, 3).await, no());
    assert_eq!(nginx(&world, "update_play", &play, 3).await, yes());
    assert_eq!(nginx(&world, "update_publish", &second.publish_url, 2).await, yes());

    // Bob's program dies: his stream ends, his heart is not heard.
    assert_eq!(nginx(&world, "publish_done", &second.publish_url, 2).await, yes());
    assert_eq!(nginx(&world, "done", &second.publish_url, 2).await, yes());
    for _ in 0..5 {
        world.pass(5).await;
        ann.heartbeat(&first.room, Sending::default()).await.unwrap();
    }
    assert_eq!(names(&ann, &first).await, ["Ann"]);
    assert!(world.was_kicked(&second));
    for (call, url, client) in
        [("publish", &second.publish_url, 4), ("update_publish", &second.publish_url, 2), ("update_play", &play, 3)]
    {
        assert_eq!(nginx(&world, call, url, client).await, no(), "{call}: his seat is gone");
    }
}

#[tokio::test]
async fn a_silent_member_whose_stream_flows_stays_and_a_second_connections_end_is_not_the_streams() {
    let world = World::behind(config()).await;
    let ann = world.client("Ann").await;
    let seat = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    nginx(&world, "publish", &seat.publish_url, 1).await;
    world.pass(60).await;
    assert_eq!(names(&ann, &seat).await, ["Ann"], "no heartbeat, but nothing said that the stream ended");
    // After a break in the network she is back before the engine noticed; it turns her away, and says so of the new connection.
    assert_eq!(nginx(&world, "publish", &seat.publish_url, 2).await, yes());
    assert_eq!(nginx(&world, "publish_done", &seat.publish_url, 2).await, yes());
    world.pass(25).await;
    assert_eq!(names(&ann, &seat).await, ["Ann"]);
    for _ in 0..10 {
        assert_eq!(nginx(&world, "update_publish", &seat.publish_url, 1).await, yes());
        world.pass(15).await;
    }
    assert_eq!(names(&ann, &seat).await, ["Ann"], "the engine says again and again that she publishes");
    world.pass(120).await;
    assert_eq!(code(ann.get_room(&seat.room).await), Code::RoomNotFound, "the engine is silent: it may be gone itself");
}

#[tokio::test]
async fn srs_speaks_json() {
    let world = World::behind(Config { kind: Kind::Srs, ..config() }).await;
    let ann = world.client("Ann").await;
    let seat = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    let (stream, token) = stream_of(&seat.publish_url);
    let call = |action: &str, token: &str| {
        let body = serde_json::json!({
            "server_id": "vid-0xk989d", "service_id": "382a6hy1", "action": action, "client_id": "341w361a", "ip": "127.0.0.1",
            "vhost": "__defaultVhost__", "app": "live", "tcUrl": "rtmp://127.0.0.1:1936/live", "stream": stream,
            "param": format!("?token={token}"), "stream_url": format!("/live/{stream}"), "stream_id": "vid-124q9y3",
        });
        post(&world, "/v1/hooks/srs", "application/json", body.to_string())
    };
    assert_eq!(call("on_connect", "").await, yes());
    assert_eq!(call("on_publish", "x").await, no());
    assert_eq!(call("on_publish", &token).await, yes());
    assert_eq!(names(&ann, &seat).await, ["Ann"]);
    assert_eq!(call("on_play", &token).await, no());
    assert_eq!(call("on_unpublish", &token).await, yes());
    assert_eq!(call("on_close", "").await, yes());
    world.pass(30).await;
    assert_eq!(code(ann.get_room(&seat.room).await), Code::RoomNotFound);
}

#[tokio::test]
async fn other_signatures_are_checked_as_well() {
    let key = |text: &str| Some(parlor::base::Secret::new(text));
    for sign in [Scheme::Tx, Scheme::SecureLink] {
        let world = World::behind(Config { sign, push_key: key("push"), play_key: key("play"), ..config() }).await;
        let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
        let first = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
        let bare = first.publish_url.split('?').next().unwrap();
        assert_eq!(nginx(&world, "publish", bare, 1).await, no());
        assert_eq!(nginx(&world, "publish", &first.publish_url, 1).await, yes());
        let second = bob.enter_room("Call", None).await.unwrap();
        let stolen =
            format!("{}?{}", second.publish_url.split('?').next().unwrap(), first.publish_url.split('?').nth(1).unwrap());
        assert_eq!(nginx(&world, "publish", &stolen, 2).await, no(), "a signature is for one stream");
        let play = other(&bob, &second).await;
        assert_eq!(nginx(&world, "play", &play, 3).await, yes());
        assert_eq!(nginx(&world, "publish", &play, 3).await, no(), "{sign:?}: a viewer may not publish");
        world.clock.advance(Duration::from_secs(14 * 3600));
        assert_eq!(nginx(&world, "play", &play, 3).await, no(), "{sign:?}: it has expired");
    }
}

#[tokio::test]
async fn hooks_with_a_key_need_the_key() {
    let world = World::behind(Config { hooks_key: Some(parlor::base::Secret::new("geheim")), ..config() }).await;
    let call = "app=live&clientid=1&call=connect";
    assert_eq!(post(&world, "/v1/hooks/nginx", FORM, call).await, no());
    assert_eq!(post(&world, "/v1/hooks/nginx?key=falsch", FORM, call).await, no());
    assert_eq!(post(&world, "/v1/hooks/nginx?key=geheim", FORM, call).await, yes());
    // nginx told to use GET, by way of a location of its own.
    let get = http().get(world.url(&format!("/v1/hooks/nginx?key=geheim&{call}"))).send().await.unwrap();
    assert_eq!((get.status().as_u16(), get.text().await.unwrap().as_str()), (200, "0"));

    let elsewhere = World::behind(Config { hooks_from: vec!["10.0.0.1".parse().unwrap()], ..config() }).await;
    assert_eq!(post(&elsewhere, "/v1/hooks/nginx", FORM, call).await, no());
}

#[tokio::test]
async fn what_is_no_hook_is_refused_in_words() {
    let world = World::behind(config()).await;
    let bad = || (400, "bad_request".to_owned());
    for body in ["", "call=explode", "call=publish&app=live", "call=publish&call=publish", "\u{0}\u{1}"] {
        assert_eq!(post(&world, "/v1/hooks/nginx", FORM, body).await, bad(), "{body:?}");
    }
    for body in ["", "{", "[]", "{\"action\":\"on_fire\"}", "{\"action\":5}", "{\"action\":\"on_publish\"}"] {
        assert_eq!(post(&world, "/v1/hooks/srs", "application/json", body).await, bad(), "{body:?}");
    }
    for path in ["/v1/hooks/nginx", "/v1/hooks/srs"] {
        assert_eq!(post(&world, path, FORM, vec![b'a'; 100_000]).await, (413, "too_large".into()));
    }
    let relaying = World::new().await;
    assert_eq!(post(&relaying, "/v1/hooks/nginx", FORM, "call=connect").await, no());
}

#[tokio::test]
async fn where_no_engine_says_so_people_say_that_their_stream_flows() {
    let world = World::behind(Config { kind: Kind::Other, presence: Presence::Clients, sign: Scheme::None, ..config() }).await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    assert!(seat.stream.announce);
    assert_eq!(code(bob.announce_stream(&seat.room).await), Code::NotAMember);
    ann.announce_stream(&seat.room).await.unwrap();
    assert_eq!(names(&ann, &seat).await, ["Ann"]);
    world.pass(25).await;
    assert_eq!(code(ann.get_room(&seat.room).await), Code::RoomNotFound, "only heartbeats tell that she is there");

    let told = World::behind(config()).await;
    let ann = told.client("Ann").await;
    let seat = ann.create_room(&wish("Call", Mode::Duo)).await.unwrap();
    assert_eq!(code(ann.announce_stream(&seat.room).await), Code::Forbidden);
}
