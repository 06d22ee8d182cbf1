//! Signing in.

use crate::proto::Identity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Sign in.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// Display name.
    #[schema(example = "Ann")]
    pub name: String,
    /// The server's access key, where its operator has set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key: Option<String>,
    /// A secret of the client's own (16 to 256 bytes): whoever signs in with it is the same person every time, and only in one place at a time.
    /// Without one, every sign-in is a new person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity_key: Option<String>,
}

impl Login {
    /// Sign in where no access key is asked.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), access_key: None, identity_key: None }
    }
}

/// Who one is from now on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The server's name for this person.
    pub identity: Identity,
    /// Bearer token for all further requests.
    pub token: String,
    /// Other servers with the same rooms, where the session is as good, should this one not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<String>,
}

/// The server's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Time {
    /// Microseconds since the UNIX epoch.
    pub now_us: i64,
}
