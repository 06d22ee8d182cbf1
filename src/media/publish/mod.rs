//! One publisher: the newest picture and all sound, encoded and sent as one RTMP stream.
//!
//! It borrows its sources: they stay open, and go on showing the preview and the level, while publishers come and go. It does not
//! reconnect: when its [`State`] is closed, start another one.
//!
//! Two threads: sound never waits for a picture that is being encoded. When the network lags behind, whole pictures are left out
//! *before* the encoder, so that what is sent can always be decoded, and what is shown is recent.

pub mod adapt;
mod count;
mod governor;
mod keys;
mod picture;
mod sound;

use crate::base::{Proxy, Queue, ServerClock, Slot, Worker};
use crate::media::capture::{Format, Level, Outlet, Sound, SystemSound, Video, pause};
use crate::media::encode::audio;
use crate::media::frame::{Chunk, Picture};
use crate::media::record::Tap;
use crate::media::seal::{Sealer, StreamKey};
use crate::media::stats::{self, History, PublishSample, PublishStats};
use crate::media::timing::Origin;
use crate::rtmp::Packet;
use crate::wire::link::{self, Publication};
pub use adapt::{Cause, Change, Target};
use count::Counters;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Chunks of sound that may wait for the encoder: half a second.
const SOUND_CHUNKS: usize = 50;
/// Chunks of the computer's own sound that may wait to be mixed in: it runs by another clock than the microphone.
const SYSTEM_CHUNKS: usize = 8;
/// The time line begins this much before the publisher, for sound and pictures that were captured just before.
const HEAD_START: Duration = Duration::from_millis(200);

/// Most time between two key frames where viewers can ask for one.
const KEY_EVERY: Duration = Duration::from_secs(3);
/// Enough for a picture that stands still, whatever the bit rate of moving ones.
const STILL_KBPS: u32 = 48;
/// The same while the way is busy: a key frame costs as much as ten other pictures.
const KEY_EVERY_BUSY: Duration = Duration::from_secs(10);
/// Changes of what is sent that may wait to be looked at; more are forgotten, the oldest first.
const CHANGES: usize = 32;
/// For so long a new viewer may take to connect.
const EAGER: Duration = Duration::from_secs(3);

/// What to publish, and where.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address, with whatever token it needs.
    pub url: String,
    /// Pictures a second that the bit rate is meant for (a source may give fewer), and the size that is told before there is a picture.
    pub format: Format,
    /// The picture's bit rate.
    pub kbps: u32,
    /// How the sound is coded.
    pub audio: audio::Codec,
    /// For a relay that is not ours: it asks for no key frame and may keep nothing for those who come later, so both key frames and the
    /// sound's header are sent this often.
    pub repeat_every: Option<Duration>,
    /// The server's clock, which the stream's time line is tied to.
    pub clock: ServerClock,
    /// Where the network is.
    pub runtime: tokio::runtime::Handle,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
    /// Where the last minute's figures go; whoever starts one publisher after the other gives all of them the same.
    pub history: History<PublishSample>,
    /// Where its packets can be had beside.
    pub tap: Tap,
    /// What its packets are sealed with on their way; `None`: they are not.
    pub seal: Option<StreamKey>,
}

/// What is sent when nothing is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quality {
    /// The picture's bit rate.
    pub kbps: u32,
    /// Pictures a second at most.
    pub fps: u32,
    /// Lines of a picture at most.
    pub height: u32,
    /// Receivers' networks do not take the rate below this, because others receive the same stream; 0 with a single receiver.
    pub shared_floor_kbps: u32,
}

impl Default for Quality {
    /// 600 kbit/s of whatever the source gives.
    fn default() -> Self {
        Self { kbps: 600, fps: u32::MAX, height: u32::MAX, shared_floor_kbps: 0 }
    }
}

/// Where a publisher stands.
#[derive(Clone, Debug)]
pub enum State {
    /// Not there yet.
    Connecting,
    /// The server takes the stream.
    Live,
    /// Over for good.
    Closed(link::Error),
}

/// Two closed states are equal whatever closed them.
impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

impl From<link::State> for State {
    fn from(state: link::State) -> Self {
        match state {
            link::State::Connecting => Self::Connecting,
            link::State::Live => Self::Live,
            link::State::Closed(error) => Self::Closed(error),
        }
    }
}

