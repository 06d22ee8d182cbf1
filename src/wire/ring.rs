//! The packets that wait for one receiver: bounded in bytes and in age. What comes too late is dropped, a whole run of pictures
//! up to the next key frame, so that what is left can still be decoded; sound is kept as long as it is of any use.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rtmp::tag::{self, FrameKind, Video, VideoBody};
use crate::rtmp::{Packet, PacketKind};

/// Packets in one ring, whatever their size: a second of a call has about 130.
const MAX_PACKETS: usize = 2048;

/// A ring that has been emptied keeps no more room than this: most stay empty for ever.
const KEPT_CAPACITY: usize = 64;

/// How much a [`Ring`] may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all payloads together.
    pub bytes: usize,
    /// How long a picture may wait.
    pub span: Duration,
    /// How long sound and data may wait.
    pub sound_span: Duration,
}

/// What was dropped so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Pictures.
    pub video: u64,
    /// Sound packets.
    pub audio: u64,
    /// Data messages and codec headers.
    pub data: u64,
}

impl Dropped {
    fn count(&mut self, class: Class) {
        match class {
            Class::KeyFrame | Class::Picture => self.video += 1,
            Class::Sound => self.audio += 1,
            Class::VideoHeader | Class::SoundHeader | Class::Message | Class::Data => self.data += 1,
        }
    }
}

impl std::ops::AddAssign for Dropped {
    fn add_assign(&mut self, other: Self) {
        self.video += other.video;
        self.audio += other.audio;
        self.data += other.data;
    }
}

/// Whether pictures may pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pictures {
    Flowing,
    /// Nothing before the next key frame can be decoded. Pictures held back at the beginning are not losses; later ones are.
    AwaitingKey {
        counted: bool,
    },
}

/// What a packet is to those who may have to drop it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// A picture that can be decoded alone.
    KeyFrame,
    /// A picture that needs those before it.
    Picture,
    /// A codec's configuration for pictures.
    VideoHeader,
    /// Sound.
    Sound,
    /// A codec's configuration for sound.
    SoundHeader,
    /// Metadata, clock, cues.
    Message,
    /// Pictures of which no more is known.
    Data,
}

impl Class {
    /// The class of `packet`.
    pub fn of(packet: &Packet) -> Self {
        match packet.kind {
            PacketKind::Video => match tag::Video::parse(&packet.payload) {
                Ok(Video { body: VideoBody::SequenceHeader(_), .. }) => Self::VideoHeader,
                Ok(Video { body: VideoBody::Coded { .. }, frame: FrameKind::Key, .. }) => Self::KeyFrame,
                Ok(Video { body: VideoBody::Coded { .. }, .. }) => Self::Picture,
                // Not known to depend on a key frame (commands, several tracks, what is yet to be invented): passes.
                _ => Self::Data,
            },
            PacketKind::Audio if tag::is_audio_sequence_header(&packet.payload) => Self::SoundHeader,
            PacketKind::Audio => Self::Sound,
            PacketKind::Data => Self::Message,
        }
    }

    fn is_coded_video(self) -> bool {
        matches!(self, Self::KeyFrame | Self::Picture)
    }

    /// Whether it may pass pictures: sound, what sound needs, and messages about the stream are few bytes that do not wait.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::Sound | Self::SoundHeader | Self::Message)
    }

    fn is_header(self) -> bool {
        matches!(self, Self::VideoHeader | Self::SoundHeader)
    }
}

/// What can wait in a [`Ring`].
pub trait Item {
    /// What it is.
    fn class(&self) -> Class;

    /// Bytes that it keeps in memory.
    fn bytes(&self) -> usize;
}

impl Item for Packet {
    fn class(&self) -> Class {
        Class::of(self)
    }

    fn bytes(&self) -> usize {
        self.payload.len()
    }
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    class: Class,
    arrived: Duration,
}

/// A bounded queue of media packets for one receiver; pure bookkeeping, no waiting.
#[derive(Debug)]
pub struct Ring<T = Packet> {
    entries: VecDeque<Entry<T>>,
    bytes: usize,
    limits: Limits,
    pictures: Pictures,
    dropped: Dropped,
}

impl<T: Item> Ring<T> {
    /// An empty ring whose first picture will be a key frame.
    pub fn new(limits: Limits) -> Self {
        let pictures = Pictures::AwaitingKey { counted: false };
        Self { entries: VecDeque::new(), bytes: 0, limits, pictures, dropped: Dropped::default() }
    }

