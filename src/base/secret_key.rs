//! A key that people hand to each other in a link, and nobody else gets to see.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Characters of a key: 32 bytes, six bits a character.
const LENGTH: usize = 43;

/// 256 random bits. `Debug` does not show them; clones share one copy, which is overwritten when the last of them is gone. Written as 43
/// characters of base64url.
#[derive(Clone)]
pub struct SecretKey(Arc<Zeroizing<[u8; 32]>>);

/// A text that is no [`SecretKey`]. It is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key has 43 letters, digits, - and _")]
pub struct KeyError;

impl SecretKey {
    /// A key that nobody has had before.
    pub fn random() -> Self {
        Self::new(rand::random())
    }

    /// The key of these bits.
    pub fn new(bits: [u8; 32]) -> Self {
        Self(Arc::new(Zeroizing::new(bits)))
    }

    /// The bits, for whoever derives keys from them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key as text, for a link or a file that only its owner reads.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.expose())
    }
}

/// Takes the same time wherever the difference is.
impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        let pairs = self.expose().iter().zip(other.expose());
        pairs.fold(0, |differs, (a, b)| std::hint::black_box(differs | (a ^ b))) == 0
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

impl FromStr for SecretKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut bits = Zeroizing::new([0; 32]);
        match URL_SAFE_NO_PAD.decode_slice(text, &mut *bits) {
            Ok(32) if text.len() == LENGTH => Ok(Self(Arc::new(bits))),
            _ => Err(KeyError),
        }
    }
}

impl Serialize for SecretKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> Deserialize<'de> for SecretKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_shows_itself_to_nobody() {
        let key = SecretKey::new(std::array::from_fn(|i| (i * 37) as u8));
        let text = key.to_text();
        assert_eq!((text.len(), text.parse().as_ref()), (LENGTH, Ok(&key)));
        let json = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<SecretKey>(&json).unwrap(), key);
        assert!(!format!("{key:?}").contains(&text[..6]));
        assert_ne!(SecretKey::random(), SecretKey::random());
        for bad in ["", "A", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43), &format!("{}=", "A".repeat(42)), &"B".repeat(43)]
        {
            assert_eq!(bad.parse::<SecretKey>(), Err(KeyError), "{bad}");
        }
    }
}
