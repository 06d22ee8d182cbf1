//! The device end of the output: a thread that opens the speaker, watches it and opens it again after it was lost.
//!
//! The device's callback reads a lock-free ring; it takes no lock, allocates nothing, and wakes the tick thread.

use super::device::{self, Direction, with_sample_type};
use crate::base::{Clock, Slot, Stop};
use crate::media::capture::{SourceError, SourceErrorKind};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, FromSample, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// How often a lost device is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// The periods to ask for, one after the other: a driver that breaks on an underrun (ALSA's way to PulseAudio does) gets longer ones, at
/// once. Only when the longest break too, the device counts as lost.
const PERIODS_MS: [u32; 3] = [device::SHORT_PERIOD_MS, 20, 60];
/// How often the device thread looks whether the device still asks for sound.
const WATCH: Duration = Duration::from_millis(50);
/// A device that asks for nothing for this long is lost.
const STALLED: Duration = Duration::from_secs(2);
/// Capacity of the ring in milliseconds; the tick thread keeps far less in it.
const RING_MS: u32 = 200;

/// What tick thread and device thread share.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// A device that has just been opened, for the tick thread to feed.
    pub(super) opened: Slot<Feed>,
    /// Why there is no device.
    failure: Mutex<Option<SourceError>>,
    /// The tick thread, to be woken by the callback.
    pub(super) ticker: OnceLock<Thread>,
}

