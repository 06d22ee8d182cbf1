//! Which build this is, as the build script noted it.
//!
//! ```
//! let text = parlor::base::stamp::text(&[("FFmpeg", "7.1, GPL version 2 or later".to_owned())]);
//! assert!(text.lines().next().is_some_and(|line| line == parlor::version()));
//! assert!(text.ends_with("FFmpeg: 7.1, GPL version 2 or later"));
//! ```

/// Version and commit: `0.1.0 (1a2b3c4d5e)`. The commit is `dev` in builds for development, `unknown` where there was no repository.
pub const SHORT: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("PARLOR_COMMIT"), ")");

/// The commit in short.
pub const COMMIT: &str = env!("PARLOR_COMMIT");

/// The day of the commit, such as `2026-11-23`; empty where nobody knows it.
pub const DATE: &str = env!("PARLOR_DATE");

/// What it was built for: `x86_64-unknown-linux-gnu`.
pub const TARGET: &str = env!("PARLOR_TARGET");

/// `release`, or `debug`.
pub const PROFILE: &str = env!("PARLOR_PROFILE");

/// Commit and day, as far as they are known: `1a2b3c4d5e, 2026-11-23`.
pub fn commit() -> String {
    if DATE.is_empty() { COMMIT.to_owned() } else { format!("{COMMIT}, {DATE}") }
}

/// All of it, as `--version` prints it: [`SHORT`] is the first line, then one line for each fact, `more` last.
pub fn text(more: &[(&str, String)]) -> String {
    let own = [("commit", commit()), ("target", TARGET.to_owned()), ("profile", PROFILE.to_owned())];
    let facts = own.iter().chain(more).map(|(name, value)| format!("\n{name}: {value}"));
    std::iter::once(SHORT.to_owned()).chain(facts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_for_programs_and_the_rest_for_people() {
        let text = text(&[("FFmpeg", "5.1".to_owned())]);
        let lines: Vec<&str> = text.lines().collect();
        let (version, commit) = lines[0].split_once(' ').unwrap();
        assert!(version.split('.').all(|part| part.parse::<u32>().is_ok()), "{version}");
        assert!(commit.starts_with('(') && commit.ends_with(')'), "{commit}");
        assert!(lines[1].starts_with("commit: ") && !lines[1].ends_with(", "), "{text}");
        assert_eq!(lines[2..], [format!("target: {TARGET}"), format!("profile: {PROFILE}"), "FFmpeg: 5.1".into()]);
        assert!(TARGET.contains(std::env::consts::ARCH), "{TARGET}");
    }
}
