//! What stores keep beside rooms: what was said, who watches, all rooms for operators; and rooms that come back after the store lost them.

use super::world::{FROM, Kind, S, T0, VIA, World, person, wish};
use crate::proto::api::{MessageBody, Restore, SealedMessage, Watch};
use crate::proto::{Code, Mode, RoomId};
use crate::server::keyring::Ring;
use crate::server::limits::{HISTORY, Limits, MESSAGES_PER_PAGE};
use crate::server::token::Keys;

on_each_store![
    what_was_said_is_told_in_pages_and_the_oldest_goes,
    an_audience_has_a_cap_and_pages_and_the_silent_go,
    operators_see_all_open_rooms_newest_first,
    rooms_are_found_by_a_part_of_their_name,
    a_room_that_the_store_lost_comes_back_with_everything,
];

fn text(text: &str) -> MessageBody {
    MessageBody::Text { text: text.to_owned() }
}

async fn said(world: &World, room: &RoomId, before: Option<u64>, limit: usize) -> (Vec<String>, bool) {
    let page = world.service.messages(&person("Ann"), room, before, limit).await.unwrap();
    let text = |body| if let MessageBody::Text { text } = body { text } else { String::new() };
    (page.messages.into_iter().map(|message| text(message.body)).collect(), page.more)
}

async fn what_was_said_is_told_in_pages_and_the_oldest_goes(kind: Kind) {
    let world = World::new(kind).await;
    let ann = world.create("Ann", &wish("Call", Mode::Duo)).await;
    for i in 0..HISTORY as u64 + 3 {
        world.say("Ann", &ann.room, i, text(&i.to_string())).await.unwrap();
        world.pass(S(1)).await;
        world.beat("Ann", &ann.room).await.unwrap();
    }
    let (newest, more) = said(&world, &ann.room, None, 2).await;
    assert_eq!((newest, more), (vec![(HISTORY + 1).to_string(), (HISTORY + 2).to_string()], true));
    let page = world.service.messages(&person("Ann"), &ann.room, None, 1000).await.unwrap();
    assert_eq!(page.messages.len(), MESSAGES_PER_PAGE);
    let first = page.messages[0].seq;
    let (before, _) = said(&world, &ann.room, Some(first), 1).await;
    assert_eq!(before, [(HISTORY + 2 - MESSAGES_PER_PAGE).to_string()]);
    let (oldest, more) = said(&world, &ann.room, Some(6), 10).await;
    assert_eq!((oldest, more), (vec!["3".to_owned()], false), "three have made way");
    assert_eq!(world.service.messages(&person("Eve"), &ann.room, None, 1).await.unwrap_err().code, Code::NotAMember);
    world.check();
}

async fn an_audience_has_a_cap_and_pages_and_the_silent_go(kind: Kind) {
    let world = World::with(kind, Limits { audience: 3, ..Limits::default() }).await;
    let ann = world.create("Ann", &wish("Show", Mode::Live)).await;
    let watch = async |name: &str| {
        let ticket = world.service.watch(FROM, &person(name), VIA, "Show", &Watch::default()).await;
        ticket.map(|ticket| ticket.viewer).map_err(|problem| problem.code)
    };
    let mut viewers = Vec::new();
    for name in ["Vic", "Wim", "Xia"] {
        viewers.push(watch(name).await.unwrap());
    }
    assert_eq!(watch("Yan").await, Err(Code::AudienceFull));
    assert_eq!(watch("Vic").await, Ok(viewers[0].clone()));
    let page = world.service.audience(&person("Ann"), &ann.room, 1, 5).await.unwrap();
    assert_eq!((page.total, page.viewers.len()), (3, 2));
    world.pass(S(15)).await;
    world.beat("Vic", &ann.room).await.unwrap();
    world.beat("Ann", &ann.room).await.unwrap();
    world.pass(S(10)).await;
    let page = world.service.audience(&person("Ann"), &ann.room, 0, 5).await.unwrap();
    assert_eq!((page.total, page.viewers[0].name.as_str()), (1, "Vic"));
    world.service.remove_viewer(&person("Ann"), &ann.room, &viewers[0]).await.unwrap();
    assert_eq!(watch("Vic").await, Err(Code::Removed));
    world.service.unwatch(&person("Wim"), &ann.room).await.unwrap();
    world.check();
}

