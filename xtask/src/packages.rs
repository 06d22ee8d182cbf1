//! The packages of the dependency tree, as `cargo metadata` tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{cargo, output};

/// What `cargo metadata` says, of the packages that are locked.
pub fn metadata(more: &[&str]) -> Result<Value> {
    let text = output(cargo().args(["metadata", "--format-version", "1", "--locked"]).args(more));
    serde_json::from_str(&text.context("`cargo metadata` failed")?).context("what `cargo metadata` says is no JSON")
}

/// The kind of system that this is: `x86_64-unknown-linux-gnu`.
pub fn host() -> Result<String> {
    said_by_rustc("host")
}

/// One line of what `rustc -vV` says.
pub fn said_by_rustc(field: &str) -> Result<String> {
    let said = output(Command::new("rustc").arg("-vV")).context("`rustc -vV` failed")?;
    let line = said.lines().filter_map(|line| line.split_once(": ")).find(|(name, _)| *name == field);
    Ok(line.with_context(|| format!("`rustc -vV` names no {field}"))?.1.to_owned())
}

/// The foreign packages that building `parlor` takes: not those for tests and for these commands.
pub fn built(metadata: &Value) -> Result<Vec<&Value>> {
    reached(metadata, |_, kind| kind != "dev")
}

/// The foreign packages that the programs have in them: not those that only help to build them.
pub fn linked(metadata: &Value) -> Result<Vec<&Value>> {
    reached(metadata, |package, kind| {
        let targets = package["targets"].as_array().into_iter().flatten();
        let mut kinds = targets.flat_map(|target| target["kind"].as_array().into_iter().flatten());
        kind.is_null() && !kinds.any(|kind| kind == "proc-macro")
    })
}

/// All foreign packages to which `parlor` leads over edges that count, by name and version. An edge is asked about with the package at
/// its end and its kind: null, `build` or `dev`.
fn reached(metadata: &Value, counts: impl Fn(&Value, &Value) -> bool) -> Result<Vec<&Value>> {
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let packages: BTreeMap<&str, &Value> =
        packages.iter().filter_map(|package| Some((package["id"].as_str()?, package))).collect();
    let nodes = metadata["resolve"]["nodes"].as_array().context("cargo metadata without a graph")?;
    let edges: BTreeMap<&str, &Vec<Value>> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node["deps"].as_array()?))).collect();
    let root = packages.iter().find(|(_, package)| package["name"] == "parlor").map(|(id, _)| *id);
    let mut waiting = vec![root.context("there is no package `parlor`")?];
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        for edge in edges.get(id).into_iter().copied().flatten() {
            let Some((next, package)) = edge["pkg"].as_str().and_then(|next| packages.get_key_value(next)) else { continue };
            if edge["dep_kinds"].as_array().into_iter().flatten().any(|kind| counts(package, &kind["kind"])) {
                waiting.push(next);
            }
        }
    }
    let foreign = found.iter().filter_map(|id| packages.get(id)).filter(|package| !package["source"].is_null());
    let mut foreign: Vec<&Value> = foreign.copied().collect();
    foreign.sort_by_key(|package| (package["name"].to_string(), package["version"].to_string()));
    Ok(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_built_what_is_linked_and_what_is_for_tests_are_told_apart() {
        let package = |name: &str, kind: &str, source: Value| json!({ "id": name, "name": name, "version": "1.0.0", "source": source, "targets": [{ "kind": [kind] }] });
        let edge = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [
                package("parlor", "lib", Value::Null), package("bytes", "lib", json!("r")), package("tempfile", "lib", json!("r")),
                package("cc", "lib", json!("r")), package("serde_derive", "proc-macro", json!("r")), package("xtask", "bin", Value::Null),
            ],
            "resolve": { "nodes": [
                { "id": "parlor", "deps": [edge("bytes", Value::Null), edge("tempfile", json!("dev")), edge("cc", json!("build"))] },
                { "id": "bytes", "deps": [edge("serde_derive", Value::Null)] }, { "id": "xtask", "deps": [edge("tempfile", Value::Null)] },
            ] },
        });
        let names =
            |found: Vec<&Value>| found.iter().map(|package| package["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(built(&metadata).unwrap()), ["bytes", "cc", "serde_derive"]);
        assert_eq!(names(linked(&metadata).unwrap()), ["bytes"]);
    }
}
