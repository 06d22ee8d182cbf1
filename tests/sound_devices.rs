//! Sound through a real device interface: ALSA to a PulseAudio of our own, whose microphone and speaker are null sinks.
//!
//! The ALSA library reads its configuration from the environment when it is first used, so the part that opens devices runs in a child
//! process: this program again.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, Queue};
use parlor::media::audio::{Output, Source, Tick, mic};
use parlor::media::devices::{Choice, Devices, Kind};
use parlor::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use parlor_lab::sound::{Running, Sound, daemon};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs the ignored test `name` of this program against these devices.
fn child(name: &str) {
    let sound = Sound::start().unwrap();
    let output = sound
        .command(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env("PARLOR_SOUND_LAB", sound.folder())
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

/// Waits for what should happen, however slow the machine is.
fn until(what: &str, done: impl Fn() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < patience, "never: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A PulseAudio client of the child process, with the sound it plays or records as mono floats.
fn pulse_client(program: &str, device: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["-d", device, "--raw", "--format=float32le", "--rate=48000", "--channels=1", "--latency-msec=20"]);
    command
}

fn tone(hertz: f32, samples: usize) -> Vec<u8> {
    let sample = |i: usize| 0.4 * (std::f32::consts::TAU * hertz * (i % 48_000) as f32 / SAMPLE_RATE as f32).sin();
    (0..samples).flat_map(|i| sample(i).to_le_bytes()).collect()
}

/// Frequency by rising zero crossings, and loudness.
fn measure(samples: &[f32]) -> (f32, f32) {
    let rising: Vec<usize> = (1..samples.len()).filter(|&i| samples[i - 1] <= 0.0 && samples[i] > 0.0).collect();
    let rms = (samples.iter().map(|s| s * s).sum::<f32>() / samples.len().max(1) as f32).sqrt();
    let Some((first, last)) = rising.first().zip(rising.last()).filter(|(a, b)| a < b) else { return (0.0, rms) };
    (SAMPLE_RATE as f32 * (rising.len() - 1) as f32 / (last - first) as f32, rms)
}

/// Plays chunks as they come.
struct Through(Queue<Chunk>);

impl Source for Through {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        if let Some(chunk) = self.0.pop() {
            *out = chunk.samples;
        }
    }
}

#[test]
fn a_tone_into_the_microphone_comes_out_of_the_speaker() {
    child("child_microphone_to_speaker");
}

#[test]
#[ignore = "runs as a child of a_tone_into_the_microphone_comes_out_of_the_speaker"]
fn child_microphone_to_speaker() {
    let clock = Clock::system();
    let mut feed = Running(pulse_client("pacat", "micfeed").stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = feed.0.stdin.take().unwrap();
    std::thread::spawn(move || while stdin.write_all(&tone(440.0, 48_000)).is_ok() {});

    let chunks = Queue::bounded(20);
    let mic = mic::open(Choice::Default, chunks.clone(), clock.clone()).unwrap();
    // The feed takes a moment to be heard; then each chunk is stamped 10 ms after the one before it, and not long ago.
    let mut run: Vec<Chunk> = Vec::new();
    let patience = Instant::now() + Duration::from_secs(60);
    while run.len() < 100 {
        assert!(Instant::now() < patience, "the microphone hears nothing: {:?}", mic.failure());
        if let Some(chunk) = chunks.pop_within(Duration::from_secs(5)) {
            assert!(chunk.captured <= clock.now() && clock.now() - chunk.captured < Duration::from_secs(2));
            let steady = run
                .last()
                .is_none_or(|last| chunk.captured.abs_diff(last.captured + Duration::from_millis(10)) < Duration::from_millis(2));
            if !steady || measure(&chunk.samples).1 < 0.1 {
                run.clear();
            }
            run.push(chunk);
        }
    }
    let heard: Vec<f32> = run.iter().flat_map(|c| c.samples).collect();
    let (hertz, rms) = measure(&heard);
    assert!((hertz - 440.0).abs() < 1.0 && (rms - 0.28).abs() < 0.03, "microphone: {hertz} Hz at {rms}");

    let output = Output::open(Choice::Default, clock).unwrap();
    let reference = output.reference();
    let _voice = output.voice(Through(chunks));
    let mut record = Running(pulse_client("parec", "speaker.monitor").stdout(Stdio::piped()).spawn().unwrap());
    let mut stdout = record.0.stdout.take().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    let mut bytes = vec![0; 48_000 * 4];
    loop {
        stdout.read_exact(&mut bytes).unwrap();
        let samples: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        let (hertz, rms) = measure(&samples);
        if (hertz - 440.0).abs() < 1.0 && (rms - 0.28).abs() < 0.03 {
            break;
        }
        assert!(Instant::now() < patience, "speaker: {hertz} Hz at {rms}: {:?}", output.failure());
    }
    assert_eq!(output.failure(), None);
    let latency = output.latency();
    assert!(latency > Duration::from_millis(5) && latency < Duration::from_millis(200), "{latency:?}");
    let mixed: Vec<f32> = std::iter::from_fn(|| reference.pop()).flat_map(|c| c.samples).collect();
    assert!(measure(&mixed).1 > 0.1, "the reference holds what was played");
}

#[test]
fn only_devices_that_work_are_listed() {
    child("child_lists_devices");
}

#[test]
#[ignore = "runs as a child of only_devices_that_work_are_listed"]
fn child_lists_devices() {
    let devices = Devices::watch();
    devices.settle(Duration::from_secs(30));
    let lists = devices.lists();
    let of = |kind| -> Vec<(String, String)> {
        lists.of(kind).devices.iter().map(|device| (device.id.clone(), device.name.clone())).collect()
    };
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(of(Kind::Microphone), [pair("pulse:mic", "Desk microphone")], "neither monitors nor what is broken");
    assert_eq!(of(Kind::Speaker), [pair("pulse:speaker", "Loudspeaker"), pair("pulse:micfeed", "Feed")]);
    assert_eq!(lists.speakers.default.as_ref().map(|d| d.id.as_str()), Some("pulse:speaker"));
    mic::open(Choice::This("pulse:mic".into()), Queue::bounded(1), Clock::system()).unwrap();
}

#[test]
fn a_speaker_that_dies_is_replaced_by_silence_and_comes_back() {
    child("child_loses_its_speaker");
}

#[test]
#[ignore = "runs as a child of a_speaker_that_dies_is_replaced_by_silence_and_comes_back"]
fn child_loses_its_speaker() {
    let folder = std::path::PathBuf::from(std::env::var_os("PARLOR_SOUND_LAB").unwrap());
    let output = Output::open(Choice::Default, Clock::system()).unwrap();
    let reference = output.reference();
    until("the speaker opens", || output.latency() > Duration::from_millis(5));
    assert!(Command::new("pactl").arg("exit").status().unwrap().success());
    until("the loss is noticed", || output.failure().is_some());
    reference.clear();
    until("the ticks go on", || reference.len() > 20);
    let _again = Running(daemon(&folder).unwrap());
    until("the speaker is back", || output.failure().is_none() && output.latency() > Duration::from_millis(5));
}
