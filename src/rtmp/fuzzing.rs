//! What the fuzzers run: each function takes any bytes and must neither panic nor break a promise of this module.
//!
//! The targets in `fuzz/` and the corpus test in `tests/fuzz_corpus.rs` call the same functions. They check properties,
//! not only survival: pieces of input must not change what is read, what is decoded must encode to the same again, and
//! limits must hold.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Packet, PacketKind, amf0,
    chunk::{self, Message, Output},
    client, handshake,
    message::{Command, kind},
    server, tag,
};

/// A target's name and entry.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 6] = [
    ("handshake", handshake),
    ("chunks", chunks),
    ("amf0", amf0),
    ("tags", tags),
    ("server_session", server_session),
    ("client_session", client_session),
];

/// Takes bytes from a fuzzer's input one purpose at a time; zeros when it is used up.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().unwrap_or((&0, &[]));
        self.0 = rest;
        *first
    }

    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        head
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// Both sides' handshakes. The first byte picks the side and how the rest is cut.
pub fn handshake(data: &[u8]) {
    let mut script = Script(data);
    let choice = script.byte();
    let side = if choice & 1 == 0 { handshake::Side::Server } else { handshake::Side::Client };
    let (mut whole, _) = handshake::Handshake::new(side, Duration::ZERO);
    let (mut cut, _) = handshake::Handshake::new(side, Duration::ZERO);
    let mut rest = script.0;
    let expected = whole.read(&mut rest);
    assert!(whole.is_done() || rest.is_empty() || expected.is_err());

    let mut answer = Vec::new();
    let mut left = script.0;
    for piece in script.0.chunks(1 + usize::from(choice >> 1)) {
        if cut.is_done() {
            break;
        }
        let mut rest = piece;
        match cut.read(&mut rest) {
            Ok(more) => answer.extend(more),
            Err(error) => {
                assert_eq!(expected, Err(error));
                return;
            }
        }
        left = &left[piece.len() - rest.len()..];
        assert!(cut.is_done() || rest.is_empty());
    }
    assert_eq!(expected, Ok(answer));
    assert_eq!((cut.is_done(), left), (whole.is_done(), rest));
}

/// A chunk stream, read whole and in pieces; what was read must survive our writer.
pub fn chunks(data: &[u8]) {
    let mut script = Script(data);
    let piece = 1 + usize::from(script.byte());
    let read = |pieces: &mut dyn Iterator<Item = &[u8]>| {
        let (mut reader, mut messages) = (chunk::Reader::default(), Vec::new());
        for mut piece in pieces {
            loop {
                match reader.read(&mut piece) {
                    Ok(Some(message)) => messages.push(message),
                    Ok(None) => break,
                    Err(error) => return (messages, Some(error)),
                }
                assert!(reader.partial_bytes() <= chunk::MAX_PARTIAL_BYTES);
            }
            assert!(piece.is_empty());
        }
        (messages, None)
    };
    let whole = read(&mut std::iter::once(script.0));
    assert_eq!(whole, read(&mut script.0.chunks(piece)));
    let (messages, _) = whole;

    // The two that the reader itself obeys would change what is read after them.
    let media: Vec<Message> =
        messages.into_iter().filter(|message| !matches!(message.kind, kind::SET_CHUNK_SIZE | kind::ABORT)).collect();
    let (mut writer, mut output) = (chunk::Writer::default(), Output::default());
    for message in &media {
        writer.write(3 + message.kind % 5, message, &mut output);
    }
    let bytes: Vec<u8> = std::iter::from_fn(|| output.pop()).flatten().collect();
    assert_eq!(read(&mut std::iter::once(&bytes[..])), (media, None));
}

/// AMF0 values: what is decoded must encode to bytes that decode and encode to the same.
pub fn amf0(data: &[u8]) {
    let _ = amf0::leading_string(data);
    let Ok(values) = amf0::decode(data) else { return };
    let encoded = amf0::encode(&values);
    // Compared as bytes: NaN is not equal to itself.
    assert_eq!(amf0::decode(&encoded).map(|again| amf0::encode(&again)), Ok(encoded));
}

