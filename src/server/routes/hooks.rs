//! What an RTMP engine calls back with when it relays the streams.

use super::Answer;
use super::document::{Door, guarded};
use crate::proto::{Code, Problem};
use crate::server::engine::Hook;
use crate::server::extract::{Caller, Query, Raw};
use crate::server::service::Service;
use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Deserialize;
use std::net::IpAddr;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    const NO: [Code; 1] = [Code::Forbidden];
    OpenApiRouter::default().routes(guarded(Door::Open, &NO, routes!(nginx, nginx_get))).routes(guarded(
        Door::Open,
        &NO,
        routes!(srs),
    ))
}

/// What the engine's operator put behind the `?`. nginx adds what it has to say, when told to use GET.
#[derive(Deserialize)]
struct Key {
    key: Option<String>,
}

/// A callback of nginx's RTMP module: a form with `call`, `app`, `name`, `clientid` and the address' query. 200 is yes, anything else no.
#[utoipa::path(
    post, path = "/v1/hooks/nginx", tag = "server",
    params(("key" = Option<String>, Query, description = "`engine.hooks_key`, if it is set")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded"), responses((status = 200, body = u8, content_type = "application/json")),
)]
async fn nginx(State(service): State<Service>, Caller(from): Caller, Query(key): Query<Key>, Raw(form): Raw) -> Answer<u8> {
    let hook = || Hook::nginx(&form);
    answer(&service, from, &key, hook).await
}

/// The same where nginx is told `notify_method get`.
#[utoipa::path(
    get, path = "/v1/hooks/nginx", tag = "server",
    params(
        ("key" = Option<String>, Query, description = "`engine.hooks_key`, if it is set"),
        ("call" = String, Query, description = "What happens; with it go `app`, `name`, `clientid` and the address' query"),
    ),
    responses((status = 200, body = u8, content_type = "application/json")),
)]
async fn nginx_get(
    State(service): State<Service>,
    Caller(from): Caller,
    Query(key): Query<Key>,
    RawQuery(form): RawQuery,
) -> Answer<u8> {
    let hook = || Hook::nginx(form.unwrap_or_default().as_bytes());
    answer(&service, from, &key, hook).await
}

/// A callback of SRS: JSON with `action`, `client_id`, `app`, `stream` and `param`. The number 0 is yes, anything else no.
#[utoipa::path(
    post, path = "/v1/hooks/srs", tag = "server",
    params(("key" = Option<String>, Query, description = "`engine.hooks_key`, if it is set")),
    request_body = serde_json::Value, responses((status = 200, body = u8, content_type = "application/json")),
)]
async fn srs(State(service): State<Service>, Caller(from): Caller, Query(key): Query<Key>, Raw(json): Raw) -> Answer<u8> {
    let hook = || Hook::srs(&json);
    answer(&service, from, &key, hook).await
}

async fn answer(service: &Service, from: IpAddr, key: &Key, hook: impl FnOnce() -> Result<Hook, Problem>) -> Answer<u8> {
    let no_engine = || Problem::new(Code::Forbidden, "this server relays the streams itself: no engine is configured");
    let engine = service.engine().ok_or_else(no_engine)?;
    if !engine.may_call(from, key.key.as_deref()) {
        tracing::warn!(%from, "a hook was refused: from this address, or with this key, none are taken");
        return Err(Problem::new(Code::Forbidden, "hooks are not taken from this address, or not with this key").into());
    }
    let hook = hook()?;
    let answer = service.hook(&hook).await;
    if let Err(problem) = &answer {
        tracing::info!(what = ?hook.what, app = hook.app, stream = hook.name, %problem, "a hook was refused");
    }
    answer?;
    Ok(Json(0))
}
