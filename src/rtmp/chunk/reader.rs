//! Chunks in, messages out.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};

use super::{
    DEFAULT_CHUNK_SIZE, EXTENDED, Error, MAX_CHUNK_SIZE, MAX_CHUNK_STREAMS, MAX_MESSAGE_BYTES, MAX_PARTIAL_BYTES, Message,
};
use crate::rtmp::message::kind;

/// The longest chunk header: basic header 3, message header 11, extended timestamp 4.
const MAX_HEADER: usize = 18;

/// How much of a message is reserved before any of it has come. The length is the peer's word; most messages are
/// shorter than this, and longer ones grow as they arrive.
const RESERVE: usize = 64 << 10;

/// Puts messages together from chunks.
#[derive(Debug)]
pub struct Reader {
    chunk_size: usize,
    streams: BTreeMap<u32, Stream>,
    partial_bytes: usize,
    /// The chunk whose payload is being read: its chunk stream and the bytes that are still to come.
    open: Option<(u32, usize)>,
    /// The beginning of a header whose rest has not come yet.
    carry: Vec<u8>,
}

#[derive(Debug, Default)]
struct Stream {
    /// The message's time, or of the last one when none is open.
    timestamp: u32,
    /// What a type-3 chunk adds when it starts a message.
    delta: u32,
    /// The extended timestamp of the last header of type 0 to 2, if it had one.
    extended: Option<u32>,
    length: usize,
    kind: u8,
    stream_id: u32,
    /// The message that is being put together.
    partial: Option<BytesMut>,
}

/// What one step made of the bytes given.
struct Step {
    consumed: usize,
    message: Option<Message>,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            chunk_size: DEFAULT_CHUNK_SIZE,
            streams: BTreeMap::new(),
            partial_bytes: 0,
            open: None,
            carry: Vec::with_capacity(2 * MAX_HEADER),
        }
    }
}

impl Reader {
    /// Reads from `input`, moving it on, until a message is complete or the input is used up (`None`). After an error
    /// the connection cannot be read on.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Message>, Error> {
        loop {
            let step = if self.carry.is_empty() { self.read_direct(input)? } else { self.read_carried(input)? };
            match step {
                Some(Step { message: Some(message), .. }) => {
                    self.obey(&message)?;
                    return Ok(Some(message));
                }
                Some(_) => {}
                None => return Ok(None),
            }
        }
    }

    /// The payload bytes of unfinished messages that are held at the moment.
    pub fn partial_bytes(&self) -> usize {
        self.partial_bytes
    }

    fn read_direct(&mut self, input: &mut &[u8]) -> Result<Option<Step>, Error> {
        let step = self.step(input)?;
        if step.consumed > 0 {
            *input = &input[step.consumed..];
            return Ok(Some(step));
        }
        self.carry.extend_from_slice(input);
        *input = &[];
        Ok(None)
    }

    /// As `read_direct`, over the bytes carried and as many new ones as a header may need.
    fn read_carried(&mut self, input: &mut &[u8]) -> Result<Option<Step>, Error> {
        let mut bytes = std::mem::take(&mut self.carry);
        let old = bytes.len();
        let new = input.len().min(MAX_HEADER);
        bytes.extend_from_slice(&input[..new]);
        let step = self.step(&bytes)?;
        // Bytes not consumed that were new go back to the input; those that were carried stay so.
        let from_input = if step.consumed == 0 { new } else { step.consumed.saturating_sub(old) };
        bytes.truncate(old + from_input);
        bytes.drain(..step.consumed);
        self.carry = bytes;
        *input = &input[from_input..];
        Ok((step.consumed > 0).then_some(step))
    }

    /// Reads a header or a piece of payload; consumes nothing if the header's end is missing.
    fn step(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        match self.open {
            Some((id, left)) => self.payload(id, left, bytes),
            None => self.header(bytes),
        }
    }

    fn payload(&mut self, id: u32, left: usize, bytes: &[u8]) -> Result<Step, Error> {
        let taken = left.min(bytes.len());
        let stream = self.streams.get_mut(&id).ok_or(Error::NoHeader(id))?;
        self.partial_bytes += taken;
        if self.partial_bytes > MAX_PARTIAL_BYTES {
            return Err(Error::TooMuchPartial);
        }
        let partial = stream.partial.get_or_insert_with(|| BytesMut::with_capacity(stream.length.min(RESERVE)));
        partial.extend_from_slice(&bytes[..taken]);
        self.open = (taken < left).then_some((id, left - taken));
        let message = (partial.len() == stream.length).then(|| stream.finish());
        if let Some(message) = &message {
            self.partial_bytes -= message.payload.len();
        }
        Ok(Step { consumed: taken, message })
    }

    fn header(&mut self, bytes: &[u8]) -> Result<Step, Error> {
        const MORE: Step = Step { consumed: 0, message: None };
        let Some(basic) = BasicHeader::read(bytes) else { return Ok(MORE) };
        let id = basic.id;
        let known = self.streams.contains_key(&id);
        // librtmp and old servers begin some chunk streams with type 1: it lacks only the message stream, which is 0
        // then. Types 2 and 3 lack the length and type as well.
        if !known && basic.format >= 2 {
            return Err(Error::NoHeader(id));
        }
        let fields = MESSAGE_HEADER_BYTES[usize::from(basic.format)];
        let Some(fields) = bytes.get(basic.bytes..basic.bytes + fields) else { return Ok(MORE) };
        let mut at = basic.bytes + fields.len();

        if !known {
            if self.streams.len() == MAX_CHUNK_STREAMS {
                return Err(Error::TooManyStreams);
            }
            self.streams.insert(id, Stream::default());
        }
        let stream = self.streams.get_mut(&id).ok_or(Error::NoHeader(id))?;
        let continues = stream.partial.is_some();

        if basic.format == 3 {
            match stream.repeats_extended(&bytes[at..]) {
                Repeat::Unknown => return Ok(MORE),
                Repeat::Yes => at += 4,
                Repeat::No => {}
            }
            if !continues {
                stream.timestamp = stream.timestamp.wrapping_add(stream.delta);
            }
        } else {
            if continues {
                return Err(Error::Unfinished(id));
            }
            let short = u24(fields);
            let extended = if short == EXTENDED {
                let Some(value) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else { return Ok(MORE) };
                at += 4;
                Some(u32::from_be_bytes(*value))
            } else {
                None
            };
            stream.start(basic.format, fields, extended)?;
        }

        if stream.length == 0 {
            return Ok(Step { consumed: at, message: Some(stream.finish()) });
        }
        let done = stream.partial.as_ref().map_or(0, BytesMut::len);
        self.open = Some((id, self.chunk_size.min(stream.length - done)));
        Ok(Step { consumed: at, message: None })
    }

    fn obey(&mut self, message: &Message) -> Result<(), Error> {
        let value = || {
            let head = message.payload.first_chunk::<4>().ok_or(Error::ShortControl(message.payload.len()))?;
            Ok(u32::from_be_bytes(*head))
        };
        match message.kind {
            kind::SET_CHUNK_SIZE => match value()? {
                size @ (0 | 0x8000_0000..) => return Err(Error::BadChunkSize(size)),
                size => self.chunk_size = size.min(MAX_CHUNK_SIZE) as usize,
            },
            kind::ABORT => {
                // An unknown chunk stream, or one between messages, has nothing to abort.
                if let Some(partial) = self.streams.get_mut(&value()?).and_then(|stream| stream.partial.take()) {
                    self.partial_bytes -= partial.len();
                }
            }
            _ => {}
        }
        Ok(())
    }
}

