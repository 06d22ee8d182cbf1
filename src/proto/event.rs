//! What happens in a room, in the order in which the server saw it.

use super::MemberId;
use super::api::{FieldValue, MessageBody, Sending};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One event. Numbers of a room's events are consecutive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its number, from 1.
    pub seq: u64,
    /// When, by the server's clock: microseconds since the UNIX epoch.
    pub at_us: i64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
    /// The server's seal of a message: with it the message can be given back after a restart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
}

/// What happened. Joins and leaves are hints: the member list itself is fetched, so that a lost notice heals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A member's stream flows.
    Joined {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
    },
    /// A member is gone.
    Left {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// Why.
        reason: LeaveReason,
    },
    /// A member muted or unmuted something.
    Changed {
        /// Who.
        member: MemberId,
        /// What they send now.
        sending: Sending,
    },
    /// Somebody said something.
    Message {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// Chosen by the sender, so that nobody shows a message twice that had to be said again after a restart of the server.
        nonce: u64,
        /// What.
        #[serde(flatten)]
        body: MessageBody,
    },
    /// The host asks a member to mute their microphone; their program does it.
    MuteRequested {
        /// Who shall be silent.
        member: MemberId,
    },
    /// A custom field was changed.
    Field {
        /// Who changed it.
        member: MemberId,
        /// Which.
        key: String,
        /// What it holds now; nothing: it was taken away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        value: Option<FieldValue>,
    },
    /// The server was restarted, and the room is back; its events are numbered anew from here, higher than before.
    Restored,
    /// The room is no more.
    Dissolved {
        /// Why.
        reason: DissolveReason,
    },
}

/// Why a member is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// They left.
    Left,
    /// No heartbeat and no stream for 20 s.
    TimedOut,
    /// The same person signed in elsewhere.
    Replaced,
    /// The host, or an operator of the server, removed them.
    Removed,
}

/// Why a room is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DissolveReason {
    /// Its creator left.
    CreatorLeft,
    /// Its creator ended it.
    Ended,
    /// Nobody is in it.
    Empty,
    /// An operator of the server ended it.
    ByOperator,
}
