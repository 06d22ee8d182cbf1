//! Creating, finding and ending rooms.

use super::document::{Door, guarded};
use super::{Answer, Done};
use crate::proto::api::{CreateRoom, RoomPage, RoomState, Seat};
use crate::proto::{Code, RoomId};
use crate::server::extract::{Body, By, InRoom, Query, Via};
use crate::server::limits::PAGE;
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &[], routes!(list_rooms)))
        .routes(guarded(Door::Session, &[Code::BadName, Code::Conflict, Code::ServerFull], routes!(create_room)))
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::NotAMember], routes!(room)))
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::Forbidden], routes!(dissolve)))
}

/// Which part of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Page {
    /// How many to leave out at the beginning.
    #[serde(default)]
    offset: usize,
    /// How many to tell at most; more than 100 are never told at once.
    #[serde(default = "page")]
    limit: usize,
}

/// Listed rooms, newest first. A room is listed while its creator's stream, or somebody else's after it, flows.
#[utoipa::path(get, path = "/v1/rooms", tag = "rooms", params(Page), responses((status = 200, body = RoomPage)))]
async fn list_rooms(State(service): State<Service>, By(_): By, Query(page): Query<Page>) -> Answer<RoomPage> {
    Ok(Json(service.rooms(page.offset, page.limit).await?))
}

/// Create a room and take its creator's seat. The room is listed as soon as the creator's stream flows.
#[utoipa::path(post, path = "/v1/rooms", tag = "rooms", request_body = CreateRoom, responses((status = 200, body = Seat)))]
async fn create_room(
    State(service): State<Service>,
    By(person): By,
    Via(via): Via,
    Body(room): Body<CreateRoom>,
) -> Answer<Seat> {
    Ok(Json(service.create(&person, &via, &room).await?))
}

/// The room as it is now, with fresh play URLs. For members.
#[utoipa::path(get, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = RoomId, Path)), responses((status = 200, body = RoomState)))]
async fn room(State(service): State<Service>, By(person): By, Via(via): Via, InRoom(room): InRoom) -> Answer<RoomState> {
    Ok(Json(service.room(&person, &via, &RoomId::new(room)).await?))
}

/// End the room for everybody. For its creator.
#[utoipa::path(delete, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = RoomId, Path)), responses((status = 200, body = Done)))]
async fn dissolve(State(service): State<Service>, By(person): By, InRoom(room): InRoom) -> Answer<Done> {
    service.dissolve(&person, &RoomId::new(room)).await?;
    Ok(Json(Done {}))
}

fn page() -> usize {
    PAGE
}
