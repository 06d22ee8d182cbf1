//! AMF0, the encoding of RTMP's commands and metadata (Adobe, "Action Message Format -- AMF 0").
//!
//! Decoding refuses what nothing on RTMP sends (references, movie clips, record sets, the switch to AMF3) and is
//! bounded by [`MAX_DEPTH`] and [`MAX_VALUES`], so no message of a few bytes can grow into a large tree.

use bytes::{BufMut, Bytes, BytesMut};

/// How deep objects and arrays may nest. Real commands and metadata nest two or three deep; the decoder recurses, so
/// this also bounds its stack.
pub const MAX_DEPTH: usize = 16;

/// How many values (members of objects and arrays counted) one message may hold. The largest real ones are `onMetaData`
/// with seek tables, which live streams do not have; a [`Value`] takes some 32 bytes where the wire may take one.
pub const MAX_VALUES: usize = 4096;

/// Why bytes are not AMF0 that this decoder takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes end inside a value.
    #[error("AMF0 value ends early")]
    Truncated,
    /// A type marker that is reserved, unknown, or refused on purpose.
    #[error("AMF0 type 0x{0:02x} is not supported")]
    Unsupported(u8),
    /// An object's empty key is not followed by the end marker.
    #[error("AMF0 object has no proper end")]
    NoEnd,
    /// Deeper than [`MAX_DEPTH`].
    #[error("AMF0 value nests deeper than {MAX_DEPTH}")]
    TooDeep,
    /// More than [`MAX_VALUES`].
    #[error("AMF0 message has more than {MAX_VALUES} values")]
    TooMany,
}

/// One AMF0 value. Text that is not UTF-8 is decoded with replacement characters.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An IEEE 754 double.
    Number(f64),
    /// A truth value.
    Boolean(bool),
    /// A string, short or long on the wire.
    String(String),
    /// An anonymous object, members in wire order.
    Object(Vec<(String, Value)>),
    /// An object with a class name.
    TypedObject(String, Vec<(String, Value)>),
    /// An associative array, members in wire order.
    EcmaArray(Vec<(String, Value)>),
    /// An array without keys.
    StrictArray(Vec<Value>),
    /// Milliseconds since 1970 UTC, and the (reserved) time zone.
    Date(f64, i16),
    /// An XML document as text.
    Xml(String),
    /// Null.
    Null,
    /// Undefined.
    Undefined,
}

