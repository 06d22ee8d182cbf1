//! A room's custom fields: what applications note down for all its members.

use crate::proto::MemberId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum FieldValue {
    /// A whole number, between -(2^53 - 1) and 2^53 - 1 so that every program can hold it.
    Number(i64),
    /// A text of at most 256 bytes.
    Text(String),
}

impl From<i64> for FieldValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// One custom field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Field {
    /// What it holds.
    pub value: FieldValue,
    /// Number of the event that told of its last change.
    pub version: u64,
    /// Who changed it last.
    pub by: MemberId,
}

/// The custom fields of a room by key.
pub type Fields = BTreeMap<String, Field>;

/// All custom fields of a room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldList {
    /// By key.
    pub fields: Fields,
}

/// Set a field. The last writer wins, unless `version` is given.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"value": "round 2", "version": 17}))]
pub struct SetField {
    /// What it shall hold.
    pub value: FieldValue,
    /// Only if the field still has this version; 0: only if there is no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

/// Add to a number, or take away from it. A field that is not there counts as 0.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"by": 1, "nonce": 12}))]
pub struct Count {
    /// By how much.
    #[serde(default = "one")]
    #[schema(minimum = 0)]
    pub by: u32,
    /// Chosen by the sender: a repeated request with the same number does not count twice.
    pub nonce: u64,
}

fn one() -> u32 {
    1
}
