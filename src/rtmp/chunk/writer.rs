//! Messages in, chunks out.

use bytes::Bytes;

use super::{DEFAULT_CHUNK_SIZE, EXTENDED, MAX_CHUNK_SIZE, Message, Output};

/// Cuts messages into chunks.
///
/// Writes headers of type 0 and 1, and 3 inside a message; the few bytes that types 2 and 3 would save between messages
/// are not worth the places where implementations read them differently.
#[derive(Debug)]
pub struct Writer {
    chunk_size: usize,
    /// The last message's header per chunk stream. Only the few fixed chunk streams of ours occur here.
    last: Vec<(u8, Header)>,
}

#[derive(Clone, Copy, Debug)]
struct Header {
    timestamp_ms: u32,
    stream_id: u32,
}

impl Default for Writer {
    fn default() -> Self {
        Self { chunk_size: DEFAULT_CHUNK_SIZE, last: Vec::with_capacity(8) }
    }
}

impl Writer {
    /// Changes the size of chunks from the next message on. The caller has told the peer.
    pub fn set_chunk_size(&mut self, size: u32) {
        self.chunk_size = size.clamp(1, MAX_CHUNK_SIZE) as usize;
    }

    /// Writes a message to chunk stream `id` (2 to 63).
    pub fn write(&mut self, id: u8, message: &Message, output: &mut Output) {
        debug_assert!((2..64).contains(&id));
        let length = message.payload.len() as u32;
        let delta = self.delta(id, message);
        let field = delta.unwrap_or(message.timestamp_ms);
        let extended = (field >= EXTENDED).then(|| field.to_be_bytes());

        let mut header = [0; 16];
        header[0] = id | if delta.is_some() { 0x40 } else { 0 };
        header[1..4].copy_from_slice(&field.min(EXTENDED).to_be_bytes()[1..]);
        header[4..7].copy_from_slice(&length.to_be_bytes()[1..]);
        header[7] = message.kind;
        header[8..12].copy_from_slice(&message.stream_id.to_le_bytes());
        let mut end = if delta.is_some() { 8 } else { 12 };
        if let Some(extended) = &extended {
            header[end..end + 4].copy_from_slice(extended);
            end += 4;
        }
        output.copy(&header[..end]);

        let mut rest: Bytes = message.payload.clone();
        loop {
            output.share(rest.split_to(rest.len().min(self.chunk_size)));
            if rest.is_empty() {
                break;
            }
            output.copy(&[0xc0 | id]);
            if let Some(extended) = &extended {
                output.copy(extended);
            }
        }
    }

    /// The time since the last message of the chunk stream if a type-1 header can say it: same message stream, and not
    /// backwards (more than half the circle). Remembers the message.
    fn delta(&mut self, id: u8, message: &Message) -> Option<u32> {
        let now = Header { timestamp_ms: message.timestamp_ms, stream_id: message.stream_id };
        let Some((_, last)) = self.last.iter_mut().find(|(known, _)| *known == id) else {
            self.last.push((id, now));
            return None;
        };
        let before = std::mem::replace(last, now);
        let delta = now.timestamp_ms.wrapping_sub(before.timestamp_ms);
        // A delta that would need the extended field is said as a type-0 timestamp: receivers disagree less on those.
        (before.stream_id == now.stream_id && delta < EXTENDED).then_some(delta)
    }
}
