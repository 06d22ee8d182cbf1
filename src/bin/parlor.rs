//! The desktop program.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use clap::Parser;
use parlor::app::{cli::Args, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = Args::parse();
    parlor::base::log::init(parlor::base::log::Format::Pretty);
    match run::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
