//! One opened camera: choosing among the formats that it has, and turning what it delivers into frames.

use super::source::{Format, SourceError, SourceErrorKind};
use ffmpeg::format::Pixel;
use ffmpeg::util::frame::Video;
use ffmpeg::{Packet, codec, decoder};
use ffmpeg_next as ffmpeg;
use nokhwa::utils::{CameraFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType, Resolution};
use nokhwa::{Camera, NokhwaError};

/// The formats that can be read, cheapest first.
const READABLE: [FrameFormat; 6] =
    [FrameFormat::NV12, FrameFormat::YUYV, FrameFormat::MJPEG, FrameFormat::RAWBGR, FrameFormat::RAWRGB, FrameFormat::GRAY];
/// Formats tried before the camera is taken as it is.
const TRIES: usize = 12;

/// An open, streaming camera. Stays on the thread that opened it.
pub(super) struct Device {
    camera: Camera,
    format: CameraFormat,
    frame: Video,
    jpeg: Option<decoder::Video>,
}

impl Device {
    /// Opens a camera and makes it stream in the format nearest to the wanted one.
    pub(super) fn open(index: CameraIndex, wanted: Format) -> Result<Self, SourceError> {
        crate::media::ready();
        let mut camera = open_any(&index, wanted)?;
        choose(&mut camera, wanted);
        camera.open_stream().map_err(|e| error(&e))?;
        let format = camera.camera_format();
        tracing::info!("camera {}: {format}", camera.info().human_name());
        let jpeg = if format.format() == FrameFormat::MJPEG { Some(jpeg_decoder()?) } else { None };
        Ok(Self { camera, format, frame: Video::empty(), jpeg })
    }

    /// Pictures a second.
    pub(super) fn fps(&self) -> u32 {
        self.format.frame_rate()
    }

    /// Waits for the next picture. An [`UnsupportedFormat`](SourceErrorKind::UnsupportedFormat) error means that only this one is damaged.
    pub(super) fn grab(&mut self) -> Result<&Video, SourceError> {
        let buffer = self.camera.frame().map_err(|e| error(&e))?;
        let size = buffer.resolution();
        match (&mut self.jpeg, pixel(buffer.source_frame_format())) {
            (Some(decoder), None) => decode(decoder, buffer.buffer(), &mut self.frame)?,
            (_, Some(pixel)) => copy(pixel, size, buffer.buffer(), &mut self.frame)?,
            (None, None) => return Err(damaged("the camera changed its format")),
        }
        Ok(&self.frame)
    }
}

fn damaged(why: impl Into<String>) -> SourceError {
    SourceError::new(SourceErrorKind::UnsupportedFormat, why)
}

/// FFmpeg's name of a raw format; `None` for compressed ones.
fn pixel(format: FrameFormat) -> Option<Pixel> {
    match format {
        FrameFormat::YUYV => Some(Pixel::YUYV422),
        FrameFormat::NV12 => Some(Pixel::NV12),
        FrameFormat::RAWRGB => Some(Pixel::RGB24),
        FrameFormat::RAWBGR => Some(Pixel::BGR24),
        FrameFormat::GRAY => Some(Pixel::GRAY8),
        FrameFormat::MJPEG => None,
    }
}

/// nokhwa's own choices fail on many cameras (they compare with the wanted size instead of the found one, and refuse cameras whose
/// first format does not stick), so: as it is, then the nearest of each format, then whatever is largest.
fn open_any(index: &CameraIndex, wanted: Format) -> Result<Camera, SourceError> {
    let mut first_error = None;
    let size = Resolution::new(wanted.width, wanted.height);
    let nearest = READABLE.map(|f| (RequestedFormatType::Closest(CameraFormat::new(size, f, wanted.fps)), f));
    let mut requests = vec![(RequestedFormatType::None, READABLE.to_vec())];
    requests.extend(nearest.map(|(request, f)| (request, vec![f])));
    requests.push((RequestedFormatType::AbsoluteHighestFrameRate, READABLE.to_vec()));
    requests.push((RequestedFormatType::AbsoluteHighestResolution, READABLE.to_vec()));
    for (request, formats) in requests {
        match Camera::new(index.clone(), RequestedFormat::with_formats(request, &formats)) {
            Ok(camera) => return Ok(camera),
            Err(e) => {
                tracing::debug!("camera refuses {request:?}: {e}");
                first_error.get_or_insert(e);
            }
        }
    }
    Err(first_error.map_or_else(|| damaged("the camera has no format"), |e| error(&e)))
}

