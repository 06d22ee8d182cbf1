//! The device end of the output: a thread that opens the speaker, watches it and opens it again after it was lost.
//!
//! The device's callback reads a lock-free ring; it takes no lock, allocates nothing, and wakes the tick thread.

use super::device::{self, Direction, Stream, with_sample_type};
#[cfg(target_os = "linux")]
use super::pcm;
use crate::base::{Clock, Slot, Stop};
use crate::media::capture::{SourceError, SourceErrorKind};
use crate::media::devices::{Choice, Chooser};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, FromSample, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

/// How often a lost device is tried again, if no device comes or goes meanwhile.
const RETRY: Duration = Duration::from_secs(2);
/// The periods to ask for, one after the other: a driver that breaks on an underrun (ALSA's way to PulseAudio does) gets longer ones, at
/// once. Only when the longest break too, the device counts as lost.
const PERIODS_MS: [u32; 3] = [device::SHORT_PERIOD_MS, 20, 60];
/// One with the longest period that has played for so long before it broke is opened again at once, and nobody is told: a busy computer was late once.
const PLAYED: Duration = Duration::from_secs(1);
/// So many times in a row it may break sooner than that: it does where a call begins on a busy computer.
const QUICK_BREAKS: u32 = 4;
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
    /// Another choice of the person's, for the device thread to follow.
    pub(super) choice: Slot<Choice>,
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

/// Keeps the chosen device open until `stop`, the default one while that is not there.
pub(super) fn run(mut chooser: Chooser, link: &Arc<Link>, clock: &Clock, stop: &Stop) {
    let (mut period, mut quick_breaks) = (0, 0);
    // What is open is closed only when the next one is: a device to turn to may not open.
    let mut open: Option<(Stream, Arc<Gauge>, Choice)> = None;
    let mut next = chooser.wanted(clock.now());
    loop {
        match start_device(&chooser, &next, PERIODS_MS[period], link, clock) {
            Ok((stream, feed)) => {
                tracing::info!(what = ?next, rate = feed.rate, period = feed.period, "speaker opened");
                let gauge = feed.gauge.clone();
                link.opened.put(feed);
                link.set_failure(None);
                chooser.opened(&next);
                open = Some((stream, gauge, next.clone()));
            }
            Err(error) => {
                chooser.failed(&next, error.kind, clock.now());
                if open.is_some() {
                    tracing::info!(what = ?next, %error, "the speaker to turn to does not open");
                } else if next == Choice::Default {
                    if link.failure().as_ref() != Some(&error) {
                        tracing::warn!(%error, "no speaker; the call goes on silently");
                        link.set_failure(Some(error));
                    }
                    if pause(&mut chooser, link, clock, stop) {
                        return;
                    }
                    period = 0;
                } else {
                    link.set_failure(Some(error));
                }
            }
        }
        if let Some((stream, gauge, what)) = open.take() {
            let since = clock.now();
            match watch(&gauge, &mut chooser, link, clock, stop) {
                End::Stopped => return,
                End::Turn(to) => {
                    (open, next, period) = (Some((stream, gauge, what)), to, 0);
                    continue;
                }
                End::Lost => {
                    drop(stream);
                    let error = gauge.error.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    // Gone is gone; a driver that breaks may do with longer periods.
                    let gone = error.as_ref().is_some_and(|e| e.kind == SourceErrorKind::NoDevice);
                    let longer = period + 1 < PERIODS_MS.len();
                    let played = gauge.calls.load(Ordering::Acquire) > 0 && clock.now().saturating_sub(since) >= PLAYED;
                    let stalled = error.as_ref().is_some_and(|e| e.kind == SourceErrorKind::Stalled);
                    quick_breaks = if played { 0 } else { quick_breaks + u32::from(!longer) };
                    if !gone && (longer || !stalled && quick_breaks <= QUICK_BREAKS) {
                        (next, period) = (what, (period + 1).min(PERIODS_MS.len() - 1));
                        if stop.wait(WATCH) {
                            return;
                        }
                        continue;
                    }
                    (period, quick_breaks) = (0, 0);
                    chooser.lost(error.as_ref().map_or(SourceErrorKind::Other, |e| e.kind), clock.now());
                    link.set_failure(error);
                    if what == Choice::Default && pause(&mut chooser, link, clock, stop) {
                        return;
                    }
                }
            }
        }
        next = chooser.wanted(clock.now());
    }
}

/// Why the watch over a device ended.
enum End {
    Stopped,
    Turn(Choice),
    Lost,
}

/// Returns when the device is lost, another one should be used, or `stop` is set.
fn watch(gauge: &Gauge, chooser: &mut Chooser, link: &Link, clock: &Clock, stop: &Stop) -> End {
    let (mut calls, mut since) = (0, clock.now());
    while !stop.wait(WATCH) {
        let (seen, now) = (gauge.calls.load(Ordering::Acquire), clock.now());
        if seen != calls {
            if calls == 0 {
                chooser.works();
            }
            (calls, since) = (seen, now);
        } else if now.saturating_sub(since) > STALLED {
            gauge.lose(SourceError::new(SourceErrorKind::Stalled, "the speaker takes no sound any more"));
        }
        if chooser.has_news() && chooser.nothing_there() {
            gauge.lose(device::nothing(Direction::Output, None));
        }
        if gauge.lost.load(Ordering::Acquire) {
            return End::Lost;
        }
        if let Some(choice) = link.choice.take() {
            chooser.choose(choice);
        }
        if let Some(next) = chooser.turn(now) {
            return End::Turn(next);
        }
    }
    End::Stopped
}

