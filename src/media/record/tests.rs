//! Recordings as others read them: FFmpeg opens every file.

use super::matroska::{Head, PictureTrack, SoundCodec, SoundTrack, Track, Writer};
use super::stage::Stage;
use super::*;
use crate::media::capture::Format;
use crate::media::capture::pattern::Pattern;
use crate::media::capture::tone;
use crate::media::encode::audio;
use crate::media::encode::video::{Choice, Config as Coding, Encoder, Rate};
use crate::rtmp::{Packet, PacketKind, tag};
use ffmpeg_next as ffmpeg;
use std::io::Cursor;

const FPS: u64 = 30;

/// A person: pictures with a key frame each second, and sound.
struct Sender {
    pattern: Pattern,
    picture: Encoder,
    record: Option<bytes::Bytes>,
    sound: audio::Encoder,
    frame: u64,
    chunk: u64,
}

impl Sender {
    fn new(width: u32, height: u32) -> Self {
        let coding = Coding { width, height, rate: Rate::new(400, 30), choice: Choice::Software };
        Self {
            pattern: Pattern::new(Format { width, height, fps: 30 }),
            picture: Encoder::open(coding).unwrap(),
            record: None,
            sound: audio::Encoder::open(audio::Config { dtx: false, ..audio::Config::default() }).unwrap(),
            frame: 0,
            chunk: 0,
        }
    }

    /// What is sent in the next `ms`, with times from `zero_ms`, as it comes.
    fn send(&mut self, ms: u64, zero_ms: u32) -> Vec<Tapped> {
        let mut out = Vec::new();
        let mut packet = |kind, at: Duration, payload| {
            let timestamp_ms = zero_ms.wrapping_add(at.as_millis() as u32);
            out.push(Tapped::Packet(Packet { kind, timestamp_ms, payload }, Duration::from_secs(1000) + at));
        };
        if self.chunk == 0 {
            packet(PacketKind::Audio, Duration::ZERO, tag::opus_sequence_header(&self.sound.head()));
        }
        let end = self.chunk + ms / 10;
        while self.chunk < end {
            let at = Duration::from_millis(self.chunk * 10);
            let chunk = crate::media::frame::Chunk { captured: at, ..tone::chunk(self.chunk) };
            if let Some(encoded) = self.sound.encode(&chunk).unwrap() {
                packet(PacketKind::Audio, encoded.captured, tag::opus_frame(&encoded.data));
            }
            while Duration::from_millis(self.frame * 1000 / FPS) <= at {
                let at = Duration::from_millis(self.frame * 1000 / FPS);
                let picture = Arc::new(self.pattern.draw(Duration::from_secs(1_795_345_678) + at));
                let encoded = self.picture.encode(&picture, self.frame.is_multiple_of(FPS)).unwrap().remove(0);
                if self.record.as_ref() != self.picture.record() {
                    self.record = self.picture.record().cloned();
                    packet(PacketKind::Video, at, tag::avc_sequence_header(self.record.as_ref().unwrap()));
                }
                packet(PacketKind::Video, at, tag::avc_frame(encoded.key, 0, &encoded.data));
                self.frame += 1;
            }
            self.chunk += 1;
        }
        out
    }
}

struct Folder {
    dir: tempfile::TempDir,
    status: Arc<Mutex<Status>>,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), status: Arc::default() }
    }

    fn person(&self, slice: Option<Duration>) -> Person {
        let clock = Clock::manual(Duration::from_secs(1000));
        let config = Config { folder: self.dir.path().into(), what: "Ada".into(), slice, clock };
        Person::new(Files::new(config, self.status.clone()), Tap::default(), Duration::from_secs(1000))
    }

    fn status(&self) -> Status {
        lock(&self.status).clone()
    }
}

/// What FFmpeg finds in a file.
#[derive(Debug, Default)]
struct Found {
    duration_ms: i64,
    pictures: usize,
    sizes: Vec<(u32, u32)>,
    sounds: usize,
    last_ms: [i64; 2],
}

