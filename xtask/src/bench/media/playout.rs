//! `bench media --part playout` and `--part sync`: two members with an emulated network between them that jitters, loses, narrows and
//! breaks: how old pictures are when they are due on the screen, how long they stand still, how much sound is missing, how soon all
//! is as before; and how far flash and beep are apart.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::emulated::{self, Outcome, Scenario, View};
use super::plot::{Line, Plot};
use super::timeline::{Figures, Timeline};
use crate::bench::peer;
use crate::bench::screen::Screen;
use crate::table::Table;

/// The y axis goes up to this at least, in ms.
const LOWEST_TOP: f64 = 400.0;

pub fn run(scenarios: &[String], seconds: u64) -> Result<Value> {
    let mut table = Table::new([
        "what is seen",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "max ms",
        "still > 200",
        "> 500 ms",
        "longest ms",
        "sound gaps",
        "ms in all",
        "back after s",
        "sync p50 (min..max) ms",
        "busy",
    ]);
    let mut figures = Map::new();
    let mut screen = Screen::start(peer::WIDTH, peer::HEIGHT)?;
    for scenario in emulated::named(scenarios, seconds) {
        println!("{}", scenario.title);
        let outcome = emulated::run(&scenario)?;
        let plain = Timeline::of_pictures(&emulated::peer(&scenario, &mut screen)?);
        let mut views = Map::new();
        for view in &outcome.views {
            let of = view.timeline.figures(scenario.disturbed(), scenario.calm_again());
            draw(&scenario, view, &of, &plain)?;
            row(&mut table, &scenario, view, &of, outcome.busy);
            views.insert(view.name.to_owned(), json!({ "figures": of.to_json(), "av_sync_ms": view.peer["av_sync_ms"] }));
        }
        let of_plain = plain.figures(scenario.disturbed(), scenario.calm_again());
        plain_row(&mut table, &scenario, &of_plain);
        let scenario_figures = json!({
            "link": scenario.link, "changes": scenario.changes.iter().map(|(at, change, _)| format!("{at}:{change}")).collect::<Vec<_>>(),
            "one_way_ms": scenario.one_way_ms, "machine_busy": outcome.busy, "views": views, "ffmpeg_nginx_ffplay": of_plain.to_json(),
        });
        figures.insert(scenario.name.to_owned(), scenario_figures);
    }
    println!("{table}");
    println!(
        "Delay: captured -> due on the screen, of the oldest picture in each tenth of a second. Back: no later than 50 ms more than before the disturbance, for a second. No player can be faster than the link's one-way delay."
    );
    Ok(Value::Object(figures))
}

/// Flash against beep in every scenario.
pub fn sync(scenarios: &[String], seconds: u64) -> Result<Value> {
    let mut table = Table::new(["what is seen", "beats", "p50 ms", "smallest ms", "largest ms", "within 40 ms"]);
    let mut figures = Map::new();
    for scenario in emulated::named(scenarios, seconds) {
        println!("{}", scenario.title);
        let Outcome { views, .. } = emulated::run(&scenario)?;
        for view in views {
            let sync = &view.peer["av_sync_ms"];
            let value = |key: &str| sync[key].as_f64().unwrap_or(f64::NAN);
            let within = [value("min"), value("max")].iter().all(|ms| ms.abs() <= 40.0);
            table.row([
                format!("{}, {}", scenario.name, view.name),
                number(value("beats"), 0),
                number(value("p50"), 1),
                number(value("min"), 1),
                number(value("max"), 1),
                if within { "yes" } else { "NO" }.to_owned(),
            ]);
            figures.insert(format!("{}, {}", scenario.name, view.name), sync.clone());
        }
    }
    println!("{table}");
    Ok(Value::Object(figures))
}

fn row(table: &mut Table, scenario: &Scenario, view: &View, of: &Figures, busy: f64) {
    let [p50, p95, p99, max] = of.delay.map(|ms| number(ms, 0));
    let sync = |key: &str| number(view.peer["av_sync_ms"][key].as_f64().unwrap_or(f64::NAN), 0);
    table.row([
        format!("{}, {}", scenario.name, view.name),
        p50,
        p95,
        p99,
        max,
        of.stills.to_string(),
        of.freezes.to_string(),
        number(of.longest_still, 0),
        of.gaps.to_string(),
        number(of.gap, 0),
        if scenario.changes.is_empty() { "-".to_owned() } else { number(of.recovered, 1) },
        format!("{} ({}..{})", sync("p50"), sync("min"), sync("max")),
        format!("{:.0} %", busy * 100.0),
    ]);
}

/// The plain player's: only what can be read off a screen.
fn plain_row(table: &mut Table, scenario: &Scenario, of: &Figures) {
    let [p50, p95, p99, max] = of.delay.map(|ms| number(ms, 0));
    let back = if scenario.changes.is_empty() { "-".to_owned() } else { number(of.recovered, 1) };
    let (stills, freezes, longest) = (of.stills.to_string(), of.freezes.to_string(), number(of.longest_still, 0));
    let unknown = || "-".to_owned();
    let name = format!("{}, ffmpeg -> nginx-rtmp -> ffplay", scenario.name);
    table.row([name, p50, p95, p99, max, stills, freezes, longest, unknown(), unknown(), back, unknown(), unknown()]);
}

fn draw(scenario: &Scenario, view: &View, of: &Figures, plain: &Timeline) -> Result<()> {
    let timeline = &view.timeline;
    let end = f64::from(scenario.seconds);
    let plot = Plot {
        title: format!("Captured to due on the screen, {}: {}", view.name, scenario.title),
        x: "time (s)".to_owned(),
        y: "ms".to_owned(),
        lines: vec![
            Line::new("delay of the oldest picture", timeline.line(|point| point.delay)),
            Line::new("sound that waits", timeline.line(|point| point.buffer)),
            Line::new("what the buffer aims at", timeline.line(|point| point.target)),
            Line::new("sound concealed in 0.1 s", timeline.line(|point| point.gap)),
            Line::new("delay of ffmpeg -> nginx-rtmp -> ffplay", plain.line(|point| point.delay)),
            Line::new("the link's one-way delay", vec![(0.0, scenario.one_way_ms), (end, scenario.one_way_ms)]),
        ],
        marks: scenario.marks(),
        // A plain player's delay may grow without bounds, and one picture be seconds old: what is usual shall be seen.
        top: Some((2.0 * of.delay[1]).max(LOWEST_TOP)),
    };
    let direction = view.name.split(' ').next().unwrap_or_default();
    plot.save(&format!("media-playout-{}-{direction}", scenario.name))?;
    Ok(())
}

fn number(value: f64, digits: usize) -> String {
    if value.is_finite() { format!("{value:.digits$}") } else { "-".to_owned() }
}
