//! The registry with stepped time.

use super::*;
use crate::proto::Mode;
use crate::server::limits::{GONE, PENDING, STREAM_GRACE, TICK};
use proptest::prelude::*;

const T0: Duration = Duration::from_secs(1_700_000_000);
const S: fn(u64) -> Duration = Duration::from_secs;

fn person(name: &str) -> Person {
    Person { identity: Identity::new(format!("id-{name}")), name: name.to_owned() }
}

fn wish(name: &str, mode: Mode) -> CreateRoom {
    CreateRoom { name: name.into(), mode, password: None, dissolve_on_creator_exit: true, room: None }
}

/// A registry, its clock, and which streams flow.
struct World {
    registry: Registry,
    now: Duration,
    live: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        Self { registry: Registry::new(Limits::default()), now: T0, live: BTreeSet::new() }
    }

    fn create(&mut self, name: &str, request: &CreateRoom) -> Holder {
        let entered = self.registry.create(self.now, &person(name), request, None).unwrap();
        let holder = Holder { room: entered.state.room, member: entered.member };
        self.push(&holder);
        holder
    }

    fn enter(&mut self, name: &str, room: &RoomId) -> Result<Holder, Code> {
        let entered = self.registry.enter(self.now, &person(name), room.as_str(), None).map_err(|p| p.code)?;
        let holder = Holder { room: entered.state.room, member: entered.member };
        self.push(&holder);
        Ok(holder)
    }

    fn push(&mut self, holder: &Holder) {
        self.live.insert(stream_name(holder));
        self.registry.started(self.now, &stream_name(holder));
    }

    fn stop(&mut self, holder: &Holder) {
        self.live.remove(&stream_name(holder));
        self.registry.stopped(self.now, &stream_name(holder));
    }

    fn beat(&mut self, name: &str, room: &RoomId) -> Result<u64, Code> {
        self.registry.heartbeat(self.now, &person(name).identity, room, Sending::default()).map_err(|p| p.code)
    }

    /// Lets time pass, looking at deadlines as often as the service does.
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.now < until {
            self.now = (self.now + TICK).min(until);
            self.expire();
        }
    }

    fn expire(&mut self) {
        for Due { holder, stream } in self.registry.due(self.now) {
            let flows = self.live.contains(&stream);
            self.registry.settle(self.now, &holder, flows);
        }
        for stream in self.registry.take_effects().kicked {
            self.live.remove(&stream);
        }
    }

    fn names(&self, room: &RoomId) -> Vec<String> {
        self.registry.open(room).map(|r| r.state().members.into_iter().map(|m| m.name).collect()).unwrap_or_default()
    }

    fn kinds(&self, name: &str, room: &RoomId, since: u64) -> Vec<EventKind> {
        let events = self.registry.events(&person(name).identity, room, since).unwrap();
        events.events.into_iter().map(|e| e.kind).collect()
    }
}

#[test]
fn a_room_is_listed_and_a_member_announced_only_when_their_stream_flows() {
    let mut world = World::new();
    let ann = world.registry.create(T0, &person("Ann"), &wish("Weekly", Mode::Duo), None).unwrap();
    let room = ann.state.room.clone();
    assert_eq!(world.registry.list(0, 10).total, 0);
    assert!(ann.state.members.is_empty());
    assert_eq!(
        world.registry.enter(T0, &person("Bob"), "Weekly", None).unwrap_err().code,
        Code::RoomNotFound,
        "unlisted: only by id"
    );

    world.push(&Holder { room: room.clone(), member: ann.member });
    let page = world.registry.list(0, 10);
    assert_eq!((page.total, page.rooms[0].members.as_slice()), (1, ["Ann".to_owned()].as_slice()));

    let bob = world.registry.enter(T0, &person("Bob"), " Weekly ", None).unwrap();
    assert_eq!(world.names(&room), ["Ann"], "Bob holds a seat but is not announced");
    world.push(&Holder { room: room.clone(), member: bob.member.clone() });
    assert_eq!(world.names(&room), ["Ann", "Bob"]);
    assert!(matches!(&world.kinds("Ann", &room, bob.state.seq)[..], [EventKind::Joined { member, .. }] if *member == bob.member));
}

