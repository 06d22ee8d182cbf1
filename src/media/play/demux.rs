//! From RTMP packets to what decoders take: codec configurations and access units with media times.

use crate::media::timing::{Unwrap, read_on_clock};
use crate::rtmp::tag::{Audio, AudioBody, AudioCodec, FrameKind, Video, VideoBody, VideoCodec};
use crate::rtmp::{Packet, PacketKind};
use bytes::Bytes;

/// One coded picture.
#[derive(Clone, Debug)]
pub(in crate::media) struct CodedPicture {
    /// When it is to be shown, on the stream's time line, in microseconds.
    pub(in crate::media) media_us: i64,
    /// Whether it can be decoded without those before it.
    pub(in crate::media) key: bool,
    /// As the codec's tag format has it.
    pub(in crate::media) data: Bytes,
}

/// What a packet means to a player.
#[derive(Clone, Debug)]
pub(in crate::media) enum Unit {
    /// How pictures are coded from here on.
    VideoConfig(VideoCodec, Bytes),
    /// A coded picture.
    Picture(VideoCodec, CodedPicture),
    /// How sound is coded from here on.
    AudioConfig(AudioCodec, Bytes),
    /// Coded sound and the media time of its first sample in microseconds.
    Sound(AudioCodec, i64, Bytes),
    /// The media time line's zero by the server's clock, in microseconds since the UNIX epoch.
    Clock(i64),
}

/// Reads the packets of one stream in order.
#[derive(Debug, Default)]
pub(in crate::media) struct Demux {
    unwrap: Unwrap,
}

impl Demux {
    /// What `packet` means; `None` for what a player has no use for, garbage included.
    pub(in crate::media) fn read(&mut self, packet: &Packet) -> Option<Unit> {
        match packet.kind {
            PacketKind::Data => read_on_clock(packet).map(Unit::Clock),
            PacketKind::Audio => {
                let audio = Audio::parse(&packet.payload).ok()?;
                match audio.body {
                    AudioBody::SequenceHeader(header) => Some(Unit::AudioConfig(audio.codec, header)),
                    AudioBody::Coded(data) => Some(Unit::Sound(audio.codec, self.media_us(packet), data)),
                    AudioBody::Other => None,
                }
            }
            PacketKind::Video => {
                let video = Video::parse(&packet.payload).ok()?;
                match video.body {
                    VideoBody::SequenceHeader(header) => Some(Unit::VideoConfig(video.codec, header)),
                    VideoBody::Coded { composition_ms, data } => {
                        let media_us = self.media_us(packet) + i64::from(composition_ms) * 1000;
                        Some(Unit::Picture(video.codec, CodedPicture { media_us, key: video.frame == FrameKind::Key, data }))
                    }
                    VideoBody::End | VideoBody::Other => None,
                }
            }
        }
    }

    fn media_us(&mut self, packet: &Packet) -> i64 {
        self.unwrap.next(packet.timestamp_ms).saturating_mul(1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::timing::on_clock;
    use crate::rtmp::tag;

    fn packet(kind: PacketKind, timestamp_ms: u32, payload: Bytes) -> Packet {
        Packet { kind, timestamp_ms, payload }
    }

    #[test]
    fn pictures_and_sound_share_a_time_line_that_goes_on_where_timestamps_wrap() {
        let mut demux = Demux::default();
        let sound = packet(PacketKind::Audio, u32::MAX - 9, tag::opus_frame(b"o"));
        let Some(Unit::Sound(AudioCodec::Opus, before, _)) = demux.read(&sound) else { panic!() };
        let picture = packet(PacketKind::Video, 10, tag::avc_frame(true, 40, b"p"));
        let Some(Unit::Picture(VideoCodec::Avc, after)) = demux.read(&picture) else { panic!() };
        assert_eq!((after.media_us - before, after.key), (60_000, true));
    }

    #[test]
    fn configurations_clock_and_garbage_are_told_apart() {
        let mut demux = Demux::default();
        let mut read = |kind, payload| demux.read(&packet(kind, 0, payload));
        assert!(matches!(read(PacketKind::Video, tag::avc_sequence_header(b"c")), Some(Unit::VideoConfig(VideoCodec::Avc, _))));
        assert!(matches!(read(PacketKind::Audio, tag::opus_sequence_header(b"h")), Some(Unit::AudioConfig(AudioCodec::Opus, _))));
        assert!(matches!(read(PacketKind::Data, on_clock(77, 0).payload), Some(Unit::Clock(77))));
        for kind in [PacketKind::Audio, PacketKind::Video, PacketKind::Data] {
            assert!(read(kind, Bytes::new()).is_none());
        }
    }
}
