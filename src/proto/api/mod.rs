//! Requests and answers of the HTTP API under `/v1`, as JSON.
//!
//! Which address takes which of them is told by the OpenAPI document that the server makes from its routes, at `/v1/openapi.json`.
//! Requests with unknown fields are refused; answers may grow fields, which older clients ignore. Every failure is a
//! [`Problem`](super::Problem).

mod members;
mod messages;
mod relay;
mod rooms;
mod session;

pub use members::{Beat, Heartbeat, Member, Sending};
pub use messages::{Events, MessageBody, SendMessage, Sent};
pub use relay::{Audio, StreamRules};
pub use rooms::{CreateRoom, Enter, RoomPage, RoomState, RoomSummary, Seat};
pub use session::{Login, Session, Time};
