//! The relay as the room service sees it.

use crate::server::MediaSide;

/// No streams at all.
pub(super) struct NoStreams;

impl MediaSide for NoStreams {
    fn is_live(&self, _: &str) -> bool {
        false
    }

    fn kick(&self, _: &str) {}
}
