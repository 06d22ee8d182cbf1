//! Conversations as FFmpeg, OBS and others hold them, and what a server must not let them do.

use std::time::Duration;

use bytes::Bytes;

use super::*;
use crate::rtmp::{
    Packet, PacketKind,
    amf0::{self, Value},
    chunk::{Message, Output, Reader, Writer},
    message::{self, Command, kind, user},
};

/// A client made of raw messages.
struct Peer {
    session: Session,
    writer: Writer,
    reader: Reader,
    /// The answers of the handshake are behind us.
    greeted: bool,
}

impl Peer {
    fn new() -> Self {
        let mut peer = Self {
            session: Session::new(Config::default(), Duration::ZERO),
            writer: Writer::default(),
            reader: Reader::default(),
            greeted: false,
        };
        let mut hello = vec![0; 1 + 2 * 1536];
        hello[0] = 3;
        peer.session.receive(&hello, Duration::ZERO).unwrap();
        peer
    }

    fn try_send(&mut self, id: u8, message: &Message) -> Result<(), Error> {
        let mut output = Output::default();
        self.writer.write(id, message, &mut output);
        let bytes: Vec<u8> = std::iter::from_fn(|| output.pop()).flatten().collect();
        self.session.receive(&bytes, Duration::ZERO)
    }

    fn send(&mut self, id: u8, kind: u8, stream_id: u32, payload: impl Into<Bytes>) {
        let message = Message { timestamp_ms: 0, kind, stream_id, payload: payload.into() };
        self.try_send(id, &message).unwrap();
    }

    fn try_call(&mut self, stream_id: u32, name: &str, transaction: f64, arguments: &[Value]) -> Result<(), Error> {
        let payload = Command::new(name, transaction, Value::Null, arguments.to_vec()).encode();
        self.try_send(3, &Message { timestamp_ms: 0, kind: kind::COMMAND_AMF0, stream_id, payload })
    }

    fn call(&mut self, stream_id: u32, name: &str, transaction: f64, arguments: &[Value]) {
        self.try_call(stream_id, name, transaction, arguments).unwrap();
    }

    fn connect(&mut self) {
        let object = Value::object([("app", "live".into()), ("tcUrl", "rtmp://host/live".into())]);
        self.send(3, kind::COMMAND_AMF0, 0, Command::new("connect", 1.0, object, vec![]).encode());
        self.call(0, "createStream", 2.0, &[]);
    }

    /// Connected, with stream 1, everything so far taken away.
    fn connected() -> Self {
        let mut peer = Self::new();
        peer.connect();
        peer.answers();
        peer.events();
        peer
    }

    fn publishing() -> Self {
        let mut peer = Self::connected();
        peer.call(1, "publish", 3.0, &["name".into(), "live".into()]);
        peer.session.accept(1, Duration::ZERO);
        peer.answers();
        peer.events();
        peer
    }

    fn playing() -> Self {
        let mut peer = Self::connected();
        peer.call(1, "play", 3.0, &["name".into()]);
        peer.session.accept(1, Duration::ZERO);
        peer.answers();
        peer.events();
        peer
    }

    fn answers(&mut self) -> Vec<Message> {
        let bytes: Vec<u8> = std::iter::from_fn(|| self.session.poll_output()).flatten().collect();
        let mut rest = &bytes[..];
        if !self.greeted {
            rest = &rest[1 + 2 * 1536..];
            self.greeted = true;
        }
        std::iter::from_fn(|| self.reader.read(&mut rest).unwrap()).collect()
    }

    /// The answers in words: `name/transaction` of commands with the status code if there is one, `type` of others.
    fn said(&mut self) -> Vec<String> {
        let in_words = |message: &Message| match message.kind {
            kind::COMMAND_AMF0 => {
                let command = Command::decode(message).unwrap();
                let code = command.arguments.first().and_then(|info| info.member("code")).and_then(Value::as_str);
                match code {
                    Some(code) => format!("{}/{} {code}", command.name, command.transaction),
                    None => format!("{}/{}", command.name, command.transaction),
                }
            }
            kind::USER_CONTROL => format!("user {:?}", message::user_event(message).unwrap()),
            kind::DATA_AMF0 => format!("data {}", amf0::leading_string(&message.payload).unwrap().0),
            kind => format!("type {kind}"),
        };
        self.answers().iter().map(in_words).collect()
    }

    fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.session.poll_event()).collect()
    }
}

const AGREED: [&str; 4] = ["type 5", "type 6", "type 1", "_result/1 NetConnection.Connect.Success"];

fn key_frame() -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms: 0, payload: Bytes::from_static(b"\x17\x01\0\0\0data") }
}

#[test]
fn obs_publishes() {
    let mut peer = Peer::new();
    peer.send(2, kind::SET_CHUNK_SIZE, 0, 4096u32.to_be_bytes().to_vec());
    peer.writer.set_chunk_size(4096);
    let object = Value::object([
        ("app", "live".into()),
        ("type", "nonprivate".into()),
        ("flashVer", "FMLE/3.0 (compatible; FMSc/1.0)".into()),
        ("swfUrl", "rtmp://host/live".into()),
        ("tcUrl", "rtmp://host/live".into()),
        ("capsEx", 5.0.into()),
        ("fourCcList", Value::StrictArray(vec!["av01".into(), "hvc1".into()])),
    ]);
    peer.send(3, kind::COMMAND_AMF0, 0, Command::new("connect", 1.0, object, vec![]).encode());
    assert_eq!(peer.said(), AGREED);
    peer.call(0, "releaseStream", 2.0, &["key?token=secret".into()]);
    peer.call(0, "FCPublish", 3.0, &["key?token=secret".into()]);
    peer.call(0, "createStream", 4.0, &[]);
    assert_eq!(peer.said(), ["_result/2", "_result/3", "onFCPublish/0 NetStream.Publish.Start", "_result/4"]);
    peer.call(1, "publish", 5.0, &["key?token=secret".into(), "live".into()]);
    assert_eq!(peer.said(), [""; 0]);
    let (app, tc_url) = ("live".to_owned(), "rtmp://host/live".to_owned());
    assert_eq!(
        peer.events(),
        [
            Event::Connected { app: app.clone(), tc_url, parlor: false },
            Event::Publish { stream_id: 1, app, name: "key?token=secret".into() },
        ]
    );

    peer.session.accept(1, Duration::ZERO);
    assert_eq!(peer.said(), ["user (0, 1)", "onStatus/0 NetStream.Publish.Start"]);
    // It does not know our key frame requests.
    peer.session.request_key_frame(1);
    assert_eq!(peer.said(), [""; 0]);

    let meta = amf0::encode(&["onMetaData".into(), Value::EcmaArray(vec![("width".into(), 640.0.into())])]);
    peer.send(4, kind::DATA_AMF0, 1, [&amf0::encode(&["@setDataFrame".into()])[..], &meta].concat());
    peer.send(4, kind::VIDEO, 1, key_frame().payload);
    assert_eq!(
        peer.events(),
        [
            Event::Packet { stream_id: 1, packet: Packet { kind: PacketKind::Data, timestamp_ms: 0, payload: meta } },
            Event::Packet { stream_id: 1, packet: key_frame() },
        ]
    );

    peer.call(0, "FCUnpublish", 6.0, &["key?token=secret".into()]);
    peer.call(0, "deleteStream", 7.0, &[1.0.into()]);
    assert_eq!(peer.events(), [Event::StopPublish { stream_id: 1 }]);
    assert_eq!(
        peer.said(),
        ["_result/6", "onFCUnpublish/0 NetStream.Unpublish.Success", "onStatus/0 NetStream.Unpublish.Success"]
    );
}

