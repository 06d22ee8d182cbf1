//! Servers that are not ours.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::rtmp::{
    PacketKind,
    amf0::{self, Value},
    chunk::{Message, Output, Reader, Writer},
    message::{self, Command, information, kind, user},
};

/// A server made of raw messages.
struct Peer {
    session: Session,
    writer: Writer,
    reader: Reader,
}

impl Peer {
    fn new(role: Role) -> Self {
        let config = Config::new(role, "rtmp://host/app", "app", "name?key=1");
        let mut session = Session::new(config, Duration::ZERO);
        let hello: Vec<u8> = std::iter::from_fn(|| session.poll_output()).flatten().collect();
        assert_eq!(hello.len(), 1 + 1536);
        // S0 and S1, then S2, which nginx sends together and others do not.
        session.receive(&[&[3][..], &[0; 1536]].concat(), Duration::ZERO).unwrap();
        let answer: Vec<u8> = std::iter::from_fn(|| session.poll_output()).flatten().collect();
        assert_eq!(answer, [0; 1536]);
        session.receive(&hello[1..], Duration::ZERO).unwrap();
        Self { session, writer: Writer::default(), reader: Reader::default() }
    }

    fn send(&mut self, kind: u8, stream_id: u32, payload: impl Into<Bytes>) {
        let mut output = Output::default();
        let message = Message { timestamp_ms: 40, kind, stream_id, payload: payload.into() };
        self.writer.write(5, &message, &mut output);
        while let Some(piece) = output.pop() {
            self.session.receive(&piece, Duration::ZERO).unwrap();
        }
    }

    fn answer(&mut self, name: &str, transaction: f64, arguments: Vec<Value>) {
        self.send(kind::COMMAND_AMF0, 0, Command::new(name, transaction, Value::Null, arguments).encode());
    }

    fn status(&mut self, level: &str, code: &str) {
        self.send(kind::COMMAND_AMF0, 1, Command::status(level, code, "words").encode());
    }

    /// The commands and user control events we sent.
    fn sent(&mut self) -> Vec<(u32, String, Vec<Value>)> {
        let bytes: Vec<u8> = std::iter::from_fn(|| self.session.poll_output()).flatten().collect();
        let mut rest = &bytes[..];
        let messages: Vec<Message> = std::iter::from_fn(|| self.reader.read(&mut rest).unwrap()).collect();
        let in_words = |message: &Message| match message.kind {
            kind::COMMAND_AMF0 => {
                let command = Command::decode(message).unwrap();
                (message.stream_id, format!("{}/{}", command.name, command.transaction), command.arguments)
            }
            kind::USER_CONTROL => (message.stream_id, format!("user {}", message::user_event(message).unwrap().0), vec![]),
            kind => (message.stream_id, format!("type {kind}"), vec![]),
        };
        messages.iter().map(in_words).collect()
    }

    fn names(&mut self) -> Vec<String> {
        self.sent().into_iter().map(|(_, name, _)| name).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }

    /// To the point where the stream was asked for.
    fn asked(role: Role) -> Self {
        let mut peer = Self::new(role);
        peer.answer("_result", 1.0, vec![information("status", "NetConnection.Connect.Success", "")]);
        peer.answer("_result", 4.0, vec![1.0.into()]);
        peer.sent();
        peer
    }

    fn live(role: Role) -> Self {
        let mut peer = Self::asked(role);
        peer.status("status", if role == Role::Play { "NetStream.Play.Start" } else { "NetStream.Publish.Start" });
        assert_eq!(peer.events(), [Event::Started]);
        peer
    }
}

#[test]
fn a_publisher_asks_as_servers_expect() {
    let mut peer = Peer::new(Role::Publish);
    assert_eq!(peer.names(), ["connect/1"]);
    peer.answer("_result", 1.0, vec![]);
    // Servers answer releaseStream and FCPublish, or refuse them, or do not know them.
    peer.answer("_error", 2.0, vec![]);
    peer.answer("onBWDone", 0.0, vec![8192.0.into()]);
    let name = Value::from("name?key=1");
    let sent = peer.sent();
    assert_eq!(
        sent.iter().map(|(_, name, _)| &name[..]).collect::<Vec<_>>(),
        ["type 5", "type 1", "releaseStream/2", "FCPublish/3", "createStream/4"]
    );
    peer.answer("_result", 4.0, vec![1.0.into()]);
    assert_eq!(peer.sent(), [(1, "publish/5".to_owned(), vec![name.clone(), "live".into()])]);
    peer.status("status", "NetStream.Publish.Start");
    assert_eq!(peer.events(), [Event::Started]);

    peer.session.close();
    assert_eq!(peer.sent(), [(0, "FCUnpublish/6".to_owned(), vec![name]), (0, "deleteStream/0".to_owned(), vec![1.0.into()])]);
}

