//! `bench media --part cpu`: what a call costs, in CPU seconds a minute for each thread: bots alone, and a window of the app among bots,
//! beside what ffmpeg needs for nothing but the same encoding and decoding.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::threads::{Threads, Work};
use crate::bench::load::{Cpu, Machine};
use crate::bench::output_file;
use crate::bench::screen::{Area, Screen};
use crate::call::{Bot, Member, Server};
use crate::command::{Running, built, find};
use crate::table::Table;
use crate::temporary::Folder;
use parlor_lab::sound::Sound;

/// For a room to be listed, and for bots to end after their time.
const LIMIT: Duration = Duration::from_secs(60);
/// After the last one has come: windows open, encoders and jitter buffers settle.
const SETTLE: Duration = Duration::from_secs(8);
/// The screen of the one who has a window.
const SCREEN: (usize, usize) = (1280, 800);
const NAMES: [&str; 4] = ["Ann", "Ben", "Cem", "Dua"];
/// What is seen, once a loop.
const FILM_SECONDS: u32 = 10;

/// A load.
struct Load {
    name: &'static str,
    mode: &'static str,
    people: usize,
    size: (u32, u32),
    fps: u32,
    kbps: u32,
}

const LOADS: [Load; 2] = [
    Load { name: "four people, 480x360 at 15", mode: "multi", people: 4, size: (480, 360), fps: 15, kbps: 300 },
    Load { name: "two people, 1280x720 at 30", mode: "duo", people: 2, size: (1280, 720), fps: 30, kbps: 1500 },
];

pub fn run(seconds: u64) -> Result<Value> {
    let folder = Folder::new("cpu")?;
    let mut figures = Vec::new();
    for load in LOADS {
        let film = folder.path().join(format!("{}.mp4", load.people));
        draw(&load, &film)?;
        let machine = Machine::now();
        let floor = Floor::measure(&load, &film, folder.path())?;
        let (bots, pictures) = bots(&load, &film, seconds)?;
        let window = window(&load, &film, seconds, folder.path())?;
        let busy = machine.busy_since();
        let ratio = without_source(&bots) / floor.per_minute(&load);
        print(&load, &bots, &window, &floor, ratio, busy);
        println!("pictures a second that a bot sent: {pictures:.1} of {}\n", load.fps);
        figures.push(json!({
            "load": load.name, "machine_busy": busy, "floor_cpu_s_per_minute": floor.per_minute(&load), "ratio": ratio, "bot_pictures_per_s": pictures,
            "floor": { "encode_s": floor.encode_s, "decode_s": floor.decode_s, "of_seconds": FILM_SECONDS },
            "bot": to_json(&bots), "window": to_json(&window),
        }));
    }
    Ok(json!({
        "seconds": seconds, "picture": "ffmpeg's testsrc2 from a file, a tone", "unit": "CPU seconds a minute of one member", "loads": figures,
    }))
}

fn print(load: &Load, bots: &Sums, window: &Sums, floor: &Floor, ratio: f64, busy: f64) {
    let mut names: Vec<&String> = bots.keys().chain(window.keys()).collect();
    let most = |name: &String| [bots, window].iter().filter_map(|sums| Some(sums.get(name)?.cpu_s)).fold(0.0, f64::max);
    names.sort_by(|a, b| most(b).total_cmp(&most(a)).then(a.cmp(b)));
    names.dedup();
    let mut table = Table::new([load.name, "bot: CPU s/min", "switches/s", "window: CPU s/min", "switches/s"]);
    let cells = |work: Option<&Work>| match work {
        Some(work) => [format!("{:.2}", work.cpu_s * 60.0), format!("{:.0}", work.switches)],
        None => ["-".to_owned(), "-".to_owned()],
    };
    for name in names {
        let ([bot_cpu, bot_switches], [cpu, switches]) = (cells(bots.get(name)), cells(window.get(name)));
        table.row([name.clone(), bot_cpu, bot_switches, cpu, switches]);
    }
    let ([bot_cpu, bot_switches], [cpu, switches]) = (cells(Some(&sum(bots))), cells(Some(&sum(window))));
    table.row(["all".to_owned(), bot_cpu, bot_switches, cpu, switches]);
    println!("{table}");
    println!(
        "ffmpeg, the same encoded once and decoded to RGBA {} times: {:.2} CPU s/min; a bot without its source: {ratio:.2} times that. Machine busy: {:.0} %\n",
        load.people - 1,
        floor.per_minute(load),
        busy * 100.0
    );
}

