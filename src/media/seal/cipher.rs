//! AES-256-GCM with keys that HKDF derives.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

use crate::base::SecretKey;

/// Bytes that sealing adds behind the data.
pub(super) const TAG: usize = 16;
const KEY: usize = 32;

/// A key, and the nonce that counters change.
pub(super) struct Cipher {
    key: LessSafeKey,
    nonce: [u8; NONCE_LEN],
}

/// What HKDF is to give: key and nonce in one.
struct Length;

impl KeyType for Length {
    fn len(&self) -> usize {
        KEY + NONCE_LEN
    }
}

impl Cipher {
    /// The cipher that `secret` and `salt` make for the purpose that `info` names; its parts must not be mistakable for each other. `None`
    /// cannot be: lengths are fixed.
    pub(super) fn derive(secret: &SecretKey, salt: &[u8], info: &[&[u8]]) -> Option<Self> {
        let mut material = Zeroizing::new([0; KEY + NONCE_LEN]);
        Salt::new(HKDF_SHA256, salt).extract(secret.expose()).expand(info, Length).ok()?.fill(&mut *material).ok()?;
        let (key, nonce) = material.split_at(KEY);
        let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
        Some(Self { key, nonce: nonce.try_into().ok()? })
    }

    fn nonce(&self, counter: u64) -> Nonce {
        let mut nonce = self.nonce;
        for (byte, other) in nonce[NONCE_LEN - 8..].iter_mut().zip(counter.to_be_bytes()) {
            *byte ^= other;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Seals what stands in `data` from `from` on, and appends the authentication tag. A counter must never come twice.
    pub(super) fn seal(&self, counter: u64, aad: &[u8], data: &mut Vec<u8>, from: usize) -> Option<()> {
        let tag = self.key.seal_in_place_separate_tag(self.nonce(counter), Aad::from(aad), data.get_mut(from..)?).ok()?;
        data.extend_from_slice(tag.as_ref());
        Some(())
    }

    /// Opens what [`seal`](Self::seal) made, where it stands; `None` if it is not that.
    pub(super) fn open<'a>(&self, counter: u64, aad: &[u8], data: &'a mut [u8]) -> Option<&'a mut [u8]> {
        self.key.open_in_place(self.nonce(counter), Aad::from(aad), data).ok()
    }
}
