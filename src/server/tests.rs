//! The service over each kind of store, with stepped time.

mod several;
mod world;

use super::limits::{AFTERLIFE, COMMAND_BYTES, DATA_BYTES, GONE, Limits, PENDING, ROOMS_PER_PERSON, STREAM_GRACE, TEXT_BYTES};
use super::token::Holder;
use crate::proto::api::{CreateRoom, Enter, MessageBody, Sending};
use crate::proto::event::{DissolveReason, LeaveReason};
use crate::proto::{Code, EventKind, Mode, RoomId};
use proptest::prelude::*;
use world::{Kind, S, World, stream_name, wish};

/// Each of these is a test on a store in memory, and one on a real Redis.
macro_rules! on_each_store {
    ($($name:ident),+ $(,)?) => {
        mod memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Kind::Memory).await;
            })+
        }
        mod e2e_redis {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Kind::Redis).await;
            })+
        }
    };
}

mod kept;

on_each_store![
    a_room_is_listed_and_a_member_announced_only_when_their_stream_flows,
    a_seat_without_a_stream_is_taken_back_and_heartbeats_do_not_keep_it,
    a_room_whose_creator_never_pushes_is_gone,
    a_crash_is_noticed_within_25_s,
    a_pulled_cable_is_noticed_within_25_s_too,
    a_member_without_heartbeat_stays_while_their_stream_flows,
    a_member_with_heartbeats_stays_while_their_stream_is_away,
    a_lost_start_notice_heals,
    caps_are_those_of_the_mode_and_pending_seats_count,
    entering_again_is_the_same_seat,
    the_creator_leaving_dissolves_the_room_unless_told_otherwise,
    only_the_creator_ends_a_room,
    a_room_comes_back_under_its_id_after_a_restart,
    a_name_leads_to_the_newest_room_and_an_id_goes_first,
    passwords_are_asked_once,
    a_sealed_room_is_for_those_who_say_that_they_have_the_key,
    a_repeated_message_is_said_once_and_bad_ones_not_at_all,
    switching_a_device_is_told_once,
    numbers_of_rooms_are_bounded_and_memories_make_way,
    a_stream_whose_seat_is_gone_is_ended,
    pages_of_the_list_are_newest_first,
];

async fn a_room_is_listed_and_a_member_announced_only_when_their_stream_flows(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.reserve("Ann", &wish("Weekly", Mode::Duo)).await.unwrap();
    let room = ann.room.clone();
    assert_eq!(world.list(0, 10).await.total, 0);
    assert!(world.names(&room).await.is_empty());
    assert_eq!(world.enter_silently("Bob", "Weekly", None).await.unwrap_err(), Code::RoomNotFound, "unlisted: only by id");

    world.push(&Holder { room: room.clone(), member: ann.member }).await;
    let page = world.list(0, 10).await;
    assert_eq!((page.total, page.rooms[0].members.as_slice()), (1, ["Ann".to_owned()].as_slice()));

    let bob = world.enter_silently("Bob", " Weekly ", None).await.unwrap();
    assert_eq!(world.names(&room).await, ["Ann"], "Bob holds a seat but is not announced");
    world.push(&Holder { room: room.clone(), member: bob.member.clone() }).await;
    assert_eq!(world.names(&room).await, ["Ann", "Bob"]);
    assert!(matches!(&world.kinds("Ann", &room, 1).await[..], [EventKind::Joined { member, .. }] if *member == bob.member));
}

async fn a_seat_without_a_stream_is_taken_back_and_heartbeats_do_not_keep_it(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Duo", Mode::Duo)).await;
    world.enter_silently("Bob", ann.room.as_str(), None).await.unwrap();
    assert_eq!(world.enter("Cid", &ann.room).await, Err(Code::RoomFull), "a reserved seat is a seat");
    for _ in 0..PENDING.as_secs() / 5 {
        world.pass(S(5)).await;
        world.beat("Ann", &ann.room).await.unwrap();
        let _ = world.beat("Bob", &ann.room).await;
    }
    world.pass(S(1)).await;
    assert_eq!(world.beat("Bob", &ann.room).await, Err(Code::NotAMember));
    assert!(world.kinds("Ann", &ann.room, 1).await.is_empty(), "nobody heard of Bob");
    world.enter("Cid", &ann.room).await.unwrap();
}

async fn a_room_whose_creator_never_pushes_is_gone(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.reserve("Ann", &wish("Silent", Mode::Multi)).await.unwrap();
    world.pass(PENDING + S(2)).await;
    assert_eq!(world.exit("Ann", &ann.room).await, Err(Code::RoomNotFound));
}

