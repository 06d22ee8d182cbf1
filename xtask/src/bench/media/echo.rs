//! `bench media --part echo`: what comes back of a far voice through the microphone's chain in a simulated room (`benches/echo`), beside sonora's
//! canceller alone and the chain without one.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::plot::{Line, Plot};
use crate::bench::{load, output_file, tool};
use crate::command::run as start;
use crate::table::Table;

const FAR: &str = "Good morning everybody. Today I would like to talk about the plan for the coming week. First we finish the report, then we \
    send it to the customer, and on Thursday we meet again to decide what happens next. Please tell me if you have any questions, or if something \
    is not clear. I will write everything down and send it around after the call.";
const NEAR: &str = "Yes, I have a question about that. Who is going to write the summary, and when do you need it? I could start on Wednesday \
    afternoon, but then somebody else would have to look after the website. Otherwise it is fine with me, and I think that we can manage all of it \
    before Friday. Let me know what you think, and whether that works.";

/// A figure of the tool, what it is called here, and what is aimed at.
const FIGURES: [(&str, &str, Option<Aim>); 7] = [
    ("after_5_s_db", "echo loss after 5 s (dB)", Some(Aim::AtLeast(35.0))),
    ("worst_second_db", "worst second of those", None),
    ("from_half_a_second_db", "loss from 0.5 s on (dB)", Some(Aim::AtLeast(20.0))),
    ("until_20_db_s", "until 20 dB (s)", Some(Aim::AtMost(0.5))),
    ("near_lost_at_12_db", "near voice lost, +12 dB", Some(Aim::AtMost(8.0))),
    ("near_lost_at_0_db", "near voice lost, +0 dB", None),
    ("cpu_percent", "% of a core", Some(Aim::AtMost(3.0))),
];

#[derive(Clone, Copy)]
enum Aim {
    AtLeast(f64),
    AtMost(f64),
}

impl Aim {
    fn text(self) -> String {
        match self {
            Self::AtLeast(value) => format!(">= {value}"),
            Self::AtMost(value) => format!("<= {value}"),
        }
    }
}

pub fn run() -> Result<Value> {
    let far = speak("far", "en-us", FAR)?;
    let near = speak("near", "en-gb+f3", NEAR)?;
    let program = tool::build_with(&["--bench", "echo"], "echo")?;
    let machine = load::Machine::now();
    let output =
        Command::new(&program).arg("--far").arg(&far).arg("--near").arg(&near).output().context("starting the simulation")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: Value = serde_json::from_slice(&output.stdout).context("the simulation's figures")?;
    let busy = machine.busy_since();
    let cases = figures["cases"].as_array().map(Vec::as_slice).unwrap_or_default();
    for case in cases {
        let name = case["name"].as_str().unwrap_or_default();
        let ways = case["ways"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut table = Table::new([name, "aim", "the chain", "sonora alone", "no canceller"]);
        for (key, title, aim) in FIGURES {
            let of = |way: usize| ways.get(way).and_then(|w| w[key].as_f64()).map_or("never".to_owned(), |v| format!("{v:.1}"));
            table.row([title.to_owned(), aim.map(Aim::text).unwrap_or_default(), of(0), of(1), of(2)]);
        }
        println!("{table}");
        draw(name, case, ways)?;
    }
    Ok(json!({ "machine_busy": busy, "cases": cases }))
}

/// The echo, and what is left of it, over time.
fn draw(name: &str, case: &Value, ways: &[Value]) -> Result<PathBuf> {
    let line = |title: &str, levels: &Value| {
        let levels = levels.as_array().map(Vec::as_slice).unwrap_or_default();
        let points = levels.iter().enumerate().filter_map(|(n, level)| Some((n as f64 / 10.0, level.as_f64()? + 100.0)));
        Line::new(title, points.collect())
    };
    let mut lines = vec![line("what the microphone hears", &case["echo_db"])];
    lines.extend(ways.iter().take(2).map(|way| line(way["way"].as_str().unwrap_or_default(), &way["out_db"])));
    let plot = Plot {
        title: format!("Echo of the far voice: {name}"),
        x: "time (s)".to_owned(),
        y: "level (dB above -100 dBFS)".to_owned(),
        lines,
        top: Some(100.0),
        ..Plot::default()
    };
    let file: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    plot.save(&format!("media-echo-{file}"))
}

/// A text as mono floats at 48 kHz, spoken several times over.
fn speak(name: &str, voice: &str, text: &str) -> Result<PathBuf> {
    let (wav, raw) = (output_file(&format!("{name}.wav")), output_file(&format!("{name}.raw")));
    start(Command::new("espeak-ng").args(["-v", voice, "-s", "155", "-w"]).arg(&wav).arg(text))?;
    let [from, to] = [&wav, &raw].map(|path: &PathBuf| Path::as_os_str(path));
    start(
        Command::new("ffmpeg")
            .args(["-v", "error", "-y", "-stream_loop", "3", "-i"])
            .arg(from)
            .args(["-ar", "48000", "-ac", "1", "-f", "f32le"])
            .arg(to),
    )?;
    Ok(raw)
}
