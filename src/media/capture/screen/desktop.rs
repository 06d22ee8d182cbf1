//! Windows and macOS: screens and windows through what the system offers every program.
//!
//! Untried: it was written for systems that nobody who worked on it has. An area cannot be dragged there yet.

use super::grab::{Grab, Shot};
use super::target::Target;
use super::{Kind, Offer, THUMBNAIL};
use crate::media::capture::source::{SourceError, SourceErrorKind};
use crate::media::convert::{FromScreen, Order, Pixels};
use crate::media::frame::Rgba;
use std::time::Duration;
use xcap::image::RgbaImage;
use xcap::{Monitor, Window, XCapError};

/// Windows that are listed at most.
const MAX_WINDOWS: usize = 60;
/// Smaller windows are tool tips and the like.
const LEAST_WINDOW: u32 = 40;

/// What there is.
pub(super) fn list(kind: Kind) -> Result<Vec<Offer>, SourceError> {
    let mut convert = FromScreen::default();
    match kind {
        Kind::Screen => Monitor::all().map_err(failed)?.into_iter().map(|monitor| screen(&monitor, &mut convert)).collect(),
        Kind::Window => {
            let windows = Window::all().map_err(failed)?;
            Ok(windows.iter().filter_map(|window| describe(window, &mut convert)).take(MAX_WINDOWS).collect())
        }
    }
}

fn screen(monitor: &Monitor, convert: &mut FromScreen) -> Result<Offer, SourceError> {
    let name = monitor.name().map_err(failed)?;
    let size = (monitor.width().map_err(failed)?, monitor.height().map_err(failed)?);
    let thumbnail = monitor.capture_image().ok().and_then(|image| thumbnail(&image, convert));
    Ok(Offer { target: Target::Screen(Some(name.clone())), name, size, thumbnail })
}

/// A window that can be shared; our own would show itself.
fn describe(window: &Window, convert: &mut FromScreen) -> Option<Offer> {
    let (name, size) = (window.title().ok()?, (window.width().ok()?, window.height().ok()?));
    let hidden = window.is_minimized().ok()? || window.pid().ok()? == std::process::id();
    if hidden || name.is_empty() || size.0 < LEAST_WINDOW || size.1 < LEAST_WINDOW {
        return None;
    }
    let thumbnail = window.capture_image().ok().and_then(|image| thumbnail(&image, convert));
    Some(Offer { target: Target::Window(window.id().ok()?.into()), name, size, thumbnail })
}

fn thumbnail(image: &RgbaImage, convert: &mut FromScreen) -> Option<Rgba> {
    convert.thumbnail(pixels(image), THUMBNAIL).ok()
}

fn pixels(image: &RgbaImage) -> Pixels<'_> {
    let size = image.dimensions();
    Pixels { size, stride: size.0 as usize * 4, order: Order::Rgb, data: image.as_raw() }
}

/// Opens what pictures of `target` are taken with.
pub(super) fn open(target: &Target) -> Result<Box<dyn Grab>, SourceError> {
    let gone = || SourceError::new(SourceErrorKind::Gone, "this is not there any more");
    let thing = match target {
        Target::Screen(name) => {
            let monitors = Monitor::all().map_err(failed)?;
            let wanted = |monitor: &Monitor| match name {
                Some(name) => monitor.name().is_ok_and(|known| known == *name),
                None => monitor.is_primary().unwrap_or(true),
            };
            Thing::Screen(monitors.into_iter().find(wanted).ok_or_else(gone)?)
        }
        Target::Window(id) => {
            let windows = Window::all().map_err(failed)?;
            let wanted = |window: &Window| window.id().is_ok_and(|known| u64::from(known) == *id);
            Thing::Window(windows.into_iter().find(wanted).ok_or_else(gone)?)
        }
        Target::Region(_) | Target::Portal => {
            return Err(SourceError::new(SourceErrorKind::NoDevice, format!("{target} cannot be shared on this system")));
        }
    };
    let mut grabber = Grabber { thing, image: RgbaImage::new(0, 0) };
    grabber.image = grabber.look()?.ok_or_else(|| SourceError::new(SourceErrorKind::Stalled, "the window is minimised"))?;
    Ok(Box::new(grabber))
}

enum Thing {
    Screen(Monitor),
    Window(Window),
}

struct Grabber {
    thing: Thing,
    /// The picture before.
    image: RgbaImage,
}

impl Grabber {
    /// A picture; `None`: there is nothing to be seen just now.
    fn look(&self) -> Result<Option<RgbaImage>, SourceError> {
        match &self.thing {
            Thing::Screen(monitor) => monitor.capture_image().map(Some).map_err(failed),
            Thing::Window(window) => match window.is_minimized() {
                Ok(true) => Ok(None),
                Ok(false) => window.capture_image().map(Some).map_err(failed),
                // A window that does not answer is closed.
                Err(error) => Err(SourceError::new(SourceErrorKind::Gone, error.to_string())),
            },
        }
    }
}

impl Grab for Grabber {
    fn size(&self) -> (u32, u32) {
        self.image.dimensions()
    }

    fn grab(&mut self, _limit: Duration) -> Result<Option<Shot<'_>>, SourceError> {
        let Some(image) = self.look()? else { return Ok(None) };
        let changed = image != self.image;
        self.image = image;
        Ok(Some(Shot { pixels: pixels(&self.image), changed }))
    }
}

fn failed(error: XCapError) -> SourceError {
    SourceError::new(SourceErrorKind::Other, format!("the screen: {error}"))
}
