//! The one mixed output: a tick thread that asks every voice for 10 ms of sound and feeds the device.

use super::limit::Limiter;
use super::mix;
use super::resample::Resampler;
use super::speaker::{self, Feed, Link};
use crate::base::{Clock, Queue, Stop, Worker};
use crate::media::capture::SourceError;
use crate::media::devices::{Choice, Chooser, Kind, Using};
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

/// Length of one tick.
pub(super) const TICK: Duration = Duration::from_millis(10);
/// The ticks catch up if they are late by less than this; beyond it (the computer slept) they go on from now.
const LATE: Duration = Duration::from_millis(200);
/// How fast the tick's time line follows the measured one: a device reports its position in steps of whole periods.
const FOLLOW: f64 = 0.02;
/// A device that asks for nothing for this long no longer paces the ticks; the clock does, until it asks again.
const HUNG: Duration = Duration::from_millis(100);
/// Each underrun makes the ring this much fuller from then on, up to [`FULLEST_MS`].
const MORE_MS: usize = 5;
/// The ring never aims at holding more than this.
const FULLEST_MS: usize = 40;
/// The id of voices that nobody holds.
const ONCE: u64 = 0;
/// How many of those may sound together.
const ONCE_AT_MOST: usize = 3;
/// A voice is made louder by this much at most; the limiter keeps the sum in bounds.
const MOST_VOLUME: f32 = 2.0;
/// Mixed chunks that wait for whoever observes them: half a second.
const REFERENCE_CHUNKS: usize = 50;

/// The moment of a tick. Both times advance by 10 ms from tick to tick but for slow corrections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    /// When the sound is asked for, by the local clock.
    pub now: Duration,
    /// When its first sample will be heard, by the local clock.
    pub due: Duration,
}

/// Something that can be heard.
pub trait Source: Send {
    /// Writes the next 10 ms, mono at 48 kHz. `out` comes as silence. Runs on the tick thread: must not wait.
    fn render(&mut self, tick: Tick, out: &mut [f32; CHUNK_SAMPLES]);

    /// Whether nothing follows: it is taken out of the mix then.
    fn is_over(&self) -> bool {
        false
    }
}

/// The one mixed output. Clones are the same output; it is closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Output {
    shared: Arc<Shared>,
    link: Arc<Link>,
    using: Using,
    // In this order: the tick thread ends first, then the device is closed.
    _ticks: Arc<Worker>,
    _device: Option<Arc<Worker>>,
}

/// A [`Source`] that is part of the mix until this is dropped.
#[derive(Debug)]
pub struct Voice {
    id: u64,
    volume: Volume,
    shared: Arc<Shared>,
}

/// How loud a voice is: 1 as it comes, 0 silent. Clones are the same.
#[derive(Clone, Debug)]
struct Volume(Arc<AtomicU32>);

impl Default for Volume {
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(1.0_f32.to_bits())))
    }
}

impl Volume {
    fn load(&self) -> f32 {
        f32::from_bits(self.0.load(Ordering::Relaxed))
    }
}

/// What is mixed.
struct Mixed {
    id: u64,
    source: Box<dyn Source>,
    volume: Volume,
    /// The volume at the end of the last tick; `None` before the first.
    gain: Option<f32>,
}

#[derive(Default)]
struct Shared {
    voices: Mutex<Vec<Mixed>>,
    next_id: AtomicU64,
    reference: OnceLock<Queue<Chunk>>,
    latency_us: AtomicU64,
    underruns: AtomicU64,
}

impl Output {
    /// Opens the speaker that is chosen, or the system's default one while that is not there, and starts to mix.
    ///
    /// Returns at once: a thread opens the device, and turns to another one by itself when the chosen one is lost or back. Until one is
    /// open, and while none can be opened, the output is silent but goes on at the pace of `clock`. See [`failure`](Self::failure).
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn open(choice: Choice, clock: Clock) -> Result<Self, SourceError> {
        Self::start(clock, Some(choice))
    }

