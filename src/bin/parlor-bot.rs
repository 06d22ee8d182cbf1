//! A member without a window; see [`parlor::bot`].

use clap::Parser;
use parlor::base::log;
use parlor::bot::{self, Args};
use std::process::ExitCode;

fn main() -> anyhow::Result<ExitCode> {
    log::init(log::Format::Pretty);
    let args = Args::parse();
    let json = args.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().thread_name("network").build()?;
    let (report, verdict) = runtime.block_on(bot::run(args, bot::asked_to_stop()));
    if let Some(report) = report.filter(|report| json || report.room.is_some()) {
        if json {
            println!("{}", serde_json::to_string(&report)?);
        } else {
            print!("{report}");
        }
    }
    if let Err(failure) = verdict {
        eprintln!("parlor-bot: {failure}");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
