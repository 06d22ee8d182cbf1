//! A publisher, an in-process relay, and what comes out at a player: the packets themselves, decoded by a real FFmpeg.
#![cfg(all(feature = "media", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use parlor::base::{Clock, ServerClock, Slot};
use parlor::media::capture::{AudioSource, Format, Sound, Video, VideoSource};
use parlor::media::encode::audio::Codec;
use parlor::media::publish::{Config, Publisher, State};
use parlor::media::stats::History;
use parlor::media::timing::{read_on_clock, read_stamp};
use parlor::relay::{Hub, Open, serve_connection};
use parlor::rtmp::tag::{Audio, AudioBody, AudioCodec, FrameKind, Video as VideoTag, VideoBody, VideoCodec};
use parlor::rtmp::{Packet, PacketKind};
use parlor::wire::link::{Options, Playback};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::watch;

/// Patience with a slow machine.
const LIMIT: Duration = Duration::from_secs(30);

struct Relay {
    runtime: Runtime,
    address: SocketAddr,
    _stop: watch::Sender<bool>,
}

impl Relay {
    fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let hub = Hub::new(Clock::system());
        runtime.spawn(async move {
            while let Ok((socket, peer)) = listener.accept().await {
                socket.set_nodelay(true).unwrap();
                tokio::spawn(serve_connection(socket, peer, hub.clone(), Arc::new(Open), stopped.clone()));
            }
        });
        Self { runtime, address, _stop: stop }
    }

    fn url(&self, name: &str) -> String {
        format!("rtmp://{}/live/{name}", self.address)
    }

    fn publish(&self, name: &str, format: Format) -> Publisher {
        Publisher::start(self.config(name, format))
    }

    fn config(&self, name: &str, format: Format) -> Config {
        Config {
            url: self.url(name),
            format,
            kbps: 800,
            audio: Codec::Opus,
            repeat_every: None,
            clock: ServerClock::new(Clock::system()),
            runtime: self.runtime.handle().clone(),
            proxy: Default::default(),
            history: History::default(),
            tap: Default::default(),
            seal: None,
        }
    }

    fn play(&self, name: &str) -> Playback {
        Playback::start(self.runtime.handle(), &self.url(name), Options::default())
    }
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < LIMIT, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn next(playback: &Playback) -> (Packet, Duration) {
    playback.packets().pop_within(LIMIT).unwrap_or_else(|| panic!("nothing comes: {:?}", playback.state()))
}

fn pattern(format: Format) -> Video {
    Video::open(VideoSource::Pattern, format, Clock::system()).unwrap()
}

fn tone() -> Sound {
    Sound::open(AudioSource::Tone, Clock::system()).unwrap()
}

const SMALL: Format = Format { width: 320, height: 180, fps: 30 };

