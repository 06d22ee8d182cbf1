//! What is left behind when the program does not end as it should: a report of what went wrong, and the room to go back to.

use super::settings::{Recent, write_private};
use serde::{Deserialize, Serialize};
use std::backtrace::Backtrace;
use std::io;
use std::panic::PanicHookInfo;
use std::path::{Path, PathBuf};

/// Reports that are kept.
const KEPT: usize = 5;
/// Lines of the log that go into a report.
const LINES: usize = 200;
/// A room that was left so long ago, in seconds, is not offered again.
const TOO_OLD: u64 = 6 * 3600;

/// A room that one was in when the program ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lost {
    /// Which.
    pub room: Recent,
    /// What one was called there.
    #[serde(default)]
    pub name: String,
    /// The session in which one has a seat there still.
    #[serde(default)]
    pub session: Option<String>,
}

/// The note of the room one is in: it is there as long as one is.
#[derive(Debug, Default)]
pub struct Note(Option<PathBuf>);

impl Note {
    /// The note beside the settings at `config`; `None`: none is kept.
    pub fn beside(config: Option<&Path>) -> Self {
        Self(config.map(|config| config.with_extension("call.json")))
    }

    /// Reads what the last run left, if it is not too old at `now` (seconds since the UNIX epoch), and takes it away.
    pub fn take(&self, now: u64) -> Option<Lost> {
        let bytes = std::fs::read(self.0.as_ref()?).ok()?;
        self.clear();
        let lost: Lost = serde_json::from_slice(&bytes).ok()?;
        (now.saturating_sub(lost.room.at) < TOO_OLD).then_some(lost)
    }

    /// Notes that one is in this room.
    pub fn write(&self, lost: &Lost) {
        let Some(path) = &self.0 else { return };
        let written = serde_json::to_vec(lost).map_err(io::Error::other).and_then(|bytes| write_private(path, &bytes));
        if let Err(error) = written {
            tracing::warn!(%error, "after a crash, this room will not be offered");
        }
    }

    /// Notes that one is in no room.
    pub fn clear(&self) {
        let Some(path) = &self.0 else { return };
        match std::fs::remove_file(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(%error, "the note of the room stays"),
        }
    }
}

/// Where reports of the program with the settings at `config` are.
pub fn folder(config: &Path) -> PathBuf {
    config.with_extension("crashes")
}

/// From now on, whatever goes wrong without being expected leaves a report in `folder`.
pub fn watch(folder: PathBuf) {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let now = super::unix_seconds();
        if let Err(error) = write(&folder, now, &report(info, &Backtrace::force_capture())) {
            eprintln!("no crash report can be written: {error}");
        }
        before(info);
    }));
}

/// The reports, oldest first: when (seconds since the UNIX epoch), and where.
pub fn reports(folder: &Path) -> Vec<(u64, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let when = |path: &Path| path.file_stem()?.to_str()?.strip_prefix("crash-")?.parse().ok();
    let mut found: Vec<(u64, PathBuf)> = entries.flatten().filter_map(|e| Some((when(&e.path())?, e.path()))).collect();
    found.sort();
    found
}

fn report(info: &PanicHookInfo<'_>, trace: &Backtrace) -> String {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let lines = crate::base::log::recent();
    let log = lines[lines.len().saturating_sub(LINES)..].join("\n");
    format!("Parlor {}\nthread {name}: {info}\n\n{trace}\n\n{log}\n", crate::version())
}

fn write(folder: &Path, now: u64, report: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(format!("crash-{now}.txt")), report)?;
    let all = reports(folder);
    for (_, old) in &all[..all.len().saturating_sub(KEPT)] {
        std::fs::remove_file(old)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::Mode;

    fn lost(at: u64) -> Lost {
        let room = Recent { name: "周会".into(), room: "r".into(), mode: Mode::Multi, server: None, key: None, at };
        Lost { room, name: "Ada".into(), session: Some("{}".into()) }
    }

    #[test]
    fn a_room_is_offered_once_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let note = Note::beside(Some(&folder.path().join("parlor.json")));
        assert_eq!(note.take(1000), None);
        note.write(&lost(1000));
        assert_eq!(note.take(1010), Some(lost(1000)));
        assert_eq!(note.take(1010), None, "once");
        note.write(&lost(1000));
        assert_eq!(note.take(1000 + TOO_OLD), None, "that was long ago");
        note.write(&lost(1000));
        note.clear();
        note.clear();
        assert_eq!(note.take(1010), None, "who leaves is not asked");
        std::fs::write(folder.path().join("parlor.call.json"), "{broken").unwrap();
        assert_eq!(note.take(1010), None);
        Note::beside(None).write(&lost(1));
    }

    #[test]
    fn the_newest_reports_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let crashes = folder.path().join("a/parlor.crashes");
        assert!(reports(&crashes).is_empty());
        for now in 0..KEPT as u64 + 3 {
            write(&crashes, now, &format!("report {now}")).unwrap();
        }
        let kept: Vec<u64> = reports(&crashes).into_iter().map(|(when, _)| when).collect();
        assert_eq!(kept, (3..KEPT as u64 + 3).collect::<Vec<_>>());
    }
}
