//! `bench media --part soak`: four people in one call for as long as wished. Memory, threads, open files and delay of each must stay flat.
//!
//! Flat means: over what is left after the first fifth, the straight line that fits the samples best rises by less than
//! [`Limit::rise`] of the figure (or falls). The delay is what the members tell the room service with their heartbeats.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::plot::{Line, Plot};
use crate::bench::load::Machine;
use crate::call::{Bot, Member, Report, Server};
use crate::table::Table;

/// For a room to be listed, and for bots to end after their time.
const LIMIT: Duration = Duration::from_secs(60);
/// Between two samples: members tell their figures every 5 s.
const EVERY: Duration = Duration::from_secs(5);
const NAMES: [&str; 4] = ["Ann", "Ben", "Cem", "Dua"];
const PICTURE: [&str; 6] = ["--size", "480x360", "--fps", "15", "--kbps", "300"];
/// An operator's key for a server that lives as long as the measurement.
const KEY: &str = "soak-operator-key";

/// What is watched.
struct Limit {
    name: &'static str,
    unit: &'static str,
    /// How much a figure may rise until the end: so much...
    rise: f64,
    /// ...and this share of itself.
    share: f64,
    file: &'static str,
}

const LIMITS: [Limit; 4] = [
    Limit { name: "resident memory", unit: "kB", rise: 1000.0, share: 0.02, file: "media-soak-memory" },
    Limit { name: "threads", unit: "", rise: 0.5, share: 0.0, file: "media-soak-threads" },
    Limit { name: "open files", unit: "", rise: 0.5, share: 0.0, file: "media-soak-files" },
    Limit { name: "delay, half of all pictures within", unit: "ms", rise: 5.0, share: 0.0, file: "media-soak-delay" },
];

/// A figure over time: seconds, and what it was.
type Series = Vec<(f64, f64)>;

/// One member's figures, in the order of [`LIMITS`].
struct Watched {
    name: String,
    series: [Series; LIMITS.len()],
}

pub fn run(minutes: u64) -> Result<Value> {
    let seconds = minutes * 60;
    let server = Server::start_with(true, &["--admin-key", KEY])?;
    let machine = Machine::now();
    let stay = seconds + 10;
    let bot = |name: &str| Bot::new(&server.url, name, stay, true).with(&PICTURE).with(&["--expect", "3"]);
    let mut members = vec![bot(NAMES[0]).with(&["--create", "Soak", "--mode", "multi"]).start()?];
    server.wait_for_room("Soak", 1, LIMIT)?;
    for name in &NAMES[1..] {
        members.push(bot(name).with(&["--enter", "Soak"]).start()?);
    }
    server.wait_for_room("Soak", NAMES.len(), LIMIT)?;
    let watched = watch(&server, &members, Duration::from_secs(seconds))?;
    let reports = members.into_iter().map(|member| member.finish(LIMIT)).collect::<Result<Vec<_>>>()?;
    let busy = machine.busy_since();
    if let Some(failed) = reports.iter().find(|report| !report.satisfied) {
        bail!("{}: {}", failed.name, failed.complaint.trim());
    }
    let figures = judge(&watched)?;
    let flat = figures.iter().all(|figure| figure["flat"] == true);
    println!(
        "memory, threads, open files and delay are {}; machine busy: {:.0} %",
        if flat { "flat" } else { "NOT flat" },
        busy * 100.0
    );
    println!("{}", crate::call::table(&reports));
    let members: Vec<&Value> = reports.iter().map(|report: &Report| &report.json).collect();
    Ok(json!({ "minutes": minutes, "flat": flat, "figures": figures, "machine_busy": busy, "members": members }))
}

fn watch(server: &Server, members: &[Member], length: Duration) -> Result<Vec<Watched>> {
    let mut watched: Vec<Watched> = NAMES
        .iter()
        .map(|name| Watched { name: (*name).to_owned(), series: Default::default() })
        .chain([Watched { name: "server".to_owned(), series: Default::default() }])
        .collect();
    let begin = Instant::now();
    while begin.elapsed() < length {
        thread::sleep(EVERY);
        let at = begin.elapsed().as_secs_f64();
        let rooms = server.request("GET", "/v1/admin/rooms", Some(KEY), "")?;
        let processes = members.iter().map(Member::process).chain([server.process()]);
        for (one, process) in watched.iter_mut().zip(processes) {
            let [memory, threads, files, delay] = &mut one.series;
            let status =
                fs::read_to_string(format!("/proc/{process}/status")).with_context(|| format!("{} is gone", one.name))?;
            let figure = |key: &str| {
                status.lines().find_map(|line| line.strip_prefix(key)?.split_whitespace().next()?.parse::<f64>().ok())
            };
            memory.extend(figure("VmRSS:").map(|value| (at, value)));
            threads.extend(figure("Threads:").map(|value| (at, value)));
            files.extend(fs::read_dir(format!("/proc/{process}/fd")).map(|entries| (at, entries.count() as f64)));
            delay.extend(worst_delay(&rooms, &one.name).map(|value| (at, value)));
        }
    }
    Ok(watched)
}

