//! `bench media --part seal`: what it costs to seal and to open the packets of a call in 1280x720 with 30 pictures a second (`benches/seal`).

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::bench::tool;
use crate::command::typed;
use crate::table::Table;

pub fn run() -> Result<Value> {
    let mut bench = std::process::Command::new(tool::build_with(&["--bench", "seal"], "seal")?);
    let output = bench.output().with_context(|| format!("cannot start `{}`", typed(&bench)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", typed(&bench), String::from_utf8_lossy(&output.stderr));
    }
    let report: Value = serde_json::from_slice(&output.stdout).context("the bench's report")?;
    let sorts = report["sorts"].as_array().context("no figures in the report")?;
    let mut table = Table::new([
        "",
        "a second",
        "bytes",
        "longer by",
        "to seal (ns)",
        "to open (ns)",
        "seal, % of a core",
        "open, % of a core",
    ]);
    let sum = |key: &str| sorts.iter().filter_map(|sort| sort[key].as_f64()).sum::<f64>();
    for sort in sorts {
        let number = |key: &str, digits: usize| sort[key].as_f64().map_or_else(String::new, |value| format!("{value:.digits$}"));
        table.row([
            sort["what"].as_str().unwrap_or_default().to_owned(),
            number("per_second", 0),
            number("bytes", 0),
            number("longer_bytes", 0),
            number("seal_ns", 0),
            number("open_ns", 0),
            number("seal_percent", 4),
            number("open_percent", 4),
        ]);
    }
    let blank = String::new;
    let percent = |key: &str| format!("{:.4}", sum(key));
    table.row(["all".to_owned(), blank(), blank(), blank(), blank(), blank(), percent("seal_percent"), percent("open_percent")]);
    println!("{table}");
    Ok(report)
}
