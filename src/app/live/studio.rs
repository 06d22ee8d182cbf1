//! One's own sources, and the stream that is sent from them to any address. A thread of its own, `studio`, does what is wished; opening a device has
//! yet another one, so that stopping never waits for a camera.

use crate::app::prejoin::preview::Wake;
use crate::base::{Clock, Proxy, Retry, ServerClock, Slot, Stop, Worker};
use crate::media::audio::chain::{Control, Noise};
use crate::media::capture::{AudioSource, Format, Outlet, Sound, SourceError, Video, VideoSource};
use crate::media::encode::audio::Codec;
use crate::media::frame::{Chunk, Rgba};
use crate::media::publish::{self, Publisher};
use crate::media::stats::{Cpu, CpuMeter, PublishStats};
use crate::media::trouble::Trouble;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;

/// How often wishes, sources and stream are looked at.
const LOOK: Duration = Duration::from_millis(40);
/// Servers that know nothing of key frames on demand, and those who come later, get one this often, and the sound's header with it.
const KEY_EVERY: Duration = Duration::from_secs(2);
/// A server that broke off is left alone for so long at least.
const REST: Duration = Duration::from_secs(1);

/// Where to send to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Address, with whatever key it needs.
    pub url: String,
    /// The picture's bit rate.
    pub kbps: u32,
    /// The server's clock, where it is known.
    pub clock: ServerClock,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
}

/// How it stands with the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Push {
    /// Nothing is sent.
    #[default]
    Off,
    /// The server has not said yes yet.
    Connecting,
    /// The server takes the stream, since this moment.
    Live(Duration),
    /// It broke off, and is tried again.
    Broken(Trouble),
    /// It did not come about, or is over for good.
    Failed(Trouble),
}

/// How everything is.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The camera is being opened.
    pub opening: bool,
    /// Why there is no picture.
    pub video_failure: Option<SourceError>,
    /// Why there is no sound.
    pub audio_failure: Option<SourceError>,
    /// Level of the sound, RMS.
    pub level: f32,
    /// The stream.
    pub push: Push,
    /// Its figures.
    pub stats: PublishStats,
    /// What the computer does.
    pub cpu: Cpu,
}

impl State {
    /// What there is to see while no figures are shown.
    fn looks_like(&self, other: &Self) -> bool {
        let plain = |s: &Self| (s.opening, s.video_failure.clone(), s.audio_failure.clone(), s.push.clone());
        plain(self) == plain(other) && (self.level - other.level).abs() < 0.002
    }
}

#[derive(Clone, Debug)]
struct Wishes {
    video: (VideoSource, Format),
    audio: AudioSource,
    mic: bool,
    /// Counts tries to open what failed.
    round: u32,
    /// Where to send to, and which time that was wished.
    target: Option<(u32, Target)>,
}

#[derive(Debug)]
struct Shared {
    wishes: Mutex<Wishes>,
    state: Mutex<State>,
}

/// The sources and the stream. Dropping it ends the stream and gives the devices back, which may take a moment.
#[derive(Debug)]
pub struct Studio {
    shared: Arc<Shared>,
    preview: Slot<Rgba>,
    chain: Control,
    _worker: Option<Worker>,
}

impl Studio {
    /// Opens these sources; returns at once.
    pub fn open(video: VideoSource, format: Format, audio: AudioSource, runtime: Handle, wake: Wake) -> Self {
        let wishes = Wishes { video: (video, format), audio, mic: true, round: 0, target: None };
        let shared = Arc::new(Shared { wishes: Mutex::new(wishes), state: Mutex::default() });
        let (preview, chain) = (Slot::new(), Control::default());
        let inside = Inside {
            shared: shared.clone(),
            preview: preview.clone(),
            chain: chain.clone(),
            clock: Clock::system(),
            runtime,
            video: Opener::default(),
            sound: Opener::default(),
            shown: None,
            publisher: None,
            connected: [None; 2],
            round: 0,
            live_since: None,
            retry: Retry::default(),
            retry_at: None,
            push: Push::Off,
            history: PublishStats::default().history,
            cpu: CpuMeter::default(),
        };
        let worker = Worker::spawn("studio", move |stop| inside.run(stop, &wake));
        let worker = worker.inspect_err(|error| tracing::error!(%error, "no thread for a live stream")).ok();
        Self { shared, preview, chain, _worker: worker }
    }

