//! HTTP routes: `/v1/...` as told in `proto::api`, `/healthz` (the process lives) and `/readyz` (it takes requests).

use super::extract::{Body, By, Caller, InRoom, Query, Refused, Via};
use super::limits::{BODY_BYTES, PAGE, REQUEST};
use super::service::Service;
use crate::proto::api::{
    Beat, CreateRoom, Enter, Events, Heartbeat, Login, RoomPage, RoomState, Seat, SendMessage, Sent, Session, Time,
};
use crate::proto::{Code, Problem, RoomId};
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::time::Duration;

type Answer<T> = Result<Json<T>, Refused>;

/// All routes of a service. Requests need a [`Peer`](super::Peer) among their extensions.
pub fn router(service: Service) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/v1/login", post(login))
        .route("/v1/time", get(time))
        .route("/v1/rooms", get(rooms).post(create))
        .route("/v1/rooms/{room}", get(room).delete(dissolve))
        .route("/v1/rooms/{room}/members", post(enter))
        .route("/v1/rooms/{room}/members/me", delete(exit))
        .route("/v1/rooms/{room}/heartbeat", post(heartbeat))
        .route("/v1/rooms/{room}/events", get(events))
        .route("/v1/rooms/{room}/messages", post(say))
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(in_time))
        .with_state(service)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    offset: usize,
    #[serde(default = "page")]
    limit: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Since {
    #[serde(default)]
    since: u64,
    #[serde(default)]
    wait_s: u64,
}

async fn ready(State(service): State<Service>) -> Response {
    match service.is_closing() {
        false => "ready\n".into_response(),
        true => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response(),
    }
}

async fn login(State(service): State<Service>, Caller(from): Caller, Body(login): Body<Login>) -> Answer<Session> {
    Ok(Json(service.login(from, &login)?))
}

async fn time(State(service): State<Service>) -> Json<Time> {
    Json(service.time())
}

async fn rooms(State(service): State<Service>, By(_): By, Query(page): Query<Page>) -> Answer<RoomPage> {
    Ok(Json(service.rooms(page.offset, page.limit)))
}

async fn create(State(service): State<Service>, By(person): By, Via(via): Via, Body(room): Body<CreateRoom>) -> Answer<Seat> {
    Ok(Json(service.create(&person, &via, &room)?))
}

async fn room(State(service): State<Service>, By(person): By, Via(via): Via, InRoom(room): InRoom) -> Answer<RoomState> {
    Ok(Json(service.room(&person, &via, &RoomId::new(room))?))
}

async fn dissolve(State(service): State<Service>, By(person): By, InRoom(room): InRoom) -> Answer<Done> {
    service.dissolve(&person, &RoomId::new(room))?;
    Ok(Json(Done {}))
}

async fn enter(
    State(service): State<Service>,
    Caller(from): Caller,
    By(person): By,
    Via(via): Via,
    InRoom(room): InRoom,
    Body(enter): Body<Enter>,
) -> Answer<Seat> {
    Ok(Json(service.enter(from, &person, &via, &room, &enter)?))
}

async fn exit(State(service): State<Service>, By(person): By, InRoom(room): InRoom) -> Answer<Done> {
    service.exit(&person, &RoomId::new(room))?;
    Ok(Json(Done {}))
}

async fn heartbeat(
    State(service): State<Service>,
    By(person): By,
    InRoom(room): InRoom,
    Body(beat): Body<Heartbeat>,
) -> Answer<Beat> {
    Ok(Json(service.heartbeat(&person, &RoomId::new(room), beat)?))
}

async fn events(
    State(service): State<Service>,
    By(person): By,
    InRoom(room): InRoom,
    Query(query): Query<Since>,
) -> Answer<Events> {
    let wait = Duration::from_secs(query.wait_s);
    Ok(Json(service.events(&person, &RoomId::new(room), query.since, wait).await?))
}

async fn say(
    State(service): State<Service>,
    By(person): By,
    InRoom(room): InRoom,
    Body(message): Body<SendMessage>,
) -> Answer<Sent> {
    Ok(Json(service.say(&person, &RoomId::new(room), message)?))
}

/// An empty object, for what has nothing to answer.
#[derive(serde::Serialize)]
struct Done {}

async fn nothing_here() -> Refused {
    Problem::new(Code::NotFound, "there is nothing at this address for this method").into()
}

/// Ends requests that take too long (a body that trickles in), and keeps answers with tokens out of caches.
async fn in_time(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused(Problem::new(Code::BadRequest, "the request took too long to arrive")).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn page() -> usize {
    PAGE
}