    /// An output that nobody hears, at the pace of `clock`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn silent(clock: Clock) -> Result<Self, SourceError> {
        Self::start(clock, None)
    }

    fn start(clock: Clock, choice: Option<Choice>) -> Result<Self, SourceError> {
        let (shared, link) = (Arc::new(Shared::default()), Arc::new(Link::default()));
        let mut engine = Engine::new(shared.clone(), link.clone(), clock.clone());
        let ticks = Worker::spawn("audio-tick", move |stop| engine.run(stop))?;
        let using = Using::default();
        let device = match choice {
            Some(choice) => {
                let (link, using) = (link.clone(), using.clone());
                let run = move |stop: &Stop| speaker::run(Chooser::new(Kind::Speaker, choice, using), &link, &clock, stop);
                Some(Worker::spawn("audio-speaker", run)?)
            }
            None => None,
        };
        Ok(Self { shared, link, using, _ticks: Arc::new(ticks), _device: device.map(Arc::new) })
    }

    /// Adds a source to the mix.
    pub fn voice(&self, source: impl Source + 'static) -> Voice {
        let id = ONCE + 1 + self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let volume = Volume::default();
        self.shared.voices().push(Mixed { id, source: Box::new(source), volume: volume.clone(), gain: None });
        Voice { id, volume, shared: self.shared.clone() }
    }

    /// Adds a source that nobody holds and that leaves the mix when it [is over](Source::is_over). Of many at once, those over
    /// `ONCE_AT_MOST` are left out.
    pub fn play_once(&self, source: impl Source + 'static) {
        let mut voices = self.shared.voices();
        if voices.iter().filter(|voice| voice.id == ONCE).count() < ONCE_AT_MOST {
            voices.push(Mixed { id: ONCE, source: Box::new(source), volume: Volume::default(), gain: None });
        }
    }

    /// Turns to another device, in place: what is being played goes on there. A [silent](Self::silent) output stays silent.
    pub fn choose(&self, choice: Choice) {
        self.link.choice.put(choice);
    }

    /// The device that is open.
    pub fn using(&self) -> &Using {
        &self.using
    }

    /// Why nothing is heard, if the device is the reason.
    pub fn failure(&self) -> Option<SourceError> {
        self.link.failure()
    }

    /// The mix as it is played, `captured` being when it is heard: what an echo canceller subtracts. One reader; the first call
    /// starts the recording, the oldest half second is kept.
    pub fn reference(&self) -> Queue<Chunk> {
        self.shared.reference.get_or_init(|| Queue::bounded(REFERENCE_CHUNKS)).clone()
    }

    /// From tick to ear, as the device reports it.
    pub fn latency(&self) -> Duration {
        Duration::from_micros(self.shared.latency_us.load(Ordering::Relaxed))
    }

    /// Times that the device found less sound than it asked for.
    pub fn underruns(&self) -> u64 {
        self.shared.underruns.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn voices(&self) -> MutexGuard<'_, Vec<Mixed>> {
        self.voices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("voices", &self.voices().len()).finish_non_exhaustive()
    }
}

impl Voice {
    /// Makes it louder or quieter from the next tick on: 1 is as it comes, 2 twice as loud (more is not), 0 silent.
    pub fn set_volume(&self, volume: f32) {
        let volume = if volume.is_finite() { volume.clamp(0.0, MOST_VOLUME) } else { 1.0 };
        self.volume.0.store(volume.to_bits(), Ordering::Relaxed);
    }
}

impl Drop for Voice {
    fn drop(&mut self) {
        // The source is dropped outside the lock: it may own anything.
        let gone: Vec<_> = {
            let mut voices = self.shared.voices();
            let at = voices.iter().position(|voice| voice.id == self.id);
            at.map(|at| voices.swap_remove(at)).into_iter().collect()
        };
        drop(gone);
    }
}

