//! Screens and windows, with their thumbnails.

use super::grab::Grabber;
use super::x::{X, failed};
use crate::media::capture::screen::grab::Grab;
use crate::media::capture::screen::target::Target;
use crate::media::capture::screen::{Kind, Offer, THUMBNAIL};
use crate::media::capture::source::SourceError;
use crate::media::convert::FromScreen;
use crate::media::frame::Rgba;
use std::time::Duration;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _, MapState, Window};

/// Windows that are listed at most.
const MAX_WINDOWS: usize = 60;
/// Smaller windows are tool tips and the like.
const LEAST_WINDOW: u32 = 40;

/// What there is.
pub(in crate::media::capture::screen) fn list(kind: Kind) -> Result<Vec<Offer>, SourceError> {
    let x = X::connect()?;
    let mut convert = FromScreen::default();
    match kind {
        Kind::Screen => {
            let offer = |monitor: super::x::Monitor| {
                let target = Target::Screen(Some(monitor.name.clone()));
                let thumbnail = thumbnail(&target, &mut convert);
                Offer { target, name: monitor.name, size: (monitor.area.width, monitor.area.height), thumbnail }
            };
            Ok(x.monitors()?.into_iter().map(offer).collect())
        }
        Kind::Window => {
            let mut offers = Vec::new();
            // The one in front first.
            for window in windows(&x)?.into_iter().rev() {
                // One that is closed meanwhile is left out.
                if let Ok(Some((name, size))) = describe(&x, window)
                    && offers.len() < MAX_WINDOWS
                {
                    let target = Target::Window(window.into());
                    let thumbnail = thumbnail(&target, &mut convert);
                    offers.push(Offer { target, name, size, thumbnail });
                }
            }
            Ok(offers)
        }
    }
}

/// The programs' windows from the back to the front, as the window manager tells, else the server's own list.
fn windows(x: &X) -> Result<Vec<Window>, SourceError> {
    for property in [x.atoms._NET_CLIENT_LIST_STACKING, x.atoms._NET_CLIENT_LIST] {
        let windows = x.numbers(x.root, property)?;
        if !windows.is_empty() {
            return Ok(windows);
        }
    }
    Ok(x.server.query_tree(x.root).map_err(failed)?.reply().map_err(failed)?.children)
}

/// Name and size.
type Described = (String, (u32, u32));

/// Name and size of a window that can be shared.
fn describe(x: &X, window: Window) -> Result<Option<Described>, SourceError> {
    let attributes = x.server.get_window_attributes(window).map_err(failed)?.reply().map_err(failed)?;
    if attributes.map_state != MapState::VIEWABLE || attributes.override_redirect {
        return Ok(None);
    }
    // Our own windows would show themselves.
    if x.numbers(window, x.atoms._NET_WM_PID)?.first() == Some(&std::process::id()) {
        return Ok(None);
    }
    let geometry = x.server.get_geometry(window).map_err(failed)?.reply().map_err(failed)?;
    let size = (u32::from(geometry.width), u32::from(geometry.height));
    let mut name = x.text(window, x.atoms._NET_WM_NAME)?;
    if name.is_empty() {
        name = x.text(window, AtomEnum::WM_NAME.into())?;
    }
    Ok((size.0 >= LEAST_WINDOW && size.1 >= LEAST_WINDOW && !name.is_empty()).then_some((name, size)))
}

fn thumbnail(target: &Target, convert: &mut FromScreen) -> Option<Rgba> {
    let mut grabber = Grabber::open(target).ok()?;
    let shot = grabber.grab(Duration::ZERO).ok()??;
    convert.thumbnail(shot.pixels, THUMBNAIL).ok()
}
