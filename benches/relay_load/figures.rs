//! Numbers: percentiles, and what the engine's processes have used.

use std::fs;

use serde_json::{Value, json};

/// Ticks a second of the times in `/proc`; Linux has shown programs 100 on every architecture for decades.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds of all these processes, user and system.
pub fn cpu_seconds(processes: &[u32]) -> f64 {
    let ticks = |process: &u32| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // The name in brackets may hold anything; counting begins after it.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum::<f64>()
    };
    processes.iter().map(ticks).sum::<f64>() / TICKS_PER_SECOND
}

/// Resident kilobytes of all these processes.
pub fn resident_kb(processes: &[u32]) -> f64 {
    let resident = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0)
    };
    processes.iter().map(resident).sum()
}

/// p50, p95, p99 and the largest, in milliseconds.
pub fn percentiles(mut all_ms: Vec<f64>) -> Value {
    all_ms.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let index = ((all_ms.len() as f64 * share) as usize).min(all_ms.len().saturating_sub(1));
        all_ms.get(index).map(|ms| (ms * 1000.0).round() / 1000.0)
    };
    json!({ "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0), "count": all_ms.len() })
}
