//! Taking, holding and giving up a seat.

use super::document::{Door, guarded};
use super::{Answer, Done};
use crate::proto::api::{Beat, Enter, Heartbeat, Seat};
use crate::proto::{Code, RoomId};
use crate::server::extract::{Body, By, Caller, InRoom, Via};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const GONE: [Code; 2] = [Code::RoomNotFound, Code::NotAMember];
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::WrongPassword, Code::RoomFull], routes!(enter)))
        .routes(guarded(Door::Session, &GONE, routes!(leave)))
        .routes(guarded(Door::Session, &GONE, routes!(heartbeat)))
        .routes(guarded(Door::Session, &[GONE[0], GONE[1], Code::Forbidden], routes!(announce)))
}

/// Take a seat in the room of that id or name. Repeated, it is the same seat with fresh addresses. One is announced to the others when
/// one's stream flows.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/members", tag = "members",
    params(("room" = String, Path, description = "The room's id or its name")),
    request_body = Enter, responses((status = 200, body = Seat)),
)]
async fn enter(
    State(service): State<Service>,
    Caller(from): Caller,
    By(person): By,
    Via(via): Via,
    InRoom(room): InRoom,
    Body(enter): Body<Enter>,
) -> Answer<Seat> {
    Ok(Json(service.enter(from, &person, &via, &room, &enter).await?))
}

/// Give up one's seat.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/members/me", tag = "members",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn leave(State(service): State<Service>, By(person): By, InRoom(room): InRoom) -> Answer<Done> {
    service.exit(&person, &RoomId::new(room)).await?;
    Ok(Json(Done {}))
}

/// Say that one is still there, every 5 s. After 20 s without a heartbeat a member whose stream does not flow either is gone.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/heartbeat", tag = "members",
    params(("room" = RoomId, Path)), request_body = Heartbeat, responses((status = 200, body = Beat)),
)]
async fn heartbeat(
    State(service): State<Service>,
    By(person): By,
    InRoom(room): InRoom,
    Body(beat): Body<Heartbeat>,
) -> Answer<Beat> {
    Ok(Json(service.heartbeat(&person, &RoomId::new(room), beat).await?))
}

/// Say that one's stream flows. Only for seats whose `stream.announce` is true: elsewhere whoever relays the stream says it.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/members/me/stream", tag = "members",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn announce(State(service): State<Service>, By(person): By, InRoom(room): InRoom) -> Answer<Done> {
    service.announce(&person, &RoomId::new(room)).await?;
    Ok(Json(Done {}))
}
