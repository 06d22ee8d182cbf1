//! Sound through a real device interface: ALSA to a PulseAudio of our own, whose microphone and speaker are null sinks.
//!
//! The ALSA library reads its configuration from the environment when it is first used, so the part that opens devices runs in a child
//! process: this program again.
#![cfg(feature = "media")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use parlor::base::{Clock, Queue};
use parlor::media::audio::chain::{Chain, Control};
use parlor::media::audio::{Output, Source, Tick, mic};
use parlor::media::capture::SourceErrorKind;
use parlor::media::devices::{Choice, Devices, InUse, Kind, Moved};
use parlor::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use parlor_lab::Running;
use parlor_lab::sound::{Sound, daemon, pactl};
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
fn until(what: &str, mut done: impl FnMut() -> bool) {
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

/// Plugs in a microphone called `name` that records a tone for as long as the returned client runs; and what to unplug. `format`: rate and
/// channels.
fn microphone(name: &str, hertz: f32, format: &str) -> (Running, String) {
    let (rate, channels) = format.split_once(' ').unwrap();
    let feed = format!("{name}_feed");
    let arguments = [format!("sink_name={feed}"), format!("rate={rate}"), format!("channels={channels}")];
    pactl(&["load-module", "module-null-sink", &arguments[0], &arguments[1], &arguments[2]]).unwrap();
    let plug = source(name);
    (play(&feed, hertz), plug)
}

/// The microphone's end that comes and goes; returns what to unplug.
fn source(name: &str) -> String {
    let (source, master) = (format!("source_name={name}"), format!("master={name}_feed.monitor"));
    pactl(&["load-module", "module-remap-source", &source, &master, &format!("source_properties=device.description={name}")])
        .unwrap()
}

/// Plugs in a speaker; returns what to unplug.
fn sink(name: &str) -> String {
    let properties = format!("sink_properties=device.description={name}");
    pactl(&["load-module", "module-null-sink", &format!("sink_name={name}"), &properties]).unwrap()
}

/// Plays a tone into a sink.
fn play(sink: &str, hertz: f32) -> Running {
    let mut feed = Running(pulse_client("pacat", sink).stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = feed.0.stdin.take().unwrap();
    std::thread::spawn(move || while stdin.write_all(&tone(hertz, 48_000)).is_ok() {});
    feed
}

/// Whether the next 300 ms hold this tone.
fn hears(chunks: &Queue<Chunk>, hertz: f32) -> bool {
    chunks.clear();
    let heard: Vec<f32> = (0..30).filter_map(|_| chunks.pop_within(Duration::from_millis(200))).flat_map(|c| c.samples).collect();
    let (measured, rms) = measure(&heard);
    heard.len() == 30 * CHUNK_SAMPLES && (measured - hertz).abs() < 8.0 && rms > 0.1
}

/// What is heard from a sink.
fn monitor(sink: &str) -> Queue<Chunk> {
    let mut record = Running(pulse_client("parec", &format!("{sink}.monitor")).stdout(Stdio::piped()).spawn().unwrap());
    let mut stdout = record.0.stdout.take().unwrap();
    let chunks = Queue::bounded(60);
    let put = chunks.clone();
    std::thread::spawn(move || {
        let _record = record;
        let mut bytes = vec![0; CHUNK_SAMPLES * 4];
        while stdout.read_exact(&mut bytes).is_ok() {
            let mut samples = [0.0; CHUNK_SAMPLES];
            for (to, from) in samples.iter_mut().zip(bytes.chunks_exact(4)) {
                *to = f32::from_le_bytes(from.try_into().unwrap());
            }
            put.push(Chunk { captured: Duration::ZERO, samples });
        }
    });
    chunks
}

/// Plays a tone for ever.
struct Tone(usize, f32);

impl Source for Tone {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        for sample in out {
            *sample = 0.4 * (std::f32::consts::TAU * self.1 * self.0 as f32 / SAMPLE_RATE as f32).sin();
            self.0 = (self.0 + 1) % 48_000;
        }
    }
}

fn is(in_use: Option<&InUse>, id: &str) -> bool {
    in_use.is_some_and(|in_use| in_use.id.as_deref() == Some(id))
}

#[test]
fn a_microphone_that_is_unplugged_is_replaced_and_used_again() {
    child("child_microphone_comes_and_goes");
}

#[test]
#[ignore = "runs as a child of a_microphone_that_is_unplugged_is_replaced_and_used_again"]
fn child_microphone_comes_and_goes() {
    let (feed, plug) = microphone("headset", 1000.0, "16000 1");
    let _feeds = [feed, play("micfeed", 440.0)];
    let chunks = Queue::bounded(60);
    let mic = mic::open(Choice::This("pulse:headset".into()), chunks.clone(), Clock::system()).unwrap();
    let using = mic.using();
    until("the headset is heard", || is(using.now().as_ref(), "pulse:headset") && hears(&chunks, 1000.0));
    let mut seen = None;
    assert_eq!(using.news(&mut seen), None, "it is what was chosen");

    pactl(&["unload-module", &plug]).unwrap();
    let unplugged = Instant::now();
    until("another microphone is used", || using.now().is_some_and(|u| u.instead_of.is_some()));
    eprintln!("another microphone after {:?}", unplugged.elapsed());
    let news = using.news(&mut seen).unwrap();
    let why = matches!(&news.how, Moved::FellBack { id, name, why: SourceErrorKind::NoDevice } if id == "pulse:headset" && name.as_deref() == Some("headset"));
    assert!(why && news.name == "Desk microphone", "{news:?}");
    until("it is heard", || hears(&chunks, 440.0));
    assert_eq!(mic.failure(), None);

    source("headset");
    let plugged = Instant::now();
    until("the headset is back", || is(using.now().as_ref(), "pulse:headset"));
    eprintln!("back after {:?}", plugged.elapsed());
    assert_eq!(using.news(&mut seen).map(|news| news.how), Some(Moved::Returned));
    until("it is heard again", || hears(&chunks, 1000.0));
    // All gone: a failure that says so, and heard again when something is there.
    for module in pactl(&["list", "short", "modules"]).unwrap().lines().filter(|line| line.contains("remap-source")) {
        pactl(&["unload-module", module.split_whitespace().next().unwrap()]).unwrap();
    }
    until("there is none", || mic.failure().is_some_and(|f| f.kind == SourceErrorKind::NoDevice));
    source("headset");
    until("there is one again", || mic.failure().is_none() && hears(&chunks, 1000.0));
}

#[test]
fn the_systems_default_is_followed() {
    child("child_default_changes");
}

#[test]
#[ignore = "runs as a child of the_systems_default_is_followed"]
fn child_default_changes() {
    let (feed, _plug) = microphone("headset", 1000.0, "48000 2");
    let _feeds = [feed, play("micfeed", 440.0)];
    sink("headphones");
    let (chunks, clock) = (Queue::bounded(60), Clock::system());
    let mic = mic::open(Choice::Default, chunks.clone(), clock.clone()).unwrap();
    let output = Output::open(Choice::Default, clock).unwrap();
    let _voice = output.voice(Tone(0, 600.0));
    let (speaker, headphones) = (monitor("speaker"), monitor("headphones"));
    until("the defaults are used", || hears(&chunks, 440.0) && hears(&speaker, 600.0));
    let (mut mic_seen, mut speaker_seen) = (None, None);
    until("they are known by name", || {
        (mic.using().news(&mut mic_seen), output.using().news(&mut speaker_seen)) == (None, None)
            && is(mic_seen.as_ref(), "pulse:mic")
            && is(speaker_seen.as_ref(), "pulse:speaker")
    });
    pactl(&["set-default-source", "headset"]).unwrap();
    pactl(&["set-default-sink", "headphones"]).unwrap();
    until("the new microphone is heard", || hears(&chunks, 1000.0));
    until("the new speaker plays", || hears(&headphones, 600.0));
    let followed = |from: &str| Some(Moved::Followed { from: Some(from.to_owned()) });
    until("it is said", || {
        is(mic.using().now().as_ref(), "pulse:headset") && is(output.using().now().as_ref(), "pulse:headphones")
    });
    assert_eq!(mic.using().news(&mut mic_seen).map(|n| n.how), followed("pulse:mic"));
    assert_eq!(output.using().news(&mut speaker_seen).map(|n| n.how), followed("pulse:speaker"));
}

#[test]
fn a_speaker_that_is_unplugged_is_replaced_and_used_again() {
    child("child_speaker_comes_and_goes");
}

#[test]
#[ignore = "runs as a child of a_speaker_that_is_unplugged_is_replaced_and_used_again"]
fn child_speaker_comes_and_goes() {
    let plug = sink("headphones");
    let output = Output::open(Choice::This("pulse:headphones".into()), Clock::system()).unwrap();
    let _voice = output.voice(Tone(0, 600.0));
    let speaker = monitor("speaker");
    let headphones = monitor("headphones");
    until("the headphones play", || hears(&headphones, 600.0));
    assert!(!hears(&speaker, 600.0), "nothing else plays");
    let mut seen = None;
    assert_eq!(output.using().news(&mut seen), None);

    pactl(&["unload-module", &plug]).unwrap();
    let unplugged = Instant::now();
    until("another speaker is used", || output.using().now().is_some_and(|u| u.instead_of.is_some()));
    eprintln!("another speaker after {:?}", unplugged.elapsed());
    until("it plays", || hears(&speaker, 600.0));
    let how = output.using().news(&mut seen).map(|news| news.how);
    assert!(matches!(&how, Some(Moved::FellBack { why: SourceErrorKind::NoDevice, .. })), "{how:?}");

    sink("headphones");
    let plugged = Instant::now();
    let headphones = monitor("headphones");
    until("the headphones play again", || hears(&headphones, 600.0));
    eprintln!("back after {:?}", plugged.elapsed());
    assert_eq!(output.using().news(&mut seen).map(|news| news.how), Some(Moved::Returned));

    // In place: the voice goes on, elsewhere.
    output.choose(Choice::This("pulse:speaker".into()));
    until("the other speaker plays", || hears(&speaker, 600.0));
    output.choose(Choice::This("pulse:nonsense".into()));
    until("nonsense is the default", || output.using().now().is_some_and(|u| u.by_default && u.instead_of.is_some()));
    until("the default one plays", || hears(&speaker, 600.0));
}

#[test]
fn devices_of_any_rate_and_number_of_channels_are_heard_right() {
    child("child_odd_formats");
}

#[test]
#[ignore = "runs as a child of devices_of_any_rate_and_number_of_channels_are_heard_right"]
fn child_odd_formats() {
    // Bluetooth's hands-free profile old and new, a CD, and a studio card.
    for (name, format) in [("narrow", "8000 1"), ("wide", "16000 1"), ("cd", "44100 2"), ("studio", "96000 6")] {
        let (feed, _plug) = microphone(name, 440.0, format);
        let chunks = Queue::bounded(60);
        let mic = mic::open(Choice::This(format!("pulse:{name}")), chunks.clone(), Clock::system()).unwrap();
        until(&format!("{name} is heard"), || hears(&chunks, 440.0));
        assert!(is(mic.using().now().as_ref(), &format!("pulse:{name}")));
        drop(feed);
        // The feed is a speaker of the same kind.
        let output = Output::open(Choice::This(format!("pulse:{name}_feed")), Clock::system()).unwrap();
        let _voice = output.voice(Tone(0, 700.0));
        until(&format!("{name} plays"), || hears(&chunks, 700.0));
        assert_eq!((mic.failure(), output.failure()), (None, None));
    }
}

#[test]
fn a_microphone_of_exact_zeros_is_a_failure_in_words() {
    child("child_exact_zeros");
}

#[test]
#[ignore = "runs as a child of a_microphone_of_exact_zeros_is_a_failure_in_words"]
fn child_exact_zeros() {
    let chunks = Queue::bounded(60);
    let opened = Instant::now();
    let mic = mic::open(Choice::This("pulse:mic".into()), chunks.clone(), Clock::system()).unwrap();
    until("the silence is noticed", || mic.failure().is_some_and(|failure| failure.kind == SourceErrorKind::Silent));
    assert!(opened.elapsed() > Duration::from_secs(2), "not at once");
    assert!(chunks.pop_within(Duration::from_secs(5)).is_some(), "it goes on all the same");
    let _feed = play("micfeed", 440.0);
    until("it is forgiven", || mic.failure().is_none() && hears(&chunks, 440.0));
}

/// A buzz whose pitch wanders, in syllables: enough of a voice for an echo canceller.
struct Voice {
    at: usize,
    phase: f32,
}

impl Source for Voice {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        for out in out {
            let t = self.at as f32 / SAMPLE_RATE as f32;
            self.at += 1;
            let tau = std::f32::consts::TAU;
            self.phase += (150.0 + 60.0 * (tau * 0.31 * t).sin() + 25.0 * (tau * 1.7 * t).sin()) / SAMPLE_RATE as f32;
            let buzz: f32 = (1..24).map(|n| (tau * n as f32 * self.phase).sin() / (n as f32).sqrt()).sum();
            *out = 0.05 * buzz * (tau * 2.2 * t).sin().max(0.0);
        }
    }
}

