//! What the computer plays is heard with what is shared, and what the call itself plays is not.

use super::calls::{until, with_her};
use super::stage::{Plain, with};
use parlor::call::{Call, Command, Config, Entry, Phase, Share, Speaker};
use parlor::host;
use parlor::media::capture::screen::Mode;
use parlor::media::capture::{AudioSource, SystemSound, VideoSource};
use parlor::proto::Mode as Kind;
use parlor_lab::sound::Sound;
use parlor_lab::{PATIENCE, Running};
use std::io::Write;
use std::net::SocketAddr;
use std::process::{self, Stdio};
use std::time::{Duration, Instant};

/// A tone of half the full scale.
const LOUD: f32 = 0.1;
const SILENT: f32 = 0.005;

/// Another program that plays a tone.
fn music() -> Running {
    let mut player = process::Command::new("pacat");
    player.args(["--raw", "--format=float32le", "--rate=48000", "--channels=1", "--latency-msec=40"]);
    let mut player = Running(player.stdin(Stdio::piped()).spawn().unwrap());
    let mut stdin = player.0.stdin.take().unwrap();
    let sample = |i: usize| 0.5 * (std::f32::consts::TAU * 660.0 * i as f32 / 48_000.0).sin();
    let second: Vec<u8> = (0..48_000).flat_map(|i| sample(i).to_le_bytes()).collect();
    std::thread::spawn(move || while stdin.write_all(&second).is_ok() {});
    player
}

#[test]
fn e2e_share_sound_of_other_programs_is_heard_and_that_of_the_call_is_not() {
    let name = "sound::e2e_share_sound_of_other_programs_is_heard_and_that_of_the_call_is_not";
    with(name, Some(|| Sound::start().unwrap()), || {
        assert!(SystemSound::is_there());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = host::Config { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], ..host::Config::default() };
        let host = runtime.block_on(host::start(config)).unwrap();
        let entry = Entry::Create { name: "Sound".into(), mode: Kind::Duo, password: None, dissolve: true };
        let person = |entry, name: &str, audio, speaker| {
            Call::start(Config {
                video: VideoSource::None,
                audio,
                speaker,
                chimes: false,
                ..Config::new(host.addr().to_string(), entry, name, runtime.handle().clone())
            })
        };
        // What Bob sends is played aloud where Ada is, who herself says nothing.
        let ada = person(entry, "Ada", AudioSource::None, Speaker::Default);
        let bob = person(with_her(&ada), "Bob", AudioSource::Tone, Speaker::Silent);
        until(&bob, "the call", |s| matches!(s.phase, Phase::InCall));
        until(&ada, "Bob's tone", |s| s.peers.first().is_some_and(|peer| peer.stats.sound.rms_max > 0.02));
        assert!(ada.snapshot().me.speaker_device.failure.is_none());
        let hears = |what: &str, wanted: &dyn Fn(f32) -> bool| {
            // For one and a half seconds in a row: Bob's tone is a beep each second.
            let deadline = Instant::now() + PATIENCE;
            let mut since = Instant::now();
            while since.elapsed() < Duration::from_millis(1500) {
                let heard = bob.snapshot().peers.first().map_or(0.0, |peer| peer.stats.sound.rms);
                if !wanted(heard) {
                    since = Instant::now();
                }
                assert!(Instant::now() < deadline, "{what}: {heard}");
                std::thread::sleep(Duration::from_millis(20));
            }
        };
        let window = Plain::open("Shared", (60, 60), (320, 240), 0x0010_a030);
        let share = |sound| Share { target: window.target(), name: "Shared".into(), mode: Mode::Detail, sound };
        ada.send(Command::Share(share(true)));
        let shared = until(&ada, "sharing", |s| s.me.sharing.as_ref().is_some_and(|shared| shared.open));
        assert!(shared.me.sharing.as_ref().unwrap().sound);
        hears("the call itself", &|heard| heard < SILENT);
        let playing = music();
        hears("the other program", &|heard| heard > LOUD);
        drop(playing);
        hears("the end of it", &|heard| heard < SILENT);
        // A program that begins later is heard as well, and nothing is after the end.
        let playing = music();
        hears("another program", &|heard| heard > LOUD);
        ada.send(Command::Share(share(false)));
        hears("without sound", &|heard| heard < SILENT);
        drop((playing, ada, bob));
        runtime.block_on(host.stop());
    });
}
