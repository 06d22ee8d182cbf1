//! What is shared in a call is what the others see.

use super::stage::{Plain, keep, on_a_screen};
use parlor::call::{Call, Command, Config, Entry, Event, Phase, Share, Snapshot, Speaker};
use parlor::host;
use parlor::media::capture::screen::{Mode, Target};
use parlor::media::capture::{AudioSource, Format, SourceErrorKind, VideoSource};
use parlor::media::frame::Rgba;
use parlor::proto::Mode as Kind;
use parlor_lab::PATIENCE;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const RED: u32 = 0x00d0_2020;
const GREEN: u32 = 0x0010_a030;

fn person(server: SocketAddr, entry: Entry, name: &str, runtime: &tokio::runtime::Runtime) -> Call {
    Call::start(Config {
        video: VideoSource::Pattern,
        audio: AudioSource::Tone,
        speaker: Speaker::Silent,
        format: Some(Format { width: 320, height: 180, fps: 15 }),
        kbps: Some(200),
        ..Config::new(server.to_string(), entry, name, runtime.handle().clone())
    })
}

pub fn until(call: &Call, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
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

/// Into the room of somebody who is entering it. By its id: by its name it is found once her stream flows.
pub fn with_her(call: &Call) -> Entry {
    let entered = until(call, "the call", |s| matches!(s.phase, Phase::InCall));
    Entry::Enter { room: entered.room.as_ref().unwrap().id.to_string(), password: None }
}

/// Waits for a picture of the first peer as wanted.
fn sees(call: &Call, what: &str, wanted: impl Fn(&Rgba) -> bool) -> Rgba {
    let slot = until(call, "a peer", |s| !s.peers.is_empty()).peers[0].picture.clone();
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(picture) = slot.take_within(Duration::from_millis(200))
            && wanted(&picture)
        {
            return picture;
        }
        assert!(Instant::now() < deadline, "{what} was never seen");
    }
}

/// How much of a picture has this colour, in per cent.
fn share_of(picture: &Rgba, colour: u32) -> usize {
    let [_, red, green, blue] = colour.to_be_bytes();
    let near = |pixel: &&[u8]| pixel.iter().zip([red, green, blue]).all(|(a, b)| a.abs_diff(b) < 24);
    picture.data.chunks_exact(4).filter(near).count() * 100 / (picture.data.len() / 4)
}

#[test]
fn e2e_share_a_window_is_seen_by_the_others_with_the_camera_in_its_corner_again_and_again() {
    on_a_screen("calls::e2e_share_a_window_is_seen_by_the_others_with_the_camera_in_its_corner_again_and_again", || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let config = host::Config { listen: vec![SocketAddr::from(([127, 0, 0, 1], 0))], ..host::Config::default() };
        let host = runtime.block_on(host::start(config)).unwrap();
        let entry = Entry::Create { name: "Share".into(), mode: Kind::Duo, password: None, dissolve: true };
        let ada = person(host.addr(), entry, "Ada", &runtime);
        let bob = person(host.addr(), with_her(&ada), "Bob", &runtime);
        until(&bob, "the call", |s| matches!(s.phase, Phase::InCall));
        sees(&bob, "the test pattern", |picture| (picture.width, picture.height) == (320, 180));

        for (round, (colour, mode)) in [(RED, Mode::Detail), (GREEN, Mode::Motion), (RED, Mode::Motion)].into_iter().enumerate() {
            let window = Plain::open("Shared", (60, 60), (800, 600), colour);
            let share = Share { target: window.target(), name: "Shared".into(), mode, sound: false };
            ada.send(Command::Share(share.clone()));
            let told = until(&bob, "being told", |s| s.peers.first().is_some_and(|peer| peer.sharing));
            assert!(told.peers[0].camera, "the camera is on, too");
            let seen = sees(&bob, "the window", |picture| {
                (picture.width, picture.height) == (800, 600) && (80..98).contains(&share_of(picture, colour))
            });
            keep(&format!("seen-{round}"), &seen);
            let me = &ada.snapshot().me;
            let shared = me.sharing.clone().unwrap();
            assert_eq!((shared.share, shared.open, shared.shown), (share, true, true));
            // Without the camera, the window is all there is.
            ada.send(Command::SetCamera(false));
            sees(&bob, "the window alone", |picture| share_of(picture, colour) >= 99);
            ada.send(Command::SetCamera(true));
            sees(&bob, "the window with the camera", |picture| share_of(picture, colour) < 98);
            if round < 2 {
                ada.send(Command::StopShare);
            } else {
                // Closed by its own program.
                window.close();
            }
            until(&bob, "being told of the end", |s| s.peers.first().is_some_and(|peer| !peer.sharing));
            sees(&bob, "the test pattern again", |picture| (picture.width, picture.height) == (320, 180));
            assert_eq!(until(&ada, "the end", |s| s.me.sharing.is_none()).me.sharing, None);
        }
        let ended =
            ada.events().into_iter().find_map(|e| if let Event::ShareFailed(error) = e { Some(error.kind) } else { None });
        assert_eq!(ended, Some(SourceErrorKind::Gone));
        let told: Vec<bool> =
            bob.events().into_iter().filter_map(|e| if let Event::PeerShares { on, .. } = e { Some(on) } else { None }).collect();
        assert_eq!(told, [true, false, true, false, true, false]);

        // What cannot be shared changes nothing.
        ada.send(Command::Share(Share { target: Target::Window(77), name: "?".into(), mode: Mode::Detail, sound: false }));
        let deadline = Instant::now() + PATIENCE;
        while !ada.events().iter().any(|e| matches!(e, Event::ShareFailed(_))) {
            assert!(Instant::now() < deadline, "nobody says that it failed");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert!(ada.snapshot().me.sharing.is_none());
        drop((ada, bob));
        runtime.block_on(host.stop());
    });
}
