//! `cargo xtask run`: the app, or, where no window can open, a short call that shows that everything works.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::call::{Bot, Server, table};
use crate::command::{built, cargo, run as start};
use crate::system::{self, Need};

/// How long both members of the call without a display are together.
const CALL_SECONDS: u64 = 10;
/// How long the room may take to appear: a camera-less start takes about a second, a loaded machine longer.
const ROOM_LIMIT: Duration = Duration::from_secs(30);

#[derive(clap::Args)]
pub struct Options {
    /// Build with all optimisations (takes longer, runs lighter).
    #[arg(long)]
    release: bool,
    /// Install nothing.
    #[arg(long)]
    no_install: bool,
    /// Act as if there were no display.
    #[arg(long)]
    headless: bool,
    /// Arguments for the app, such as `-- --lang zh`.
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub fn run(options: &Options) -> Result<ExitCode> {
    if options.headless || !system::has_display() { headless(options) } else { window(options) }
}

fn window(options: &Options) -> Result<ExitCode> {
    prepare(options, &[Need::Build, Need::Window])?;
    let mut build = cargo();
    build.args(["build", "--bins"]).args(options.release.then_some("--release"));
    start(&mut build)?;
    let app = built("parlor", options.release);
    let status = std::process::Command::new(&app).args(&options.arguments).status();
    let status = status.with_context(|| format!("cannot start {}", app.display()))?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn prepare(options: &Options, needs: &[Need]) -> Result<()> {
    if options.no_install { Ok(()) } else { system::ensure(needs) }
}

fn headless(options: &Options) -> Result<ExitCode> {
    println!("No display here: instead of the app, two members call each other for {CALL_SECONDS} s on a server of their own.");
    prepare(options, &[Need::Build])?;
    let mut build = cargo();
    build.args([
        "build",
        "--no-default-features",
        "--features",
        "media,room,server",
        "--bin",
        "parlor-server",
        "--bin",
        "parlor-bot",
    ]);
    start(build.args(options.release.then_some("--release")))?;

    let server = Server::start(options.release)?;
    println!("Server: {} (streams: {})", server.url, server.rtmp);
    // The creator's leaving ends the call, so it stays a little longer.
    let member = |name, seconds| Bot::new(&server.url, name, seconds, options.release).with(&["--expect", "1"]);
    let ann = member("Ann", CALL_SECONDS + 2).with(&["--create", "Kitchen", "--mode", "duo"]).start()?;
    server.wait_for_room("Kitchen", 1, ROOM_LIMIT)?;
    let ben = member("Ben", CALL_SECONDS).with(&["--enter", "Kitchen"]).start()?;
    let limit = Duration::from_secs(CALL_SECONDS) + ROOM_LIMIT;
    let reports = [ann.finish(limit)?, ben.finish(limit)?];

    println!("\n{}", table(&reports));
    let mut code = ExitCode::SUCCESS;
    for report in reports.iter().filter(|report| !report.satisfied) {
        eprintln!("{} did not see and hear the other one. {}", report.name, report.complaint.trim());
        code = ExitCode::FAILURE;
    }
    Ok(code)
}
