//! `bench glass`: two windows of the app in one call, and the delay read from the pixels of the second one.
//!
//! The first window's source is the test pattern, whose mark says when each picture was drawn; the second one sends
//! sound but no picture, so that the only readable mark on its side of the screen is the other person's.

use std::fs::File;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::load::{Cpu, Machine};
use super::screen::{Area, Reading, Screen};
use super::{output_file, peer};
use crate::call::Server;
use crate::command::{Running, built};
use crate::table::Table;
use crate::temporary::Folder;
use parlor_lab::sound::Sound;

const WIDTH: usize = 1400;
const HEIGHT: usize = 800;
/// Height of what the window manager puts above a window.
const TITLE: usize = 24;
const LEFT: Area = Area { x: 0, y: 0, width: WIDTH / 2, height: HEIGHT - TITLE };
const RIGHT: Area = Area { x: WIDTH / 2, y: 0, width: WIDTH / 2, height: HEIGHT - TITLE };
/// A first start on a loaded machine without a graphics card takes its time.
const START_LIMIT: Duration = Duration::from_secs(60);
/// Time for windows to be moved, and for the jitter buffer to find its length.
const SETTLE: Duration = Duration::from_secs(5);

pub fn run(seconds: u64) -> Result<Value> {
    let mut screen = Screen::start(WIDTH, HEIGHT)?;
    let sound = Sound::start()?;
    let machine = Machine::now();
    let (ours, cpu) = ours(&mut screen, &sound, seconds)?;
    let load_ours = machine.busy_since();
    let machine_peer = Machine::now();
    let theirs = peer::measure(&mut screen, seconds)?;
    let load_peer = machine_peer.busy_since();

    let mut table =
        Table::new(["drawn -> on the screen", "p50 ms", "p95 ms", "p99 ms", "pictures/s", "longest still ms", "machine busy"]);
    for (name, reading, busy) in
        [("parlor, two windows, sound", &ours, load_ours), ("ffmpeg -> nginx-rtmp -> ffplay, sound", &theirs, load_peer)]
    {
        let ms = |share| reading.percentile(share).map_or("-".to_owned(), |ms| format!("{ms:.0}"));
        let rate = format!("{:.1}", reading.pictures_per_second());
        let still = format!("{:.0}", reading.longest_still_ms);
        table.row([name.to_owned(), ms(0.5), ms(0.95), ms(0.99), rate, still, format!("{:.0} %", busy * 100.0)]);
    }
    println!("{table}");
    let ratio = ours.percentile(0.95).zip(theirs.percentile(0.95)).map(|(ours, theirs)| theirs / ours.max(1.0));
    println!("p95 of the peer / p95 of parlor: {}", ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.1}")));
    println!("CPU of the two apps: {:.0} % and {:.0} % of one core (drawn by the processor)", cpu[0] * 100.0, cpu[1] * 100.0);
    Ok(json!({
        "seconds": seconds, "picture": "640x360 at 30 fps, test pattern", "ours": to_json(&ours), "peer": to_json(&theirs),
        "p95_ratio": ratio, "cpu_cores": cpu, "machine_busy": { "ours": load_ours, "peer": load_peer },
    }))
}

fn to_json(reading: &Reading) -> Value {
    json!({
        "p50_ms": reading.percentile(0.5), "p95_ms": reading.percentile(0.95), "p99_ms": reading.percentile(0.99),
        "max_ms": reading.percentile(1.0), "pictures_per_second": reading.pictures_per_second(),
        "pictures": reading.delays_ms.len(), "longest_still_ms": reading.longest_still_ms,
    })
}

/// The call of two windows: what was read from the second one, and the CPU seconds a second of each.
fn ours(screen: &mut Screen, sound: &Sound, seconds: u64) -> Result<(Reading, [f64; 2])> {
    let server = Server::start(true)?;
    let folder = Folder::new("glass")?;
    let app = |screen: &Screen, name: &str, arguments: &[&str]| -> Result<Running> {
        let program = built("parlor", true);
        // What it complains about lies beside the figures.
        let log = File::create(output_file(&format!("glass-{name}.log"))).context("creating a log")?;
        let mut app = Command::new(&program);
        app.args(["--server", &server.url, "--name", name, "--config"]).arg(folder.path().join(name)).args(arguments);
        let app = sound.take(screen.show(&mut app)).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        Ok(Running(app.with_context(|| format!("cannot start {}", program.display()))?))
    };
    let first = app(screen, "Ann", &["--create", "Glass", "--mode", "duo", "--source", "pattern", "--mic", "tone"])?;
    server.wait_for_room("Glass", 1, START_LIMIT)?;
    screen.place(first.0.id(), LEFT, START_LIMIT)?;
    let second = app(screen, "Ben", &["--enter", "Glass", "--source", "none", "--no-video", "--mic", "tone"])?;
    screen.place(second.0.id(), RIGHT, START_LIMIT)?;
    server.wait_for_room("Glass", 2, START_LIMIT)?;
    screen.find_mark(RIGHT, START_LIMIT).context("the second window never showed the first one's picture")?;
    thread::sleep(SETTLE);
    screen.save(&output_file("glass.png"));
    let place = screen.find_mark(RIGHT, START_LIMIT)?;
    let cpus = [Cpu::of(first.0.id()), Cpu::of(second.0.id())];
    let reading = screen.watch(place, seconds)?;
    Ok((reading, cpus.map(|cpu| cpu.cores_since())))
}