#[test]
fn a_seat_without_a_stream_is_taken_back_and_heartbeats_do_not_keep_it() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Duo", Mode::Duo));
    world.registry.enter(world.now, &person("Bob"), ann.room.as_str(), None).unwrap();
    assert_eq!(world.enter("Cid", &ann.room), Err(Code::RoomFull), "a reserved seat is a seat");
    for _ in 0..PENDING.as_secs() / 5 {
        world.pass(S(5));
        world.beat("Ann", &ann.room).unwrap();
        let _ = world.beat("Bob", &ann.room);
    }
    world.pass(S(1));
    assert_eq!(world.beat("Bob", &ann.room), Err(Code::NotAMember));
    assert!(world.kinds("Ann", &ann.room, 1).is_empty(), "nobody heard of Bob");
    world.enter("Cid", &ann.room).unwrap();
}

#[test]
fn a_room_whose_creator_never_pushes_is_gone() {
    let mut world = World::new();
    let ann = world.registry.create(T0, &person("Ann"), &wish("Silent", Mode::Multi), None).unwrap();
    world.pass(PENDING + S(2));
    assert_eq!(world.registry.open(&ann.state.room).unwrap_err().code, Code::RoomNotFound);
}

#[test]
fn a_crash_is_noticed_within_25_s() {
    for seconds_since_heartbeat in 0..5 {
        let mut world = World::new();
        let ann = world.create("Ann", &wish("Call", Mode::Multi));
        let bob = world.enter("Bob", &ann.room).unwrap();
        world.pass(S(seconds_since_heartbeat));
        world.stop(&bob);
        let crashed = world.now;
        while world.names(&ann.room).len() == 2 {
            world.beat("Ann", &ann.room).unwrap();
            world.pass(S(1));
            assert!(world.now - crashed <= S(25), "not noticed");
        }
        assert!(world.now - crashed >= STREAM_GRACE);
        assert!(matches!(world.kinds("Ann", &ann.room, 2)[..], [EventKind::Left { reason: LeaveReason::TimedOut, .. }]));
    }
}

#[test]
fn a_pulled_cable_is_noticed_within_25_s_too() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let bob = world.enter("Bob", &ann.room).unwrap();
    // Nobody says that the connection is broken: the relay sees packets stop at once, and gives up after 15 s.
    world.live.remove(&stream_name(&bob));
    for second in 0..25 {
        if second == 15 {
            world.stop(&bob);
        }
        world.beat("Ann", &ann.room).unwrap();
        world.pass(S(1));
    }
    assert_eq!(world.names(&ann.room), ["Ann"]);
}

#[test]
fn a_member_without_heartbeat_stays_while_their_stream_flows() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let bob = world.enter("Bob", &ann.room).unwrap();
    world.pass(S(600));
    assert_eq!(world.names(&ann.room), ["Ann", "Bob"]);
    world.stop(&bob);
    world.pass(S(3));
    world.push(&bob);
    world.pass(S(600));
    assert_eq!(world.names(&ann.room), ["Ann", "Bob"], "a short break of the stream costs nothing");
    world.stop(&bob);
    world.pass(GONE);
    assert_eq!(world.names(&ann.room), ["Ann"]);
}

#[test]
fn a_member_with_heartbeats_stays_while_their_stream_is_away() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let bob = world.enter("Bob", &ann.room).unwrap();
    world.stop(&bob);
    for _ in 0..20 {
        world.pass(S(5));
        world.beat("Bob", &ann.room).unwrap();
    }
    assert_eq!(world.names(&ann.room), ["Ann", "Bob"]);
}

#[test]
fn a_lost_start_notice_heals() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let bob = world.registry.enter(world.now, &person("Bob"), ann.room.as_str(), None).unwrap();
    world.live.insert(stream_name(&Holder { room: ann.room.clone(), member: bob.member }));
    world.pass(PENDING + S(1));
    assert_eq!(world.names(&ann.room), ["Ann", "Bob"]);
}

