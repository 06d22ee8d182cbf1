//! Creating, finding, bringing back and ending rooms.

use super::document::{Door, guarded};
use super::{Answer, Done, Page};
use crate::proto::api::{CreateRoom, Restore, RoomPage, RoomState, Seat};
use crate::proto::{Code, RoomId};
use crate::server::extract::{At, Body, By, Caller, Query, Via};
use crate::server::limits::{PAGE, RESTORE_BYTES};
use crate::server::service::Service;
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const RESTORE: [Code; 5] = [Code::BadReceipt, Code::RoomNotFound, Code::Removed, Code::RoomFull, Code::ServerFull];
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &[], routes!(list_rooms)))
        .routes(guarded(Door::Session, &[Code::BadName, Code::WrongMode, Code::Conflict, Code::ServerFull], routes!(create_room)))
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::NotAMember], routes!(room)))
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::Forbidden], routes!(dissolve)))
        .routes(guarded(Door::Session, &RESTORE, routes!(restore)).layer(DefaultBodyLimit::max(RESTORE_BYTES)))
}

/// Which rooms.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Search {
    /// How many to leave out at the beginning.
    #[serde(default)]
    offset: usize,
    /// How many to tell at most; more than 100 are never told at once.
    #[serde(default = "Page::default_limit")]
    limit: usize,
    /// Only rooms whose name contains this, in large or small letters.
    #[serde(default)]
    search: String,
}

/// Listed rooms, newest first. A room is listed while its creator's stream, or somebody else's after it, flows.
#[utoipa::path(get, path = "/v1/rooms", tag = "rooms", params(Search), responses((status = 200, body = RoomPage)))]
async fn list_rooms(State(service): State<Service>, By(_): By, Query(wanted): Query<Search>) -> Answer<RoomPage> {
    Ok(Json(service.rooms(&wanted.search, wanted.offset, wanted.limit.min(PAGE)).await?))
}

/// Create a room and take its creator's seat. The room is listed as soon as the creator's stream flows. Repeated with the same nonce, it is
/// the same room.
#[utoipa::path(post, path = "/v1/rooms", tag = "rooms", request_body = CreateRoom, responses((status = 200, body = Seat)))]
async fn create_room(
    State(service): State<Service>,
    Caller(from): Caller,
    By(person): By,
    Via(via): Via,
    Body(room): Body<CreateRoom>,
) -> Answer<Seat> {
    Ok(Json(service.create(from, &person, &via, &room).await?))
}

/// The room as it is now, with fresh play URLs. For members and viewers.
#[utoipa::path(get, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = RoomId, Path)), responses((status = 200, body = RoomState)))]
async fn room(State(service): State<Service>, By(person): By, Via(via): Via, At(room): At<RoomId>) -> Answer<RoomState> {
    Ok(Json(service.room(&person, &via, &room).await?))
}

/// End the room for everybody. For its creator.
#[utoipa::path(delete, path = "/v1/rooms/{room}", tag = "rooms", params(("room" = RoomId, Path)), responses((status = 200, body = Done)))]
async fn dissolve(State(service): State<Service>, By(person): By, At(room): At<RoomId>) -> Answer<Done> {
    service.dissolve(&person, &room).await?;
    Ok(Json(Done {}))
}

/// Bring back, by one's receipt, a room that the server lost when it was restarted: with the same id, the same seats, and what was said.
/// Where the room is there, one's seat. May be repeated.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/restore", tag = "rooms",
    params(("room" = RoomId, Path)), request_body = Restore, responses((status = 200, body = Seat)),
)]
async fn restore(
    State(service): State<Service>,
    Caller(from): Caller,
    By(person): By,
    Via(via): Via,
    At(room): At<RoomId>,
    Body(restore): Body<Restore>,
) -> Answer<Seat> {
    Ok(Json(service.restore(from, &person, &via, &room, restore).await?))
}
