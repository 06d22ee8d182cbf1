//! `bench media --part playout`: two members on one machine: how old pictures are when they are due on the screen.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::plot::{Line, Plot};
use crate::bench::load;
use crate::call::{Bot, Server, table};

/// For a room to be listed, and for bots to end after their time.
const LIMIT: Duration = Duration::from_secs(60);
const PICTURE: [&str; 6] = ["--size", "640x360", "--fps", "30", "--kbps", "600"];

pub fn run(seconds: u64) -> Result<Value> {
    let server = Server::start(true)?;
    let machine = load::Machine::now();
    let bot = |name: &str| Bot::new(&server.url, name, seconds, true).with(&PICTURE).with(&["--expect", "1"]);
    let mut members = vec![bot("Ann").with(&["--create", "Bench", "--mode", "duo"]).start()?];
    server.wait_for_room("Bench", 1, LIMIT)?;
    members.push(bot("Ben").with(&["--enter", "Bench"]).start()?);
    let limit = Duration::from_secs(seconds) + LIMIT;
    let reports = members.into_iter().map(|member| member.finish(limit)).collect::<Result<Vec<_>>>()?;
    let busy = machine.busy_since();
    println!("{}", table(&reports));
    if let Some(failed) = reports.iter().find(|report| !report.satisfied) {
        bail!("{}: {}", failed.name, failed.complaint.trim());
    }
    let lines = reports.iter().map(|report| {
        let delay = &report.json["peers"][0]["delay_ms"];
        let shares = [(50.0, "p50"), (95.0, "p95"), (99.0, "p99"), (100.0, "max")];
        let points = shares.map(|(share, key)| (share, delay[key].as_f64().unwrap_or(f64::NAN)));
        Line::new(&format!("what {} sees", report.name), points.to_vec())
    });
    let plot = Plot {
        title: "Captured to due on the screen, without disturbance".to_owned(),
        x: "share of pictures (%)".to_owned(),
        y: "delay, at most (ms)".to_owned(),
        lines: lines.collect(),
        ..Plot::default()
    };
    plot.save("media-playout-clean")?;
    let members: Vec<&Value> = reports.iter().map(|report| &report.json).collect();
    Ok(json!({ "clean": { "seconds": seconds, "machine_busy": busy, "members": members } }))
}
