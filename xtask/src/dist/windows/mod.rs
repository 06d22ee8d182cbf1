//! Windows: an installer and an archive that needs none, built on Windows itself or, with mingw-w64, on Linux.
//!
//! [`toolchain`] knows how to compile for it, [`layout`] puts everything where it will lie, [`msi`] packs it.
//! [`trial`] installs and uses what was made, with wine.

mod imports;
mod layout;
pub mod msi;
mod toolchain;
mod trial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{Release, ffmpeg};
use crate::command::{output, root, target_dir};
use layout::Layout;
pub use layout::PROGRAMS;
pub use toolchain::GCC;
use toolchain::Toolchain;

/// What this Rust calls it where it is built on Linux.
pub const CROSS_TARGET: &str = "x86_64-pc-windows-gnu";

/// Makes all of it in `to`, and tries it if asked to.
pub fn pack(release: &Release, build: bool, attempt: bool, to: &Path) -> Result<Vec<PathBuf>> {
    let ffmpeg = ffmpeg::for_windows()?;
    let toolchain = Toolchain::new(&ffmpeg)?;
    if build {
        toolchain.build(release)?;
    }
    let layout = Layout::new(release, &toolchain, &ffmpeg)?;
    let installer = to.join(format!("parlor-{}-x64.msi", release.version));
    msi::make(layout.installed(), &release.version, &installer)?;
    let archive = to.join(format!("parlor-{}-windows-x64.zip", release.version));
    layout.zip(release, &archive)?;
    let mut made = vec![installer, archive];
    made.extend(ffmpeg.publish_sources(to)?);
    fs::write(built_of(), commit().unwrap_or_default()).context("noting the commit")?;
    if attempt {
        trial::run(release, layout.installed(), &made[0], &made[1])?;
    }
    Ok(made)
}

/// Names the commit of the packages that were made last.
fn built_of() -> PathBuf {
    target_dir().join("dist-stage/windows.commit")
}

/// The commit that is checked out; nothing, if files differ from it.
fn commit() -> Option<String> {
    let git = |words: &[&str]| output(Command::new("git").args(words).current_dir(root()));
    let clean = git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    git(&["rev-parse", "HEAD"]).filter(|_| clean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::find;

    /// Runs where the packages of this very commit were made (`cargo xtask dist --target windows`) and wine is installed.
    #[test]
    fn e2e_release_for_windows_is_installed_used_upgraded_and_removed() {
        let dist = target_dir().join("dist");
        let made_of = fs::read_to_string(built_of()).unwrap_or_default();
        let missing = ["wine", "wixl", GCC].into_iter().find(|tool| find(tool).is_none());
        if made_of.is_empty() || commit() != Some(made_of) || missing.is_some() {
            eprintln!("left out: no packages for Windows of this commit, or no {}", missing.unwrap_or("wine"));
            return;
        }
        let release = super::super::release().unwrap();
        let file = |ending: &str| dist.join(format!("parlor-{}-{ending}", release.version));
        let installed = target_dir().join("dist-stage/windows");
        trial::run(&release, &installed, &file("x64.msi"), &file("windows-x64.zip")).unwrap();
    }
}
