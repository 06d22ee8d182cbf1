//! Video tags.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Error, Part, four_cc, skip_modifiers};

/// Which codec a video tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VideoCodec {
    /// H.264, classic (codec 7) or enhanced (`avc1`).
    Avc,
    /// H.265, enhanced (`hvc1`) or by the old private extension (codec 12).
    Hevc,
    /// AV1, enhanced (`av01`).
    Av1,
    /// Any other: a FourCC, or a classic codec number below 16.
    Other(u32),
}

/// What a picture depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FrameKind {
    /// Decodable by itself.
    Key,
    /// Needs earlier pictures.
    Inter,
    /// No picture: a command or information frame.
    Other,
}

/// What is in a video tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VideoBody {
    /// The decoder's configuration (for H.264 an `AVCDecoderConfigurationRecord`).
    SequenceHeader(Bytes),
    /// A picture.
    Coded {
        /// Presentation minus decoding time, milliseconds.
        composition_ms: i32,
        /// The picture as the codec stores it in MP4 (for H.264: NAL units with length prefixes).
        data: Bytes,
    },
    /// The sequence ends.
    End,
    /// Anything else: metadata, several tracks, commands.
    Other,
}

/// A video tag, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Video {
    /// The codec.
    pub codec: VideoCodec,
    /// Key frame or not. Sequence headers call themselves key frames.
    pub frame: FrameKind,
    /// The rest.
    pub body: VideoBody,
}

impl Video {
    /// Takes a message's body apart; pieces share the body's memory.
    pub fn parse(body: &Bytes) -> Result<Self, Error> {
        let Header { codec, frame, packet, at } = Header::read(body)?;
        let rest = || body.slice(at.min(body.len())..);
        let body = match packet {
            PacketType::SequenceStart => VideoBody::SequenceHeader(rest()),
            PacketType::Coded { composition_ms } => VideoBody::Coded { composition_ms, data: rest() },
            PacketType::SequenceEnd => VideoBody::End,
            PacketType::Other => VideoBody::Other,
        };
        Ok(Self { codec, frame, body })
    }
}

/// Whether a video message's body configures a decoder (and is no picture).
pub fn is_video_sequence_header(body: &[u8]) -> bool {
    Header::read(body).is_ok_and(|header| header.packet == PacketType::SequenceStart)
}

/// Whether a video message's body is a picture that a player can start with.
pub fn is_key_frame(body: &[u8]) -> bool {
    Header::read(body).is_ok_and(|header| header.frame == FrameKind::Key && matches!(header.packet, PacketType::Coded { .. }))
}

/// What a video message's body is.
pub fn video_part(body: &[u8]) -> Part {
    match Header::read(body) {
        Ok(Header { packet: PacketType::SequenceStart, .. }) => Part::Header,
        Ok(Header { packet: PacketType::Coded { .. }, at, .. }) if at <= body.len() => Part::Coded { at },
        _ => Part::Other,
    }
}

/// A classic H.264 sequence header of an `AVCDecoderConfigurationRecord`.
pub fn avc_sequence_header(record: &[u8]) -> Bytes {
    avc(FrameKind::Key, AVC_SEQUENCE_HEADER, 0, record)
}

/// A classic H.264 picture. `avcc_data` are NAL units, each behind its length. `composition_ms` (presentation minus
/// decoding time) has 24 bits on the wire.
pub fn avc_frame(key: bool, composition_ms: i32, avcc_data: &[u8]) -> Bytes {
    avc(if key { FrameKind::Key } else { FrameKind::Inter }, AVC_NALU, composition_ms, avcc_data)
}

const CODEC_AVC: u8 = 7;
const CODEC_HEVC: u8 = 12;
const AVC_SEQUENCE_HEADER: u8 = 0;
const AVC_NALU: u8 = 1;
const AVC_END: u8 = 2;

