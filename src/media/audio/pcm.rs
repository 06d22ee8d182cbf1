//! Devices of a sound server, opened through ALSA by their names.
//!
//! ALSA lists one device of a sound server, "default", and cpal opens nothing that is not listed. But ALSA's plug-ins for PulseAudio and
//! PipeWire take a device's name as an argument, and the server's names are known (`devices::server`).

use crate::base::{Stop, Worker};
use crate::media::capture::{SourceError, SourceErrorKind};
use crate::media::devices::SERVER_PREFIX;
use crate::media::frame::SAMPLE_RATE;
use alsa::pcm::{Access, Format, Frames, HwParams, PCM};
use alsa::{Direction, ValueOr};
use std::time::Duration;

/// How long the device may keep the thread waiting; closing it takes this long at most.
const WAIT_MS: u32 = 50;
/// Periods in the device's buffer.
const PERIODS: Frames = 2;
/// Errors in a row that are taken for hiccups.
const HICCUPS: u32 = 5;
// What programs know as numbers of errors.
const EPIPE: i32 = 32;
const ESTRPIPE: i32 = 86;
const EAGAIN: i32 = 11;
const EIO: i32 = 5;
const ENXIO: i32 = 6;
const ENODEV: i32 = 19;

/// A running device; closed when dropped.
#[derive(Debug)]
pub(super) struct Stream(#[expect(dead_code, reason = "held for its Drop")] Worker);

/// Takes mono samples and the age of the first of them. Must not wait.
pub(super) type Take = Box<dyn FnMut(&[f32], Duration) + Send>;
/// Fills frames that are heard after the given time. Must not wait.
pub(super) type Fill = Box<dyn FnMut(&mut [f32], Duration) + Send>;

/// What the device turned out to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Geometry {
    pub(super) rate: u32,
    pub(super) channels: u16,
    /// Frames at a time.
    pub(super) period: usize,
}

/// Whether ALSA can reach a sound server by a device's name here.
pub(crate) fn reaches_server() -> bool {
    plug_in().is_some()
}

/// How to write a device's name for the plug-in that is installed.
fn plug_in() -> Option<&'static str> {
    let names: Vec<String> =
        alsa::device_name::HintIter::new_str(None, "pcm").ok()?.take(1000).filter_map(|hint| hint.name).collect();
    let is_there = |name: &str| names.iter().any(|other| other == name);
    if is_there("pulse") {
        Some("pulse:DEVICE")
    } else if is_there("pipewire") {
        Some("pipewire:NODE")
    } else {
        None
    }
}

/// ALSA's name of the server's device with this id; `None`: the id is of another kind of device.
pub(super) fn name_of(id: &str) -> Option<Result<String, SourceError>> {
    let device = id.strip_prefix(SERVER_PREFIX)?;
    // The name goes into ALSA's own language, between quotes.
    let harmless = !device.is_empty() && !device.contains(['\'', '"', '\\']) && !device.contains(char::is_control);
    let name = plug_in().filter(|_| harmless).map(|plug_in| format!("{plug_in}='{device}'"));
    Some(name.ok_or_else(|| SourceError::new(SourceErrorKind::NoDevice, format!("there is no way to `{id}`"))))
}

/// Opens a microphone; `lost` gets the error that ends it.
pub(super) fn record(
    name: String,
    period_ms: u32,
    make: impl FnOnce(Geometry) -> Take + Send + 'static,
    lost: impl FnOnce(SourceError) + Send + 'static,
) -> Result<(Stream, Geometry), SourceError> {
    let open = move || {
        let (pcm, geometry) = open(&name, Direction::Capture, 1, period_ms)?;
        pcm.start().map_err(|e| describe(&e))?;
        Ok::<_, SourceError>(((pcm, make(geometry), geometry), geometry))
    };
    let run = move |(pcm, mut data, geometry): (PCM, Take, Geometry), stop: &Stop| {
        let mut buffer = vec![0.0_f32; geometry.period * PERIODS as usize];
        let step = |pcm: &PCM| {
            let (available, delay) = pcm.avail_delay()?;
            let frames = usize::try_from(available).unwrap_or(0).min(buffer.len());
            if frames == 0 {
                return Ok(false);
            }
            let age = length(delay.max(available), geometry.rate);
            let read = pcm.io_f32()?.readi(&mut buffer[..frames])?;
            data(&buffer[..read], age);
            Ok(true)
        };
        if let Err(error) = serve(&pcm, stop, step, |pcm| pcm.start()) {
            lost(describe(&error));
        }
    };
    let (worker, geometry) = Worker::open("audio-record", open, run)?;
    Ok((Stream(worker), geometry))
}

