//! Bytes that wait to be written.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// Payload pieces shorter than this are copied behind their headers: two more pieces in a vectored write and a
/// reference count cost about as much as the copy. An Opus frame is below it, nearly every picture above.
const COPY_BELOW: usize = 256;

/// Headers of many messages share one allocation of this size.
const BLOCK: usize = 4096;

/// Bytes in the order they are to be written: small ones gathered, long payloads as they are, shared.
#[derive(Debug, Default)]
pub struct Output {
    pieces: VecDeque<Bytes>,
    gathered: BytesMut,
    waiting: usize,
}

impl Output {
    /// Appends bytes by copying.
    pub fn copy(&mut self, bytes: &[u8]) {
        if self.gathered.capacity() - self.gathered.len() < bytes.len() {
            self.flush();
            self.gathered.reserve(BLOCK.max(bytes.len()));
        }
        self.gathered.extend_from_slice(bytes);
        self.waiting += bytes.len();
    }

    /// Appends bytes by sharing them, unless they are few.
    pub fn share(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW {
            self.copy(&bytes);
        } else {
            self.flush();
            self.waiting += bytes.len();
            self.pieces.push_back(bytes);
        }
    }

    /// The next piece.
    pub fn pop(&mut self) -> Option<Bytes> {
        if self.pieces.is_empty() {
            self.flush();
        }
        let piece = self.pieces.pop_front()?;
        self.waiting -= piece.len();
        Some(piece)
    }

    /// How many bytes wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            self.pieces.push_back(self.gathered.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_long_pieces_are_not_copied() {
        let long = Bytes::from(vec![7; COPY_BELOW]);
        let mut output = Output::default();
        output.copy(b"one");
        output.share(Bytes::from_static(b"two"));
        output.share(long.clone());
        output.copy(b"three");
        assert_eq!(output.waiting(), 11 + COPY_BELOW);
        assert_eq!(output.pop().unwrap(), "onetwo");
        assert_eq!(output.pop().unwrap().as_ptr(), long.as_ptr());
        assert_eq!(output.pop().unwrap(), "three");
        assert_eq!(output.pop(), None);
        assert_eq!(output.waiting(), 0);
    }

    #[test]
    fn more_than_a_block_is_gathered() {
        let mut output = Output::default();
        for _ in 0..100 {
            output.copy(&[1; 200]);
        }
        let whole: usize = std::iter::from_fn(|| output.pop()).map(|piece| piece.len()).sum();
        assert_eq!(whole, 20_000);
    }
}
