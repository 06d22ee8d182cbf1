//! Coded pictures that wait for the decoder: in order, bounded.

use super::demux::CodedPicture;
use std::collections::VecDeque;

/// More pictures never wait: 15 s at 60 a second.
const MOST: usize = 900;
/// Nor more bytes: 10 s of 1080p at 24 Mbit/s.
const MOST_BYTES: usize = 32 * 1024 * 1024;
/// With fewer in line, decoding them all is as quick as looking for a key frame.
const FEW: usize = 8;

/// The line before the decoder.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pictures: VecDeque<CodedPicture>,
    bytes: usize,
}

impl Backlog {
    /// Adds a picture; `false` if there is no room: the player is hopelessly behind.
    pub(super) fn push(&mut self, picture: CodedPicture) -> bool {
        let fits = self.pictures.len() < MOST && self.bytes + picture.data.len() <= MOST_BYTES;
        if fits {
            self.bytes += picture.data.len();
            self.pictures.push_back(picture);
        }
        fits
    }

    /// The next picture.
    pub(super) fn pop(&mut self) -> Option<CodedPicture> {
        let picture = self.pictures.pop_front()?;
        self.bytes -= picture.data.len();
        Some(picture)
    }

    /// Media time of the next picture.
    pub(super) fn next_us(&self) -> Option<i64> {
        self.pictures.front().map(|picture| picture.media_us)
    }

    pub(super) fn len(&self) -> usize {
        self.pictures.len()
    }

    pub(super) fn clear(&mut self) {
        self.pictures.clear();
        self.bytes = 0;
    }

    /// Leaves out all pictures before the newest key frame that is due: none of them would be shown. Returns how many those were.
    pub(super) fn skip_to_key(&mut self, is_due: impl Fn(i64) -> bool) -> usize {
        if self.pictures.len() < FEW {
            return 0;
        }
        let key = self.pictures.iter().rposition(|picture| picture.key && is_due(picture.media_us)).unwrap_or(0);
        for _ in 0..key {
            self.pop();
        }
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn picture(number: i64, key: bool, size: usize) -> CodedPicture {
        CodedPicture { media_us: number, key, data: Bytes::from(vec![0; size]) }
    }

    #[test]
    fn a_line_begins_at_the_newest_key_frame_that_is_due() {
        let mut line = Backlog::default();
        for number in 0..30 {
            assert!(line.push(picture(number, number % 10 == 0, 10)));
        }
        assert_eq!((line.skip_to_key(|at| at <= 25), line.next_us()), (20, Some(20)));
        assert_eq!((line.skip_to_key(|at| at <= 25), line.len()), (0, 10));
        while line.len() > 5 {
            line.pop();
        }
        assert_eq!(line.skip_to_key(|_| true), 0);
    }

    #[test]
    fn it_is_bounded_in_number_and_bytes() {
        let mut line = Backlog::default();
        assert_eq!((0..2_000).filter(|number| line.push(picture(*number, false, 1))).count(), MOST);
        line.clear();
        assert!(line.push(picture(0, true, MOST_BYTES)) && !line.push(picture(1, false, 1)));
        line.pop();
        assert!(line.push(picture(1, false, 1)));
    }
}
