//! What messages mean (RTMP 1.0, sections 5.4, 6 and 7): types, protocol control, user control, commands, aggregates.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{
    amf0::{self, Value},
    chunk::Message,
    packet::{Packet, PacketKind},
};

/// Message types.
pub mod kind {
    /// How long the sender's chunks are from now on.
    pub const SET_CHUNK_SIZE: u8 = 1;
    /// The rest of a chunk stream's message will not come.
    pub const ABORT: u8 = 2;
    /// So many bytes have been received.
    pub const ACKNOWLEDGEMENT: u8 = 3;
    /// User control: stream begin, end, ping and others.
    pub const USER_CONTROL: u8 = 4;
    /// After how many bytes the sender wants an acknowledgement.
    pub const WINDOW_ACKNOWLEDGEMENT_SIZE: u8 = 5;
    /// How large the receiver's own window should be.
    pub const SET_PEER_BANDWIDTH: u8 = 6;
    /// An FLV audio tag's body.
    pub const AUDIO: u8 = 8;
    /// An FLV video tag's body.
    pub const VIDEO: u8 = 9;
    /// Data with a leading AMF3 byte.
    pub const DATA_AMF3: u8 = 15;
    /// A command with a leading AMF3 byte.
    pub const COMMAND_AMF3: u8 = 17;
    /// Data in AMF0.
    pub const DATA_AMF0: u8 = 18;
    /// A command in AMF0.
    pub const COMMAND_AMF0: u8 = 20;
    /// Several FLV tags.
    pub const AGGREGATE: u8 = 22;
}

/// User control event types (7.1.7).
pub mod user {
    /// The stream can be used.
    pub const STREAM_BEGIN: u16 = 0;
    /// Nothing more will come on the stream.
    pub const STREAM_EOF: u16 = 1;
    /// How much the player buffers.
    pub const SET_BUFFER_LENGTH: u16 = 3;
    /// Answer, please.
    pub const PING_REQUEST: u16 = 6;
    /// The answer, with the request's time.
    pub const PING_RESPONSE: u16 = 7;
}

/// Why a message's body cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fewer bytes than its type needs.
    #[error("message of type {kind} is too short: {bytes} bytes")]
    Short {
        /// The message type.
        kind: u8,
        /// The body's length.
        bytes: usize,
    },
    /// Not AMF0.
    #[error("command is not AMF0")]
    Amf0(#[from] amf0::Error),
    /// AMF0, but no name and transaction number.
    #[error("command has no name and transaction")]
    NotACommand,
    /// Longer than [`MAX_COMMAND_BYTES`].
    #[error("command of {0} bytes is longer than {MAX_COMMAND_BYTES}")]
    CommandTooLong(usize),
    /// An aggregate whose parts do not add up.
    #[error("aggregate message is cut inside a tag")]
    Aggregate,
}

/// The longest command that is decoded. Real ones are below 1 KiB; the longest carry a token in a URL.
pub const MAX_COMMAND_BYTES: usize = 64 << 10;

/// A command message.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// `connect`, `_result`, `onStatus`, ...
    pub name: String,
    /// What an answer refers to; 0 wants none.
    pub transaction: f64,
    /// The command object.
    pub object: Value,
    /// What follows.
    pub arguments: Vec<Value>,
}

impl Command {
    /// A command with arguments.
    pub fn new(name: &str, transaction: f64, object: Value, arguments: Vec<Value>) -> Self {
        Self { name: name.to_owned(), transaction, object, arguments }
    }

    /// `onStatus` with an information object.
    pub fn status(level: &str, code: &str, description: &str) -> Self {
        Self::new("onStatus", 0.0, Value::Null, vec![information(level, code, description)])
    }

    /// Decodes a command message, of AMF0 or of AMF3's type (which in fact is AMF0 behind one byte).
    pub fn decode(message: &Message) -> Result<Self, Error> {
        if message.payload.len() > MAX_COMMAND_BYTES {
            return Err(Error::CommandTooLong(message.payload.len()));
        }
        let mut values = amf0::decode(amf0_part(message))?.into_iter();
        let (Some(Value::String(name)), Some(Value::Number(transaction))) = (values.next(), values.next()) else {
            return Err(Error::NotACommand);
        };
        Ok(Self { name, transaction, object: values.next().unwrap_or(Value::Null), arguments: values.collect() })
    }

    /// The message's body.
    pub fn encode(self) -> Bytes {
        let mut values = vec![Value::String(self.name), Value::Number(self.transaction), self.object];
        values.extend(self.arguments);
        amf0::encode(&values)
    }

    /// An argument's text.
    pub fn text(&self, index: usize) -> Option<&str> {
        self.arguments.get(index).and_then(Value::as_str)
    }

    /// An argument as the number of a message stream.
    pub fn stream_id(&self, index: usize) -> Option<u32> {
        let number = self.arguments.get(index).and_then(Value::as_f64)?;
        // `as` saturates and makes NaN 0: neither is a stream of ours.
        (number > 0.0).then_some(number as u32)
    }
}

