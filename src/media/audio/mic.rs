//! The microphone: whatever the device delivers becomes mono 48 kHz chunks of 10 ms with the time of their capture.
//!
//! The device's callback only copies into a lock-free ring; a thread resamples, cuts and stamps.

use super::device::{self, Direction, with_sample_type};
use super::resample::Resampler;
use crate::base::{Clock, Queue, Stop, Worker};
use crate::media::capture::{SourceError, SourceErrorKind};
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
/// How often a lost microphone is tried again.
const RETRY: Duration = Duration::from_secs(2);
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
    _worker: Worker,
}

impl Mic {
    /// Why it delivers nothing just now. It is opened again every 2 s until it does.
    pub fn failure(&self) -> Option<SourceError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Opens the microphone with this id, or the system's default one, and fills `chunks` from then on.
///
/// # Errors
/// No such device, in use, not allowed, or nothing it delivers can be used: told apart by kind.
pub fn open(device: Option<&str>, chunks: Queue<Chunk>, clock: Clock) -> Result<Mic, SourceError> {
    let wanted = device.map(str::to_owned);
    let failure = Arc::new(Mutex::new(None));
    let told = failure.clone();
    let opener = Opener { wanted, chunks, clock, failure: told };
    let (worker, rate) = Worker::open(
        "audio-mic",
        move || {
            let open = opener.open(PERIODS_MS[0])?;
            let rate = open.1.feed.rate;
            Ok::<_, SourceError>(((opener, open), rate))
        },
        |(opener, open), stop| opener.keep(open, stop),
    )?;
    tracing::info!(rate, "microphone opened");
    Ok(Mic { failure, _worker: worker })
}

/// An open device and what makes chunks of what it delivers.
type Open = (cpal::Stream, Assembler);

/// All it takes to open the device, again and again.
struct Opener {
    wanted: Option<String>,
    chunks: Queue<Chunk>,
    clock: Clock,
    failure: Arc<Mutex<Option<SourceError>>>,
}

impl Opener {
    fn open(&self, period_ms: u32) -> Result<Open, SourceError> {
        let (stream, feed) = start_device(self.wanted.as_deref(), period_ms, &self.clock, &self.failure)?;
        let resampler =
            Resampler::mono(feed.rate, SAMPLE_RATE).map_err(|e| SourceError::new(SourceErrorKind::Other, e.to_string()))?;
        Ok((stream, Assembler::new(feed, resampler, self.chunks.clone())))
    }

