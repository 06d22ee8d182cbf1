//! `cargo xtask check`: all that can be said about the source without running it.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, find, root, run as start, target_dir};
use crate::release;
use crate::system::{self, Need};

#[derive(clap::Args)]
pub struct Options {
    /// Only format and lints.
    #[arg(long)]
    fast: bool,
    /// Also ask the database of security advisories (fetched from the internet).
    #[arg(long)]
    advisories: bool,
    /// Only whether this tag is the version and the newest heading of CHANGELOG.md; prints what is new in it.
    #[arg(long, value_name = "TAG", exclusive = true)]
    release: Option<String>,
    /// Install nothing.
    #[arg(long)]
    no_install: bool,
}

/// Feature sets that must stand on their own, beside the default one.
const FEATURE_SETS: [&[&str]; 4] = [&[], &["--features", "server"], &["--features", "room"], &["--features", "media"]];

type Check = fn() -> Result<()>;

pub fn run(options: &Options) -> Result<ExitCode> {
    if let Some(tag) = &options.release {
        println!("{}", release::notes(tag)?);
        return Ok(ExitCode::SUCCESS);
    }
    if !options.no_install {
        system::ensure(&[Need::Build])?;
    }
    let mut checks: Vec<(&str, Check)> = vec![("format", format), ("lints", lints)];
    if !options.fast {
        checks.extend([
            ("lints of feature subsets", lints_of_subsets as Check),
            ("documentation", documentation),
            ("spelling", spelling),
            ("licences and sources", || deny(&["licenses", "bans", "sources"])),
            ("installer", installer),
        ]);
    }
    if options.advisories {
        checks.push(("advisories", || deny(&["advisories"])));
    }
    // All of them, even after a failure: one round tells everything.
    let mut failed = Vec::new();
    for (name, check) in checks {
        eprintln!("== {name}");
        if let Err(error) = check() {
            eprintln!("xtask: {name}: {error:#}");
            failed.push(name);
        }
    }
    if failed.is_empty() {
        eprintln!("== all good");
        return Ok(ExitCode::SUCCESS);
    }
    bail!("failed: {}", failed.join(", "))
}

fn format() -> Result<()> {
    start(cargo().args(["fmt", "--all", "--check"]))
}

fn lints() -> Result<()> {
    start(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn lints_of_subsets() -> Result<()> {
    for set in FEATURE_SETS {
        eprintln!("-- --no-default-features {}", set.join(" "));
        let mut clippy = cargo();
        clippy.args(["clippy", "--quiet", "--package", "parlor", "--lib", "--bins", "--no-default-features"]);
        start(clippy.args(set).args(["--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn documentation() -> Result<()> {
    let mut doc = cargo();
    doc.args(["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items", "--lib", "--bins"]);
    start(doc.env("RUSTDOCFLAGS", "-D warnings"))
}

fn spelling() -> Result<()> {
    let typos =
        find("typos").context("the program `typos` is missing: `pip install typos` or `cargo install --locked typos-cli`")?;
    start(Command::new(typos).current_dir(root()))
}

fn deny(checks: &[&str]) -> Result<()> {
    let deny = find("cargo-deny").context("the program `cargo-deny` is missing: `cargo install --locked cargo-deny`")?;
    start(Command::new(deny).args(["--workspace", "--locked", "check"]).args(checks).current_dir(root()))
}

/// Has `wixl` make an installer, with placeholders in the places of the programs.
fn installer() -> Result<()> {
    let wixl = find("wixl").context("the program `wixl` is missing (package `wixl` or `msitools`)")?;
    let source = root().join("wix/main.wxs");
    let text = fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
    // wixl takes relative paths only, so a copy of what it reads is laid out where it may also write.
    let stage = target_dir().join("wix-check");
    for (variable, file) in sources(&text) {
        let to = stage.join(if variable { "bin" } else { "" }).join(&file);
        let bytes = if variable {
            b"placeholder".to_vec()
        } else {
            fs::read(root().join(&file)).with_context(|| format!("reading {file}"))?
        };
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&to, bytes).with_context(|| format!("writing {}", to.display()))?;
    }
    let mut command = Command::new(wixl);
    command.args(["-a", "x64", "-D", "Version=0.0.1", "-D", "CargoTargetBinDir=bin", "-o", "parlor.msi"]);
    start(command.arg(&source).current_dir(&stage))
}

/// The files an installer's source takes, and whether each lies in the folder of built programs.
fn sources(wxs: &str) -> Vec<(bool, String)> {
    let attributes = ["Source=\"", "SourceFile=\""];
    let files = attributes.iter().flat_map(|attribute| wxs.split(attribute).skip(1)).filter_map(|rest| rest.split_once('"'));
    files
        .map(|(file, _)| match file.strip_prefix("$(var.CargoTargetBinDir)/") {
            Some(built) => (true, built.to_owned()),
            None => (false, file.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_the_installer_are_found() {
        let wxs = r#"<File Source="$(var.CargoTargetBinDir)/parlor.exe"/><Icon Id="I" SourceFile="assets/x.ico"/>"#;
        assert_eq!(sources(wxs), [(true, "parlor.exe".to_owned()), (false, "assets/x.ico".to_owned())]);
    }
}