/// The largest of the medians that a member measures of the others.
fn worst_delay(rooms: &Value, name: &str) -> Option<f64> {
    let rooms = rooms["rooms"].as_array()?;
    let member = rooms.iter().filter_map(|room| room["members"].as_array()).flatten().find(|member| member["name"] == name)?;
    member["statistics"]["received"].as_array()?.iter().filter_map(|one| one["delay_p50_ms"].as_f64()).reduce(f64::max)
}

fn judge(watched: &[Watched]) -> Result<Vec<Value>> {
    let mut table = Table::new(["", "mean", "least", "most", "risen", "allowed", "verdict"]);
    let mut figures = Vec::new();
    for (index, limit) in LIMITS.iter().enumerate() {
        for one in watched {
            let Some(trend) = Trend::of(&one.series[index]) else { continue };
            let allowed = limit.rise + limit.share * trend.mean;
            let flat = trend.risen < allowed;
            let number = |value: f64| format!("{value:.1}");
            table.row([
                format!("{}: {}", one.name, [limit.name, limit.unit].join(" ")),
                number(trend.mean),
                number(trend.least),
                number(trend.most),
                number(trend.risen),
                number(allowed),
                if flat { "flat" } else { "RISES" }.to_owned(),
            ]);
            figures.push(json!({
                "who": one.name, "what": limit.name, "unit": limit.unit, "mean": trend.mean, "least": trend.least, "most": trend.most,
                "risen": trend.risen, "allowed": allowed, "flat": flat,
            }));
        }
        let minutes = |series: &Series| series.iter().map(|(at, value)| (at / 60.0, *value)).collect();
        let lines = watched
            .iter()
            .filter(|one| !one.series[index].is_empty())
            .map(|one| Line::new(&one.name, minutes(&one.series[index])));
        Plot {
            title: format!("A call of four: {}", limit.name),
            x: "time (min)".to_owned(),
            y: if limit.unit.is_empty() { limit.name.to_owned() } else { limit.unit.to_owned() },
            lines: lines.collect(),
            ..Plot::default()
        }
        .save(limit.file)?;
    }
    println!("{table}");
    Ok(figures)
}

/// How a figure went after its first fifth.
#[derive(Debug, PartialEq)]
struct Trend {
    mean: f64,
    least: f64,
    most: f64,
    /// What the straight line of least squares gains from the beginning to the end of the part that counts.
    risen: f64,
}

impl Trend {
    fn of(series: &[(f64, f64)]) -> Option<Self> {
        let counts = series.get(series.len() / 5..).filter(|counts| counts.len() >= 2)?;
        let many = counts.len() as f64;
        let mean_of = |of: fn(&(f64, f64)) -> f64| counts.iter().map(of).sum::<f64>() / many;
        let (at, mean) = (mean_of(|point| point.0), mean_of(|point| point.1));
        let spread: f64 = counts.iter().map(|(x, _)| (x - at).powi(2)).sum();
        let slope = counts.iter().map(|(x, y)| (x - at) * (y - mean)).sum::<f64>() / spread.max(1e-9);
        let values = || counts.iter().map(|(_, y)| *y);
        let length = counts.last()?.0 - counts.first()?.0;
        Some(Self {
            mean,
            least: values().fold(f64::MAX, f64::min),
            most: values().fold(f64::MIN, f64::max),
            risen: slope * length,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_does_not_count_and_growth_does() {
        let after = |of: fn(f64) -> f64| {
            (0..100).map(|n| (f64::from(n), if n < 20 { f64::from(n) * 50.0 } else { of(f64::from(n)) })).collect::<Vec<_>>()
        };
        let level = Trend::of(&after(|n| 1000.0 + (n % 2.0))).unwrap();
        assert!(level.risen.abs() < 0.1 && (level.mean - 1000.5).abs() < 0.1, "{level:?}");
        let grows = Trend::of(&after(|n| 1000.0 + n)).unwrap();
        assert!((grows.risen - 79.0).abs() < 1e-6 && (grows.least, grows.most) == (1020.0, 1099.0), "{grows:?}");
        assert_eq!(Trend::of(&[(0.0, 1.0)]), None);
    }

    #[test]
    fn delays_are_read_from_what_operators_see() {
        let rooms = json!({ "rooms": [{ "members": [
            { "name": "Ann", "statistics": { "received": [{ "delay_p50_ms": 31 }, { "delay_p50_ms": 44 }, {}] } }, { "name": "Ben" },
        ] }] });
        assert_eq!((worst_delay(&rooms, "Ann"), worst_delay(&rooms, "Ben")), (Some(44.0), None));
    }
}