    /// One's own picture; newest wins.
    pub fn preview(&self) -> &Slot<Rgba> {
        &self.preview
    }

    /// How everything is now.
    pub fn state(&self) -> State {
        lock(&self.shared.state).clone()
    }

    /// Uses these sources from now on.
    pub fn choose(&self, video: VideoSource, format: Format, audio: AudioSource) {
        self.wish(|wishes| (wishes.video, wishes.audio) = ((video, format), audio));
    }

    /// Opens what failed once more.
    pub fn try_again(&self) {
        self.wish(|wishes| wishes.round += 1);
    }

    /// Says whether one is heard.
    pub fn set_mic(&self, on: bool) {
        self.wish(|wishes| wishes.mic = on);
    }

    /// Says what is heard in the room, so that it is not sent again, and how much noise is taken out of one's sound.
    pub fn set_chain(&self, reference: Option<crate::base::Queue<Chunk>>, noise: Noise) {
        self.chain.set_reference(reference);
        self.chain.set_noise(noise);
    }

    /// Sends to this address from now on; what is sent elsewhere ends.
    pub fn start(&self, target: Target) {
        lock(&self.shared.state).push = Push::Connecting;
        self.wish(|wishes| {
            let round = wishes.target.as_ref().map_or(0, |(round, _)| *round) + 1;
            wishes.target = Some((round, target));
        });
    }

    /// Sends no more.
    pub fn stop(&self) {
        lock(&self.shared.state).push = Push::Off;
        self.wish(|wishes| wishes.target = None);
    }

    fn wish(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut lock(&self.shared.wishes));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Something that takes long to open.
struct Opener<K, T> {
    wanted: Option<K>,
    opening: Option<(Worker, Slot<Result<T, SourceError>>)>,
    open: Option<T>,
    failure: Option<SourceError>,
    /// Counts what was opened.
    round: u32,
}

impl<K, T> Default for Opener<K, T> {
    fn default() -> Self {
        Self { wanted: None, opening: None, open: None, failure: None, round: 0 }
    }
}

impl<K: PartialEq, T: Send + 'static> Opener<K, T> {
    /// Opens another one, if that is wanted and none is being opened; the old one is closed first: two cannot have the same device.
    /// Returns whether the old one is gone or a new one there.
    fn want(&mut self, key: K, name: &str, open: impl FnOnce() -> Result<T, SourceError> + Send + 'static) -> bool {
        if let Some((_, slot)) = &self.opening {
            let Some(opened) = slot.take() else { return false };
            self.opening = None;
            (self.open, self.failure) = match opened {
                Ok(open) => (Some(open), None),
                Err(error) => (None, Some(error)),
            };
            self.round += 1;
            return true;
        }
        if self.wanted.as_ref() == Some(&key) {
            return false;
        }
        self.wanted = Some(key);
        self.failure = None;
        self.round += 1;
        let (slot, old) = (Slot::new(), self.open.take());
        let answer = slot.clone();
        match Worker::spawn(name, move |_| {
            drop(old);
            answer.put(open());
        }) {
            Ok(worker) => self.opening = Some((worker, slot)),
            Err(error) => self.failure = Some(error.into()),
        }
        true
    }
}

/// What the thread owns.
struct Inside {
    shared: Arc<Shared>,
    preview: Slot<Rgba>,
    chain: Control,
    clock: Clock,
    runtime: Handle,
    video: Opener<(VideoSource, Format, u32), Video>,
    sound: Opener<(AudioSource, u32), Sound>,
    /// Shows the open picture in the preview.
    shown: Option<Outlet>,
    publisher: Option<Publisher>,
    /// Which opening of picture and sound the publisher takes from.
    connected: [Option<u32>; 2],
    /// The wish that is being fulfilled.
    round: u32,
    live_since: Option<Duration>,
    retry: Retry,
    /// When to send again after it broke off.
    retry_at: Option<Duration>,
    push: Push,
    history: crate::media::stats::History<crate::media::stats::PublishSample>,
    cpu: CpuMeter,
}

