//! Wayland: no program sees the others' windows, so the system is asked. It lets the person choose, and hands over a stream.
//!
//! The asking goes through the desktop portal (<https://flatpak.github.io/xdg-desktop-portal/docs/doc-org.freedesktop.portal.ScreenCast.html>),
//! the stream through PipeWire.

mod portal;
mod stream;

use super::grab::{Grab, Shot};
use crate::media::capture::source::SourceError;
use std::time::Duration;

/// Whether the screen is a Wayland compositor's.
pub(super) fn is_there() -> bool {
    std::env::var_os("WAYLAND_DISPLAY").is_some_and(|value| !value.is_empty())
}

/// Asks the person, and opens what they chose. Blocks until they have.
pub(super) fn open() -> Result<Box<dyn Grab>, SourceError> {
    let (session, stream) = portal::ask()?;
    let stream = stream::Stream::open(stream)?;
    Ok(Box::new(Cast { stream, _session: session }))
}

/// A stream, for as long as its session lasts.
struct Cast {
    stream: stream::Stream,
    _session: portal::Session,
}

impl Grab for Cast {
    fn size(&self) -> (u32, u32) {
        self.stream.size()
    }

    fn grab(&mut self, limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
        self.stream.next(limit)
    }
}
