//! Decoding: Opus by libopus, everything else by FFmpeg. No FFmpeg type leaves the player.

mod open;
mod sound;
mod video;

pub(in crate::media) use sound::open_sound;
pub(in crate::media) use video::VideoDecoder;
pub(super) use video::name;

/// Why something cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::media) enum Error {
    /// This build has no decoder for it.
    #[error("no decoder for this codec")]
    Unsupported,
    /// libopus refused the data.
    #[error(transparent)]
    Opus(#[from] crate::media::opus::Error),
    /// The decoder refused the data.
    #[error("the decoder failed: {0}")]
    Ffmpeg(#[from] ffmpeg_next::Error),
}

/// What turns packets of sound, in order, into samples: mono at 48 kHz.
pub(in crate::media) trait Decode: Send {
    /// Decodes one packet and appends its samples to `out`.
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), Error>;

    /// Whether it can do the two that follow.
    fn conceals(&self) -> bool {
        false
    }

    /// Goes on for at least `samples` where a packet is missing; `false` if it cannot.
    fn conceal(&mut self, _samples: usize, _out: &mut Vec<f32>) -> bool {
        false
    }

    /// Makes up for the one packet that is missing before `next`; `false` if it cannot.
    fn recover(&mut self, _next: &[u8], _out: &mut Vec<f32>) -> bool {
        false
    }

    /// Whether a packet only says that silence goes on.
    fn is_silence(&self, _packet: &[u8]) -> bool {
        false
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use bytes::Bytes;

    /// Samples as they are.
    pub(in crate::media::play) struct Pcm;

    impl Decode for Pcm {
        fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), Error> {
            out.extend(packet.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
            Ok(())
        }
    }

    /// A packet for [`Pcm`].
    pub(in crate::media::play) fn pcm(samples: &[f32]) -> Bytes {
        samples.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }
}
