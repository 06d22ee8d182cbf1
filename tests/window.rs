//! Two real windows in a call, on a screen of their own (Xvfb and openbox), driven by mouse and keyboard, watched by a third member.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use parlor::base::Slot;
use parlor::call::{Call, Config, Ended, Entry, Phase, Snapshot, Speaker};
use parlor::media::capture::{AudioSource, VideoSource};
use parlor_lab::Running;
use parlor_lab::poll;
use parlor_lab::screen::Screen;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// A window of the program.
struct Window {
    process: Running,
    folder: PathBuf,
    shots: Vec<PathBuf>,
}

impl Window {
    /// Opens one; it saves pictures of itself every two seconds.
    fn open(screen: &Screen, folder: &Path, name: &str, host_port: u16, args: &[&str]) -> Self {
        let folder = folder.join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("parlor.json");
        std::fs::write(&config, format!("{{\"host_port\": {host_port}, \"sidebar\": false}}")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["--name", name, "--size", "800x560", "--lang", "en", "--theme", "dark", "--exit-after", "150", "--config"]);
        command.arg(&config).args(args);
        let shots: Vec<PathBuf> = (1..70).map(|i| folder.join(format!("{i:02}.png"))).collect();
        for (i, shot) in shots.iter().enumerate() {
            command.arg("--screenshot").arg(format!("{}@{}", shot.display(), 2 * (i + 1)));
        }
        screen.take(&mut command);
        command.env("XDG_RUNTIME_DIR", &folder);
        let log = std::fs::File::create(folder.join("log")).unwrap();
        let process = Running(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
        Self { process, folder, shots }
    }

    /// How many pictures have been taken.
    fn taken(&self) -> usize {
        self.shots.iter().take_while(|shot| shot.exists()).count()
    }

    /// The newest picture that is wholly there, if it is the `first` one or a later one.
    fn newest(&self, first: usize) -> Option<image::RgbaImage> {
        self.shots[first..].iter().rev().filter(|shot| shot.exists()).find_map(|shot| Some(image::open(shot).ok()?.to_rgba8()))
    }

    /// Waits for a picture, taken from now on, on which `find` finds something.
    fn wait_for<T>(&mut self, what: &str, find: impl Fn(&image::RgbaImage) -> Option<T>) -> T {
        // One may be in the making.
        let first = self.taken() + 1;
        poll(what, || {
            if let Some(status) = self.process.0.try_wait().unwrap() {
                panic!("the window ended with {status}: {}", std::fs::read_to_string(self.folder.join("log")).unwrap());
            }
            self.newest(first).as_ref().and_then(&find)
        })
    }

    /// The window's number, for xdotool.
    fn id(&self, screen: &Screen) -> String {
        let pid = self.process.0.id().to_string();
        poll("a window on the screen", || {
            let found = screen.xdotool(&["search", "--onlyvisible", "--pid", &pid]).unwrap();
            found.lines().last().map(str::to_owned)
        })
    }

    /// Asks it politely to end, as a session manager does.
    fn terminate(mut self) {
        let pid = self.process.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = poll("the end of the program", || self.process.0.try_wait().unwrap());
        assert!(status.success(), "{status}");
    }
}

/// How many of the colours of the test pattern's bars are there in earnest (at least 400 pixels each).
fn bars(picture: &image::RgbaImage) -> usize {
    let kinds: [fn([u8; 3]) -> bool; 6] = [
        |[r, g, b]| r > 140 && g > 140 && b < 70,
        |[r, g, b]| r < 70 && g > 140 && b > 140,
        |[r, g, b]| r < 70 && g > 140 && b < 70,
        |[r, g, b]| r > 140 && g < 70 && b > 140,
        |[r, g, b]| r > 140 && g < 70 && b < 70,
        |[r, g, b]| r < 70 && g < 70 && b > 140,
    ];
    let count = |kind: &fn([u8; 3]) -> bool| picture.pixels().filter(|p| kind([p.0[0], p.0[1], p.0[2]])).count();
    kinds.iter().filter(|kind| count(kind) > 400).count()
}

/// Pixels from side to side of the red button.
const LEAVE_WIDTH: u32 = 60;
/// Pixels from the left edge of the microphone's button, the first in the row, to its middle.
const HALF_BUTTON: u32 = 23;

/// The middle of the red button that leaves the call.
fn leave_button(picture: &image::RgbaImage) -> Option<(u32, u32)> {
    let red = parlor::ui::theme::DARK.danger;
    let hits: Vec<(u32, u32)> = picture
        .enumerate_pixels()
        .filter(|(_, y, p)| *y > picture.height() - 80 && p.0[..3] == [red.r(), red.g(), red.b()])
        .map(|(x, y, _)| (x, y))
        .collect();
    // A switch that is off has a rim of the same colour, further to the left.
    let right = hits.iter().map(|hit| hit.0).max()?;
    let hits: Vec<_> = hits.into_iter().filter(|hit| hit.0 + LEAVE_WIDTH > right).collect();
    let mean = |pick: fn(&(u32, u32)) -> u32| hits.iter().map(pick).sum::<u32>() / hits.len().max(1) as u32;
    (hits.len() > 300).then(|| (mean(|h| h.0), mean(|h| h.1)))
}

/// The middle of the first button in the row at `y`: whatever is no ground any more, seen from the left.
fn first_button(picture: &image::RgbaImage, y: u32) -> Option<u32> {
    let ground = parlor::ui::theme::DARK.ground.to_array();
    let is_ground = |x: u32| picture.get_pixel(x, y).0.iter().zip(ground).take(3).all(|(a, b)| a.abs_diff(b) < 4);
    (0..picture.width()).find(|x| !is_ground(*x)).map(|edge| edge + HALF_BUTTON)
}

/// The third member: sees what the windows really send.
struct Witness {
    call: Call,
    changed: Slot<()>,
}

impl Witness {
    fn enter(server: &str, room: &str, runtime: &tokio::runtime::Handle) -> Self {
        let changed = Slot::new();
        let entry = Entry::Enter { room: room.to_owned(), password: None };
        let mut config = Config::new(server, entry, "Witness", runtime.clone());
        config.video = VideoSource::None;
        config.audio = AudioSource::Tone;
        config.speaker = Speaker::Silent;
        let report = changed.clone();
        config.on_change = Arc::new(move || {
            report.put(());
        });
        Self { call: Call::start(config), changed }
    }

