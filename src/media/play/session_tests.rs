//! The test pattern and its beep through our encoders, a simulated network and the whole player, by a clock that only we advance.

use super::*;
use crate::base::Clock;
use crate::media::audio::Tick;
use crate::media::capture::Format;
use crate::media::capture::pattern::{Pattern, flash_area};
use crate::media::capture::tone;
use crate::media::encode::{audio, video};
use crate::media::frame::CHUNK_SAMPLES;
use crate::media::play::Latency;
use crate::media::timing::{Origin, on_clock, stamp};
use crate::rtmp::tag;
use std::collections::VecDeque;

const START: Duration = Duration::from_millis(1_795_345_000_300);
const MS: Duration = Duration::from_millis(1);

/// A publisher and a player in one process, without threads.
struct Call {
    clock: Clock,
    session: Session,
    playout: Arc<Mutex<Playout>>,
    slot: Slot<Rgba>,
    origin: Origin,
    pattern: Pattern,
    format: Format,
    video: video::Encoder,
    audio: audio::Encoder,
    described: bool,
    key: bool,
    flight: VecDeque<(Duration, Packet)>,
    next_picture: Duration,
    next_chunk: u64,
    /// What was heard, and when its first sample was.
    heard: Vec<f32>,
    heard_from: Duration,
    /// Moments at which a picture with and without flash was shown.
    shown: Vec<(Duration, bool)>,
    last: Option<Rgba>,
    with_sound: bool,
    with_picture: bool,
    /// Whether the sound output asks for sound.
    ticking: bool,
    /// Whether the player runs at all.
    awake: bool,
    /// Whether everything that is sent is lost.
    cut: bool,
    /// When pictures were shown, and how old they were.
    ages: Vec<(Duration, Duration)>,
    key_frames_asked: u32,
    codec: audio::Codec,
}

impl Call {
    /// Through a relay of ours: Opus, and the publisher's word about its clock.
    fn new(format: Format, origin: Duration) -> Self {
        let mut call = Self::with(format, origin, audio::Codec::Opus);
        let at = on_clock(i64::try_from(call.origin.at().as_micros()).unwrap(), 0);
        call.send(PacketKind::Data, START, at.payload, 0);
        call
    }

    /// Through an engine that knows AAC only, passes on nothing but sound and picture, and counts time from its own zero.
    fn through_engine(format: Format) -> Self {
        Self::with(format, START - Duration::from_secs(77), audio::Codec::Aac)
    }

    fn with(format: Format, origin: Duration, codec: audio::Codec) -> Self {
        let clock = Clock::manual(START);
        let server = ServerClock::new(clock.clone());
        server.set_offset(0);
        let playout = Arc::new(Mutex::new(Playout::new(Latency::Call)));
        let slot = Slot::new();
        let session = Session::new(server, playout.clone(), slot.clone(), START, History::default());
        let audio = audio::Encoder::open(audio::Config::of(codec)).unwrap();
        let origin = Origin::new(origin);
        let mut call = Self {
            clock,
            session,
            playout,
            slot,
            origin,
            pattern: Pattern::new(format),
            format,
            video: open_video(format),
            audio,
            described: false,
            key: true,
            flight: VecDeque::new(),
            next_picture: START,
            next_chunk: tone::number_at(START),
            heard: Vec::new(),
            heard_from: START,
            shown: Vec::new(),
            last: None,
            with_sound: true,
            with_picture: true,
            ticking: true,
            awake: true,
            cut: false,
            ages: Vec::new(),
            key_frames_asked: 0,
            codec,
        };
        let head = call.audio.head();
        let header = match codec {
            audio::Codec::Opus => tag::opus_sequence_header(&head),
            audio::Codec::Aac => tag::aac_sequence_header(&head),
        };
        call.send(PacketKind::Audio, START, header, 0);
        call
    }

    fn send(&mut self, kind: PacketKind, captured: Duration, payload: Bytes, late_ms: u64) {
        if self.cut {
            return;
        }
        let at = self.clock.now() + MS * (4 + u32::try_from(late_ms).unwrap());
        let at = self.flight.back().map_or(at, |(last, _)| at.max(*last));
        self.flight.push_back((at, Packet { kind, timestamp_ms: self.origin.timestamp_ms(captured), payload }));
    }

