//! The software bill of materials: every package that is compiled in, in CycloneDX 1.5 (ECMA-424) as JSON.

use anyhow::Result;
use serde_json::{Value, json};

use super::Release;
use crate::packages;

/// The bill, from what `cargo metadata` says.
pub fn of(release: &Release, metadata: &Value) -> Result<String> {
    let built = packages::built(metadata)?;
    let mut components: Vec<Value> = built
        .into_iter()
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
