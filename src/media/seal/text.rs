//! Lines of chat, sealed. Each has a key of its own, derived from the room's key and 128 random bits; the display name of whoever says it is
//! authenticated, so that no server puts words into another mouth. A server may still say a line twice, or leave it out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::cipher::{Cipher, TAG};
use crate::base::SecretKey;

/// What a sealed line begins with.
const MARK: &str = "e2ee1:";
const SALT: usize = 16;

/// Whether a line is sealed.
pub fn is_sealed(line: &str) -> bool {
    line.starts_with(MARK)
}

/// The line as the server may see it. `None` cannot be.
pub fn seal(key: &SecretKey, name: &str, line: &str) -> Option<String> {
    seal_with(key, name, line, rand::random())
}

fn seal_with(key: &SecretKey, name: &str, line: &str, salt: [u8; SALT]) -> Option<String> {
    let mut data = Vec::with_capacity(SALT + line.len() + TAG);
    data.extend_from_slice(&salt);
    data.extend_from_slice(line.as_bytes());
    cipher(key, &salt)?.seal(0, name.as_bytes(), &mut data, SALT)?;
    Some(format!("{MARK}{}", URL_SAFE_NO_PAD.encode(data)))
}

/// What somebody of that name has said; `None` if nobody has who has the key.
pub fn open(key: &SecretKey, name: &str, sealed: &str) -> Option<String> {
    let mut data = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(MARK)?).ok()?;
    let (salt, data) = data.split_at_mut_checked(SALT)?;
    let line = cipher(key, salt)?.open(0, name.as_bytes(), data)?.to_vec();
    String::from_utf8(line).ok()
}

fn cipher(key: &SecretKey, salt: &[u8]) -> Option<Cipher> {
    Cipher::derive(key, salt, &[b"parlor e2ee 1 chat"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made by another implementation: the Python package `cryptography`, from the words at the door of the module.
    #[test]
    fn a_line_is_sealed_as_it_is_written() {
        let key = SecretKey::new(std::array::from_fn(|i| i as u8));
        let sealed = "e2ee1:CQkJCQkJCQkJCQkJCQkJCcWnz9ob314FFY0t4dIVd7iwUqpWZNdm1j6D8vvn";
        assert_eq!(seal_with(&key, "Ann", "hello, 周会", [9; SALT]).as_deref(), Some(sealed));
        assert_eq!(open(&key, "Ann", sealed).as_deref(), Some("hello, 周会"));
    }

    proptest! {
        #[test]
        fn only_the_key_and_the_name_open_it(line in "\\PC{0,60}", at in any::<prop::sample::Index>(), bit in 0..8_u32) {
            let (key, other) = (SecretKey::random(), SecretKey::random());
            let sealed = seal(&key, "Ann", &line).unwrap();
            prop_assert!(is_sealed(&sealed));
            prop_assert_eq!(open(&key, "Ann", &sealed), Some(line.clone()));
            prop_assert_eq!(open(&other, "Ann", &sealed), None);
            prop_assert_eq!(open(&key, "Ben", &sealed), None);
            let mut data = URL_SAFE_NO_PAD.decode(&sealed[MARK.len()..]).unwrap();
            let place = at.index(data.len());
            data[place] ^= 1 << bit;
            prop_assert_eq!(open(&key, "Ann", &format!("{MARK}{}", URL_SAFE_NO_PAD.encode(&data))), None);
            data.truncate(place);
            prop_assert_eq!(open(&key, "Ann", &format!("{MARK}{}", URL_SAFE_NO_PAD.encode(&data))), None);
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(e2ee1:)?[A-Za-z0-9_\\-周=]{0,80}") {
            prop_assert_eq!(open(&SecretKey::new([0; 32]), "Ann", &text), None);
        }
    }
}
