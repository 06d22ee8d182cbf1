//! Text that nobody may read by accident: a key, a password, an address with a password in it.

/// A secret. `Debug` does not show it, comparing takes the same time wherever the difference is.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for whoever has to use it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `given` is this secret. How long it takes tells the secret's length at most.
    pub fn is(&self, given: &str) -> bool {
        let (secret, given) = (self.0.as_bytes(), given.as_bytes());
        let mut differs = u8::from(secret.len() != given.len());
        for (i, byte) in secret.iter().enumerate() {
            differs |= byte ^ given.get(i).copied().unwrap_or_default();
            differs = std::hint::black_box(differs);
        }
        differs == 0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(&other.0)
    }
}

impl Eq for Secret {}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::Secret;

    #[test]
    fn it_knows_itself_and_shows_nothing() {
        let secret = Secret::new("open sesame");
        assert!(secret.is("open sesame"));
        for wrong in ["", "open", "open sesame ", "open sesamE", "Open sesame"] {
            assert!(!secret.is(wrong), "{wrong}");
        }
        assert!(!format!("{secret:?}").contains("sesame"));
    }
}
