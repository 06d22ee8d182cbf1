//! `bench soak`: a real server while people call, crash, watch and send garbage at random. Memory and open files must stay flat.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::tool;
use crate::call::Server;
use crate::command::{built, typed};
use crate::table::Table;

pub fn run(minutes: u64) -> Result<Value> {
    let tool = tool::build("rooms_load")?;
    let server = Server::start_by(Command::new(built("parlor-server", true)), &["--open"])?;
    let mut load = Command::new(tool);
    load.args(["--server", server.url.trim_start_matches("http://"), "--process", &server.process().to_string()]);
    load.args(["--seconds", &(minutes * 60).to_string(), "soak"]);
    let output =
        load.stderr(std::process::Stdio::inherit()).output().with_context(|| format!("cannot start `{}`", typed(&load)))?;
    if !output.status.success() {
        bail!("`{}` failed", typed(&load));
    }
    let report: Value = serde_json::from_slice(&output.stdout).context("the load tool's report")?;
    let mut table = Table::new(["", "mean", "an hour more", "grown in the part that counts"]);
    for (name, key, grown, digits) in [("resident kB", "resident_kb", "grown", 0), ("open files", "open_files", "drifted", 1)] {
        let cell = |value: &Value| value.as_f64().map_or_else(String::new, |value| format!("{value:.digits$}"));
        let figures = &report[key];
        table.row([name.to_owned(), cell(&figures["mean"]), cell(&figures["slope_per_hour"]), cell(&figures[grown])]);
    }
    println!("{table}");
    println!("done: {}\nfailed: {}", report["done"], report["failed"]);
    println!("memory and open files are {}", if report["flat"] == true { "flat" } else { "NOT flat" });
    Ok(report)
}
