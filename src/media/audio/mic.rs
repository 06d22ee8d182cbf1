//! The microphone: whatever the device delivers becomes mono 48 kHz chunks of 10 ms with the time of their capture.
//!
//! The device's callback only copies into a lock-free ring; a thread resamples, cuts and stamps.

use super::device::{self, Direction, with_sample_type};
#[cfg(target_os = "linux")]
use super::pcm;
use super::resample::Resampler;
use crate::base::{Clock, Queue, Stop, Worker};
use crate::media::capture::{SourceError, SourceErrorKind};
use crate::media::devices::{Choice, Chooser, Kind, Using};
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, FromSample, SizedSample, StreamConfig};
use rtrb::{Consumer, Producer, RingBuffer};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The assembling thread looks into the ring this often: a chunk is handed out at most this late.
const LOOK: Duration = Duration::from_millis(3);
/// A microphone that delivers nothing for this long is lost.
const STALLED: Duration = Duration::from_secs(2);
/// The same while it could still be asked for longer periods: some drivers accept short ones and then deliver nothing.
const SHORT_STALLED: Duration = Duration::from_millis(700);
/// The periods to ask for, one after the other; the last one is what a driver with a 100 Hz timer manages.
const PERIODS_MS: [u32; 3] = [device::SHORT_PERIOD_MS, 20, 60];
/// How often a lost microphone is tried again, if no device comes or goes meanwhile.
const RETRY: Duration = Duration::from_secs(2);
/// How soon it is noticed that one does.
const PAUSE_LOOK: Duration = Duration::from_millis(50);
/// Exact zeros for this long mean that something is switched off.
const SILENT: Duration = Duration::from_secs(2);
/// Capacity of the ring in milliseconds.
const RING_MS: u32 = 500;
/// How fast the stamps follow the callbacks' times, which come in steps of whole periods and late on a busy machine.
const FOLLOW: f64 = 0.02;
/// Beyond this the samples in between were lost, and the stamps jump.
const JUMP: Duration = Duration::from_millis(60);

/// An open microphone; closed when dropped.
#[derive(Debug)]
pub struct Mic {
    failure: Arc<Mutex<Option<SourceError>>>,
    using: Using,
    _worker: Worker,
}

impl Mic {
    /// Why nothing useful comes from it just now: it is lost (and opened again as soon as it is there), or delivers nothing but zeros.
    pub fn failure(&self) -> Option<SourceError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The device that is open.
    pub fn using(&self) -> Using {
        self.using.clone()
    }
}

/// Opens the microphone that is chosen, or the system's default one while that is not there, and fills `chunks` from then on.
///
/// It turns to another device by itself: to the default one when the chosen one is lost, back when it is there again.
///
/// # Errors
/// No such device, in use, not allowed, or nothing it delivers can be used: told apart by kind.
pub fn open(choice: Choice, chunks: Queue<Chunk>, clock: Clock) -> Result<Mic, SourceError> {
    let (failure, using) = (Arc::new(Mutex::new(None)), Using::default());
    let (told, shown) = (failure.clone(), using.clone());
    let (worker, ()) = Worker::open(
        "audio-mic",
        move || {
            let chooser = Chooser::new(Kind::Microphone, choice, shown);
            let mut opener = Opener { chooser, chunks, clock, failure: told };
            let open = opener.open_first()?;
            Ok::<_, SourceError>(((opener, open), ()))
        },
        |(opener, open), stop| opener.keep(open, stop),
    )?;
    Ok(Mic { failure, using, _worker: worker })
}

/// An open device and what makes chunks of what it delivers.
struct Open {
    what: Choice,
    /// Which of the periods it was asked for.
    period: usize,
    assembler: Assembler,
    _stream: device::Stream,
}

/// All it takes to open the device, again and again.
struct Opener {
    chooser: Chooser,
    chunks: Queue<Chunk>,
    clock: Clock,
    failure: Arc<Mutex<Option<SourceError>>>,
}

impl Opener {
    fn open(&mut self, what: Choice, period: usize) -> Result<Open, SourceError> {
        if self.chooser.nothing_there() {
            return Err(device::nothing(Direction::Input, None));
        }
        let (stream, feed) = start_device(what.id(), PERIODS_MS[period], &self.clock, &self.failure)?;
        let resampler =
            Resampler::mono(feed.rate, SAMPLE_RATE).map_err(|e| SourceError::new(SourceErrorKind::Other, e.to_string()))?;
        tracing::info!(?what, rate = feed.rate, "microphone opened");
        let assembler = Assembler::new(feed, resampler, self.chunks.clone());
        Ok(Open { what, period, assembler, _stream: stream })
    }

