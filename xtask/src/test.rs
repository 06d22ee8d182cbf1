//! `cargo xtask test`: everything that can fail, and a count at the end.

use std::process::ExitCode;

use anyhow::Result;

use crate::command::{cargo, coloured, find, run_and_read};
use crate::system::{self, Need};

#[derive(clap::Args)]
pub struct Options {
    /// Leave out the end-to-end tests (those whose name contains `e2e_`).
    #[arg(long)]
    quick: bool,
    /// Install nothing; what is missing fails the tests that need it.
    #[arg(long)]
    no_install: bool,
    /// Only tests whose name contains this.
    filter: Option<String>,
}

/// Results of one or more test runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    passed: u32,
    failed: u32,
    skipped: u32,
    /// Of those that passed, how many only when tried again.
    flaky: u32,
}

impl Count {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.flaky += other.flaky;
    }
}

pub fn run(options: &Options) -> Result<ExitCode> {
    if !options.no_install {
        system::ensure(&[Need::Build, Need::Window, Need::Tests])?;
    }
    let mut count = Count::default();
    let mut whole = true;
    for (mut command, read) in runs(options) {
        let (ok, lines) = run_and_read(&mut command)?;
        let found: Vec<Count> = lines.iter().filter_map(|line| read(line)).collect();
        let failed = found.iter().any(|count| count.failed > 0);
        found.into_iter().for_each(|found| count.add(found));
        if !ok && !failed {
            eprintln!("xtask: `{}` ended before its tests did", crate::command::typed(&command));
            whole = false;
        }
    }
    let Count { passed, failed, skipped, flaky } = count;
    if flaky > 0 {
        println!("{flaky} of them only when tried again: look for FLAKY above");
    }
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    // A run without a single test has tested nothing, whatever it says.
    let good = whole && count.failed == 0 && count.passed > 0;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

type ReadLine = fn(&str) -> Option<Count>;

/// The commands to run, each with the reader of its summary lines.
fn runs(options: &Options) -> Vec<(std::process::Command, ReadLine)> {
    let colour = if coloured() { "--color=always" } else { "--color=never" };
    let filter = options.filter.as_deref();
    let mut runs: Vec<(_, ReadLine)> = Vec::new();
    let mut documentation = cargo();
    documentation.args(["test", "--workspace", "--doc", colour]).args(filter);
    if find("cargo-nextest").is_some() {
        let mut tests = cargo();
        tests.args(["nextest", "run", "--workspace", "--no-fail-fast", colour]);
        if options.quick {
            tests.args(["-E", "not test(/e2e_/)"]);
        }
        tests.args(filter);
        runs.push((tests, read_nextest));
    } else {
        // Unit tests side by side, integration tests one by one: each of those keeps several programs busy.
        for (targets, threads) in [(&["--lib", "--bins"] as &[_], None), (&["--test", "*"], Some("--test-threads=1"))] {
            let mut tests = cargo();
            tests.args(["test", "--workspace", "--no-fail-fast", colour]).args(targets).args(filter).arg("--").args(threads);
            if options.quick {
                tests.args(["--skip", "e2e_"]);
            }
            runs.push((tests, read_libtest));
        }
    }
    runs.push((documentation, read_libtest));
    runs
}

/// `     Summary [   1.234s] 12 tests run: 11 passed (1 slow), 1 failed, 3 skipped`
fn read_nextest(line: &str) -> Option<Count> {
    let (_, after) = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?;
    let mut count = Count::default();
    for part in after.split([',', '(', ')']).filter(|part| !part.trim().is_empty()) {
        let mut words = part.split_whitespace();
        let number: u32 = words.next()?.parse().ok()?;
        match words.next()? {
            "passed" => count.passed += number,
            "failed" | "timed" | "exec" => count.failed += number,
            "skipped" => count.skipped += number,
            "flaky" => count.flaky += number,
            _ => {}
        }
    }
    Some(count)
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s`
fn read_libtest(line: &str) -> Option<Count> {
    let (_, after) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut count = Count::default();
    for part in after.split("; ") {
        let mut words = part.split_whitespace();
        let Some(Ok(number)) = words.next().map(str::parse::<u32>) else { continue };
        match words.next() {
            Some("passed") => count.passed += number,
            Some("failed") => count.failed += number,
            Some("ignored" | "filtered") => count.skipped += number,
            _ => {}
        }
    }
    Some(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_summary() {
        let line = "     Summary [   1.234s] 12 tests run: 11 passed (1 slow, 2 flaky), 1 failed, 3 skipped";
        assert_eq!(read_nextest(line), Some(Count { passed: 11, failed: 1, skipped: 3, flaky: 2 }));
        let line = "     Summary [   9s] 4/9 tests run: 2 passed, 1 failed, 1 timed out, 0 skipped";
        assert_eq!(read_nextest(line), Some(Count { passed: 2, failed: 2, ..Count::default() }));
        assert_eq!(read_nextest("        PASS [   0.005s] parlor summary"), None);
    }

    #[test]
    fn libtest_summary() {
        let line = "test result: FAILED. 3 passed; 1 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s";
        assert_eq!(read_libtest(line), Some(Count { passed: 3, failed: 1, skipped: 3, flaky: 0 }));
        assert_eq!(read_libtest("test result_of_x ... ok"), None);
    }
}
