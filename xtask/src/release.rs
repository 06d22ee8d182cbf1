//! Whether a tag can be released: it is the version in `Cargo.toml` and the newest heading of `CHANGELOG.md`.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::command::root;

/// The version of every package here; xtask has the same one.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What is new in the release called `tag` (`v0.1.0`).
///
/// # Errors
/// In words what disagrees with what.
pub fn notes(tag: &str) -> Result<String> {
    let changes = fs::read_to_string(root().join("CHANGELOG.md")).context("reading CHANGELOG.md")?;
    agree(tag, VERSION, &changes)
}

fn agree(tag: &str, version: &str, changes: &str) -> Result<String> {
    let tagged = tag.strip_prefix('v').with_context(|| format!("the tag {tag} does not begin with v"))?;
    ensure!(tagged == version, "the tag is {tag}, but Cargo.toml says {version}");
    let (heading, rest) = changes
        .split_once("\n## ")
        .and_then(|(_, newest)| newest.split_once('\n'))
        .context("CHANGELOG.md has no heading for a version")?;
    let (named, date) = heading.split_once(" - ").unwrap_or((heading, ""));
    ensure!(named == version, "the newest heading of CHANGELOG.md is \"{heading}\", not \"{version} - YYYY-MM-DD\"");
    ensure!(is_date(date), "the heading \"{heading}\" of CHANGELOG.md does not end with \" - YYYY-MM-DD\"");
    let notes = rest.split_once("\n## ").map_or(rest, |(notes, _)| notes).trim();
    ensure!(!notes.is_empty(), "CHANGELOG.md says nothing about {version}");
    Ok(notes.to_owned())
}

/// `2026-11-23`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANGES: &str = "# Changes\n\nWords.\n\n## 0.2.0 - 2026-11-23\n\n- New.\n\n## 0.1.0 - 2026-11-01\n\n- Old.\n";

    #[test]
    fn a_tag_that_agrees_gives_the_notes() {
        assert_eq!(agree("v0.2.0", "0.2.0", CHANGES).unwrap(), "- New.");
        let first = "# Changes\n\n## 0.1.0 - 2026-11-01\n\n- All.\n";
        assert_eq!(agree("v0.1.0", "0.1.0", first).unwrap(), "- All.");
    }

    #[test]
    fn what_disagrees_is_said() {
        let refused = |tag: &str, version: &str, changes: &str| agree(tag, version, changes).unwrap_err().to_string();
        assert!(refused("0.2.0", "0.2.0", CHANGES).contains("begin with v"));
        assert!(refused("v0.2.1", "0.2.0", CHANGES).contains("Cargo.toml says 0.2.0"));
        assert!(refused("v0.1.0", "0.1.0", CHANGES).contains("\"0.2.0 - 2026-11-23\""), "an old heading is not the newest");
        let unreleased = CHANGES.replace("0.2.0 - 2026-11-23", "Unreleased");
        assert!(refused("v0.2.0", "0.2.0", &unreleased).contains("\"Unreleased\""));
        for date in ["", " - soon", " - 26-11-2023", " - 2026-1-23"] {
            let undated = CHANGES.replace(" - 2026-11-23", date);
            assert!(refused("v0.2.0", "0.2.0", &undated).contains("YYYY-MM-DD"), "{date}");
        }
        assert!(refused("v0.2.0", "0.2.0", "# Changes\n\n## 0.2.0 - 2026-11-23\n\n## 0.1.0\n").contains("says nothing"));
        assert!(refused("v0.2.0", "0.2.0", "# Changes\n").contains("no heading"));
    }
}
