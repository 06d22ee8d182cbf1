//! Errors of the room service: HTTP status, stable code, sentence.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, for programs. The text of a code never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request is not understood.
    BadRequest,
    /// A room's or person's name breaks the rule.
    BadName,
    /// Not signed in, or the token has expired.
    Unauthorized,
    /// The same person has signed in elsewhere since.
    SignedInElsewhere,
    /// The server asks for an access key to sign in.
    AccessKeyRequired,
    /// Signed in, but not allowed.
    Forbidden,
    /// The access key is wrong.
    WrongAccessKey,
    /// The room's password is missing or wrong.
    WrongPassword,
    /// The room is encrypted from end to end, and one does not say that one has its key.
    KeyRequired,
    /// No such room; it may have been dissolved.
    RoomNotFound,
    /// Not (or no longer) a member of that room.
    NotAMember,
    /// Removed from that room by its host.
    Removed,
    /// A receipt or a seal that this server has not given, or one too old.
    BadReceipt,
    /// Plain text from another computer: this server wants TLS.
    EncryptionRequired,
    /// Every seat is taken.
    RoomFull,
    /// As many watch as may.
    AudienceFull,
    /// Rooms of that kind have no such thing.
    WrongMode,
    /// The wanted name or id is taken.
    Conflict,
    /// The message or request is too large.
    TooLarge,
    /// Too many requests.
    RateLimited,
    /// The server has as many rooms as it may have.
    ServerFull,
    /// The server cannot reach its store of rooms; calls go on.
    StoreUnavailable,
    /// The server stops: connect again in a moment, here or to another one.
    Stopping,
    /// No such address.
    NotFound,
    /// The request took too long to arrive.
    TooSlow,
    /// The server failed.
    Internal,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 27] = [
        Self::BadRequest,
        Self::BadName,
        Self::Unauthorized,
        Self::SignedInElsewhere,
        Self::AccessKeyRequired,
        Self::Forbidden,
        Self::WrongAccessKey,
        Self::WrongPassword,
        Self::KeyRequired,
        Self::RoomNotFound,
        Self::NotAMember,
        Self::Removed,
        Self::BadReceipt,
        Self::EncryptionRequired,
        Self::RoomFull,
        Self::AudienceFull,
        Self::WrongMode,
        Self::Conflict,
        Self::TooLarge,
        Self::RateLimited,
        Self::ServerFull,
        Self::StoreUnavailable,
        Self::Stopping,
        Self::NotFound,
        Self::TooSlow,
        Self::Internal,
        Self::Unknown,
    ];

    /// The HTTP status that goes with it.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest | Self::BadName => 400,
            Self::Unauthorized | Self::SignedInElsewhere | Self::AccessKeyRequired => 401,
            Self::Forbidden
            | Self::WrongAccessKey
            | Self::WrongPassword
            | Self::KeyRequired
            | Self::NotAMember
            | Self::Removed
            | Self::BadReceipt => 403,
            Self::RoomNotFound | Self::NotFound => 404,
            Self::TooSlow => 408,
            Self::RoomFull | Self::AudienceFull | Self::WrongMode | Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::EncryptionRequired => 426,
            Self::RateLimited => 429,
            Self::Internal | Self::Unknown => 500,
            Self::ServerFull | Self::StoreUnavailable | Self::Stopping => 503,
        }
    }

    /// When it is the answer, in one sentence: for the API's document.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not understood; the message says which part.",
            Self::BadName => "The name breaks the rule for names; the message says how.",
            Self::Unauthorized => "There is no bearer token, or it is unknown or has expired: sign in.",
            Self::SignedInElsewhere => "The same person has signed in elsewhere since: this session is over.",
            Self::AccessKeyRequired => "This server asks for its access key: sign in with `access_key`.",
            Self::Forbidden => "Not allowed to this person.",
            Self::WrongAccessKey => "The access key is not this server's.",
            Self::WrongPassword => "The room's password is missing or wrong.",
            Self::KeyRequired => {
                "The room is encrypted from end to end: enter with `sealed`, by a program that has the key of its invite."
            }
            Self::RoomNotFound => "There is no such room; it may have been dissolved.",
            Self::NotAMember => "One has no seat in this room (any more).",
            Self::Removed => "The host has removed this person from the room.",
            Self::BadReceipt => "The receipt or seal is not this server's, or too old.",
            Self::EncryptionRequired => "Plain text from another computer: this server is reached by TLS only.",
            Self::RoomFull => "Every seat of the room is taken.",
            Self::AudienceFull => "As many watch the room as may.",
            Self::WrongMode => "Rooms of this kind have no such thing: only live rooms have an audience.",
            Self::Conflict => "What was asked for is taken, or has changed meanwhile.",
            Self::TooLarge => "The request, or a part of it, is longer than allowed; the message says which.",
            Self::RateLimited => "Too many requests: try again in a moment.",
            Self::ServerFull => "The server has as many rooms as it may have.",
            Self::StoreUnavailable => "The server cannot reach its store of rooms. Calls go on; try again in a moment.",
            Self::Stopping => "The server stops: connect again in a moment, here or to another one.",
            Self::NotFound => "There is nothing at this address.",
            Self::TooSlow => "The request took too long to arrive.",
            Self::Internal => "The server failed.",
            Self::Unknown => "A code that this version does not know.",
        }
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// The body of every failed request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, thiserror::Error)]
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