async fn a_crash_is_noticed_within_25_s(kind: Kind) {
    for seconds_since_heartbeat in 0..5 {
        let world = World::new(kind).await;
        let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
        let bob = world.enter("Bob", &ann.room).await.unwrap();
        world.pass(S(seconds_since_heartbeat)).await;
        world.stop(&bob).await;
        let crashed = world.now();
        while world.names(&ann.room).await.len() == 2 {
            world.beat("Ann", &ann.room).await.unwrap();
            world.pass(S(1)).await;
            assert!(world.now() - crashed <= S(25), "not noticed");
        }
        assert!(world.now() - crashed >= STREAM_GRACE);
        assert!(matches!(world.kinds("Ann", &ann.room, 2).await[..], [EventKind::Left { reason: LeaveReason::TimedOut, .. }]));
    }
}

async fn a_pulled_cable_is_noticed_within_25_s_too(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter("Bob", &ann.room).await.unwrap();
    // Nobody says that the connection is broken: the relay sees packets stop at once, and gives up after 15 s.
    world.end_stream(&bob);
    for second in 0..25 {
        if second == 15 {
            world.stop(&bob).await;
        }
        world.beat("Ann", &ann.room).await.unwrap();
        world.pass(S(1)).await;
    }
    assert_eq!(world.names(&ann.room).await, ["Ann"]);
}

async fn a_member_without_heartbeat_stays_while_their_stream_flows(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter("Bob", &ann.room).await.unwrap();
    world.pass(S(600)).await;
    assert_eq!(world.names(&ann.room).await, ["Ann", "Bob"]);
    world.stop(&bob).await;
    world.pass(S(3)).await;
    world.push(&bob).await;
    world.pass(S(600)).await;
    assert_eq!(world.names(&ann.room).await, ["Ann", "Bob"], "a short break of the stream costs nothing");
    world.stop(&bob).await;
    world.pass(GONE).await;
    assert_eq!(world.names(&ann.room).await, ["Ann"]);
}

async fn a_member_with_heartbeats_stays_while_their_stream_is_away(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter("Bob", &ann.room).await.unwrap();
    world.stop(&bob).await;
    for _ in 0..20 {
        world.pass(S(5)).await;
        world.beat("Bob", &ann.room).await.unwrap();
    }
    assert_eq!(world.names(&ann.room).await, ["Ann", "Bob"]);
}

async fn a_lost_start_notice_heals(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter_silently("Bob", ann.room.as_str(), None).await.unwrap();
    world.begin_stream(&bob);
    world.pass(PENDING + S(1)).await;
    assert_eq!(world.names(&ann.room).await, ["Ann", "Bob"]);
}

async fn caps_are_those_of_the_mode_and_pending_seats_count(kind: Kind) {
    for (mode, cap) in [(Mode::Duo, 2), (Mode::Multi, 4), (Mode::Live, 4)] {
        let world = World::new(kind).await;
        let ann = world.create("Ann", &wish("Call", mode)).await;
        let mut got_in = 1;
        for i in 0..100 {
            got_in += usize::from(world.enter_silently(&i.to_string(), ann.room.as_str(), None).await.is_ok());
        }
        assert_eq!(got_in, cap, "{mode}");
    }
}

async fn entering_again_is_the_same_seat(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Duo)).await;
    let first = world.enter("Bob", &ann.room).await.unwrap();
    assert_eq!(world.enter("Bob", &ann.room).await, Ok(first));
    assert_eq!(world.enter("Ann", &ann.room).await, Ok(ann.clone()));
    assert_eq!(world.kinds("Ann", &ann.room, 0).await.len(), 2, "nobody joins twice");
    let again = CreateRoom { room: Some(ann.room.clone()), ..wish("Call", Mode::Duo) };
    assert_eq!(world.create("Ann", &again).await, ann, "so is creating one's own open room");
}

