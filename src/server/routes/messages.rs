//! What people say.

use super::Answer;
use super::document::{Door, guarded};
use crate::proto::api::{SendMessage, Sent};
use crate::proto::{Code, RoomId};
use crate::server::extract::{Body, By, InRoom};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default().routes(guarded(Door::Session, &[Code::RoomNotFound, Code::NotAMember], routes!(say)))
}

/// Say something to all in the room. Repeated with the same nonce, it is not said twice.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/messages", tag = "messages",
    params(("room" = RoomId, Path)), request_body = SendMessage, responses((status = 200, body = Sent)),
)]
async fn say(
    State(service): State<Service>,
    By(person): By,
    InRoom(room): InRoom,
    Body(message): Body<SendMessage>,
) -> Answer<Sent> {
    Ok(Json(service.say(&person, &RoomId::new(room), &message).await?))
}
