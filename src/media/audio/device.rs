//! What speaker and microphone have in common: finding a device, choosing its configuration, telling its errors apart.

use crate::media::capture::{SourceError, SourceErrorKind};
use crate::media::devices::Device;
use crate::media::frame::SAMPLE_RATE;
use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Which way the sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From a microphone.
    Input,
    /// To a speaker.
    Output,
}

/// Length of the device periods that are asked for first. Two periods make the device's buffer.
pub(super) const SHORT_PERIOD_MS: u32 = 10;

/// An open device; closed when dropped.
#[expect(dead_code, reason = "held for their Drop")]
pub(super) enum Stream {
    Cpal(cpal::Stream),
    #[cfg(target_os = "linux")]
    Pcm(super::pcm::Stream),
}

/// One device is asked what it can do, or opened, at a time: while it is asked it is busy, and some drivers can only do one thing.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// To be held while a device is opened.
pub(super) fn one_at_a_time() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The devices of a direction that can be opened. ALSA lists dozens of names that cannot, and each card under many: only those with a
/// working default configuration count, and of the names of a card those that convert what has to be converted.
pub(crate) fn list(direction: Direction) -> Vec<Device> {
    let host = cpal::default_host();
    let Ok(devices) = host.devices() else { return Vec::new() };
    let mut found: Vec<Device> = Vec::new();
    for device in devices {
        let Some(id) = device.id().ok().map(|id| id.to_string()).filter(|id| is_worth_listing(id)) else { continue };
        let there = {
            let _guard = one_at_a_time();
            default_configuration(&device, direction).map_or_else(|e| e.kind() == ErrorKind::DeviceBusy, |_| true)
        };
        if there && !found.iter().any(|other| other.id == id) {
            let name = device.description().map_or_else(|_| id.clone(), |d| d.name().to_owned());
            found.push(Device { id, name });
        }
    }
    found
}

/// Of ALSA's many names only those of whole cards, by the card's name (its number changes with what was plugged in first); "default" is
/// offered as such anyway.
fn is_worth_listing(id: &str) -> bool {
    let Some(name) = id.strip_prefix("alsa:") else { return true };
    match name.split_once(":CARD=") {
        Some(("plughw", card)) => !card.starts_with(|c: char| c.is_ascii_digit()),
        Some(_) => false,
        None => !matches!(
            name,
            "default"
                | "sysdefault"
                | "null"
                | "samplerate"
                | "speexrate"
                | "jack"
                | "oss"
                | "pulse"
                | "pipewire"
                | "upmix"
                | "vdownmix"
                | "lavrate"
                | "speex"
        ),
    }
}

/// The device that the system takes by default, where it has a name of its own.
pub(crate) fn default_device(direction: Direction) -> Option<Device> {
    // ALSA's "default" says nothing about what is behind it.
    if cfg!(target_os = "linux") {
        return None;
    }
    let host = cpal::default_host();
    let device = match direction {
        Direction::Input => host.default_input_device(),
        Direction::Output => host.default_output_device(),
    }?;
    Some(Device { id: device.id().ok()?.to_string(), name: device.description().ok()?.name().to_owned() })
}

/// The device with this id, or the system's default.
pub(super) fn find(direction: Direction, id: Option<&str>) -> Result<cpal::Device, SourceError> {
    let host = cpal::default_host();
    let found = match id {
        Some(id) => id.parse().ok().and_then(|id| host.device_by_id(&id)),
        None if direction == Direction::Input => host.default_input_device(),
        None => host.default_output_device(),
    };
    found.ok_or_else(|| nothing(direction, id))
}

/// The error of a device that is not there.
pub(super) fn nothing(direction: Direction, id: Option<&str>) -> SourceError {
    let what = if direction == Direction::Input { "microphone" } else { "speaker" };
    let detail = id.map_or_else(|| format!("there is no {what}"), |id| format!("there is no {what} `{id}`"));
    SourceError::new(SourceErrorKind::NoDevice, detail)
}

fn default_configuration(device: &cpal::Device, direction: Direction) -> Result<SupportedStreamConfig, cpal::Error> {
    match direction {
        Direction::Input => device.default_input_config(),
        Direction::Output => device.default_output_config(),
    }
}

