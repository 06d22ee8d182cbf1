//! `bench relay`: the same load on nginx-rtmp and on our relay, in one run, one after the other and again: CPU time per delivered gigabit,
//! added delay, the way to the first picture, memory, and a viewer who reads too slowly.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::engine::Engine;
use super::{load, tool};
use crate::command::{find, output, target_dir};
use crate::table::Table;

/// Seconds of the film that is published in a loop.
const FILM_SECONDS: &str = "20";

/// One kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Case {
    /// One publisher, one player.
    Fan1,
    /// One publisher, 50 players.
    Fan50,
    /// One publisher, 200 players.
    Fan200,
    /// 25 rooms of four: each publishes one stream and plays three.
    Rooms,
    /// Players that come one after the other.
    Join,
    /// A viewer who reads at 50 kbit/s.
    Slow,
}

impl Case {
    fn name(self) -> &'static str {
        match self {
            Self::Fan1 => "1 to 1",
            Self::Fan50 => "1 to 50",
            Self::Fan200 => "1 to 200",
            Self::Rooms => "25 rooms of 4",
            Self::Join => "joining",
            Self::Slow => "slow viewer",
        }
    }

    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Fan1 => &["fan", "--players", "1"],
            Self::Fan50 => &["fan", "--players", "50"],
            Self::Fan200 => &["fan", "--players", "200"],
            Self::Rooms => &["rooms", "--rooms", "25", "--people", "4"],
            Self::Join => &["join", "--times", "30"],
            Self::Slow => &["slow", "--kbps", "50", "--others", "10"],
        }
    }

    /// Whether it is repeated, and the middle one taken.
    fn is_flow(self) -> bool {
        !matches!(self, Self::Join | Self::Slow)
    }
}

/// What to measure, and how often.
pub struct Plan {
    pub seconds: u64,
    pub repeat: usize,
    pub cases: Vec<Case>,
}

pub fn run(plan: &Plan) -> Result<Value> {
    let tool = tool::build("relay_load")?;
    let film = film()?;
    let mut flows = Table::new([
        "load",
        "engine",
        "CPU s/Gbit",
        "to nginx",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "delivered",
        "kB/connection",
        "load average",
    ]);
    let mut records = Vec::new();
    for case in all_cases(plan).filter(|case| case.is_flow()) {
        let mut results: Vec<Vec<Value>> = vec![Vec::new(); Engine::ALL.len()];
        for _ in 0..plan.repeat.max(1) {
            for (engine, results) in Engine::ALL.iter().zip(&mut results) {
                results.push(measure(&tool, &film, *engine, case, plan.seconds)?);
            }
        }
        let middles: Vec<Value> = results.into_iter().map(middle).collect();
        let cost = |value: &Value| value["cpu_seconds_per_gigabit"].as_f64();
        let theirs = middles.first().and_then(cost);
        for (engine, one) in Engine::ALL.iter().zip(&middles) {
            let latency = |key: &str| number(one["latency_ms"][key].as_f64(), 2);
            flows.row([
                case.name().to_owned(),
                engine.name().to_owned(),
                number(cost(one), 2),
                number(cost(one).zip(theirs).map(|(ours, theirs)| ours / theirs), 2),
                latency("p50"),
                latency("p95"),
                latency("p99"),
                number(one["delivered_share"].as_f64(), 3),
                number(one["kb_per_connection"].as_f64(), 1),
                one["load_average"].as_str().unwrap_or_default().to_owned(),
            ]);
            records.push(json!({ "case": case.name(), "engine": engine.name(), "figures": one }));
        }
    }
    println!("{flows}");
    joining(plan, &tool, &film, &mut records)?;
    slow(plan, &tool, &film, &mut records)?;
    Ok(
        json!({ "seconds": plan.seconds, "repeat": plan.repeat, "picture": "H.264 640x360 at 30, sound 32 kbit/s in 50 packets a second", "results": records }),
    )
}

fn all_cases(plan: &Plan) -> impl Iterator<Item = Case> + '_ {
    let all = <Case as clap::ValueEnum>::value_variants().iter().copied();
    all.filter(|case| plan.cases.is_empty() || plan.cases.contains(case))
}

