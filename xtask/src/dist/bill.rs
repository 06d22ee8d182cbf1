//! The software bill of materials: every package that is compiled in, in CycloneDX 1.5 (ECMA-424) as JSON.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Release;

/// The bill, from what `cargo metadata` says.
pub fn of(release: &Release, metadata: &Value) -> Result<String> {
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let compiled = compiled(metadata)?;
    let foreign = packages.iter().filter(|package| !package["source"].is_null());
    let mut components: Vec<Value> = foreign
        .filter(|package| package["id"].as_str().is_some_and(|id| compiled.contains(id)))
        .filter_map(|package| {
            let (name, version) = (package["name"].as_str()?, package["version"].as_str()?);
            // Older packages write a slash for OR.
            let licence = package["license"].as_str().map(|licence| licence.replace('/', " OR "));
            let licences = licence.map_or_else(|| json!([]), |licence| json!([{ "expression": licence }]));
            let purl = format!("pkg:cargo/{name}@{version}");
            Some(json!({
                "type": "library", "name": name, "version": version, "purl": purl, "bom-ref": purl, "licenses": licences,
            }))
        })
        .collect();
    components.sort_by_key(|component| component["purl"].to_string());
    let bill = json!({
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": { "component": { "type": "application", "name": "parlor", "version": release.version } },
        "components": components,
    });
    Ok(serde_json::to_string_pretty(&bill)? + "\n")
}

/// The packages that `parlor` itself comes to need: not those for tests and for these commands.
fn compiled(metadata: &Value) -> Result<BTreeSet<&str>> {
    let nodes = metadata["resolve"]["nodes"].as_array().context("cargo metadata without a graph")?;
    let edges: BTreeMap<&str, &Vec<Value>> =
        nodes.iter().filter_map(|node| Some((node["id"].as_str()?, node["deps"].as_array()?))).collect();
    let root = metadata["packages"].as_array().into_iter().flatten().find(|package| package["name"] == "parlor");
    let mut waiting = vec![root.and_then(|root| root["id"].as_str()).context("there is no package `parlor`")?];
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        for edge in edges.get(id).into_iter().copied().flatten() {
            let kinds = edge["dep_kinds"].as_array().into_iter().flatten();
            let for_tests = kinds.clone().count() > 0 && kinds.clone().all(|kind| kind["kind"] == "dev");
            if let Some(next) = edge["pkg"].as_str().filter(|_| !for_tests) {
                waiting.push(next);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compiled_in_is_on_the_bill_and_nothing_else() {
        let package = |name: &str, source: Value| json!({ "id": name, "name": name, "version": "1.0.0", "license": "MIT/Apache-2.0", "source": source });
        let edge = |name: &str, kind: Value| json!({ "pkg": name, "dep_kinds": [{ "kind": kind }] });
        let metadata = json!({
            "packages": [package("parlor", Value::Null), package("bytes", json!("r")), package("tempfile", json!("r")), package("cc", json!("r"))],
            "resolve": { "nodes": [
                { "id": "parlor", "deps": [edge("bytes", Value::Null), edge("tempfile", json!("dev")), edge("cc", json!("build"))] },
                { "id": "bytes", "deps": [] }, { "id": "tempfile", "deps": [] }, { "id": "cc", "deps": [] },
            ] },
        });
        let bill: Value = serde_json::from_str(&of(&Release { version: "0.1.0".into(), epoch: 0 }, &metadata).unwrap()).unwrap();
        let names: Vec<&str> = bill["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["bytes", "cc"]);
        assert_eq!(bill["components"][0]["licenses"][0]["expression"], "MIT OR Apache-2.0");
    }
}
