//! Custom fields: the last writer wins unless asked to look, numbers count atomically, everybody hears.

use crate::world::{World, code};
use parlor::proto::api::FieldValue;
use parlor::proto::{Code, EventKind, Mode};
use std::time::Duration;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn members_set_read_and_remove_and_all_hear_of_it() {
    let world = World::new().await;
    let (ann, bob, eve) = (world.client("Ann").await, world.client("Bob").await, world.client("Eve").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let second = world.join(&bob, &seat.room).await;
    let field = bob.set_custom_info(&seat.room, "topic", "周会", None).await.unwrap();
    assert_eq!((field.version, &field.by), (3, &second.member));
    assert_eq!(ann.get_room(&seat.room).await.unwrap().fields["topic"], field);
    assert_eq!(ann.get_custom_info(&seat.room).await.unwrap().fields.len(), 1);
    let heard = ann.events(&seat.room, 2, Duration::ZERO).await.unwrap().events;
    let set =
        EventKind::Field { member: second.member.clone(), key: "topic".into(), value: Some(FieldValue::Text("周会".into())) };
    assert_eq!(heard[0].kind, set);
    bob.set_custom_info(&seat.room, "topic", "周会", None).await.unwrap();
    assert_eq!(ann.events(&seat.room, 3, Duration::ZERO).await.unwrap().events.len(), 0, "nothing has changed");
    ann.remove_custom_info(&seat.room, "topic").await.unwrap();
    ann.remove_custom_info(&seat.room, "topic").await.unwrap();
    let heard = bob.events(&seat.room, 3, Duration::ZERO).await.unwrap().events;
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].kind, EventKind::Field { member: seat.member, key: "topic".into(), value: None });
    assert_eq!(code(eve.get_custom_info(&seat.room).await), Code::NotAMember);
    assert_eq!(code(eve.set_custom_info(&seat.room, "topic", 1, None).await), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_gives_a_version_overwrites_nobody() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Multi).await;
    world.join(&bob, &seat.room).await;
    let first = ann.set_custom_info(&seat.room, "turn", "ann", Some(0)).await.unwrap();
    assert_eq!(code(bob.set_custom_info(&seat.room, "turn", "bob", Some(0)).await), Code::Conflict);
    ann.set_custom_info(&seat.room, "turn", "ann", Some(0)).await.expect("asked again after a lost answer");
    bob.set_custom_info(&seat.room, "turn", "bob", Some(first.version)).await.unwrap();
    assert_eq!(code(ann.set_custom_info(&seat.room, "turn", "cid", Some(first.version)).await), Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_count_whoever_counts_at_the_same_time() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Multi).await;
    world.join(&bob, &seat.room).await;
    let mut counting = JoinSet::new();
    for i in 0..30 {
        let (client, room) = (if i % 2 == 0 { ann.clone() } else { bob.clone() }, seat.room.clone());
        counting.spawn(async move { client.inc_custom_info(&room, "likes", 2).await.unwrap() });
    }
    counting.join_all().await;
    let field = ann.dec_custom_info(&seat.room, "likes", 61).await.unwrap();
    assert_eq!(field.value, FieldValue::Number(-1));
    ann.set_custom_info(&seat.room, "word", "text", None).await.unwrap();
    assert_eq!(code(ann.inc_custom_info(&seat.room, "word", 1).await), Code::Conflict);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_count_counts_once() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Multi).await;
    let token = ann.session().unwrap().token;
    let http = reqwest::Client::new();
    for _ in 0..3 {
        let url = world.url(&format!("/v1/rooms/{}/fields/likes/inc", seat.room));
        let response = http.post(url).bearer_auth(&token).body("{\"by\":5,\"nonce\":9}").send().await.unwrap();
        let field: parlor::proto::api::Field = response.json().await.unwrap();
        assert_eq!(field.value, FieldValue::Number(5));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_few_and_small() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Multi).await;
    for key in ["a b", "ü", "a$"] {
        assert_eq!(code(ann.set_custom_info(&seat.room, key, 1, None).await), Code::BadRequest, "{key}");
    }
    let room = &seat.room;
    assert_eq!(code(ann.set_custom_info(room, &"k".repeat(65), 1, None).await), Code::TooLarge);
    assert_eq!(code(ann.set_custom_info(room, "k", "x".repeat(257).as_str(), None).await), Code::TooLarge);
    assert_eq!(code(ann.set_custom_info(room, "k", i64::MAX, None).await), Code::BadRequest);
    for i in 0..32 {
        ann.set_custom_info(room, &format!("k{i}"), i, None).await.unwrap();
        world.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(code(ann.set_custom_info(room, "one-more", 1, None).await), Code::TooLarge);
    ann.set_custom_info(room, "k7", 8, None).await.unwrap();
}
