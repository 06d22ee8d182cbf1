//! `bench rooms`: the room service on one processor, the load tool on another. Members sit in rooms of four, beat every 5 s and have one long
//! poll each; a new server for every number of members.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{load, tool};
use crate::call::Server;
use crate::command::{built, typed};
use crate::table::Table;

/// Files of the server that are not long polls: heartbeats, rooms that are being opened, listeners, and a reserve.
const OTHER_FILES: usize = 1_500;

pub fn run(members: &[usize], seconds: u64) -> Result<Value> {
    let tool = tool::build("rooms_load")?;
    let most = files_allowed()?.saturating_sub(OTHER_FILES);
    if members.iter().any(|&members| members > most) {
        println!(
            "this system allows {} open files to a process: beyond {most} members, long polls take turns\n",
            most + OTHER_FILES
        );
    }
    let mut table = Table::new([
        "members",
        "long polls",
        "requests/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "delivery p99 ms",
        "cores",
        "us CPU/request",
        "us CPU/member/s",
        "kB/member",
        "load average",
    ]);
    let mut records = Vec::new();
    for &count in members {
        let one = measure(&tool, count, most.min(count), seconds)?;
        let number = |value: &Value, digits: usize| value.as_f64().map_or("-".to_owned(), |number| format!("{number:.digits$}"));
        table.row([
            count.to_string(),
            one["long_polls"].to_string(),
            number(&one["requests_per_second"], 0),
            number(&one["request_ms"]["p50"], 2),
            number(&one["request_ms"]["p95"], 2),
            number(&one["request_ms"]["p99"], 2),
            number(&one["delivery_ms"]["p99"], 2),
            number(&one["cpu_cores"], 3),
            number(&one["cpu_us_per_request"], 1),
            number(&one["cpu_us_per_member_second"], 1),
            number(&one["kb_per_member"], 1),
            one["load_average"].as_str().unwrap_or_default().to_owned(),
        ]);
        if one["members_still_there"] != one["members"] || one["errors"].as_object().is_none_or(|errors| !errors.is_empty()) {
            println!("{count} members: {} are there, errors: {}", one["members_still_there"], one["errors"]);
        }
        records.push(one);
    }
    println!("{table}");
    Ok(json!({ "seconds": seconds, "most_long_polls": most, "results": records }))
}

fn measure(tool: &Path, members: usize, polls: usize, seconds: u64) -> Result<Value> {
    let mut pinned = Command::new("taskset");
    pinned.args(["-c", "0"]).arg(built("parlor-server", true));
    let server = Server::start_by(
        pinned,
        &["--limits-rooms=1000000", "--limits-connections=1000000", "--limits-pending-handshakes=100000"],
    )?;
    let mut load = Command::new("taskset");
    load.args(["-c", if load::cores() > 1 { "1" } else { "0" }]).arg(tool);
    load.args(["--server", server.url.trim_start_matches("http://"), "--process", &server.process().to_string()]);
    load.args(["--seconds", &seconds.to_string(), "load", "--members", &members.to_string(), "--polls", &polls.to_string()]);
    let output = load.output().with_context(|| format!("cannot start `{}`", typed(&load)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", typed(&load), String::from_utf8_lossy(&output.stderr));
    }
    let mut one: Value = serde_json::from_slice(&output.stdout).context("the load tool's report")?;
    one["load_average"] = json!(load::average());
    Ok(one)
}

/// Files that one process may have open at most.
fn files_allowed() -> Result<usize> {
    let limits = fs::read_to_string("/proc/self/limits").context("reading /proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).context("no limit of open files in /proc/self/limits")
}
