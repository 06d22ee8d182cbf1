//! The pictures since the newest key frame, for readers who come in their middle: they catch up with them at once instead of waiting for the
//! next key frame. In a call only for a second, in which the encoder would make no other key frame: when a publisher comes back after an outage,
//! its readers come at the same moment, some before its first key frame and some just after.

use std::sync::Arc;
use std::time::Duration;

use crate::wire::ring::Class;

use super::limits;
use super::parcel::Parcel;

/// A run of pictures that can be decoded, or nothing.
#[derive(Debug)]
pub(super) struct Recent {
    pictures: Vec<Arc<Parcel>>,
    bytes: usize,
    since: Duration,
    max_bytes: usize,
    max_age: Duration,
}

impl Default for Recent {
    /// That of a call.
    fn default() -> Self {
        Self::of(false)
    }
}

impl Recent {
    /// An empty one of a live stream or of a call.
    pub fn of(live: bool) -> Self {
        let (max_bytes, max_age) =
            if live { (limits::GROUP, limits::GROUP_SPAN) } else { (limits::RECENT, limits::KEY_FRAME_INTERVAL) };
        Self { pictures: Vec::new(), bytes: 0, since: Duration::ZERO, max_bytes, max_age }
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        (self.pictures, self.bytes) = (Vec::new(), 0);
    }

    /// Keeps `parcel` if it belongs to the run.
    pub fn note(&mut self, parcel: &Arc<Parcel>, now: Duration) {
        match parcel.class {
            Class::KeyFrame => {
                self.clear();
                self.since = now;
            }
            // What depends on a key frame that is not there, or on an older header, is of no use.
            Class::VideoHeader => return self.clear(),
            Class::Picture if !self.pictures.is_empty() => {}
            _ => return,
        }
        self.bytes += parcel.packet.payload.len();
        self.pictures.push(parcel.clone());
        if self.bytes > self.max_bytes || self.is_old(now) {
            self.clear();
        }
    }

    /// The run, if its key frame is young.
    pub fn pictures(&self, now: Duration) -> &[Arc<Parcel>] {
        if self.is_old(now) { &[] } else { &self.pictures }
    }

    fn is_old(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) > self.max_age
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtmp::{Packet, PacketKind};

    fn video(first: u8, len: usize) -> Arc<Parcel> {
        let mut payload = vec![first, 1];
        payload.resize(len.max(5), 0);
        Parcel::new(Packet { kind: PacketKind::Video, timestamp_ms: 0, payload: payload.into() }).unwrap()
    }

    fn kept(recent: &Recent, at: Duration) -> Vec<usize> {
        recent.pictures(at).iter().map(|parcel| parcel.packet.payload.len()).collect()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_run_begins_with_a_key_frame_and_is_forgotten_with_its_youth() {
        let (key, inter) = (video(0x17, 100), video(0x27, 50));
        let mut recent = Recent::default();
        recent.note(&inter, ms(0));
        assert_eq!(kept(&recent, ms(0)), [0; 0]);
        recent.note(&key, ms(10));
        recent.note(&inter, ms(40));
        assert_eq!(kept(&recent, ms(1010)), [100, 50]);
        assert_eq!(kept(&recent, ms(1011)), [0; 0]);
        recent.note(&inter, ms(1100));
        recent.note(&inter, ms(1130));
        assert_eq!(kept(&recent, ms(1130)), [0; 0], "a run without its beginning is none");
        recent.note(&key, ms(1200));
        recent.note(&key, ms(1300));
        assert_eq!(kept(&recent, ms(1300)), [100]);
    }

    #[test]
    fn a_run_of_a_live_stream_is_the_whole_group() {
        let mut recent = Recent::of(true);
        recent.note(&video(0x17, 100), ms(0));
        (1..=300).for_each(|i| recent.note(&video(0x27, 50), ms(i * 33)));
        assert_eq!(kept(&recent, ms(9_900)).len(), 301);
        assert_eq!(kept(&recent, ms(10_001)), [0; 0]);
    }

    #[test]
    fn a_run_is_limited_in_bytes() {
        for live in [false, true] {
            let mut recent = Recent::of(live);
            recent.note(&video(0x17, 1000), ms(0));
            (0..=if live { 32 } else { 1 }).for_each(|_| recent.note(&video(0x27, limits::RECENT), ms(1)));
            assert_eq!(kept(&recent, ms(1)), [0; 0]);
        }
    }
}
