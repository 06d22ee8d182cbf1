//! Developer commands: `cargo xtask run | test | check | bench | dist`.
//!
//! Every command installs what the system lacks (it says what first), then does its job. This crate knows the
//! repository from outside only: it starts programs and reads what they print, and links nothing of Parlor.

mod bench;
mod call;
mod check;
mod command;
mod dist;
#[cfg(test)]
mod documents;
mod licences;
mod packages;
mod release;
mod run;
mod system;
mod table;
mod temporary;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Parlor's developer commands", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Install what is missing, build, and open the app; without a display: a ten-second call of two members.
    Run(run::Options),
    /// Install what the tests need, run all of them, and end with a count.
    Test(test::Options),
    /// Format, lints, licences, typos, documentation, installer source.
    Check(check::Options),
    /// Measure; the release build's figures, with the machine's load beside them.
    Bench(bench::Options),
    /// Write down anew whose work Parlor is made of, after a change of its packages.
    Licences,
    /// Packages to install, under `target/dist/`.
    Dist(dist::Options),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().task {
        Task::Run(options) => run::run(&options),
        Task::Test(options) => test::run(&options),
        Task::Check(options) => check::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Licences => licences::run(),
        Task::Dist(options) => dist::run(&options),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