/// Sets the best format that the camera accepts.
fn choose(camera: &mut Camera, wanted: Format) {
    let mut formats = camera.compatible_camera_formats().unwrap_or_default();
    // A camera that scales in steps lists only its smallest and largest size; it is asked for the wanted one too.
    let mut kinds: Vec<_> = formats.iter().map(CameraFormat::format).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let size = Resolution::new(wanted.width, wanted.height);
    formats.extend(kinds.into_iter().map(|f| CameraFormat::new(size, f, wanted.fps)));
    formats.sort_by_key(|f| cost(*f, wanted));
    formats.dedup();
    for format in formats.into_iter().take(TRIES) {
        if camera.camera_format() == format {
            return;
        }
        match camera.set_camera_requset(RequestedFormat::with_formats(RequestedFormatType::Exact(format), &[format.format()])) {
            Ok(_) => return,
            Err(e) => tracing::debug!("camera refuses {format}: {e}"),
        }
    }
    if let Err(e) = camera.refresh_camera_format() {
        tracing::debug!("camera does not say its format: {e}");
    }
}

/// How far a format is from what is wanted: first never slower, then never smaller, then as few pixels as possible, then as cheap to
/// read as possible.
fn cost(format: CameraFormat, wanted: Format) -> (u32, u64, u64, u32, usize) {
    let slower = wanted.fps.saturating_sub(format.frame_rate());
    let (w, h) = (u64::from(format.width()), u64::from(format.height()));
    let smaller = u64::from(wanted.width).saturating_sub(w) + u64::from(wanted.height).saturating_sub(h);
    let faster = format.frame_rate().saturating_sub(wanted.fps);
    let kind = READABLE.iter().position(|f| *f == format.format()).unwrap_or(READABLE.len());
    // Grey loses the colours: only if there is nothing else.
    let grey = u32::from(format.format() == FrameFormat::GRAY) * 1000;
    (grey + slower, smaller, w * h, faster, kind)
}

fn jpeg_decoder() -> Result<decoder::Video, SourceError> {
    let codec = decoder::find(codec::Id::MJPEG).ok_or_else(|| damaged("FFmpeg has no JPEG decoder"))?;
    codec::Context::new_with_codec(codec).decoder().open_as(codec).and_then(|d| d.video()).map_err(|e| damaged(e.to_string()))
}

fn decode(decoder: &mut decoder::Video, data: &[u8], frame: &mut Video) -> Result<(), SourceError> {
    decoder.send_packet(&Packet::copy(data)).map_err(|e| damaged(e.to_string()))?;
    decoder.receive_frame(frame).map_err(|e| damaged(e.to_string()))
}

/// Copies raw pixels into a frame, whose rows are padded as the converter likes it.
fn copy(pixel: Pixel, size: Resolution, data: &[u8], frame: &mut Video) -> Result<(), SourceError> {
    let (w, h) = (size.width() as usize, size.height() as usize);
    // Bytes of a row, and rows, of each plane.
    let planes = match pixel {
        Pixel::YUYV422 => [(w.div_ceil(2) * 4, h), (0, 0)],
        Pixel::NV12 => [(w, h), (w.div_ceil(2) * 2, h.div_ceil(2))],
        Pixel::RGB24 | Pixel::BGR24 => [(w * 3, h), (0, 0)],
        _ => [(w, h), (0, 0)],
    };
    let rows: usize = planes.iter().map(|(_, rows)| rows).sum();
    let exact: usize = planes.iter().map(|(row, rows)| row * rows).sum();
    // Drivers that pad rows pad them all alike.
    let padded = if data.len() > exact && rows > 0 && data.len().is_multiple_of(rows) { Some(data.len() / rows) } else { None };
    if data.len() < exact || exact == 0 {
        return Err(damaged(format!("a picture of {} bytes instead of {exact}", data.len())));
    }
    if (frame.format(), frame.width(), frame.height()) != (pixel, size.width(), size.height()) {
        *frame = Video::new(pixel, size.width(), size.height());
    }
    let mut rest = data;
    for (plane, (row, rows)) in planes.into_iter().enumerate().filter(|(_, (_, rows))| *rows > 0) {
        let (from_stride, to_stride) = (padded.unwrap_or(row), frame.stride(plane));
        let (from, after) = rest.split_at((from_stride * rows).min(rest.len()));
        rest = after;
        for (to, from) in frame.data_mut(plane).chunks_mut(to_stride).zip(from.chunks(from_stride)) {
            let n = row.min(from.len()).min(to.len());
            to[..n].copy_from_slice(&from[..n]);
        }
    }
    Ok(())
}

