//! What tokens allow, and what they do not.

use crate::world::{World, http, stream_of, wish};
use parlor::proto::Mode;
use parlor::proto::api::Seat;
use parlor::server::token::Action::{Play, Publish};
use std::time::Duration;

/// Stream and token of the only other member's play URL.
fn play(seat: &Seat) -> (String, String) {
    stream_of(seat.state.members.iter().find_map(|m| m.play_url.as_ref()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn publish_and_play_tokens_do_not_replace_each_other_nor_another_members() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let first = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &first.room).await;
    let (anns, publish) = stream_of(&first.publish_url);
    let (bobs, publish_bob) = stream_of(&second.publish_url);
    let (played, play) = play(&second);
    assert_eq!(played, anns);
    let ok = async |action, stream: &str, token: &str| world.service.authorize(action, stream, token).await.is_ok();
    assert!(ok(Publish, &anns, &publish).await);
    assert!(ok(Publish, &bobs, &publish_bob).await);
    assert!(ok(Play, &anns, &play).await);
    for (action, stream, token) in [
        (Publish, &anns, &play),
        (Play, &anns, &publish),
        (Publish, &anns, &publish_bob),
        (Publish, &bobs, &publish),
        (Play, &bobs, &play),
        (Play, &anns, &String::new()),
        (Publish, &anns, &"a.b.c.d".to_owned()),
    ] {
        assert!(!ok(action, stream, token).await, "{action:?} {stream} {token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_worth_nothing_without_its_seat() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let first = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &first.room).await;
    let (anns, play) = play(&second);
    let (bobs, publish) = stream_of(&second.publish_url);
    bob.exit_room(&first.room).await.unwrap();
    assert!(world.service.authorize(Play, &anns, &play).await.is_err(), "who has left sees nothing more");
    assert!(world.service.authorize(Publish, &bobs, &publish).await.is_err());
    world.service.started(&bobs).await;
    assert!(world.was_kicked(&second), "a stream that was on its way is ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_expire_and_fresh_ones_come_with_the_state() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let first = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &first.room).await;
    let (anns, play_token) = play(&second);
    world.clock.advance(Duration::from_secs(11 * 3600));
    assert!(world.service.authorize(Play, &anns, &play_token).await.is_ok());
    world.clock.advance(Duration::from_secs(3 * 3600));
    assert!(world.service.authorize(Play, &anns, &play_token).await.is_err());
    let fresh = bob.enter_room(first.room.as_str(), None).await.unwrap();
    assert_eq!(fresh.member, second.member);
    assert!(world.service.authorize(Play, &anns, &play(&fresh).1).await.is_ok());
    let (bobs, publish) = stream_of(&fresh.publish_url);
    assert!(world.service.authorize(Publish, &bobs, &publish).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_members_url_stays_the_same_for_a_while() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let first = world.room(&ann, Mode::Duo).await;
    world.join(&bob, &first.room).await;
    let before = bob.get_room(&first.room).await.unwrap();
    world.clock.advance(Duration::from_secs(5));
    assert_eq!(bob.get_room(&first.room).await.unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_room_list_gives_nothing_away() {
    let world = World::new().await;
    let (ann, eve) = (world.client("Ann").await, world.client("Eve").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let token = eve.session().unwrap().token;
    let list = http().get(world.url("/v1/rooms")).bearer_auth(&token).send().await.unwrap().text().await.unwrap();
    assert!(list.contains(seat.room.as_str()));
    for secret in ["rtmp", "token", "url", seat.member.as_str(), ann.session().unwrap().identity.as_str()] {
        assert!(!list.contains(secret), "{secret} in {list}");
    }
    let state = http().get(world.url(&format!("/v1/rooms/{}", seat.room))).bearer_auth(&token);
    assert_eq!(state.send().await.unwrap().status(), 403, "nor does the room's state to whoever is not inside");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_of_one_room_do_not_open_another() {
    let world = World::new().await;
    let (ann, bob, cid) = (world.client("Ann").await, world.client("Bob").await, world.client("Cid").await);
    let first = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &first.room).await;
    let other = cid.create_room(&wish("Other", Mode::Duo)).await.unwrap();
    world.push(&other).await;
    let (_, token) = play(&second);
    assert!(world.service.authorize(Play, &stream_of(&other.publish_url).0, &token).await.is_err());
}
