//! What happens in a room, by long poll.

use super::Answer;
use super::document::{Door, guarded};
use crate::proto::api::Events;
use crate::proto::{Code, RoomId};
use crate::server::extract::{At, By, Query};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default().routes(guarded(
        Door::Session,
        &[Code::RoomNotFound, Code::NotAMember, Code::Stopping],
        routes!(events),
    ))
}

/// Where to go on.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Since {
    /// Number of the last event that is known.
    #[serde(default)]
    since: u64,
    /// How long to wait for something to happen, in seconds; 25 at most.
    #[serde(default)]
    wait_s: u64,
}

/// What happened after an event, or what happens next: the answer waits until there is something to tell. Whoever was in a room can ask for a
/// minute after it was dissolved.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/events", tag = "events",
    params(("room" = RoomId, Path), Since), responses((status = 200, body = Events)),
)]
async fn events(
    State(service): State<Service>,
    By(person): By,
    At(room): At<RoomId>,
    Query(query): Query<Since>,
) -> Answer<Events> {
    let wait = Duration::from_secs(query.wait_s);
    Ok(Json(service.events(&person, &room, query.since, wait).await?))
}
