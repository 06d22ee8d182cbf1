//! Load tools: benches of the package, built with the server and without everything else.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{cargo, run as start};

/// Builds `parlor-server` and a load tool; returns where the tool is.
pub fn build(tool: &str) -> Result<PathBuf> {
    let server = ["--no-default-features", "--features", "server,room", "--bin", "parlor-server", "--bench", tool];
    build_with(&server, tool)
}

/// Builds what these arguments say; returns where the benchmark called `tool` is.
pub fn build_with(arguments: &[&str], tool: &str) -> Result<PathBuf> {
    let command = || {
        let mut cargo = cargo();
        cargo.args(["build", "--release", "--package", "parlor"]).args(arguments);
        cargo
    };
    start(&mut command())?;
    let again = command().args(["--message-format", "json", "--quiet"]).output().context("cannot start cargo")?;
    let lines = String::from_utf8_lossy(&again.stdout).into_owned();
    lines
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == tool)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .context("cargo does not say where the load tool is")
}
