//! Sound through a real device interface: ALSA to a PulseAudio of our own, whose microphone and speaker are null sinks.
//!
//! The ALSA library reads its configuration from the environment when it is first used, so the part that opens devices runs in a child
//! process: this program again.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, Queue};
use parlor::media::audio::{Output, Source, Tick, mic};
use parlor::media::devices;
use parlor::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A process that is killed when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A private PulseAudio with a null sink `speaker` and a microphone `mic` that plays what is put into the null sink `micfeed`.
struct Pulse {
    folder: tempfile::TempDir,
    _daemon: Running,
}

impl Pulse {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("native");
        let script = format!(
            "load-module module-native-protocol-unix auth-anonymous=1 socket={}\n\
             load-module module-null-sink sink_name=speaker rate=48000 channels=2\n\
             load-module module-null-sink sink_name=micfeed rate=48000 channels=2\n\
             load-module module-remap-source source_name=mic master=micfeed.monitor\n\
             set-default-sink speaker\nset-default-source mic\n",
            socket.display()
        );
        fs::write(folder.path().join("lab.pa"), script).unwrap();
        let alsa = "pcm.default { type pulse  hint { show on  description \"lab\" } }\nctl.default { type pulse }\n\
                    pcm.broken { type hw card 77  hint { show on  description \"a card that is not there\" } }\n";
        fs::write(folder.path().join("asound.conf"), alsa).unwrap();
        let daemon = daemon(folder.path());
        let pulse = Self { folder, _daemon: Running(daemon) };
        let ready = Instant::now() + Duration::from_secs(30);
        while !pulse.command("pactl").arg("info").output().is_ok_and(|o| o.status.success()) {
            assert!(Instant::now() < ready, "PulseAudio does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        pulse
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        environment(&mut command, self.folder.path());
        command
    }

    /// Runs the ignored test `name` of this program against these devices.
    fn child(&self, name: &str) {
        let output = self
            .command(std::env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env("PARLOR_SOUND_LAB", self.folder.path())
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }
}

/// The daemon as the scripts in `folder` want it.
fn daemon(folder: &Path) -> Child {
    Command::new("pulseaudio")
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "--log-level=error"])
        .arg("-F")
        .arg(folder.join("lab.pa"))
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder)
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs PulseAudio: apt-get install pulseaudio pulseaudio-utils libasound2-plugins")
}

fn environment(command: &mut Command, folder: &Path) {
    command
        .env("XDG_RUNTIME_DIR", folder)
        .env("PULSE_SERVER", format!("unix:{}", folder.join("native").display()))
        .env("ALSA_CONFIG_PATH", folder.join("asound.conf"));
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
    Pulse::start().child("child_microphone_to_speaker");
}

#[test]
#[ignore = "runs as a child of a_tone_into_the_microphone_comes_out_of_the_speaker"]
fn child_microphone_to_speaker() {
    let clock = Clock::system();
    let mut feed = Running(pulse_client("pacat", "micfeed").stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = feed.0.stdin.take().unwrap();
    std::thread::spawn(move || while stdin.write_all(&tone(440.0, 48_000)).is_ok() {});

    let chunks = Queue::bounded(20);
    let mic = mic::open(None, chunks.clone(), clock.clone()).unwrap();
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

    let output = Output::open(None, clock).unwrap();
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
    Pulse::start().child("child_lists_devices");
}

#[test]
#[ignore = "runs as a child of only_devices_that_work_are_listed"]
fn child_lists_devices() {
    for list in [devices::microphones(), devices::speakers()] {
        assert!(list.iter().any(|d| d.id.ends_with("default")), "{list:?}");
        assert!(!list.iter().any(|d| d.id.contains("broken")), "{list:?}");
    }
    let chosen = devices::microphones().remove(0);
    mic::open(Some(&chosen.id), Queue::bounded(1), Clock::system()).unwrap();
}

#[test]
fn a_speaker_that_dies_is_replaced_by_silence_and_comes_back() {
    Pulse::start().child("child_loses_its_speaker");
}

#[test]
#[ignore = "runs as a child of a_speaker_that_dies_is_replaced_by_silence_and_comes_back"]
fn child_loses_its_speaker() {
    let folder = std::path::PathBuf::from(std::env::var_os("PARLOR_SOUND_LAB").unwrap());
    let output = Output::open(None, Clock::system()).unwrap();
    let reference = output.reference();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let patience = Instant::now() + Duration::from_secs(60);
        while !done() {
            assert!(Instant::now() < patience, "never: {what}; failure {:?}, latency {:?}", output.failure(), output.latency());
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until("the speaker opens", &|| output.latency() > Duration::from_millis(5));
    assert!(Command::new("pactl").arg("exit").status().unwrap().success());
    until("the loss is noticed", &|| output.failure().is_some());
    reference.clear();
    until("the ticks go on", &|| reference.len() > 20);
    let _again = Running(daemon(&folder));
    until("the speaker is back", &|| output.failure().is_none() && output.latency() > Duration::from_millis(5));
}
