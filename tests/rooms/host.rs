//! What a host may do to others, and what nobody else may.

use crate::world::{World, code};
use parlor::proto::api::{Heartbeat, ReceivedBy, ReceivedFigures, Sending, SentFigures, Statistics};
use parlor::proto::event::LeaveReason;
use parlor::proto::{Code, EventKind, MemberId, Mode};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;

#[tokio::test(flavor = "multi_thread")]
async fn a_host_may_mute_and_only_the_muted_may_unmute() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let second = world.join(&bob, &seat.room).await;
    assert_eq!(code(bob.request_mute(&seat.room, &seat.member).await), Code::Forbidden);
    ann.request_mute(&seat.room, &second.member).await.unwrap();
    let heard = bob.events(&seat.room, 2, NOW).await.unwrap().events;
    assert_eq!(heard[0].kind, EventKind::MuteRequested { member: second.member.clone() });
    // Bob's program does it; asking somebody who is silent says nothing.
    bob.heartbeat(&seat.room, Sending { mic: false, camera: true, ..Sending::default() }).await.unwrap();
    ann.request_mute(&seat.room, &second.member).await.unwrap();
    assert_eq!(bob.events(&seat.room, 4, NOW).await.unwrap().events.len(), 0);
    assert_eq!(code(ann.request_mute(&seat.room, &MemberId::new("nobody")).await), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_removed_does_not_come_back_in_any_disguise_from_there() {
    let world = World::new().await;
    let (ann, bob, cid) = (world.client("Ann").await, world.client("Bob").await, world.client("Cid").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let second = world.join(&bob, &seat.room).await;
    world.join(&cid, &seat.room).await;
    assert_eq!(code(cid.remove_member(&seat.room, &second.member).await), Code::Forbidden);
    ann.remove_member(&seat.room, &second.member).await.unwrap();
    assert!(world.was_kicked(&second));
    let heard = ann.events(&seat.room, 3, NOW).await.unwrap().events;
    let left = EventKind::Left { member: second.member.clone(), name: "Bob".into(), reason: LeaveReason::Removed };
    assert_eq!(heard[0].kind, left);
    assert_eq!(code(bob.enter_room(seat.room.as_str(), None).await), Code::Removed);
    let renamed = world.client("BOB").await;
    assert_eq!(code(renamed.enter_room(seat.room.as_str(), None).await), Code::Removed, "the same name from the same address");
    world.join(&world.client("Bea").await, &seat.room).await;
    assert_eq!(code(ann.remove_member(&seat.room, &second.member).await), Code::NotAMember);
    // Removing oneself is leaving.
    let me = cid.enter_room(seat.room.as_str(), None).await.unwrap().member;
    cid.remove_member(&seat.room, &me).await.unwrap();
    cid.enter_room(seat.room.as_str(), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_see_each_others_newest_figures() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Multi).await;
    let second = world.join(&bob, &seat.room).await;
    let received = ReceivedFigures {
        member: seat.member.clone(),
        width: 640,
        height: 360,
        fps: 30,
        kbps: 480,
        delay_p50_ms: Some(120),
        delay_p95_ms: Some(180),
        jitter_ms: 4,
        cache_ms: 60,
        freezes: 0,
        wanted: Some(270),
    };
    let statistics = Statistics {
        sent: Some(SentFigures { width: 640, height: 360, fps: 30, kbps: 512, queue_ms: 3, dropped: 0 }),
        received: vec![received.clone()],
        cpu_app: Some(12),
        cpu_device: Some(40),
    };
    let beat = |statistics| Heartbeat { sending: Sending::default(), statistics: Some(statistics) };
    bob.heartbeat(&seat.room, beat(Statistics::default())).await.unwrap();
    bob.heartbeat(&seat.room, beat(statistics.clone())).await.unwrap();
    let page = ann.get_room_members(&seat.room, 1, 10).await.unwrap();
    assert_eq!((page.total, page.members.len()), (2, 1));
    assert_eq!((&page.members[0].member, &page.members[0].statistics), (&second.member, &Some(statistics.clone())));
    assert!(page.members[0].play_url.is_some());
    // And each hears with a heartbeat how their own stream reaches the others, and nobody else's.
    let about = ann.heartbeat(&seat.room, Heartbeat::default()).await.unwrap().received;
    assert_eq!(about, [ReceivedBy { member: second.member.clone(), figures: received.clone() }]);
    assert_eq!(bob.heartbeat(&seat.room, beat(statistics.clone())).await.unwrap().received, []);
    let other = world.room(&world.client("Cid").await, Mode::Multi).await;
    let dan = world.client("Dan").await;
    world.join(&dan, &other.room).await;
    // What somebody in another room says of a member does not reach them.
    dan.heartbeat(&other.room, beat(statistics.clone())).await.unwrap();
    assert_eq!(ann.heartbeat(&seat.room, Heartbeat::default()).await.unwrap().received.len(), 1);
    let many = Statistics { received: vec![received; 17], ..Statistics::default() };
    assert_eq!(code(bob.heartbeat(&seat.room, beat(many)).await), Code::TooLarge);
    let busy = Statistics { cpu_app: Some(101), ..Statistics::default() };
    assert_eq!(code(bob.heartbeat(&seat.room, beat(busy)).await), Code::BadRequest);
    let stranger = world.client("Eve").await;
    assert_eq!(code(stranger.get_room_members(&seat.room, 0, 10).await), Code::NotAMember);
    world.pass(30).await;
    assert_eq!(ann.get_room_members(&seat.room, 1, 1).await.unwrap().members[0].statistics, None, "old figures are forgotten");
}