    /// Appends a packet and drops what is over the limits.
    pub fn push(&mut self, item: T, now: Duration) {
        if self.admit(item.class(), true) {
            self.store(item, now);
        }
    }

    /// Whether a packet of this class may be given to the receiver, after all that waits. One that may not counts as dropped. After a loss
    /// pictures go on with a key frame, if they may `resume`.
    pub fn admit(&mut self, class: Class, resume: bool) -> bool {
        match (class, self.pictures) {
            (Class::KeyFrame, Pictures::AwaitingKey { counted: true }) if !resume => {}
            (Class::KeyFrame, _) => {
                self.pictures = Pictures::Flowing;
                return true;
            }
            (Class::Picture, Pictures::AwaitingKey { counted: true }) => {}
            (Class::Picture, Pictures::AwaitingKey { counted: false }) => return false,
            _ => return true,
        }
        self.dropped.video += 1;
        false
    }

    /// Appends an admitted packet and drops what is over the limits.
    pub fn store(&mut self, item: T, now: Duration) {
        let class = item.class();
        if class.is_header() {
            // A newer codec header makes one of the same kind pointless if nothing that needs it is between them.
            self.remove_superseded(class);
        }
        self.bytes += item.bytes();
        self.entries.push_back(Entry { item, class, arrived: now });
        self.enforce(now);
    }

