//! The HTTP API. Each route says in one place what it takes, what it answers and how it may refuse; the router and the OpenAPI document are
//! both made from that, so neither can know what the other does not.

mod admin;
mod audience;
mod document;
mod events;
mod fields;
mod hooks;
mod members;
mod messages;
mod probes;
mod rooms;
mod session;

use super::extract::Refused;
use super::limits::{BODY_BYTES, PAGE, REQUEST};
use super::service::Service;
use crate::proto::{Code, Problem};
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;

type Answer<T> = Result<Json<T>, Refused>;

/// All routes of a service. Requests need a [`Peer`](super::Peer) among their extensions.
pub fn router(service: Service) -> Router {
    let (routes, _) = all().split_for_parts();
    routes
        .fallback(nothing_here)
        .method_not_allowed_fallback(nothing_here)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn(in_time))
        .with_state(service)
}

/// For whoever comes in plain text where TLS is wanted: every request gets the same refusal, and none is looked at.
pub fn tls_only() -> Router {
    let refuse = || async {
        let why = "this server speaks only TLS with other computers: use https://, or an invite with its #pin, or ask its operator for `plain`";
        let refused = Refused(Problem::new(Code::EncryptionRequired, why));
        ([(header::UPGRADE, "TLS/1.3"), (header::CONNECTION, "close")], refused)
    };
    Router::new().fallback(refuse)
}

/// The OpenAPI document of all routes, as JSON.
pub fn document() -> &'static str {
    document::text()
}

/// Every route that there is.
fn all() -> OpenApiRouter<Service> {
    OpenApiRouter::with_openapi(document::frame())
        .merge(session::routes())
        .merge(rooms::routes())
        .merge(members::routes())
        .merge(messages::routes())
        .merge(events::routes())
        .merge(fields::routes())
        .merge(audience::routes())
        .merge(admin::routes())
        .merge(hooks::routes())
        .merge(document::routes())
        .merge(probes::routes())
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
    #[serde(default = "Page::default_limit")]
    limit: usize,
}

impl Page {
    fn default_limit() -> usize {
        PAGE
    }
}

/// Nothing to tell: it is done.
#[derive(Serialize, ToSchema)]
struct Done {}

async fn nothing_here() -> Refused {
    Problem::new(Code::NotFound, "there is nothing at this address for this method").into()
}

/// Ends requests that take too long (a body that trickles in), and keeps answers with tokens out of caches.
async fn in_time(request: Request, next: Next) -> Response {
    let mut response = match tokio::time::timeout(REQUEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Refused(Problem::new(Code::TooSlow, "the request took too long to arrive")).into_response(),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