#[test]
fn open_speakers_make_no_echo() {
    child("child_open_speakers");
}

#[test]
#[ignore = "runs as a child of open_speakers_make_no_echo"]
fn child_open_speakers() {
    // What the speaker plays goes into the microphone, as on a table.
    pactl(&["load-module", "module-loopback", "source=speaker.monitor", "sink=micfeed", "latency_msec=30"]).unwrap();
    let clock = Clock::system();
    let output = Output::open(Choice::Default, clock.clone()).unwrap();
    let _voice = output.voice(Voice { at: 0, phase: 0.0 });
    let chunks = Queue::bounded(20);
    let mic = mic::open(Choice::Default, chunks.clone(), clock).unwrap();
    let control = Control::default();
    control.set_reference(Some(output.reference()));
    let mut chain = Chain::new(control);
    let power = |samples: &[f32]| samples.iter().map(|s| s * s).sum::<f32>();
    // A busy machine loses sound now and then, which is no echo's fault: two clean seconds are wanted, not all of them.
    let patience = Instant::now() + Duration::from_secs(90);
    let (mut seconds, mut good) = (Vec::new(), 0);
    while good < 2 {
        assert!(
            Instant::now() < patience,
            "echo loss second by second, in dB: {seconds:?}; {:?} {:?}; {} underruns, {:?} to the ear",
            mic.failure(),
            output.failure(),
            output.underruns(),
            output.latency()
        );
        let (mut heard, mut sent) = (0.0, 0.0);
        for _ in 0..100 {
            let Some(mut chunk) = chunks.pop_within(Duration::from_secs(5)) else { break };
            heard += power(&chunk.samples);
            chain.process(&mut chunk);
            sent += power(&chunk.samples);
        }
        let loss = 10.0 * (heard / sent.max(1e-9)).log10();
        good = if heard > 10.0 && loss > 25.0 { good + 1 } else { 0 };
        seconds.push(loss.round());
    }
}
