//! Whether the server lives, and whether it takes requests.

use super::document::{Door, guarded};
use crate::server::service::Service;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default().routes(guarded(Door::Open, &[], routes!(healthz))).routes(guarded(Door::Open, &[], routes!(readyz)))
}

/// Whether the process lives.
#[utoipa::path(get, path = "/healthz", tag = "server", responses((status = 200, body = String, content_type = "text/plain")))]
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server takes requests.
#[utoipa::path(
    get, path = "/readyz", tag = "server",
    responses(
        (status = 200, description = "It does.", body = String, content_type = "text/plain"),
        (status = 503, description = "It is stopping, or its store of rooms does not answer.", body = String, content_type = "text/plain"),
    ),
)]
async fn readyz(State(service): State<Service>) -> Response {
    if service.is_closing() {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping\n").into_response()
    } else if !service.is_reachable().await {
        (StatusCode::SERVICE_UNAVAILABLE, "the store of rooms does not answer\n").into_response()
    } else {
        "ready\n".into_response()
    }
}
