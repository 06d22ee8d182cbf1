//! Where recordings and snapshots go, and what they are called.

use super::Error;
use chrono::{DateTime, Local, TimeZone};
use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Files of the same name in one folder.
const MOST_ALIKE: u32 = 9_999;
/// Longest part of a file's name that comes from people, in characters.
const LONGEST: usize = 60;

/// A new file of its own: `stem.ending`, or `stem 2.ending` and so on if that is there already. The folder is made if it is not there.
///
/// # Errors
/// When it cannot be made; the error says why.
pub fn new_file(folder: &Path, stem: &str, ending: &str) -> Result<(File, PathBuf), Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::new(folder, cause))?;
    for number in 1..=MOST_ALIKE {
        let name = if number == 1 { format!("{stem}.{ending}") } else { format!("{stem} {number}.{ending}") };
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(cause) => return Err(Error::new(&path, cause)),
        }
    }
    Err(Error::new(folder, io::ErrorKind::AlreadyExists.into()))
}

/// A file's name without its ending: who or what it shows, and when it was begun by the clock on the wall.
pub fn stem(what: &str, begun: Duration) -> String {
    stem_in(&Local, what, begun)
}

fn stem_in<Z: TimeZone>(zone: &Z, what: &str, begun: Duration) -> String
where
    Z::Offset: Display,
{
    let what: String = what.chars().map(|c| if is_safe(c) { c } else { '_' }).take(LONGEST).collect();
    // Windows takes no dot or space at the end, and a name that begins with a dot is hidden elsewhere.
    let what = what.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let what = if what.is_empty() { "Parlor" } else { what };
    let seconds = i64::try_from(begun.as_secs()).unwrap_or_default();
    let begun = DateTime::from_timestamp(seconds, 0).unwrap_or_default().with_timezone(zone);
    format!("{what} {}", begun.format("%Y-%m-%d %H.%M.%S"))
}

fn is_safe(c: char) -> bool {
    !(c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{FixedOffset, Utc};

    #[test]
    fn names_say_who_and_when_and_suit_every_system() {
        let at = |seconds| Duration::from_secs(seconds);
        let beijing = FixedOffset::east_opt(8 * 3600).unwrap();
        assert_eq!(stem_in(&Utc, "Ada", at(0)), "Ada 1970-01-01 00.00.00");
        assert_eq!(stem_in(&Utc, "李雷 / a:b", at(951_782_399)), "李雷 _ a_b 2000-02-28 23.59.59");
        assert_eq!(stem_in(&beijing, "..", at(951_782_400)), "Parlor 2000-02-29 08.00.00");
        assert_eq!(stem_in(&beijing, "x", at(1_795_345_678)), "x 2026-11-22 19.07.58");
        assert!(stem(&"å".repeat(300), at(0)).chars().count() < 100);
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        let names: Vec<_> = (0..3).map(|_| new_file(&deep, "x", "mkv").unwrap().1).collect();
        assert_eq!(names, [deep.join("x.mkv"), deep.join("x 2.mkv"), deep.join("x 3.mkv")]);
        let file = deep.join("x.mkv");
        assert!(new_file(&file, "y", "mkv").is_err(), "a file is no folder");
    }
}
