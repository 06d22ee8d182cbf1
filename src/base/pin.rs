//! The fingerprint of a server's key, as invites carry it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Characters of a pin: 32 bytes, six bits a character.
const LENGTH: usize = 43;

/// SHA-256 of the SubjectPublicKeyInfo of a certificate (RFC 7469, section 2.4): names a server's key whoever signed its certificate, and
/// stays the same when the certificate is renewed for the same key. Written as 43 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pin(pub [u8; 32]);

/// A text that is no [`Pin`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a pin has 43 letters, digits, - and _")]
pub struct PinError;

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        if text.len() != LENGTH {
            return Err(PinError);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| PinError)?;
        bytes.try_into().map(Self).map_err(|_| PinError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_reads_back_and_nothing_else_does() {
        let pin = Pin(std::array::from_fn(|i| (i * 37) as u8));
        let text = pin.to_string();
        assert_eq!((text.len(), text.parse()), (LENGTH, Ok(pin)));
        assert_eq!("A".repeat(43).parse(), Ok(Pin([0; 32])));
        for bad in ["", "A", &"A".repeat(42), &"A".repeat(44), &"+".repeat(43), &format!("{}=", "A".repeat(42)), &"B".repeat(43)]
        {
            assert_eq!(bad.parse::<Pin>(), Err(PinError), "{bad}");
        }
    }
}