fn joining(plan: &Plan, tool: &Path, film: &Path, records: &mut Vec<Value>) -> Result<()> {
    let mut table = Table::new([
        "engine",
        "play -> key frame p50 ms",
        "p95",
        "its age p50 ms",
        "play -> live picture p50 ms",
        "p95",
        "connect -> key frame p50 ms",
    ]);
    for case in all_cases(plan).filter(|case| *case == Case::Join) {
        for engine in Engine::ALL {
            let one = measure(tool, film, engine, case, plan.seconds)?;
            let first = &one["first"];
            let of = |what: &str, share: &str| number(first[what][share].as_f64(), 1);
            table.row([
                engine.name().to_owned(),
                of("play_to_key_frame_ms", "p50"),
                of("play_to_key_frame_ms", "p95"),
                of("key_frame_age_ms", "p50"),
                of("play_to_live_picture_ms", "p50"),
                of("play_to_live_picture_ms", "p95"),
                of("connect_to_key_frame_ms", "p50"),
            ]);
            records.push(json!({ "case": case.name(), "engine": engine.name(), "figures": one }));
        }
        println!("{table}");
    }
    Ok(())
}

fn slow(plan: &Plan, tool: &Path, film: &Path, records: &mut Vec<Value>) -> Result<()> {
    let mut table =
        Table::new(["50 kbit/s viewer behind, ms", "10 s", "20 s", "30 s", "40 s", "50 s", "60 s", "age p50", "others p99 ms"]);
    for case in all_cases(plan).filter(|case| *case == Case::Slow) {
        for engine in [Engine::Nginx, Engine::Parlor, Engine::ParlorLive, Engine::ParlorTls] {
            let one = measure(tool, film, engine, case, plan.seconds)?;
            let step = |index: usize| number(one["steps"][index]["behind_ms"].as_f64(), 0);
            table.row([
                engine.name().to_owned(),
                step(0),
                step(1),
                step(2),
                step(3),
                step(4),
                step(5),
                number(one["age_ms"]["p50"].as_f64(), 0),
                number(one["others"]["latency_ms"]["p99"].as_f64(), 2),
            ]);
            records.push(json!({ "case": case.name(), "engine": engine.name(), "figures": one }));
        }
        println!("{table}");
    }
    Ok(())
}

/// One engine under one load.
fn measure(tool: &Path, film: &Path, engine: Engine, case: Case, seconds: u64) -> Result<Value> {
    let started = engine.start().with_context(|| format!("starting {}", engine.name()))?;
    let before = load::average();
    let mut command = Command::new(tool);
    command.args(["--url", &started.url, "--seconds", &seconds.to_string(), "--media"]).arg(film);
    for process in &started.processes {
        command.args(["--process", &process.to_string()]);
    }
    let done = command.args(case.arguments()).output().context("cannot start the load tool")?;
    if !done.status.success() {
        bail!("{} under {}: {}", engine.name(), case.name(), String::from_utf8_lossy(&done.stderr).trim());
    }
    let mut figures: Value = serde_json::from_slice(&done.stdout).context("the load tool's report")?;
    figures["load_average"] = json!(format!("{} > {}", before, load::average()));
    Ok(figures)
}

/// The run whose CPU time is in the middle.
fn middle(mut runs: Vec<Value>) -> Value {
    let costs: Vec<Value> = runs.iter().map(|run| run["cpu_seconds_per_gigabit"].clone()).collect();
    runs.sort_by(|a, b| {
        let cost = |run: &Value| run["cpu_seconds_per_gigabit"].as_f64().unwrap_or(f64::MAX);
        cost(a).total_cmp(&cost(b))
    });
    let mut one = runs.swap_remove(runs.len() / 2);
    one["all_cpu_seconds_per_gigabit"] = json!(costs);
    one
}

/// The film, encoded once.
fn film() -> Result<PathBuf> {
    let folder = target_dir().join("bench");
    let file = folder.join("relay.flv");
    if file.is_file() {
        return Ok(file);
    }
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let half = folder.join("relay.part.flv");
    let mut ffmpeg = Command::new(find("ffmpeg").context("ffmpeg is missing")?);
    ffmpeg.args([
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=640x360:rate=30,noise=alls=8:allf=t",
        "-t",
        FILM_SECONDS,
    ]);
    ffmpeg.args(["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-profile:v", "baseline", "-g", "60"]);
    ffmpeg.args(["-b:v", "1000k", "-maxrate", "1000k", "-bufsize", "500k", "-pix_fmt", "yuv420p"]);
    if output(ffmpeg.arg(&half)).is_none() {
        bail!("ffmpeg cannot encode the film");
    }
    fs::rename(&half, &file).with_context(|| format!("writing {}", file.display()))?;
    Ok(file)
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or("-".to_owned(), |value| format!("{value:.digits$}"))
}
