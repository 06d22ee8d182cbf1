//! Values on the wire of PulseAudio's protocol: each begins with a letter that says what it is.

use std::io::{self, ErrorKind};

/// Properties of one thing that are read at most.
const MAX_PROPERTIES: usize = 512;

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Text(Option<String>),
    Number(u32),
    /// Names and values; those that are no text are left out.
    Properties(Vec<(String, String)>),
    /// Something that nobody here asks for.
    Other,
}

/// Reads values, one after the other.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

fn broken() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the sound server's answer is damaged")
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.0
    }

    fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(broken)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> io::Result<u8> {
        self.take(1)?.first().copied().ok_or_else(broken)
    }

    fn word(&mut self) -> io::Result<u32> {
        let bytes = self.take(4)?.try_into().map_err(|_| broken())?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// A value that holds no others.
    fn plain(&mut self) -> io::Result<Value> {
        if self.0.first() == Some(&b'P') { Err(broken()) } else { self.value() }
    }

    pub(super) fn value(&mut self) -> io::Result<Value> {
        let length = match self.byte()? {
            b't' => {
                let end = self.0.iter().position(|b| *b == 0).ok_or_else(broken)?;
                let text = String::from_utf8_lossy(self.take(end)?).into_owned();
                self.take(1)?;
                return Ok(Value::Text(Some(text)));
            }
            b'N' => return Ok(Value::Text(None)),
            b'L' => return Ok(Value::Number(self.word()?)),
            b'1' | b'0' => 0,
            b'B' => 1,
            b'V' => 4,
            b'a' => 6,
            b'U' | b'R' | b'r' | b'T' => 8,
            // One byte for each channel of a map, four for each volume.
            b'm' => usize::from(self.byte()?),
            b'v' => 4 * usize::from(self.byte()?),
            b'x' => self.word()? as usize,
            b'P' => {
                let mut properties = Vec::new();
                for _ in 0..MAX_PROPERTIES {
                    // A name, the length of the value, the value; no name: the end.
                    let Value::Text(Some(name)) = self.plain()? else { return Ok(Value::Properties(properties)) };
                    self.plain()?;
                    let before = self.0;
                    self.plain()?;
                    // Behind the letter and the length; with a zero at its end, if it is a text.
                    let value = before.get(5..before.len() - self.0.len()).and_then(|value| value.strip_suffix(b"\0"));
                    properties.extend(value.map(|value| (name, String::from_utf8_lossy(value).into_owned())));
                }
                return Err(broken());
            }
            _ => return Err(broken()),
        };
        self.take(length)?;
        Ok(Value::Other)
    }

    pub(super) fn skip(&mut self, values: usize) -> io::Result<()> {
        (0..values).try_for_each(|_| self.value().map(drop))
    }

    pub(super) fn number(&mut self) -> io::Result<u32> {
        if let Value::Number(number) = self.value()? { Ok(number) } else { Err(broken()) }
    }

    pub(super) fn text(&mut self) -> io::Result<Option<String>> {
        if let Value::Text(text) = self.value()? { Ok(text) } else { Err(broken()) }
    }
}

/// Writes values, one after the other.
#[derive(Debug, Default)]
pub(super) struct Writer(Vec<u8>);

impl Writer {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn number(&mut self, number: u32) -> &mut Self {
        self.0.push(b'L');
        self.0.extend(number.to_be_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.push(b'x');
        self.0.extend((bytes.len() as u32).to_be_bytes());
        self.0.extend(bytes);
        self
    }

    pub(super) fn text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            Some(text) => {
                self.0.push(b't');
                self.0.extend(text.bytes().filter(|b| *b != 0));
                self.0.push(0);
            }
            None => self.0.push(b'N'),
        }
        self
    }

    pub(super) fn properties(&mut self, properties: &[(&str, &str)]) -> &mut Self {
        self.0.push(b'P');
        for (name, value) in properties {
            // A value is a text with its end.
            let value = [value.as_bytes(), b"\0"].concat();
            self.text(Some(name)).number(value.len() as u32).bytes(&value);
        }
        self.text(None)
    }

    pub(super) fn flag(&mut self, flag: bool) -> &mut Self {
        self.0.push(if flag { b'1' } else { b'0' });
        self
    }

    /// How samples are written.
    pub(super) fn samples(&mut self, format: u8, channels: u8, rate: u32) -> &mut Self {
        self.0.extend([b'a', format, channels]);
        self.0.extend(rate.to_be_bytes());
        self
    }

    /// The map of one channel that is no side's.
    pub(super) fn mono(&mut self) -> &mut Self {
        self.0.extend([b'm', 1, 0]);
        self
    }

    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    #[cfg(test)]
    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend(bytes);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were_written() {
        let mut writer = Writer::default();
        writer.number(7).text(Some("sink")).text(None).bytes(b"abc").properties(&[("a", "b"), ("c", "")]).number(9);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.number().unwrap(), 7);
        assert_eq!(reader.text().unwrap().as_deref(), Some("sink"));
        assert_eq!(reader.text().unwrap(), None);
        reader.skip(1).unwrap();
        let properties = [("a".to_owned(), "b".to_owned()), ("c".to_owned(), String::new())];
        assert!(matches!(reader.value().unwrap(), Value::Properties(found) if found == properties));
        assert_eq!(reader.number().unwrap(), 9);
        assert!(reader.is_at_end() && reader.number().is_err());
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_panic() {
        for bytes in [&b"?"[..], b"t\xff", b"x\xff\xff\xff\xff", b"v\xff", b"P", b"PPPP", b"Pta", b"L\0", b"m", b"U\0\0"] {
            assert!(Reader::new(bytes).value().is_err(), "{bytes:?}");
        }
    }
}