const MESSAGE_HEADER_BYTES: [usize; 4] = [11, 7, 3, 0];

enum Repeat {
    Yes,
    No,
    /// Not enough bytes to tell.
    Unknown,
}

impl Stream {
    /// Whether a type-3 chunk, whose bytes behind the basic header are given, carries the extended timestamp again.
    /// The specification (5.3.1.3) says it does, and FFmpeg and Adobe's server do so; nginx-rtmp can be told either way,
    /// and others do not. Nobody announces which: so four bytes that equal the timestamp are the timestamp. Some
    /// repeat the field, which may be a delta, others the message's absolute time.
    fn repeats_extended(&self, bytes: &[u8]) -> Repeat {
        let Some(field) = self.extended else { return Repeat::No };
        let seen = &bytes[..bytes.len().min(4)];
        // A first byte that differs decides at once: a short last chunk must not wait for bytes of the next one.
        let matches = |value: u32| value.to_be_bytes().starts_with(seen);
        match matches(field) || matches(self.timestamp) {
            false => Repeat::No,
            true if seen.len() == 4 => Repeat::Yes,
            true => Repeat::Unknown,
        }
    }

    /// Takes a header of type 0, 1 or 2.
    fn start(&mut self, format: u8, fields: &[u8], extended: Option<u32>) -> Result<(), Error> {
        let time = extended.unwrap_or_else(|| u24(fields));
        self.extended = extended;
        // 5.3.1.2.4: a type-3 message after a type-0 one takes that one's timestamp as its delta.
        self.delta = time;
        self.timestamp = if format == 0 { time } else { self.timestamp.wrapping_add(time) };
        if let &[_, _, _, a, b, c, kind, ..] = fields {
            let length = u24(&[a, b, c]) as usize;
            if length > MAX_MESSAGE_BYTES {
                return Err(Error::MessageTooLong(length));
            }
            self.length = length;
            self.kind = kind;
        }
        if let Some(&[a, b, c, d]) = fields.get(7..11) {
            self.stream_id = u32::from_le_bytes([a, b, c, d]);
        }
        Ok(())
    }

    fn finish(&mut self) -> Message {
        Message {
            timestamp_ms: self.timestamp,
            kind: self.kind,
            stream_id: self.stream_id,
            payload: self.partial.take().map_or_else(Bytes::new, BytesMut::freeze),
        }
    }
}

struct BasicHeader {
    format: u8,
    id: u32,
    bytes: usize,
}

impl BasicHeader {
    fn read(bytes: &[u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let (id, bytes) = match first & 0x3f {
            0 => (64 + u32::from(*bytes.get(1)?), 2),
            1 => (64 + u32::from(*bytes.get(1)?) + 256 * u32::from(*bytes.get(2)?), 3),
            id => (u32::from(id), 1),
        };
        Some(Self { format: first >> 6, id, bytes })
    }
}

fn u24(bytes: &[u8]) -> u32 {
    bytes.iter().take(3).fold(0, |value, byte| value << 8 | u32::from(*byte))
}
