//! `bench call`: members without windows: how old a picture is when it is due on the screen, how soon the others are there, and what it
//! costs; two people, four people, and the peer's way for the same picture.

use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::load::Machine;
use super::peer;
use super::screen::Screen;
use crate::call::{Bot, Member, Report, Server, table};
use crate::table::Table;

/// For a room to be listed, and for bots to end after their time.
const LIMIT: Duration = Duration::from_secs(60);
/// The others enter at once; before that the first one's room has to be there.
const NAMES: [&str; 4] = ["Ann", "Ben", "Cem", "Dua"];

pub fn run(seconds: u64) -> Result<Value> {
    let duo = measure("duo", 2, &["--size", "640x360", "--fps", "30", "--kbps", "600"], seconds)?;
    let multi = measure("multi", 4, &["--size", "480x360", "--fps", "15", "--kbps", "300"], seconds)?;
    let mut screen = Screen::start(peer::WIDTH, peer::HEIGHT)?;
    let machine = Machine::now();
    let reading = peer::measure(&mut screen, seconds)?;
    let peer_busy = machine.busy_since();

    let mut summary = Table::new([
        "picture with sound",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "first sound ms",
        "first picture ms",
        "CPU s/min, all",
        "machine busy",
    ]);
    for (name, case) in [("two people, 640x360 at 30", &duo), ("four people, 480x360 at 15", &multi)] {
        let worst = |key: &str| ms(case.worst(key));
        let cpu = format!("{:.1}", case.cpu_per_minute);
        let [sound, picture] = ["first_audio_ms", "first_frame_ms"].map(|key| ms(case.last_comer(key)));
        summary.row([name.to_owned(), worst("p50"), worst("p95"), worst("p99"), sound, picture, cpu, percent(case.busy)]);
    }
    let of_peer = |share| ms(reading.percentile(share));
    let peer_name = "ffmpeg -> nginx-rtmp -> ffplay".to_owned();
    let unknown = || "-".to_owned();
    summary.row([peer_name, of_peer(0.5), of_peer(0.95), of_peer(0.99), unknown(), unknown(), unknown(), percent(peer_busy)]);
    println!("{summary}");
    println!(
        "Ours: captured -> due on the screen, the worst of all pairs; first sound and picture: of all others, from the enter request of the last one to come. Peer: drawn -> on the screen."
    );
    let ratio = duo.worst("p95").zip(reading.percentile(0.95)).map(|(ours, theirs)| theirs / ours.max(1.0));
    println!("p95 of the peer / p95 of two people: {}", ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.1}")));
    Ok(json!({
        "seconds": seconds, "picture": "test pattern with a beep every second, TCP, one machine", "duo": duo.to_json(), "multi": multi.to_json(),
        "peer": { "p50_ms": reading.percentile(0.5), "p95_ms": reading.percentile(0.95), "p99_ms": reading.percentile(0.99),
            "pictures_per_second": reading.pictures_per_second(), "machine_busy": peer_busy },
        "p95_ratio": ratio,
    }))
}

/// One call and what came of it.
struct Case {
    reports: Vec<Report>,
    /// CPU seconds a minute of all members together.
    cpu_per_minute: f64,
    busy: f64,
}

impl Case {
    /// From the enter request of the last one to come until everybody was there for them: the key of a peer's report, its largest value.
    fn last_comer(&self, key: &str) -> Option<f64> {
        let peers = self.reports.last()?.json["peers"].as_array()?;
        peers.iter().filter_map(|peer| peer[key].as_f64()).reduce(f64::max)
    }

    /// The largest of a delay's percentile among all who see each other.
    fn worst(&self, percentile: &str) -> Option<f64> {
        self.peers().filter_map(|peer| peer["delay_ms"][percentile].as_f64()).reduce(f64::max)
    }

    fn peers(&self) -> impl Iterator<Item = &Value> {
        self.reports.iter().filter_map(|report| report.json["peers"].as_array()).flatten()
    }

    fn to_json(&self) -> Value {
        json!({
            "p50_ms": self.worst("p50"), "p95_ms": self.worst("p95"), "p99_ms": self.worst("p99"), "cpu_s_per_minute": self.cpu_per_minute,
            "last_comer": { "first_audio_ms": self.last_comer("first_audio_ms"), "first_frame_ms": self.last_comer("first_frame_ms") },
            "machine_busy": self.busy, "members": self.reports.iter().map(|report| &report.json).collect::<Vec<_>>(),
        })
    }
}

fn measure(mode: &str, people: usize, picture: &[&str], seconds: u64) -> Result<Case> {
    let server = Server::start(true)?;
    let machine = Machine::now();
    let expect = (people - 1).to_string();
    let bot = |name: &str| Bot::new(&server.url, name, seconds, true).with(picture).with(&["--expect", &expect]);
    let mut members: Vec<Member> = vec![bot(NAMES[0]).with(&["--create", "Bench", "--mode", mode]).start()?];
    server.wait_for_room("Bench", 1, LIMIT)?;
    for name in NAMES.iter().take(people).skip(1) {
        members.push(bot(name).with(&["--enter", "Bench"]).start()?);
        // One after the other, so that everyone's "time to the first picture" is that of entering a call that runs.
        thread::sleep(Duration::from_millis(200));
    }
    let limit = Duration::from_secs(seconds) + LIMIT;
    let reports = members.into_iter().map(|member| member.finish(limit)).collect::<Result<Vec<_>>>()?;
    let busy = machine.busy_since();
    println!("{mode}:\n{}", table(&reports));
    if let Some(failed) = reports.iter().find(|report| !report.satisfied) {
        bail!("{}: {}", failed.name, failed.complaint.trim());
    }
    let cpu: Option<f64> = reports.iter().map(|report| report.json["self"]["cpu_s"].as_f64()).sum();
    let cpu_per_minute = cpu.context("a member reported no CPU time")? * 60.0 / seconds.max(1) as f64;
    Ok(Case { reports, cpu_per_minute, busy })
}

fn ms(value: Option<f64>) -> String {
    value.map_or("-".to_owned(), |ms| format!("{ms:.0}"))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