async fn operators_see_all_open_rooms_newest_first(kind: Kind) {
    let world = World::new(kind).await;
    let first = world.reserve("Ann", &wish("Hidden", Mode::Duo)).await.unwrap();
    let second = world.create("Bob", &wish("Open", Mode::Live)).await;
    let third = world.create("Cid", &wish("Over", Mode::Multi)).await;
    world.dissolve("Cid", &third.room).await.unwrap();
    let all = world.service.all_rooms(0, 10).await.unwrap();
    let seen: Vec<_> = all.rooms.iter().map(|room| (room.room.clone(), room.listed, room.members.len())).collect();
    assert_eq!((all.total, seen), (2, vec![(second.room, true, 1), (first.room.clone(), false, 1)]));
    assert_eq!(world.service.all_rooms(1, 10).await.unwrap().rooms[0].room, first.room);
    assert_eq!(world.service.overview().await.unwrap().rooms, 2);
}

async fn rooms_are_found_by_a_part_of_their_name(kind: Kind) {
    let world = World::new(kind).await;
    for (who, name) in [("Ann", "Weekly meeting"), ("Bob", "周会 二组"), ("Cid", "WEEKLY plan")] {
        world.create(who, &wish(name, Mode::Duo)).await;
    }
    let find = async |search: &str, offset| {
        let page = world.service.rooms(search, offset, 10).await.unwrap();
        (page.total, page.rooms.into_iter().map(|room| room.name).collect::<Vec<_>>())
    };
    assert_eq!(find(" weekly ", 0).await, (2, vec!["WEEKLY plan".to_owned(), "Weekly meeting".to_owned()]));
    assert_eq!(find("weekly", 1).await, (2, vec!["Weekly meeting".to_owned()]));
    assert_eq!(find("二", 0).await.0, 1);
    assert_eq!(find("nothing", 0).await.0, 0);
}

async fn a_room_that_the_store_lost_comes_back_with_everything(kind: Kind) {
    let keys = Keys::new(Ring::random(T0));
    let world = World::begin(kind, Limits::default(), keys.clone(), T0).await;
    let ann = world.create("Ann", &wish("Call", Mode::Multi)).await;
    let bob = world.enter("Bob", &ann.room).await.unwrap();
    world.say("Ann", &ann.room, 1, text("one")).await.unwrap();
    world.say("Bob", &ann.room, 2, text("two")).await.unwrap();
    let state = world.service.room(&person("Bob"), VIA, &ann.room).await.unwrap();
    let messages = world.service.messages(&person("Bob"), &ann.room, None, 10).await.unwrap().messages;
    let restore = Restore { receipt: state.receipt.unwrap(), messages: messages.into_iter().map(SealedMessage::from).collect() };
    drop(world);

    let world = World::begin(kind, Limits::default(), keys, T0 + S(60)).await;
    let back = async || world.service.restore(FROM, &person("Bob"), VIA, &ann.room, restore.clone()).await.unwrap();
    let seat = back().await;
    assert_eq!((&seat.room, &seat.member), (&ann.room, &bob.member));
    world.push(&bob).await;
    back().await;
    let page = world.service.messages(&person("Bob"), &ann.room, None, 10).await.unwrap();
    assert_eq!(page.messages.len(), 2, "each once");
    assert!(world.say("Bob", &ann.room, 3, text("three")).await.unwrap() > seat.seq);
    assert_eq!(world.say("Bob", &ann.room, 2, text("two")).await.unwrap(), page.messages[1].seq, "said before");
    world.check();
    // Ann does not come back: the room ends with her place, as it does when its creator leaves.
    world.pass(S(25)).await;
    assert_eq!(world.beat("Bob", &ann.room).await, Err(Code::RoomNotFound));
    world.check();
}