#[test]
fn caps_are_those_of_the_mode_and_pending_seats_count() {
    for (mode, cap) in [(Mode::Duo, 2), (Mode::Multi, 4), (Mode::Live, 4)] {
        let mut world = World::new();
        let ann = world.create("Ann", &wish("Call", mode));
        let got_in =
            (0..100).filter(|i| world.registry.enter(world.now, &person(&i.to_string()), ann.room.as_str(), None).is_ok());
        assert_eq!(got_in.count() + 1, cap, "{mode}");
    }
}

#[test]
fn entering_again_is_the_same_seat() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Duo));
    let first = world.enter("Bob", &ann.room).unwrap();
    assert_eq!(world.enter("Bob", &ann.room), Ok(first));
    assert_eq!(world.enter("Ann", &ann.room), Ok(ann.clone()));
    assert_eq!(world.kinds("Ann", &ann.room, 0).len(), 2, "nobody joins twice");
    let again = CreateRoom { room: Some(ann.room.clone()), ..wish("Call", Mode::Duo) };
    assert_eq!(world.create("Ann", &again), ann, "so is creating one's own open room");
}

#[test]
fn the_creator_leaving_dissolves_the_room_unless_told_otherwise() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let bob = world.enter("Bob", &ann.room).unwrap();
    world.registry.exit(world.now, &person("Ann").identity, &ann.room).unwrap();
    let effects = world.registry.take_effects();
    assert_eq!(effects.kicked, [stream_name(&ann), stream_name(&bob)]);
    assert!(matches!(
        world.kinds("Bob", &ann.room, 2)[..],
        [EventKind::Left { reason: LeaveReason::Left, .. }, EventKind::Dissolved { reason: DissolveReason::CreatorLeft }]
    ));
    assert_eq!(world.registry.list(0, 10).total, 0);
    assert_eq!(world.enter("Cid", &ann.room), Err(Code::RoomNotFound));
    assert_eq!(world.beat("Bob", &ann.room), Err(Code::RoomNotFound));
    assert_eq!(world.registry.events(&person("Cid").identity, &ann.room, 0).unwrap_err().code, Code::RoomNotFound);
    world.pass(AFTERLIFE + S(1));
    assert!(world.registry.rooms.is_empty() && world.registry.deadlines.is_empty());

    let kept = CreateRoom { dissolve_on_creator_exit: false, ..wish("Open", Mode::Multi) };
    let ann = world.create("Ann", &kept);
    world.enter("Bob", &ann.room).unwrap();
    world.registry.exit(world.now, &person("Ann").identity, &ann.room).unwrap();
    assert_eq!(world.names(&ann.room), ["Bob"]);
    assert_eq!(world.registry.list(0, 10).total, 1);
    assert_eq!(world.enter("Ann", &ann.room), Ok(ann.clone()), "the creator comes back as the creator");
    assert_eq!(world.names(&ann.room), ["Bob", "Ann"], "in order of arrival");
    for name in ["Ann", "Bob"] {
        world.registry.exit(world.now, &person(name).identity, &ann.room).unwrap();
    }
    assert_eq!(world.registry.list(0, 10).total, 0, "an empty room is no room");
}

#[test]
fn only_the_creator_ends_a_room() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    world.enter("Bob", &ann.room).unwrap();
    let by = |world: &mut World, name: &str| world.registry.dissolve(world.now, &person(name).identity, &ann.room);
    assert_eq!(by(&mut world, "Bob").unwrap_err().code, Code::Forbidden);
    assert_eq!(by(&mut world, "Ann"), Ok(()));
    assert!(matches!(world.kinds("Bob", &ann.room, 2)[..], [EventKind::Dissolved { reason: DissolveReason::Ended }]));
}