/// The information object of `_result`, `_error` and `onStatus`.
pub fn information(level: &str, code: &str, description: &str) -> Value {
    Value::object([("level", level.into()), ("code", code.into()), ("description", description.into())])
}

/// The AMF0 part of a command or data message.
fn amf0_part(message: &Message) -> &[u8] {
    match message.kind {
        kind::COMMAND_AMF3 | kind::DATA_AMF3 => message.payload.strip_prefix(&[0]).unwrap_or(&message.payload),
        _ => &message.payload,
    }
}

/// A protocol control message of one 32-bit number.
pub fn control(kind: u8, value: u32) -> Message {
    Message { timestamp_ms: 0, kind, stream_id: 0, payload: Bytes::copy_from_slice(&value.to_be_bytes()) }
}

/// Set Peer Bandwidth, limit type "dynamic".
pub fn set_peer_bandwidth(window: u32) -> Message {
    const DYNAMIC: u8 = 2;
    let [a, b, c, d] = window.to_be_bytes();
    Message {
        timestamp_ms: 0,
        kind: kind::SET_PEER_BANDWIDTH,
        stream_id: 0,
        payload: Bytes::copy_from_slice(&[a, b, c, d, DYNAMIC]),
    }
}

/// The number of a protocol control message.
pub fn control_value(message: &Message) -> Result<u32, Error> {
    let head = message.payload.first_chunk::<4>();
    head.map(|head| u32::from_be_bytes(*head)).ok_or(Error::Short { kind: message.kind, bytes: message.payload.len() })
}

/// A user control message of an event type and its numbers.
pub fn user_control(event: u16, values: &[u32]) -> Message {
    let mut payload = BytesMut::with_capacity(2 + 4 * values.len());
    payload.put_u16(event);
    for value in values {
        payload.put_u32(*value);
    }
    Message { timestamp_ms: 0, kind: kind::USER_CONTROL, stream_id: 0, payload: payload.freeze() }
}

/// Event type and first number of a user control message. Events of fewer bytes (some extensions) have number 0.
pub fn user_event(message: &Message) -> Result<(u16, u32), Error> {
    let mut body = &message.payload[..];
    let short = |_| Error::Short { kind: message.kind, bytes: message.payload.len() };
    Ok((body.try_get_u16().map_err(short)?, body.try_get_u32().unwrap_or(0)))
}

/// The packet in a media or data message; nothing if it is empty or of another type.
///
/// `@setDataFrame` in front of metadata is meant for the server and taken off (it is how publishers say "keep this for
/// players who come later").
pub fn packet(message: &Message) -> Option<Packet> {
    let kind = match message.kind {
        kind::AUDIO => PacketKind::Audio,
        kind::VIDEO => PacketKind::Video,
        kind::DATA_AMF0 | kind::DATA_AMF3 => PacketKind::Data,
        _ => return None,
    };
    let mut payload = message.payload.clone();
    if kind == PacketKind::Data {
        payload.advance(message.payload.len() - amf0_part(message).len());
        if let Some(("@setDataFrame", next)) = amf0::leading_string(&payload) {
            payload.advance(next);
        }
    }
    (!payload.is_empty()).then_some(Packet { kind, timestamp_ms: message.timestamp_ms, payload })
}

/// The message that carries a packet on a stream.
pub fn of_packet(packet: &Packet, stream_id: u32) -> Message {
    let kind = match packet.kind {
        PacketKind::Audio => kind::AUDIO,
        PacketKind::Video => kind::VIDEO,
        PacketKind::Data => kind::DATA_AMF0,
    };
    Message { timestamp_ms: packet.timestamp_ms, kind, stream_id, payload: packet.payload.clone() }
}

/// The parts of an aggregate message (7.1.6), each a message of its own.
#[derive(Debug)]
pub struct Aggregate {
    rest: Bytes,
    stream_id: u32,
    /// What turns a part's time into the stream's: the aggregate's time less the first part's.
    offset: Option<u32>,
    timestamp_ms: u32,
}

/// An FLV tag header: type 1, size 3, time 3 + 1, stream 3.
const TAG_HEADER: usize = 11;
/// Behind each tag: its size once more.
const BACK_POINTER: usize = 4;

impl Aggregate {
    /// Takes an aggregate message apart. Parts are copies: one that is kept must not keep the whole aggregate, which may be
    /// a million times larger.
    pub fn new(message: &Message) -> Self {
        Self { rest: message.payload.clone(), stream_id: message.stream_id, offset: None, timestamp_ms: message.timestamp_ms }
    }