/// nokhwa keeps only the text of the system's error.
pub(super) fn error(error: &NokhwaError) -> SourceError {
    let text = error.to_string();
    let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
    let kind = if has(&["os error 16)", "busy", "in use"]) {
        SourceErrorKind::Busy
    } else if has(&["os error 13)", "os error 1)", "ermission", "denied", "Denied", "not authorized"]) {
        SourceErrorKind::Denied
    } else if has(&["os error 2)", "os error 6)", "os error 19)", "not found", "No such"]) {
        SourceErrorKind::NoDevice
    } else if has(&["Fufill", "unsupported", "whole number", "Rejected", "FrameFormat"]) {
        SourceErrorKind::UnsupportedFormat
    } else {
        SourceErrorKind::Other
    };
    SourceError::new(kind, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32, kind: FrameFormat, fps: u32) -> CameraFormat {
        CameraFormat::new(Resolution::new(width, height), kind, fps)
    }

    #[test]
    fn the_nearest_format_is_chosen() {
        let wanted = Format { width: 640, height: 360, fps: 30 };
        let best = |formats: &[CameraFormat]| formats.iter().copied().min_by_key(|f| cost(*f, wanted)).unwrap();
        let vga = format(640, 480, FrameFormat::YUYV, 30);
        // Not smaller, not larger than needed.
        assert_eq!(best(&[format(320, 180, FrameFormat::YUYV, 30), vga, format(1280, 720, FrameFormat::NV12, 30)]), vga);
        // Fluent before sharp; compressed if that is what is fluent.
        let jpeg = format(1280, 720, FrameFormat::MJPEG, 30);
        assert_eq!(best(&[format(1280, 720, FrameFormat::YUYV, 10), jpeg]), jpeg);
        // Of equals the one that costs least; grey last.
        assert_eq!(best(&[format(640, 480, FrameFormat::MJPEG, 30), vga, format(640, 480, FrameFormat::GRAY, 30)]), vga);
    }

    #[test]
    fn padded_rows_are_understood() {
        let mut frame = Video::empty();
        let (exact, padded) = (vec![7_u8; 4 * 2 * 2], vec![9_u8; 16 * 2]);
        copy(Pixel::YUYV422, Resolution::new(4, 2), &exact, &mut frame).unwrap();
        assert_eq!(frame.data(0)[..8], [7; 8]);
        copy(Pixel::YUYV422, Resolution::new(4, 2), &padded, &mut frame).unwrap();
        let stride = frame.stride(0);
        assert_eq!(frame.data(0)[stride..stride + 8], [9; 8]);
        assert!(copy(Pixel::NV12, Resolution::new(4, 2), &exact[..11], &mut frame).is_err());
        copy(Pixel::NV12, Resolution::new(4, 2), &exact[..12], &mut frame).unwrap();
        assert_eq!(frame.data(1)[..4], [7; 4]);
    }

    #[test]
    fn the_systems_words_become_kinds() {
        let kind = |text: &str| error(&NokhwaError::OpenStreamError(text.to_owned())).kind;
        assert_eq!(kind("Device or resource busy (os error 16)"), SourceErrorKind::Busy);
        assert_eq!(kind("Permission denied (os error 13)"), SourceErrorKind::Denied);
        assert_eq!(kind("No such file or directory (os error 2)"), SourceErrorKind::NoDevice);
        assert_eq!(kind("Failed to Fufill"), SourceErrorKind::UnsupportedFormat);
        assert_eq!(kind("odd"), SourceErrorKind::Other);
    }

    #[test]
    fn a_jpeg_is_decoded_and_rubbish_is_damaged() {
        crate::media::ready();
        let mut decoder = jpeg_decoder().unwrap();
        let mut frame = Video::empty();
        let rubbish = decode(&mut decoder, &[0xff, 0xd8, 1, 2, 3], &mut frame).unwrap_err();
        assert_eq!(rubbish.kind, SourceErrorKind::UnsupportedFormat);
    }
}
