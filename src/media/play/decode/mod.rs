//! Decoding: Opus by libopus, everything else by FFmpeg. No FFmpeg type leaves the player.

mod open;
mod sound;
mod video;

pub(super) use sound::SoundDecoder;
pub(super) use video::{VideoDecoder, name};

/// Why something cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
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
