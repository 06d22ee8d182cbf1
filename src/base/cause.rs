//! What an error says, causes included.

/// An error and its causes, in one line. A cause that the text before it already ends with is not said twice.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Outer {
        said: &'static str,
        source: io::Error,
    }

    #[test]
    fn every_cause_is_said_once() {
        let of = |said| chain(&Outer { said, source: io::Error::other("disk full") });
        assert_eq!(of("cannot save"), "cannot save: disk full");
        assert_eq!(of("cannot save: disk full"), "cannot save: disk full");
    }
}