#[test]
fn picture_sound_and_clock_arrive_on_one_time_line() {
    let relay = Relay::start();
    let (video, sound) = (pattern(SMALL), tone());
    let publisher = relay.publish("a", SMALL);
    publisher.set_video(Some(&video));
    publisher.set_sound(Some(&sound));
    wait_for("the server's yes", || publisher.state() == State::Live);
    let playback = relay.play("a");
    let (mut origin, mut metadata, mut video_header, mut audio_header) = (None, false, false, false);
    let (mut pictures, mut sounds): (Vec<(u32, bool)>, Vec<u32>) = (Vec::new(), Vec::new());
    let mut delays = Vec::new();
    while pictures.len() < 60 || sounds.len() < 60 {
        let (packet, arrived) = next(&playback);
        match packet.kind {
            PacketKind::Data if read_on_clock(&packet).is_some() => origin = read_on_clock(&packet),
            PacketKind::Data => metadata |= packet.payload.windows(10).any(|w| w == b"onMetaData"),
            PacketKind::Video => {
                let tag = VideoTag::parse(&packet.payload).unwrap();
                assert_eq!(tag.codec, VideoCodec::Avc);
                match tag.body {
                    VideoBody::SequenceHeader(record) => {
                        video_header = true;
                        assert_eq!(record[1], 66, "baseline");
                    }
                    VideoBody::Coded { composition_ms, .. } => {
                        assert!(video_header, "a picture before its header");
                        assert_eq!(composition_ms, 0);
                        let key = tag.frame == FrameKind::Key;
                        assert!(key || !pictures.is_empty(), "the first picture is no key frame");
                        pictures.push((packet.timestamp_ms, key));
                        let captured_us = origin.expect("a picture before the clock") + i64::from(packet.timestamp_ms) * 1000;
                        delays.push(arrived.as_micros() as i64 - captured_us);
                    }
                    other => panic!("{other:?}"),
                }
            }
            PacketKind::Audio => {
                let tag = Audio::parse(&packet.payload).unwrap();
                assert_eq!(tag.codec, AudioCodec::Opus);
                match tag.body {
                    AudioBody::SequenceHeader(head) => {
                        audio_header = true;
                        assert_eq!(&head[..8], b"OpusHead");
                    }
                    AudioBody::Coded(_) => {
                        assert!(audio_header, "sound before its header");
                        sounds.push(packet.timestamp_ms);
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
    }
    assert!(metadata, "no metadata");
    assert!(pictures.windows(2).all(|w| w[0].0 < w[1].0));
    // Sound goes on by 20 ms, to within the rounding.
    assert!(sounds.windows(2).all(|w| w[1] - w[0] == 20 || (w[1] - w[0]).abs_diff(20) == 1), "{sounds:?}");
    // Never two key frames within a second.
    let keys: Vec<u32> = pictures.iter().filter(|p| p.1).map(|p| p.0).collect();
    assert!(keys.windows(2).all(|w| w[1] - w[0] >= 999), "{keys:?}");
    delays.sort_unstable();
    assert!(delays[0] > -1000, "a picture arrives before it was captured: {delays:?}");
    eprintln!("capture to arrival: median {} us, 95 % {} us", delays[delays.len() / 2], delays[delays.len() * 95 / 100]);
    wait_for("the figures of a second", || publisher.stats().kbps > 0.0);
    let stats = publisher.stats();
    eprintln!("{stats:?}");
    assert_eq!((stats.picture.width, stats.picture.height, stats.picture.encoder.as_str()), (320, 180, "libx264"));
    assert!(
        stats.picture.encoded >= 60
            && stats.picture.captured >= stats.picture.encoded
            && stats.picture.sent <= stats.picture.encoded
    );
    assert!(stats.sound.kbps > 0.0 && stats.picture.kbps > 0.0 && stats.route.server == relay.address.to_string());
}

#[test]
fn for_an_engine_sound_is_aac_and_key_frames_come_without_being_asked_for() {
    let relay = Relay::start();
    let (video, sound, clock) = (pattern(SMALL), tone(), ServerClock::new(Clock::system()));
    clock.set_offset(0);
    let repeat_every = Some(Duration::from_secs(2));
    let config = Config { audio: Codec::Aac, repeat_every, clock: clock.clone(), ..relay.config("e", SMALL) };
    let publisher = Publisher::start(config);
    publisher.set_video(Some(&video));
    publisher.set_sound(Some(&sound));
    wait_for("the server's yes", || publisher.state() == State::Live);
    let playback = relay.play("e");
    let (mut keys, mut sounds, mut headers, mut origin) = (Vec::new(), Vec::new(), 0, None);
    let mut expected = false;
    while keys.len() < 6 {
        let (packet, _) = next(&playback);
        if packet.kind == PacketKind::Audio {
            let tag = Audio::parse(&packet.payload).unwrap();
            assert_eq!((tag.codec, packet.payload[0]), (AudioCodec::Aac, 0xaf));
            match tag.body {
                AudioBody::SequenceHeader(config) => {
                    headers += 1;
                    assert_eq!(config[..], [0x11, 0x88], "AAC-LC, 48 kHz, mono");
                }
                AudioBody::Coded(_) => {
                    assert!(headers > 0, "sound before its header");
                    sounds.push(packet.timestamp_ms);
                }
                other => panic!("{other:?}"),
            }
        } else if let Some(at) = read_on_clock(&packet) {
            origin = Some(at);
        } else if packet.kind == PacketKind::Video
            && let VideoTag { frame: FrameKind::Key, body: VideoBody::Coded { data, .. }, .. } =
                VideoTag::parse(&packet.payload).unwrap()
        {
            let captured = read_stamp(&data).expect("a key frame without the time of its capture");
            let by_clock = origin.expect("a picture before the clock") + i64::from(packet.timestamp_ms) * 1000;
            assert!((captured - by_clock).abs() <= 500, "{captured} {by_clock}");
            keys.push(packet.timestamp_ms);
            if keys.len() == 3 {
                publisher.expect_viewer();
                expected = true;
            }
        }
    }
    assert!(expected && sounds.windows(2).all(|w| (20..=23).contains(&(w[1] - w[0]))), "{sounds:?}");
    assert!(headers >= 3, "{headers} headers of the sound, for those who come later");
    let gaps: Vec<u32> = keys.windows(2).map(|w| w[1] - w[0]).collect();
    // The first may have been asked for by the player; then the interval; then, while somebody is expected, as often as may be.
    assert!(gaps[1] >= 1_900 && gaps[2..].iter().all(|gap| (999..1_900).contains(gap)), "{gaps:?}");
}

#[test]
fn a_player_gets_a_key_frame_because_it_asked() {
    let relay = Relay::start();
    let video = pattern(SMALL);
    let publisher = relay.publish("k", SMALL);
    publisher.set_video(Some(&video));
    wait_for("pictures", || publisher.stats().picture.encoded > 5);
    // Well inside the three seconds between two key frames that come by themselves: the second player must be why there is one.
    wait_for("a second since the first key frame", || publisher.stats().picture.encoded > 35);
    let keys = publisher.stats().picture.key_frames;
    let playback = relay.play("k");
    let begun = Instant::now();
    loop {
        let (packet, _) = next(&playback);
        if packet.kind == PacketKind::Video && parlor::rtmp::tag::is_key_frame(&packet.payload) {
            break;
        }
    }
    eprintln!("first key frame {:?} after the player started, {keys} before", begun.elapsed());
    wait_for("a key frame made on request", || publisher.stats().picture.key_frames > keys);
}

#[test]
fn muted_is_silence_and_goes_on_without_a_source() {
    let relay = Relay::start();
    let sound = tone();
    let publisher = relay.publish("m", SMALL);
    publisher.set_sound(Some(&sound));
    publisher.set_mic(false);
    let playback = relay.play("m");
    let mut stamps = Vec::new();
    let coded = |packet: &Packet| match (packet.kind, Audio::parse(&packet.payload)) {
        (PacketKind::Audio, Ok(Audio { body: AudioBody::Coded(data), .. })) => Some(data),
        _ => None,
    };
    while stamps.len() < 120 {
        let (packet, _) = next(&playback);
        if let Some(data) = coded(&packet) {
            // Over two seconds and so over two beeps: silence is a few bytes, a beep some hundred.
            assert!(data.len() < 40, "{} bytes of silence", data.len());
            stamps.push(packet.timestamp_ms);
            if stamps.len() == 60 {
                publisher.set_sound(None);
            }
        }
    }
    assert!(stamps.windows(2).all(|w| (15..=120).contains(&(w[1] - w[0]))), "{stamps:?}");
    // And heard again when switched on.
    publisher.set_sound(Some(&sound));
    publisher.set_mic(true);
    let mut loud = false;
    for _ in 0..120 {
        loud |= coded(&next(&playback).0).is_some_and(|data| data.len() > 60);
    }
    assert!(loud, "no beep in two seconds");
    assert!(publisher.stats().sound.mic_rms >= 0.0);
}

#[test]
fn sources_change_in_mid_stream() {
    let relay = Relay::start();
    let (first, second) = (pattern(SMALL), pattern(Format { width: 640, height: 360, fps: 15 }));
    let publisher = relay.publish("s", SMALL);
    publisher.set_video(Some(&first));
    let playback = relay.play("s");
    let mut headers: Vec<bytes::Bytes> = Vec::new();
    let mut last_was_header = false;
    let mut pictures = 0;
    let mut last = 0;
    while headers.len() < 2 || pictures < 10 {
        let (packet, _) = next(&playback);
        if packet.kind != PacketKind::Video {
            continue;
        }
        assert!(packet.timestamp_ms >= last, "time goes backwards");
        last = packet.timestamp_ms;
        match VideoTag::parse(&packet.payload).unwrap() {
            VideoTag { body: VideoBody::SequenceHeader(record), .. } => {
                if headers.last() != Some(&record) {
                    headers.push(record);
                    pictures = 0;
                }
                last_was_header = true;
            }
            VideoTag { frame, .. } => {
                assert!(!last_was_header || frame == FrameKind::Key, "a header is followed by a key frame");
                last_was_header = false;
                pictures += 1;
                if pictures == 10 && headers.len() == 1 {
                    // Camera off for a moment, then another one.
                    publisher.set_video(None);
                    std::thread::sleep(Duration::from_millis(100));
                    publisher.set_video(Some(&second));
                }
            }
        }
    }
    wait_for("the new size", || publisher.stats().picture.width == 640);
    // The sources were only borrowed.
    let slot = Slot::new();
    let _connected = first.connect(slot.clone());
    assert!(slot.take_within(LIMIT).is_some());
}

#[test]
fn a_server_that_is_not_there_is_said_and_leaving_is_quick() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    // A port that nobody listens on: bound once, and closed again.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let start = |url: String| {
        let clock = ServerClock::new(Clock::system());
        let (audio, repeat_every, runtime) = (Codec::Opus, None, runtime.handle().clone());
        Publisher::start(Config {
            url,
            format: SMALL,
            kbps: 800,
            audio,
            repeat_every,
            clock,
            runtime,
            proxy: Default::default(),
            history: History::default(),
            tap: Default::default(),
            seal: None,
        })
    };
    let video = pattern(SMALL);
    let publisher = start(format!("rtmp://{address}/live/x"));
    publisher.set_video(Some(&video));
    wait_for("an error", || matches!(publisher.state(), State::Closed(_)));
    // A server that takes the connection and never says a word.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let publisher = start(format!("rtmp://{}/live/x", silent.local_addr().unwrap()));
    publisher.set_video(Some(&video));
    std::thread::sleep(Duration::from_millis(100));
    let begun = Instant::now();
    drop(publisher);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