fn avc(frame: FrameKind, packet: u8, composition_ms: i32, data: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(5 + data.len());
    body.put_u8(if frame == FrameKind::Key { 0x10 } else { 0x20 } | CODEC_AVC);
    body.put_u8(packet);
    body.put_int(i64::from(composition_ms), 3);
    body.put_slice(data);
    body.freeze()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PacketType {
    SequenceStart,
    Coded { composition_ms: i32 },
    SequenceEnd,
    Other,
}

/// What stands before a tag's data, which starts `at`.
struct Header {
    codec: VideoCodec,
    frame: FrameKind,
    packet: PacketType,
    at: usize,
}

impl Header {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let first = *body.first().ok_or(Error::Truncated)?;
        let frame = match first >> 4 & 7 {
            1 | 4 => FrameKind::Key,
            2 | 3 => FrameKind::Inter,
            _ => FrameKind::Other,
        };
        if first & 0x80 == 0 { Self::classic(body, first & 0x0f, frame) } else { Self::enhanced(body, first & 0x0f, frame) }
    }

    fn classic(body: &[u8], codec_id: u8, frame: FrameKind) -> Result<Self, Error> {
        let codec = match codec_id {
            CODEC_AVC => VideoCodec::Avc,
            CODEC_HEVC => VideoCodec::Hevc,
            other => {
                let packet = if frame == FrameKind::Other { PacketType::Other } else { PacketType::Coded { composition_ms: 0 } };
                return Ok(Self { codec: VideoCodec::Other(u32::from(other)), frame, packet, at: 1 });
            }
        };
        if frame == FrameKind::Other {
            return Ok(Self { codec, frame, packet: PacketType::Other, at: body.len() });
        }
        let composition_ms = composition(body, 2)?;
        let packet = match body[1] {
            AVC_SEQUENCE_HEADER => PacketType::SequenceStart,
            AVC_NALU => PacketType::Coded { composition_ms },
            AVC_END => PacketType::SequenceEnd,
            _ => PacketType::Other,
        };
        Ok(Self { codec, frame, packet, at: 5 })
    }

    fn enhanced(body: &[u8], packet_type: u8, frame: FrameKind) -> Result<Self, Error> {
        let (packet_type, at) = skip_modifiers(body, packet_type, 1)?;
        let unknown = |codec| Self { codec, frame, packet: PacketType::Other, at: body.len() };
        // A command frame (seek start and end) has a byte of command instead of a codec; only metadata has both.
        if frame == FrameKind::Other && packet_type != METADATA || packet_type == MULTITRACK {
            return Ok(unknown(VideoCodec::Other(0)));
        }
        let codec = match &four_cc(body, at)?.to_be_bytes() {
            b"avc1" => VideoCodec::Avc,
            b"hvc1" => VideoCodec::Hevc,
            b"av01" => VideoCodec::Av1,
            other => VideoCodec::Other(u32::from_be_bytes(*other)),
        };
        let at = at + 4;
        let (packet, at) = match packet_type {
            SEQUENCE_START => (PacketType::SequenceStart, at),
            CODED_FRAMES if matches!(codec, VideoCodec::Avc | VideoCodec::Hevc | VideoCodec::Other(VVC1)) => {
                (PacketType::Coded { composition_ms: composition(body, at)? }, at + 3)
            }
            CODED_FRAMES | CODED_FRAMES_X => (PacketType::Coded { composition_ms: 0 }, at),
            SEQUENCE_END => (PacketType::SequenceEnd, at),
            _ => return Ok(unknown(codec)),
        };
        Ok(Self { codec, frame, packet, at })
    }
}

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const SEQUENCE_END: u8 = 2;
const CODED_FRAMES_X: u8 = 3;
const METADATA: u8 = 4;
const MULTITRACK: u8 = 6;
const VVC1: u32 = u32::from_be_bytes(*b"vvc1");

