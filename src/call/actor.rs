//! The handle of a call: what the app, the bot and the tests hold.
//!
//! Starting does not wait for anything. One named thread (`run`) owns all media and is joined when the handle is dropped;
//! requests to the room service are made by one task of the given runtime.

use super::run::{self, Input};
use super::snapshot::{Me, Volume};
use super::{Command, Ended, Event, Phase, Snapshot};
use crate::base::{Clock, Queue, Secret, SecretKey, Worker};
use crate::media::audio::chain::Noise;
use crate::media::beauty::Beauty;
use crate::media::capture::{AudioSource, Format, VideoSource};
use crate::media::play::{Latency, Smoothness};
use crate::proto::{Code, Mode, Problem, RoomId};
use crate::room::Transport;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Events kept for a reader that does not come; then the oldest are dropped.
const MAX_EVENTS: usize = 1000;
/// Commands and reports that may wait for the thread.
const INPUTS: usize = 256;

/// How to get into a room.
#[derive(Clone, Debug)]
pub enum Entry {
    /// Make a new room.
    Create {
        /// Its name.
        name: String,
        /// Its kind.
        mode: Mode,
        /// Password that the others must give.
        password: Option<String>,
        /// Whether one's leaving ends the room for all.
        dissolve: bool,
    },
    /// Go into a room that is there.
    Enter {
        /// Its id or its name.
        room: String,
        /// Its password.
        password: Option<String>,
    },
}

/// Where the others' sound goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Speaker {
    /// The system's default output.
    #[default]
    Default,
    /// The output of this id.
    Device(String),
    /// Nowhere; the sound is decoded, played against the clock and measured all the same.
    Silent,
}

/// What a call needs to start.
#[derive(Clone)]
pub struct Config {
    /// Address of the server: `host:port` or an HTTP URL.
    pub server: String,
    /// How it is reached.
    pub transport: Transport,
    /// Which room.
    pub entry: Entry,
    /// Display name.
    pub name: String,
    /// The server's access key, where it asks for one.
    pub access_key: Option<String>,
    /// The key of a room that is encrypted from end to end: of one that is there, or for the one to be made. With it nothing is sent or
    /// played that is not sealed, whatever the server says of the room.
    pub key: Option<SecretKey>,
    /// [`Me::session`](super::snapshot::Me::session) of a call that ended without leaving: the seat in it is taken again.
    pub session: Option<Secret>,
    /// Where one's picture comes from.
    pub video: VideoSource,
    /// Where one's sound comes from.
    pub audio: AudioSource,
    /// Whether the microphone starts switched on.
    pub mic: bool,
    /// Whether the camera starts switched on.
    pub camera: bool,
    /// What others than Parlor see while the camera is off; `None`: initials.
    pub pause_image: Option<std::path::PathBuf>,
    /// Size and rate of one's picture; `None`: by the room's mode, see [`quality`](super::quality).
    pub format: Option<Format>,
    /// Bit rate of one's picture in kbit/s; `None`: by the room's mode.
    pub kbps: Option<u32>,
    /// Where the others' sound goes.
    pub speaker: Speaker,
    /// How the others are played in a live room.
    pub smoothness: Smoothness,
    /// How late the others are played on purpose; `None`: by the room's mode.
    pub latency: Option<Latency>,
    /// Whether to measure the others' flashes against their beeps (see [`Sync`](crate::media::stats::Sync)).
    pub sync: bool,
    /// Whether a short sound tells that somebody came, is gone or wrote.
    pub chimes: bool,
    /// How much noise is taken out of the microphone's sound.
    pub noise: Noise,
    /// Whether pictures are shown by something that works out colours itself.
    pub planes: bool,
    /// Whether the others see one as in a mirror.
    pub mirror: bool,
    /// How much the picture of a camera is smoothed and lightened.
    pub beauty: Beauty,
    /// How loud people of these names are played; everybody else as they come.
    pub volumes: BTreeMap<String, Volume>,
    /// Time.
    pub clock: Clock,
    /// Where requests and sockets run; must have I/O and time switched on and more than one thread.
    pub runtime: tokio::runtime::Handle,
    /// Called from any thread when there is something new to see (a window asks for a repaint here). Must not block.
    pub on_change: Arc<dyn Fn() + Send + Sync>,
}