/// A running publisher. Dropping it ends the stream: within some tenths of a second, whatever the network does.
#[derive(Debug)]
pub struct Publisher {
    shared: Arc<Shared>,
    video: Mutex<Option<Outlet>>,
    sound: Mutex<Option<Outlet>>,
    system: Mutex<Option<Outlet>>,
    workers: [Option<Worker>; 2],
}

/// What the publisher and its two threads have in common.
#[derive(Debug)]
struct Shared {
    link: Publication,
    clock: ServerClock,
    origin: Origin,
    audio: audio::Codec,
    repeat_every: Option<Duration>,
    /// Until when key frames follow each other as fast as they may, in microseconds of the local clock.
    eager_until_us: AtomicU64,
    pictures: Slot<Arc<Picture>>,
    chunks: Queue<Chunk>,
    /// What is mixed into all sound, muted or not; and whether there is anything.
    system: Queue<Chunk>,
    has_system: AtomicBool,
    format: Mutex<Format>,
    quality: Mutex<Quality>,
    /// Lines of the largest picture that anybody wants; the highest number: not known.
    wanted: AtomicU32,
    /// What the sound should have, 0 for as usual; set by the picture's thread.
    sound_kbps: AtomicU32,
    changes: Queue<Change>,
    mic: AtomicBool,
    /// Whether what is heard is a voice, whose pauses need not be sent.
    voice: AtomicBool,
    level: Mutex<Level>,
    counters: Mutex<Counters>,
    tap: Tap,
    sealer: Option<Sealer>,
    /// A packet could not be sealed, and that was logged.
    unsealed: AtomicBool,
}

impl Shared {
    fn send(&self, packet: Packet) {
        self.tap.pass(&packet, self.clock.local().now());
        let sealed = match &self.sealer {
            Some(sealer) => sealer.seal(packet),
            None => Some(packet),
        };
        match sealed {
            Some(packet) => _ = self.link.send(packet),
            // Packets are many; one line is enough.
            None if self.unsealed.swap(true, Ordering::Relaxed) => {}
            None => tracing::error!("packets cannot be sealed, and are not sent"),
        }
    }

    fn count(&self, change: impl FnOnce(&mut Counters)) {
        change(&mut lock(&self.counters));
    }

    /// Whether somebody may be about to watch whose relay asks for nothing.
    fn expects_viewer(&self, now: Duration) -> bool {
        now < Duration::from_micros(self.eager_until_us.load(Ordering::Acquire))
    }

    /// What waits on its way out.
    fn queue(&self) -> stats::Queue {
        let congestion = self.link.congestion();
        let ms = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let encoder_ms = ms(sound::CHUNK * u32::try_from(self.chunks.len()).unwrap_or(u32::MAX));
        let line = congestion.line.unwrap_or_default();
        let bytes = congestion.queue_bytes.max(usize::try_from(line.bytes).unwrap_or(usize::MAX));
        stats::Queue { encoder_ms, bytes, ms: ms(congestion.queue_age.max(line.age)) }
    }

    /// Kilobits of sound in the last second.
    fn sound_rate(&self) -> f32 {
        lock(&self.counters).sound_kbps()
    }

    fn format(&self) -> Format {
        *lock(&self.format)
    }

    /// Whether pictures stand still, as they do while the camera is off.
    fn is_still(&self) -> bool {
        self.format().fps <= pause::FPS
    }