async fn the_creator_leaving_dissolves_the_room_unless_told_otherwise(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter("Bob", &ann.room).await.unwrap();
    world.exit("Ann", &ann.room).await.unwrap();
    assert_eq!(world.kicked(2).await, [stream_name(&ann), stream_name(&bob)]);
    assert!(matches!(
        world.kinds("Bob", &ann.room, 2).await[..],
        [EventKind::Left { reason: LeaveReason::Left, .. }, EventKind::Dissolved { reason: DissolveReason::CreatorLeft }]
    ));
    assert_eq!(world.list(0, 10).await.total, 0);
    assert_eq!(world.enter("Cid", &ann.room).await, Err(Code::RoomNotFound));
    assert_eq!(world.beat("Bob", &ann.room).await, Err(Code::RoomNotFound));
    assert_eq!(world.events("Cid", &ann.room, 0).await, Err(Code::RoomNotFound));
    world.pass(AFTERLIFE + S(1)).await;
    world.check_empty().await;

    let kept = CreateRoom { dissolve_on_creator_exit: false, ..wish("Open", Mode::Multi) };
    let ann = world.create("Ann", &kept).await;
    world.enter("Bob", &ann.room).await.unwrap();
    world.exit("Ann", &ann.room).await.unwrap();
    assert_eq!(world.names(&ann.room).await, ["Bob"]);
    assert_eq!(world.list(0, 10).await.total, 1);
    assert_eq!(world.enter("Ann", &ann.room).await, Ok(ann.clone()), "the creator comes back as the creator");
    assert_eq!(world.names(&ann.room).await, ["Bob", "Ann"], "in order of arrival");
    for name in ["Ann", "Bob"] {
        world.exit(name, &ann.room).await.unwrap();
    }
    assert_eq!(world.list(0, 10).await.total, 0, "an empty room is no room");
}

async fn only_the_creator_ends_a_room(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    world.enter("Bob", &ann.room).await.unwrap();
    assert_eq!(world.dissolve("Bob", &ann.room).await, Err(Code::Forbidden));
    assert_eq!(world.dissolve("Ann", &ann.room).await, Ok(()));
    assert!(matches!(world.kinds("Bob", &ann.room, 2).await[..], [EventKind::Dissolved { reason: DissolveReason::Ended }]));
}

async fn a_room_comes_back_under_its_id_after_a_restart(kind: Kind) {
    let before = World::new(kind).await;
    let room = before.create("Ann", &wish("Call", Mode::Duo)).await.room;
    let after = World::new(kind).await;
    assert_eq!(after.enter("Bob", &room).await, Err(Code::RoomNotFound), "not yet");
    let again = CreateRoom { room: Some(room.clone()), ..wish("Call", Mode::Duo) };
    assert_eq!(after.create("Ann", &again).await.room, room);
    after.enter("Bob", &room).await.unwrap();
    assert_eq!(after.reserve("Eve", &again).await.unwrap_err().code, Code::Conflict);
    for odd in ["", "x", "../../x", "k7wq2mn_", "K7WQ2MND", "k7wq2mndd"] {
        let request = CreateRoom { room: Some(RoomId::new(odd)), ..wish("Call", Mode::Duo) };
        assert_eq!(after.reserve("Eve", &request).await.unwrap_err().code, Code::BadRequest, "{odd}");
    }
    // Dissolved while its creator was away: it may come back, for the creator only.
    after.dissolve("Ann", &room).await.unwrap();
    assert_eq!(after.reserve("Eve", &again).await.unwrap_err().code, Code::Conflict);
    assert_eq!(after.create("Ann", &again).await.room, room);
    assert_eq!(after.enter("Cid", &room).await.map(|h| h.room), Ok(room));
}

async fn a_name_leads_to_the_newest_room_and_an_id_goes_first(kind: Kind) {
    let world = World::new(kind).await;
    let first = world.create("Ann", &wish("Standup", Mode::Multi)).await;
    let second = world.create("Bob", &wish("Standup", Mode::Multi)).await;
    let decoy = world.create("Eve", &wish(first.room.as_str(), Mode::Multi)).await;
    assert_eq!(world.enter("Cid", &RoomId::new("Standup")).await.unwrap().room, second.room);
    assert_eq!(world.enter("Dan", &first.room).await.unwrap().room, first.room);
    assert_eq!(world.enter("Flo", &RoomId::new(decoy.room.as_str().to_uppercase())).await.unwrap().room, decoy.room);
}

async fn passwords_are_asked_once(kind: Kind) {
    let world = World::new(kind).await;
    let locked = CreateRoom { password: Some("open sesame".into()), ..wish("Locked", Mode::Multi) };
    let room = world.create("Ann", &locked).await.room;
    let enter = async |password| world.enter_silently("Bob", room.as_str(), password).await;
    assert_eq!(enter(None).await, Err(Code::WrongPassword));
    assert_eq!(enter(Some("guess")).await, Err(Code::WrongPassword));
    let bob = enter(Some("open sesame")).await.unwrap();
    assert_eq!(enter(None).await.unwrap(), bob, "who is inside is not asked again");
    assert!(world.list(0, 1).await.rooms[0].locked);
}

