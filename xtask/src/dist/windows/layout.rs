//! What lies in the folder of the installed program: programs, the libraries they ask for, licences.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::imports;
use super::toolchain::Toolchain;
use crate::command::root;
use crate::dist::ffmpeg::Ffmpeg;
use crate::dist::{Release, Stage};
use crate::licences;

/// The programs; each has a component of its own in `wix/main.wxs`.
pub const PROGRAMS: [&str; 3] = ["parlor.exe", "parlor-server.exe", "parlor-bot.exe"];

/// Files of the repository that come along, and what they are called there.
const PAPERS: [(&str, &str); 8] = [
    ("README.md", "README.md"),
    ("CHANGELOG.md", "CHANGELOG.md"),
    ("LICENSE-MIT", "licences/Parlor-MIT.txt"),
    ("LICENSE-APACHE", "licences/Parlor-Apache-2.0.txt"),
    (licences::FILE, "licences/THIRD-PARTY-LICENCES.txt"),
    ("assets/fonts/LICENSE-Inter.txt", "licences/Inter.txt"),
    ("assets/fonts/LICENSE-NotoEmoji.txt", "licences/NotoEmoji.txt"),
    ("assets/fonts/LICENSE-DroidSansFallback.txt", "licences/DroidSansFallback.txt"),
];

/// The folder.
pub struct Layout(Stage);

impl Layout {
    /// Lays it out.
    pub fn new(release: &Release, toolchain: &Toolchain, ffmpeg: &Ffmpeg) -> Result<Self> {
        let stage = Stage::new("windows")?;
        for program in PROGRAMS {
            stage.copy(toolchain.programs().join(program), program, 0o755)?;
        }
        libraries(&stage, toolchain, ffmpeg)?;
        for (from, to) in PAPERS {
            stage.copy(from, to, 0o644)?;
        }
        stage.fill("assets/windows/LIBRARIES.txt", "licences/LIBRARIES.txt", &[("VERSION", &release.version)])?;
        match &ffmpeg.licence {
            Some(licence) => stage.copy(licence, "licences/FFmpeg.txt", 0o644)?,
            None => bail!("FFmpeg's licence is not beside it, and has to come along"),
        }
        Ok(Self(stage))
    }

    /// Where it is.
    pub fn installed(&self) -> &Path {
        self.0.path()
    }

    /// All of it in an archive, with the mark of a portable program.
    pub fn zip(&self, release: &Release, to: &Path) -> Result<()> {
        let folder = format!("parlor-{}-windows-x64", release.version);
        let file = File::create(to).with_context(|| format!("writing {}", to.display()))?;
        let mut zip = ZipWriter::new(file);
        // The same commit gives the same archive: no time of today.
        let options =
            SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default());
        let mut put = |name: &str, bytes: &[u8]| -> Result<()> {
            zip.start_file(format!("{folder}/{name}"), options)?;
            Ok(std::io::Write::write_all(&mut zip, bytes)?)
        };
        for file in self.0.files()? {
            put(&slashes(&file), &fs::read(self.installed().join(&file))?)?;
        }
        put("PORTABLE.txt", &fs::read(root().join("assets/windows/PORTABLE.txt"))?)?;
        zip.finish().with_context(|| format!("writing {}", to.display()))?;
        Ok(())
    }
}

/// A relative path as archives and installers write it.
pub fn slashes(path: &Path) -> String {
    path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

/// Puts every library there that the programs ask for, and those that these ask for; what nobody here has is part of Windows.
fn libraries(stage: &Stage, toolchain: &Toolchain, ffmpeg: &Ffmpeg) -> Result<()> {
    let mut waiting: Vec<PathBuf> = PROGRAMS.iter().map(|program| stage.path().join(program)).collect();
    let mut seen = BTreeSet::new();
    while let Some(file) = waiting.pop() {
        for name in imports::of(&file)? {
            if !seen.insert(name.to_ascii_lowercase()) {
                continue;
            }
            let beside = Some(ffmpeg.prefix.join("bin").join(&name)).filter(|path| path.is_file());
            if let Some(found) = beside.or_else(|| toolchain.library(&name)) {
                stage.copy(found, &name, 0o644)?;
                waiting.push(stage.path().join(&name));
            }
        }
        toolchain.strip(&file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_along_is_there() {
        for (paper, _) in PAPERS {
            assert!(root().join(paper).is_file(), "{paper}");
        }
        let wxs = fs::read_to_string(root().join("wix/main.wxs")).unwrap();
        for program in PROGRAMS {
            assert!(wxs.contains(&format!("Source=\"$(var.CargoTargetBinDir)/{program}\"")), "{program} is not in the installer");
        }
    }
}
