//! A server and two people on an emulated network.

use crate::diary::{Diary, Note, PATIENCE, observe};
use parlor::base::Clock;
use parlor::call::{Call, Command, Config, Entry, Phase, Snapshot, Speaker};
use parlor::media::capture::{AudioSource, Format, VideoSource};
use parlor::proto::{Mode, RoomId};
use parlor_lab::net::{self, Network, Plan, Side};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// 30 ms there and back, as across a country.
const LINK: &str = "both:delay=15";
const ROOM: &str = "Room 会议";
/// Tells the process of the other person what to do: server, name, file of sound.
const OTHER: &str = "PARLOR_RECOVERY_OTHER";

pub struct Lab {
    // People block on the runtime when they leave, so it goes after them; the network last of all.
    server: Option<Server>,
    runtime: Runtime,
    pub network: Network,
    folder: tempfile::TempDir,
}

impl Lab {
    /// A network with a server on its far side; nothing where there can be none.
    pub fn new() -> Option<Self> {
        if let Err(why) = net::available() {
            eprintln!("SKIPPED, NOTHING WAS TESTED: {why}");
            return None;
        }
        let network = Network::start(&Plan::parse([LINK]).unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        write_tone(&folder.path().join("tone.wav"));
        let server = Some(Server::start(&network, folder.path(), "0.0.0.0:0"));
        let builder = || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let runtime = network.inside(Side::Near, builder).unwrap();
        Some(Self { server, runtime, network, folder })
    }

    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Without a word to anybody.
    pub fn kill_server(&mut self) -> String {
        let server = self.server.take().unwrap();
        server.listen.clone()
    }

    /// At the same address, with what it had on disk.
    pub fn start_server(&mut self, listen: &str) {
        self.server = Some(Server::start(&self.network, self.folder.path(), listen));
    }

    fn tone(&self) -> PathBuf {
        self.folder.path().join("tone.wav")
    }

    pub fn config(&self, server: String, entry: Entry) -> Config {
        config(server, entry, "Ann", self.tone(), self.runtime.handle().clone())
    }

    /// Ann, here, on the near side, in a room of her own.
    pub fn ann(&self) -> Ann {
        let entry = Entry::Create { name: ROOM.into(), mode: Mode::Multi, password: None, dissolve: false };
        Ann::new(self.network.inside(Side::Near, || Call::start(self.config(self.server().address(), entry))).unwrap())
    }

    /// Ben, in another process, on the far side.
    pub fn ben(&self, room: &RoomId) -> Ben {
        let mut command = self.network.command(Side::Far, std::env::current_exe().unwrap());
        command.args(["--exact", "lab::the_other_person", "--ignored", "--nocapture"]);
        command.env(OTHER, format!("{}|{room}|Ben|{}", self.server().address(), self.tone().display()));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (diary, lines) = (Diary::default(), BufReader::new(process.stdout.take().unwrap()));
        let notes = diary.clone();
        thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                if let Some((at, note)) = line.strip_prefix("@ ").and_then(|line| line.split_once(' ')) {
                    notes.add(Duration::from_micros(at.parse().unwrap()), note.parse().unwrap());
                }
            }
        });
        Ben { process, diary }
    }

    /// Both, seeing and hearing each other.
    pub fn both(&self) -> (Ann, Ben) {
        let ann = self.ann();
        let entered = ann.until("in the call", |s| matches!(s.phase, Phase::InCall));
        // By its id: by its name a room is found once its creator's stream flows.
        let ben = self.ben(&entered.room.as_ref().unwrap().id);
        for diary in [&ann.diary, &ben.diary] {
            diary.when(&Note::Picture, Duration::ZERO);
            diary.when(&Note::Sound, Duration::ZERO);
        }
        // In the middle of a call, not at its beginning.
        thread::sleep(Duration::from_secs(1));
        (ann, ben)
    }

    /// The cable is out.
    pub fn cut(&self) -> Duration {
        self.network.change(&"both:cut=1".parse().unwrap());
        now()
    }

    /// And in again.
    pub fn heal(&self) -> Duration {
        self.network.change(&"both:cut=0".parse().unwrap());
        now()
    }
}

pub fn now() -> Duration {
    Clock::system().now()
}

/// A server in a process of its own on the far side; killed with this.
pub struct Server {
    process: Child,
    listen: String,
    pin: String,
}

