//! Taking, holding and giving up a seat; what the host may do.

use super::document::{Door, guarded};
use super::{Answer, Done, Page};
use crate::proto::api::{Beat, Enter, Heartbeat, MemberPage, Seat};
use crate::proto::{Code, MemberId, RoomId};
use crate::server::extract::{At, Body, By, Caller, Query, Via};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const ENTER: [Code; 5] = [Code::RoomNotFound, Code::WrongPassword, Code::KeyRequired, Code::Removed, Code::RoomFull];
    const INSIDE: [Code; 2] = [Code::RoomNotFound, Code::NotAMember];
    const HOST: [Code; 3] = [Code::RoomNotFound, Code::NotAMember, Code::Forbidden];
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &INSIDE, routes!(list_members)))
        .routes(guarded(Door::Session, &ENTER, routes!(enter)))
        .routes(guarded(Door::Session, &INSIDE, routes!(leave)))
        .routes(guarded(Door::Session, &HOST, routes!(remove_member)))
        .routes(guarded(Door::Session, &HOST, routes!(request_mute)))
        .routes(guarded(Door::Session, &INSIDE, routes!(heartbeat)))
        .routes(guarded(Door::Session, &HOST, routes!(announce)))
}

/// Members whose stream flows, in order of arrival, with what they measured last. For members.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/members", tag = "members",
    params(("room" = RoomId, Path), Page), responses((status = 200, body = MemberPage)),
)]
async fn list_members(
    State(service): State<Service>,
    By(person): By,
    Via(via): Via,
    At(room): At<RoomId>,
    Query(page): Query<Page>,
) -> Answer<MemberPage> {
    Ok(Json(service.members(&person, &via, &room, page.offset, page.limit).await?))
}

/// Take a seat in the room of that id or name. Repeated, it is the same seat with fresh addresses. One is announced to the others when
/// one's stream flows. Whoever was removed by the host does not come in again: neither the same person, nor somebody of the same name from
/// the same address.
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
    At(room): At<String>,
    Body(enter): Body<Enter>,
) -> Answer<Seat> {
    Ok(Json(service.enter(from, &person, &via, &room, &enter).await?))
}

/// Give up one's seat.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/members/me", tag = "members",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn leave(State(service): State<Service>, By(person): By, At(room): At<RoomId>) -> Answer<Done> {
    service.exit(&person, &room).await?;
    Ok(Json(Done {}))
}

/// Remove a member for good: their stream ends, and they cannot enter this room again, nor can somebody of the same name from the same
/// address. For the host.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/members/{member}", tag = "members",
    params(("room" = RoomId, Path), ("member" = MemberId, Path)), responses((status = 200, body = Done)),
)]
async fn remove_member(
    State(service): State<Service>,
    By(person): By,
    At((room, member)): At<(RoomId, MemberId)>,
) -> Answer<Done> {
    service.remove_member(&person, &room, &member).await?;
    Ok(Json(Done {}))
}

/// Ask a member's program to mute their microphone. Only they can switch it on again. For the host.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/members/{member}/mute", tag = "members",
    params(("room" = RoomId, Path), ("member" = MemberId, Path)), responses((status = 200, body = Done)),
)]
async fn request_mute(
    State(service): State<Service>,
    By(person): By,
    At((room, member)): At<(RoomId, MemberId)>,
) -> Answer<Done> {
    service.request_mute(&person, &room, &member).await?;
    Ok(Json(Done {}))
}

/// Say that one is still there, every 5 s. After 20 s without a heartbeat a member whose stream does not flow either is gone, and so is a
/// viewer.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/heartbeat", tag = "members",
    params(("room" = RoomId, Path)), request_body = Heartbeat, responses((status = 200, body = Beat)),
)]
async fn heartbeat(
    State(service): State<Service>,
    By(person): By,
    At(room): At<RoomId>,
    Body(beat): Body<Heartbeat>,
) -> Answer<Beat> {
    Ok(Json(service.heartbeat(&person, &room, beat).await?))
}

/// Say that one's stream flows. Only for seats whose `stream.announce` is true: elsewhere whoever relays the stream says it.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/members/me/stream", tag = "members",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn announce(State(service): State<Service>, By(person): By, At(room): At<RoomId>) -> Answer<Done> {
    service.announce(&person, &room).await?;
    Ok(Json(Done {}))
}