/// Channels and format as the device likes them, 48 kHz if it can, periods of `period_ms` if it can.
pub(super) fn configure(
    device: &cpal::Device,
    direction: Direction,
    period_ms: u32,
) -> Result<(StreamConfig, SampleFormat), SourceError> {
    let default = default_configuration(device, direction).map_err(|e| describe(&e))?;
    let mut chosen = default;
    if chosen.sample_rate() != SAMPLE_RATE {
        let ranges: Vec<_> = match direction {
            Direction::Input => device.supported_input_configs().map(Iterator::collect),
            Direction::Output => device.supported_output_configs().map(Iterator::collect),
        }
        .map_err(|e| describe(&e))?;
        let like = |r: &&cpal::SupportedStreamConfigRange| {
            (r.channels(), r.sample_format()) == (chosen.channels(), chosen.sample_format())
                && (r.min_sample_rate()..=r.max_sample_rate()).contains(&SAMPLE_RATE)
        };
        if let Some(range) = ranges.iter().find(like) {
            chosen = range.with_sample_rate(SAMPLE_RATE);
        }
    }
    let mut config = chosen.config();
    let period = config.sample_rate.saturating_mul(period_ms) / 1000;
    config.buffer_size = match *chosen.buffer_size() {
        SupportedBufferSize::Range { min, max } if min <= max => BufferSize::Fixed(period.clamp(min, max)),
        _ => BufferSize::Fixed(period),
    };
    Ok((config, chosen.sample_format()))
}

/// Whether a running stream is done for; the others are remarks.
pub(super) fn is_fatal(error: &cpal::Error) -> bool {
    !matches!(error.kind(), ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied)
}

/// cpal's error in the words of the pipeline.
pub(super) fn describe(error: &cpal::Error) -> SourceError {
    let kind = match error.kind() {
        ErrorKind::DeviceBusy => SourceErrorKind::Busy,
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => SourceErrorKind::NoDevice,
        ErrorKind::PermissionDenied => SourceErrorKind::Denied,
        ErrorKind::UnsupportedConfig | ErrorKind::UnsupportedOperation | ErrorKind::InvalidInput => {
            SourceErrorKind::UnsupportedFormat
        }
        ErrorKind::StreamInvalidated => SourceErrorKind::Stalled,
        _ => SourceErrorKind::Other,
    };
    SourceError::new(kind, error.to_string())
}

/// The format is one that no card of the last thirty years insists on.
pub(super) fn unsupported(format: SampleFormat) -> SourceError {
    SourceError::new(SourceErrorKind::UnsupportedFormat, format!("sample format {format} is not supported"))
}

/// Calls a function that is generic over the sample type with the type that `format` means.
macro_rules! with_sample_type {
    ($format:expr, $call:ident ( $($argument:expr),* )) => {
        match $format {
            cpal::SampleFormat::F32 => $call::<f32>($($argument),*),
            cpal::SampleFormat::F64 => $call::<f64>($($argument),*),
            cpal::SampleFormat::I8 => $call::<i8>($($argument),*),
            cpal::SampleFormat::I16 => $call::<i16>($($argument),*),
            cpal::SampleFormat::I24 => $call::<cpal::I24>($($argument),*),
            cpal::SampleFormat::I32 => $call::<i32>($($argument),*),
            cpal::SampleFormat::U8 => $call::<u8>($($argument),*),
            cpal::SampleFormat::I64 => $call::<i64>($($argument),*),
            cpal::SampleFormat::U16 => $call::<u16>($($argument),*),
            cpal::SampleFormat::U24 => $call::<cpal::U24>($($argument),*),
            cpal::SampleFormat::U32 => $call::<u32>($($argument),*),
            cpal::SampleFormat::U64 => $call::<u64>($($argument),*),
            other => Err($crate::media::audio::device::unsupported(other)),
        }
    };
}
pub(super) use with_sample_type;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_does_not_exist_is_told_apart() {
        for direction in [Direction::Input, Direction::Output] {
            let error = find(direction, Some("alsa:no such card")).err().unwrap();
            assert_eq!(error.kind, SourceErrorKind::NoDevice);
            assert!(error.detail.contains("no such card"));
        }
    }

    #[test]
    fn a_card_is_listed_once_and_by_its_name() {
        for good in ["alsa:plughw:CARD=Headset,DEV=0", "alsa:mine", "wasapi:{0.0.1}"] {
            assert!(is_worth_listing(good), "{good}");
        }
        for bad in [
            "alsa:hw:CARD=Headset,DEV=0",
            "alsa:plughw:CARD=0,DEV=0",
            "alsa:surround51:CARD=PCH,DEV=0",
            "alsa:default",
            "alsa:pulse",
        ] {
            assert!(!is_worth_listing(bad), "{bad}");
        }
    }

    #[test]
    fn errors_keep_their_kind() {
        let kind = |kind: ErrorKind| describe(&kind.into()).kind;
        assert_eq!(kind(ErrorKind::DeviceBusy), SourceErrorKind::Busy);
        assert_eq!(kind(ErrorKind::PermissionDenied), SourceErrorKind::Denied);
        assert_eq!(kind(ErrorKind::UnsupportedConfig), SourceErrorKind::UnsupportedFormat);
        assert_eq!(kind(ErrorKind::DeviceNotAvailable), SourceErrorKind::NoDevice);
        assert!(!is_fatal(&ErrorKind::Xrun.into()));
        assert!(is_fatal(&ErrorKind::DeviceNotAvailable.into()));
    }
}
