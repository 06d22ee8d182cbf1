//! What the threads of a process do, by name, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

use super::super::load::TICKS_PER_SECOND;

/// The threads of a process at a moment.
#[derive(Debug)]
pub struct Threads {
    at: Instant,
    /// By number: a name may be used again.
    each: BTreeMap<u32, (String, Work)>,
}

/// What a thread has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    pub cpu_s: f64,
    /// How often it began to run again after it had waited or had to give way.
    pub switches: f64,
}

impl Threads {
    pub fn of(process: u32) -> Self {
        let folder = format!("/proc/{process}/task");
        let numbers = fs::read_dir(&folder).into_iter().flatten().flatten();
        let each = numbers.filter_map(|entry| {
            let number: u32 = entry.file_name().to_str()?.parse().ok()?;
            let (name, cpu_s) = parse_stat(&fs::read_to_string(entry.path().join("stat")).ok()?)?;
            let switches = parse_switches(&fs::read_to_string(entry.path().join("status")).unwrap_or_default());
            Some((number, (name, Work { cpu_s, switches })))
        });
        Self { at: Instant::now(), each: each.collect() }
    }

    /// What was done since, a second, by the names of threads.
    pub fn since(&self, before: &Self) -> BTreeMap<String, Work> {
        let seconds = self.at.saturating_duration_since(before.at).as_secs_f64().max(1e-3);
        let mut sums: BTreeMap<String, Work> = BTreeMap::new();
        for (number, (name, work)) in &self.each {
            let earlier = before.each.get(number).map_or(Work::default(), |(_, work)| *work);
            let sum = sums.entry(family(name)).or_default();
            sum.cpu_s += (work.cpu_s - earlier.cpu_s).max(0.0) / seconds;
            sum.switches += (work.switches - earlier.switches).max(0.0) / seconds;
        }
        sums
    }
}

/// Name and CPU seconds of `/proc/PID/task/TID/stat`.
fn parse_stat(stat: &str) -> Option<(String, f64)> {
    // The name in brackets may hold anything.
    let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
    let ticks: f64 = stat.get(end + 1..)?.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    Some((stat.get(begin + 1..end)?.to_owned(), ticks / TICKS_PER_SECOND))
}

fn parse_switches(status: &str) -> f64 {
    status
        .lines()
        .filter(|line| line.contains("ctxt_switches"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok())
        .sum()
}

/// Threads that do the same have the same name, but for a number or somebody's seat at its end.
fn family(name: &str) -> String {
    match name.split_once('-') {
        Some(("play", _)) => "play-*".to_owned(),
        _ => name.trim_end_matches(|letter: char| letter.is_ascii_digit()).trim_end_matches(['-', '$']).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_kernel_is_read_whatever_the_name_is() {
        let line = "71 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0";
        assert_eq!(parse_stat(line), Some(("a) b (c".to_owned(), 3.0)));
        assert_eq!(parse_stat("garbage"), None);
        assert!((parse_switches("Name:\tx\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n") - 42.0).abs() < 1e-9);
    }

    #[test]
    fn members_and_workers_are_summed() {
        assert_eq!(family("play-rg6zak9ry4"), "play-*");
        assert_eq!((family("llvmpipe-1"), family("publish-sound")), ("llvmpipe".to_owned(), "publish-sound".to_owned()));
    }

    #[test]
    fn this_process_works() {
        let before = Threads::of(std::process::id());
        let mut number = 1_u64;
        while Threads::of(std::process::id()).since(&before).values().all(|work| work.cpu_s == 0.0) {
            for step in 0..10_000_000_u64 {
                number = std::hint::black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step));
            }
            assert!(before.at.elapsed().as_secs() < 60, "no CPU time counted: {number}");
        }
    }
}
