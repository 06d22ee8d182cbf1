//! X11: screens, windows and rectangles of them.

mod areas;
mod grab;
mod list;
mod shared_memory;
mod x;

pub(super) use areas::pick as pick_area;
pub(super) use list::list;

use super::grab::Grab;
use super::target::Target;
use crate::media::capture::source::SourceError;

/// Whether this is where windows are. Under Wayland there may be an X server for old programs, which sees nothing of the others.
pub(super) fn is_there() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    set("DISPLAY") && !set("WAYLAND_DISPLAY")
}

/// Opens what pictures of `target` are taken with.
pub(super) fn open(target: &Target) -> Result<Box<dyn Grab>, SourceError> {
    Ok(Box::new(grab::Grabber::open(target)?))
}