/// Waits before the next try, less when the devices change or another one is chosen; returns whether to stop.
fn pause(chooser: &mut Chooser, link: &Link, clock: &Clock, stop: &Stop) -> bool {
    let until = clock.now() + RETRY;
    while clock.now() < until && !chooser.has_news() {
        if let Some(choice) = link.choice.take() {
            chooser.choose(choice);
            break;
        }
        if stop.wait(WATCH) {
            return true;
        }
    }
    stop.is_set()
}

fn start_device(
    chooser: &Chooser,
    what: &Choice,
    period_ms: u32,
    link: &Arc<Link>,
    clock: &Clock,
) -> Result<(Stream, Feed), SourceError> {
    if chooser.nothing_there() {
        return Err(device::nothing(Direction::Output, None));
    }
    let _guard = device::one_at_a_time();
    #[cfg(target_os = "linux")]
    if let Some(name) = what.id().and_then(pcm::name_of) {
        return start_named(name?, period_ms, link, clock);
    }
    let device = device::find(Direction::Output, what.id())?;
    let (config, format) = device::configure(&device, Direction::Output, period_ms)?;
    with_sample_type!(format, start(&device, config, link, clock)).or_else(|error| {
        tracing::debug!(%error, "speaker refuses short periods");
        let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
        with_sample_type!(format, start(&device, config, link, clock))
    })
}

/// Opens a sound server's device.
#[cfg(target_os = "linux")]
fn start_named(name: String, period_ms: u32, link: &Arc<Link>, clock: &Clock) -> Result<(Stream, Feed), SourceError> {
    let gauge = Arc::new(Gauge::default());
    let (report, lost, link, clock) = (gauge.clone(), gauge.clone(), link.clone(), clock.clone());
    // The thread that opens the device learns its rate, and makes the other end of the ring.
    let (hand_over, handed) = std::sync::mpsc::sync_channel(1);
    let make = move |geometry: pcm::Geometry| {
        let (ring, mut read) = ring(geometry.rate, usize::from(geometry.channels), report, link, clock);
        // Nobody but this function waits there, and it does.
        let _ = hand_over.send(ring);
        let fill: pcm::Fill = Box::new(move |out, ahead| read(out, ahead));
        fill
    };
    let (stream, geometry) = pcm::play(name, period_ms, make, move |error| lost.lose(error))?;
    let ring = handed.recv().map_err(|_| SourceError::new(SourceErrorKind::Other, "the speaker's thread died"))?;
    Ok((Stream::Pcm(stream), Feed { ring, rate: geometry.rate, period: geometry.period, gauge }))
}

fn start<T>(device: &cpal::Device, config: StreamConfig, link: &Arc<Link>, clock: &Clock) -> Result<(Stream, Feed), SourceError>
where
    T: SizedSample + FromSample<f32> + 'static,
{
    let rate = config.sample_rate;
    let gauge = Arc::new(Gauge::default());
    let (ring, mut read) = ring(rate, usize::from(config.channels), gauge.clone(), link.clone(), clock.clone());
    let callback = move |out: &mut [T], info: &cpal::OutputCallbackInfo| {
        let stamp = info.timestamp();
        read(out, stamp.playback.checked_duration_since(stamp.callback).unwrap_or_default());
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
    Ok((Stream::Cpal(stream), Feed { ring, rate, period, gauge }))
}

/// The ring between tick thread and device: the end to write to, and what the device's callback does with its buffer and the time until
/// that is heard (it takes no lock and allocates nothing).
fn ring<T>(
    rate: u32,
    channels: usize,
    report: Arc<Gauge>,
    link: Arc<Link>,
    clock: Clock,
) -> (Producer<f32>, impl FnMut(&mut [T], Duration) + Send)
where
    T: SizedSample + FromSample<f32>,
{
    let (ring, mut reader) = RingBuffer::new((rate * RING_MS / 1000) as usize);
    // The device asks for sound before the tick thread has heard of it.
    let mut fed = false;
    let read = move |out: &mut [T], ahead: Duration| {
        if channels == 0 {
            return;
        }
        if fill(out, channels, &mut reader) {
            fed = true;
        } else if fed {
            report.underruns.fetch_add(1, Ordering::Relaxed);
        }
        let length = Duration::from_secs_f64((out.len() / channels) as f64 / f64::from(rate));
        let end = clock.now() + ahead + length;
        report.end_us.store(u64::try_from(end.as_micros()).unwrap_or(u64::MAX), Ordering::Release);
        report.calls.fetch_add(1, Ordering::Release);
        if let Some(thread) = link.ticker.get() {
            thread.unpark();
        }
    };
    (ring, read)
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
