//! The player against a small RTMP server of this file: the test pattern and its beep in real time, through our encoders and a socket.
#![cfg(all(feature = "media", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, Queue, ServerClock, Slot};
use parlor::media::audio::Output;
use parlor::media::capture::pattern::{Pattern, flash_area};
use parlor::media::capture::{Format, tone};
use parlor::media::encode::{audio, video};
use parlor::media::frame::{Chunk, Rgba};
use parlor::media::play::{Config, Player, State};
use parlor::media::stats::History;
use parlor::media::timing::{Origin, on_clock};
use parlor::rtmp::server::{self, Event, Session};
use parlor::rtmp::{Packet, PacketKind, tag};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const FORMAT: Format = Format { width: 320, height: 180, fps: 30 };

/// What a connection does and how often there was one.
#[derive(Default)]
struct Server {
    /// Connections so far.
    accepted: AtomicUsize,
    /// Connections are cut while this is set.
    cut: AtomicBool,
    /// Names that were asked for, in order.
    ends: AtomicBool,
    names: std::sync::Mutex<Vec<String>>,
}

impl Server {
    fn start() -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Arc::new(Self::default());
        let inside = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (server, stream) = (inside.clone(), stream.unwrap());
                server.accepted.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || server.serve(stream));
            }
        });
        (server, address)
    }

    fn serve(&self, mut stream: TcpStream) {
        let clock = Clock::system();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        let mut session = Session::new(server::Config::default(), clock.now());
        let mut publisher = None;
        let mut buffer = [0; 4096];
        while !self.ends.load(Ordering::SeqCst) && !self.cut.load(Ordering::SeqCst) {
            match stream.read(&mut buffer) {
                Ok(0) => return,
                Ok(n) => session.receive(&buffer[..n], clock.now()).unwrap(),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => return,
            }
            while let Some(event) = session.poll_event() {
                if let Event::Play { stream_id, name, .. } = event {
                    self.names.lock().unwrap().push(name);
                    session.accept(stream_id, clock.now());
                    publisher = Some((stream_id, Publisher::new(clock.clone())));
                }
            }
            if let Some((id, publisher)) = &mut publisher {
                for packet in publisher.packets() {
                    session.send(*id, &packet);
                }
            }
            while let Some(bytes) = session.poll_output() {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
    }
}

/// The test pattern as packets, in real time.
struct Publisher {
    clock: Clock,
    origin: Origin,
    pattern: Pattern,
    video: video::Encoder,
    audio: audio::Encoder,
    next_picture: Duration,
    next_chunk: u64,
    begun: bool,
}

impl Publisher {
    fn new(clock: Clock) -> Self {
        let now = clock.now();
        let Format { width, height, fps } = FORMAT;
        let video = video::Config { width, height, rate: video::Rate::new(500, fps), choice: video::Choice::Software };
        Self {
            origin: Origin::new(now),
            pattern: Pattern::new(FORMAT),
            video: video::Encoder::open(video).unwrap(),
            audio: audio::Encoder::open(audio::Config::default()).unwrap(),
            next_picture: now,
            next_chunk: tone::number_at(now) + 1,
            begun: false,
            clock,
        }
    }

    fn packets(&mut self) -> Vec<Packet> {
        let now = self.clock.now();
        let mut packets = Vec::new();
        let stamp = self.origin;
        let packet = |kind, at, payload| Packet { kind, timestamp_ms: stamp.timestamp_ms(at), payload };
        let key = !self.begun;
        if !std::mem::replace(&mut self.begun, true) {
            packets.push(on_clock(i64::try_from(stamp.at().as_micros()).unwrap(), 0));
            packets.push(packet(PacketKind::Audio, stamp.at(), tag::opus_sequence_header(&self.audio.head())));
        }
        while Duration::from_millis((self.next_chunk + 1) * 10) <= now {
            if let Some(coded) = self.audio.encode(&tone::chunk(self.next_chunk)).unwrap() {
                packets.push(packet(PacketKind::Audio, coded.captured, tag::opus_frame(&coded.data)));
            }
            self.next_chunk += 1;
        }
        if self.next_picture <= now {
            let picture = Arc::new(self.pattern.draw(self.next_picture));
            self.next_picture = self.pattern.next_due(now);
            for coded in self.video.encode(&picture, key).unwrap() {
                if key {
                    let record = self.video.record().unwrap();
                    packets.push(packet(PacketKind::Video, coded.captured, tag::avc_sequence_header(record)));
                }
                packets.push(packet(PacketKind::Video, coded.captured, tag::avc_frame(coded.key, 0, &coded.data)));
            }
        }
        packets
    }
}

/// A player with everything it needs.
struct Viewer {
    picture: Slot<Rgba>,
    sound: Queue<Chunk>,
    clock: Clock,
    player: Player,
    _runtime: tokio::runtime::Runtime,
}

impl Viewer {
    fn of(address: SocketAddr) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let clock = Clock::system();
        let server_clock = ServerClock::new(clock.clone());
        server_clock.set_offset(0);
        let output = Output::silent(clock.clone()).unwrap();
        let (picture, sound) = (Slot::new(), output.reference());
        let player = Player::start(Config {
            url: format!("rtmp://{address}/live/room_peer?token=first"),
            output,
            clock: server_clock,
            runtime: runtime.handle().clone(),
            proxy: Default::default(),
            picture: picture.clone(),
            latency: parlor::media::play::Latency::Call,
            sync: false,
            start: clock.now(),
            history: History::default(),
            tap: Default::default(),
            opener: Default::default(),
        });
        Self { picture, sound, clock, player, _runtime: runtime }
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !done(self) {
            assert!(Instant::now() < patience, "never: {what}: {:?} {:?}", self.player.state(), self.player.stats());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn a_stream_is_seen_and_heard_early_and_in_sync() {
    let (_server, address) = Server::start();
    let viewer = Viewer::of(address);
    let (mut lit, mut flashes, mut beeps, mut quiet) = (true, Vec::new(), Vec::new(), 0);
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if let Some(picture) = viewer.picture.take_within(Duration::from_millis(5)) {
            let area = flash_area(picture.width);
            let at = ((area.y + area.height / 2) * picture.width as usize + area.x + area.width / 2) * 4;
            let bright = picture.data[at] > 128;
            if bright && !std::mem::replace(&mut lit, bright) {
                flashes.push(viewer.clock.now());
            }
            lit = bright;
        }
        while let Some(chunk) = viewer.sound.pop() {
            match chunk.samples.iter().position(|s| s.abs() > 0.2) {
                Some(at) if std::mem::replace(&mut quiet, 0) > 5 => {
                    beeps.push(chunk.captured + Duration::from_micros(at as u64 * 1000 / 48));
                }
                Some(_) => quiet = 0,
                None => quiet += 1,
            }
        }
    }
    let stats = viewer.player.stats();
    let mut offsets: Vec<f64> = flashes
        .iter()
        .filter_map(|flash| {
            beeps.iter().min_by_key(|beep| beep.abs_diff(*flash)).map(|beep| flash.as_secs_f64() - beep.as_secs_f64())
        })
        .map(|s| s * 1000.0)
        .collect();
    offsets.sort_by(f64::total_cmp);
    println!("flash minus beep {offsets:.1?} ms; {stats:?}");
    assert_eq!(viewer.player.state(), State::Playing);
    assert!(offsets.len() >= 7, "{} flashes, {} beeps", flashes.len(), beeps.len());
    // The middle of them: a single one may fall into a hiccup of a busy machine.
    assert!(offsets[offsets.len() / 2].abs() <= 40.0, "flash minus beep: {offsets:?} ms");
    assert!(stats.delay.all.unwrap().p50 <= 60.0, "{stats:?}");
    assert!(stats.picture.shown > 200 && stats.sound.rms_max > 0.3 && stats.picture.codec == "H.264", "{stats:?}");
    assert!((stats.picture.width, stats.picture.height) == (FORMAT.width, FORMAT.height) && stats.kbps > 50.0, "{stats:?}");
    assert!(stats.picture.first_ms.is_some() && stats.sound.first_ms.is_some());
}

#[test]
fn a_broken_connection_is_made_again_with_the_newest_credentials() {
    let (server, address) = Server::start();
    let viewer = Viewer::of(address);
    viewer.until("a picture", |v| v.player.stats().picture.shown > 5);
    viewer.player.set_url(format!("rtmp://{address}/live/room_peer?token=second"));
    server.cut.store(true, Ordering::SeqCst);
    viewer.until("the break is noticed", |v| matches!(v.player.state(), State::Closed(_)));
    viewer.until("it tries again", |_| server.accepted.load(Ordering::SeqCst) >= 3);
    server.cut.store(false, Ordering::SeqCst);
    let before = viewer.player.stats().picture.shown;
    viewer.until("pictures again", |v| v.player.state() == State::Playing && v.player.stats().picture.shown > before + 5);
    assert_eq!(server.names.lock().unwrap().last().unwrap(), "room_peer?token=second");
    assert!(viewer.player.stats().picture.freezes >= 1);
}

#[test]
fn a_player_of_a_server_that_never_answers_is_dropped_promptly() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let viewer = Viewer::of(listener.local_addr().unwrap());
    let (_silent, _) = listener.accept().unwrap();
    assert_eq!(viewer.player.state(), State::Connecting);
    let Viewer { player, _runtime: runtime, .. } = viewer;
    let before = Instant::now();
    drop(player);
    assert!(before.elapsed() < Duration::from_secs(2), "{:?}", before.elapsed());
    drop(runtime);
}

#[test]
fn what_ordinary_rtmp_tools_push_is_seen_and_heard() {
    use parlor::relay::{Hub, Open, serve_connection};
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let hub = Hub::new(Clock::system());
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    let (_shutdown, shut) = tokio::sync::watch::channel(false);
    runtime.spawn(async move {
        while let Ok((stream, peer)) = listener.accept().await {
            tokio::spawn(serve_connection(stream, peer, hub.clone(), Arc::new(Open), shut.clone()));
        }
    });
    // H.264 with B-pictures and AAC at 44.1 kHz in stereo.
    let mut ffmpeg = std::process::Command::new("ffmpeg")
        .args(["-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i"])
        .args(["sine=frequency=440:sample_rate=44100", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-bf", "2", "-g", "25"])
        .args(["-c:a", "aac", "-ac", "2", "-f", "flv", &format!("rtmp://{address}/live/room_peer")])
        .spawn()
        .expect("this test needs ffmpeg: apt-get install ffmpeg");
    let viewer = Viewer::of(address);
    viewer.until("a hundred pictures and a second of sound", |v| {
        let stats = v.player.stats();
        stats.picture.shown > 100 && stats.sound.rms > 0.05
    });
    let stats = viewer.player.stats();
    let heard: Vec<f32> = std::iter::from_fn(|| viewer.sound.pop()).flat_map(|c| c.samples).collect();
    ffmpeg.kill().unwrap();
    ffmpeg.wait().unwrap();
    println!("{stats:?}");
    let rising: Vec<usize> = (1..heard.len()).filter(|&i| heard[i - 1] <= 0.0 && heard[i] > 0.0).collect();
    let mut periods: Vec<usize> = rising.windows(2).map(|w| w[1] - w[0]).collect();
    periods.sort_unstable();
    assert!(periods[periods.len() / 2].abs_diff(109) <= 1, "440 Hz have a period of 109 samples, not {periods:?}");
    assert!(
        (20.0..30.0).contains(&stats.picture.fps) && stats.delay.recent.is_none() && stats.unsupported.is_none(),
        "{stats:?}"
    );
    assert!((stats.picture.gop_s - 1.0).abs() < 0.1, "{stats:?}");
}