/// Audio and video tags, and the relay's short cuts, which must agree with them.
pub fn tags(data: &[u8]) {
    let body = Bytes::copy_from_slice(data);
    let video = tag::Video::parse(&body);
    let header = matches!(&video, Ok(tag::Video { body: tag::VideoBody::SequenceHeader(_), .. }));
    assert_eq!(tag::is_video_sequence_header(data), header);
    let key = matches!(&video, Ok(tag::Video { body: tag::VideoBody::Coded { .. }, frame: tag::FrameKind::Key, .. }));
    assert_eq!(tag::is_key_frame(data), key);
    if let Ok(tag::Video { body: tag::VideoBody::Coded { composition_ms, data }, .. }) = video {
        let again = tag::Video::parse(&tag::avc_frame(key, composition_ms, &data));
        assert_eq!(again.map(|video| video.body), Ok(tag::VideoBody::Coded { composition_ms, data }));
    }
    let audio = tag::Audio::parse(&body);
    let header = matches!(&audio, Ok(tag::Audio { body: tag::AudioBody::SequenceHeader(_), .. }));
    assert_eq!(tag::is_audio_sequence_header(data), header);
}

const COMMANDS: [&str; 24] = [
    "connect",
    "createStream",
    "publish",
    "play",
    "deleteStream",
    "closeStream",
    "releaseStream",
    "FCPublish",
    "FCUnpublish",
    "FCSubscribe",
    "_checkbw",
    "getStreamLength",
    "play2",
    "pause",
    "seek",
    "close",
    "requestKeyFrame",
    "onKeyFrameRequest",
    "_result",
    "_error",
    "onStatus",
    "onBWDone",
    "receiveAudio",
    "receiveVideo",
];

/// The peer's bytes, as a script has them: either raw, or as messages that are well cut into chunks, so that the fuzzer
/// gets beyond them.
struct Peer {
    writer: chunk::Writer,
    raw: bool,
}

impl Peer {
    fn new(choice: u8) -> Self {
        Self { writer: chunk::Writer::default(), raw: choice & 0x80 != 0 }
    }

    /// The next few bytes.
    fn bytes(&mut self, script: &mut Script<'_>) -> Vec<u8> {
        let (choice, length) = (script.byte(), usize::from(script.byte()));
        if self.raw {
            return script.take(length + 1).to_vec();
        }
        let stream_id = u32::from(choice >> 6);
        let (kind, payload) = match choice & 0x3f {
            command @ 0..24 => {
                let name = COMMANDS[usize::from(command)];
                let transaction = f64::from(script.byte() % 8);
                let head = amf0::encode(&[name.into(), transaction.into()]);
                (kind::COMMAND_AMF0, [&head[..], script.take(length)].concat().into())
            }
            24 => (kind::COMMAND_AMF0, self.usual_connect()),
            25 => {
                let command = Command::new("publish", 5.0, amf0::Value::Null, vec!["name".into(), "live".into()]);
                (kind::COMMAND_AMF0, command.encode())
            }
            26 => (kind::COMMAND_AMF0, Command::new("play", 5.0, amf0::Value::Null, vec!["name".into()]).encode()),
            27 => {
                // The usual answers to a client's connect and createStream.
                let command = Command::new("_result", f64::from(length as u32 % 6), amf0::Value::Null, vec![1.0.into()]);
                (kind::COMMAND_AMF0, command.encode())
            }
            28 => (kind::COMMAND_AMF0, Command::status("status", "NetStream.Play.Start", "").encode()),
            29 => (kind::COMMAND_AMF0, Command::status("status", "NetStream.Publish.Start", "").encode()),
            kind => (kind - 30, Bytes::copy_from_slice(script.take(length))),
        };
        let message = Message { timestamp_ms: u32::from(choice) * 1000, kind, stream_id, payload };
        let mut output = Output::default();
        self.writer.write(3, &message, &mut output);
        std::iter::from_fn(|| output.pop()).flatten().collect()
    }

    fn usual_connect(&self) -> Bytes {
        let object = amf0::Value::object([("app", "live".into()), ("parlor", 1.0.into())]);
        Command::new("connect", 1.0, object, vec![]).encode()
    }
}