impl Config {
    /// A call with the default camera, microphone and speaker, all switched on.
    pub fn new(server: impl Into<String>, entry: Entry, name: impl Into<String>, runtime: tokio::runtime::Handle) -> Self {
        Self {
            server: server.into(),
            transport: Transport::default(),
            entry,
            name: name.into(),
            access_key: None,
            key: None,
            session: None,
            video: VideoSource::Camera(None),
            audio: AudioSource::Device(None),
            mic: true,
            camera: true,
            pause_image: None,
            format: None,
            kbps: None,
            speaker: Speaker::Default,
            smoothness: Smoothness::default(),
            latency: None,
            sync: false,
            chimes: true,
            noise: Noise::default(),
            planes: false,
            mirror: false,
            beauty: Beauty::default(),
            volumes: BTreeMap::new(),
            clock: Clock::system(),
            runtime,
            on_change: Arc::new(|| {}),
        }
    }

    /// A synthetic member: test pattern and beeps, silent towards the machine it runs on. With it one person alone can try a call.
    pub fn test_partner(
        server: impl Into<String>,
        room: &RoomId,
        name: impl Into<String>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let entry = Entry::Enter { room: room.to_string(), password: None };
        Self {
            video: VideoSource::Pattern,
            audio: AudioSource::Tone,
            speaker: Speaker::Silent,
            ..Self::new(server, entry, name, runtime)
        }
    }
}

/// A running call. Dropping it leaves the room: at most half a second, however dead the network is.
pub struct Call {
    inputs: mpsc::Sender<Input>,
    shared: Arc<Shared>,
    worker: Option<Worker>,
}

impl Call {
    /// Starts to create or enter the room and returns at once; watch [`snapshot`](Self::snapshot) and [`events`](Self::events).
    pub fn start(config: Config) -> Self {
        let (inputs, received) = mpsc::channel(INPUTS);
        let shared = Arc::new(Shared::new(&config));
        let (seen, reports) = (shared.clone(), inputs.clone());
        let worker = match Worker::spawn("call", move |_| run::run(config, &seen, reports, received)) {
            Ok(worker) => Some(worker),
            Err(error) => {
                tracing::error!(%error, "no thread for the call");
                shared.end(Ended::Failed(Problem::new(Code::Internal, format!("no thread for the call: {error}")).into()));
                None
            }
        };
        Self { inputs, shared, worker }
    }

    /// Hands over a wish; never waits. Wishes are fulfilled in order.
    pub fn send(&self, command: Command) {
        if let Err(error) = self.inputs.try_send(Input::Command(command)) {
            tracing::warn!(%error, "a command was lost: the call is over, or its thread is stuck");
        }
    }

    /// What the call looks like now.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.shared.snapshot()
    }

    /// What has happened since the last time, oldest first. At most 1000 events wait; older ones are dropped.
    pub fn events(&self) -> Vec<Event> {
        std::iter::from_fn(|| self.shared.events.pop()).collect()
    }

    /// Leaves the room: tells the server (for at most 300 ms), stops all threads, gives the devices back. Same as dropping.
    pub fn leave(self) {
        drop(self);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.shared.leave.cancel();
        drop(self.worker.take());
    }
}

/// What the handle and the call's thread both see.
pub(super) struct Shared {
    snapshot: Mutex<Arc<Snapshot>>,
    events: Queue<Event>,
    pub(super) leave: Cancel,
    on_change: Arc<dyn Fn() + Send + Sync>,
}

impl Shared {
    fn new(config: &Config) -> Self {
        let me = Me { name: config.name.clone(), mic: config.mic, camera: config.camera, ..Me::default() };
        Self {
            snapshot: Mutex::new(Arc::new(Snapshot { me, ..Snapshot::default() })),
            events: Queue::bounded(MAX_EVENTS),
            leave: Cancel::default(),
            on_change: config.on_change.clone(),
        }
    }

    pub(super) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn show(&self, snapshot: Snapshot) {
        *self.snapshot.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
    }

    pub(super) fn on_change(&self) {
        (self.on_change)();
    }

    pub(super) fn tell(&self, event: Event) {
        tracing::debug!(?event, "call");
        self.events.push(event);
        (self.on_change)();
    }

    /// The last word of a call.
    pub(super) fn end(&self, why: Ended) {
        let mut snapshot = Snapshot::clone(&self.snapshot());
        snapshot.phase = Phase::Ended(why.clone());
        self.show(snapshot);
        self.tell(Event::Ended(why));
    }
}

/// The wish to leave, for a thread that waits in async code.
#[derive(Default)]
pub(super) struct Cancel(tokio::sync::Notify);

impl Cancel {
    fn cancel(&self) {
        // A permit is kept when nobody waits yet, so that the wish cannot be missed.
        self.0.notify_one();
    }

    pub(super) async fn cancelled(&self) {
        self.0.notified().await;
    }
}