fn look(path: &Path) -> Found {
    crate::media::ready();
    let mut input = ffmpeg::format::input(path).unwrap();
    let mut found = Found { duration_ms: input.duration() / 1000, last_ms: [-100; 2], ..Found::default() };
    let mut decoders = Vec::new();
    for stream in input.streams() {
        let context = ffmpeg::codec::Context::from_parameters(stream.parameters()).unwrap();
        assert_eq!(f64::from(stream.time_base()), 0.001);
        decoders.push(context.decoder());
    }
    let mut opened: Vec<_> = decoders
        .into_iter()
        .map(|decoder| {
            let codec = ffmpeg::decoder::find(decoder.id()).unwrap();
            decoder.open_as(codec).unwrap()
        })
        .collect();
    let packets: Vec<_> = input.packets().map(|(stream, packet)| (stream.index(), packet)).collect();
    for (index, packet) in packets {
        let is_picture = opened[index].medium() == ffmpeg::media::Type::Video;
        let ms = packet.pts().unwrap();
        let last = &mut found.last_ms[usize::from(!is_picture)];
        assert!(ms >= *last, "times go on: {ms} after {last}");
        *last = ms;
        opened[index].send_packet(&packet).unwrap();
        if is_picture {
            let mut frame = ffmpeg::frame::Video::empty();
            while opened[index].receive_frame(&mut frame).is_ok() {
                found.pictures += 1;
                assert!(!frame.is_corrupt());
                if found.sizes.last() != Some(&(frame.width(), frame.height())) {
                    found.sizes.push((frame.width(), frame.height()));
                }
            }
        } else {
            let mut frame = ffmpeg::frame::Audio::empty();
            while opened[index].receive_frame(&mut frame).is_ok() {
                found.sounds += 1;
            }
        }
    }
    for decoder in &mut opened {
        let _ = decoder.send_eof();
        let mut frame = ffmpeg::frame::Video::empty();
        while decoder.medium() == ffmpeg::media::Type::Video && decoder.receive_frame(&mut frame).is_ok() {
            found.pictures += 1;
        }
    }
    found
}

#[test]
fn a_person_is_recorded_as_sent() {
    let folder = Folder::new();
    let mut person = folder.person(None);
    for tapped in Sender::new(320, 180).send(6000, 777) {
        person.take(tapped).unwrap();
    }
    person.finish().unwrap();
    let status = folder.status();
    let found = look(&status.files[0]);
    assert_eq!((found.pictures, &found.sizes[..]), (180, &[(320, 180)][..]));
    assert!((297..=301).contains(&found.sounds), "{} packets of sound", found.sounds);
    assert!((5900..=6100).contains(&found.duration_ms), "{found:?}");
    assert!(status.length.abs_diff(Duration::from_secs(6)) < Duration::from_millis(100));
    assert_eq!(std::fs::metadata(&status.files[0]).unwrap().len() / 1000, status.bytes / 1000);
}

#[test]
fn a_file_can_be_played_wherever_it_was_cut_off() {
    let folder = Folder::new();
    let mut person = folder.person(None);
    let sent = Sender::new(320, 180).send(5000, 0);
    for tapped in sent {
        person.take(tapped).unwrap();
    }
    // Neither finished nor flushed: as after kill -9.
    let path = folder.status().files[0].clone();
    let killed = look(&path);
    assert!(killed.last_ms[0] >= 2900 && killed.duration_ms >= 2900, "{killed:?}");
    person.finish().unwrap();
    let whole = std::fs::read(&path).unwrap();
    let cut = folder.dir.path().join("cut.mkv");
    for share in [25, 50, 75, 90, 99] {
        std::fs::write(&cut, &whole[..whole.len() * share / 100]).unwrap();
        let found = look(&cut);
        assert!(found.pictures > 0 && found.last_ms[0] >= 5000 * (share as i64 - 20) / 100, "{share} %: {found:?}");
    }
}

#[test]
fn slices_follow_each_other_and_nothing_is_missing_between_them() {
    let folder = Folder::new();
    let mut person = folder.person(Some(Duration::from_secs(2)));
    for tapped in Sender::new(320, 180).send(6000, 0) {
        person.take(tapped).unwrap();
    }
    person.finish().unwrap();
    let found: Vec<_> = folder.status().files.iter().map(|path| look(path)).collect();
    assert_eq!(found.iter().map(|file| file.pictures).collect::<Vec<_>>(), [60, 60, 60]);
    assert!((294..=301).contains(&found.iter().map(|file| file.sounds).sum::<usize>()));
    assert!(folder.status().length.abs_diff(Duration::from_secs(6)) < Duration::from_millis(150));
}