impl Server {
    fn start(network: &Network, data: &Path, listen: &str) -> Self {
        let mut command = network.command(Side::Far, env!("CARGO_BIN_EXE_parlor-server"));
        command.args(["--listen", listen, "--data"]).arg(data.join("server"));
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&ready).unwrap();
        let text = |key: &str| ready[key].as_str().unwrap().to_owned();
        Self { process, listen: text("listen"), pin: text("pin") }
    }

    /// Where people find it.
    pub fn address(&self) -> String {
        let port = self.listen.rsplit(':').next().unwrap();
        format!("{}:{port}#pin={}", Side::Far.address(), self.pin)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The person in this process.
pub struct Ann {
    // Before the call, which it holds on to.
    watcher: Watcher,
    pub call: Arc<Call>,
    pub diary: Diary,
}

/// A thread that writes the diary.
struct Watcher(Arc<AtomicBool>, Option<JoinHandle<()>>);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
        if let Some(thread) = self.1.take() {
            let _ = thread.join();
        }
    }
}

impl Ann {
    pub fn new(call: Call) -> Self {
        let (call, diary, stop) = (Arc::new(call), Diary::default(), Arc::new(AtomicBool::new(false)));
        let (seen, notes, stopped) = (call.clone(), diary.clone(), stop.clone());
        let thread = thread::spawn(move || observe(&seen, &stopped, |at, note| notes.add(at, note)));
        Self { watcher: Watcher(stop, Some(thread)), call, diary }
    }

    pub fn send(&self, command: Command) {
        self.call.send(command);
    }

    /// Waits until the call is as wanted.
    pub fn until(&self, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let snapshot = self.call.snapshot();
            if wanted(&snapshot) {
                return snapshot;
            }
            assert!(Instant::now() < deadline, "Ann waited in vain for: {what}\n{snapshot:#?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Leaves, and says how long that took.
    pub fn leave(self) -> Duration {
        let Self { watcher, call, .. } = self;
        drop(watcher);
        let call = Arc::into_inner(call).expect("nobody else holds the call");
        let begin = Instant::now();
        call.leave();
        begin.elapsed()
    }
}

/// The person in the other process; killed with this.
pub struct Ben {
    process: Child,
    pub diary: Diary,
}

impl Ben {
    /// As from a terminal: `STOP`, `CONT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let sent = std::process::Command::new("kill").args(["-s", name, &self.process.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Ben {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[ignore = "no test: it is the process of the other person, started by the tests"]
fn the_other_person() {
    let wish = std::env::var(OTHER).expect("started by the tests only");
    let [server, room, name, tone] = wish.split('|').collect::<Vec<_>>().try_into().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let entry = Entry::Enter { room: room.into(), password: None };
    let call = Call::start(config(server.to_owned(), entry, name, tone.into(), runtime.handle().clone()));
    let mut out = std::io::stdout().lock();
    observe(&call, &AtomicBool::new(false), |at, note| {
        // The tests are over when nobody reads.
        if writeln!(out, "@ {} {note}", at.as_micros()).and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    });
}

fn config(server: String, entry: Entry, name: &str, tone: PathBuf, runtime: tokio::runtime::Handle) -> Config {
    Config {
        video: VideoSource::Pattern,
        audio: AudioSource::File(tone),
        speaker: Speaker::Silent,
        // Small: this is about time, and runs beside others.
        format: Some(Format { width: 320, height: 180, fps: 30 }),
        kbps: Some(200),
        ..Config::new(server, entry, name, runtime)
    }
}

/// Two seconds of 440 Hz; files are played over and over.
fn write_tone(path: &Path) {
    const RATE: u32 = 48_000;
    let samples = (0..2 * RATE).map(|n| ((f64::from(n) * 440.0 * std::f64::consts::TAU / f64::from(RATE)).sin() * 8000.0) as i16);
    let data: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    let mut file = Vec::new();
    file.extend_from_slice(b"RIFF");
    file.extend_from_slice(&(36 + data.len() as u32).to_le_bytes());
    file.extend_from_slice(b"WAVEfmt ");
    file.extend_from_slice(&16_u32.to_le_bytes());
    for half in [1_u16, 1] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(&RATE.to_le_bytes());
    file.extend_from_slice(&(2 * RATE).to_le_bytes());
    for half in [2_u16, 16] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    file.extend_from_slice(b"data");
    file.extend_from_slice(&(data.len() as u32).to_le_bytes());
    file.extend_from_slice(&data);
    std::fs::write(path, file).unwrap();
}