#[test]
fn a_room_comes_back_under_its_id_after_a_restart() {
    let mut before = World::new();
    let room = before.create("Ann", &wish("Call", Mode::Duo)).room;
    let mut after = World::new();
    assert_eq!(after.enter("Bob", &room), Err(Code::RoomNotFound), "not yet");
    let again = CreateRoom { room: Some(room.clone()), ..wish("Call", Mode::Duo) };
    assert_eq!(after.create("Ann", &again).room, room);
    after.enter("Bob", &room).unwrap();
    let stranger = after.registry.create(after.now, &person("Eve"), &again, None);
    assert_eq!(stranger.unwrap_err().code, Code::Conflict);
    for odd in ["", "x", "../../x", "k7wq2mn_", "K7WQ2MND", "k7wq2mndd"] {
        let request = CreateRoom { room: Some(RoomId::new(odd)), ..wish("Call", Mode::Duo) };
        assert_eq!(after.registry.create(after.now, &person("Eve"), &request, None).unwrap_err().code, Code::BadRequest, "{odd}");
    }
    // Dissolved while its creator was away: it may come back, for the creator only.
    after.registry.dissolve(after.now, &person("Ann").identity, &room).unwrap();
    assert_eq!(after.registry.create(after.now, &person("Eve"), &again, None).unwrap_err().code, Code::Conflict);
    assert_eq!(after.create("Ann", &again).room, room);
    assert_eq!(after.enter("Cid", &room).map(|h| h.room), Ok(room));
}

#[test]
fn a_name_leads_to_the_newest_room_and_an_id_goes_first() {
    let mut world = World::new();
    let first = world.create("Ann", &wish("Standup", Mode::Multi));
    let second = world.create("Bob", &wish("Standup", Mode::Multi));
    let decoy = world.create("Eve", &wish(first.room.as_str(), Mode::Multi));
    assert_eq!(world.enter("Cid", &RoomId::new("Standup")).unwrap().room, second.room);
    assert_eq!(world.enter("Dan", &first.room).unwrap().room, first.room);
    assert_eq!(world.enter("Flo", &RoomId::new(decoy.room.as_str().to_uppercase())).unwrap().room, decoy.room);
}

#[test]
fn passwords_are_asked_once() {
    let (mut world, keys) = (World::new(), crate::server::token::Keys::random());
    let ann =
        world.registry.create(T0, &person("Ann"), &wish("Locked", Mode::Multi), Some(keys.password("open sesame"))).unwrap();
    let room = ann.state.room;
    world.push(&Holder { room: room.clone(), member: ann.member });
    let mut enter = |password| world.registry.enter(T0, &person("Bob"), room.as_str(), password).map_err(|p| p.code);
    assert_eq!(enter(None), Err(Code::WrongPassword));
    assert_eq!(enter(Some(keys.password("guess"))), Err(Code::WrongPassword));
    let bob = enter(Some(keys.password("open sesame"))).unwrap();
    assert_eq!(enter(None).unwrap().member, bob.member, "who is inside is not asked again");
    assert!(world.registry.list(0, 1).rooms[0].locked);
}

#[test]
fn a_repeated_message_is_said_once_and_bad_ones_not_at_all() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let mut say =
        |nonce, body| world.registry.say(T0, &person("Ann").identity, &ann.room, SendMessage { body, nonce }).map_err(|p| p.code);
    let text = |text: &str| MessageBody::Text { text: text.to_owned() };
    let custom = |command: &str, data: &str| MessageBody::Custom { command: command.to_owned(), data: data.to_owned() };
    let first = say(7, text("hello")).unwrap();
    assert_eq!(say(7, text("hello")), Ok(first));
    assert_eq!(say(8, text("hello")), Ok(first + 1));
    assert_eq!(say(9, text(&"x".repeat(TEXT_BYTES + 1))), Err(Code::TooLarge));
    assert_eq!(say(9, text(" \n")), Err(Code::BadRequest));
    assert_eq!(say(9, custom(&"x".repeat(COMMAND_BYTES + 1), "")), Err(Code::TooLarge));
    assert_eq!(say(9, custom("x", &"x".repeat(DATA_BYTES + 1))), Err(Code::TooLarge));
    assert_eq!(say(9, custom("x", "")), Ok(first + 2));
    assert_eq!(
        world.registry.say(T0, &person("Eve").identity, &ann.room, SendMessage { body: text("hi"), nonce: 1 }).unwrap_err().code,
        Code::NotAMember
    );
}

