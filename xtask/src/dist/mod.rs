//! `cargo xtask dist`: what people install, under `target/dist/`.
//!
//! Linux: two Debian packages and an archive. Windows: an installer and an archive, on Linux as well. macOS: an application in a disk image.
//! Everything goes through [`Stage`], a folder laid out as it will lie on the other computer.

mod bill;
mod deb;
mod ffmpeg;
mod linux;
mod macos;
mod reproducible;
mod stage;
pub mod windows;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::command::{built, cargo, output, root, run as start, target_dir};
use crate::packages;
use crate::system::{self, Need};
pub use stage::Stage;

#[derive(clap::Args)]
pub struct Options {
    /// For which system; the one that this runs on, if left out.
    #[arg(long, value_enum)]
    target: Option<Target>,
    /// Take the programs that are built already.
    #[arg(long)]
    no_build: bool,
    /// Install nothing.
    #[arg(long)]
    no_install: bool,
    /// Install what was made for Windows with wine, have a call with it, upgrade and remove it.
    #[arg(long = "try")]
    attempt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Target {
    Linux,
    Macos,
    Windows,
}

/// What people are given about whose work is in it.
const LICENCES: &str = "THIRD-PARTY-LICENCES.txt";

/// What is packed.
pub struct Release {
    /// `0.1.0`.
    pub version: String,
    /// The commit's time, in seconds since 1970: the age of every packed file, so that the same commit gives the same packages.
    pub epoch: u64,
}

impl Release {
    /// `2026-11-22`.
    pub fn date(&self) -> Result<String> {
        let date = output(Command::new("date").args(["-u", "+%Y-%m-%d", "-d", &format!("@{}", self.epoch)]));
        let date = date.or_else(|| output(Command::new("date").args(["-u", "-r", &self.epoch.to_string(), "+%Y-%m-%d"])));
        Ok(date.context("`date` says nothing")?.trim().to_owned())
    }
}

pub fn run(options: &Options) -> Result<ExitCode> {
    let target = match options.target {
        Some(target) => target,
        None if cfg!(target_os = "linux") => Target::Linux,
        None if cfg!(target_os = "macos") => Target::Macos,
        None if cfg!(windows) => Target::Windows,
        None => bail!("say for which system: --target"),
    };
    if options.attempt && target != Target::Windows {
        bail!("--try is for --target windows");
    }
    if !options.no_install {
        system::ensure(&[Need::Build, if target == Target::Windows { Need::WindowsPackages } else { Need::Packages }])?;
    }
    let release = release()?;
    if !options.no_build && target != Target::Windows {
        build(&release)?;
    }
    let to = target_dir().join("dist");
    fs::create_dir_all(&to).with_context(|| format!("making {}", to.display()))?;
    let mut made = match target {
        Target::Linux => linux::pack(&release, &to)?,
        Target::Macos => macos::pack(&release, &to)?,
        Target::Windows => windows::pack(&release, !options.no_build, options.attempt, &to)?,
    };
    let (system, triple) = match target {
        Target::Linux => ("linux", packages::host()?),
        Target::Macos => ("macos", packages::host()?),
        Target::Windows => ("windows", if cfg!(windows) { packages::host()? } else { windows::CROSS_TARGET.to_owned() }),
    };
    let bill = to.join(format!("parlor-{}-{system}.cdx.json", release.version));
    write(&bill, &bill::of(&release, &packages::metadata(&["--all-features", "--filter-platform", &triple])?)?)?;
    made.push(bill);
    let mut sums = String::new();
    for file in &made {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let bytes = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        let sum = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        println!("{:>9.1} MB  {name}", bytes.len() as f64 / 1e6);
        sums += &format!("{sum}  {name}\n");
    }
    let list = format!("SHA256SUMS-{system}");
    write(&to.join(&list), &sums)?;
    println!("all of them, and {list}, are in {}", to.display());
    Ok(ExitCode::SUCCESS)
}

/// Optimised programs, with this machine's paths taken out of them.
fn build(release: &Release) -> Result<()> {
    let mut build = cargo();
    build.args(["build", "--release", "--locked", "--package", "parlor", "--bins"]);
    reproducible::prepare(&mut build, release)?;
    start(&mut build)?;
    reproducible::look(&["parlor", "parlor-bot", "parlor-server"].map(|name| built(name, true)))
}

fn release() -> Result<Release> {
    let metadata = packages::metadata(&["--no-deps"])?;
    let packages = metadata["packages"].as_array().context("cargo metadata without packages")?;
    let parlor = packages.iter().find(|package| package["name"] == "parlor").context("there is no package `parlor`")?;
    let version = parlor["version"].as_str().context("`parlor` has no version")?.to_owned();
    let time = output(Command::new("git").args(["log", "-1", "--format=%ct"]).current_dir(root()));
    let epoch = time.and_then(|time| time.trim().parse().ok()).unwrap_or_default();
    Ok(Release { version, epoch })
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Age and size for `tar`, so that the same commit gives the same archive.
fn tar(stage: &Stage, release: &Release, name: &str, to: &Path) -> Result<()> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--xz", "--sort=name", "--owner=0", "--group=0", "--numeric-owner"]);
    tar.arg(format!("--mtime=@{}", release.epoch)).arg("--file").arg(to).arg("--directory").arg(stage.path()).arg(name);
    start(&mut tar)
}
