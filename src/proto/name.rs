//! What a room or a person may be called.

/// Longest room or display name, in characters.
pub const MAX_NAME_CHARS: usize = 64;

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing but white space and dots (`.` and `..` mean something else in addresses).
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_NAME_CHARS`] characters.
    #[error("the name is longer than {MAX_NAME_CHARS} characters")]
    TooLong,
    /// One of `< > * { } ( ) ^ % $ # @ ! ~ & =` or a control character.
    #[error("the name contains {0:?}, which names may not")]
    Forbidden(char),
}

/// Checks a name and returns it without white space around it. Spaces inside are fine.
///
/// # Errors
/// The first rule that the name breaks.
pub fn check(name: &str) -> Result<&str, NameError> {
    let name = name.trim();
    if name.chars().all(|c| c == '.') {
        return Err(NameError::Empty);
    }
    if let Some(bad) = name.chars().find(|c| c.is_control() || "<>*{}()^%$#@!~&=".contains(*c)) {
        return Err(NameError::Forbidden(bad));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        return Err(NameError::TooLong);
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass_and_are_trimmed() {
        for (given, kept) in [("Support 1", "Support 1"), ("  周会 二组 ", "周会 二组"), ("a-b_c.d'e", "a-b_c.d'e"), ("😀", "😀")]
        {
            assert_eq!(check(given), Ok(kept));
        }
    }

    #[test]
    fn bad_names_say_why() {
        assert_eq!(check("  "), Err(NameError::Empty));
        assert_eq!(check(" .. "), Err(NameError::Empty));
        for c in "<>*{}()^%$#@!~&=".chars().chain(['\0', '\n', '\u{7f}', '\u{85}']) {
            assert_eq!(check(&format!("a{c}b")), Err(NameError::Forbidden(c)));
        }
        assert_eq!(check(&"x".repeat(MAX_NAME_CHARS)).map(str::len), Ok(MAX_NAME_CHARS));
        assert_eq!(check(&"字".repeat(MAX_NAME_CHARS + 1)), Err(NameError::TooLong));
    }
}
