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
