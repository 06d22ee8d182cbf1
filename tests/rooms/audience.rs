//! Those who watch a live room.

use crate::world::{World, code, stream_of, wish};
use parlor::proto::api::{CreateRoom, Sending};
use parlor::proto::{Code, EventKind, Mode};
use parlor::server::token::Action;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn viewers_watch_without_a_seat_and_without_noise() {
    let world = World::new().await;
    let (ann, vic) = (world.client("Ann").await, world.client("Vic").await);
    let seat = world.room(&ann, Mode::Live).await;
    let ticket = vic.add_audience("Call", None).await.unwrap();
    assert_eq!((&ticket.room, ticket.state.audience), (&seat.room, 1));
    assert_eq!(vic.add_audience(seat.room.as_str(), None).await.unwrap().viewer, ticket.viewer, "once more is the same place");
    assert_eq!(ticket.state.receipt, None);

    let (stream, token) = stream_of(ticket.state.members[0].play_url.as_ref().unwrap());
    world.service.authorize(Action::Play, &stream, &token).await.unwrap();
    assert!(world.service.authorize(Action::Publish, &stream, &token).await.is_err());

    let page = ann.get_audience_list(&seat.room, 0, 10).await.unwrap();
    assert_eq!((page.total, page.viewers[0].name.as_str()), (1, "Vic"));
    assert_eq!(code(vic.get_audience_list(&seat.room, 0, 10).await), Code::NotAMember, "who else watches is the hosts' to know");
    assert_eq!(ann.get_room(&seat.room).await.unwrap().audience, 1);
    assert_eq!(ann.heartbeat(&seat.room, Sending::default()).await.unwrap().audience, 1);
    assert_eq!(ann.events(&seat.room, 1, Duration::ZERO).await.unwrap().events.len(), 0, "no event tells of a viewer");

    // Whoever sends has an address for players that know no rooms.
    let own = ann.get_room(&seat.room).await.unwrap().members[0].play_url.clone().unwrap();
    let (of_her_own, token_of_her_own) = stream_of(&own);
    assert_eq!(of_her_own, stream);
    world.service.authorize(Action::Play, &stream, &token_of_her_own).await.unwrap();
    assert!(world.service.authorize(Action::Publish, &stream, &token_of_her_own).await.is_err());

    vic.send_text_msg(&seat.room, "bravo").await.unwrap();
    let heard = ann.events(&seat.room, 1, Duration::ZERO).await.unwrap().events;
    assert!(matches!(&heard[0].kind, EventKind::Message { member, name, .. } if *member == ticket.viewer && name == "Vic"));
    assert_eq!(vic.events(&seat.room, 1, Duration::ZERO).await.unwrap().events, heard);
    assert_eq!(vic.get_messages(&seat.room, None, 10).await.unwrap().messages.len(), 1);
    assert_eq!(vic.get_room(&seat.room).await.unwrap().members.len(), 1);
    assert_eq!(code(vic.set_custom_info(&seat.room, "k", 1, None).await), Code::NotAMember);

    vic.remove_audience(&seat.room, None).await.unwrap();
    vic.remove_audience(&seat.room, None).await.unwrap();
    assert!(world.service.authorize(Action::Play, &stream, &token).await.is_err(), "the ticket is worth nothing now");
    assert!(!world.service.may_stay(&stream, &ticket.viewer).await);
    assert_eq!(code(vic.events(&seat.room, 1, Duration::ZERO).await), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_viewers_go_and_those_who_beat_stay() {
    let world = World::new().await;
    let (ann, vic, wim) = (world.client("Ann").await, world.client("Vic").await, world.client("Wim").await);
    let seat = world.room(&ann, Mode::Live).await;
    vic.add_audience(seat.room.as_str(), None).await.unwrap();
    wim.add_audience(seat.room.as_str(), None).await.unwrap();
    for _ in 0..5 {
        assert!(vic.heartbeat(&seat.room, Sending::default()).await.unwrap().audience >= 1);
        world.pass(5).await;
    }
    assert_eq!(ann.get_audience_list(&seat.room, 0, 10).await.unwrap().total, 1);
    assert_eq!(code(wim.heartbeat(&seat.room, Sending::default()).await), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_live_rooms_have_an_audience_and_it_has_its_own_door() {
    let world = World::new().await;
    let (ann, vic) = (world.client("Ann").await, world.client("Vic").await);
    let call = world.room(&ann, Mode::Duo).await;
    assert_eq!(code(vic.add_audience(call.room.as_str(), None).await), Code::WrongMode);
    assert_eq!(code(vic.add_audience("nowhere", None).await), Code::RoomNotFound);
    let locked = CreateRoom { password: Some("sesame".into()), ..wish("Locked", Mode::Live) };
    let seat = ann.create_room(&locked).await.unwrap();
    world.push(&seat).await;
    assert_eq!(code(vic.add_audience("Locked", None).await), Code::WrongPassword);
    assert_eq!(code(vic.add_audience("Locked", Some("simsim")).await), Code::WrongPassword);
    let ticket = vic.add_audience("locked", Some("sesame")).await.err();
    assert!(ticket.is_some(), "names are told apart by their case");
    let ticket = vic.add_audience("Locked", Some("sesame")).await.unwrap();
    assert_eq!(code(vic.remove_audience(&seat.room, Some(&seat.member)).await), Code::NotAMember);
    ann.remove_audience(&seat.room, Some(&ticket.viewer)).await.unwrap();
    assert_eq!(code(vic.add_audience("Locked", Some("sesame")).await), Code::Removed);
    let again = world.client("vic").await;
    assert_eq!(code(again.enter_room("Locked", Some("sesame")).await), Code::Removed);
}