/// What either side expects first: one version byte and two packets.
fn hello() -> Vec<u8> {
    let mut hello = vec![0; 1 + 2 * handshake::PACKET];
    hello[0] = handshake::VERSION;
    hello
}

fn packet(script: &mut Script<'_>) -> Packet {
    let kind = [PacketKind::Audio, PacketKind::Video, PacketKind::Data][usize::from(script.byte() % 3)];
    let length = usize::from(script.byte()) * 300;
    Packet { kind, timestamp_ms: u32::from(script.byte()) << 24, payload: vec![0; length].into() }
}

/// How much one step (a few hundred bytes from the peer, one call by the owner) may make a session want to write.
const MAX_STEP_OUTPUT: usize = 1 << 20;

/// A server session, a peer, and an owner that accepts, refuses, sends and ends as the script says.
pub fn server_session(data: &[u8]) {
    let mut script = Script(data);
    let mut peer = Peer::new(script.byte());
    let mut now = Duration::ZERO;
    let mut session = server::Session::new(server::Config::default(), now);
    if session.receive(&hello(), now).is_err() {
        return assert!(data.is_empty(), "a proper handshake was refused");
    }
    while !script.is_over() {
        let action = script.byte();
        let stream_id = u32::from(action >> 6);
        let result = match action & 0x0f {
            0 => {
                session.accept(stream_id, now);
                Ok(())
            }
            1 => {
                let reasons = [
                    server::Reject::BadName,
                    server::Reject::NotFound,
                    server::Reject::Denied("no".into()),
                    server::Reject::Failed("no".into()),
                ];
                session.reject(stream_id, reasons[usize::from(action >> 4 & 3)].clone(), now);
                Ok(())
            }
            2 => {
                session.send(stream_id, &packet(&mut script));
                Ok(())
            }
            3 => {
                session.end(stream_id);
                session.request_key_frame(stream_id);
                Ok(())
            }
            4 => {
                now += Duration::from_secs(u64::from(script.byte()));
                session.tick(now)
            }
            _ => session.receive(&peer.bytes(&mut script), now),
        };
        let written: usize = std::iter::from_fn(|| session.poll_output()).map(|piece| piece.len()).sum();
        assert!(written <= MAX_STEP_OUTPUT);
        let mut events = 0;
        while let Some(event) = session.poll_event() {
            events += 1;
            if let server::Event::Packet { packet, .. } = event {
                assert!(!packet.payload.is_empty() && packet.payload.len() <= chunk::MAX_MESSAGE_BYTES);
            }
        }
        assert!(events <= server::MAX_EVENTS + server::MAX_HELD_PACKETS);
        if result.is_err() {
            return;
        }
    }
}

/// A client session of either role, a peer, and an owner.
pub fn client_session(data: &[u8]) {
    let mut script = Script(data);
    let choice = script.byte();
    let mut peer = Peer::new(choice);
    let role = if choice & 1 == 0 { client::Role::Play } else { client::Role::Publish };
    let mut now = Duration::ZERO;
    let mut session = client::Session::new(client::Config::new(role, "rtmp://host/live", "live", "name"), now);
    if session.receive(&hello(), now).is_err() {
        return assert!(data.is_empty(), "a proper handshake was refused");
    }
    while !script.is_over() {
        let result = match script.byte() & 0x0f {
            0 => {
                session.send(&packet(&mut script));
                Ok(())
            }
            1 => {
                session.request_key_frame();
                Ok(())
            }
            2 => {
                now += Duration::from_secs(u64::from(script.byte()));
                session.tick(now)
            }
            3 if script.byte() == 7 => {
                session.close();
                Ok(())
            }
            _ => session.receive(&peer.bytes(&mut script), now),
        };
        let written: usize = std::iter::from_fn(|| session.poll_output()).map(|piece| piece.len()).sum();
        assert!(written <= MAX_STEP_OUTPUT);
        let events = std::iter::from_fn(|| session.poll_event()).count();
        assert!(events <= client::MAX_EVENTS);
        if result.is_err() {
            return;
        }
    }
}
