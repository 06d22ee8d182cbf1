//! `bench media --part drift`: microphone and speaker whose clocks differ by 200 millionths, for ten minutes of counted time.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::plot::{Line, Plot};
use crate::bench::tool;
use crate::command::typed;
use crate::table::Table;

pub fn run() -> Result<Value> {
    let mut bench = std::process::Command::new(tool::build_with(&["--bench", "playout_drift"], "playout_drift")?);
    let output = bench.output().with_context(|| format!("cannot start `{}`", typed(&bench)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", typed(&bench), String::from_utf8_lossy(&output.stderr));
    }
    let report: Value = serde_json::from_slice(&output.stdout).context("the bench's report")?;
    let cases = report["cases"].as_array().context("no cases in the report")?;
    let mut table = Table::new([
        "microphone ppm",
        "speaker ppm",
        "gaps ms",
        "delay, minute 1",
        "minute 10",
        "smallest",
        "largest",
        "most in stock ms",
    ]);
    let mut lines = Vec::new();
    for case in cases {
        let number =
            |key: &str, digits: usize| case[key].as_f64().map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"));
        table.row([
            number("microphone_ppm", 0),
            number("speaker_ppm", 0),
            number("gap_ms", 0),
            number("delay_first_minute_ms", 1),
            number("delay_last_minute_ms", 1),
            number("smallest_ms", 1),
            number("largest_ms", 1),
            number("fullest_ms", 0),
        ]);
        let minutes = case["median_of_each_minute_ms"].as_array().map(Vec::as_slice).unwrap_or_default();
        let points = minutes.iter().enumerate().map(|(minute, delay)| (minute as f64 + 0.5, delay.as_f64().unwrap_or(f64::NAN)));
        lines.push(Line::new(&format!("{} / {}", number("microphone_ppm", 0), number("speaker_ppm", 0)), points.collect()));
    }
    println!("{table}");
    let plot = Plot {
        title: "Captured to heard, by how fast the microphone / the speaker is (ppm)".to_owned(),
        x: "time (min)".to_owned(),
        y: "median of a minute (ms)".to_owned(),
        lines,
        ..Plot::default()
    };
    plot.save("media-drift")?;
    Ok(report)
}
