//! `cargo xtask check`: all that can be said about the source without running it.

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};

use crate::command::{cargo, find, root, run as start};
use crate::dist::windows;
use crate::release;
use crate::system::{self, Need};
use crate::temporary::Folder;

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
    let (folder, to) = (Folder::new("installer")?, Folder::new("installer-made")?);
    for file in windows::PROGRAMS.iter().chain(&["avcodec-59.dll"]) {
        fs::write(folder.path().join(file), "placeholder").with_context(|| format!("writing {file}"))?;
    }
    windows::msi::make(folder.path(), "0.0.1", &to.path().join("parlor.msi"))
}