async fn a_sealed_room_is_for_those_who_say_that_they_have_the_key(kind: Kind) {
    let world = World::new(kind).await;
    let sealed = |name, mode| CreateRoom { sealed: true, ..wish(name, mode) };
    let room = world.create("Ann", &sealed("Sealed", Mode::Multi)).await.room;
    let listed = &world.list(0, 1).await.rooms[0];
    assert!(listed.sealed && !listed.locked);
    assert_eq!(world.enter_silently("Bob", room.as_str(), None).await, Err(Code::KeyRequired), "as older programs ask");
    let enter = Enter { sealed: true, ..Enter::default() };
    let seat = world.service.enter(world::FROM, &world::person("Bob"), world::VIA, "Sealed", &enter).await.unwrap();
    assert!(seat.state.sealed);
    assert_eq!(
        world.enter_silently("Bob", room.as_str(), None).await.unwrap().member,
        seat.member,
        "who is inside is not asked again"
    );
    assert_eq!(world.reserve("Cid", &sealed("Live", Mode::Live)).await.unwrap_err().code, Code::WrongMode);
}

async fn a_repeated_message_is_said_once_and_bad_ones_not_at_all(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let say = async |nonce, body| world.say("Ann", &ann.room, nonce, body).await;
    let text = |text: &str| MessageBody::Text { text: text.to_owned() };
    let custom = |command: &str, data: &str| MessageBody::Custom { command: command.to_owned(), data: data.to_owned() };
    let first = say(7, text("hello")).await.unwrap();
    assert_eq!(say(7, text("hello")).await, Ok(first));
    assert_eq!(say(8, text("hello")).await, Ok(first + 1));
    assert_eq!(say(9, text(&"x".repeat(TEXT_BYTES + 1))).await, Err(Code::TooLarge));
    assert_eq!(say(9, text(" \n")).await, Err(Code::BadRequest));
    assert_eq!(say(9, custom(&"x".repeat(COMMAND_BYTES + 1), "")).await, Err(Code::TooLarge));
    assert_eq!(say(9, custom("x", &"x".repeat(DATA_BYTES + 1))).await, Err(Code::TooLarge));
    assert_eq!(say(9, custom("x", "")).await, Ok(first + 2));
    assert_eq!(world.say("Eve", &ann.room, 1, text("hi")).await, Err(Code::NotAMember));
}

async fn switching_a_device_is_told_once(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let muted = Sending { mic: false, camera: true, ..Sending::default() };
    for _ in 0..3 {
        world.send("Ann", &ann.room, muted).await.unwrap();
    }
    let member = ann.member;
    assert_eq!(world.kinds("Ann", &ann.room, 1).await, [EventKind::Changed { member, sending: muted }]);
}

async fn numbers_of_rooms_are_bounded_and_memories_make_way(kind: Kind) {
    let create = async |world: &World, who: usize| {
        let holder = world.reserve(&who.to_string(), &wish("Call", Mode::Duo)).await;
        holder.map(|h| h.room).map_err(|p| p.code)
    };
    let world = World::with(kind, Limits { rooms: 10, ..Limits::default() }).await;
    let first = create(&world, 0).await.unwrap();
    for who in 1..10 {
        create(&world, who).await.unwrap();
    }
    assert_eq!(create(&world, 10).await, Err(Code::ServerFull));
    world.dissolve("0", &first).await.unwrap();
    create(&world, 10).await.unwrap();
    assert_eq!(world.events("0", &first, 0).await, Err(Code::RoomNotFound));

    let world = World::new(kind).await;
    for _ in 0..ROOMS_PER_PERSON {
        create(&world, 0).await.unwrap();
    }
    assert_eq!(create(&world, 0).await, Err(Code::RateLimited));
}

async fn a_stream_whose_seat_is_gone_is_ended(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    world.exit("Ann", &ann.room).await.unwrap();
    assert_eq!(world.kicked(1).await, [stream_name(&ann)]);
    world.service.started(&stream_name(&ann)).await;
    assert_eq!(world.kicked(2).await[1], stream_name(&ann));
}

async fn pages_of_the_list_are_newest_first(kind: Kind) {
    let world = World::new(kind).await;
    for i in 0..25 {
        world.create(&i.to_string(), &wish(&format!("Room {i}"), Mode::Duo)).await;
    }
    let page = world.list(20, 100).await;
    let names: Vec<_> = page.rooms.iter().map(|r| r.name.as_str()).collect();
    assert_eq!((page.total, names), (25, vec!["Room 4", "Room 3", "Room 2", "Room 1", "Room 0"]));
    assert!(world.list(100, 100).await.rooms.is_empty());
    assert_eq!(world.list(0, usize::MAX).await.rooms.len(), 25);
}

