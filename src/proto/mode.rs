//! The three modes and their caps.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of room it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Standard live: few publish, an audience watches.
    Live,
    /// A call of two.
    Duo,
    /// A call of a few.
    Multi,
}

impl Mode {
    /// Members who may publish at the same time, unless the operator sets another cap.
    pub const fn default_cap(self) -> usize {
        match self {
            Self::Duo => 2,
            Self::Live | Self::Multi => 4,
        }
    }
}

impl std::str::FromStr for Mode {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "live" => Ok(Self::Live),
            "duo" => Ok(Self::Duo),
            "multi" => Ok(Self::Multi),
            other => Err(format!("unknown mode {other:?}: use duo, multi or live")),
        }
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Live => "live",
            Self::Duo => "duo",
            Self::Multi => "multi",
        })
    }
}