/// Opens a speaker; `lost` gets the error that ends it.
pub(super) fn play(
    name: String,
    period_ms: u32,
    make: impl FnOnce(Geometry) -> Fill + Send + 'static,
    lost: impl FnOnce(SourceError) + Send + 'static,
) -> Result<(Stream, Geometry), SourceError> {
    let open = move || {
        let (pcm, geometry) = open(&name, Direction::Playback, 2, period_ms)?;
        Ok::<_, SourceError>(((pcm, make(geometry), geometry), geometry))
    };
    let run = move |(pcm, mut data, geometry): (PCM, Fill, Geometry), stop: &Stop| {
        let channels = usize::from(geometry.channels);
        let mut buffer = vec![0.0_f32; geometry.period * channels];
        let step = |pcm: &PCM| {
            let (available, delay) = pcm.avail_delay()?;
            if available < geometry.period as Frames {
                return Ok(false);
            }
            data(&mut buffer, length(delay, geometry.rate));
            let written = pcm.io_f32()?.writei(&buffer)?;
            if written < geometry.period {
                tracing::debug!(written, "the sound server took less than it asked for");
            }
            Ok(true)
        };
        // It starts by itself when its buffer is full.
        if let Err(error) = serve(&pcm, stop, step, |_| Ok(())) {
            lost(describe(&error));
        }
    };
    let (worker, geometry) = Worker::open("audio-play", open, run)?;
    Ok((Stream(worker), geometry))
}

fn length(frames: Frames, rate: u32) -> Duration {
    Duration::from_secs_f64(frames.max(0) as f64 / f64::from(rate.max(1)))
}

fn open(name: &str, direction: Direction, channels: u32, period_ms: u32) -> Result<(PCM, Geometry), SourceError> {
    let pcm = PCM::new(name, direction, true).map_err(|e| describe(&e))?;
    let geometry = configure(&pcm, direction, channels, period_ms).map_err(|e| describe(&e))?;
    Ok((pcm, geometry))
}

/// The server converts: mono for a microphone, two channels for a speaker, 48 kHz, floats, whatever the device itself can do.
fn configure(pcm: &PCM, direction: Direction, channels: u32, period_ms: u32) -> Result<Geometry, alsa::Error> {
    let hardware = HwParams::any(pcm)?;
    hardware.set_access(Access::RWInterleaved)?;
    hardware.set_format(Format::float())?;
    let channels = hardware.set_channels_near(channels)?;
    let rate = hardware.set_rate_near(SAMPLE_RATE, ValueOr::Nearest)?;
    let period = hardware.set_period_size_near(Frames::from(rate * period_ms / 1000), ValueOr::Nearest)?;
    let buffer = hardware.set_buffer_size_near(period * PERIODS)?;
    pcm.hw_params(&hardware)?;
    let software = pcm.sw_params_current()?;
    software.set_avail_min(period)?;
    if direction == Direction::Playback {
        software.set_start_threshold((buffer / period.max(1)) * period)?;
    }
    pcm.sw_params(&software)?;
    pcm.prepare()?;
    Ok(Geometry {
        rate,
        channels: u16::try_from(channels).unwrap_or(u16::MAX),
        period: usize::try_from(period).unwrap_or(1).max(1),
    })
}

/// Calls `step` while there is something to do, until `stop`, or until the device is lost.
fn serve(
    pcm: &PCM,
    stop: &Stop,
    mut step: impl FnMut(&PCM) -> Result<bool, alsa::Error>,
    restart: impl Fn(&PCM) -> Result<(), alsa::Error>,
) -> Result<(), alsa::Error> {
    let mut hiccups = 0;
    while !stop.is_set() {
        let mut turn = || -> Result<bool, alsa::Error> {
            let mut busy = false;
            while step(pcm)? {
                busy = true;
            }
            pcm.wait(Some(WAIT_MS))?;
            Ok(busy)
        };
        match turn() {
            Ok(true) => hiccups = 0,
            Ok(false) => {}
            Err(error) if error.errno() == EAGAIN => {}
            Err(error) if matches!(error.errno(), EPIPE | ESTRPIPE) && hiccups < HICCUPS => {
                hiccups += 1;
                tracing::debug!(%error, "the sound server's stream starts again");
                pcm.prepare()?;
                restart(pcm)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn describe(error: &alsa::Error) -> SourceError {
    let mut described = SourceError::from(std::io::Error::from_raw_os_error(error.errno()));
    described.detail = error.to_string();
    if matches!(error.errno(), ENODEV | ENXIO | EIO) {
        described.kind = SourceErrorKind::NoDevice;
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_servers_devices_are_taken_and_only_harmless_names() {
        assert!(name_of("alsa:default").is_none());
        for evil in ["pulse:", "pulse:a'b", "pulse:a\"b", "pulse:a\\b", "pulse:a\nb"] {
            assert!(name_of(evil).unwrap().is_err(), "{evil:?}");
        }
    }

    #[test]
    fn errors_are_told_apart() {
        let kind = |errno| describe(&alsa::Error::new("snd_pcm_open", errno)).kind;
        assert_eq!(kind(2), SourceErrorKind::NoDevice);
        assert_eq!(kind(13), SourceErrorKind::Denied);
        assert_eq!(kind(16), SourceErrorKind::Busy);
    }
}