    /// A millisecond of the publisher, the network and the player.
    fn step(&mut self, late_ms: u64) {
        let now = self.clock.now();
        while self.with_sound && Duration::from_millis((self.next_chunk + 1) * 10) <= now {
            let chunk = tone::chunk(self.next_chunk);
            self.next_chunk += 1;
            if let Some(packet) = self.audio.encode(&chunk).unwrap() {
                let body = match self.codec {
                    audio::Codec::Opus => tag::opus_frame(&packet.data),
                    audio::Codec::Aac => tag::aac_frame(&packet.data),
                };
                self.send(PacketKind::Audio, packet.captured, body, late_ms);
            }
        }
        if self.with_picture && self.next_picture <= now {
            let picture = Arc::new(self.pattern.draw(self.next_picture));
            self.next_picture = self.pattern.next_due(now);
            for coded in self.video.encode(&picture, std::mem::take(&mut self.key)).unwrap() {
                if !std::mem::replace(&mut self.described, true) {
                    let record = self.video.record().unwrap().clone();
                    self.send(PacketKind::Video, picture.captured, tag::avc_sequence_header(&record), late_ms);
                }
                let captured = stamp(i64::try_from(coded.captured.as_micros()).unwrap());
                let data = if coded.key { [&captured[..], &coded.data].concat() } else { coded.data.to_vec() };
                self.send(PacketKind::Video, coded.captured, tag::avc_frame(coded.key, 0, &data), late_ms);
            }
        }
        if self.awake {
            self.play(now);
        }
        if (now - START).as_millis().is_multiple_of(10) {
            let mut out = [0.0; CHUNK_SAMPLES];
            if self.ticking {
                self.playout.lock().unwrap().render(Tick { now, due: now }, &mut out);
            }
            self.heard.extend_from_slice(&out);
        }
        self.clock.advance(MS);
    }

    /// The player's thread.
    fn play(&mut self, now: Duration) {
        while let Some((_, packet)) = self.flight.front().cloned().filter(|(at, _)| *at <= now) {
            self.flight.pop_front();
            self.session.packet(&packet, now);
        }
        self.session.step();
        if self.session.wants_key_frame(false) {
            self.key = true;
            self.key_frames_asked += 1;
        }
        if let Some(picture) = self.slot.take() {
            let area = flash_area(picture.width);
            let at = ((area.y + area.height / 2) * picture.width as usize + area.x + area.width / 2) * 4;
            self.shown.push((now, picture.data[at] > 128));
            self.ages.extend(picture.captured.map(|captured| (now, now.saturating_sub(captured))));
            self.last = Some(picture);
        }
    }

    fn run(&mut self, ms: u64, late_ms: impl Fn(u64) -> u64) {
        for t in 0..ms {
            self.step(late_ms(t));
        }
    }

    /// Moments at which beeps began to be heard.
    fn beeps(&self) -> Vec<Duration> {
        let mut beeps = Vec::new();
        let mut quiet = 2_000;
        for (i, sample) in self.heard.iter().enumerate() {
            if sample.abs() > 0.2 {
                if quiet > 1_000 {
                    beeps.push(self.heard_from + Duration::from_secs_f64(i as f64 / 48_000.0));
                }
                quiet = 0;
            } else {
                quiet += 1;
            }
        }
        beeps
    }

    /// Moments at which flashes were shown first.
    fn flashes(&self) -> Vec<Duration> {
        self.shown.windows(2).filter(|w| !w[0].1 && w[1].1).map(|w| w[1].0).collect()
    }
}

fn open_video(format: Format) -> video::Encoder {
    let Format { width, height, fps } = format;
    video::Encoder::open(video::Config { width, height, rate: video::Rate::new(600, fps), choice: video::Choice::Software })
        .unwrap()
}

const SMALL: Format = Format { width: 320, height: 180, fps: 30 };

/// Flash minus beep in milliseconds, pair by pair.
fn offsets(call: &Call) -> Vec<f64> {
    let (flashes, beeps) = (call.flashes(), call.beeps());
    let near = |flash: &Duration| beeps.iter().min_by_key(|beep| beep.abs_diff(*flash)).copied();
    flashes.iter().filter_map(|f| near(f).map(|b| (f.as_secs_f64() - b.as_secs_f64()) * 1000.0)).collect()
}