/// A second's work, by threads.
type Sums = BTreeMap<String, Work>;

fn sum(sums: &Sums) -> Work {
    sums.values()
        .fold(Work::default(), |sum, work| Work { cpu_s: sum.cpu_s + work.cpu_s, switches: sum.switches + work.switches })
}

/// CPU seconds a minute without the threads that stand for camera and microphone.
fn without_source(sums: &Sums) -> f64 {
    let sources: f64 = ["file", "tone"].iter().filter_map(|name| Some(sums.get(*name)?.cpu_s)).sum();
    (sum(sums).cpu_s - sources) * 60.0
}

fn to_json(sums: &Sums) -> Value {
    let threads: BTreeMap<_, _> = sums
        .iter()
        .map(|(name, work)| (name, json!({ "cpu_s_per_minute": work.cpu_s * 60.0, "switches_per_s": work.switches })))
        .collect();
    json!({ "cpu_s_per_minute": sum(sums).cpu_s * 60.0, "switches_per_s": sum(sums).switches, "threads": threads })
}

/// A film that costs little to read.
fn draw(load: &Load, film: &Path) -> Result<()> {
    let source = format!("testsrc2=size={}x{}:rate={}:duration={FILM_SECONDS}", load.size.0, load.size.1, load.fps);
    let mut ffmpeg = Command::new(find("ffmpeg").context("ffmpeg is missing")?);
    ffmpeg.args(["-loglevel", "error", "-y", "-f", "lavfi", "-i", &source, "-pix_fmt", "yuv420p"]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "ultrafast", "-qp", "16", "-bf", "0"]).arg(film);
    crate::command::run(&mut ffmpeg)
}

/// What ffmpeg needs for the film.
struct Floor {
    encode_s: f64,
    decode_s: f64,
}

impl Floor {
    fn measure(load: &Load, film: &Path, folder: &Path) -> Result<Self> {
        let (raw, coded) = (folder.join("raw.yuv"), folder.join("coded.h264"));
        let (size, rate) = (format!("{}x{}", load.size.0, load.size.1), load.fps.to_string());
        let film = film.to_string_lossy().into_owned();
        let [raw, coded] = [raw, coded].map(|path| path.to_string_lossy().into_owned());
        ffmpeg(&["-i", &film, "-f", "rawvideo", "-pix_fmt", "yuv420p", &raw])?;
        let kbps = format!("{}k", load.kbps);
        let pictures = ["-f", "rawvideo", "-pixel_format", "yuv420p", "-video_size", &size, "-framerate", &rate, "-i", &raw];
        let coding =
            ["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline", "-threads", "1"];
        let encode_s = ffmpeg(
            &[&pictures[..], &coding, &["-g", "9999", "-b:v", &kbps, "-maxrate", &kbps, "-bufsize", &kbps, &coded]].concat(),
        )?;
        let decode_s = ffmpeg(&["-threads", "1", "-i", &coded, "-pix_fmt", "rgba", "-f", "rawvideo", "-y", "/dev/null"])?;
        Ok(Self { encode_s, decode_s })
    }

    /// CPU seconds a minute of one member who encodes once and decodes everybody else.
    fn per_minute(&self, load: &Load) -> f64 {
        (self.encode_s + self.decode_s * (load.people - 1) as f64) * 60.0 / f64::from(FILM_SECONDS)
    }
}

/// Runs ffmpeg and returns its CPU seconds, as it measures them itself.
fn ffmpeg(arguments: &[&str]) -> Result<f64> {
    let program = find("ffmpeg").context("ffmpeg is missing")?;
    let done = Command::new(program)
        .args(["-hide_banner", "-loglevel", "info", "-benchmark", "-y"])
        .args(arguments)
        .stdin(Stdio::null())
        .output();
    let done = done.context("cannot start ffmpeg")?;
    let said = String::from_utf8_lossy(&done.stderr);
    if !done.status.success() {
        bail!("ffmpeg failed:\n{said}");
    }
    let line = said.lines().find(|line| line.starts_with("bench: utime=")).context("ffmpeg says nothing of its CPU time")?;
    let seconds =
        |key: &str| line.split_whitespace().find_map(|word| word.strip_prefix(key)?.trim_end_matches('s').parse::<f64>().ok());
    let (user, system) = (seconds("utime="), seconds("stime="));
    user.zip(system).map(|(user, system)| user + system).with_context(|| format!("ffmpeg says {line:?}"))
}

