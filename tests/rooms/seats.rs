//! Creating, entering, leaving, being gone.

use crate::world::{World, code, stream_of, wish};
use parlor::proto::api::{CreateRoom, Enter, Sending};
use parlor::proto::{Code, Mode};
use parlor::room::Client;
use tokio::task::JoinSet;

#[tokio::test(flavor = "multi_thread")]
async fn a_room_is_listed_when_its_creators_stream_flows() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = ann.create_room(&wish("周会 Weekly/1?", Mode::Duo)).await.unwrap();
    assert_eq!(bob.get_room_list(0, 10).await.unwrap().total, 0);
    assert!(seat.publish_url.starts_with(&format!("rtmp://{}/live/{}_{}?token=", world.addr, seat.room, seat.member)));
    world.push(&seat).await;
    let list = bob.get_room_list(0, 10).await.unwrap();
    assert_eq!((list.total, list.rooms[0].name.as_str(), list.rooms[0].cap), (1, "周会 Weekly/1?", 2));
    assert_eq!(list.rooms[0].members, ["Ann"]);

    let second = bob.enter_room("周会 Weekly/1?", None).await.unwrap();
    assert_eq!(second.room, seat.room, "a name leads there too");
    assert_eq!(second.state.members.len(), 1);
    assert_eq!(ann.get_room(&seat.room).await.unwrap().members.len(), 1, "Bob is announced when his stream flows");
    world.push(&second).await;
    let state = ann.get_room(&seat.room).await.unwrap();
    assert_eq!(state.members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["Ann", "Bob"]);
    assert!(state.members[0].play_url.is_none(), "nobody plays themselves");
    assert_eq!(stream_of(state.members[1].play_url.as_ref().unwrap()).0, stream_of(&second.publish_url).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_muted_is_seen_muted_from_the_beginning() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let room = world.room(&ann, Mode::Duo).await;
    let muted = Sending { mic: false, ..Sending::default() };
    let enter = Enter { sending: Some(muted), ..Enter::default() };
    let seat = bob.take_seat(room.room.as_str(), &enter).await.unwrap();
    world.push(&seat).await;
    let there = ann.get_room(&room.room).await.unwrap();
    assert_eq!(there.members[1].sending, muted, "before any heartbeat");
    // Asking again is no heartbeat.
    bob.enter_room(room.room.as_str(), None).await.unwrap();
    assert_eq!(ann.get_room(&room.room).await.unwrap().members[1].sending, muted);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_100_who_enter_a_4_seat_room_at_once_exactly_4_get_in_the_creator_counted() {
    let world = World::new().await;
    let seat = world.room(&world.client("Ann").await, Mode::Multi).await;
    let mut clients = Vec::new();
    for i in 0..100 {
        clients.push(world.client(&format!("Guest {i}")).await);
    }
    let start = std::sync::Arc::new(tokio::sync::Barrier::new(clients.len()));
    let mut entries = JoinSet::new();
    for client in clients {
        let (room, start) = (seat.room.clone(), start.clone());
        entries.spawn(async move {
            start.wait().await;
            client.enter_room(room.as_str(), None).await
        });
    }
    let results = entries.join_all().await;
    let (inside, outside): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!(inside.len() + 1, 4);
    assert!(outside.into_iter().all(|r| code(r) == Code::RoomFull));
    let mut members: Vec<_> = inside.into_iter().map(|r| r.unwrap().member).collect();
    members.sort();
    members.dedup();
    assert_eq!(members.len(), 3, "each has a seat of their own");
}

#[tokio::test(flavor = "multi_thread")]
async fn entering_twice_at_once_is_one_seat() {
    let world = World::new().await;
    let seat = world.room(&world.client("Ann").await, Mode::Multi).await;
    let bob = world.client("Bob").await;
    let mut entries = JoinSet::new();
    for _ in 0..20 {
        let (bob, room) = (bob.clone(), seat.room.clone());
        entries.spawn(async move { bob.enter_room(room.as_str(), None).await.unwrap().member });
    }
    let mut members = entries.join_all().await;
    members.dedup();
    assert_eq!(members.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_frees_the_seat_and_ends_the_stream_and_the_creators_leaving_ends_the_room() {
    let world = World::new().await;
    let (ann, bob, cid) = (world.client("Ann").await, world.client("Bob").await, world.client("Cid").await);
    let seat = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &seat.room).await;
    assert_eq!(code(cid.enter_room(seat.room.as_str(), None).await), Code::RoomFull);
    bob.exit_room(&seat.room).await.unwrap();
    assert!(world.was_kicked(&second));
    assert_eq!(code(bob.exit_room(&seat.room).await), Code::NotAMember);
    let third = world.join(&cid, &seat.room).await;

    assert_eq!(code(cid.dissolve(&seat.room).await), Code::Forbidden);
    ann.exit_room(&seat.room).await.unwrap();
    assert!(world.was_kicked(&seat) && world.was_kicked(&third));
    assert_eq!(code(cid.get_room(&seat.room).await), Code::RoomNotFound);
    assert_eq!(code(bob.enter_room(seat.room.as_str(), None).await), Code::RoomNotFound);
    assert_eq!(ann.get_room_list(0, 10).await.unwrap().total, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_crashes_is_gone_within_25_s_and_one_whose_stream_flows_stays() {
    let world = World::new().await;
    let (ann, bob, cid) = (world.client("Ann").await, world.client("Bob").await, world.client("Cid").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let second = world.join(&bob, &seat.room).await;
    world.join(&cid, &seat.room).await;
    world.stop_pushing(&second).await;
    for _ in 0..5 {
        ann.heartbeat(&seat.room, Sending::default()).await.unwrap();
        world.pass(5).await;
    }
    let state = ann.get_room(&seat.room).await.unwrap();
    assert_eq!(state.members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["Ann", "Cid"], "Cid is silent, but seen");
    assert_eq!(code(bob.heartbeat(&seat.room, Sending::default()).await), Code::NotAMember);
    world.join(&bob, &seat.room).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_room_opens_to_its_password_only() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let locked = CreateRoom { password: Some("sesame".into()), ..wish("Locked", Mode::Multi) };
    let seat = ann.create_room(&locked).await.unwrap();
    world.push(&seat).await;
    assert!(bob.get_room_list(0, 1).await.unwrap().rooms[0].locked);
    let room = seat.room.as_str();
    assert_eq!(code(bob.enter_room(room, None).await), Code::WrongPassword);
    assert_eq!(code(bob.enter_room(room, Some("guess")).await), Code::WrongPassword);
    bob.enter_room(room, Some("sesame")).await.unwrap();

    let eve = world.client("Eve").await;
    let mut codes = Vec::new();
    for i in 0..12 {
        codes.push(code(eve.enter_room(room, Some(&i.to_string())).await));
    }
    assert_eq!(codes.last(), Some(&Code::RateLimited), "guessing is slow");
    let again = world.client("Eve again").await;
    assert_eq!(code(again.enter_room(room, Some("sesame")).await), Code::RateLimited, "for the whole address");
    world.pass(60).await;
    again.enter_room(room, Some("sesame")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_clients_sign_in_by_themselves_and_the_room_comes_back_under_its_id() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Duo).await;
    world.join(&bob, &seat.room).await;
    let addr = world.stop().await;

    let world = World::with(parlor::server::token::Keys::random(), &addr.to_string()).await;
    assert_eq!(code(bob.enter_room(seat.room.as_str(), None).await), Code::RoomNotFound, "Bob is back before Ann");
    let again = CreateRoom { room: Some(seat.room.clone()), ..wish("Call", Mode::Duo) };
    let back = ann.create_room(&again).await.unwrap();
    assert_eq!(back.room, seat.room);
    world.push(&back).await;
    let second = world.join(&bob, &seat.room).await;
    assert_eq!(second.state.members[0].name, "Ann");
    let events = bob.events(&seat.room, 1000, std::time::Duration::ZERO).await.unwrap();
    assert!(events.gap, "numbers from before the restart mean nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_outlive_a_restart_when_the_key_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keys = || parlor::server::token::Keys::load(folder.path()).unwrap();
    let world = World::with(keys(), "127.0.0.1:0").await;
    let ann = world.client("Ann").await;
    let before = ann.session().unwrap();
    let addr = world.stop().await;
    let world = World::with(keys(), &addr.to_string()).await;
    world.room(&ann, Mode::Duo).await;
    assert_eq!(ann.session().unwrap().token, before.token);
    let stranger = Client::new(&addr.to_string()).unwrap();
    assert_eq!(code(stranger.get_room_list(0, 1).await), Code::Unauthorized);
}
