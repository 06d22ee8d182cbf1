//! `cargo xtask bench`: figures, as tables here and as JSON under `target/bench/`, with the machine's load beside them.

mod call;
mod engine;
mod glass;
mod load;
mod mark;
mod media;
mod peer;
mod relay;
mod rooms;
mod screen;
mod soak;
mod tool;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::command::{cargo, output, root, run as start, target_dir};
use crate::system::{self, Need};

#[derive(clap::Args)]
pub struct Options {
    /// What to measure; everything when left out.
    what: Option<What>,
    /// How long each measurement lasts.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// `relay`: how often each load is measured; the middle one counts.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// `relay`: only these loads.
    #[arg(long = "case")]
    cases: Vec<relay::Case>,
    /// `rooms`: so many members, one measurement each.
    #[arg(long = "members", value_delimiter = ',', default_values_t = [100, 1_000, 4_000, 10_000, 20_000, 40_000])]
    members: Vec<usize>,
    /// `media`: only these parts.
    #[arg(long = "part", value_delimiter = ',')]
    parts: Vec<media::Part>,
    /// `media`: only these networks: clean, jitter, loss, rate, cut.
    #[arg(long = "scenario", value_delimiter = ',')]
    scenarios: Vec<String>,
    /// `soak`, `media --part soak`: how long.
    #[arg(long, default_value_t = 30)]
    minutes: u64,
    /// Install nothing.
    #[arg(long)]
    no_install: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Two and four members without windows: delay, time to the first picture, CPU, beside ffmpeg -> nginx-rtmp -> ffplay.
    Call,
    /// Two windows of the app: from drawn to on the screen, beside ffmpeg -> nginx-rtmp -> ffplay.
    Glass,
    /// Sound and picture of one call, part by part: playout, cpu, and (only when asked for) soak.
    Media,
    /// The relay under load, beside nginx-rtmp under the same: CPU time per gigabit, delay, the first picture, memory, slow viewers.
    Relay,
    /// The room service on one processor: request times, CPU time and memory, from 100 to 40,000 members in rooms of four.
    Rooms,
    /// People who call, crash and send garbage at random for half an hour: memory and open files stay flat. Only when asked for.
    Soak,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Glass => "glass",
            Self::Media => "media",
            Self::Relay => "relay",
            Self::Rooms => "rooms",
            Self::Soak => "soak",
        }
    }

    fn measure(self, options: &Options) -> Result<Value> {
        let Options { seconds, repeat, ref cases, .. } = *options;
        match self {
            Self::Call => call::run(seconds),
            Self::Glass => glass::run(seconds),
            Self::Media => {
                media::run(&options.parts, &media::Plan { seconds, minutes: options.minutes, scenarios: &options.scenarios })
            }
            Self::Relay => relay::run(&relay::Plan { seconds, repeat, cases: cases.clone() }),
            Self::Rooms => rooms::run(&options.members, seconds),
            Self::Soak => soak::run(options.minutes),
        }
    }
}

pub fn run(options: &Options) -> Result<ExitCode> {
    if !cfg!(target_os = "linux") {
        bail!("the benchmarks need Linux: they bring their own X screen and read /proc");
    }
    if !options.no_install {
        system::ensure(&[Need::Build, Need::Window, Need::Tests])?;
    }
    if !matches!(options.what, Some(What::Relay | What::Rooms | What::Soak)) {
        start(cargo().args(["build", "--release", "--bins", "--package", "parlor"]))?;
    }
    let folder = target_dir().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let all = <What as clap::ValueEnum>::value_variants();
    for what in all.iter().filter(|what| options.what.map_or(**what != What::Soak, |wanted| wanted == **what)) {
        println!("== {}: {}", what.name(), load::summary());
        let before = load::to_json();
        let figures = what.measure(options)?;
        let record = json!({
            "bench": what.name(), "date": date(), "commit": commit(), "machine": { "before": before, "after": load::to_json() }, "figures": figures,
        });
        let file = output_file(&format!("{}.json", what.name()));
        fs::write(&file, format!("{record:#}\n")).with_context(|| format!("writing {}", file.display()))?;
        println!("written to {}\n", file.display());
    }
    Ok(ExitCode::SUCCESS)
}

/// A file beside the figures.
fn output_file(name: &str) -> PathBuf {
    target_dir().join("bench").join(name)
}

fn date() -> Option<String> {
    output(std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])).map(|date| date.trim().to_owned())
}

fn commit() -> Option<String> {
    output(std::process::Command::new("git").args(["rev-parse", "--short=10", "HEAD"]).current_dir(root()))
        .map(|commit| commit.trim().to_owned())
}