    /// What is sent of pictures when nothing is in the way: what it may be, and no more than they need.
    fn quality(&self) -> Quality {
        let quality = *lock(&self.quality);
        if self.is_still() { Quality { kbps: quality.kbps.min(STILL_KBPS), ..quality } } else { quality }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Publisher {
    /// Starts connecting; returns at once. It sends nothing until it is given a source.
    pub fn start(config: Config) -> Self {
        let clock = config.clock.local().clone();
        let options = link::Options { clock: clock.clone(), proxy: config.proxy, ..link::Options::default() };
        let server = config.url.parse::<crate::wire::Url>().map(|url| format!("{}:{}", url.host, url.port)).unwrap_or_default();
        config.tap.restart();
        let shared = Arc::new(Shared {
            tap: config.tap,
            sealer: config.seal.as_ref().map(Sealer::new),
            unsealed: AtomicBool::new(false),
            link: Publication::start(&config.runtime, &config.url, options),
            origin: Origin::new(clock.now().saturating_sub(HEAD_START)),
            clock: config.clock,
            audio: config.audio,
            repeat_every: config.repeat_every,
            eager_until_us: AtomicU64::new(0),
            pictures: Slot::new(),
            chunks: Queue::bounded(SOUND_CHUNKS),
            system: Queue::bounded(SYSTEM_CHUNKS),
            has_system: AtomicBool::new(false),
            format: Mutex::new(config.format),
            quality: Mutex::new(Quality { kbps: config.kbps.max(1), ..Quality::default() }),
            wanted: AtomicU32::new(u32::MAX),
            sound_kbps: AtomicU32::new(0),
            changes: Queue::bounded(CHANGES),
            mic: AtomicBool::new(true),
            voice: AtomicBool::new(false),
            level: Mutex::default(),
            counters: Mutex::new(Counters::new(server, config.history, clock.now())),
        });
        let (picture, sound) = (Arc::clone(&shared), Arc::clone(&shared));
        let started = |worker: io::Result<Worker>| worker.inspect_err(|e| tracing::error!("cannot publish: {e}")).ok();
        let workers = [
            started(Worker::spawn("publish-picture", move |stop| picture::run(&picture, stop))),
            started(Worker::spawn("publish-sound", move |stop| sound::run(&sound, stop))),
        ];
        Self { shared, video: Mutex::new(None), sound: Mutex::new(None), system: Mutex::new(None), workers }
    }

    /// Takes pictures from this source from now on; `None`: sends none.
    pub fn set_video(&self, video: Option<&Video>) {
        let mut connected = lock(&self.video);
        *connected = None;
        self.shared.pictures.take();
        if let Some(video) = video {
            *lock(&self.shared.format) = video.format();
            *connected = Some(video.connect(self.shared.pictures.clone()));
        }
    }

    /// Takes sound from this source from now on; `None`: sends none.
    pub fn set_sound(&self, sound: Option<&Sound>) {
        let mut connected = lock(&self.sound);
        *connected = None;
        self.shared.chunks.clear();
        *lock(&self.shared.level) = sound.map(Sound::meter).unwrap_or_default();
        self.shared.voice.store(sound.is_some_and(Sound::is_voice), Ordering::Release);
        if let Some(sound) = sound {
            *connected = Some(sound.connect(self.shared.chunks.clone()));
        }
    }

    /// Mixes this into all that is sent, whether the microphone is on or not; `None`: nothing.
    pub fn set_system_sound(&self, sound: Option<&SystemSound>) {
        let mut connected = lock(&self.system);
        *connected = None;
        self.shared.system.clear();
        self.shared.has_system.store(sound.is_some(), Ordering::Release);
        *connected = sound.map(|sound| sound.connect(self.shared.system.clone()));
    }

    /// Switches the sound on or off. While it is off, silence is sent (real silence, not the source turned down), with or without a
    /// source, so that the others' clocks run on.
    pub fn set_mic(&self, on: bool) {
        self.shared.mic.store(on, Ordering::Release);
    }

    /// Changes what is sent at most; what the way and the computer can do is found out from there.
    pub fn set_quality(&self, quality: Quality) {
        *lock(&self.shared.quality) = quality;
    }

    /// Says how many lines the largest picture has that anybody wants, 0 if nobody looks; `None` if that is not known.
    pub fn set_wanted(&self, lines: Option<u32>) {
        self.shared.wanted.store(lines.unwrap_or(u32::MAX), Ordering::Release);
    }

    /// The next change of what is sent, if there was another one.
    pub fn next_change(&self) -> Option<Change> {
        self.shared.changes.pop()
    }

    /// Makes key frames as often as may be (one a second), and repeats the sound's header, for a while: somebody begins to watch whose relay cannot ask for one, at a
    /// moment that nobody knows exactly.
    pub fn expect_viewer(&self) {
        let until = self.shared.clock.local().now() + EAGER;
        self.shared.eager_until_us.store(u64::try_from(until.as_micros()).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.shared.link.state().into()
    }

    /// The figures, as of the last second.
    pub fn stats(&self) -> PublishStats {
        let shared = &self.shared;
        let link = shared.link.stats();
        let mut stats = lock(&shared.counters).stats(link.dropped.video);
        stats.queue = shared.queue();
        stats.route.carrier = link.carrier;
        stats.sound.mic_rms = lock(&shared.level).rms();
        stats
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        *lock(&self.video) = None;
        *lock(&self.sound) = None;
        *lock(&self.system) = None;
        // Both are told before either is waited for.
        self.workers.iter().flatten().for_each(Worker::stop);
        self.workers = [None, None];
    }
}