#[test]
fn a_clean_call_is_early_in_sync_and_whole() {
    let mut call = Call::new(SMALL, START);
    call.run(6_000, |_| 0);
    let stats = call.session.stats();
    let delay = stats.delay.all.unwrap();
    assert!(delay.p95 <= 35.0, "{delay:?}");
    let offsets = offsets(&call);
    assert!(offsets.len() >= 5, "{} flashes", offsets.len());
    assert!(offsets[1..].iter().all(|ms| ms.abs() <= 25.0), "flash minus beep: {offsets:?} ms");
    assert!((stats.delay.av_offset_ms - -20.0).abs() < 6.0, "{}", stats.delay.av_offset_ms);
    assert!((29.0..=31.5).contains(&stats.picture.fps) && stats.picture.shown > 170 && stats.picture.dropped <= 1, "{stats:?}");
    assert_eq!((stats.picture.freezes, stats.picture.width, stats.picture.height), (0, 320, 180));
    assert!(stats.sound.gap_ms <= 20 && (0.3..0.4).contains(&stats.sound.rms_max), "{stats:?}");
    assert!(stats.picture.first_ms.unwrap() < 100.0 && stats.sound.first_ms.unwrap() < 100.0, "{stats:?}");
    // The beep is heard at its pitch.
    let from = call.heard.iter().position(|s| s.abs() > 0.2).unwrap() + 960;
    let beep = &call.heard[from..from + 2_880];
    let rising: Vec<usize> = (1..beep.len()).filter(|&i| beep[i - 1] <= 0.0 && beep[i] > 0.0).collect();
    let hertz = 48_000.0 * (rising.len() - 1) as f64 / (rising[rising.len() - 1] - rising[0]) as f64;
    assert!((hertz - 1_000.0).abs() < 6.0, "{hertz} Hz");
}

#[test]
fn through_an_engine_sound_and_picture_stay_together_and_their_age_is_known() {
    let mut call = Call::through_engine(SMALL);
    call.run(6_000, |_| 0);
    let stats = call.session.stats();
    let delay = stats.delay.all.unwrap();
    // A frame of AAC is filled, one is held back, one overlaps: 64 ms, of which the picture waits all but 20.
    println!("{delay:?}, sound early by {} ms, {:?}", stats.delay.av_offset_ms, offsets(&call));
    assert!((4.0..=85.0).contains(&delay.p50) && delay.p95 <= 90.0, "{delay:?}");
    let offsets = offsets(&call);
    assert!(offsets.len() >= 5, "{} flashes", offsets.len());
    assert!(offsets[1..].iter().all(|ms| ms.abs() <= 25.0), "flash minus beep: {offsets:?} ms");
    assert!((29.0..=31.5).contains(&stats.picture.fps) && stats.picture.shown > 170 && stats.picture.dropped <= 1, "{stats:?}");
    assert!(stats.sound.gap_ms <= 20 && (0.3..0.4).contains(&stats.sound.rms_max), "{stats:?}");
}

#[test]
fn jitter_keeps_sound_and_picture_together() {
    let mut call = Call::new(SMALL, START);
    call.run(10_000, |t| t.wrapping_mul(2_654_435_761) % 40);
    let offsets = offsets(&call);
    assert!(offsets.len() >= 9 && offsets[3..].iter().all(|ms| ms.abs() <= 40.0), "flash minus beep: {offsets:?} ms");
    let stats = call.session.stats();
    assert_eq!(stats.picture.freezes, 0);
    assert!(stats.delay.recent.unwrap().p95 < 110.0, "{stats:?}");
}

#[test]
fn after_a_stall_of_a_second_all_comes_back() {
    let mut call = Call::new(SMALL, START);
    call.run(4_000, |t| if (3_000..4_000).contains(&t) { 4_000 - t } else { 0 });
    call.run(8_000, |_| 0);
    let stats = call.session.stats();
    assert!(stats.delay.recent.unwrap().p50 < 35.0 && stats.buffer.target_ms <= 22.0, "{stats:?}");
    assert_eq!(stats.picture.freezes, 1);
    assert!((900..1_300).contains(&stats.picture.freeze_ms), "{stats:?}");
    assert!(offsets(&call).last().unwrap().abs() <= 25.0);
}

#[test]
fn a_muted_peer_is_silent_and_its_pictures_go_on() {
    let mut call = Call::new(SMALL, START);
    call.run(1_000, |_| 0);
    call.with_sound = false;
    call.run(3_000, |_| 0);
    let stats = call.session.stats();
    assert!(stats.sound.rms == 0.0 && stats.picture.fps > 29.0, "{stats:?}");
    assert!(stats.delay.recent.unwrap().p95 < 45.0, "{stats:?}");
}

