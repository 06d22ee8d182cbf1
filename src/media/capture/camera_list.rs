//! The cameras that this computer has.

use super::camera_device::error;
use super::source::{SourceError, SourceErrorKind};
use crate::media::devices::Device;
use nokhwa::utils::{ApiBackend, CameraIndex, CameraInfo, FrameFormat, RequestedFormat, RequestedFormatType};
use nokhwa::{Camera, NokhwaError};
use std::path::Path;

/// Where Linux keeps names of devices that stay the same.
const BY_ID: &str = "/dev/v4l/by-id";

/// The cameras that can be opened. Asks the drivers: may take some tenths of a second.
///
/// Ids stay the same from run to run where the system has such; the words that [`VideoSource`](super::VideoSource) takes.
pub fn cameras() -> Vec<Device> {
    match query() {
        Ok(found) => found.iter().map(device).collect(),
        Err(error) => {
            tracing::debug!("no list of cameras: {error}");
            Vec::new()
        }
    }
}

fn device(info: &CameraInfo) -> Device {
    Device { id: stable_id(info), name: info.human_name().trim().to_owned() }
}

/// The camera with this id, number, device file or name, and how it is listed; `None`: the first one.
pub(super) fn find(id: Option<&str>) -> Result<(CameraIndex, Device), SourceError> {
    let found = query().map_err(|e| error(&e))?;
    let Some(id) = id else {
        let first = found.first().ok_or_else(|| SourceError::new(SourceErrorKind::NoDevice, "there is no camera"))?;
        return Ok((first.index().clone(), device(first)));
    };
    let is = |info: &&CameraInfo| {
        let number = info.index().as_string();
        stable_id(info) == id || number == id || id.strip_prefix("/dev/video") == Some(&number) || info.human_name() == id
    };
    let info =
        found.iter().find(is).ok_or_else(|| SourceError::new(SourceErrorKind::NoDevice, format!("there is no camera {id}")))?;
    Ok((info.index().clone(), device(info)))
}

fn query() -> Result<Vec<CameraInfo>, NokhwaError> {
    allow_access();
    let mut found = nokhwa::query(ApiBackend::Auto)?;
    found.sort_by_key(|info| info.index().as_index().unwrap_or(u32::MAX));
    found.retain(can_capture);
    Ok(found)
}

/// Linux lists a second node of most cameras, which carries only metadata, and nodes for output: those have no picture format.
fn can_capture(info: &CameraInfo) -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let formats =
        [FrameFormat::MJPEG, FrameFormat::YUYV, FrameFormat::NV12, FrameFormat::GRAY, FrameFormat::RAWRGB, FrameFormat::RAWBGR];
    match Camera::new(info.index().clone(), RequestedFormat::with_formats(RequestedFormatType::None, &formats)) {
        Ok(_) => true,
        // Busy, or choosy about the format: a camera all the same.
        Err(NokhwaError::SetPropertyError { .. } | NokhwaError::OpenDeviceError(..)) => true,
        Err(NokhwaError::GetPropertyError { property, error }) => {
            property != "FrameFormat" && !(property == "CameraFormat" && error.contains("Fufill"))
        }
        Err(_) => true,
    }
}

/// Something to know the camera by next time.
fn stable_id(info: &CameraInfo) -> String {
    let misc = info.misc();
    if !misc.is_empty() {
        return misc;
    }
    let number = info.index().as_string();
    let node = Path::new("/dev").join(format!("video{number}"));
    let links = std::fs::read_dir(BY_ID).into_iter().flatten().flatten();
    let mut names: Vec<String> = links
        .filter(|link| link.path().canonicalize().is_ok_and(|target| target == node))
        .filter_map(|link| link.file_name().into_string().ok())
        .collect();
    names.sort();
    names.into_iter().next().unwrap_or(number)
}

/// macOS asks the person once whether this program may use the camera.
fn allow_access() {
    #[cfg(target_os = "macos")]
    {
        static ASKED: std::sync::Once = std::sync::Once::new();
        ASKED.call_once(|| nokhwa::nokhwa_initialize(|allowed| tracing::info!(allowed, "camera access")));
    }
}