#[test]
fn switching_a_device_is_told_once() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    let muted = Sending { mic: false, camera: true };
    for _ in 0..3 {
        world.registry.heartbeat(T0, &person("Ann").identity, &ann.room, muted).unwrap();
    }
    let member = ann.member;
    assert_eq!(world.kinds("Ann", &ann.room, 1), [EventKind::Changed { member, sending: muted }]);
}

#[test]
fn numbers_of_rooms_are_bounded_and_memories_make_way() {
    let limits = Limits { rooms: 10, ..Limits::default() };
    let mut registry = Registry::new(limits);
    let create =
        |registry: &mut Registry, who: usize| registry.create(T0, &person(&who.to_string()), &wish("Call", Mode::Duo), None);
    let first = create(&mut registry, 0).unwrap().state.room;
    for who in 1..10 {
        create(&mut registry, who).unwrap();
    }
    assert_eq!(create(&mut registry, 10).unwrap_err().code, Code::ServerFull);
    registry.dissolve(T0, &person("0").identity, &first).unwrap();
    create(&mut registry, 10).unwrap();
    assert_eq!(registry.rooms.len(), 10);

    let mut registry = Registry::new(Limits::default());
    for _ in 0..ROOMS_PER_PERSON {
        create(&mut registry, 0).unwrap();
    }
    assert_eq!(create(&mut registry, 0).unwrap_err().code, Code::RateLimited);
}

#[test]
fn a_stream_whose_seat_is_gone_is_ended() {
    let mut world = World::new();
    let ann = world.create("Ann", &wish("Call", Mode::Multi));
    world.registry.exit(world.now, &person("Ann").identity, &ann.room).unwrap();
    world.registry.take_effects();
    world.registry.started(world.now, &stream_name(&ann));
    assert_eq!(world.registry.take_effects().kicked, [stream_name(&ann)]);
}