/// What the tick thread owns.
struct Engine {
    shared: Arc<Shared>,
    link: Arc<Link>,
    clock: Clock,
    mix: [f32; CHUNK_SAMPLES],
    voice: [f32; CHUNK_SAMPLES],
    limiter: Limiter,
    line: Line,
    device: Option<Fed>,
}

/// An open device and how full its ring is kept.
struct Fed {
    feed: Feed,
    resampler: Option<Resampler>,
    resampled: Vec<f32>,
    goal: usize,
    underruns: u64,
    calls: u64,
    called: Duration,
}

/// The two time lines of [`Tick`], smoothed.
#[derive(Default)]
struct Line {
    now: Option<Duration>,
    due: Option<Duration>,
}

impl Line {
    fn step(&mut self, now: Duration, due: Duration) -> Tick {
        Tick { now: follow(&mut self.now, now), due: follow(&mut self.due, due) }
    }
}

/// One tick after the previous value, drawn towards what was measured.
fn follow(last: &mut Option<Duration>, measured: Duration) -> Duration {
    let next = match *last {
        Some(last) if (last + TICK).abs_diff(measured) < HUNG => {
            let next = last + TICK;
            let step = measured.abs_diff(next).mul_f64(FOLLOW);
            if measured > next { next + step } else { next.saturating_sub(step) }
        }
        _ => measured,
    };
    *last = Some(next);
    next
}

impl Engine {
    fn new(shared: Arc<Shared>, link: Arc<Link>, clock: Clock) -> Self {
        let silence = [0.0; CHUNK_SAMPLES];
        Self {
            shared,
            link,
            clock,
            mix: silence,
            voice: silence,
            limiter: Limiter::default(),
            line: Line::default(),
            device: None,
        }
    }

    fn run(&mut self, stop: &Stop) {
        // Set before any device is opened by this link's reader, and only here.
        let _ = self.link.ticker.set(std::thread::current());
        let mut next = self.clock.now();
        while !stop.is_set() {
            if let Some(feed) = self.link.opened.take() {
                self.device = Fed::new(feed, self.clock.now());
                // Another device, another latency.
                self.line.due = None;
            }
            if self.device.as_ref().is_some_and(|d| d.feed.gauge.lost.load(Ordering::Acquire)) {
                self.device = None;
                self.line.due = None;
            }
            let now = self.clock.now();
            if self.device.as_mut().is_some_and(|d| d.paces(now)) {
                while let Some(due) = self.device.as_mut().and_then(|d| d.hungry(now)) {
                    self.tick(now, due);
                }
                next = now + TICK;
                std::thread::park_timeout(TICK);
                continue;
            }
            if next + LATE < now {
                next = now;
            }
            if next <= now {
                self.tick(next, next);
                next += TICK;
            } else if stop.wait((next - now).min(TICK)) {
                return;
            }
        }
    }

