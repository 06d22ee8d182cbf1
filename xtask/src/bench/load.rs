//! What the machine and single programs are busy with, so that every figure says under which load it was taken.

use std::fs;
use std::thread;
use std::time::Instant;

use serde_json::{Value, json};

/// Ticks a second of the times in `/proc`; Linux has shown programs 100 on every architecture for decades.
pub const TICKS_PER_SECOND: f64 = 100.0;

/// The machine's work since a moment.
pub struct Machine {
    busy: f64,
    all: f64,
}

impl Machine {
    pub fn now() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let ticks: Vec<f64> =
            stat.lines().next().unwrap_or_default().split_whitespace().skip(1).filter_map(|word| word.parse().ok()).collect();
        // user nice system idle iowait irq softirq steal; guests are part of user.
        let all: f64 = ticks.iter().take(8).sum();
        let idle: f64 = ticks.iter().skip(3).take(2).sum();
        Self { busy: all - idle, all }
    }

    /// Share of all processors' time that was used since, by anybody: 0 to 1.
    pub fn busy_since(&self) -> f64 {
        let now = Self::now();
        (now.busy - self.busy) / (now.all - self.all).max(1.0)
    }
}

/// One process's work since a moment.
pub struct Cpu {
    process: u32,
    seconds: f64,
    at: Instant,
}

impl Cpu {
    pub fn of(process: u32) -> Self {
        Self { process, seconds: cpu_seconds(process), at: Instant::now() }
    }

    /// Processors that it kept busy on average since.
    pub fn cores_since(&self) -> f64 {
        (cpu_seconds(self.process) - self.seconds) / self.at.elapsed().as_secs_f64().max(1e-3)
    }
}

/// CPU time of a process with all its threads, in seconds.
fn cpu_seconds(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in brackets may hold anything; counting begins after it.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// The 1, 5 and 15 minute load averages, as the kernel words them.
pub fn average() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// The machine in one line.
pub fn summary() -> String {
    format!("{} cores ({}), {}, load average {}", cores(), processor(), crate::system::name(), average())
}

/// The machine for the record.
pub fn to_json() -> Value {
    json!({ "cores": cores(), "processor": processor(), "system": crate::system::name(), "load_average": average() })
}

pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or(std::env::consts::ARCH, |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}
