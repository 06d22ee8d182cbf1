//! What is on the screen, as a source of pictures: a screen, a window, a rectangle of either.
//!
//! What can be shared, and how one chooses, depends on the system: see [`picker`]. On X11 the program lists screens and windows itself and lets a
//! rectangle be dragged; under Wayland the system asks the person, and the program is given what was chosen.
//!
//! ```no_run
//! use parlor::base::Clock;
//! use parlor::media::capture::screen::{Kind, Offer};
//! for Offer { target, name, .. } in parlor::media::capture::screen::list(Kind::Window)? {
//!     println!("{name}: {target}");
//! }
//! # Ok::<(), parlor::media::capture::SourceError>(())
//! ```

#[cfg(any(windows, target_os = "macos"))]
mod desktop;
mod grab;
mod inset;
mod share;
mod target;
#[cfg(target_os = "linux")]
mod wayland;
#[cfg(target_os = "linux")]
mod x11;

pub(super) use share::Share;
pub use target::{Area, Mode, Target, UnknownTarget};

use super::source::{SourceError, SourceErrorKind};
use crate::media::frame::Rgba;
use grab::Grab;

/// How a person chooses what to share on this system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picker {
    /// From a list that the program makes; see [`list`].
    Own {
        /// Whether a rectangle can be dragged; see [`pick_area`].
        areas: bool,
    },
    /// The system asks, when [`Target::Portal`] is opened.
    System,
    /// Nothing can be shared here.
    None,
}

/// Things that can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Screens.
    Screen,
    /// Windows.
    Window,
}

/// Something that can be shared.
#[derive(Debug)]
pub struct Offer {
    /// What it is.
    pub target: Target,
    /// What the person calls it.
    pub name: String,
    /// Its size in pixels.
    pub size: (u32, u32),
    /// How it looks, at most [`THUMBNAIL`] in size; `None`: that is not to be had.
    pub thumbnail: Option<Rgba>,
}

/// The largest thumbnail, in pixels.
pub const THUMBNAIL: (u32, u32) = (320, 200);

/// How one chooses on this system.
pub fn picker() -> Picker {
    #[cfg(target_os = "linux")]
    {
        if wayland::is_there() {
            return Picker::System;
        }
        if x11::is_there() {
            return Picker::Own { areas: true };
        }
    }
    if cfg!(any(windows, target_os = "macos")) { Picker::Own { areas: false } } else { Picker::None }
}

/// Screens or windows, with thumbnails; one's own windows are left out. Blocks for some tenths of a second.
///
/// # Errors
/// When this system lists nothing, or does not answer.
pub fn list(kind: Kind) -> Result<Vec<Offer>, SourceError> {
    #[cfg(target_os = "linux")]
    if x11::is_there() {
        return x11::list(kind);
    }
    #[cfg(any(windows, target_os = "macos"))]
    return desktop::list(kind);
    #[cfg(not(any(windows, target_os = "macos")))]
    Err(unsupported(kind))
}

/// Lets the person drag a rectangle with the mouse, anywhere on the screen; `None`: they thought better of it (Escape, the other mouse button), or
/// `stop` was set. Blocks until then.
///
/// # Errors
/// When this system has no way to do that.
pub fn pick_area(stop: &crate::base::Stop) -> Result<Option<Area>, SourceError> {
    #[cfg(target_os = "linux")]
    if x11::is_there() {
        return x11::pick_area(stop);
    }
    Err(unsupported(stop))
}

fn unsupported(what: impl std::fmt::Debug) -> SourceError {
    SourceError::new(SourceErrorKind::NoDevice, format!("this system offers no way to do this: {what:?}"))
}

/// Opens what pictures of `target` are taken with; to be used on the same thread.
fn open(target: &Target) -> Result<Box<dyn Grab>, SourceError> {
    #[cfg(target_os = "linux")]
    {
        if *target == Target::Portal {
            return wayland::open();
        }
        if x11::is_there() {
            return x11::open(target);
        }
    }
    #[cfg(any(windows, target_os = "macos"))]
    return desktop::open(target);
    #[cfg(not(any(windows, target_os = "macos")))]
    Err(unsupported(target))
}
