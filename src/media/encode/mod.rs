//! Encoders: pictures to H.264, sound to Opus or AAC, all without delay beyond the codec's own.
//!
//! Which library does it is not to be seen from outside, but for the name that the statistics show.

pub mod audio;
mod avcc;
mod backend;
mod lend;
mod rate;
pub mod video;

/// An encoder failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The FFmpeg that Parlor runs with lacks an encoder.
    #[error("this FFmpeg has no encoder `{0}`")]
    Missing(&'static str),
    /// FFmpeg says why.
    #[error("the encoder {name} failed: {cause}")]
    Failed {
        /// Which one.
        name: &'static str,
        /// Why.
        #[source]
        cause: crate::media::Cause,
    },
    /// The Opus encoder says why.
    #[error("the sound's encoder failed: {0}")]
    Opus(#[from] crate::media::opus::Error),
    /// The picture is not of the size that the encoder was opened for.
    #[error("a picture of {0}x{1} for an encoder of another size")]
    Size(u32, u32),
    /// What came out is no H.264 that could be sent.
    #[error("the encoder {0} gives no usable H.264")]
    Unusable(&'static str),
}

impl Error {
    fn failed(name: &'static str, cause: ffmpeg_next::Error) -> Self {
        Self::Failed { name, cause: crate::media::Cause::new(cause) }
    }
}
