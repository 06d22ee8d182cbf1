//! A message cut into chunks once, for all who get it.

use bytes::{BufMut, Bytes, BytesMut};

use super::{EXTENDED, Message};

/// Where other messages may come between the bytes of one that was [`framed`]: each such place begins a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cuts {
    first: usize,
    step: usize,
}

impl Cuts {
    /// Those of `message`, the bytes of a message in chunks of `chunk_size`.
    pub fn of(message: &[u8], chunk_size: u32) -> Self {
        let extended = if message.get(1..4) == Some(&[0xff; 3]) { 4 } else { 0 };
        let chunk = chunk_size.max(1) as usize;
        Self { first: 12 + extended + chunk, step: 1 + extended + chunk }
    }

    /// How many bytes after byte `from` of the message the next one is; it may lie behind the message's end.
    pub fn after(&self, from: usize) -> usize {
        match from {
            0 => 0,
            from if from <= self.first => self.first - from,
            from => (from - self.first).next_multiple_of(self.step) - (from - self.first),
        }
    }
}

/// The whole message as one piece, for chunk stream `id` (2 to 63). It builds on no message before it, so the same bytes serve every
/// connection whose chunks are `chunk_size` bytes long, whatever else was written to it.
pub fn framed(id: u8, message: &Message, chunk_size: u32) -> Bytes {
    debug_assert!((2..64).contains(&id));
    let chunk_size = chunk_size.max(1) as usize;
    let extended = (message.timestamp_ms >= EXTENDED).then_some(message.timestamp_ms);
    let further = message.payload.len().saturating_sub(1) / chunk_size;
    let mut bytes = BytesMut::with_capacity(16 + message.payload.len() + further * 5);
    bytes.put_u8(id);
    bytes.put_uint(u64::from(message.timestamp_ms.min(EXTENDED)), 3);
    bytes.put_uint(message.payload.len() as u64, 3);
    bytes.put_u8(message.kind);
    bytes.put_u32_le(message.stream_id);
    bytes.extend(extended.into_iter().flat_map(u32::to_be_bytes));
    for (index, chunk) in message.payload.chunks(chunk_size).enumerate() {
        if index > 0 {
            bytes.put_u8(0xc0 | id);
            bytes.extend(extended.into_iter().flat_map(u32::to_be_bytes));
        }
        bytes.put_slice(chunk);
    }
    bytes.freeze()
}