    fn part(&mut self) -> Result<Message, Error> {
        let &[kind, a, b, c, t1, t2, t3, t0, ..] = self.rest.first_chunk::<TAG_HEADER>().ok_or(Error::Aggregate)?;
        let length = u32::from_be_bytes([0, a, b, c]) as usize;
        let time = u32::from_be_bytes([t0, t1, t2, t3]);
        let offset = *self.offset.get_or_insert(self.timestamp_ms.wrapping_sub(time));
        self.rest.advance(TAG_HEADER);
        if self.rest.len() < length {
            return Err(Error::Aggregate);
        }
        let payload = Bytes::copy_from_slice(&self.rest.split_to(length));
        // The last back pointer is left out by some.
        self.rest.advance(self.rest.len().min(BACK_POINTER));
        Ok(Message { timestamp_ms: time.wrapping_add(offset), kind, stream_id: self.stream_id, payload })
    }
}

impl Iterator for Aggregate {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.rest.clear();
        }
        Some(part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, payload: impl Into<Bytes>) -> Message {
        Message { timestamp_ms: 5, kind, stream_id: 1, payload: payload.into() }
    }

    #[test]
    fn a_command_survives_in_both_message_types() {
        let command = Command::new("connect", 1.0, Value::object([("app", "live".into())]), vec![Value::Null, 7.0.into()]);
        let bytes = command.clone().encode();
        assert_eq!(Command::decode(&message(kind::COMMAND_AMF0, bytes.clone())).unwrap(), command);
        let amf3 = [&[0][..], &bytes].concat();
        assert_eq!(Command::decode(&message(kind::COMMAND_AMF3, amf3)).unwrap(), command);
        assert_eq!(command.stream_id(1), Some(7));
        assert_eq!(command.stream_id(0), None);
    }

    #[test]
    fn what_is_no_command_is_an_error() {
        assert_eq!(Command::decode(&message(kind::COMMAND_AMF0, vec![])), Err(Error::NotACommand));
        assert_eq!(Command::decode(&message(kind::COMMAND_AMF0, vec![5, 5])), Err(Error::NotACommand));
        let long = vec![5; MAX_COMMAND_BYTES + 1];
        assert!(matches!(Command::decode(&message(kind::COMMAND_AMF0, long)), Err(Error::CommandTooLong(_))));
    }

    #[test]
    fn set_data_frame_is_taken_off() {
        let meta = amf0::encode(&["onMetaData".into(), Value::EcmaArray(vec![])]);
        let framed = [&amf0::encode(&["@setDataFrame".into()])[..], &meta].concat();
        assert_eq!(packet(&message(kind::DATA_AMF0, framed.clone())).unwrap().payload, meta);
        let amf3 = [&[0][..], &framed].concat();
        assert_eq!(packet(&message(kind::DATA_AMF3, amf3)).unwrap().payload, meta);
        assert_eq!(packet(&message(kind::DATA_AMF0, meta.clone())).unwrap().payload, meta);
        assert_eq!(packet(&message(kind::AUDIO, vec![])), None);
        assert_eq!(packet(&message(kind::DATA_AMF3, vec![0])), None);
    }

    #[test]
    fn user_control_survives_and_short_ones_are_errors() {
        let ping = user_control(user::PING_REQUEST, &[77]);
        assert_eq!(user_event(&ping), Ok((user::PING_REQUEST, 77)));
        assert_eq!(user_event(&message(kind::USER_CONTROL, vec![0, 31])), Ok((31, 0)));
        assert!(user_event(&message(kind::USER_CONTROL, vec![0])).is_err());
        assert!(control_value(&message(kind::ACKNOWLEDGEMENT, vec![0, 1])).is_err());
    }

    fn tag(kind: u8, time: u32, body: &[u8]) -> Vec<u8> {
        let mut tag = vec![kind, 0, 0, body.len() as u8];
        tag.extend_from_slice(&time.to_be_bytes()[1..]);
        tag.push((time >> 24) as u8);
        tag.extend_from_slice(&[0, 0, 0]);
        tag.extend_from_slice(body);
        tag.extend_from_slice(&(11 + body.len() as u32).to_be_bytes());
        tag
    }

    #[test]
    fn an_aggregate_is_split_and_its_times_moved() {
        let body = [tag(9, 0x0100_0000, b"video"), tag(8, 0x0100_0017, b"a")].concat();
        let parts = |body: Vec<u8>| {
            let aggregate = Message { timestamp_ms: 1000, kind: kind::AGGREGATE, stream_id: 1, payload: body.into() };
            Aggregate::new(&aggregate).collect::<Result<Vec<_>, _>>()
        };
        let both = parts(body.clone()).unwrap();
        assert_eq!(both.iter().map(|part| (part.kind, part.timestamp_ms)).collect::<Vec<_>>(), [(9, 1000), (8, 1023)]);
        assert_eq!(both[0].payload, "video");
        assert_eq!(parts(body[..body.len() - 4].to_vec()).unwrap(), both);
        assert_eq!(parts(body[..20].to_vec()).unwrap().len(), 1);
        assert_eq!(parts(body[..body.len() - 5].to_vec()), Err(Error::Aggregate));
        assert_eq!(parts(vec![9, 0, 0]), Err(Error::Aggregate));
    }
}