impl Value {
    /// An anonymous object of the members given.
    pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A member of an object or associative array.
    pub fn member(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Object(members) | Self::TypedObject(_, members) | Self::EcmaArray(members) => {
                members.iter().find(|(name, _)| name == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}

mod marker {
    pub const NUMBER: u8 = 0x00;
    pub const BOOLEAN: u8 = 0x01;
    pub const STRING: u8 = 0x02;
    pub const OBJECT: u8 = 0x03;
    pub const NULL: u8 = 0x05;
    pub const UNDEFINED: u8 = 0x06;
    pub const ECMA_ARRAY: u8 = 0x08;
    pub const OBJECT_END: u8 = 0x09;
    pub const STRICT_ARRAY: u8 = 0x0a;
    pub const DATE: u8 = 0x0b;
    pub const LONG_STRING: u8 = 0x0c;
    pub const XML: u8 = 0x0f;
    pub const TYPED_OBJECT: u8 = 0x10;
}

/// All values of a message's body.
pub fn decode(bytes: &[u8]) -> Result<Vec<Value>, Error> {
    let mut decoder = Decoder { rest: bytes, left: MAX_VALUES };
    let mut values = Vec::new();
    while !decoder.rest.is_empty() {
        values.push(decoder.value(0)?);
    }
    Ok(values)
}

/// The first value, if it is a string, and where the next one starts: how a data message names itself, without
/// decoding (or trusting) the rest.
pub fn leading_string(bytes: &[u8]) -> Option<(&str, usize)> {
    let &[marker::STRING, high, low, ref rest @ ..] = bytes else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    Some((std::str::from_utf8(rest.get(..length)?).ok()?, 3 + length))
}

/// The bytes of the values, one after the other.
pub fn encode(values: &[Value]) -> Bytes {
    let mut out = BytesMut::with_capacity(256);
    for value in values {
        put(&mut out, value);
    }
    out.freeze()
}

struct Decoder<'a> {
    rest: &'a [u8],
    left: usize,
}

impl<'a> Decoder<'a> {
    fn value(&mut self, depth: usize) -> Result<Value, Error> {
        if depth > MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        self.left = self.left.checked_sub(1).ok_or(Error::TooMany)?;
        Ok(match self.u8()? {
            marker::NUMBER => Value::Number(self.f64()?),
            marker::BOOLEAN => Value::Boolean(self.u8()? != 0),
            marker::STRING => Value::String(self.text()?),
            marker::OBJECT => Value::Object(self.members(depth, None)?),
            marker::NULL => Value::Null,
            marker::UNDEFINED => Value::Undefined,
            marker::ECMA_ARRAY => {
                let count = self.u32()?;
                Value::EcmaArray(self.members(depth, Some(count))?)
            }
            marker::STRICT_ARRAY => {
                // The count is the peer's word: elements are pushed as they come, never reserved ahead.
                let count = self.u32()?;
                let mut elements = Vec::new();
                for _ in 0..count {
                    elements.push(self.value(depth + 1)?);
                }
                Value::StrictArray(elements)
            }
            marker::DATE => {
                let milliseconds = self.f64()?;
                Value::Date(milliseconds, i16::from_be_bytes(self.array()?))
            }
            marker::LONG_STRING => Value::String(self.long_text()?),
            marker::XML => Value::Xml(self.long_text()?),
            marker::TYPED_OBJECT => {
                let class = self.text()?;
                Value::TypedObject(class, self.members(depth, None)?)
            }
            other => return Err(Error::Unsupported(other)),
        })
    }

    /// `announced` is an associative array's count. It is only a hint (encoders write 0 or a wrong one): the end marker
    /// counts. Some encoders leave that marker out at the end of a message; then the count must have been right.
    fn members(&mut self, depth: usize, announced: Option<u32>) -> Result<Vec<(String, Value)>, Error> {
        let mut members = Vec::new();
        loop {
            if self.rest.is_empty() && announced.is_some_and(|count| count as usize == members.len()) {
                return Ok(members);
            }
            let key = self.text()?;
            // An empty key is legal where a value follows it; the end marker is no value's type.
            if key.is_empty() && self.rest.first() == Some(&marker::OBJECT_END) {
                self.rest = &self.rest[1..];
                return Ok(members);
            }
            match self.value(depth + 1) {
                Err(Error::Unsupported(marker::OBJECT_END)) => return Err(Error::NoEnd),
                value => members.push((key, value?)),
            }
        }
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = usize::from(u16::from_be_bytes(self.array()?));
        self.take(length).map(lossy)
    }

    fn long_text(&mut self) -> Result<String, Error> {
        let length = self.u32()? as usize;
        self.take(length).map(lossy)
    }

    fn u8(&mut self) -> Result<u8, Error> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn f64(&mut self) -> Result<f64, Error> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Error> {
        let (head, rest) = self.rest.split_at_checked(length).ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(head)
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn put(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Number(number) => {
            out.put_u8(marker::NUMBER);
            out.put_f64(*number);
        }
        Value::Boolean(truth) => {
            out.put_u8(marker::BOOLEAN);
            out.put_u8(u8::from(*truth));
        }
        Value::String(text) if text.len() <= usize::from(u16::MAX) => {
            out.put_u8(marker::STRING);
            put_text(out, text);
        }
        Value::String(text) => put_long(out, marker::LONG_STRING, text),
        Value::Xml(text) => put_long(out, marker::XML, text),
        Value::Object(members) => {
            out.put_u8(marker::OBJECT);
            put_members(out, members);
        }
        Value::TypedObject(class, members) => {
            out.put_u8(marker::TYPED_OBJECT);
            put_text(out, class);
            put_members(out, members);
        }
        Value::EcmaArray(members) => {
            out.put_u8(marker::ECMA_ARRAY);
            out.put_u32(count(members.len()));
            put_members(out, members);
        }
        Value::StrictArray(elements) => {
            let count = count(elements.len());
            out.put_u8(marker::STRICT_ARRAY);
            out.put_u32(count);
            for element in elements.iter().take(count as usize) {
                put(out, element);
            }
        }
        Value::Date(milliseconds, zone) => {
            out.put_u8(marker::DATE);
            out.put_f64(*milliseconds);
            out.put_i16(*zone);
        }
        Value::Null => out.put_u8(marker::NULL),
        Value::Undefined => out.put_u8(marker::UNDEFINED),
    }
}

fn put_members(out: &mut BytesMut, members: &[(String, Value)]) {
    for (key, value) in members {
        put_text(out, key);
        put(out, value);
    }
    out.put_u16(0);
    out.put_u8(marker::OBJECT_END);
}

/// Keys and class names have 16-bit lengths: longer ones are cut at a character.
fn put_text(out: &mut BytesMut, text: &str) {
    let text = &text[..text.floor_char_boundary(usize::from(u16::MAX))];
    out.put_u16(u16::try_from(text.len()).unwrap_or(u16::MAX));
    out.put_slice(text.as_bytes());
}

fn put_long(out: &mut BytesMut, marker: u8, text: &str) {
    let text = &text[..text.floor_char_boundary(u32::MAX as usize)];
    out.put_u8(marker);
    out.put_u32(count(text.len()));
    out.put_slice(text.as_bytes());
}

fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            (-1e9..1e9).prop_map(Value::Number),
            any::<bool>().prop_map(Value::Boolean),
            ".{0,20}".prop_map(Value::String),
            (0.0..1e13, any::<i16>()).prop_map(|(ms, zone)| Value::Date(ms, zone)),
            ".{0,20}".prop_map(Value::Xml),
            Just(Value::Null),
            Just(Value::Undefined),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            let members = proptest::collection::vec((".{0,8}", inner.clone()), 0..6);
            prop_oneof![
                members.clone().prop_map(Value::Object),
                members.clone().prop_map(Value::EcmaArray),
                (".{1,8}", members).prop_map(|(class, members)| Value::TypedObject(class, members)),
                proptest::collection::vec(inner, 0..6).prop_map(Value::StrictArray),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(values in proptest::collection::vec(any_value(), 0..4)) {
            prop_assert_eq!(decode(&encode(&values)).unwrap(), values);
        }

        #[test]
        fn any_bytes_are_decoded_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn a_long_string_survives() {
        let values = [Value::String("x".repeat(70_000))];
        let bytes = encode(&values);
        assert_eq!(bytes[0], 0x0c);
        assert_eq!(decode(&bytes).unwrap(), values);
    }

    #[test]
    fn an_associative_array_with_a_wrong_count_is_read_to_its_end_marker() {
        let mut bytes =
            encode(&[Value::EcmaArray(vec![("a".into(), 1.0.into()), ("b".into(), true.into())]), Value::Null]).to_vec();
        bytes[1..5].copy_from_slice(&[0, 0, 0, 0]);
        assert_eq!(decode(&bytes).unwrap().len(), 2);
    }

    #[test]
    fn an_associative_array_without_end_marker_is_taken_at_the_end_only() {
        let whole = encode(&[Value::EcmaArray(vec![("a".into(), 1.0.into())])]);
        let cut = &whole[..whole.len() - 3];
        assert_eq!(decode(cut).unwrap(), decode(&whole).unwrap());
        assert_eq!(decode(&whole[..whole.len() - 1]), Err(Error::Truncated));
    }

    #[test]
    fn references_and_amf3_are_refused() {
        for marker in [0x04, 0x07, 0x0d, 0x0e, 0x11, 0x42] {
            assert_eq!(decode(&[marker, 0, 1]), Err(Error::Unsupported(marker)));
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_the_stack_is() {
        let deep: Vec<u8> = (0..100_000).flat_map(|_| [0x0a, 0, 0, 0, 1]).collect();
        assert_eq!(decode(&deep), Err(Error::TooDeep));
        let ok: Vec<u8> = (0..MAX_DEPTH).flat_map(|_| [0x0a, 0, 0, 0, 1]).chain([5]).collect();
        assert!(decode(&ok).is_ok());
    }

    #[test]
    fn a_count_is_not_believed() {
        assert_eq!(decode(&[0x0a, 0xff, 0xff, 0xff, 0xff, 5, 5]), Err(Error::Truncated));
        assert_eq!(decode(&[5; MAX_VALUES + 1]), Err(Error::TooMany));
        assert_eq!(decode(&[0x0c, 0xff, 0xff, 0xff, 0xff, 5, 5]), Err(Error::Truncated));
    }

    #[test]
    fn an_end_marker_after_a_key_is_no_value() {
        assert_eq!(decode(&[3, 0, 1, b'a', 9]), Err(Error::NoEnd));
        assert_eq!(decode(&[3, 0, 0, 9]).unwrap(), [Value::Object(vec![])]);
    }

    #[test]
    fn text_that_is_not_utf8_is_replaced() {
        assert_eq!(decode(&[2, 0, 2, 0xff, b'a']).unwrap(), [Value::from("\u{fffd}a")]);
    }

    #[test]
    fn a_data_message_is_named_without_decoding_it() {
        let bytes = encode(&["@setDataFrame".into(), "onMetaData".into()]);
        let (name, next) = leading_string(&bytes).unwrap();
        assert_eq!(name, "@setDataFrame");
        assert_eq!(leading_string(&bytes[next..]).unwrap().0, "onMetaData");
        assert_eq!(leading_string(&[2, 0, 9, b'a']), None);
        assert_eq!(leading_string(&[]), None);
    }
}
