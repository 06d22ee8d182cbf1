//! One look at what is shared: pixels in memory, from wherever they come.

use crate::media::capture::source::SourceError;
use crate::media::convert::Pixels;
use std::time::Duration;

/// What was seen.
pub(super) struct Shot<'a> {
    pub(super) pixels: Pixels<'a>,
    /// Whether anything may differ from the shot before.
    pub(super) changed: bool,
}

/// What takes pictures of one thing. Stays on the thread that opened it.
pub(super) trait Grab {
    /// Its size now.
    fn size(&self) -> (u32, u32);

    /// Looks; `None`: there is nothing new to be seen just now (a window that is minimised), the last one is good. Returns within `limit` where
    /// it has to wait for somebody else.
    ///
    /// # Errors
    /// When there will be no more pictures: what was shown is gone, the person or the system ended it.
    fn grab(&mut self, limit: Duration) -> Result<Option<Shot<'_>>, SourceError>;
}
