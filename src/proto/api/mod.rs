//! Requests and answers of the HTTP API under `/v1`, as JSON.
//!
//! Which address takes which of them is told by the OpenAPI document that the server makes from its routes, at `/v1/openapi.json`.
//! Requests with unknown fields are refused; answers may grow fields, which older clients ignore. Every failure is a
//! [`Problem`](super::Problem).

mod admin;
mod audience;
mod fields;
mod members;
mod messages;
mod relay;
mod rooms;
mod session;
mod statistics;

pub use admin::{AdminMember, AdminRoom, AdminRooms, MediaFigures, Overview, StreamFigures};
pub use audience::{AudiencePage, Ticket, Viewer, Watch};
pub use fields::{Count, Field, FieldList, FieldValue, Fields, SetField};
pub use members::{Beat, Heartbeat, Member, MemberPage, Sending};
pub use messages::{Events, Message, MessageBody, MessagePage, SealedMessage, SendMessage, Sent};
pub use relay::{Audio, StreamRules};
pub use rooms::{CreateRoom, Enter, Restore, RoomPage, RoomState, RoomSummary, Seat};
pub use session::{Login, Session, Time};
pub use statistics::{ReceivedBy, ReceivedFigures, SentFigures, Statistics};
