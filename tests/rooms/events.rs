//! What members hear, and when.

use crate::world::{World, code};
use parlor::proto::api::{MessageBody, Sending};
use parlor::proto::event::{DissolveReason, LeaveReason};
use parlor::proto::{Code, EventKind, Mode};
use std::time::Duration;

const NOW: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(25);

#[tokio::test(flavor = "multi_thread")]
async fn members_hear_joins_changes_messages_leaves_and_the_end_in_order() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &seat.room).await;
    let muted = Sending { mic: false, camera: true, ..Sending::default() };
    bob.heartbeat(&seat.room, muted).await.unwrap();
    ann.send_text_msg(&seat.room, "hello, 世界").await.unwrap();
    bob.send_custom_msg(&seat.room, "wave", "{\"hand\":\"left\"}").await.unwrap();
    bob.exit_room(&seat.room).await.unwrap();
    let events = ann.events(&seat.room, 0, NOW).await.unwrap();
    assert!(!events.gap);
    assert_eq!(events.events.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(events.next, 6);
    let nonce = |kind: &EventKind| match kind {
        EventKind::Message { nonce, .. } => Some(*nonce),
        _ => None,
    };
    let nonces: Vec<u64> = events.events.iter().filter_map(|e| nonce(&e.kind)).collect();
    let kinds: Vec<_> = events.events.into_iter().map(|e| e.kind).collect();
    let (a, b) = (seat.member.clone(), second.member.clone());
    let custom = MessageBody::Custom { command: "wave".into(), data: "{\"hand\":\"left\"}".into() };
    assert_eq!(
        kinds,
        [
            EventKind::Joined { member: a.clone(), name: "Ann".into() },
            EventKind::Joined { member: b.clone(), name: "Bob".into() },
            EventKind::Changed { member: b.clone(), sending: muted },
            EventKind::Message {
                member: a,
                name: "Ann".into(),
                nonce: nonces[0],
                body: MessageBody::Text { text: "hello, 世界".into() }
            },
            EventKind::Message { member: b.clone(), name: "Bob".into(), nonce: nonces[1], body: custom },
            EventKind::Left { member: b, name: "Bob".into(), reason: LeaveReason::Left },
        ]
    );
    assert_eq!(code(bob.events(&seat.room, 0, NOW).await), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_is_woken_by_what_happens() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Duo).await;
    let second = world.join(&bob, &seat.room).await;
    let (poller, room) = (bob.clone(), seat.room.clone());
    let poll = tokio::spawn(async move { poller.events(&room, 2, LONG).await });
    // Whether the poll waits already or is only on its way must make no difference.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!poll.is_finished());
    let started = std::time::Instant::now();
    ann.exit_room(&seat.room).await.unwrap();
    let events = poll.await.unwrap().unwrap();
    assert!(started.elapsed() < LONG / 2, "woken, not timed out");
    let ends = events.events.last().unwrap();
    assert_eq!(ends.kind, EventKind::Dissolved { reason: DissolveReason::CreatorLeft });
    assert_eq!(second.room, seat.room);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_poll_of_someone_who_is_removed_says_so() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Multi).await;
    bob.enter_room(seat.room.as_str(), None).await.unwrap();
    let (poller, room) = (bob.clone(), seat.room.clone());
    let poll = tokio::spawn(async move { poller.events(&room, 1, LONG).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    world.pass(30).await;
    assert_eq!(code(poll.await.unwrap()), Code::NotAMember);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_without_news_ends_empty_and_may_be_repeated() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let events = ann.events(&seat.room, 1, Duration::from_secs(1)).await.unwrap();
    assert_eq!((events.events.len(), events.next, events.gap), (0, 1, false));
    ann.send_text_msg(&seat.room, "hi").await.unwrap();
    assert_eq!(ann.events(&seat.room, events.next, LONG).await.unwrap().next, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_waits_twice_at_most_and_broken_polls_do_not_count() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let poll = || {
        let (ann, room) = (ann.clone(), seat.room.clone());
        // The probe below may take the second place for a moment; whoever is refused asks again.
        tokio::spawn(async move {
            while ann.events(&room, 1, LONG).await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
    };
    let polls = [poll(), poll()];
    // A third is refused as soon as the two are there.
    let mut refused = false;
    for _ in 0..500 {
        match ann.events(&seat.room, 1, NOW).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => {
                assert_eq!(code::<()>(Err(error)), Code::RateLimited);
                refused = true;
                break;
            }
        }
        world.clock.advance(Duration::from_secs(1));
    }
    assert!(refused);
    // The connections break; the server notices.
    for poll in polls {
        poll.abort();
    }
    let mut served = false;
    for _ in 0..250 {
        world.clock.advance(Duration::from_secs(1));
        if ann.events(&seat.room, 1, NOW).await.is_ok() {
            served = true;
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(served, "the broken polls were forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_missed_too_much_is_told_and_heals_by_the_state() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let seat = world.room(&ann, Mode::Duo).await;
    world.join(&bob, &seat.room).await;
    for i in 0..600 {
        let sending = Sending { mic: i % 2 == 0, camera: false, ..Sending::default() };
        ann.heartbeat(&seat.room, sending).await.unwrap();
        world.clock.advance(Duration::from_millis(200));
    }
    let events = bob.events(&seat.room, 1, NOW).await.unwrap();
    assert!(events.gap);
    assert!(events.events.windows(2).all(|e| e[1].seq == e[0].seq + 1));
    let state = bob.get_room(&seat.room).await.unwrap();
    assert!(!state.members[0].sending.mic && !state.members[0].sending.camera);
    let rest = bob.events(&seat.room, state.seq, NOW).await.unwrap();
    assert_eq!((rest.events.len(), rest.gap), (0, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_server_lets_those_who_wait_go() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    let (poller, room) = (ann.clone(), seat.room.clone());
    let poll = tokio::spawn(async move { poller.events(&room, 1, LONG).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = std::time::Instant::now();
    world.service.close();
    assert_eq!(code(poll.await.unwrap()), Code::Stopping, "they are told to connect again");
    assert!(started.elapsed() < LONG / 2);
}
