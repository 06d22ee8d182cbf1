//! The microphone's chain in a simulated room, in simulated time: how much of the far voice comes back, how much of the near one is lost while both
//! talk, what it costs. `cargo xtask bench media --part echo` makes the voices, runs it and draws the result. Prints one object of JSON.

mod room;
mod way;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use room::{Case, Room};
use serde_json::{Value, json};
use way::Way;

/// Samples in 10 ms, and in a second.
const CHUNK: usize = 480;
const RATE: usize = 48_000;
/// Length of a case, in seconds; the near voice joins in for double talk after so many.
const SECONDS: usize = 18;
const JOINS: usize = 8;
/// Levels are measured in steps of 100 ms; in quieter ones there is no echo to be measured.
const STEP: usize = RATE / 10;
const AUDIBLE_DB: f64 = -50.0;

#[derive(Parser)]
struct Options {
    /// The far voice: mono floats at 48 kHz, little endian, at least 18 s.
    #[arg(long)]
    far: PathBuf,
    /// The near voice.
    #[arg(long)]
    near: PathBuf,
    /// Set by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<Value> {
    let (far, near) = (voice(&options.far)?, voice(&options.near)?);
    let cases: Vec<Value> = Case::ALL.iter().map(|case| measure(case, &far, &near)).collect();
    Ok(json!({ "cases": cases }))
}

/// A voice at a usual level: its loudest tenth of a second at -16 dB.
fn voice(path: &Path) -> Result<Vec<f32>> {
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let mut samples: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
    ensure!(samples.len() >= SECONDS * RATE, "{} is too short", path.display());
    samples.truncate(SECONDS * RATE);
    let loudest = levels(&samples).into_iter().fold(f64::MIN, f64::max);
    let gain = 10_f64.powf((-16.0 - loudest) / 20.0) as f32;
    samples.iter_mut().for_each(|s| *s *= gain);
    Ok(samples)
}

/// The level of each 100 ms in decibels.
fn levels(samples: &[f32]) -> Vec<f64> {
    samples.chunks_exact(STEP).map(|part| db(part.iter().map(|s| f64::from(s * s)).sum::<f64>() / STEP as f64)).collect()
}

fn db(power: f64) -> f64 {
    10.0 * power.max(1e-10).log10()
}

fn power(samples: &[f32]) -> f64 {
    samples.iter().map(|s| f64::from(s * s)).sum::<f64>() / samples.len().max(1) as f64
}

fn measure(case: &Case, far: &[f32], near: &[f32]) -> Value {
    let echo = Room::new(case).play(far);
    let ways: Vec<Value> = Way::ALL.iter().map(|way| measure_way(*way, case, far, near, &echo)).collect();
    json!({ "name": case.name, "echo_db": levels(&echo), "ways": ways })
}

fn measure_way(way: Way, case: &Case, far: &[f32], near: &[f32], echo: &[f32]) -> Value {
    let alone = way.run(case, far, echo);
    // Both talk: the near voice is so much louder than the echo.
    let double = [12.0, 0.0].map(|louder| {
        let from = JOINS * RATE;
        let gain = 10_f64.powf((db(power(&echo[from..])) + louder - db(power(&near[from..]))) / 20.0) as f32;
        let joins: Vec<f32> = near.iter().enumerate().map(|(i, s)| if i < from { 0.0 } else { s * gain }).collect();
        let both: Vec<f32> = joins.iter().zip(echo).map(|(a, b)| a + b).collect();
        let silence = vec![0.0; far.len()];
        // What the same stages make of the near voice while nobody else talks.
        let wanted = way.run(case, &silence, &joins).out;
        let got = way.run(case, far, &both).out;
        loss(&wanted[from..], &got[from..])
    });
    let gone = |range: std::ops::Range<usize>| return_loss(echo, &alone.out, range);
    json!({
        "way": way.name(),
        "after_5_s_db": gone(5 * RATE..SECONDS * RATE),
        "worst_second_db": (5..SECONDS).map(|s| gone(s * RATE..(s + 1) * RATE)).fold(f64::MAX, f64::min),
        "from_half_a_second_db": gone(RATE / 2..RATE * 3 / 2),
        "until_20_db_s": settled(echo, &alone.out),
        "near_lost_at_12_db": double[0],
        "near_lost_at_0_db": double[1],
        "cpu_percent": alone.cpu_percent,
        "out_db": levels(&alone.out),
    })
}

/// By how many decibels the echo in `range` is weaker when it comes back. What comes out is up to 40 ms late.
fn return_loss(echo: &[f32], out: &[f32], range: std::ops::Range<usize>) -> f64 {
    db(power(&echo[range.clone()])) - db(power(&out[range]))
}

/// Seconds from the first echo until it is, and stays for a second, 20 dB weaker in each tenth of a second that has one.
fn settled(echo: &[f32], out: &[f32]) -> f64 {
    let (echo, out) = (levels(echo), levels(out));
    let Some(first) = echo.iter().position(|level| *level > AUDIBLE_DB) else { return f64::NAN };
    let weak = |at: usize| echo[at] <= AUDIBLE_DB || echo[at] - out[at].max(out.get(at + 1).copied().unwrap_or(-100.0)) >= 20.0;
    let settled = (first..echo.len().saturating_sub(10)).find(|at| (*at..at + 10).all(weak));
    settled.map_or(f64::NAN, |at| (at - first) as f64 / 10.0)
}

/// By how many decibels the near voice is weaker, in the tenths of a second in which there is one.
fn loss(wanted: &[f32], got: &[f32]) -> f64 {
    let pairs = wanted.chunks_exact(STEP).zip(got.chunks_exact(STEP));
    let (mut before, mut after) = (0.0, 0.0);
    for (wanted, got) in pairs.filter(|(wanted, _)| db(power(wanted)) > AUDIBLE_DB) {
        before += power(wanted);
        after += power(got);
    }
    db(before) - db(after)
}
