//! The pictures since the newest key frame, while that is so young that another may not be asked for yet. A reader who comes in this time
//! catches up with them at once instead of waiting for the next one.

use std::time::Duration;

use crate::rtmp::{Packet, PacketKind, tag};

use super::limits;

/// A run of pictures that can be decoded, or nothing.
#[derive(Debug, Default)]
pub(super) struct Recent {
    pictures: Vec<Packet>,
    bytes: usize,
    since: Duration,
}

impl Recent {
    /// Keeps `packet` if it belongs to the run.
    pub fn note(&mut self, packet: &Packet, now: Duration) {
        if packet.kind != PacketKind::Video {
            return;
        }
        if tag::is_key_frame(&packet.payload) {
            *self = Self { pictures: Vec::new(), bytes: 0, since: now };
        } else if self.pictures.is_empty() {
            return;
        }
        self.bytes += packet.payload.len();
        self.pictures.push(packet.clone());
        let headers_changed = tag::is_video_sequence_header(&packet.payload);
        if headers_changed || self.bytes > limits::RECENT || self.is_old(now) {
            *self = Self::default();
        }
    }

    /// The run, if its key frame is young.
    pub fn pictures(&self, now: Duration) -> &[Packet] {
        if self.is_old(now) { &[] } else { &self.pictures }
    }

    fn is_old(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) > limits::KEY_FRAME_INTERVAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn video(first: u8, len: usize) -> Packet {
        let mut payload = vec![first, 1];
        payload.resize(len.max(5), 0);
        Packet { kind: PacketKind::Video, timestamp_ms: 0, payload: payload.into() }
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_run_begins_with_a_key_frame_and_is_forgotten_with_its_youth() {
        let (key, inter) = (video(0x17, 100), video(0x27, 50));
        let mut recent = Recent::default();
        recent.note(&inter, ms(0));
        assert_eq!(recent.pictures(ms(0)), []);
        recent.note(&key, ms(10));
        recent.note(&inter, ms(40));
        assert_eq!(recent.pictures(ms(1010)), [key.clone(), inter.clone()]);
        assert_eq!(recent.pictures(ms(1011)), []);
        recent.note(&inter, ms(1100));
        recent.note(&inter, ms(1130));
        assert_eq!(recent.pictures(ms(1130)), [], "a run without its beginning is none");
        recent.note(&key, ms(1200));
        recent.note(&key, ms(1300));
        assert_eq!(recent.pictures(ms(1300)), [key]);
    }

    #[test]
    fn a_run_is_limited_in_bytes() {
        let mut recent = Recent::default();
        recent.note(&video(0x17, 1000), ms(0));
        recent.note(&video(0x27, limits::RECENT), ms(1));
        assert_eq!(recent.pictures(ms(1)), []);
    }
}
