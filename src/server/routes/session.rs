//! Signing in, and the server's clock.

use super::Answer;
use super::document::{Door, guarded};
use crate::proto::Code;
use crate::proto::api::{Login, Session, Time};
use crate::server::extract::{Body, Caller};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const LOGIN: [Code; 3] = [Code::BadName, Code::AccessKeyRequired, Code::WrongAccessKey];
    OpenApiRouter::default().routes(guarded(Door::Open, &LOGIN, routes!(login))).routes(guarded(Door::Open, &[], routes!(time)))
}

/// Sign in under a display name.
#[utoipa::path(post, path = "/v1/login", tag = "session", request_body = Login, responses((status = 200, body = Session)))]
async fn login(State(service): State<Service>, Caller(from): Caller, Body(login): Body<Login>) -> Answer<Session> {
    Ok(Json(service.login(from, &login).await?))
}

/// The server's clock.
#[utoipa::path(get, path = "/v1/time", tag = "session", responses((status = 200, body = Time)))]
async fn time(State(service): State<Service>) -> Json<Time> {
    Json(service.time())
}
