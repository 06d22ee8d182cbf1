//! HTTP routes under `/v1`, and `/healthz`.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use crate::base::Clock;
use crate::proto::api::Time;
use crate::proto::{Code, Problem};
use std::net::SocketAddr;

/// Whoever is at the other end of a connection; `host` puts it into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// All routes.
pub fn router(clock: Clock) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/v1/time", get(move || std::future::ready(Json(Time { now_us: now_us(&clock) }))))
        .fallback(|| async { problem(&Problem::new(Code::NotFound, "there is nothing at this address")) })
}

fn problem(problem: &Problem) -> Response {
    (StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), Json(problem)).into_response()
}

fn now_us(clock: &Clock) -> i64 {
    i64::try_from(clock.now().as_micros()).unwrap_or(i64::MAX)
}
