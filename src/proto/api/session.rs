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
}

impl Login {
    /// Sign in where no access key is asked.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), access_key: None }
    }
}

/// Who one is from now on.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// The server's name for this person.
    pub identity: Identity,
    /// Bearer token for all further requests.
    pub token: String,
}

/// The server's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Time {
    /// Microseconds since the UNIX epoch.
    pub now_us: i64,
}
