//! Real ALSA cards without a sound server, where there are any that play into themselves: the kernel's loopback card. Without it these tests
//! say so and do nothing; the guest of the laboratory has one (`lab -b uml target/debug/deps/real_cards-...`).
//!
//! Both ends of a loopback have the same rate, channels and format: what ffmpeg opens first is all that the card can do then, as with a headset
//! in Bluetooth's hands-free profile.
#![cfg(all(feature = "media", target_os = "linux"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, Queue};
use parlor::media::audio::{Output, Source, Tick, mic};
use parlor::media::devices::{Choice, Devices, Kind};
use parlor::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use parlor_lab::Running;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn card_is_there(test: &str) -> bool {
    let there = Path::new("/proc/asound/Loopback").exists();
    if !there {
        eprintln!("SKIPPED {test}: this computer has no loopback card (modprobe snd-aloop)");
    }
    there
}

/// Frequency by rising zero crossings.
fn hertz(samples: &[f32]) -> f32 {
    let rising: Vec<usize> = (1..samples.len()).filter(|&i| samples[i - 1] <= 0.0 && samples[i] > 0.0).collect();
    let Some((first, last)) = rising.first().zip(rising.last()).filter(|(a, b)| a < b) else { return 0.0 };
    SAMPLE_RATE as f32 * (rising.len() - 1) as f32 / (last - first) as f32
}

/// Starts ffmpeg, again while the card is still busy from before.
fn running(arguments: &str) -> Running {
    for _ in 0..10 {
        let mut command = Command::new("ffmpeg");
        command.args(["-loglevel", "error", "-nostdin"]).args(arguments.split_whitespace()).stdout(Stdio::piped());
        let mut ffmpeg = command.spawn().expect("this test needs ffmpeg");
        std::thread::sleep(Duration::from_millis(700));
        if ffmpeg.try_wait().unwrap().is_none() {
            return Running(ffmpeg);
        }
    }
    panic!("ffmpeg does not run with {arguments}");
}

/// Plays a tone for ever.
struct Tone(usize);

impl Source for Tone {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        for sample in out {
            *sample = 0.4 * (std::f32::consts::TAU * 440.0 * self.0 as f32 / SAMPLE_RATE as f32).sin();
            self.0 = (self.0 + 1) % 48_000;
        }
    }
}

/// Formats that a card may insist on: rate, channels, ALSA's codec in ffmpeg's words.
const FORMATS: [(u32, u16, &str); 4] =
    [(8_000, 1, "pcm_s16le"), (16_000, 1, "pcm_s16le"), (44_100, 2, "pcm_s32le"), (96_000, 2, "pcm_s16le")];

#[test]
fn a_microphone_that_can_do_only_one_format_is_heard() {
    if !card_is_there("a_microphone_that_can_do_only_one_format_is_heard") {
        return;
    }
    for (rate, channels, codec) in FORMATS {
        let feed =
            format!("-re -f lavfi -i sine=frequency=440:sample_rate={rate} -c:a {codec} -ac {channels} -f alsa hw:Loopback,0,0");
        let _feed = running(&feed);
        let chunks: Queue<Chunk> = Queue::bounded(60);
        let mic = mic::open(Choice::This("alsa:hw:CARD=Loopback,DEV=1".into()), chunks.clone(), Clock::system()).unwrap();
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            chunks.clear();
            let heard: Vec<f32> =
                (0..30).filter_map(|_| chunks.pop_within(Duration::from_secs(1))).flat_map(|c| c.samples).collect();
            if (hertz(&heard) - 440.0).abs() < 8.0 {
                break;
            }
            assert!(Instant::now() < patience, "{rate} Hz, {channels}: {} Hz, {:?}", hertz(&heard), mic.failure());
        }
        let using = mic.using().now().unwrap();
        assert!(!using.by_default, "{using:?}");
        eprintln!("{rate} Hz, {channels} channels, {codec}: heard");
    }
}

#[test]
fn a_speaker_that_can_do_only_one_format_plays() {
    if !card_is_there("a_speaker_that_can_do_only_one_format_plays") {
        return;
    }
    for (rate, channels, codec) in FORMATS {
        let record = format!(
            "-f alsa -c:a {codec} -sample_rate {rate} -channels {channels} -i hw:Loopback,1,0 -f f32le -ac 1 -ar 48000 pipe:1"
        );
        let mut record = running(&record);
        let output = Output::open(Choice::This("alsa:hw:CARD=Loopback,DEV=0".into()), Clock::system()).unwrap();
        let _voice = output.voice(Tone(0));
        let mut stdout = record.0.stdout.take().unwrap();
        let mut bytes = vec![0; 4 * 14_400];
        let patience = Instant::now() + Duration::from_secs(30);
        loop {
            stdout.read_exact(&mut bytes).unwrap();
            let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
            if (hertz(&samples) - 440.0).abs() < 8.0 {
                break;
            }
            assert!(Instant::now() < patience, "{rate} Hz, {channels}: {} Hz, {:?}", hertz(&samples), output.failure());
        }
        eprintln!("{rate} Hz, {channels} channels, {codec}: played");
    }
}

#[test]
fn a_card_is_listed_once_each_way() {
    if !card_is_there("a_card_is_listed_once_each_way") {
        return;
    }
    let devices = Devices::watch();
    devices.settle(Duration::from_secs(30));
    for kind in [Kind::Microphone, Kind::Speaker] {
        let lists = devices.lists();
        eprintln!("{kind:?}: {:?}", lists.of(kind));
        let ids: Vec<_> = lists.of(kind).devices.iter().map(|d| d.id.as_str()).collect();
        let ends = ["alsa:plughw:CARD=Loopback,DEV=0", "alsa:plughw:CARD=Loopback,DEV=1"];
        assert!(ends.iter().all(|end| ids.iter().filter(|id| *id == end).count() == 1), "{ids:?}");
        assert!(!ids.iter().any(|id| id.contains(":hw:") || id.contains("dmix")), "{ids:?}");
    }
}
