//! A room's custom fields.

use super::document::{Door, guarded};
use super::{Answer, Done};
use crate::proto::api::{Count, Field, FieldList, SetField};
use crate::proto::{Code, RoomId};
use crate::server::extract::{At, Body, By};
use crate::server::service::{Direction, Service};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const INSIDE: [Code; 2] = [Code::RoomNotFound, Code::NotAMember];
    const CHANGE: [Code; 4] = [Code::RoomNotFound, Code::NotAMember, Code::Conflict, Code::TooLarge];
    OpenApiRouter::default()
        .routes(guarded(Door::Session, &INSIDE, routes!(fields)))
        .routes(guarded(Door::Session, &CHANGE, routes!(set_field)))
        .routes(guarded(Door::Session, &INSIDE, routes!(remove_field)))
        .routes(guarded(Door::Session, &CHANGE, routes!(increase_field)))
        .routes(guarded(Door::Session, &CHANGE, routes!(decrease_field)))
}

/// All custom fields of a room. For members and viewers.
#[utoipa::path(
    get, path = "/v1/rooms/{room}/fields", tag = "fields",
    params(("room" = RoomId, Path)), responses((status = 200, body = FieldList)),
)]
async fn fields(State(service): State<Service>, By(person): By, At(room): At<RoomId>) -> Answer<FieldList> {
    Ok(Json(service.fields(&person, &room).await?))
}

/// Set a custom field; the others hear of it. A room has at most 32, with keys of at most 64 bytes made of `A-Z a-z 0-9 . _ -`. With a
/// `version`, only if nobody changed it meanwhile. For members.
#[utoipa::path(
    put, path = "/v1/rooms/{room}/fields/{key}", tag = "fields",
    params(("room" = RoomId, Path), ("key" = String, Path)), request_body = SetField, responses((status = 200, body = Field)),
)]
async fn set_field(
    State(service): State<Service>,
    By(person): By,
    At((room, key)): At<(RoomId, String)>,
    Body(set): Body<SetField>,
) -> Answer<Field> {
    Ok(Json(service.set_field(&person, &room, &key, &set).await?))
}

/// Take a custom field away. For members.
#[utoipa::path(
    delete, path = "/v1/rooms/{room}/fields/{key}", tag = "fields",
    params(("room" = RoomId, Path), ("key" = String, Path)), responses((status = 200, body = Done)),
)]
async fn remove_field(State(service): State<Service>, By(person): By, At((room, key)): At<(RoomId, String)>) -> Answer<Done> {
    service.remove_field(&person, &room, &key).await?;
    Ok(Json(Done {}))
}

/// Add to a number in a custom field, atomically. Repeated with the same nonce, it counts once. For members.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/fields/{key}/inc", tag = "fields",
    params(("room" = RoomId, Path), ("key" = String, Path)), request_body = Count, responses((status = 200, body = Field)),
)]
async fn increase_field(
    State(service): State<Service>,
    By(person): By,
    At((room, key)): At<(RoomId, String)>,
    Body(count): Body<Count>,
) -> Answer<Field> {
    Ok(Json(service.count_field(&person, &room, &key, Direction::Inc, count).await?))
}

/// Take away from a number in a custom field, atomically. Repeated with the same nonce, it counts once. For members.
#[utoipa::path(
    post, path = "/v1/rooms/{room}/fields/{key}/dec", tag = "fields",
    params(("room" = RoomId, Path), ("key" = String, Path)), request_body = Count, responses((status = 200, body = Field)),
)]
async fn decrease_field(
    State(service): State<Service>,
    By(person): By,
    At((room, key)): At<(RoomId, String)>,
    Body(count): Body<Count>,
) -> Answer<Field> {
    Ok(Json(service.count_field(&person, &room, &key, Direction::Dec, count).await?))
}
