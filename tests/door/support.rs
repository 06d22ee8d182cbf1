//! A server process, a stream that flows through it, and connections that misbehave.

use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::link::{Options, Playback, Publication, State};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Far longer than anything takes, even on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// `parlor-server` on a free port, with a data folder and a log of its own.
pub struct Server {
    child: Child,
    pub listen: String,
    pub folder: TempDir,
}

impl Server {
    pub fn start(args: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
        for key in parlor::host::config::keys() {
            command.env_remove(&key.env);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        command.args(["--listen", "127.0.0.1:0", "--data"]).arg(folder.path()).args(args).stderr(log);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{e}: {line:?}"));
        Self { child, listen: ready["listen"].as_str().unwrap().to_owned(), folder }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([format!("-{signal}"), self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// The code with which it has ended.
    pub fn exited(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().map(|status| status.code().unwrap_or(-1))
    }

    /// The code with which it ends.
    pub fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        while self.exited().is_none() {
            assert!(start.elapsed() < PATIENCE, "the server does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.exited()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.listen).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A connection that has said this; the server may have closed it meanwhile.
    pub fn saying(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        stream
    }

    /// The status of a whole answer to `request`, 0 if there is none.
    pub fn status(&self, request: &[u8]) -> u16 {
        let answer = rest(self.saying(request));
        answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
    }

    /// A figure that operators see; as often as it takes to get in.
    pub fn figure(&self, name: &str) -> f64 {
        let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.listen);
        let mut answer = String::new();
        wait_until("the figures", || {
            answer = rest(self.saying(request.as_bytes()));
            !answer.is_empty()
        });
        let line = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {answer}")).parse().unwrap()
    }

    pub fn resident_kb(&self) -> f64 {
        self.figure("process_resident_memory_bytes") / 1024.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the server says until it closes.
pub fn rest(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // Closing with unread bytes resets; what came before is what counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Whether the server has closed the connection, or closes it in time.
pub fn is_closed(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Somebody's stream through the server: sound every 20 ms, from the beginning of the test to its end.
pub struct Flow {
    arrived: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    state: Arc<dyn Fn() -> (State, State) + Send + Sync>,
    sender: Option<JoinHandle<()>>,
    _runtime: Runtime,
}

impl Flow {
    /// Through an open server.
    pub fn through(server: &Server) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let url = format!("rtmp://{}/live/untouched", server.listen);
        let publication = Arc::new(Publication::start(runtime.handle(), &url, Options::default()));
        let playback = Arc::new(Playback::start(runtime.handle(), &url, Options::default()));
        wait_until("both are live", || publication.state().is_live() && playback.state().is_live());
        let (arrived, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (sending, receiving, counted, stopped) = (publication.clone(), playback.clone(), arrived.clone(), stop.clone());
        let sender = std::thread::spawn(move || {
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                number += 1;
                let payload = tag::opus_frame(&[7; 80]);
                sending.send(Packet { kind: PacketKind::Audio, timestamp_ms: number * 20, payload });
                while receiving.packets().pop_within(Duration::from_millis(20)).is_some() {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let state = Arc::new(move || (publication.state(), playback.state()));
        let flow = Self { arrived, stop, state, sender: Some(sender), _runtime: runtime };
        flow.goes_on();
        flow
    }

    /// Fails unless packets arrive, on the same connections as ever.
    pub fn goes_on(&self) {
        let before = self.arrived.load(Ordering::Relaxed);
        wait_until("the stream flows", || self.arrived.load(Ordering::Relaxed) > before + 10);
        let (publication, playback) = (self.state)();
        assert!(publication.is_live() && playback.is_live(), "{publication:?} {playback:?}");
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(sender) = self.sender.take() {
            let _ = sender.join();
        }
    }
}