/// Something that may happen; `who` and `which` choose among few, so that things collide.
#[derive(Clone, Debug)]
enum Step {
    Create { who: usize, mode: Mode, stay: bool },
    Recreate { who: usize, which: usize },
    Enter { who: usize, which: usize },
    Exit { who: usize, which: usize },
    Dissolve { who: usize, which: usize },
    Beat { who: usize, which: usize, mic: bool },
    Start { which: usize },
    Stop { which: usize },
    Say { who: usize, which: usize, nonce: u64 },
    Pass { seconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    let who = || 0..7_usize;
    let which = || 0..12_usize;
    prop_oneof![
        1 => (who(), prop_oneof![Just(Mode::Duo), Just(Mode::Multi), Just(Mode::Live)], any::<bool>()).prop_map(|(who, mode, stay)| Step::Create { who, mode, stay }),
        1 => (who(), which()).prop_map(|(who, which)| Step::Recreate { who, which }),
        4 => (who(), which()).prop_map(|(who, which)| Step::Enter { who, which }),
        2 => (who(), which()).prop_map(|(who, which)| Step::Exit { who, which }),
        1 => (who(), which()).prop_map(|(who, which)| Step::Dissolve { who, which }),
        3 => (who(), which(), any::<bool>()).prop_map(|(who, which, mic)| Step::Beat { who, which, mic }),
        5 => which().prop_map(|which| Step::Start { which }),
        2 => which().prop_map(|which| Step::Stop { which }),
        2 => (who(), which(), 0..5_u64).prop_map(|(who, which, nonce)| Step::Say { who, which, nonce }),
        3 => (0..30_u64).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

impl World {
    /// Refusals are fine: what must hold is checked afterwards.
    async fn take(&self, step: &Step, rooms: &mut Vec<RoomId>, seats: &mut Vec<Holder>) {
        let nowhere = RoomId::new("nowhere");
        let room = |which: &usize| rooms.get(which % rooms.len().max(1)).unwrap_or(&nowhere).clone();
        let seat = |which: &usize| seats.get(which % seats.len().max(1)).cloned();
        let mut took = None;
        match step {
            Step::Create { who, mode, stay } => {
                let request = CreateRoom { dissolve_on_creator_exit: !stay, ..wish("Room", *mode) };
                took = self.reserve(&who.to_string(), &request).await.ok();
            }
            Step::Recreate { who, which } => {
                let request = CreateRoom { room: Some(room(which)), ..wish("Room", Mode::Multi) };
                took = self.reserve(&who.to_string(), &request).await.ok();
            }
            Step::Enter { who, which } => took = self.enter_silently(&who.to_string(), room(which).as_str(), None).await.ok(),
            Step::Exit { who, which } => {
                let _ = self.exit(&who.to_string(), &room(which)).await;
            }
            Step::Dissolve { who, which } => {
                let _ = self.dissolve(&who.to_string(), &room(which)).await;
            }
            Step::Beat { who, which, mic } => {
                let _ =
                    self.send(&who.to_string(), &room(which), Sending { mic: *mic, camera: true, ..Sending::default() }).await;
            }
            Step::Start { which } => {
                if let Some(holder) = seat(which) {
                    self.push(&holder).await;
                }
            }
            Step::Stop { which } => {
                if let Some(holder) = seat(which) {
                    self.stop(&holder).await;
                }
            }
            Step::Say { who, which, nonce } => {
                let body = MessageBody::Text { text: "hi".into() };
                let _ = self.say(&who.to_string(), &room(which), *nonce, body).await;
            }
            Step::Pass { seconds } => self.pass(S(*seconds)).await,
        }
        if let Some(holder) = took {
            rooms.push(holder.room.clone());
            seats.push(holder);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_books_balance(steps in proptest::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(balance(Kind::Memory, &steps));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn e2e_whatever_happens_the_books_balance_in_redis(steps in proptest::collection::vec(step(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(balance(Kind::Redis, &steps));
    }
}

async fn balance(kind: Kind, steps: &[Step]) {
    let world = World::new(kind).await;
    let (mut rooms, mut seats) = (Vec::new(), Vec::new());
    for step in steps {
        world.take(step, &mut rooms, &mut seats).await;
        world.check();
    }
    world.end_streams();
    world.pass(GONE + AFTERLIFE + S(40)).await;
    // Everything ends when everybody is gone.
    world.check_empty().await;
}