    /// Keeps the device open until `stop`.
    fn keep(self, (mut stream, mut assembler): Open, stop: &Stop) {
        let mut longer = PERIODS_MS[1..].iter();
        let mut period_ms = PERIODS_MS[0];
        loop {
            let patience = if longer.as_slice().is_empty() { STALLED } else { SHORT_STALLED };
            let mut end = assembler.run(&self.clock, stop, patience, || self.set_failure(None));
            // The old stream must be closed before the device can be opened again.
            drop(stream);
            (stream, assembler) = loop {
                match end {
                    End::Stopped => return,
                    End::Silent => match longer.next() {
                        Some(ms) => {
                            tracing::warn!("the microphone delivers nothing in periods of {period_ms} ms: trying {ms} ms");
                            period_ms = *ms;
                        }
                        None => {
                            let detail = "the microphone delivers nothing any more";
                            self.set_failure(Some(SourceError::new(SourceErrorKind::Stalled, detail)));
                            end = End::Lost;
                            continue;
                        }
                    },
                    End::Lost if stop.wait(RETRY) => return,
                    End::Lost => {}
                }
                match self.open(period_ms) {
                    Ok(open) => break open,
                    Err(error) => {
                        self.set_failure(Some(error));
                        end = End::Lost;
                    }
                }
            };
        }
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

fn start_device(
    wanted: Option<&str>,
    period_ms: u32,
    clock: &Clock,
    failure: &Arc<Mutex<Option<SourceError>>>,
) -> Result<(cpal::Stream, Feed), SourceError> {
    let device = device::find(Direction::Input, wanted)?;
    let (config, format) = device::configure(&device, Direction::Input, period_ms)?;
    with_sample_type!(format, start(&device, config, clock, failure)).or_else(|error| {
        tracing::debug!(%error, "microphone refuses short periods");
        let config = StreamConfig { buffer_size: BufferSize::Default, ..config };
        with_sample_type!(format, start(&device, config, clock, failure))
    })
}

fn start<T>(
    device: &cpal::Device,
    config: StreamConfig,
    clock: &Clock,
    failure: &Arc<Mutex<Option<SourceError>>>,
) -> Result<(cpal::Stream, Feed), SourceError>
where
    T: SizedSample,
    f32: FromSample<T>,
{
    let rate = config.sample_rate;
    let (mut ring, samples) = RingBuffer::new((rate * RING_MS / 1000) as usize);
    let (mut marks, stamps) = RingBuffer::new(256);
    let (lost, overruns) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (channels, clock, missed) = (usize::from(config.channels), clock.clone(), overruns.clone());
    let mut count = 0_u64;
    let callback = move |data: &[T], info: &cpal::InputCallbackInfo| {
        let stamp = info.timestamp();
        let age = stamp.callback.checked_duration_since(stamp.capture).unwrap_or_default();
        let captured = clock.now().saturating_sub(age);
        // A full ring of marks only makes the stamps less exact.
        let _ = marks.push((count, u64::try_from(captured.as_micros()).unwrap_or(u64::MAX)));
        let (taken, given) = mix_down(data, channels, &mut ring);
        count += taken as u64;
        if taken < given {
            missed.fetch_add(1, Ordering::Relaxed);
        }
    };
    let (gone, told) = (lost.clone(), failure.clone());
    let failed = move |error: cpal::Error| {
        if device::is_fatal(&error) {
            tracing::warn!(%error, "microphone lost");
            *told.lock().unwrap_or_else(PoisonError::into_inner) = Some(device::describe(&error));
            gone.store(true, Ordering::Release);
        } else {
            tracing::debug!(%error, "microphone");
        }
    };
    let stream = device.build_input_stream::<T, _, _>(config, callback, failed, None).map_err(|e| device::describe(&e))?;
    stream.play().map_err(|e| device::describe(&e))?;
    Ok((stream, Feed { samples, stamps, rate, lost, overruns }))
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
}

/// Why an [`Assembler`] came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stopped,
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

impl Assembler {
    fn new(feed: Feed, resampler: Resampler, chunks: Queue<Chunk>) -> Self {
        let stamper = Stamper { anchor: None, rate: feed.rate };
        Self { feed, resampler, chunks, taken: 0, raw: Vec::new(), ready: Vec::new(), stamper }
    }

    /// Hands out chunks until something ends it. Calls `first` when the first sound has come.
    fn run(mut self, clock: &Clock, stop: &Stop, patience: Duration, first: impl FnOnce()) -> End {
        let mut heard = clock.now();
        let mut overruns = 0;
        let mut first = Some(first);
        while !stop.wait(LOOK) {
            if self.step() {
                heard = clock.now();
                if let Some(first) = first.take() {
                    first();
                }
            } else if clock.now().saturating_sub(heard) > patience {
                return End::Silent;
            }
            if self.feed.lost.load(Ordering::Acquire) {
                return End::Lost;
            }
            let missed = self.feed.overruns.load(Ordering::Relaxed);
            if missed > overruns {
                tracing::warn!(times = missed - overruns, "microphone samples lost: the machine is too busy");
                overruns = missed;
            }
        }
        End::Stopped
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
    fn a_microphone_that_does_not_exist_is_an_error_of_its_kind() {
        let error = open(Some("alsa:no such card"), Queue::bounded(1), Clock::system()).err().unwrap();
        assert_eq!(error.kind, SourceErrorKind::NoDevice);
    }
}