#[test]
fn the_camera_goes_off_and_on_and_its_size_changes() {
    let mut call = Call::new(SMALL, START);
    call.run(1_500, |_| 0);
    call.with_picture = false;
    call.session.excuse_freeze();
    call.run(2_000, |_| 0);
    assert_eq!(call.session.stats().picture.freezes, 0);
    assert!(call.session.stats().sound.gap_ms <= 20, "sound goes on");
    call.format = Format { width: 480, height: 270, fps: 15 };
    (call.pattern, call.video) = (Pattern::new(call.format), open_video(call.format));
    (call.with_picture, call.described, call.key, call.next_picture) = (true, false, true, call.clock.now());
    call.run(1_500, |_| 0);
    let stats = call.session.stats();
    assert_eq!((stats.picture.width, stats.picture.height, stats.picture.freezes), (480, 270, 0));
    assert!((14.0..=16.5).contains(&stats.picture.fps), "{stats:?}");
}

#[test]
fn damage_is_not_shown_and_a_key_frame_asked_for() {
    let mut call = Call::new(SMALL, START);
    call.run(1_000, |_| 0);
    let before = call.shown.len();
    let garbage = Packet {
        kind: PacketKind::Video,
        timestamp_ms: call.origin.timestamp_ms(call.clock.now()),
        payload: tag::avc_frame(false, 0, &[0, 0, 0, 40, 0x41, 0xff, 0xff, 0xff, 0x80]),
    };
    assert_eq!(call.key_frames_asked, 0, "the stream begins with one");
    call.session.packet(&garbage, call.clock.now());
    call.run(2_500, |_| 0);
    assert_eq!(call.key_frames_asked, 1);
    let missing = (call.clock.now() - START).as_millis() as usize * 30 / 1000 - call.shown.len();
    assert!(call.shown.len() > before + 60 && missing < 10, "{missing} pictures missing");
    assert_eq!(call.session.stats().picture.freezes, 0, "{:?}", call.session.stats());
}

#[test]
fn timestamps_wrap_and_nothing_happens() {
    // The 32-bit timestamp wraps 1.5 s after the start.
    let origin = START + Duration::from_millis(1_500) - Duration::from_millis(1 << 32);
    let mut call = Call::new(SMALL, origin);
    call.run(4_000, |_| 0);
    let stats = call.session.stats();
    assert_eq!(stats.picture.freezes, 0);
    assert!(stats.picture.shown > 110 && stats.sound.gap_ms <= 20 && stats.delay.all.unwrap().p99 < 45.0, "{stats:?}");
}

#[test]
fn any_bytes_are_survived() {
    let mut call = Call::new(SMALL, START);
    call.run(300, |_| 0);
    let mut seed = 1_u64;
    for i in 0..3_000_u64 {
        let mut body: Vec<u8> = (0..i % 60)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (seed >> 56) as u8
            })
            .collect();
        if let Some(first) = body.first_mut() {
            *first = [0x17, 0x27, 0xaf, 0x90, 0x91, 0x9c, *first][i as usize % 7];
        }
        let kind = [PacketKind::Audio, PacketKind::Video, PacketKind::Data][i as usize % 3];
        call.session.packet(&Packet { kind, timestamp_ms: seed as u32, payload: body.into() }, call.clock.now());
        call.session.step();
    }
    call.run(100, |_| 0);
}

#[test]
fn a_hidden_picture_is_not_decoded_and_is_back_with_a_key_frame() {
    let mut call = Call::new(Format { width: 320, height: 180, fps: 30 }, START);
    call.run(1000, |_| 0);
    let shown = call.shown.len();
    assert!(shown > 20, "{shown}");
    let heard = call.heard.len();
    call.session.set_view(View::Hidden);
    call.run(2000, |_| 0);
    assert_eq!(call.shown.len(), shown, "nothing is shown");
    assert_eq!(call.session.stats().picture.shown, shown as u64);
    assert!(call.heard.len() > heard + 90_000, "the sound goes on");
    assert_eq!((call.key_frames_asked, call.session.stats().picture.freezes), (0, 0));
    call.session.set_view(View::Small);
    call.run(400, |_| 0);
    assert_eq!(call.key_frames_asked, 1);
    assert!(call.shown.len() > shown, "back");
    let stats = call.session.stats();
    assert_eq!((stats.picture.freezes, stats.picture.width), (0, 320));
}

#[path = "disturbance_tests.rs"]
mod disturbances;
