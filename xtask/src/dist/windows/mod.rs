//! Windows: an installer and an archive that needs none, built on Windows itself or, with mingw-w64, on Linux.
//!
//! [`toolchain`] knows how to compile for it, [`layout`] puts everything where it will lie, [`msi`] packs it.
//! [`trial`] installs and uses what was made, with wine.

mod imports;
mod layout;
pub mod msi;
mod toolchain;
mod trial;

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Release, ffmpeg};
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
    if attempt {
        trial::run(release, layout.installed(), &made[0], &made[1])?;
    }
    Ok(made)
}
