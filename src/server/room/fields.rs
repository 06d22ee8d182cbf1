//! A room's custom fields. Members change them; everybody in the room hears of it.

use super::Room;
use crate::proto::api::{Field, FieldValue};
use crate::proto::{Code, EventKind, Identity, Problem};
use crate::server::limits::{FIELD_KEY_BYTES, FIELD_TEXT_BYTES, FIELDS};
use std::time::Duration;

/// Largest number in a field, and with a minus the smallest: what a program that knows 64-bit floating point numbers only can hold.
const LARGEST: i64 = (1 << 53) - 1;

impl Room {
    /// Sets a field. With `version`, only if it still has that one (0: is not there).
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::BadRequest`], [`Code::TooLarge`], [`Code::Conflict`] (another version).
    pub fn set_field(
        &mut self,
        now: Duration,
        by: &Identity,
        key: &str,
        value: FieldValue,
        version: Option<u64>,
    ) -> Result<Field, Problem> {
        let member = self.seated(by)?.member.clone();
        check_key(key)?;
        check_value(&value)?;
        let old = self.fields.get(key);
        // Whoever asks again has what they wanted.
        if let Some(old) = old.filter(|old| old.value == value && (version.is_none() || old.by == member)) {
            return Ok(old.clone());
        }
        if version.is_some_and(|wanted| wanted != old.map_or(0, |old| old.version)) {
            return Err(Problem::new(Code::Conflict, "the field has changed meanwhile: read it again"));
        }
        if old.is_none() && self.fields.len() >= FIELDS {
            return Err(Problem::new(Code::TooLarge, format!("a room has at most {FIELDS} fields: remove one first")));
        }
        let event = EventKind::Field { member: member.clone(), key: key.to_owned(), value: Some(value.clone()) };
        let field = Field { value, version: self.happened(now, event), by: member };
        self.fields.insert(key.to_owned(), field.clone());
        Ok(field)
    }

    /// Takes a field away; nothing happens if it is not there.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub fn remove_field(&mut self, now: Duration, by: &Identity, key: &str) -> Result<(), Problem> {
        let member = self.seated(by)?.member.clone();
        if self.fields.remove(key).is_some() {
            self.happened(now, EventKind::Field { member, key: key.to_owned(), value: None });
        }
        Ok(())
    }

    /// Adds `by_how_much` to a number; what is not there counts as 0. The same nonce again does not count twice.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`], [`Code::BadRequest`], [`Code::TooLarge`], [`Code::Conflict`] (a text).
    pub fn count_field(
        &mut self,
        now: Duration,
        by: &Identity,
        key: &str,
        by_how_much: i64,
        nonce: u64,
    ) -> Result<Field, Problem> {
        let seat = self.seated(by)?;
        if let (Some(_), Some(field)) = (seat.said(nonce), self.fields.get(key)) {
            return Ok(field.clone());
        }
        let old = match self.fields.get(key).map(|field| &field.value) {
            None => 0,
            Some(FieldValue::Number(number)) => *number,
            Some(FieldValue::Text(_)) => return Err(Problem::new(Code::Conflict, "the field holds a text, not a number")),
        };
        let field = self.set_field(now, by, key, FieldValue::Number(old.saturating_add(by_how_much)), None)?;
        self.seated_mut(by)?.remember(nonce, field.version);
        Ok(field)
    }
}

fn check_key(key: &str) -> Result<(), Problem> {
    let fits = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    match (key.len() <= FIELD_KEY_BYTES, fits) {
        (true, true) => Ok(()),
        (true, false) => Err(Problem::new(Code::BadRequest, "a field's key is made of A-Z, a-z, 0-9, `.`, `_` and `-`")),
        (false, _) => Err(Problem::new(Code::TooLarge, format!("the field's key is longer than {FIELD_KEY_BYTES} bytes"))),
    }
}

fn check_value(value: &FieldValue) -> Result<(), Problem> {
    match value {
        FieldValue::Number(number) if (-LARGEST..=LARGEST).contains(number) => Ok(()),
        FieldValue::Number(_) => Err(Problem::new(Code::BadRequest, "the number is beyond 2^53 - 1")),
        FieldValue::Text(text) if text.len() <= FIELD_TEXT_BYTES => Ok(()),
        FieldValue::Text(_) => Err(Problem::new(Code::TooLarge, format!("the text is longer than {FIELD_TEXT_BYTES} bytes"))),
    }
}
