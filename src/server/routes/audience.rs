//! Watching live rooms without a seat.

use super::document::{Door, guarded};
use super::{Answer, Done, Page};
use crate::proto::api::{AudiencePage, Ticket, Watch};
use crate::proto::{Code, MemberId, RoomId};
use crate::server::extract::{At, Body, By, Caller, Query, Via};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const WATCH: [Code; 5] = [Code::RoomNotFound, Code::WrongMode, Code::WrongPassword, Code::Removed, Code::AudienceFull];
    const HOST: [Code; 3] = [Code::RoomNotFound, Code::NotAMember, Code::Forbidden];
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &[Code::RoomNotFound, Code::NotAMember], routes!(list_audience)))
        .routes(guarded(Door::Session, &WATCH, routes!(watch)))
        .routes(guarded(Door::Session, &[], routes!(stop_watching)))
        .routes(guarded(Door::Session, &HOST, routes!(remove_viewer)))
}

/// Those who watch, by id. For members; everybody inside sees how many they are in the room's state and in the answers to heartbeats.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/audience", tag = "audience",
    params(("room" = RoomId, Path), Page), responses((status = 200, body = AudiencePage)),
)]
async fn list_audience(
    State(service): State<Service>,
    By(person): By,
    At(room): At<RoomId>,
    Query(page): Query<Page>,
) -> Answer<AudiencePage> {
    Ok(Json(service.audience(&person, &room, page.offset, page.limit).await?))
}

/// Watch the live room of that id or name: its members' streams can be played, its events and messages read, and messages sent. Keep it up
/// with heartbeats. Repeated, it is the same place with fresh addresses.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/audience", tag = "audience",
    params(("room" = String, Path, description = "The room's id or its name")),
    request_body = Watch, responses((status = 200, body = Ticket)),
)]
async fn watch(
    State(service): State<Service>,
    Caller(from): Caller,
    By(person): By,
    Via(via): Via,
    At(room): At<String>,
    Body(watch): Body<Watch>,
) -> Answer<Ticket> {
    Ok(Json(service.watch(from, &person, &via, &room, &watch).await?))
}

/// Stop watching. Nothing happens if one does not watch.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/audience/me", tag = "audience",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn stop_watching(State(service): State<Service>, By(person): By, At(room): At<RoomId>) -> Answer<Done> {
    service.unwatch(&person, &room).await?;
    Ok(Json(Done {}))
}

/// Make a viewer stop watching for good. For the host.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/audience/{viewer}", tag = "audience",
    params(("room" = RoomId, Path), ("viewer" = MemberId, Path)), responses((status = 200, body = Done)),
)]
async fn remove_viewer(
    State(service): State<Service>,
    By(person): By,
    At((room, viewer)): At<(RoomId, MemberId)>,
) -> Answer<Done> {
    service.remove_viewer(&person, &room, &viewer).await?;
    Ok(Json(Done {}))
}
