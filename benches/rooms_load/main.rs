//! Load on the room service: members that beat, wait for events and talk (`load`), or people who come, call, crash and send garbage at random
//! (`soak`). Knows nothing of the server but its address and its process number; `cargo xtask bench rooms` and `soak` run it.
//! Prints one object of JSON.

#[path = "../relay_load/figures.rs"]
mod figures;
mod http;
// That tool also looks at when a line was opened.
#[allow(dead_code)]
#[path = "../relay_load/line.rs"]
mod line;
mod load;
mod people;
mod soak;
#[path = "../relay_load/stream.rs"]
mod stream;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Load on a room service.
#[derive(Parser)]
struct Options {
    /// The server: ADDR:PORT.
    #[arg(long)]
    server: SocketAddr,
    /// The server's process, whose CPU time and memory are counted.
    #[arg(long)]
    process: u32,
    /// How long to measure.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Members in rooms of four.
    Load {
        #[arg(long)]
        members: usize,
        /// Long polls at the same time; where there are more members, they take turns.
        #[arg(long)]
        polls: usize,
    },
    /// Everything at random; a sample every few seconds.
    Soak {
        /// People at the same time.
        #[arg(long, default_value_t = 24)]
        people: usize,
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
}

fn main() -> Result<ExitCode> {
    let options = Options::parse();
    rlimit::increase_nofile_limit(u64::MAX)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (server, process, time) = (options.server, options.process, Duration::from_secs(options.seconds));
    let report = runtime.block_on(async {
        match options.what {
            What::Load { members, polls } => load::run(server, process, time, members, polls).await,
            What::Soak { people, seed } => soak::run(server, process, time, people, seed).await,
        }
    })?;
    println!("{report:#}");
    Ok(ExitCode::SUCCESS)
}
