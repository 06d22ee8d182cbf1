//! What FFmpeg says, opaque: nobody outside depends on FFmpeg.

/// An error of FFmpeg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Cause(ffmpeg_next::Error);

impl Cause {
    pub(super) const fn new(error: ffmpeg_next::Error) -> Self {
        Self(error)
    }
}