fn composition(body: &[u8], at: usize) -> Result<i32, Error> {
    let &[a, b, c] = body.get(at..).and_then(|rest| rest.first_chunk::<3>()).ok_or(Error::Truncated)?;
    Ok(i32::from_be_bytes([a, b, c, 0]) >> 8)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Video {
        Video::parse(&Bytes::copy_from_slice(bytes)).unwrap()
    }

    #[test]
    fn classic_tags_are_read_as_written() {
        let header = avc_sequence_header(b"record");
        assert_eq!(&header[..], b"\x17\0\0\0\0record");
        assert!(is_video_sequence_header(&header) && !is_key_frame(&header));
        assert_eq!(parse(&header).body, VideoBody::SequenceHeader(Bytes::from_static(b"record")));

        for (key, composition_ms) in [(true, 0), (false, 40), (false, -40), (true, 0x7f_ffff), (true, -0x80_0000)] {
            let tag = avc_frame(key, composition_ms, b"nal");
            assert_eq!(is_key_frame(&tag), key);
            assert!(!is_video_sequence_header(&tag));
            let Video { codec, frame, body } = parse(&tag);
            assert_eq!((codec, frame), (VideoCodec::Avc, if key { FrameKind::Key } else { FrameKind::Inter }));
            assert_eq!(body, VideoBody::Coded { composition_ms, data: Bytes::from_static(b"nal") });
        }
        assert_eq!(parse(&[0x17, 2, 0, 0, 0]).body, VideoBody::End);
    }

    #[test]
    fn enhanced_tags_are_recognised() {
        let start = parse(b"\x90hvc1config");
        assert_eq!((start.codec, start.frame), (VideoCodec::Hevc, FrameKind::Key));
        assert_eq!(start.body, VideoBody::SequenceHeader(Bytes::from_static(b"config")));
        assert!(is_video_sequence_header(b"\x90av01c"));

        // Coded frames: a composition time with avc1 and hvc1, none with av01, none in the X form.
        let coded = |composition_ms| VideoBody::Coded { composition_ms, data: Bytes::from_static(b"data") };
        assert_eq!(parse(b"\xa1avc1\xff\xff\xfedata").body, coded(-2));
        assert_eq!(parse(b"\xa1hvc1\0\0\x28data").body, coded(40));
        assert_eq!(parse(b"\xa1av01data").body, coded(0));
        assert_eq!(parse(b"\xa3hvc1data").body, coded(0));
        assert_eq!(parse(b"\x92av01").body, VideoBody::End);
        assert!(is_key_frame(b"\x91av01data") && is_key_frame(b"\x93hvc1data"));
        assert!(!is_key_frame(b"\xa1av01data"));
        assert_eq!(parse(b"\x90vp09c").codec, VideoCodec::Other(u32::from_be_bytes(*b"vp09")));
    }

    #[test]
    fn what_we_do_not_know_is_other() {
        assert_eq!(parse(b"\xd4hvc1colour").body, VideoBody::Other); // metadata
        assert_eq!(parse(b"\xd0\0").body, VideoBody::Other); // a seek command: no FourCC
        assert_eq!(parse(b"\x96\0hvc1\0data").body, VideoBody::Other); // several tracks
        assert_eq!(parse(b"\x9fhvc1data").body, VideoBody::Other); // a packet type to come
        assert_eq!(parse(b"\x57\0").body, VideoBody::Other); // a classic command frame
        assert_eq!(parse(b"\x12data").codec, VideoCodec::Other(2)); // Sorenson H.263
        assert!(is_key_frame(b"\x12data"));
    }

    #[test]
    fn modifiers_are_skipped() {
        // One modifier of 3 bytes (a nanosecond offset), then coded frames X.
        assert_eq!(parse(b"\xa7\x02\x01\x02\x03\x03hvc1data").body, parse(b"\xa3hvc1data").body);
        // Two modifiers; the second has the long form of its size.
        let mut two = b"\x97\x00\x55\x07\xff\x01\x00".to_vec();
        two.extend_from_slice(&[0; 257]);
        two.extend_from_slice(b"\x00av01config");
        assert_eq!(parse(&two).body, VideoBody::SequenceHeader(Bytes::from_static(b"config")));
        assert!(is_video_sequence_header(&two));
        assert_eq!(Video::parse(&Bytes::from_static(b"\x97\x02\x01")), Err(Error::Truncated));
    }

    #[test]
    fn short_bodies_are_errors_and_not_key_frames() {
        for short in [&b""[..], b"\x17", b"\x17\x01\0\0", b"\x90hvc", b"\x91hvc1\0\0"] {
            assert_eq!(Video::parse(&Bytes::copy_from_slice(short)), Err(Error::Truncated));
            assert!(!is_key_frame(short) && !is_video_sequence_header(short));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Video::parse(&Bytes::from(bytes));
        }
    }
}
