//! What is said in a room, and what happens there.

use crate::proto::Event;
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

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Text,
    Custom,
}

impl TryFrom<Line> for SendMessage {
    type Error = &'static str;

    fn try_from(line: Line) -> Result<Self, Self::Error> {
        let body = match line {
            Line { kind: Kind::Text, text: Some(text), command: None, data: None, .. } => MessageBody::Text { text },
            Line { kind: Kind::Text, .. } => return Err("a text message has a `text` and nothing else"),
            Line { kind: Kind::Custom, text: None, command: Some(command), data: Some(data), .. } => {
                MessageBody::Custom { command, data }
            }
            Line { kind: Kind::Custom, .. } => return Err("a custom message has a `command` and `data` and nothing else"),
        };
        Ok(Self { body, nonce: line.nonce })
    }
}