#[test]
fn ffmpeg_plays() {
    let mut peer = Peer::new();
    let object = Value::object([
        ("app", "live".into()),
        ("flashVer", "LNX 9,0,124,2".into()),
        ("tcUrl", "rtmp://host:1935/live".into()),
        ("fpad", false.into()),
        ("capabilities", 15.0.into()),
        ("audioCodecs", 4071.0.into()),
        ("videoCodecs", 252.0.into()),
        ("videoFunction", 1.0.into()),
    ]);
    peer.send(3, kind::COMMAND_AMF0, 0, Command::new("connect", 1.0, object, vec![]).encode());
    assert_eq!(peer.said(), AGREED);
    peer.send(2, kind::WINDOW_ACKNOWLEDGEMENT_SIZE, 0, 2_500_000u32.to_be_bytes().to_vec());
    peer.call(0, "createStream", 2.0, &[]);
    peer.call(0, "_checkbw", 3.0, &[]);
    peer.call(0, "getStreamLength", 4.0, &["name".into()]);
    assert_eq!(peer.said(), ["_result/2", "_result/3", "_result/4"]);
    peer.call(1, "play", 0.0, &["name".into(), (-2000.0).into()]);
    peer.send(2, kind::USER_CONTROL, 0, [&3u16.to_be_bytes()[..], &1u32.to_be_bytes(), &3000u32.to_be_bytes()].concat());
    assert_eq!(peer.events().last(), Some(&Event::Play { stream_id: 1, app: "live".into(), name: "name".into() }));

    // Nothing goes to a player that was not accepted.
    peer.session.send(1, &key_frame());
    assert_eq!(peer.said(), [""; 0]);
    peer.session.accept(1, Duration::ZERO);
    peer.session.send(1, &key_frame());
    assert_eq!(
        peer.said(),
        [
            "user (0, 1)",
            "onStatus/0 NetStream.Play.Reset",
            "onStatus/0 NetStream.Play.Start",
            "data |RtmpSampleAccess",
            "data onStatus",
            "type 9",
        ]
    );
    peer.session.end(1);
    assert_eq!(peer.said(), ["user (1, 1)", "onStatus/0 NetStream.Play.UnpublishNotify"]);
}

#[test]
fn the_connect_answer_holds_what_enhanced_rtmp_expects() {
    let mut peer = Peer::new();
    let object = Value::object([("app", "/live/".into()), ("objectEncoding", 3.0.into()), ("parlor", 1.0.into())]);
    // As AMF3 clients send it.
    let body = Command::new("connect", 1.0, object, vec![]).encode();
    peer.send(3, kind::COMMAND_AMF3, 0, [&[0][..], &body].concat());
    let answer = Command::decode(peer.answers().last().unwrap()).unwrap();
    assert!(matches!(answer.object.member("fourCcList"), Some(Value::StrictArray(list)) if list.contains(&"Opus".into())));
    assert!(answer.object.member("fmsVer").is_some() && answer.object.member("capabilities").is_some());
    assert_eq!(answer.arguments[0].member("objectEncoding"), Some(&3.0.into()));
    assert_eq!(peer.events(), [Event::Connected { app: "live".into(), tc_url: String::new(), parlor: true }]);
}

#[test]
fn connect_needs_an_app() {
    let mut peer = Peer::new();
    assert_eq!(peer.try_call(0, "connect", 1.0, &[]), Err(Error::NoApp));
    assert_eq!(peer.said(), ["_error/1 NetConnection.Connect.Rejected"]);
}

#[test]
fn commands_out_of_order_end_the_connection() {
    let mut peer = Peer::new();
    assert!(matches!(peer.try_call(0, "createStream", 1.0, &[]), Err(Error::OutOfOrder(_))));
    let mut peer = Peer::connected();
    assert!(matches!(peer.try_call(0, "connect", 1.0, &[]), Err(Error::OutOfOrder(_))));
    let mut peer = Peer::connected();
    assert!(matches!(peer.try_call(7, "publish", 3.0, &["name".into()]), Err(Error::OutOfOrder(_))));
    let mut peer = Peer::new();
    let message = Message { timestamp_ms: 0, kind: kind::COMMAND_AMF0, stream_id: 0, payload: Bytes::from_static(b"\x11\0") };
    assert!(matches!(peer.try_send(3, &message), Err(Error::Message(message::Error::Amf0(_)))));
}