/// Bots that send the film.
fn bot(server: &Server, load: &Load, film: &Path, name: &str, seconds: u64) -> Bot {
    let (size, fps, kbps) = (format!("{}x{}", load.size.0, load.size.1), load.fps.to_string(), load.kbps.to_string());
    let source = format!("file:{}", film.display());
    Bot::new(&server.url, name, seconds, true)
        .with(&["--size", &size, "--fps", &fps, "--kbps", &kbps, "--source", &source, "--mic", "tone"])
}

/// A call of bots alone: the average member, and how many pictures a second it sent: on a machine that is too busy they become fewer.
fn bots(load: &Load, film: &Path, seconds: u64) -> Result<(Sums, f64)> {
    let server = Server::start(true)?;
    let stay = seconds + SETTLE.as_secs() + 4;
    let expect = (load.people - 1).to_string();
    let start =
        |name: &str, entry: &[&str]| bot(&server, load, film, name, stay).with(&["--expect", &expect]).with(entry).start();
    let mut members: Vec<Member> = vec![start(NAMES[0], &["--create", "Bench", "--mode", load.mode])?];
    server.wait_for_room("Bench", 1, LIMIT)?;
    for name in &NAMES[1..load.people] {
        members.push(start(name, &["--enter", "Bench"])?);
    }
    thread::sleep(SETTLE);
    let before: Vec<Threads> = members.iter().map(|member| Threads::of(member.process())).collect();
    thread::sleep(Duration::from_secs(seconds));
    let mut sums = Sums::new();
    for (member, before) in members.iter().zip(&before) {
        for (name, work) in Threads::of(member.process()).since(before) {
            let sum = sums.entry(name).or_default();
            sum.cpu_s += work.cpu_s / load.people as f64;
            sum.switches += work.switches / load.people as f64;
        }
    }
    let mut pictures = 0.0;
    for member in members {
        let report = member.finish(LIMIT)?;
        pictures += report.json["self"]["frames_encoded"].as_f64().unwrap_or_default() / (stay * load.people as u64) as f64;
        if !report.satisfied {
            bail!("{}: {}", report.name, report.complaint.trim());
        }
    }
    Ok((sums, pictures))
}

/// A call of one window of the app and bots: the window's program. What it sends is what the kind of room asks for.
fn window(load: &Load, film: &Path, seconds: u64, folder: &Path) -> Result<Sums> {
    let screen = Screen::start(SCREEN.0, SCREEN.1)?;
    let sound = Sound::start()?;
    let server = Server::start(true)?;
    let stay = seconds + 2 * LIMIT.as_secs();
    let start = |name: &str, entry: &[&str]| bot(&server, load, film, name, stay).with(entry).start();
    let mut others: Vec<Member> = vec![start(NAMES[1], &["--create", "Bench", "--mode", load.mode])?];
    server.wait_for_room("Bench", 1, LIMIT)?;
    for name in &NAMES[2..load.people] {
        others.push(start(name, &["--enter", "Bench"])?);
    }
    let log = File::create(output_file(&format!("media-cpu-{}.log", load.people))).context("creating a log")?;
    let mut app = Command::new(built("parlor", true));
    app.args(["--server", &server.url, "--name", NAMES[0], "--enter", "Bench", "--mic", "tone", "--source"]);
    app.arg(format!("file:{}", film.display())).arg("--config").arg(folder.join(format!("settings-{}", load.people)));
    let app = sound.take(screen.show(&mut app)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
    let app = Running(app.context("cannot start the app")?);
    screen.place(app.0.id(), Area { x: 0, y: 0, width: SCREEN.0, height: SCREEN.1 }, LIMIT)?;
    server.wait_for_room("Bench", load.people, LIMIT)?;
    thread::sleep(SETTLE);
    let (before, cpu) = (Threads::of(app.0.id()), Cpu::of(app.0.id()));
    thread::sleep(Duration::from_secs(seconds));
    let sums = Threads::of(app.0.id()).since(&before);
    if cpu.cores_since() <= 0.0 {
        bail!("the app is gone");
    }
    screen.save(&output_file(&format!("media-cpu-{}.png", load.people)));
    Ok(sums)
}