    /// The oldest packet and when it came in.
    pub fn pop(&mut self) -> Option<(T, Duration)> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.item.bytes();
        if self.entries.is_empty() && self.entries.capacity() > KEPT_CAPACITY {
            self.entries = VecDeque::new();
        }
        Some((entry.item, entry.arrived))
    }

    /// The oldest packet that does not wait for pictures, and when it came in, if it comes first or has only pictures before it.
    pub fn pop_urgent(&mut self) -> Option<(T, Duration)> {
        let front = self.entries.front()?.class;
        if !front.is_coded_video() && !front.is_urgent() {
            return None;
        }
        let at = self.entries.iter().position(|entry| entry.class.is_urgent())?;
        let entry = self.entries.remove(at)?;
        self.bytes -= entry.item.bytes();
        Some((entry.item, entry.arrived))
    }

    /// Whether pictures are held back because earlier ones were lost, and not because none has come yet.
    pub fn has_fallen_behind(&self) -> bool {
        self.pictures == Pictures::AwaitingKey { counted: true }
    }

    /// Drops all that has waited longer than a picture may, sound too: for a receiver that only now begins.
    pub fn freshen(&mut self, now: Duration) {
        self.enforce(now);
        let span = self.limits.span;
        self.drop_where(|entry| entry.class == Class::Sound && now.saturating_sub(entry.arrived) > span);
    }

    /// The stream begins anew (another publisher): what waits is left, the next picture will be a key frame.
    pub fn restart(&mut self) {
        self.pictures = Pictures::AwaitingKey { counted: false };
    }

    /// Whether pictures are held back until a key frame comes.
    pub fn awaits_key_frame(&self) -> bool {
        self.pictures != Pictures::Flowing
    }

    /// Bytes of all payloads that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Packets that wait.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// When the oldest waiting packet came in.
    pub fn oldest(&self) -> Option<Duration> {
        self.entries.front().map(|entry| entry.arrived)
    }

    /// What was dropped so far.
    pub fn dropped(&self) -> Dropped {
        self.dropped
    }

    fn enforce(&mut self, now: Duration) {
        let Limits { span, sound_span, .. } = self.limits;
        let late = self.entries.iter().find(|e| e.class.is_coded_video()).is_some_and(|e| now.saturating_sub(e.arrived) > span);
        if late {
            self.skip_pictures(now);
        }
        // The second time there is no earlier picture left to drop, and all go.
        while self.is_over() && self.entries.iter().any(|e| e.class.is_coded_video()) {
            self.skip_pictures(now);
        }
        if self.entries.front().is_some_and(|e| now.saturating_sub(e.arrived) > sound_span) {
            self.drop_where(|e| !e.class.is_coded_video() && !e.class.is_header() && now.saturating_sub(e.arrived) > sound_span);
        }
        while self.is_over() {
            // Sound and data alone are over the limits: the oldest goes first.
            let Some(entry) = self.entries.pop_front() else { break };
            self.bytes -= entry.item.bytes();
            self.dropped.count(entry.class);
        }
    }

    fn is_over(&self) -> bool {
        self.bytes > self.limits.bytes || self.entries.len() > MAX_PACKETS
    }

    /// Drops pictures: those before the newest key frame if that one is still in time, else all.
    fn skip_pictures(&mut self, now: Duration) {
        let newest_key = self.entries.iter().rposition(|e| e.class == Class::KeyFrame);
        let resume = newest_key.filter(|&at| {
            let in_time = now.saturating_sub(self.entries[at].arrived) <= self.limits.span;
            let earlier = self.entries.iter().take(at).any(|e| e.class.is_coded_video());
            in_time && earlier
        });
        let until = resume.unwrap_or(self.entries.len());
        let mut at = 0;
        self.drop_where(|e| {
            at += 1;
            at <= until && e.class.is_coded_video()
        });
        if resume.is_none() {
            self.pictures = Pictures::AwaitingKey { counted: true };
        }
    }

    /// Takes out the codec header of the kind that came last, if nothing that needs it has come since.
    fn remove_superseded(&mut self, class: Class) {
        let of_this_kind = |e: &Entry<T>| match class {
            Class::VideoHeader => e.class == class || e.class.is_coded_video(),
            _ => e.class == class || e.class == Class::Sound,
        };
        let last = self.entries.iter().rposition(of_this_kind);
        if let Some(at) = last.filter(|&at| self.entries[at].class == class)
            && let Some(entry) = self.entries.remove(at)
        {
            self.bytes -= entry.item.bytes();
        }
    }

    fn drop_where(&mut self, mut lost: impl FnMut(&Entry<T>) -> bool) {
        let (bytes, dropped) = (&mut self.bytes, &mut self.dropped);
        self.entries.retain(|entry| {
            let gone = lost(entry);
            if gone {
                *bytes -= entry.item.bytes();
                dropped.count(entry.class);
            }
            !gone
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const LIMITS: Limits = Limits { bytes: 10_000, span: ms(300), sound_span: ms(1000) };

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn packet(kind: PacketKind, timestamp_ms: u32, payload: Bytes) -> Packet {
        Packet { kind, timestamp_ms, payload }
    }

    fn key(at: u32) -> Packet {
        packet(PacketKind::Video, at, tag::avc_frame(true, 0, &[0; 95]))
    }

    fn inter(at: u32) -> Packet {
        packet(PacketKind::Video, at, tag::avc_frame(false, 0, &[0; 95]))
    }

    fn sound(at: u32) -> Packet {
        packet(PacketKind::Audio, at, tag::opus_frame(&[0; 20]))
    }

    fn header(record: &[u8]) -> Packet {
        packet(PacketKind::Video, 0, tag::avc_sequence_header(record))
    }

    fn drain(ring: &mut Ring) -> Vec<Packet> {
        std::iter::from_fn(|| ring.pop().map(|(packet, _)| packet)).collect()
    }

    #[test]
    fn sound_passes_at_once_and_pictures_from_the_first_key_frame() {
        let mut ring = Ring::new(LIMITS);
        for packet in [inter(0), sound(1), header(b"c"), inter(2), key(3), inter(4), sound(5)] {
            ring.push(packet, ms(0));
        }
        assert!(!ring.awaits_key_frame());
        assert_eq!(drain(&mut ring), [sound(1), header(b"c"), key(3), inter(4), sound(5)]);
        assert_eq!((ring.bytes(), ring.dropped()), (0, Dropped::default()));
    }

    #[test]
    fn a_receiver_that_falls_behind_loses_pictures_up_to_the_next_key_frame_but_no_sound() {
        let mut ring = Ring::new(LIMITS);
        ring.push(header(b"c"), ms(0));
        ring.push(key(0), ms(0));
        for t in (10..=300).step_by(10) {
            ring.push(if t % 20 == 0 { inter(t) } else { sound(t) }, ms(t.into()));
        }
        assert!(!ring.awaits_key_frame());
        ring.push(inter(301), ms(301));
        assert!(ring.awaits_key_frame());
        assert_eq!(ring.dropped(), Dropped { video: 17, ..Dropped::default() });
        ring.push(inter(302), ms(302));
        ring.push(key(303), ms(303));
        ring.push(inter(304), ms(304));
        let rest = drain(&mut ring);
        assert_eq!(rest.iter().filter(|p| p.kind == PacketKind::Audio).count(), 15);
        let video: Vec<_> = rest.into_iter().filter(|p| p.kind == PacketKind::Video).collect();
        assert_eq!(video, [header(b"c"), key(303), inter(304)]);
        assert_eq!(ring.dropped().video, 18);
    }

    #[test]
    fn a_key_frame_that_waits_in_time_is_where_it_goes_on() {
        let mut ring = Ring::new(LIMITS);
        for (packet, at) in [(key(0), 0), (inter(100), 100), (key(200), 200), (inter(250), 250), (inter(301), 301)] {
            ring.push(packet, ms(at));
        }
        assert!(!ring.awaits_key_frame());
        assert_eq!(drain(&mut ring), [key(200), inter(250), inter(301)]);
        assert_eq!(ring.dropped().video, 2);
    }

    #[test]
    fn bytes_and_packets_are_bounded_whatever_comes() {
        let mut ring = Ring::new(LIMITS);
        ring.push(key(0), ms(0));
        for t in 0..200 {
            ring.push(inter(t), ms(0));
            assert!(ring.bytes() <= LIMITS.bytes);
        }
        assert!(ring.awaits_key_frame() && ring.dropped().video > 100);
        for t in 0..10_000 {
            ring.push(packet(PacketKind::Data, t, Bytes::from_static(b"x")), ms(0));
            ring.push(packet(PacketKind::Audio, t, Bytes::new()), ms(0));
            assert!(ring.bytes() <= LIMITS.bytes && ring.len() <= MAX_PACKETS);
        }
        ring.push(packet(PacketKind::Video, 0, tag::avc_frame(true, 0, &[0; 20_000])), ms(0));
        assert!(ring.bytes() <= LIMITS.bytes && ring.awaits_key_frame());
        for t in 0..1000 {
            ring.push(header(&[0; 5000]), ms(t));
            ring.push(packet(PacketKind::Audio, 0, tag::opus_sequence_header(&[0; 5000])), ms(t));
            assert!(ring.bytes() <= LIMITS.bytes + 10_100, "{}", ring.bytes());
        }
    }

    #[test]
    fn what_is_urgent_passes_pictures_and_nothing_else() {
        let mut ring = Ring::new(LIMITS);
        let message = packet(PacketKind::Data, 6, Bytes::from_static(b"x"));
        for packet in [header(b"c"), sound(1), key(2), inter(3), sound(4), header(b"d"), sound(5), message.clone(), inter(7)] {
            ring.push(packet, ms(0));
        }
        assert_eq!(ring.pop_urgent(), None, "the header comes first");
        assert_eq!(ring.pop().unwrap().0, header(b"c"));
        let urgent: Vec<Packet> = std::iter::from_fn(|| ring.pop_urgent()).map(|(packet, _)| packet).collect();
        assert_eq!(urgent, [sound(1), sound(4), sound(5), message]);
        assert_eq!(drain(&mut ring), [key(2), inter(3), header(b"d"), inter(7)]);
        assert_eq!(ring.bytes(), 0);
    }

    #[test]
    fn sound_that_nobody_wants_any_more_goes_too() {
        let mut ring = Ring::new(LIMITS);
        for t in (0..=1500).step_by(20) {
            ring.push(sound(t), ms(t.into()));
        }
        assert_eq!((ring.dropped().audio, ring.oldest()), (25, Some(ms(500))));
        ring.freshen(ms(1500));
        assert_eq!((ring.dropped().audio, ring.oldest()), (60, Some(ms(1200))));
    }

    #[test]
    fn only_the_newest_header_waits() {
        let mut ring = Ring::new(LIMITS);
        for packet in [header(b"a"), header(b"b"), key(0), header(b"c"), sound(1), header(b"d")] {
            ring.push(packet, ms(0));
        }
        assert_eq!(drain(&mut ring), [header(b"b"), key(0), sound(1), header(b"d")]);
        assert_eq!(ring.dropped(), Dropped::default());
    }

    #[test]
    fn unknown_codecs_and_broken_tags_pass_untouched() {
        let mut ring = Ring::new(LIMITS);
        let strange = [&b"\x96\0hvc1\0several tracks"[..], b"\x57\0", b"", b"\x17"].map(Bytes::from_static);
        for payload in strange.clone() {
            ring.push(packet(PacketKind::Video, 7, payload), ms(0));
        }
        assert_eq!(drain(&mut ring).into_iter().map(|p| p.payload).collect::<Vec<_>>(), strange);
        ring.push(packet(PacketKind::Video, 8, Bytes::from_static(b"\xa1abcdinter")), ms(0));
        ring.push(packet(PacketKind::Video, 9, Bytes::from_static(b"\x91abcdkey")), ms(0));
        assert_eq!(drain(&mut ring).len(), 1);
    }
}