#[test]
fn what_a_publisher_sends_before_it_is_accepted_is_kept_within_limits() {
    let mut peer = Peer::connected();
    peer.call(1, "publish", 3.0, &["name".into()]);
    peer.events();
    peer.send(4, kind::VIDEO, 1, key_frame().payload);
    assert_eq!(peer.events(), []);
    peer.session.accept(1, Duration::ZERO);
    assert_eq!(peer.events(), [Event::Packet { stream_id: 1, packet: key_frame() }]);

    let mut peer = Peer::connected();
    peer.call(1, "publish", 3.0, &["name".into()]);
    let half = Message { timestamp_ms: 0, kind: kind::VIDEO, stream_id: 1, payload: vec![0; MAX_HELD_BYTES / 2].into() };
    assert_eq!(peer.try_send(4, &half), Ok(()));
    assert_eq!(peer.try_send(4, &half), Ok(()));
    assert_eq!(peer.try_send(4, &half), Err(Error::Impatient));

    let mut peer = Peer::connected();
    peer.call(1, "publish", 3.0, &["name".into()]);
    let tiny = Message { payload: Bytes::from_static(b"a"), ..half };
    let accepted = std::iter::repeat_with(|| peer.try_send(4, &tiny)).take_while(Result::is_ok).count();
    assert_eq!(accepted, MAX_HELD_PACKETS);
}

#[test]
fn media_without_a_publisher_is_left_alone() {
    for mut peer in [Peer::connected(), Peer::playing()] {
        peer.send(4, kind::VIDEO, 1, key_frame().payload);
        peer.send(4, kind::VIDEO, 9, key_frame().payload);
        assert_eq!(peer.events(), []);
    }
    let mut peer = Peer::publishing();
    peer.send(4, kind::AUDIO, 1, Bytes::new());
    peer.send(4, 99, 1, Bytes::from_static(b"unknown type"));
    assert_eq!(peer.events(), []);
}

#[test]
fn an_aggregate_becomes_packets() {
    let mut peer = Peer::publishing();
    let part = b"\x09\0\0\x01\0\0\x07\0\0\0\0v\0\0\0\x0c\x08\0\0\x01\0\0\x09\0\0\0\0a\0\0\0\x0c";
    peer.send(4, kind::AGGREGATE, 1, Bytes::from_static(part));
    let packet = |kind, timestamp_ms, payload| Event::Packet {
        stream_id: 1,
        packet: Packet { kind, timestamp_ms, payload: Bytes::from_static(payload) },
    };
    assert_eq!(peer.events(), [packet(PacketKind::Video, 0, b"v"), packet(PacketKind::Audio, 2, b"a")]);
}

#[test]
fn wishes_that_mean_nothing_live_are_answered() {
    let mut peer = Peer::playing();
    peer.call(1, "pause", 0.0, &[true.into(), 0.0.into()]);
    peer.call(1, "pause", 0.0, &[false.into(), 0.0.into()]);
    peer.call(1, "seek", 0.0, &[0.0.into()]);
    peer.call(0, "FCSubscribe", 0.0, &["name".into()]);
    peer.call(0, "somethingNew", 9.0, &[]);
    assert_eq!(
        peer.said(),
        [
            "onStatus/0 NetStream.Pause.Notify",
            "onStatus/0 NetStream.Unpause.Notify",
            "onStatus/0 NetStream.Seek.Notify",
            "onFCSubscribe/0 NetStream.Play.Start",
        ]
    );
    assert_eq!(peer.events(), []);
    peer.call(1, "requestKeyFrame", 0.0, &[]);
    peer.call(0, "close", 0.0, &[]);
    assert_eq!(peer.events(), [Event::KeyFrameWanted { stream_id: 1 }, Event::Closed]);
}

#[test]
fn a_stream_that_asks_again_stops_first() {
    let mut peer = Peer::playing();
    let options = Value::object([("streamName", "other".into())]);
    peer.call(1, "play2", 0.0, &[options]);
    peer.call(1, "closeStream", 0.0, &[]);
    peer.call(1, "publish", 0.0, &["name".into()]);
    peer.call(1, "publish", 0.0, &[false.into()]);
    let (app, name) = ("live".to_owned(), "other".to_owned());
    assert_eq!(
        peer.events(),
        [
            Event::StopPlay { stream_id: 1 },
            Event::Play { stream_id: 1, app: app.clone(), name },
            Event::StopPlay { stream_id: 1 },
            Event::Publish { stream_id: 1, app, name: "name".into() },
            Event::StopPublish { stream_id: 1 },
        ]
    );
}

