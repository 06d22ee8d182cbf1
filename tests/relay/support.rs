//! A relay on a free port, packets to send through it, and real FLV files.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parlor::base::Clock;
use parlor::relay::{Answer, Grant, Hub, Open, Policy, Refusal, Request, serve_connection};
use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::link::{Options, Playback, Publication, State};
use parlor::wire::tune;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// Polls until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn runtime(threads: usize) -> Runtime {
    Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap()
}

/// A relay that serves until dropped.
pub struct Relay {
    pub hub: Hub,
    pub clock: Clock,
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    pub runtime: Runtime,
}

impl Relay {
    /// By the system's clock, open for all.
    pub fn open() -> Self {
        Self::start(Clock::system(), Arc::new(Open))
    }

    pub fn start(clock: Clock, policy: Arc<dyn Policy>) -> Self {
        let runtime = runtime(2);
        let hub = Hub::new(clock.clone());
        let (stop, stopped) = watch::channel(false);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let inside = hub.clone();
        runtime.spawn(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                tune(&stream).unwrap();
                tokio::spawn(serve_connection(stream, peer, inside.clone(), policy.clone(), stopped.clone()));
            }
        });
        Self { hub, clock, address, stop, runtime }
    }

    pub fn url(&self, name: &str) -> String {
        format!("rtmp://{}/live/{name}", self.address)
    }

    pub fn publish(&self, name: &str) -> Publication {
        let publication = Publication::start(self.runtime.handle(), &self.url(name), Options::default());
        wait_until("the publication is live", || live(&publication.state()));
        publication
    }

    /// A playback that the hub knows of.
    pub fn play(&self, name: &str) -> Playback {
        let before = self.readers(name);
        let playback = Playback::start(self.runtime.handle(), &self.url(name), Options::default());
        wait_until("the playback is live", || live(&playback.state()) && self.readers(name) > before);
        playback
    }

    pub fn readers(&self, name: &str) -> usize {
        let name = name.split('?').next().unwrap();
        self.hub.stream(name).map_or(0, |stream| stream.readers)
    }

    /// Tells all connections that the server stops.
    pub fn shut_down(&self) {
        self.stop.send_replace(true);
    }
}

fn live(state: &State) -> bool {
    if let State::Closed(error) = state {
        panic!("closed: {error:?}");
    }
    state.is_live()
}

/// The next packet.
pub fn next(playback: &Playback) -> Packet {
    match playback.packets().pop_within(PATIENCE) {
        Some((packet, _)) => packet,
        None => panic!("nothing came; state {:?}", playback.state()),
    }
}

pub fn packet(kind: PacketKind, timestamp_ms: u32, payload: impl Into<Bytes>) -> Packet {
    Packet { kind, timestamp_ms, payload: payload.into() }
}

pub fn config() -> Packet {
    packet(PacketKind::Video, 0, tag::avc_sequence_header(b"configuration"))
}

pub fn key_frame(timestamp_ms: u32, size: usize) -> Packet {
    packet(PacketKind::Video, timestamp_ms, tag::avc_frame(true, 0, &vec![timestamp_ms as u8; size]))
}

pub fn inter_frame(timestamp_ms: u32, size: usize) -> Packet {
    packet(PacketKind::Video, timestamp_ms, tag::avc_frame(false, 0, &vec![timestamp_ms as u8; size]))
}

pub fn sound(timestamp_ms: u32) -> Packet {
    packet(PacketKind::Audio, timestamp_ms, tag::opus_frame(&[timestamp_ms as u8; 80]))
}

/// Lets in only those with a token, which names the owner.
pub struct Named;

impl Policy for Named {
    fn authorize(&self, request: Request) -> Answer {
        Box::pin(async move {
            // A check that takes a moment, as one that asks elsewhere would.
            tokio::time::sleep(Duration::from_millis(5)).await;
            match request.query.strip_prefix("token=") {
                Some(owner) if !owner.is_empty() => {
                    Ok(Grant { owner: owner.to_owned(), wait: Duration::from_secs(600), live: false, max_kbps: 0 })
                }
                _ => Err(Refusal::Denied("This invitation is not valid.".to_owned())),
            }
        })
    }
}

/// A running program that is killed when dropped.
pub struct Program(pub Child);

impl Program {
    pub fn start(program: &str, arguments: &[&str]) -> Self {
        let child = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        Self(child.unwrap_or_else(|e| panic!("this test needs {program}: {e}")))
    }

    /// Waits for the end; true if it was a success.
    pub fn succeeds(mut self) -> bool {
        let mut status = None;
        wait_until("the program ends", || {
            status = self.0.try_wait().unwrap();
            status.is_some()
        });
        status.is_some_and(|status| status.success())
    }

    /// SIGKILL: no farewell of any kind.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub const SOURCE: [&str; 18] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=320x180:rate=25",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:sample_rate=48000",
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-tune",
    "zerolatency",
    "-g",
    "25",
    "-c:a",
    "aac",
];

/// Two seconds of picture (50 frames) and sound as ffmpeg writes them.
pub fn flv_file(folder: &Path) -> PathBuf {
    let path = folder.join("source.flv");
    let mut arguments = vec!["-v", "error"];
    arguments.extend(SOURCE);
    arguments.extend(["-t", "2", "-f", "flv", path.to_str().unwrap()]);
    assert!(Program::start("ffmpeg", &arguments).succeeds());
    path
}

/// The tags of an FLV file, as packets.
pub fn flv_packets(path: &Path) -> Vec<Packet> {
    let bytes = Bytes::from(std::fs::read(path).unwrap());
    let (mut at, mut packets) = (13, Vec::new());
    while at + 11 <= bytes.len() {
        let size = usize::from(bytes[at + 1]) << 16 | usize::from(bytes[at + 2]) << 8 | usize::from(bytes[at + 3]);
        let timestamp_ms = u32::from_be_bytes([bytes[at + 7], bytes[at + 4], bytes[at + 5], bytes[at + 6]]);
        let kind = match bytes[at] {
            8 => PacketKind::Audio,
            9 => PacketKind::Video,
            _ => PacketKind::Data,
        };
        packets.push(Packet { kind, timestamp_ms, payload: bytes.slice(at + 11..at + 11 + size) });
        at += 11 + size + 4;
    }
    packets
}
