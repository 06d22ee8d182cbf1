//! A folder in which files lie as they will on the other computer.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{root, target_dir};

/// The folder; emptied when it is made.
pub struct Stage {
    path: PathBuf,
}

impl Stage {
    /// An empty one.
    pub fn new(name: &str) -> Result<Self> {
        let path = target_dir().join("dist-stage").join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("emptying {}", path.display()));
            }
            _ => {}
        }
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts a file of the repository, or a built program, there.
    pub fn copy(&self, from: impl AsRef<Path>, to: &str, mode: u32) -> Result<()> {
        let from = root().join(from);
        let bytes = fs::read(&from).with_context(|| format!("reading {}", from.display()))?;
        self.write(to, bytes, mode)
    }

    /// Puts a file of the repository there with `@NAME@` replaced.
    pub fn fill(&self, from: &str, to: &str, values: &[(&str, &str)]) -> Result<()> {
        let mut text = fs::read_to_string(root().join(from)).with_context(|| format!("reading {from}"))?;
        for (name, value) in values {
            text = text.replace(&format!("@{name}@"), value);
        }
        self.write(to, text, 0o644)
    }

    /// Writes a file there.
    pub fn write(&self, to: &str, bytes: impl AsRef<[u8]>, mode: u32) -> Result<()> {
        let to = self.path.join(to);
        to.parent().map_or(Ok(()), fs::create_dir_all).with_context(|| format!("making the folder of {}", to.display()))?;
        fs::write(&to, bytes).with_context(|| format!("writing {}", to.display()))?;
        set_mode(&to, mode)
    }

    /// All files, relative and sorted.
    pub fn files(&self) -> Result<Vec<PathBuf>> {
        files(&self.path)
    }
}

/// All files in a folder and those below it, relative and sorted.
pub fn files(top: &Path) -> Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![top.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(top)?.to_owned()),
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).with_context(|| format!("the mode of {}", path.display()))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}