    fn wait_for<T>(&self, what: &str, probe: impl Fn(&Snapshot) -> Option<T>) -> T {
        poll(what, || {
            self.changed.take_within(Duration::from_millis(200));
            let snapshot = self.call.snapshot();
            if let Phase::Ended(Ended::Failed(error)) = &snapshot.phase {
                panic!("the witness is out: {error}");
            }
            probe(&snapshot)
        })
    }
}

#[test]
fn e2e_window_two_people_see_each_other_talk_and_leave() {
    let folder = tempfile::tempdir().unwrap();
    let screen = Screen::start().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = format!("127.0.0.1:{port}");

    // Grace hosts the server inside her window and opens the room.
    let grace_args = ["--server", "here", "--create", "Window", "--source", "pattern", "--mic", "tone", "--say", "你好，世界"];
    let mut grace = Window::open(&screen, folder.path(), "Grace", port, &grace_args);
    grace.wait_for("Grace's own picture", |picture| (bars(picture) >= 5).then_some(()));

    // By its name a room is found once its creator's stream flows.
    let client = parlor::room::Client::new(&server).unwrap();
    runtime.block_on(client.login("Lister")).unwrap();
    poll("the room in the list", || (runtime.block_on(client.get_room_list(0, 1)).unwrap().total > 0).then_some(()));

    // Ada comes without a camera: every bar on her screen is Grace's.
    let ada_args = ["--server", &server, "--enter", "Window", "--source", "none", "--mic", "tone"];
    let mut ada = Window::open(&screen, folder.path(), "Ada", port, &ada_args);
    ada.wait_for("Grace's picture in Ada's window", |picture| (bars(picture) >= 5).then_some(()));

    let witness = Witness::enter(&server, "Window", runtime.handle());
    witness.wait_for("both windows in the room", |s| (s.peers.len() == 2).then_some(()));
    witness.wait_for("both windows' sound", |s| s.peers.iter().all(|p| p.stats.sound.rms_max > 0.01).then_some(()));

    // Ada writes a line and mutes herself, by keyboard.
    let window = ada.id(&screen);
    screen.xdotool(&["windowactivate", "--sync", &window]).unwrap();
    screen.xdotool(&["key", "--window", &window, "c"]).unwrap();
    std::thread::sleep(Duration::from_secs(1));
    screen.xdotool(&["type", "--window", &window, "--delay", "60", "mv hello 42"]).unwrap();
    screen.xdotool(&["key", "--window", &window, "Return"]).unwrap();
    let line = witness.wait_for("Ada's line", |s| s.chat.iter().find(|l| l.name == "Ada").and_then(|l| l.text.clone()));
    assert_eq!(line, "mv hello 42");
    let still_on = witness.call.snapshot().peers.iter().find(|p| p.name == "Ada").map(|p| p.mic);
    assert_eq!(still_on, Some(true), "letters typed into the chat switch nothing");
    let (mic, x, y) = ada.wait_for("the buttons", |picture| {
        let (x, y) = leave_button(picture)?;
        Some((first_button(picture, y)?, x, y))
    });
    screen.xdotool(&["mousemove", "--window", &window, &mic.to_string(), &y.to_string(), "click", "1"]).unwrap();
    witness.wait_for("Ada's mute", |s| s.peers.iter().find(|p| p.name == "Ada").filter(|p| !p.mic).map(|_| ()));

    // Ada leaves by the red button; her window goes on at the first page.
    screen.xdotool(&["mousemove", "--window", &window, &x.to_string(), &y.to_string(), "click", "1"]).unwrap();
    witness.wait_for("Ada's leaving", |s| s.peers.iter().all(|p| p.name != "Ada").then_some(()));
    ada.wait_for("the first page", |picture| (bars(picture) < 3 && leave_button(picture).is_none()).then_some(()));
    ada.terminate();

    // Grace's window is closed by the system: the room is left, and so dissolved, before the process ends.
    grace.terminate();
    witness.wait_for("the end of the room", |s| matches!(s.phase, Phase::Ended(_) | Phase::Reconnecting { .. }).then_some(()));
}

#[test]
fn e2e_window_that_is_killed_leaves_a_recording_that_can_be_played() {
    let (screen, folder) = (Screen::start().unwrap(), tempfile::tempdir().unwrap());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let films = folder.path().join("films");
    let films_arg = films.display().to_string();
    let args = [
        "--server",
        "here",
        "--create",
        "Killed",
        "--source",
        "pattern",
        "--mic",
        "tone",
        "--record",
        "--recordings",
        &films_arg,
    ];
    let grace = Window::open(&screen, folder.path(), "Grace", port, &args);
    let film = poll("some seconds of a film", || {
        let film = std::fs::read_dir(&films).ok()?.next()?.ok()?;
        (film.metadata().ok()?.len() > 150_000).then(|| film.path())
    });
    // As `kill -9` does.
    drop(grace);
    let decoded = Command::new("ffmpeg").args(["-v", "error", "-i"]).arg(&film).args(["-f", "null", "-"]).output().unwrap();
    assert!(decoded.status.success(), "{}", String::from_utf8_lossy(&decoded.stderr));
    let probe = ["-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0"];
    let seconds = Command::new("ffprobe").args(probe).arg(&film).output().unwrap().stdout;
    let seconds: f64 = String::from_utf8_lossy(&seconds).trim().parse().unwrap();
    assert!(seconds > 1.9, "{seconds} s");
}

#[test]
fn e2e_window_without_a_screen_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_parlor"))
        .arg("--config")
        .arg(folder.path().join("parlor.json"))
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .env_remove("WAYLAND_SOCKET")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("No window can be opened"), "{said}");
}
