//! Two people in a call whose pictures and sound go through nginx.

use crate::nginx::{Behind, PATIENCE};
use parlor::base::Clock;
use parlor::call::{Call, Config, Entry, Peer, Phase, Snapshot, Speaker};
use parlor::host::{self, Host};
use parlor::media::capture::{AudioSource, Format, VideoSource};
use parlor::proto::Mode;
use parlor::room::Client;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Loudness of a beep, far above anything that an encoder makes of silence.
const LOUD: f32 = 0.02;

fn until(call: &Call, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let snapshot = call.snapshot();
        if wanted(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < deadline, "{} waited in vain for: {what}\n{snapshot:#?}", snapshot.me.name);
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn start(host: &Host, runtime: &Runtime, entry: Entry, name: &str) -> Call {
    Call::start(Config {
        video: VideoSource::Pattern,
        audio: AudioSource::Tone,
        speaker: Speaker::Silent,
        format: Some(Format { width: 320, height: 180, fps: 30 }),
        kbps: Some(300),
        ..Config::new(host.addr().to_string(), entry, name, runtime.handle().clone())
    })
}

/// Ann and Ben talk for a while; what each knows of the other at the end.
fn talk(host: &Host, runtime: &Runtime) -> [Peer; 2] {
    let entry = Entry::Create { name: "Talk".into(), mode: Mode::Duo, password: None, dissolve: true };
    let ann = start(host, runtime, entry, "Ann");
    let entered = until(&ann, "being in the call", |s| matches!(s.phase, Phase::InCall));
    // By its id: by its name a room is found once its creator's stream flows.
    let room = entered.room.as_ref().unwrap().id.to_string();
    let ben = start(host, runtime, Entry::Enter { room, password: None }, "Ben");
    let ended = |s: &Snapshot| {
        !s.peers.is_empty() && s.peers.iter().all(|p| p.stats.picture.shown > 300 && p.stats.delay.recent.is_some())
    };
    for call in [&ann, &ben] {
        until(call, "somebody's beep", |s| s.peers.iter().any(|p| p.stats.sound.rms > LOUD));
        until(call, "somebody's pictures, and how old they are", ended);
    }
    [ann, ben].map(|call| call.snapshot().peers[0].clone())
}

fn report(way: &str, peers: &[Peer; 2]) {
    for peer in peers {
        let stats = &peer.stats;
        println!(
            "{way}: {} is seen {:?} after capture, sound {:.0} ms before the picture, first sound after {:.0} ms, first picture after {:.0} ms, key frames {:.1} s apart, {:.0} ms of sound concealed, {} freezes",
            peer.name,
            stats.delay.all.unwrap(),
            stats.delay.av_offset_ms,
            stats.sound.first_ms.unwrap_or_default(),
            stats.picture.first_ms.unwrap_or_default(),
            stats.picture.gop_s,
            stats.sound.gap_ms,
            stats.picture.freezes
        );
    }
}

/// The programs themselves, without a word about the engine.
#[test]
fn e2e_two_bots_talk_through_nginx() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let behind = runtime.block_on(Behind::start("nginx with its RTMP module", Clock::system()));
    let bot = |name: &str, entry: [&str; 2]| {
        let mut bot = Command::new(env!("CARGO_BIN_EXE_parlor-bot"));
        bot.args(["--server", &behind.host.addr().to_string(), "--name", name, "--size", "320x180", "--json"]).args(entry);
        bot.args(["--seconds", "10", "--expect", "1"]).stdout(Stdio::piped()).spawn().unwrap()
    };
    let ann = bot("Ann", ["--create", "Talk"]);
    let looking = Client::new(&behind.host.addr().to_string()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    runtime.block_on(async {
        looking.login("Onlooker").await.unwrap();
        while looking.get_room_list(0, 1).await.unwrap().total == 0 {
            assert!(Instant::now() < deadline, "Ann's room is not in the list");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for (name, bot) in [("Ben", bot("Ben", ["--enter", "Talk"])), ("Ann", ann)] {
        let output = bot.wait_with_output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        println!("{name}: {}", report["peers"]);
        assert!(output.status.success(), "{name} did not both see and hear the other: {report}");
        let p50 = report["peers"][0]["delay_ms"]["p50"].as_f64().unwrap();
        assert!((10.0..1_000.0).contains(&p50), "{report}");
    }
}

#[test]
fn e2e_two_people_see_and_hear_each_other_through_nginx_and_know_the_delay() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let listen = vec!["127.0.0.1:0".parse().unwrap()];
    let own = runtime.block_on(host::start(host::Config { listen, ..host::Config::default() })).unwrap();
    report("own relay", &talk(&own, &runtime));
    let mut all = Vec::new();
    for (way, change) in [("nginx-rtmp, AAC", ""), ("nginx-rtmp, Opus", "audio = \"opus\"\n")] {
        let behind = runtime.block_on(Behind::start_with("nginx with its RTMP module", change, Clock::system()));
        let peers = talk(&behind.host, &runtime);
        report(way, &peers);
        all.extend(peers);
    }
    for peer in &all {
        let stats = &peer.stats;
        assert_eq!((stats.picture.width, stats.picture.height, stats.picture.codec.as_str()), (320, 180, "H.264"));
        assert!(stats.sound.rms_max > LOUD && stats.unsupported.is_none(), "{stats:?}");
        let delay = stats.delay.all.unwrap();
        // A figure that can be true: not below what a frame of sound takes, not off by a clock that was misunderstood.
        assert!((10.0..1_000.0).contains(&delay.p50), "{delay:?}");
        assert!(stats.delay.av_offset_ms.abs() < 80.0, "{stats:?}");
        assert!(stats.picture.gop_s <= 2.5, "{} s between key frames", stats.picture.gop_s);
    }
}