#[test]
fn a_name_must_not_be_empty() {
    let mut peer = Peer::connected();
    peer.call(1, "publish", 0.0, &["".into()]);
    peer.call(1, "play", 0.0, &[]);
    assert_eq!(peer.events(), []);
    assert_eq!(peer.said(), ["onStatus/0 NetStream.Publish.BadName", "onStatus/0 NetStream.Play.StreamNotFound"]);
}

#[test]
fn streams_are_limited_and_their_numbers_used_again() {
    let mut peer = Peer::connected();
    for _ in 1..MAX_STREAMS {
        peer.call(0, "createStream", 2.0, &[]);
    }
    assert_eq!(peer.try_call(0, "createStream", 2.0, &[]), Err(Error::TooManyStreams));
    peer.answers();
    peer.call(0, "deleteStream", 0.0, &[3.0.into()]);
    peer.call(0, "deleteStream", 0.0, &[f64::NAN.into()]);
    peer.call(0, "createStream", 2.0, &[]);
    assert_eq!(Command::decode(&peer.answers()[0]).unwrap().arguments, [3.0.into()]);
}

#[test]
fn events_that_nobody_takes_end_the_connection() {
    let mut peer = Peer::publishing();
    let tiny = Message { timestamp_ms: 0, kind: kind::AUDIO, stream_id: 1, payload: Bytes::from_static(b"a") };
    let accepted = std::iter::repeat_with(|| peer.try_send(4, &tiny)).take_while(Result::is_ok).count();
    assert_eq!(accepted, MAX_EVENTS);
}

#[test]
fn a_flood_of_commands_ends_the_connection() {
    let mut peer = Peer::connected();
    let flood = std::iter::repeat_with(|| peer.try_call(0, "_checkbw", 5.0, &[])).take(10_000).find(Result::is_err);
    assert_eq!(flood, Some(Err(Error::Flood)));
}

#[test]
fn set_up_has_a_time_limit_and_waiting_for_a_publisher_has_none() {
    let second = Duration::from_secs;
    let mut session = Session::new(Config::default(), second(100));
    assert_eq!(session.tick(second(115)), Ok(()));
    assert_eq!(session.tick(second(116)), Err(Error::SetUpTimeout(second(15))));

    let mut peer = Peer::connected();
    assert!(peer.session.tick(second(16)).is_err());

    let mut peer = Peer::playing();
    peer.session.end(1);
    assert_eq!(peer.session.tick(second(59)), Ok(()));
    // After the stream the clock starts again.
    peer.session.reject(1, Reject::NotFound, second(59));
    assert_eq!(peer.session.tick(second(60)), Ok(()));
    peer.session.receive(&[], second(70)).unwrap();
    assert!(peer.session.tick(second(75)).is_err());
}

#[test]
fn a_quiet_peer_is_pinged_and_a_silent_one_given_up() {
    let second = Duration::from_secs;
    let mut peer = Peer::playing();
    assert_eq!(peer.session.tick(second(19)), Ok(()));
    assert_eq!(peer.said(), [""; 0]);
    assert_eq!(peer.session.tick(second(20)), Ok(()));
    assert_eq!(peer.said(), ["user (6, 20000)"]);
    assert_eq!(peer.session.tick(second(21)), Ok(()));
    assert_eq!(peer.said(), [""; 0]);
    // It answers.
    let mut output = Output::default();
    peer.writer.write(2, &message::user_control(user::PING_RESPONSE, &[20000]), &mut output);
    peer.session.receive(&output.pop().unwrap(), second(21)).unwrap();
    assert_eq!(peer.session.tick(second(40)), Ok(()));
    assert_eq!(peer.said(), [""; 0]);
    assert_eq!(peer.session.tick(second(41)), Ok(()));
    assert_eq!(peer.said(), ["user (6, 41000)"]);
    assert_eq!(peer.session.tick(second(81)), Ok(()));
    assert_eq!(peer.session.tick(second(82)), Err(Error::Silent(second(61))));
}