impl Link {
    pub(super) fn failure(&self) -> Option<SourceError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_failure(&self, failure: Option<SourceError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// An open device as the tick thread sees it.
#[derive(Debug)]
pub(super) struct Feed {
    /// Mono samples at `rate`.
    pub(super) ring: Producer<f32>,
    /// The device's rate in hertz.
    pub(super) rate: u32,
    /// Frames that the device asks for at a time.
    pub(super) period: usize,
    /// What the callback reports.
    pub(super) gauge: Arc<Gauge>,
}

/// What the callback reports.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    /// When the sample after the last one handed over will be heard, by the local clock, in microseconds.
    pub(super) end_us: AtomicU64,
    /// Times the device asked for sound.
    pub(super) calls: AtomicU64,
    /// Times the ring held less than was asked for.
    pub(super) underruns: AtomicU64,
    /// Whether the device is lost.
    pub(super) lost: AtomicBool,
    /// Why.
    error: Mutex<Option<SourceError>>,
}

impl Gauge {
    fn lose(&self, error: SourceError) {
        // A broken driver may say so thousands of times a second.
        if !self.lost.swap(true, Ordering::AcqRel) {
            tracing::warn!(%error, "speaker lost");
            *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}

/// Keeps the device open until `stop`.
pub(super) fn run(wanted: Option<String>, link: &Arc<Link>, clock: &Clock, stop: &Stop) {
    let mut wanted = wanted.as_deref();
    let (mut period_ms, mut longer) = (PERIODS_MS[0], PERIODS_MS[1..].iter());
    loop {
        match open(wanted, period_ms, link, clock) {
            Ok((stream, feed)) => {
                let gauge = feed.gauge.clone();
                tracing::info!(rate = feed.rate, period = feed.period, "speaker opened");
                link.opened.put(feed);
                link.set_failure(None);
                watch(&gauge, clock, stop);
                drop(stream);
                if stop.is_set() {
                    return;
                }
                if let Some(ms) = longer.next() {
                    period_ms = *ms;
                    continue;
                }
                link.set_failure(gauge.error.lock().unwrap_or_else(PoisonError::into_inner).clone());
            }
            Err(error) => {
                if link.failure().as_ref() != Some(&error) {
                    tracing::warn!(%error, "no speaker; the call goes on silently");
                    link.set_failure(Some(error));
                }
                // The chosen device does not open: the default one is better than silence.
                if wanted.take().is_some() {
                    continue;
                }
            }
        }
        if stop.wait(RETRY) {
            return;
        }
        wanted = None;
    }
}

/// Returns when the device is lost or `stop` is set.
fn watch(gauge: &Gauge, clock: &Clock, stop: &Stop) {
    let (mut calls, mut since) = (0, clock.now());
    while !stop.wait(WATCH) {
        let (seen, now) = (gauge.calls.load(Ordering::Acquire), clock.now());
        if seen != calls {
            (calls, since) = (seen, now);
        } else if now.saturating_sub(since) > STALLED {
            gauge.lose(SourceError::new(SourceErrorKind::Stalled, "the speaker takes no sound any more"));
        }
        if gauge.lost.load(Ordering::Acquire) {
            return;
        }
    }
}

fn open(wanted: Option<&str>, period_ms: u32, link: &Arc<Link>, clock: &Clock) -> Result<(cpal::Stream, Feed), SourceError> {
    let device = device::find(Direction::Output, wanted)?;
    let (config, format) = device::configure(&device, Direction::Output, period_ms)?;
    with_sample_type!(format, start(&device, config, link, clock)).or_else(|error| {
        tracing::debug!(%error, "speaker refuses short periods");
        let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
        with_sample_type!(format, start(&device, config, link, clock))
    })
}

fn start<T>(
    device: &cpal::Device,
    config: StreamConfig,
    link: &Arc<Link>,
    clock: &Clock,
) -> Result<(cpal::Stream, Feed), SourceError>
where
    T: SizedSample + FromSample<f32>,
{
    let rate = config.sample_rate;
    let (ring, mut reader) = RingBuffer::new((rate * RING_MS / 1000) as usize);
    let gauge = Arc::new(Gauge::default());
    let (report, clock, ticker, channels) = (gauge.clone(), clock.clone(), link.clone(), usize::from(config.channels));
    // The device asks for sound before the tick thread has heard of it.
    let mut fed = false;
    let callback = move |out: &mut [T], info: &cpal::OutputCallbackInfo| {
        if channels == 0 {
            return;
        }
        if fill(out, channels, &mut reader) {
            fed = true;
        } else if fed {
            report.underruns.fetch_add(1, Ordering::Relaxed);
        }
        let stamp = info.timestamp();
        let ahead = stamp.playback.checked_duration_since(stamp.callback).unwrap_or_default();
        let length = Duration::from_secs_f64((out.len() / channels) as f64 / f64::from(rate));
        let end = clock.now() + ahead + length;
        report.end_us.store(u64::try_from(end.as_micros()).unwrap_or(u64::MAX), Ordering::Release);
        report.calls.fetch_add(1, Ordering::Release);
        if let Some(thread) = ticker.ticker.get() {
            thread.unpark();
        }
    };
    let lost = gauge.clone();
    let failed = move |error: cpal::Error| {
        if device::is_fatal(&error) {
            lost.lose(device::describe(&error));
        } else {
            tracing::debug!(%error, "speaker");
        }
    };
    let stream = device.build_output_stream::<T, _, _>(config, callback, failed, None).map_err(|e| device::describe(&e))?;
    stream.play().map_err(|e| device::describe(&e))?;
    let period = stream.buffer_size().map_or(rate as usize / 100, |frames| frames as usize);
    Ok((stream, Feed { ring, rate, period, gauge }))
}

/// Copies mono samples from the ring to all channels, silence where the ring is empty. Returns whether it held enough.
fn fill<T: SizedSample + FromSample<f32>>(out: &mut [T], channels: usize, ring: &mut Consumer<f32>) -> bool {
    let frames = out.len() / channels;
    let have = ring.slots().min(frames);
    let mut frame = out.chunks_exact_mut(channels);
    if let Ok(chunk) = ring.read_chunk(have) {
        for (sample, frame) in chunk.into_iter().zip(&mut frame) {
            frame.fill(T::from_sample_(sample));
        }
    }
    for frame in frame {
        frame.fill(T::EQUILIBRIUM);
    }
    have == frames
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_callback_copies_to_all_channels_and_pads_with_silence() {
        let (mut ring, mut reader) = RingBuffer::new(8);
        ring.push_entire_slice(&[0.5, -0.5, 0.25]).unwrap();
        let mut out = [9_i16; 4];
        assert!(fill(&mut out, 2, &mut reader));
        assert_eq!(out, [16_384, 16_384, -16_384, -16_384]);
        assert!(!fill(&mut out, 2, &mut reader));
        assert_eq!(out, [8_192, 8_192, 0, 0]);
    }
}
