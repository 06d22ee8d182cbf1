//! Audio tags.

use bytes::{BufMut, Bytes, BytesMut};

use super::{Error, Part, four_cc, skip_modifiers};

/// Which codec an audio tag carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AudioCodec {
    /// AAC, classic (format 10) or enhanced (`mp4a`).
    Aac,
    /// Opus, enhanced (`Opus`).
    Opus,
    /// MP3, classic (formats 2 and 14) or enhanced (`.mp3`).
    Mp3,
    /// Any other: a FourCC, or a classic format number below 16.
    Other(u32),
}

/// What is in an audio tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudioBody {
    /// The decoder's configuration (AAC: `AudioSpecificConfig`; Opus: `OpusHead`, RFC 7845, 5.1).
    SequenceHeader(Bytes),
    /// A frame of sound.
    Coded(Bytes),
    /// Anything else: the end, a channel layout, several tracks.
    Other,
}

/// An audio tag, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audio {
    /// The codec.
    pub codec: AudioCodec,
    /// The rest.
    pub body: AudioBody,
}

impl Audio {
    /// Takes a message's body apart; pieces share the body's memory.
    pub fn parse(body: &Bytes) -> Result<Self, Error> {
        let Header { codec, packet, at } = Header::read(body)?;
        let rest = || body.slice(at.min(body.len())..);
        let body = match packet {
            PacketType::SequenceStart => AudioBody::SequenceHeader(rest()),
            PacketType::Coded => AudioBody::Coded(rest()),
            PacketType::Other => AudioBody::Other,
        };
        Ok(Self { codec, body })
    }
}

/// Whether an audio message's body configures a decoder (and is no sound).
pub fn is_audio_sequence_header(body: &[u8]) -> bool {
    Header::read(body).is_ok_and(|header| header.packet == PacketType::SequenceStart)
}

/// What an audio message's body is.
pub fn audio_part(body: &[u8]) -> Part {
    match Header::read(body) {
        Ok(Header { packet: PacketType::SequenceStart, .. }) => Part::Header,
        Ok(Header { packet: PacketType::Coded, at, .. }) if at <= body.len() => Part::Coded { at },
        _ => Part::Other,
    }
}

/// A classic AAC sequence header of an `AudioSpecificConfig`.
pub fn aac_sequence_header(config: &[u8]) -> Bytes {
    tag(&[AAC_FIRST_BYTE, 0], config)
}

/// A classic AAC frame (raw, without ADTS header).
pub fn aac_frame(data: &[u8]) -> Bytes {
    tag(&[AAC_FIRST_BYTE, 1], data)
}

/// An enhanced Opus sequence header of an `OpusHead` (RFC 7845, 5.1, with its magic signature).
pub fn opus_sequence_header(head: &[u8]) -> Bytes {
    tag(b"\x90Opus", head)
}

/// An enhanced Opus packet.
pub fn opus_frame(packet: &[u8]) -> Bytes {
    tag(b"\x91Opus", packet)
}

/// AAC; rate, size and channels are fixed by the standard whatever the stream's own are.
const AAC_FIRST_BYTE: u8 = 0xaf;

