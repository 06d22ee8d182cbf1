//! A server that is restarted loses nobody: any member brings the room back, strangers do not.

use crate::world::{T0, World, code};
use parlor::proto::api::{FieldValue, Message, MessageBody, MessagePage, Restore, SealedMessage, Seat, SendMessage};
use parlor::proto::event::LeaveReason;
use parlor::proto::{Code, EventKind, Mode, RoomId};
use parlor::room::Client;
use parlor::server::token::Keys;
use std::time::Duration;
use tempfile::TempDir;

const NOW: Duration = Duration::ZERO;

struct Server {
    folder: TempDir,
    world: World,
}

impl Server {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = World::with(Keys::load(folder.path()).unwrap(), "127.0.0.1:0").await;
        Self { folder, world }
    }

    /// Stops without a word, and starts again a minute later by the clock.
    async fn restart(self) -> Self {
        let addr = self.world.stop().await.to_string();
        let world = World::later(Keys::load(self.folder.path()).unwrap(), &addr, T0 + Duration::from_secs(60)).await;
        Self { folder: self.folder, world }
    }
}

/// What a client keeps: the newest receipt, and what was said with its seals.
async fn kept(client: &Client, room: &RoomId) -> Restore {
    let receipt = client.get_room(room).await.unwrap().receipt.expect("members get receipts");
    let messages = client.get_messages(room, None, 50).await.unwrap().messages;
    Restore { receipt, messages: messages.into_iter().map(SealedMessage::from).collect() }
}