    /// Opens what is wanted, and the default device where that does not open; the error is that of the wanted one.
    fn open_first(&mut self) -> Result<Open, SourceError> {
        let mut first_error = None;
        loop {
            let now = self.clock.now();
            let wanted = self.chooser.wanted(now);
            match self.open(wanted.clone(), 0) {
                Ok(open) => {
                    self.chooser.opened(&wanted);
                    return Ok(open);
                }
                Err(error) => {
                    self.chooser.failed(&wanted, error.kind, now);
                    let error = first_error.get_or_insert(error).clone();
                    if wanted == Choice::Default {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Keeps a device open until `stop`.
    fn keep(mut self, open: Open, stop: &Stop) {
        let mut open = Some(open);
        loop {
            let Some(mut current) = open.take() else {
                match self.open_first() {
                    Ok(again) => open = Some(again),
                    Err(error) => {
                        self.set_failure(Some(error));
                        if self.pause(stop) {
                            return;
                        }
                    }
                }
                continue;
            };
            let longer = PERIODS_MS.get(current.period + 1);
            let patience = if longer.is_some() { SHORT_STALLED } else { STALLED };
            match self.run(&mut current.assembler, stop, patience) {
                End::Stopped => return,
                End::Turn(next) => {
                    // The other one is opened before this one is closed, and only if it opens.
                    match self.open(next.clone(), 0) {
                        Ok(other) => {
                            self.chooser.opened(&next);
                            open = Some(other);
                        }
                        Err(error) => {
                            tracing::info!(?next, %error, "the microphone to turn to does not open");
                            self.chooser.failed(&next, error.kind, self.clock.now());
                            open = Some(current);
                        }
                    }
                }
                End::Silent if longer.is_some() => {
                    let (what, period) = (current.what.clone(), current.period + 1);
                    tracing::warn!("the microphone delivers nothing: trying periods of {} ms", PERIODS_MS[period]);
                    // The old stream must be closed before the device can be opened again.
                    drop(current);
                    match self.open(what.clone(), period) {
                        Ok(again) => open = Some(again),
                        Err(error) => self.lose(error),
                    }
                }
                End::Silent => {
                    drop(current);
                    self.lose(SourceError::new(SourceErrorKind::Stalled, "the microphone delivers nothing any more"));
                }
                End::Lost => {
                    drop(current);
                    let error = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    self.lose(error.unwrap_or_else(|| device::nothing(Direction::Input, None)));
                }
            }
        }
    }

    /// Hands out chunks until something ends it.
    fn run(&mut self, assembler: &mut Assembler, stop: &Stop, patience: Duration) -> End {
        let mut heard = self.clock.now();
        let (mut overruns, mut first, mut silent) = (0, true, false);
        while !stop.wait(LOOK) {
            let now = self.clock.now();
            if assembler.step() {
                heard = now;
                if std::mem::take(&mut first) {
                    self.set_failure(None);
                    self.chooser.works();
                }
                if assembler.zeros.are_suspicious() != silent {
                    silent = !silent;
                    self.set_failure(silent.then(|| SourceError::new(SourceErrorKind::Silent, "nothing but zeros for 2 s")));
                }
            } else if now.saturating_sub(heard) > patience {
                return End::Silent;
            }
            if assembler.feed.lost.load(Ordering::Acquire) {
                return End::Lost;
            }
            if self.chooser.has_news() && self.chooser.nothing_there() {
                return End::Lost;
            }
            if let Some(next) = self.chooser.turn(now) {
                return End::Turn(next);
            }
            let missed = assembler.feed.overruns.load(Ordering::Relaxed);
            if missed > overruns {
                tracing::warn!(times = missed - overruns, "microphone samples lost: the machine is too busy");
                overruns = missed;
            }
        }
        End::Stopped
    }

    fn lose(&mut self, error: SourceError) {
        tracing::warn!(%error, "microphone lost");
        self.chooser.lost(error.kind, self.clock.now());
        self.set_failure(Some(error));
    }

    /// Waits before the next try, less when the devices change; returns whether to stop.
    fn pause(&self, stop: &Stop) -> bool {
        let until = self.clock.now() + RETRY;
        while self.clock.now() < until && !self.chooser.has_news() {
            if stop.wait(PAUSE_LOOK) {
                return true;
            }
        }
        stop.is_set()
    }

    fn set_failure(&self, failure: Option<SourceError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// What the callback writes.
struct Feed {
    /// Mono samples at `rate`.
    samples: Consumer<f32>,
    /// For each callback: how many samples came before it, and when its first was captured in microseconds.
    stamps: Consumer<(u64, u64)>,
    rate: u32,
    lost: Arc<AtomicBool>,
    overruns: Arc<AtomicU64>,
}

type Failure = Arc<Mutex<Option<SourceError>>>;

fn start_device(
    wanted: Option<&str>,
    period_ms: u32,
    clock: &Clock,
    failure: &Failure,
) -> Result<(device::Stream, Feed), SourceError> {
    let _guard = device::one_at_a_time();
    #[cfg(target_os = "linux")]
    if let Some(name) = wanted.and_then(pcm::name_of) {
        return start_named(name?, period_ms, clock, failure);
    }
    let device = device::find(Direction::Input, wanted)?;
    let (config, format) = device::configure(&device, Direction::Input, period_ms)?;
    with_sample_type!(format, start(&device, config, clock, failure)).or_else(|error| {
        tracing::debug!(%error, "microphone refuses short periods");
        let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
        with_sample_type!(format, start(&device, config, clock, failure))
    })
}

/// Opens a sound server's device.
#[cfg(target_os = "linux")]
fn start_named(name: String, period_ms: u32, clock: &Clock, failure: &Failure) -> Result<(device::Stream, Feed), SourceError> {
    // The thread that opens the device learns its rate, and makes the other end of the ring.
    let (hand_over, handed) = std::sync::mpsc::sync_channel(1);
    let (lost, told, clock) = (Arc::new(AtomicBool::new(false)), failure.clone(), clock.clone());
    let gone = lost.clone();
    let make = move |geometry: pcm::Geometry| {
        let (mut write, feed) = ring(geometry.rate, usize::from(geometry.channels), clock, lost);
        // Nobody but this function waits there, and it does.
        let _ = hand_over.send(feed);
        let take: pcm::Take = Box::new(move |data, age| write(data, age));
        take
    };
    let end = move |error: SourceError| {
        *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        gone.store(true, Ordering::Release);
    };
    let (stream, _) = pcm::record(name, period_ms, make, end)?;
    let feed = handed.recv().map_err(|_| SourceError::new(SourceErrorKind::Other, "the microphone's thread died"))?;
    Ok((device::Stream::Pcm(stream), feed))
}

fn start<T>(
    device: &cpal::Device,
    config: StreamConfig,
    clock: &Clock,
    failure: &Failure,
) -> Result<(device::Stream, Feed), SourceError>
where
    T: SizedSample + 'static,
    f32: FromSample<T>,
{
    let lost = Arc::new(AtomicBool::new(false));
    let (mut write, feed) = ring(config.sample_rate, usize::from(config.channels), clock.clone(), lost.clone());
    let callback = move |data: &[T], info: &cpal::InputCallbackInfo| {
        let stamp = info.timestamp();
        write(data, stamp.callback.checked_duration_since(stamp.capture).unwrap_or_default());
    };
    let (gone, told) = (lost, failure.clone());
    let failed = move |error: cpal::Error| {
        if device::is_fatal(&error) {
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(device::describe(&error));
            gone.store(true, Ordering::Release);
        } else {
            tracing::debug!(%error, "microphone");
        }
    };
    let stream = device.build_input_stream::<T, _, _>(config, callback, failed, None).map_err(|e| device::describe(&e))?;
    stream.play().map_err(|e| device::describe(&e))?;
    Ok((device::Stream::Cpal(stream), feed))
}

/// The ring between a device's callback and the assembling thread: what the callback does with its samples and the age of the first of
/// them (it takes no lock and allocates nothing), and the other end.
fn ring<T>(rate: u32, channels: usize, clock: Clock, lost: Arc<AtomicBool>) -> (impl FnMut(&[T], Duration) + Send, Feed)
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let (mut ring, samples) = RingBuffer::new((rate * RING_MS / 1000) as usize);
    let (mut marks, stamps) = RingBuffer::new(256);
    let overruns = Arc::new(AtomicU64::new(0));
    let missed = overruns.clone();
    let mut count = 0_u64;
    let write = move |data: &[T], age: Duration| {
        let captured = clock.now().saturating_sub(age);
        // A full ring of marks only makes the stamps less exact.
        let _ = marks.push((count, u64::try_from(captured.as_micros()).unwrap_or(u64::MAX)));
        let (taken, given) = mix_down(data, channels, &mut ring);
        count += taken as u64;
        if taken < given {
            missed.fetch_add(1, Ordering::Relaxed);
        }
    };
    (write, Feed { samples, stamps, rate, lost, overruns })
}

/// Averages the channels of each frame into the ring; returns how many frames fitted, and how many there were.
fn mix_down<T>(data: &[T], channels: usize, ring: &mut Producer<f32>) -> (usize, usize)
where
    T: SizedSample,
    f32: FromSample<T>,
{
    if channels == 0 {
        return (0, 0);
    }
    let frames = data.len() / channels;
    let room = ring.slots().min(frames);
    let Ok(chunk) = ring.write_chunk_uninit(room) else { return (0, frames) };
    let mono = data.chunks_exact(channels).map(|frame| {
        let sum: f32 = frame.iter().map(|s| f32::from_sample_(*s)).sum();
        sum / channels as f32
    });
    (chunk.fill_from_iter(mono), frames)
}

/// Cuts what the callback wrote into stamped chunks.
struct Assembler {
    feed: Feed,
    resampler: Resampler,
    chunks: Queue<Chunk>,
    /// Samples taken from the ring.
    taken: u64,
    raw: Vec<f32>,
    ready: Vec<f32>,
    stamper: Stamper,
    zeros: Zeros,
}

/// Why an [`Assembler`] came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
enum End {
    Stopped,
    /// Another device should be used.
    Turn(Choice),
    /// Nothing came in for too long.
    Silent,
    /// The system says that the device is gone.
    Lost,
}

/// Smooth capture times: sample `at` was captured at `time`.
struct Stamper {
    anchor: Option<(u64, Duration)>,
    rate: u32,
}

impl Stamper {
    fn time_of(&self, sample: u64) -> Option<Duration> {
        let (at, time) = self.anchor?;
        let away = Duration::from_secs_f64(sample.abs_diff(at) as f64 / f64::from(self.rate));
        Some(if sample >= at { time + away } else { time.saturating_sub(away) })
    }

    fn learn(&mut self, sample: u64, measured: Duration) {
        let time = match self.time_of(sample) {
            Some(expected) if expected.abs_diff(measured) < JUMP => {
                let step = expected.abs_diff(measured).mul_f64(FOLLOW);
                if measured > expected { expected + step } else { expected.saturating_sub(step) }
            }
            _ => measured,
        };
        self.anchor = Some((sample, time));
    }
}

/// How long there has been nothing but exact zeros. A real microphone in a silent room still makes some noise.
struct Zeros {
    enough: u64,
    run: u64,
}

impl Zeros {
    fn see(&mut self, samples: &[f32]) {
        match samples.iter().rposition(|sample| *sample != 0.0) {
            Some(last) => self.run = (samples.len() - last - 1) as u64,
            None => self.run += samples.len() as u64,
        }
    }

    fn are_suspicious(&self) -> bool {
        self.run >= self.enough
    }
}

impl Assembler {
    fn new(feed: Feed, resampler: Resampler, chunks: Queue<Chunk>) -> Self {
        let stamper = Stamper { anchor: None, rate: feed.rate };
        let zeros = Zeros { enough: u64::from(feed.rate) * SILENT.as_secs(), run: 0 };
        Self { feed, resampler, chunks, taken: 0, raw: Vec::new(), ready: Vec::new(), stamper, zeros }
    }

    /// Hands out every whole chunk there is; returns whether anything came in.
    fn step(&mut self) -> bool {
        while let Ok((sample, us)) = self.feed.stamps.pop() {
            self.stamper.learn(sample, Duration::from_micros(us));
        }
        let waiting = self.feed.samples.slots();
        let Ok(chunk) = self.feed.samples.read_chunk(waiting) else { return false };
        if waiting == 0 {
            return false;
        }
        self.raw.clear();
        self.raw.extend(chunk);
        self.taken += waiting as u64;
        self.zeros.see(&self.raw);
        if let Err(error) = self.resampler.push(&self.raw, &mut self.ready) {
            tracing::error!(%error, "microphone samples lost in the resampler");
        }
        while self.ready.len() >= CHUNK_SAMPLES {
            // Samples still in `ready`, counted at the device's rate, were the last ones taken.
            let behind = self.ready.len() as u64 * u64::from(self.feed.rate) / u64::from(SAMPLE_RATE);
            let captured = self.stamper.time_of(self.taken.saturating_sub(behind)).unwrap_or_default();
            let mut samples = [0.0; CHUNK_SAMPLES];
            for (to, from) in samples.iter_mut().zip(self.ready.drain(..CHUNK_SAMPLES)) {
                *to = from;
            }
            self.chunks.push(Chunk { captured, samples });
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts = (Assembler, Producer<f32>, Producer<(u64, u64)>, Queue<Chunk>);

    fn assembler(rate: u32) -> Parts {
        let (ring, samples) = RingBuffer::new(rate as usize);
        let (marks, stamps) = RingBuffer::new(1000);
        let chunks = Queue::bounded(200);
        let feed = Feed { samples, stamps, rate, lost: Arc::default(), overruns: Arc::default() };
        (Assembler::new(feed, Resampler::mono(rate, SAMPLE_RATE).unwrap(), chunks.clone()), ring, marks, chunks)
    }

    #[test]
    fn stereo_44100_becomes_mono_chunks_with_steady_stamps() {
        let (mut assembler, mut ring, mut marks, chunks) = assembler(44_100);
        let mut count = 0_u64;
        for callback in 0..100_u64 {
            // Each callback comes up to 4 ms late, and says so wrongly.
            let late = (callback * 7919) % 4000;
            marks.push((count, 5_000_000 + callback * 10_000 + late)).unwrap();
            let stereo: Vec<i16> = (0..441).flat_map(|_| [8192_i16, 24_576]).collect();
            let (taken, given) = mix_down(&stereo, 2, &mut ring);
            assert_eq!((taken, given), (441, 441));
            count += taken as u64;
            assembler.step();
        }
        let all: Vec<Chunk> = std::iter::from_fn(|| chunks.pop()).collect();
        assert!((97..=100).contains(&all.len()), "{} chunks in a second", all.len());
        assert!((all[50].samples[0] - 0.5).abs() < 0.01, "channels are averaged");
        for pair in all.windows(2) {
            let step = (pair[1].captured - pair[0].captured).as_micros();
            assert!((9_800..=10_200).contains(&step), "{step} us");
        }
        let begin = Duration::from_secs(5);
        assert!(all[0].captured.abs_diff(begin) < Duration::from_millis(5), "{:?}", all[0].captured);
    }

    #[test]
    fn after_lost_samples_the_stamps_jump() {
        let mut stamper = Stamper { anchor: None, rate: 48_000 };
        stamper.learn(0, Duration::from_secs(1));
        stamper.learn(480, Duration::from_secs(3));
        assert_eq!(stamper.time_of(960), Some(Duration::from_millis(3010)));
    }

    #[test]
    fn any_rate_and_number_of_channels_becomes_the_same_chunks() {
        for rate in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            for channels in 1..=6_usize {
                let (mut assembler, mut ring, mut marks, chunks) = assembler(rate);
                let period = rate as usize / 100;
                for callback in 0..100_u64 {
                    marks.push((callback * period as u64, callback * 10_000)).unwrap();
                    let first = callback as usize * period;
                    let tone = (first..first + period)
                        .flat_map(|i| vec![0.5 * (std::f32::consts::TAU * 440.0 * i as f32 / rate as f32).sin(); channels]);
                    mix_down(&tone.collect::<Vec<f32>>(), channels, &mut ring);
                    assembler.step();
                }
                let all: Vec<f32> = std::iter::from_fn(|| chunks.pop()).flat_map(|chunk| chunk.samples).collect();
                let rising = all.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count() as f32 * 48_000.0 / all.len() as f32;
                let rms = (all[4_800..].iter().map(|s| s * s).sum::<f32>() / (all.len() - 4_800) as f32).sqrt();
                let what = format!("{rate} Hz, {channels} channels: {} samples, {rising} Hz, {rms}", all.len());
                assert!(
                    (46_500..=48_000).contains(&all.len()) && (rising - 440.0).abs() < 6.0 && (rms - 0.354).abs() < 0.01,
                    "{what}"
                );
            }
        }
    }

    #[test]
    fn exact_zeros_are_noticed_and_forgiven() {
        let mut zeros = Zeros { enough: 8, run: 0 };
        zeros.see(&[0.0; 7]);
        assert!(!zeros.are_suspicious());
        zeros.see(&[0.0]);
        assert!(zeros.are_suspicious());
        zeros.see(&[1e-9, 0.0]);
        assert_eq!((zeros.run, zeros.are_suspicious()), (1, false));
    }
}