#[test]
fn another_size_goes_on_in_the_same_file() {
    let folder = Folder::new();
    let mut person = folder.person(None);
    for tapped in Sender::new(640, 360).send(2000, 0) {
        person.take(tapped).unwrap();
    }
    for (second, (width, height)) in [(2, (320, 180)), (3, (640, 360))] {
        let mut other = Sender::new(width, height);
        (other.frame, other.chunk) = (second * FPS, second * 100);
        for tapped in other.send(1000, 0) {
            person.take(tapped).unwrap();
        }
    }
    person.finish().unwrap();
    assert_eq!(folder.status().files.len(), 1);
    let found = look(&folder.status().files[0]);
    assert_eq!((found.pictures, &found.sizes[..]), (120, &[(640, 360), (320, 180), (640, 360)][..]));
}

#[test]
fn a_stream_that_breaks_and_comes_back_goes_on() {
    let folder = Folder::new();
    let mut person = folder.person(None);
    for tapped in Sender::new(320, 180).send(2000, 50_000) {
        person.take(tapped).unwrap();
    }
    person.take(Tapped::Restart).unwrap();
    let mut again = Sender::new(320, 180).send(2000, 4_000_000);
    for tapped in &mut again {
        if let Tapped::Packet(_, arrived) = tapped {
            *arrived += Duration::from_secs(5);
        }
    }
    for tapped in again {
        person.take(tapped).unwrap();
    }
    person.finish().unwrap();
    let found = look(&folder.status().files[0]);
    assert_eq!(found.pictures, 120);
    assert!((6900..=7100).contains(&found.duration_ms), "{found:?}");
}

#[test]
fn somebody_without_a_picture_is_recorded_too() {
    let folder = Folder::new();
    let mut person = folder.person(Some(Duration::from_secs(3)));
    for tapped in Sender::new(320, 180).send(9000, 0) {
        if !matches!(&tapped, Tapped::Packet(packet, _) if packet.kind == PacketKind::Video) {
            person.take(tapped).unwrap();
        }
    }
    person.finish().unwrap();
    let found: Vec<_> = folder.status().files.iter().map(|path| look(path)).collect();
    assert_eq!(found.len(), 2, "the first three seconds wait for pictures");
    assert!(found.iter().all(|file| file.pictures == 0 && (147..=151).contains(&file.sounds)), "{found:?}");
}

#[test]
fn pictures_in_another_coding_are_left_out_and_that_is_said() {
    let folder = Folder::new();
    let mut person = folder.person(None);
    for tapped in Sender::new(320, 180).send(5000, 0) {
        let tapped = match tapped {
            // The same as enhanced RTMP has it for H.265: its sequence header (0), or a picture without a composition time (3).
            Tapped::Packet(packet, at) if packet.kind == PacketKind::Video => {
                let kind = if packet.payload[1] == 0 { 0 } else { 3 };
                let payload = [&[0x80 | packet.payload[0] & 0x70 | kind][..], b"hvc1", &packet.payload[5..]].concat();
                Tapped::Packet(Packet { payload: payload.into(), ..packet }, at)
            }
            tapped => tapped,
        };
        person.take(tapped).unwrap();
    }
    person.finish().unwrap();
    let status = folder.status();
    let found = look(&status.files[0]);
    assert!(status.sound_only && found.pictures == 0 && found.sounds > 80, "{found:?}");
}