#[test]
fn pages_of_the_list_are_newest_first() {
    let mut world = World::new();
    for i in 0..25 {
        world.create(&i.to_string(), &wish(&format!("Room {i}"), Mode::Duo));
    }
    let page = world.registry.list(20, 100);
    let names: Vec<_> = page.rooms.iter().map(|r| r.name.as_str()).collect();
    assert_eq!((page.total, names), (25, vec!["Room 4", "Room 3", "Room 2", "Room 1", "Room 0"]));
    assert!(world.registry.list(100, 100).rooms.is_empty());
    assert_eq!(world.registry.list(0, usize::MAX).rooms.len(), 25);
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
    fn take(&mut self, step: &Step, rooms: &mut Vec<RoomId>, seats: &mut Vec<Holder>) {
        let nowhere = RoomId::new("nowhere");
        let room = |which: &usize| rooms.get(which % rooms.len().max(1)).unwrap_or(&nowhere).clone();
        let someone = |who: &usize| person(&who.to_string());
        let mut took = None;
        match step {
            Step::Create { who, mode, stay } => {
                let request = CreateRoom { dissolve_on_creator_exit: !stay, ..wish("Room", *mode) };
                took = self.registry.create(self.now, &someone(who), &request, None).ok();
            }
            Step::Recreate { who, which } => {
                let request = CreateRoom { room: Some(room(which)), ..wish("Room", Mode::Multi) };
                took = self.registry.create(self.now, &someone(who), &request, None).ok();
            }
            Step::Enter { who, which } => took = self.registry.enter(self.now, &someone(who), room(which).as_str(), None).ok(),
            Step::Exit { who, which } => drop(self.registry.exit(self.now, &someone(who).identity, &room(which))),
            Step::Dissolve { who, which } => drop(self.registry.dissolve(self.now, &someone(who).identity, &room(which))),
            Step::Beat { who, which, mic } => {
                let sending = Sending { mic: *mic, camera: true };
                drop(self.registry.heartbeat(self.now, &someone(who).identity, &room(which), sending));
            }
            Step::Start { which } => {
                if let Some(holder) = seats.get(which % seats.len().max(1)).cloned() {
                    self.push(&holder);
                }
            }
            Step::Stop { which } => {
                if let Some(holder) = seats.get(which % seats.len().max(1)).cloned() {
                    self.stop(&holder);
                }
            }
            Step::Say { who, which, nonce } => {
                let message = SendMessage { body: MessageBody::Text { text: "hi".into() }, nonce: *nonce };
                drop(self.registry.say(self.now, &someone(who).identity, &room(which), message));
            }
            Step::Pass { seconds } => self.pass(S(*seconds)),
        }
        if let Some(entered) = took {
            rooms.push(entered.state.room.clone());
            seats.push(Holder { room: entered.state.room, member: entered.member });
        }
        for stream in self.registry.take_effects().kicked {
            self.live.remove(&stream);
        }
    }

    fn check(&self) {
        let registry = &self.registry;
        let mut deadlines = BTreeSet::new();
        for room in registry.rooms.values() {
            assert!(room.seats.len() <= room.cap, "over the cap");
            assert_eq!(registry.listed.contains_key(&room.number), room.is_listed());
            assert!(room.closed.is_some() || !room.seats.is_empty(), "an empty room is closed");
            let identities: BTreeSet<_> = room.seats.iter().map(|s| &s.identity).collect();
            assert_eq!(identities.len(), room.seats.len(), "one seat each");
            for seat in &room.seats {
                assert!(room.closed.is_none(), "a closed room has no seats");
                deadlines.insert((seat.deadline, Key::Seat(room.id.clone(), seat.member.clone())));
                assert!(seat.deadline > self.now.saturating_sub(TICK), "a deadline was missed");
            }
            let joined_before: Vec<_> = room.seats.iter().map(|s| !s.joined).collect();
            assert!(
                room.closed.is_some() || room.state().members.len() == joined_before.iter().filter(|pending| !**pending).count()
            );
            if let Some(closed) = &room.closed {
                deadlines.insert((closed.deadline, Key::Room(room.id.clone())));
            }
            let mut since = 0;
            let mut present = BTreeSet::new();
            loop {
                let events = room.events.since(since);
                assert!(!events.gap, "so few events fit");
                if events.events.is_empty() {
                    break;
                }
                for event in events.events {
                    assert_eq!(event.seq, since + 1, "numbers are consecutive");
                    since = event.seq;
                    match event.kind {
                        EventKind::Joined { member, .. } => assert!(present.insert(member), "joined twice"),
                        EventKind::Left { member, .. } => assert!(present.remove(&member), "left without having joined"),
                        EventKind::Changed { member, .. } => assert!(present.contains(&member)),
                        EventKind::Message { .. } | EventKind::Dissolved { .. } => {}
                    }
                }
            }
            let joined: BTreeSet<_> = room.seats.iter().filter(|s| s.joined).map(|s| s.member.clone()).collect();
            assert!(room.closed.is_some() || joined == present, "events and seats tell the same story");
        }
        assert_eq!(registry.deadlines, deadlines, "each seat and each memory has one deadline, and nothing else has");
        assert!(registry.listed.values().all(|id| registry.rooms.contains_key(id)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_books_balance(steps in proptest::collection::vec(step(), 1..120)) {
        let mut world = World::new();
        let (mut rooms, mut seats) = (Vec::new(), Vec::new());
        for step in &steps {
            world.take(step, &mut rooms, &mut seats);
            world.check();
        }
        world.live.clear();
        world.pass(GONE + AFTERLIFE + S(40));
        prop_assert!(world.registry.rooms.is_empty(), "everything ends when everybody is gone");
        prop_assert!(world.registry.deadlines.is_empty() && world.registry.listed.is_empty());
    }
}