fn tag(header: &[u8], data: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(header.len() + data.len());
    body.put_slice(header);
    body.put_slice(data);
    body.freeze()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PacketType {
    SequenceStart,
    Coded,
    Other,
}

/// What stands before a tag's data, which starts `at`.
struct Header {
    codec: AudioCodec,
    packet: PacketType,
    at: usize,
}

impl Header {
    fn read(body: &[u8]) -> Result<Self, Error> {
        let first = *body.first().ok_or(Error::Truncated)?;
        match first >> 4 {
            2 | 14 => Ok(Self { codec: AudioCodec::Mp3, packet: PacketType::Coded, at: 1 }),
            9 => Self::enhanced(body, first & 0x0f),
            10 => {
                let packet = match *body.get(1).ok_or(Error::Truncated)? {
                    0 => PacketType::SequenceStart,
                    1 => PacketType::Coded,
                    _ => PacketType::Other,
                };
                Ok(Self { codec: AudioCodec::Aac, packet, at: 2 })
            }
            other => Ok(Self { codec: AudioCodec::Other(u32::from(other)), packet: PacketType::Coded, at: 1 }),
        }
    }

    fn enhanced(body: &[u8], packet_type: u8) -> Result<Self, Error> {
        let (packet_type, at) = skip_modifiers(body, packet_type, 1)?;
        if packet_type == MULTITRACK {
            return Ok(Self { codec: AudioCodec::Other(0), packet: PacketType::Other, at: body.len() });
        }
        let codec = match &four_cc(body, at)?.to_be_bytes() {
            b"Opus" => AudioCodec::Opus,
            b"mp4a" => AudioCodec::Aac,
            b".mp3" => AudioCodec::Mp3,
            other => AudioCodec::Other(u32::from_be_bytes(*other)),
        };
        let packet = match packet_type {
            SEQUENCE_START => PacketType::SequenceStart,
            CODED_FRAMES => PacketType::Coded,
            _ => PacketType::Other,
        };
        Ok(Self { codec, packet, at: at + 4 })
    }
}

const SEQUENCE_START: u8 = 0;
const CODED_FRAMES: u8 = 1;
const MULTITRACK: u8 = 5;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(bytes: &[u8]) -> Audio {
        Audio::parse(&Bytes::copy_from_slice(bytes)).unwrap()
    }

    #[test]
    fn tags_are_read_as_written() {
        let data = Bytes::from_static(b"data");
        let header = AudioBody::SequenceHeader(data.clone());
        let coded = AudioBody::Coded(data.clone());
        assert_eq!(parse(&aac_sequence_header(&data)), Audio { codec: AudioCodec::Aac, body: header.clone() });
        assert_eq!(parse(&aac_frame(&data)), Audio { codec: AudioCodec::Aac, body: coded.clone() });
        assert_eq!(parse(&opus_sequence_header(&data)), Audio { codec: AudioCodec::Opus, body: header });
        assert_eq!(parse(&opus_frame(&data)), Audio { codec: AudioCodec::Opus, body: coded });
        assert!(is_audio_sequence_header(&aac_sequence_header(&data)) && is_audio_sequence_header(&opus_sequence_header(&data)));
        assert!(!is_audio_sequence_header(&aac_frame(&data)) && !is_audio_sequence_header(&opus_frame(&data)));
        assert_eq!(&opus_frame(b"x")[..], b"\x91Opusx");
        assert_eq!(&aac_frame(b"x")[..], b"\xaf\x01x");
    }

    #[test]
    fn other_packets_and_codecs_do_not_break_anything() {
        assert_eq!(
            parse(b"\x90mp4ac"),
            Audio { codec: AudioCodec::Aac, body: AudioBody::SequenceHeader(Bytes::from_static(b"c")) }
        );
        assert_eq!(parse(b"\x2fframe").codec, AudioCodec::Mp3);
        assert_eq!(parse(b"\x91fLaCd").codec, AudioCodec::Other(u32::from_be_bytes(*b"fLaC")));
        assert_eq!(parse(b"\x92Opus").body, AudioBody::Other); // the end
        assert_eq!(parse(b"\x94Opus\x01\x02").body, AudioBody::Other); // a channel layout
        assert_eq!(parse(b"\x95\x00Opus\x00d").body, AudioBody::Other); // several tracks
        assert_eq!(parse(b"\x97\x02\x00\x00\x01\x01Opusd"), parse(b"\x91Opusd")); // a nanosecond offset
        assert_eq!(parse(b"\xaf\x07").body, AudioBody::Other);
        assert_eq!(parse(b"\x3f").codec, AudioCodec::Other(3));
        for short in [&b""[..], b"\xaf", b"\x91Op", b"\x97", b"\x97\xff\0"] {
            assert_eq!(Audio::parse(&Bytes::copy_from_slice(short)), Err(Error::Truncated));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = Audio::parse(&Bytes::from(bytes));
        }
    }
}