#[test]
fn everybody_is_in_the_film_of_the_stage() {
    let folder = Folder::new();
    let clock = ServerClock::new(Clock::manual(Duration::from_secs(1000)));
    let config = Config { folder: folder.dir.path().into(), what: "Room".into(), slice: None, clock: clock.local().clone() };
    let mut stage = Stage::new(Files::new(config, folder.status.clone()), clock.clone()).unwrap();
    let taps = [Tap::default(), Tap::default()];
    let people: Vec<_> =
        taps.iter().zip(["Ada", "李"]).map(|(tap, name)| Present { name: name.into(), tap: tap.clone() }).collect();
    stage.set_people(&people);
    let mut sent: Vec<_> = [(320, 180), (320, 240)].map(|(w, h)| Sender::new(w, h).send(3000, 0).into_iter().peekable()).into();
    for step in 0..400_u64 {
        let now = Duration::from_secs(1000) + Duration::from_millis(step * 10);
        for (tap, sent) in taps.iter().zip(&mut sent) {
            while let Some(Tapped::Packet(packet, _)) = sent.next_if(|t| matches!(t, Tapped::Packet(_, at) if *at <= now)) {
                tap.pass(&packet, now);
            }
        }
        stage.step().unwrap();
        clock.local().advance(Duration::from_millis(10));
    }
    stage.finish().unwrap();
    let path = folder.status().files[0].clone();
    let found = look(&path);
    assert_eq!(found.sizes, [(1280, 720)]);
    assert!((90..=100).contains(&found.pictures) && (3500..4100).contains(&found.duration_ms), "{found:?}");
    // A beep of both is twice as loud as one; the pictures are side by side.
    let program = |args: &[&str]| {
        let output =
            std::process::Command::new("ffmpeg").args(["-v", "error", "-ss", "1.5", "-i"]).arg(&path).args(args).output();
        output.unwrap().stdout
    };
    let rgb = program(&["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]);
    let at = |x: usize, y: usize| rgb[(y * 1280 + x) * 3..][..3].iter().map(|c| i32::from(*c)).sum::<i32>();
    // Each pattern ends with a blue bar; bars above and below are dark.
    for x in [620, 1260] {
        assert!(at(x, 500) > 80 && rgb[(500 * 1280 + x) * 3 + 2] > 120, "a blue bar at {x}");
        assert!(at(x, 20) < 60 && at(x, 700) < 60, "dark above and below at {x}");
    }
    // And each has a name on a dark plate, lower left.
    for left in [0, 640] {
        let plate = (left + 8..left + 60).flat_map(|x| (682..712).map(move |y| at(x, y)));
        assert!(plate.filter(|sum| *sum > 500).count() > 20, "a name at {left}");
    }
    let sound = program(&["-f", "f32le", "-ac", "1", "-ar", "48000", "-"]);
    let samples: Vec<f32> = sound.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let loudest = samples.iter().fold(0.0_f32, |most, sample| most.max(sample.abs()));
    assert!((0.75..=1.0).contains(&loudest), "{loudest}");
}

/// A disk of so many bytes.
struct Small(Cursor<Vec<u8>>, u64);

impl Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = self.1.saturating_sub(self.0.position()) as usize;
        if room == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write(&bytes[..room.min(bytes.len())])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Small {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_full_disk_is_said_and_what_is_there_can_be_played() {
    let mut sender = Sender::new(320, 180);
    let sent = sender.send(4000, 0);
    let picture = PictureTrack { config: sender.record.clone().unwrap(), width: 320, height: 180 };
    let sound = SoundTrack { codec: SoundCodec::Opus, config: sender.sound.head() };
    let head = Head { title: "Ada".into(), begun: Duration::from_secs(1), picture: Some(picture), sound: Some(sound) };
    let mut disk = Small(Cursor::new(Vec::new()), 60_000);
    let mut writer = Writer::start(&mut disk, &head).unwrap();
    let mut demux = crate::media::play::demux::Demux::default();
    let mut failed = None;
    for tapped in &sent {
        let Tapped::Packet(packet, _) = tapped else { continue };
        if let Some(crate::media::play::demux::Unit::Picture(_, coded)) = demux.read(packet)
            && let Err(error) = writer.add(Track::Picture, coded.media_us, coded.key, &coded.data)
        {
            failed = Some(Error::new(Path::new("x"), error));
            break;
        }
    }
    assert_eq!(failed.map(|error| error.kind()), Some(ErrorKind::Full));
    drop(writer);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("full.mkv");
    std::fs::write(&path, disk.0.into_inner()).unwrap();
    assert!(look(&path).pictures >= 20);
}

#[test]
fn a_recorder_writes_what_its_tap_gives_and_says_when_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let config = Config { folder: folder.path().join("new"), what: "Ada".into(), slice: None, clock: Clock::system() };
    let tap = Tap::default();
    let recorder = Recorder::person(config.clone(), &tap).unwrap();
    while !tap.take_key_wish() {
        std::thread::sleep(Duration::from_millis(5));
    }
    for tapped in Sender::new(320, 180).send(1000, 0) {
        let Tapped::Packet(packet, _) = tapped else { continue };
        tap.pass(&packet, Clock::system().now());
    }
    let status = recorder.finish();
    assert_eq!((status.files.len(), status.lost), (1, 0));
    assert_eq!(look(&status.files[0]).pictures, 30);

    let file = folder.path().join("a file");
    std::fs::write(&file, "").unwrap();
    let recorder = Recorder::person(Config { folder: file, ..config }, &tap).unwrap();
    while !recorder.is_finished() {
        for tapped in Sender::new(320, 180).send(200, 0) {
            let Tapped::Packet(packet, _) = tapped else { continue };
            tap.pass(&packet, Clock::system().now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(recorder.finish().error.map(|error| error.kind()), Some(ErrorKind::Folder));
}
