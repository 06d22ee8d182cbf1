//! The same commit gives the same programs, wherever it is built: no path of this machine and no time of building is in them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};

use super::Release;
use crate::command::{output, root, target_dir};
use crate::packages;

/// Between two flags in `CARGO_ENCODED_RUSTFLAGS`.
const BETWEEN: &str = "\u{1f}";

/// Tells `build` (a cargo) and the C compilers that it starts what stands for each folder here, and what time it is.
///
/// Flags of the environment stay. Other flags than a usual build's mean that everything is compiled once more.
pub fn prepare(build: &mut Command, release: &Release) -> Result<()> {
    let folders = folders()?;
    let mut flags = given_flags();
    flags.extend(folders.iter().map(|(from, to)| format!("--remap-path-prefix={from}={to}")));
    build.env("CARGO_ENCODED_RUSTFLAGS", flags.join(BETWEEN));
    build.env("SOURCE_DATE_EPOCH", release.epoch.to_string()).env("CARGO_INCREMENTAL", "0");
    // MSVC's compiler knows no such flag, and writes no path unless it is asked.
    if cfg!(not(windows)) {
        for variable in ["CFLAGS", "CXXFLAGS"] {
            let mut flags = vec![env::var(variable).unwrap_or_default()];
            flags.extend(folders.iter().map(|(from, to)| format!("-ffile-prefix-map={from}={to}")));
            build.env(variable, flags.join(" ").trim());
        }
    }
    Ok(())
}

/// Says which of these programs name a folder of this machine all the same.
pub fn look(programs: &[PathBuf]) -> Result<()> {
    for (folder, _) in folders()? {
        for program in programs {
            let bytes = fs::read(program).with_context(|| format!("reading {}", program.display()))?;
            let times = count(&bytes, folder.as_bytes());
            if times > 0 {
                eprintln!("xtask: {} names {folder} {times} times: another machine's will not be the same", program.display());
            }
        }
    }
    Ok(())
}

fn count(bytes: &[u8], text: &[u8]) -> usize {
    // Looking at every place would take seconds: programs have hundreds of megabytes before they are stripped.
    let first = text.first().copied().unwrap_or_default();
    let places = bytes.iter().enumerate().filter(|(_, byte)| **byte == first);
    places.filter(|(at, _)| bytes[*at..].starts_with(text)).count()
}

/// Folders of this machine and what stands for them. Of two that fit, the last counts, so the closer one comes last.
fn folders() -> Result<Vec<(String, String)>> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).context("`rustc --print sysroot` failed")?;
    // Where the source of the standard library is installed, its paths are in programs as they are here; elsewhere so:
    let (library, said) = (Path::new(sysroot.trim()).join("lib/rustlib/src/rust"), packages::said_by_rustc("commit-hash")?);
    let cargo = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")));
    let cargo = cargo.context("neither CARGO_HOME nor a home folder is known")?;
    let library_stands_for = format!("/rustc/{said}");
    let target = target_dir();
    let all = [(library.as_path(), library_stands_for.as_str()), (&cargo, "/cargo"), (root(), "/parlor"), (&target, "/target")];
    Ok(all.map(|(from, to)| (from.display().to_string(), to.to_owned())).into())
}

/// What the environment asks of rustc already.
fn given_flags() -> Vec<String> {
    let split = |flags: String, at: &str| -> Vec<String> {
        flags.split(at).map(str::trim).filter(|flag| !flag.is_empty()).map(str::to_owned).collect()
    };
    match (env::var("CARGO_ENCODED_RUSTFLAGS"), env::var("RUSTFLAGS")) {
        (Ok(encoded), _) => split(encoded, BETWEEN),
        (_, Ok(plain)) => split(plain, " "),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program with a panic in it (whose message has the file's path) is the same from two folders, and names neither.
    #[test]
    fn a_program_does_not_know_where_it_was_built() {
        let build = |folder: &str| {
            let place = crate::temporary::Folder::new(folder).unwrap();
            let source = place.path().join("main.rs");
            std::fs::write(&source, "fn main() { assert!(std::env::args().count() > 9, \"few\"); }").unwrap();
            let program = place.path().join("program");
            let mut rustc = Command::new("rustc");
            rustc.args(["-O", "--crate-name", "main", "-o"]).arg(&program).arg(&source);
            rustc.arg(format!("--remap-path-prefix={}=/parlor", place.path().display()));
            assert!(rustc.status().unwrap().success());
            let bytes = std::fs::read(&program).unwrap();
            let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(has("/parlor/main.rs") && !has(&place.path().display().to_string()));
            bytes
        };
        assert!(build("here") == build("there"));
    }

    #[test]
    fn traces_are_counted() {
        assert_eq!(count(b"/a/b /a /a/b", b"/a/b"), 2);
        assert_eq!(count(b"/a", b"/a/b"), 0);
    }

    #[test]
    fn every_folder_of_this_machine_is_named() {
        let mut cargo = Command::new("cargo");
        prepare(&mut cargo, &Release { version: "0.1.0".to_owned(), epoch: 1_700_000_000 }).unwrap();
        let set = |name: &str| {
            let value = cargo.get_envs().find(|(key, _)| *key == name).and_then(|(_, value)| value);
            value.unwrap_or_default().to_string_lossy().into_owned()
        };
        let ours = format!("--remap-path-prefix={}=/parlor", root().display());
        assert!(set("CARGO_ENCODED_RUSTFLAGS").split(BETWEEN).any(|flag| flag == ours));
        assert_eq!(set("SOURCE_DATE_EPOCH"), "1700000000");
    }
}
