//! A server, and people who call each other on it.

use parlor::call::{Call, Config, Ended, Entry, Event, Peer, Phase, Snapshot, Speaker};
use parlor::host::{self, Host};
use parlor::media::capture::{AudioSource, Format, VideoSource};
use parlor::proto::Mode;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Longest wait for anything that should come at once; a loaded machine may need it.
pub const PATIENCE: Duration = Duration::from_secs(40);
/// Loudness of a beep, far above anything that an encoder makes of silence.
pub const LOUD: f32 = 0.02;
pub const SILENT: f32 = 0.001;

/// A server with the calls on it.
pub struct Stage {
    // Calls block on the runtime when they are dropped, so it goes last.
    host: Option<Host>,
    /// Where people find it.
    pub address: SocketAddr,
    pub runtime: Runtime,
}

impl Stage {
    pub fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let host = serve(&runtime, SocketAddr::from(([127, 0, 0, 1], 0)));
        Self { address: host.addr(), host: Some(host), runtime }
    }

    /// On a server that somebody else runs.
    pub fn at(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        Self { host: None, address, runtime }
    }

    pub fn config(&self, entry: Entry, name: &str) -> Config {
        Config {
            video: VideoSource::Pattern,
            audio: AudioSource::Tone,
            speaker: Speaker::Silent,
            // Small: these tests are about who sees whom, and run beside others.
            format: Some(Format { width: 320, height: 180, fps: 15 }),
            kbps: Some(200),
            ..Config::new(self.address.to_string(), entry, name, self.runtime.handle().clone())
        }
    }

    /// The server's key.
    pub fn pin(&self) -> String {
        self.host.as_ref().unwrap().info().pin.clone()
    }

    /// Stops the server as an operator would.
    pub fn stop(&mut self) {
        self.runtime.block_on(self.host.take().unwrap().stop());
    }

    /// Starts it again, with nothing remembered, at the same address.
    pub fn start_again(&mut self) {
        self.host = Some(serve(&self.runtime, self.address));
    }

    /// A creator whose stream flows, so that others can enter.
    pub fn create(&self, mode: Mode, name: &str) -> Person {
        self.create_with(mode, name, None)
    }

    pub fn create_with(&self, mode: Mode, name: &str, password: Option<&str>) -> Person {
        let entry = Entry::Create { name: "Room 会议".into(), mode, password: password.map(str::to_owned), dissolve: true };
        let person = Person::new(Call::start(self.config(entry, name)));
        person.in_call();
        self.listed();
        person
    }

    /// Waits until the room is in the list, which is a moment after its creator's stream began.
    pub fn listed(&self) {
        let client = parlor::room::Client::new(&self.address.to_string()).unwrap();
        let deadline = Instant::now() + PATIENCE;
        self.runtime.block_on(client.login("Lister")).unwrap();
        while self.runtime.block_on(client.get_room_list(0, 1)).unwrap().total == 0 {
            assert!(Instant::now() < deadline, "the room is not listed");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn enter(&self, name: &str) -> Person {
        Person::new(Call::start(self.config(enter(None), name)))
    }
}

pub fn enter(password: Option<&str>) -> Entry {
    Entry::Enter { room: "Room 会议".into(), password: password.map(str::to_owned) }
}

pub fn serve(runtime: &Runtime, address: SocketAddr) -> Host {
    let config = host::Config { listen: vec![address], ..host::Config::default() };
    runtime.block_on(host::start(config)).unwrap()
}

/// A call and what has happened in it.
pub struct Person {
    pub call: Call,
    events: std::cell::RefCell<Vec<Event>>,
}

impl Person {
    pub fn new(call: Call) -> Self {
        Self { call, events: Default::default() }
    }

    pub fn in_call(&self) {
        self.until("in the call", |s| matches!(s.phase, Phase::InCall));
    }

    pub fn reconnecting(&self) {
        self.until("reconnecting", |s| matches!(s.phase, Phase::Reconnecting { .. }));
    }

    /// Waits until the snapshot is as wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.call.snapshot();
            if wanted(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < deadline, "{} waited in vain for: {what}\n{snapshot:#?}", snapshot.me.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for an event; those before it are used up.
    pub fn event<T>(&self, what: &str, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut events = self.events.borrow_mut();
            events.extend(self.call.events());
            if let Some(at) = events.iter().position(|e| wanted(e).is_some()) {
                let used: Vec<Event> = events.drain(..=at).collect();
                return used.last().and_then(&wanted).unwrap();
            }
            assert!(Instant::now() < deadline, "no event in time: {what}; there was {events:?}");
            drop(events);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn ended(&self) -> Ended {
        self.event("the end", |e| if let Event::Ended(why) = e { Some(why.clone()) } else { None })
    }

    /// Waits until `name` is both seen and heard, from now on.
    pub fn sees_and_hears(&self, name: &str) {
        let before = self.peer(name).map_or(0, |p| p.stats.picture.shown);
        self.until(&format!("pictures of {name}"), |s| peer(s, name).is_some_and(|p| p.stats.picture.shown > before + 20));
        self.until(&format!("sound of {name}"), |s| peer(s, name).is_some_and(|p| p.stats.sound.rms > LOUD));
    }

    pub fn peer(&self, name: &str) -> Option<Peer> {
        peer(&self.call.snapshot(), name).cloned()
    }
}

pub fn peer<'a>(snapshot: &'a Snapshot, name: &str) -> Option<&'a Peer> {
    snapshot.peers.iter().find(|p| p.name == name)
}

pub fn joined(event: &Event) -> Option<String> {
    if let Event::PeerJoined { name, .. } = event { Some(name.clone()) } else { None }
}

pub fn left(event: &Event) -> Option<String> {
    if let Event::PeerLeft { name, .. } = event { Some(name.clone()) } else { None }
}
