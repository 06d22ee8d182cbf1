//! Load on an RTMP engine: publishers and players in one process, so that the time between sending and receiving can be read off every
//! packet. Knows nothing of the engine but its address and its process numbers; `cargo xtask bench relay` runs it against several.
//! Prints one object of JSON.

mod figures;
mod line;
mod media;
mod player;
mod publisher;
mod scenario;
mod stream;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

use line::Target;
use scenario::Measure;

#[derive(Parser)]
struct Options {
    /// The engine's application: rtmp://HOST:PORT/APP, or rtmps://HOST:PORT/APP#pin=PIN.
    #[arg(long)]
    url: String,
    /// An FLV file with H.264, which is published in a loop.
    #[arg(long)]
    media: PathBuf,
    /// The engine's processes, whose CPU time and memory are counted.
    #[arg(long = "process")]
    processes: Vec<u32>,
    /// How long to measure.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Subcommand)]
enum Scenario {
    /// One publisher, many players.
    Fan {
        #[arg(long)]
        players: usize,
    },
    /// Rooms in which everybody publishes and plays everybody else.
    Rooms {
        #[arg(long, default_value_t = 25)]
        rooms: usize,
        #[arg(long, default_value_t = 4)]
        people: usize,
    },
    /// Players that come one after the other at any time.
    Join {
        #[arg(long, default_value_t = 40)]
        times: usize,
    },
    /// One player that reads slowly beside others that do not.
    Slow {
        #[arg(long, default_value_t = 50)]
        kbps: u32,
        #[arg(long, default_value_t = 10)]
        others: usize,
    },
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    let loop_ = media::Loop::read(&options.media)?;
    let target = Target::parse(&options.url)?;
    let measure = Measure::new(target, loop_, options.processes, Duration::from_secs(options.seconds))?;
    let report = match options.scenario {
        Scenario::Fan { players } => measure.fan(players)?,
        Scenario::Rooms { rooms, people } => measure.rooms(rooms, people)?,
        Scenario::Join { times } => measure.join(times)?,
        Scenario::Slow { kbps, others } => measure.slow(kbps, others)?,
    };
    println!("{report:#}");
    Ok(ExitCode::SUCCESS)
}