    /// Mixes 10 ms and hands them on.
    fn tick(&mut self, now: Duration, due: Duration) {
        let tick = self.line.step(now, due);
        self.mix.fill(0.0);
        self.shared.voices().retain_mut(|voice| {
            self.voice.fill(0.0);
            voice.source.render(tick, &mut self.voice);
            let volume = voice.volume.load();
            mix::add(&mut self.mix, &self.voice, voice.gain.unwrap_or(volume), volume);
            voice.gain = Some(volume);
            !voice.source.is_over()
        });
        self.limiter.limit(&mut self.mix);
        if let Some(reference) = self.shared.reference.get() {
            reference.push(Chunk { captured: tick.due, samples: self.mix });
        }
        if let Some(device) = &mut self.device {
            device.push(&self.mix);
            self.shared.underruns.store(device.underruns, Ordering::Relaxed);
        }
        let latency = tick.due.saturating_sub(tick.now).as_micros();
        self.shared.latency_us.store(u64::try_from(latency).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

impl Fed {
    fn new(feed: Feed, now: Duration) -> Option<Self> {
        let resampler = if feed.rate == SAMPLE_RATE {
            None
        } else {
            // Without a resampler nothing sensible can be played; the silent output goes on.
            match Resampler::mono(SAMPLE_RATE, feed.rate) {
                Ok(resampler) => Some(resampler),
                Err(error) => {
                    tracing::error!(%error, rate = feed.rate, "no resampler for the speaker");
                    return None;
                }
            }
        };
        let goal = feed.period.max(CHUNK_SAMPLES);
        Some(Self {
            feed,
            resampler,
            resampled: Vec::with_capacity(2 * CHUNK_SAMPLES),
            goal,
            underruns: 0,
            calls: 0,
            called: now,
        })
    }

    /// Whether the device still asks for sound.
    fn paces(&mut self, now: Duration) -> bool {
        let calls = self.feed.gauge.calls.load(Ordering::Acquire);
        if calls != self.calls {
            (self.calls, self.called) = (calls, now);
        }
        now.saturating_sub(self.called) < HUNG
    }

    /// When the next chunk would be heard, if the ring wants one.
    fn hungry(&mut self, now: Duration) -> Option<Duration> {
        let filled = self.feed.ring.buffer().capacity() - self.feed.ring.slots();
        let underruns = self.feed.gauge.underruns.load(Ordering::Relaxed);
        if underruns > self.underruns {
            self.underruns = underruns;
            let per_ms = self.feed.rate as usize / 1000;
            self.goal = (self.goal + MORE_MS * per_ms).min(FULLEST_MS * per_ms).max(self.feed.period);
        }
        let end = Duration::from_micros(self.feed.gauge.end_us.load(Ordering::Acquire)).max(now);
        (filled < self.goal).then(|| end + Duration::from_secs_f64(filled as f64 / f64::from(self.feed.rate)))
    }

    fn push(&mut self, mix: &[f32; CHUNK_SAMPLES]) {
        let samples = match &mut self.resampler {
            None => &mix[..],
            Some(resampler) => {
                self.resampled.clear();
                if resampler.push(mix, &mut self.resampled).is_err() {
                    self.resampled.resize(CHUNK_SAMPLES, 0.0);
                }
                &self.resampled[..]
            }
        };
        // A full ring means that the device hangs: what does not fit would come too late.
        let (_, _left) = self.feed.ring.push_partial_slice(samples);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::audio::Chime;

    /// A source that counts its ticks and plays a constant.
    struct Constant(f32, Arc<Mutex<Vec<Tick>>>);

    impl Source for Constant {
        fn render(&mut self, tick: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
            out.fill(self.0);
            self.1.lock().unwrap().push(tick);
        }
    }

    fn engine(clock: &Clock) -> (Engine, Output) {
        // Ticked by the test alone.
        let (shared, link) = (Arc::new(Shared::default()), Arc::new(Link::default()));
        let _ticks = Arc::new(Worker::spawn("no-ticks", |_| {}).unwrap());
        let output = Output { shared: shared.clone(), link: link.clone(), using: Using::default(), _ticks, _device: None };
        (Engine::new(shared, link, clock.clone()), output)
    }

    fn until(what: impl Fn() -> bool) {
        for _ in 0..2_000 {
            if what() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("did not happen within 10 s");
    }

    #[test]
    fn a_silent_output_ticks_every_10_ms_of_its_clock() {
        let clock = Clock::manual(Duration::from_secs(50));
        let output = Output::silent(clock.clone()).unwrap();
        let ticks = Arc::default();
        let _voice = output.voice(Constant(0.0, Arc::clone(&ticks)));
        for _ in 0..20 {
            let seen = ticks.lock().unwrap().len();
            clock.advance(TICK);
            until(|| ticks.lock().unwrap().len() > seen);
        }
        let ticks = ticks.lock().unwrap();
        assert!(ticks.windows(2).all(|w| w[1].now == w[0].now + TICK && w[1].due == w[1].now));
        assert_eq!(output.failure(), None);
    }

    #[test]
    fn voices_are_summed_and_leave_the_mix_when_dropped() {
        let clock = Clock::manual(Duration::from_secs(50));
        let (mut engine, output) = engine(&clock);
        let reference = output.reference();
        let first = output.voice(Constant(0.25, Arc::default()));
        let second = output.voice(Constant(0.5, Arc::default()));
        let level = |engine: &mut Engine| {
            reference.clear();
            engine.tick(clock.now(), clock.now());
            reference.pop().unwrap().samples[100]
        };
        assert_eq!(level(&mut engine), 0.75);
        drop(second);
        assert_eq!(level(&mut engine), 0.25);
        drop(first);
        assert_eq!(level(&mut engine), 0.0);
    }

    #[test]
    fn a_voice_has_its_own_volume_that_changes_without_a_click() {
        let clock = Clock::manual(Duration::from_secs(50));
        let (mut engine, output) = engine(&clock);
        let reference = output.reference();
        let voice = output.voice(Constant(0.25, Arc::default()));
        voice.set_volume(0.0);
        let mut heard = Vec::new();
        for volume in [0.0, 2.0, 2.0, 9.0, f32::NAN, 0.0, 0.0] {
            voice.set_volume(volume);
            engine.tick(clock.now(), clock.now());
            heard.extend(reference.pop().unwrap().samples);
        }
        assert!(heard[..CHUNK_SAMPLES].iter().all(|s| *s == 0.0), "muted from its first sample on");
        assert!(heard.windows(2).all(|w| (w[1] - w[0]).abs() < 0.002), "no click");
        let end_of = |tick: usize| heard[tick * CHUNK_SAMPLES + CHUNK_SAMPLES - 1];
        for (tick, level) in [(1, 0.5), (2, 0.5), (3, 0.5), (4, 0.25), (5, 0.0)] {
            assert!((end_of(tick) - level).abs() < 1e-5, "tick {tick}: {}", end_of(tick));
        }
        assert!(heard[6 * CHUNK_SAMPLES..].iter().all(|s| *s == 0.0), "muted is silent");
    }

    #[test]
    fn a_chime_is_heard_and_leaves_the_mix_by_itself() {
        let clock = Clock::manual(Duration::from_secs(50));
        let (mut engine, output) = engine(&clock);
        let reference = output.reference();
        for _ in 0..10 {
            Chime::Message.ring(&output);
        }
        assert_eq!(output.shared.voices().len(), ONCE_AT_MOST);
        let mut loudest = 0.0_f32;
        for _ in 0..100 {
            reference.clear();
            engine.tick(clock.now(), clock.now());
            loudest = reference.pop().unwrap().samples.iter().fold(loudest, |peak, s| peak.max(s.abs()));
        }
        assert!(loudest > 0.05, "{loudest}");
        assert_eq!(output.shared.voices().len(), 0);
    }

    #[test]
    fn the_time_line_is_smooth_but_follows() {
        let mut last = None;
        let mut line = Vec::new();
        // A device that takes two chunks at once, every 20 ms.
        for i in 0..2_000_u64 {
            line.push(follow(&mut last, Duration::from_millis(1000 + 20 * (i / 2))));
        }
        for pair in line.windows(2).skip(100) {
            let step = (pair[1] - pair[0]).as_micros();
            assert!((9_700..=10_300).contains(&step), "{step} us");
        }
        assert!(line[1999].abs_diff(Duration::from_millis(1000 + 20 * 999)) < Duration::from_millis(12));
        let jumped = follow(&mut last, Duration::from_secs(60));
        assert_eq!(jumped, Duration::from_secs(60), "a jump is taken at once");
    }

    #[test]
    fn an_output_whose_device_does_not_exist_says_so_and_ticks_on() {
        let output = Output::open(Choice::This("alsa:no such card".to_owned()), Clock::system()).unwrap();
        let ticks = Arc::default();
        let _voice = output.voice(Constant(0.0, Arc::clone(&ticks)));
        until(|| ticks.lock().unwrap().len() > 20);
    }
}
