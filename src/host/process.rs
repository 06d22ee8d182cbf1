//! What this process uses of the machine, as its system tells.

/// Figures of this process; those that the system does not tell are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    pub cpu_s: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub open_files: Option<u64>,
}

/// The figures as they are now. Reads a few files that are in memory.
#[cfg(target_os = "linux")]
pub(super) fn usage() -> Usage {
    use std::fs;

    /// Ticks a second in `/proc`; Linux has shown programs 100 on every architecture for decades.
    const TICKS_PER_SECOND: f64 = 100.0;

    let stat = fs::read_to_string("/proc/self/stat").ok();
    // The name in brackets may hold anything; counting begins after it.
    let fields = stat.as_deref().and_then(|stat| stat.rsplit_once(')')).map(|(_, rest)| rest.split_whitespace());
    let ticks = fields.map(|fields| fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>());
    let status = fs::read_to_string("/proc/self/status").ok();
    let resident = status.as_deref().and_then(|status| status.lines().find_map(|line| line.strip_prefix("VmRSS:")));
    let kilobytes = resident.and_then(|text| text.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    Usage {
        cpu_s: ticks.map(|ticks| ticks / TICKS_PER_SECOND),
        resident_bytes: kilobytes.map(|kilobytes| kilobytes * 1024),
        open_files: fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
    }
}

/// Other systems tell this in other ways.
#[cfg(not(target_os = "linux"))]
pub(super) fn usage() -> Usage {
    Usage::default()
}