impl Inside {
    fn run(mut self, stop: &Stop, wake: &Wake) {
        while !stop.is_set() {
            let wishes = lock(&self.shared.wishes).clone();
            self.open_sources(&wishes);
            self.send(&wishes);
            let state = self.state(wishes.mic);
            let seen = {
                let mut shown = lock(&self.shared.state);
                let same = shown.looks_like(&state);
                *shown = state;
                same
            };
            if !seen {
                wake();
            }
            stop.wait(LOOK);
        }
        // The stream ends before its sources.
        self.publisher = None;
    }

    fn open_sources(&mut self, wishes: &Wishes) {
        let (source, format) = wishes.video.clone();
        let (clock, asked) = (self.clock.clone(), source.clone());
        let changed = self.video.want((source, format, wishes.round), "live-camera", move || Video::open(asked, format, clock));
        if changed {
            self.preview.take();
            self.shown = self.video.open.as_ref().map(|video| video.show_in(self.preview.clone()));
        }
        let (clock, asked, chain) = (self.clock.clone(), wishes.audio.clone(), self.chain.clone());
        let key = (wishes.audio.clone(), wishes.round);
        self.sound.want(key, "live-mic", move || Sound::open_processed(asked, clock, chain));
    }

    fn send(&mut self, wishes: &Wishes) {
        let Some((round, target)) = &wishes.target else {
            (self.publisher, self.retry_at, self.live_since, self.push) = (None, None, None, Push::Off);
            return;
        };
        let now = self.clock.now();
        let again = self.retry_at.is_some_and(|at| now >= at);
        if *round != self.round || again {
            if *round != self.round {
                (self.round, self.live_since, self.push) = (*round, None, Push::Connecting);
                self.retry = Retry::default();
            }
            self.publisher = None;
            self.retry_at = None;
            self.connected = [None; 2];
            self.publisher = Some(Publisher::start(publish::Config {
                url: target.url.clone(),
                format: wishes.video.1,
                kbps: target.kbps,
                audio: Codec::Aac,
                repeat_every: Some(KEY_EVERY),
                clock: target.clock.clone(),
                runtime: self.runtime.clone(),
                proxy: target.proxy.clone(),
                history: self.history.clone(),
                tap: Default::default(),
                seal: None,
            }));
        }
        let Some(publisher) = &self.publisher else { return };
        // Connecting again what is connected would cost what is on its way.
        if self.connected[0].replace(self.video.round) != Some(self.video.round) {
            publisher.set_video(self.video.open.as_ref());
        }
        if self.connected[1].replace(self.sound.round) != Some(self.sound.round) {
            publisher.set_sound(self.sound.open.as_ref());
        }
        // Where there is no sound, silence is sent: players wait for it otherwise.
        let heard = self.sound.open.as_ref().is_some_and(|sound| *sound.source() != AudioSource::None);
        publisher.set_mic(wishes.mic && heard);
        while publisher.next_change().is_some() {}
        match publisher.state() {
            publish::State::Connecting => {}
            publish::State::Live => {
                self.retry.succeeded();
                self.push = Push::Live(*self.live_since.get_or_insert(now));
            }
            publish::State::Closed(error) => {
                let trouble = Trouble::from(&error);
                tracing::warn!(%error, "the live stream broke");
                self.publisher = None;
                // What has worked before is worth trying again; what never did is for the person to look at.
                if self.live_since.is_some() && !trouble.kind.is_final() {
                    self.retry_at = Some(now + self.retry.failed(now).max(REST));
                    self.push = Push::Broken(trouble);
                } else {
                    self.push = Push::Failed(trouble);
                }
            }
        }
    }

    fn state(&mut self, mic: bool) -> State {
        let (video, sound) = (&self.video, &self.sound);
        let level = sound.open.as_ref().map_or(0.0, Sound::level);
        State {
            opening: video.opening.is_some(),
            video_failure: video.failure.clone().or_else(|| video.open.as_ref().and_then(Video::failure)),
            audio_failure: sound.failure.clone().or_else(|| sound.open.as_ref().and_then(Sound::failure)),
            level: if mic { level } else { 0.0 },
            push: self.push.clone(),
            stats: self.publisher.as_ref().map(Publisher::stats).unwrap_or_default(),
            cpu: self.cpu.measure(self.clock.now()),
        }
    }
}
