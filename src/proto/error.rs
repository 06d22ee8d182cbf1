//! Errors of the room service: HTTP status, stable code, sentence.

use serde::{Deserialize, Serialize};

/// What went wrong, for programs. The text of a code never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not understood.
    BadRequest,
    /// A room's or person's name breaks the rule.
    BadName,
    /// Not signed in, or the token has expired.
    Unauthorized,
    /// Signed in, but not allowed.
    Forbidden,
    /// The room's password is missing or wrong.
    WrongPassword,
    /// No such room; it may have been dissolved.
    RoomNotFound,
    /// Not (or no longer) a member of that room.
    NotAMember,
    /// Every seat is taken.
    RoomFull,
    /// The wanted name or id is taken.
    Conflict,
    /// The message or request is too large.
    TooLarge,
    /// Too many requests.
    RateLimited,
    /// The server has as many rooms as it may have.
    ServerFull,
    /// No such address.
    NotFound,
    /// The server failed.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::BadName => 400,
            Self::Unauthorized => 401,
            Self::Forbidden | Self::WrongPassword | Self::NotAMember => 403,
            Self::RoomNotFound | Self::NotFound => 404,
            Self::RoomFull | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::RateLimited => 429,
            Self::Internal | Self::Unknown => 500,
            Self::ServerFull => 503,
        }
    }
}

/// The body of every failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// For programs.
    pub code: Code,
    /// For people: one sentence.
    pub message: String,
}

impl Problem {
    /// A problem with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}