#[test]
fn a_player_asks_as_servers_expect() {
    let mut peer = Peer::new(Role::Play);
    assert_eq!(peer.names(), ["connect/1"]);
    peer.answer("_result", 1.0, vec![]);
    assert_eq!(peer.names(), ["type 5", "type 1", "createStream/4"]);
    peer.answer("_result", 4.0, vec![1.0.into()]);
    let sent = peer.sent();
    assert_eq!(sent[0], (1, "play/5".to_owned(), vec!["name?key=1".into(), (-2000.0).into()]));
    assert_eq!(sent[1].1, "user 3");
    // The server is not ours: it would not understand.
    peer.status("status", "NetStream.Play.Start");
    peer.session.request_key_frame();
    assert_eq!(peer.names(), [""; 0]);
}

#[test]
fn media_may_come_without_a_word_before() {
    let mut peer = Peer::asked(Role::Play);
    peer.send(kind::DATA_AMF0, 1, amf0::encode(&["|RtmpSampleAccess".into(), true.into(), true.into()]));
    peer.send(kind::VIDEO, 1, Bytes::from_static(b"\x17\x01"));
    peer.status("status", "NetStream.Play.Start");
    peer.send(kind::AGGREGATE, 1, Bytes::from_static(b"\x08\0\0\x01\0\0\0\0\0\0\0a"));
    let packet = |kind, payload| Event::Packet(Packet { kind, timestamp_ms: 40, payload: Bytes::from_static(payload) });
    assert_eq!(peer.events(), [Event::Started, packet(PacketKind::Video, b"\x17\x01"), packet(PacketKind::Audio, b"a")]);
}

#[test]
fn the_end_is_told_once_however_the_server_says_it() {
    let eof = message::user_control(user::STREAM_EOF, &[1]).payload;
    for order in [[true, false], [false, true]] {
        let mut peer = Peer::live(Role::Play);
        for by_status in order {
            match by_status {
                true => peer.status("status", "NetStream.Play.UnpublishNotify"),
                false => peer.send(kind::USER_CONTROL, 0, eof.clone()),
            }
        }
        assert_eq!(peer.events(), [Event::Ended]);
        peer.status("status", "NetStream.Play.Start");
        assert_eq!(peer.events(), [Event::Started]);
    }
    let mut peer = Peer::live(Role::Play);
    peer.send(kind::USER_CONTROL, 0, message::user_control(user::STREAM_EOF, &[2]).payload);
    assert_eq!(peer.events(), []);
}

#[test]
fn a_refusal_at_any_step_is_told_once() {
    let refused = |code: &str| Event::Refused { code: code.into(), description: "words".into() };
    let rejected = "NetConnection.Connect.Rejected";
    let mut peer = Peer::new(Role::Publish);
    peer.answer("_error", 1.0, vec![information("error", rejected, "words")]);
    peer.answer("_result", 4.0, vec![1.0.into()]);
    assert_eq!(peer.events(), [refused(rejected)]);

    let mut peer = Peer::asked(Role::Publish);
    peer.status("error", "NetStream.Publish.BadName");
    peer.status("status", "NetStream.Publish.Start");
    assert_eq!(peer.events(), [refused("NetStream.Publish.BadName")]);

    let mut peer = Peer::asked(Role::Play);
    peer.answer("_error", 5.0, vec![]);
    assert_eq!(peer.events(), [Event::Refused { code: String::new(), description: String::new() }]);
}

#[test]
fn metadata_is_marked_for_servers_to_keep_and_other_data_is_not() {
    let mut peer = Peer::live(Role::Publish);
    let send = |peer: &mut Peer, name: &str| {
        let payload = amf0::encode(&[name.into(), 1.0.into()]);
        peer.session.send(&Packet { kind: PacketKind::Data, timestamp_ms: 0, payload });
        let bytes: Vec<u8> = std::iter::from_fn(|| peer.session.poll_output()).flatten().collect();
        let message = peer.reader.read(&mut &bytes[..]).unwrap().unwrap();
        amf0::decode(&message.payload).unwrap()
    };
    assert_eq!(send(&mut peer, "onMetaData"), ["@setDataFrame".into(), "onMetaData".into(), 1.0.into()]);
    assert_eq!(send(&mut peer, "onClock"), ["onClock".into(), 1.0.into()]);
}

#[test]
fn only_a_players_wait_for_its_publisher_is_not_limited() {
    let (soon, late) = (Duration::from_secs(10), Duration::from_secs(11));
    let mut fresh = Session::new(Config::new(Role::Play, "rtmp://host/app", "app", "name"), Duration::ZERO);
    assert_eq!(fresh.tick(soon), Ok(()));
    assert_eq!(fresh.tick(late), Err(Error::SetUpTimeout(soon)));
    assert!(Peer::new(Role::Play).session.tick(late).is_err());
    assert!(Peer::asked(Role::Publish).session.tick(late).is_err());
    assert!(Peer::asked(Role::Play).session.tick(late).is_ok());
    assert!(Peer::live(Role::Publish).session.tick(late).is_ok());
}

#[test]
fn a_server_of_another_protocol_is_an_error() {
    let mut session = Session::new(Config::new(Role::Play, "rtmp://host/app", "app", "name"), Duration::ZERO);
    assert!(matches!(session.receive(b"HTTP/1.1 400 Bad Request", Duration::ZERO), Err(Error::Handshake(_))));
}
