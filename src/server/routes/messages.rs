//! What people say.

use super::Answer;
use super::document::{Door, guarded};
use crate::proto::api::{MessagePage, SendMessage, Sent};
use crate::proto::{Code, RoomId};
use crate::server::extract::{At, Body, By, Query};
use crate::server::limits::MESSAGES_PER_PAGE;
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const INSIDE: [Code; 2] = [Code::RoomNotFound, Code::NotAMember];
    OpenApiRouter::default().routes(guarded(Door::Session, &INSIDE, routes!(list_messages))).routes(guarded(
        Door::Session,
        &INSIDE,
        routes!(say),
    ))
}

/// Which messages.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Before {
    /// Only messages with a lower number than this.
    before: Option<u64>,
    /// How many to tell at most; more than 50 are never told at once.
    #[serde(default = "messages_per_page")]
    limit: usize,
}

/// What was said, the newest messages first to be told, in the order in which they were said. The last 200 are kept. For members and viewers.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/messages", tag = "messages",
    params(("room" = RoomId, Path), Before), responses((status = 200, body = MessagePage)),
)]
async fn list_messages(
    State(service): State<Service>,
    By(person): By,
    At(room): At<RoomId>,
    Query(wanted): Query<Before>,
) -> Answer<MessagePage> {
    Ok(Json(service.messages(&person, &room, wanted.before, wanted.limit).await?))
}

/// Say something to all in the room. Repeated with the same nonce, it is not said twice. For members and viewers.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/messages", tag = "messages",
    params(("room" = RoomId, Path)), request_body = SendMessage, responses((status = 200, body = Sent)),
)]
async fn say(
    State(service): State<Service>,
    By(person): By,
    At(room): At<RoomId>,
    Body(message): Body<SendMessage>,
) -> Answer<Sent> {
    Ok(Json(service.say(&person, &room, &message).await?))
}

fn messages_per_page() -> usize {
    MESSAGES_PER_PAGE
}
