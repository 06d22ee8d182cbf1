//! Where recordings and snapshots go, and what they are called.

use super::Error;
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

/// A file's name without its ending: who or what it shows, and when it was begun (UTC, as no time zone is known).
pub fn stem(what: &str, begun: Duration) -> String {
    let what: String = what.chars().map(|c| if is_safe(c) { c } else { '_' }).take(LONGEST).collect();
    // Windows takes no dot or space at the end, and a name that begins with a dot is hidden elsewhere.
    let what = what.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let what = if what.is_empty() { "Parlor" } else { what };
    let seconds = begun.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{what} {year:04}-{month:02}-{day:02} {hour:02}.{minute:02}.{second:02} UTC")
}

fn is_safe(c: char) -> bool {
    !(c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'))
}

/// Year, month and day of a number of days since 1970-01-01 in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March end with the leap day, if there is one; 400 of them always have the same length.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_who_and_when_and_suit_every_system() {
        let at = |seconds| Duration::from_secs(seconds);
        assert_eq!(stem("Ada", at(0)), "Ada 1970-01-01 00.00.00 UTC");
        assert_eq!(stem("李雷 / a:b", at(951_782_399)), "李雷 _ a_b 2000-02-28 23.59.59 UTC");
        assert_eq!(stem("..", at(951_782_400 + 86_400)), "Parlor 2000-03-01 00.00.00 UTC");
        assert_eq!(stem("x", at(1_795_345_678)), "x 2026-11-22 11.07.58 UTC");
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
