//! What speaker and microphone have in common: finding a device, choosing its configuration, telling its errors apart.

use crate::media::capture::{SourceError, SourceErrorKind};
use crate::media::devices::Device;
use crate::media::frame::SAMPLE_RATE;
use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{BufferSize, ErrorKind, SampleFormat, StreamConfig, SupportedBufferSize, SupportedStreamConfig};

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

/// The devices of a direction that can be opened. ALSA lists dozens of names that cannot: only those with a working default
/// configuration count.
pub(crate) fn list(direction: Direction) -> Vec<Device> {
    let host = cpal::default_host();
    let Ok(devices) = host.devices() else { return Vec::new() };
    devices
        .filter(|device| default_configuration(device, direction).is_ok())
        .filter_map(|device| {
            let id = device.id().ok()?.to_string();
            let name = device.description().map_or_else(|_| id.clone(), |d| d.name().to_owned());
            Some(Device { id, name })
        })
        .collect()
}

/// The device with this id, or the system's default.
pub(super) fn find(direction: Direction, id: Option<&str>) -> Result<cpal::Device, SourceError> {
    let host = cpal::default_host();
    let found = match id {
        Some(id) => id.parse().ok().and_then(|id| host.device_by_id(&id)),
        None if direction == Direction::Input => host.default_input_device(),
        None => host.default_output_device(),
    };
    let what = if direction == Direction::Input { "microphone" } else { "speaker" };
    found.ok_or_else(|| match id {
        Some(id) => SourceError::new(SourceErrorKind::NoDevice, format!("there is no {what} `{id}`")),
        None => SourceError::new(SourceErrorKind::NoDevice, format!("there is no {what}")),
    })
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
            cpal::SampleFormat::U16 => $call::<u16>($($argument),*),
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