fn texts(page: &MessagePage) -> Vec<String> {
    let text = |message: &Message| match &message.body {
        MessageBody::Text { text } => text.clone(),
        MessageBody::Custom { command, .. } => command.clone(),
    };
    page.messages.iter().map(text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_member_brings_the_room_back_as_it_was() {
    let server = Server::start().await;
    let (ann, bob) = (server.world.client("Ann").await, server.world.client("Bob").await);
    let first = server.world.room(&ann, Mode::Duo).await;
    let second = server.world.join(&bob, &first.room).await;
    ann.send_text_msg(&first.room, "one").await.unwrap();
    bob.send_text_msg(&first.room, "two").await.unwrap();
    bob.set_custom_info(&first.room, "topic", "周会", None).await.unwrap();
    let (of_ann, of_bob) = (kept(&ann, &first.room).await, kept(&bob, &first.room).await);
    let before = bob.get_room(&first.room).await.unwrap();

    let Server { world, .. } = &server.restart().await;
    assert_eq!(code(bob.get_room(&first.room).await), Code::RoomNotFound, "it is lost");
    // Not its creator, and not with all that was said.
    let back = bob.restore_room(&first.room, &Restore { messages: vec![], ..of_bob.clone() }).await.unwrap();
    assert_eq!((&back.room, &back.member), (&first.room, &second.member));
    assert_eq!(back.state.fields["topic"].value, FieldValue::Text("周会".into()));
    assert!(back.seq > before.seq && back.state.creator == first.member && back.state.name == before.name);
    let eve = world.client("Eve").await;
    assert_eq!(code(eve.enter_room(first.room.as_str(), None).await), Code::RoomFull, "Ann's place is kept");
    assert!(bob.events(&first.room, before.seq, NOW).await.unwrap().gap, "numbers of before lead nowhere");

    let again = ann.restore_room(&first.room, &of_ann).await.unwrap();
    assert_eq!(again.member, first.member);
    for seat in [&back, &again] {
        world.push(seat).await;
    }
    let state = bob.get_room(&first.room).await.unwrap();
    assert_eq!(state.members.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["Ann", "Bob"], "in their old order");
    assert_eq!(texts(&bob.get_messages(&first.room, None, 10).await.unwrap()), ["one", "two"]);
    bob.restore_room(&first.room, &of_bob).await.unwrap();
    ann.send_text_msg(&first.room, "three").await.unwrap();
    assert_eq!(texts(&bob.get_messages(&first.room, None, 10).await.unwrap()), ["one", "two", "three"], "each once");
    ann.dissolve(&first.room).await.expect("the creator is the creator again");
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_and_forgers_bring_nothing_back() {
    let server = Server::start().await;
    let (ann, bob, eve) = (server.world.client("Ann").await, server.world.client("Bob").await, server.world.client("Eve").await);
    let first = server.world.room(&ann, Mode::Multi).await;
    server.world.join(&bob, &first.room).await;
    bob.send_text_msg(&first.room, "said").await.unwrap();
    let of_bob = kept(&bob, &first.room).await;
    let elsewhere = server.world.room(&eve, Mode::Multi).await;
    let of_eve = kept(&eve, &elsewhere.room).await;

    let Server { world, .. } = &server.restart().await;
    let seize = parlor::proto::api::CreateRoom { room: Some(first.room.clone()), ..crate::world::wish("Mine", Mode::Multi) };
    assert_eq!(code(eve.create_room(&seize).await), Code::Conflict, "an id is not for the taking");
    let try_it = async |client: &Client, restore: &Restore| code::<Seat>(client.restore_room(&first.room, restore).await);
    assert_eq!(try_it(&eve, &of_bob).await, Code::BadReceipt, "somebody else's receipt");
    assert_eq!(try_it(&eve, &of_eve).await, Code::BadReceipt, "a receipt of another room");
    let mut cut = of_bob.receipt.clone();
    cut.replace_range(10..11, if &cut[10..11] == "A" { "B" } else { "A" });
    assert_eq!(try_it(&bob, &Restore { receipt: cut, messages: vec![] }).await, Code::BadReceipt);
    assert_eq!(try_it(&bob, &Restore { receipt: "x.y".into(), messages: vec![] }).await, Code::BadReceipt);
    let mut forged = of_bob.clone();
    forged.messages[0].body = MessageBody::Text { text: "never said".into() };
    assert_eq!(try_it(&bob, &forged).await, Code::BadReceipt);
    let many = Restore { messages: vec![of_bob.messages[0].clone(); 101], ..of_bob.clone() };
    assert_eq!(try_it(&bob, &many).await, Code::TooLarge);
    assert_eq!(code(eve.get_room(&first.room).await), Code::RoomNotFound);
    world.clock.advance(Duration::from_secs(7 * 3600));
    assert_eq!(try_it(&bob, &of_bob).await, Code::BadReceipt, "too old");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_over_before_stays_over_and_who_was_removed_stays_out() {
    let server = Server::start().await;
    let (ann, bob, cid) = (server.world.client("Ann").await, server.world.client("Bob").await, server.world.client("Cid").await);
    let first = server.world.room(&ann, Mode::Multi).await;
    let second = server.world.join(&bob, &first.room).await;
    let of_bob = kept(&bob, &first.room).await;
    server.world.join(&cid, &first.room).await;
    ann.remove_member(&first.room, &second.member).await.unwrap();
    assert_eq!(code(bob.restore_room(&first.room, &of_bob).await), Code::Removed);
    let (of_ann, of_cid) = (kept(&ann, &first.room).await, kept(&cid, &first.room).await);

    let server = server.restart().await;
    // Bob is the fastest, with a receipt that does not know that he was removed.
    let back = bob.restore_room(&first.room, &of_bob).await.unwrap();
    server.world.push(&back).await;
    ann.restore_room(&first.room, &of_ann).await.unwrap();
    assert!(server.world.was_kicked(&back), "Ann's knows");
    assert_eq!(code(bob.restore_room(&first.room, &of_bob).await), Code::Removed);
    let again = ann.restore_room(&first.room, &of_ann).await.unwrap();
    server.world.push(&again).await;
    let left = ann.events(&first.room, 0, NOW).await.unwrap().events.into_iter().find_map(|e| match e.kind {
        EventKind::Left { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(left, Some(LeaveReason::Removed));
    ann.dissolve(&first.room).await.unwrap();
    server.world.pass(70).await;
    cid.restore_room(&first.room, &of_cid).await.expect("lost by the restart, as far as this receipt can tell");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_had_to_be_said_again_is_there_once() {
    let server = Server::start().await;
    let (ann, bob) = (server.world.client("Ann").await, server.world.client("Bob").await);
    let first = server.world.room(&ann, Mode::Duo).await;
    server.world.join(&bob, &first.room).await;
    let message = SendMessage { body: MessageBody::Text { text: "hello".into() }, nonce: 77 };
    ann.send_msg(&first.room, &message).await.unwrap();
    let (mut of_ann, of_bob) = (kept(&ann, &first.room).await, kept(&bob, &first.room).await);
    of_ann.messages.clear();

    let Server { world, .. } = &server.restart().await;
    // Ann never heard that it was said, and says it again before Bob is back with it.
    ann.restore_room(&first.room, &of_ann).await.unwrap();
    ann.send_msg(&first.room, &message).await.unwrap();
    bob.restore_room(&first.room, &of_bob).await.unwrap();
    assert_eq!(texts(&bob.get_messages(&first.room, None, 10).await.unwrap()), ["hello"]);
    drop(world.client("Cid").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_lasting_key_there_are_no_receipts() {
    let world = World::new().await;
    let ann = world.client("Ann").await;
    let seat = world.room(&ann, Mode::Duo).await;
    assert_eq!(seat.state.receipt, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_wish_for_a_room_makes_one_room() {
    let world = World::new().await;
    let (ann, bob) = (world.client("Ann").await, world.client("Bob").await);
    let wish = parlor::proto::api::CreateRoom { nonce: Some(5), ..crate::world::wish("Call", Mode::Duo) };
    let seat = ann.create_room(&wish).await.unwrap();
    let again = ann.create_room(&wish).await.unwrap();
    assert_eq!((&again.room, &again.member), (&seat.room, &seat.member));
    assert_ne!(bob.create_room(&wish).await.unwrap().room, seat.room, "somebody else's number is another one");
    let other = parlor::proto::api::CreateRoom { nonce: Some(6), ..wish };
    assert_ne!(ann.create_room(&other).await.unwrap().room, seat.room);
    let long = parlor::proto::api::CreateRoom { info: "x".repeat(1025), ..crate::world::wish("Call", Mode::Duo) };
    assert_eq!(code(ann.create_room(&long).await), Code::TooLarge);
    world.push(&seat).await;
    assert_eq!(bob.find_rooms("ALL", 0, 10).await.unwrap().total, 1);
    assert_eq!(bob.find_rooms("ball", 0, 10).await.unwrap().total, 0);
}
