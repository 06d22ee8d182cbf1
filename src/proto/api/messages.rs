//! What is said in a room, and what happens there.

use crate::proto::{Event, MemberId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened since the number asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct Events {
    /// In order, without holes.
    pub events: Vec<Event>,
    /// Ask next with this number.
    pub next: u64,
    /// Events between the number asked for and the first one here are gone: fetch the room's state anew.
    pub gap: bool,
}

/// What kind of message it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum MessageBody {
    /// A line of chat.
    Text {
        /// The line.
        text: String,
    },
    /// An application's own message.
    Custom {
        /// What it is, in the application's terms.
        command: String,
        /// Its data, in the application's terms.
        data: String,
    },
}

/// Say something to all in the room.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Line")]
#[schema(example = json!({"kind": "text", "text": "hello", "nonce": 7}))]
pub struct SendMessage {
    /// What to say.
    #[serde(flatten)]
    pub body: MessageBody,
    /// Chosen by the sender: a repeated request with the same number is not said twice.
    pub nonce: u64,
}

/// Answer to [`SendMessage`].
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
pub struct Sent {
    /// Number of the event that carries the message.
    pub seq: u64,
}

/// Something that was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Number of the event that told of it.
    pub seq: u64,
    /// When, by the server's clock: microseconds since the UNIX epoch.
    pub at_us: i64,
    /// Who.
    pub member: MemberId,
    /// Their display name.
    pub name: String,
    /// The sender's number for it.
    pub nonce: u64,
    /// What.
    #[serde(flatten)]
    pub body: MessageBody,
    /// The server's seal: with it the message can be given back after a restart.
    pub seal: String,
}

/// A message on its way back to a server that was restarted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "SealedLine")]
pub struct SealedMessage {
    /// Number of the event that told of it.
    pub seq: u64,
    /// When, by the server's clock: microseconds since the UNIX epoch.
    pub at_us: i64,
    /// Who.
    pub member: MemberId,
    /// Their display name.
    pub name: String,
    /// The sender's number for it.
    pub nonce: u64,
    /// What.
    #[serde(flatten)]
    pub body: MessageBody,
    /// The server's seal.
    pub seal: String,
}

impl From<Message> for SealedMessage {
    fn from(message: Message) -> Self {
        let Message { seq, at_us, member, name, nonce, body, seal } = message;
        Self { seq, at_us, member, name, nonce, body, seal }
    }
}

/// A page of what was said.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct MessagePage {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones: ask for those before the first one here.
    pub more: bool,
}

/// What [`SendMessage`] looks like on its way: serde's flattened fields would let unknown ones through.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    kind: Kind,
    text: Option<String>,
    command: Option<String>,
    data: Option<String>,
    nonce: u64,
}

/// What [`SealedMessage`] looks like on its way.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SealedLine {
    seq: u64,
    at_us: i64,
    member: MemberId,
    name: String,
    nonce: u64,
    kind: Kind,
    text: Option<String>,
    command: Option<String>,
    data: Option<String>,
    seal: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Text,
    Custom,
}

impl Kind {
    fn body(self, text: Option<String>, command: Option<String>, data: Option<String>) -> Result<MessageBody, &'static str> {
        match (self, text, command, data) {
            (Self::Text, Some(text), None, None) => Ok(MessageBody::Text { text }),
            (Self::Text, ..) => Err("a text message has a `text` and nothing else"),
            (Self::Custom, None, Some(command), Some(data)) => Ok(MessageBody::Custom { command, data }),
            (Self::Custom, ..) => Err("a custom message has a `command` and `data` and nothing else"),
        }
    }
}

impl TryFrom<Line> for SendMessage {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, Self::Error> {
        Ok(Self { body: line.kind.body(line.text, line.command, line.data)?, nonce: line.nonce })
    }
}

impl TryFrom<SealedLine> for SealedMessage {
    type Error = &'static str;

    fn try_from(line: SealedLine) -> Result<Self, Self::Error> {
        let SealedLine { seq, at_us, member, name, nonce, kind, text, command, data, seal } = line;
        Ok(Self { seq, at_us, member, name, nonce, body: kind.body(text, command, data)?, seal })
    }
}
