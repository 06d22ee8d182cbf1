//! Sharing from the program's window, by the keyboard.

use super::stage::{on_a_screen, press};
use parlor::call::{Call, Config, Ended, Entry, Phase, Snapshot, Speaker};
use parlor::media::capture::{AudioSource, VideoSource};
use parlor_lab::{Running, poll};
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn witness(call: &Call, what: &str, wanted: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    poll(what, || {
        let snapshot = call.snapshot();
        if let Phase::Ended(Ended::Failed(error)) = &snapshot.phase {
            panic!("the witness is out: {error}");
        }
        wanted(&snapshot).then_some(snapshot)
    })
}

#[test]
fn e2e_share_from_the_window_the_screen_is_shared_stopped_and_shared_again_with_s() {
    on_a_screen("window::e2e_share_from_the_window_the_screen_is_shared_stopped_and_shared_again_with_s", || {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = folder.path().join("parlor.json");
        std::fs::write(&config, format!("{{\"host_port\": {port}, \"sidebar\": false}}")).unwrap();
        let mut app = Command::new(env!("CARGO_BIN_EXE_parlor"));
        app.args(["--server", "here", "--create", "Share", "--name", "Grace", "--source", "pattern", "--mic", "none"]);
        app.args(["--size", "700x500", "--lang", "en", "--theme", "dark", "--exit-after", "150", "--config"]).arg(&config);
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let app = Running(app.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        let pid = app.0.id().to_string();
        let window = poll("the window", || press(&["search", "--onlyvisible", "--pid", &pid]).lines().last().map(str::to_owned));

        let entry = Entry::Enter { room: "Share".into(), password: None };
        let server = format!("127.0.0.1:{port}");
        let call = poll("the room", || {
            let config = Config {
                video: VideoSource::None,
                audio: AudioSource::None,
                speaker: Speaker::Silent,
                ..Config::new(server.clone(), entry.clone(), "Witness", runtime.handle().clone())
            };
            let call = Call::start(config);
            poll("an answer", || (!matches!(call.snapshot().phase, Phase::Entering)).then_some(()));
            matches!(call.snapshot().phase, Phase::InCall).then_some(call)
        });
        witness(&call, "Grace's picture", |s| s.peers.first().is_some_and(|peer| peer.stats.picture.shown > 10));
        press(&["windowactivate", "--sync", &window]);
        for _ in 0..2 {
            press(&["key", "--window", &window, "s"]);
            // The list takes a moment, and so does the button's getting the keyboard; until then the key does nothing.
            let shares = |s: &Snapshot| s.peers.first().is_some_and(|peer| peer.sharing);
            poll("being told", || {
                press(&["key", "--window", &window, "Return"]);
                let told = Instant::now() + Duration::from_secs(3);
                while !shares(&call.snapshot()) && Instant::now() < told {
                    std::thread::sleep(Duration::from_millis(50));
                }
                shares(&call.snapshot()).then_some(())
            });
            witness(&call, "the whole screen", |s| s.peers.first().is_some_and(|peer| peer.stats.picture.width == 1280));
            press(&["key", "--window", &window, "s"]);
            witness(&call, "being told of the end", |s| s.peers.first().is_some_and(|peer| !peer.sharing));
            witness(&call, "the camera again", |s| s.peers.first().is_some_and(|peer| peer.stats.picture.width < 1280));
        }
        drop(call);
    });
}
