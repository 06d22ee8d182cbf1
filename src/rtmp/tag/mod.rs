//! Bodies of FLV audio and video tags, which RTMP's media messages carry: the classic ones (Adobe FLV 10.1, annex E)
//! and enhanced RTMP's (Veovera, v2: FourCC codecs).
//!
//! Packets of more than one track and of codecs that we do not know come out as `Other`: a relay passes them on, a
//! player leaves them alone.

mod audio;
mod video;

pub use audio::{
    Audio, AudioBody, AudioCodec, aac_frame, aac_sequence_header, audio_part, is_audio_sequence_header, opus_frame,
    opus_sequence_header,
};
pub use video::{
    FrameKind, Video, VideoBody, VideoCodec, avc_frame, avc_sequence_header, is_key_frame, is_video_sequence_header, video_part,
};

/// What a tag is, for whoever does not look at its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It configures a decoder.
    Header,
    /// A picture or a frame of sound; its data begins here.
    Coded {
        /// Bytes before the data.
        at: usize,
    },
    /// Anything else, and what cannot be read.
    Other,
}

/// Why a tag's body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The body ends inside its header.
    #[error("media tag ends early")]
    Truncated,
}

/// Enhanced RTMP, packet type `ModEx`: modifiers before the real packet type.
const MOD_EX: u8 = 7;

/// Skips `ModEx` modifiers (nanosecond offsets and what may come), giving the real packet type and where the body goes
/// on. `packet_type` is the one of the first byte, `at` the offset behind it.
fn skip_modifiers(body: &[u8], mut packet_type: u8, mut at: usize) -> Result<(u8, usize), Error> {
    let byte = |at: usize| body.get(at).copied().ok_or(Error::Truncated);
    while packet_type == MOD_EX {
        let mut size = usize::from(byte(at)?) + 1;
        at += 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes([byte(at)?, byte(at + 1)?])) + 1;
            at += 2;
        }
        at += size;
        packet_type = byte(at)? & 0x0f;
        at += 1;
    }
    Ok((packet_type, at))
}

fn four_cc(body: &[u8], at: usize) -> Result<u32, Error> {
    let bytes = body.get(at..).and_then(|rest| rest.first_chunk::<4>()).ok_or(Error::Truncated)?;
    Ok(u32::from_be_bytes(*bytes))
}
