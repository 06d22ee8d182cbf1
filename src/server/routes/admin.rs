//! What operators see and do, and the page that shows it to them.

use super::document::{Door, guarded};
use super::{Answer, Done, Page};
use crate::proto::api::{AdminRooms, Overview};
use crate::proto::{Code, MemberId, RoomId};
use crate::server::extract::{At, Operator, Query};
use crate::server::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Nothing but the page's own files is loaded, nobody frames it, and no script runs that is written into it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default()
        .routes(guarded(Door::Operator, &[], routes!(overview)))
        .routes(guarded(Door::Operator, &[], routes!(all_rooms)))
        .routes(guarded(Door::Operator, &[Code::RoomNotFound], routes!(shut_room)))
        .routes(guarded(Door::Operator, &[Code::RoomNotFound, Code::NotAMember], routes!(expel_member)))
        .routes(guarded(Door::Open, &[], routes!(admin_page)))
        .routes(guarded(Door::Open, &[], routes!(admin_script)))
        .routes(guarded(Door::Open, &[], routes!(admin_style)))
}

/// The server at a glance.
#[utoipa::path(get, path = "/v1/admin/overview", tag = "admin", responses((status = 200, body = Overview)))]
async fn overview(State(service): State<Service>, _: Operator) -> Answer<Overview> {
    Ok(Json(service.overview().await?))
}

/// All rooms, listed or not, newest first, with everybody in them and what they measured.
#[utoipa::path(get, path = "/v1/admin/rooms", tag = "admin", params(Page), responses((status = 200, body = AdminRooms)))]
async fn all_rooms(State(service): State<Service>, _: Operator, Query(page): Query<Page>) -> Answer<AdminRooms> {
    Ok(Json(service.all_rooms(page.offset, page.limit).await?))
}

/// End a room for everybody.
#[utoipa::path(
    delete, path = "/v1/admin/rooms/{room}", tag = "admin",
    params(("room" = RoomId, Path)), responses((status = 200, body = Done)),
)]
async fn shut_room(State(service): State<Service>, _: Operator, At(room): At<RoomId>) -> Answer<Done> {
    service.shut(&room).await?;
    Ok(Json(Done {}))
}

/// Remove a member or a viewer from a room for good.
#[utoipa::path(
    delete, path = "/v1/admin/rooms/{room}/members/{member}", tag = "admin",
    params(("room" = RoomId, Path), ("member" = MemberId, Path)), responses((status = 200, body = Done)),
)]
async fn expel_member(State(service): State<Service>, _: Operator, At((room, member)): At<(RoomId, MemberId)>) -> Answer<Done> {
    service.expel(&room, &member).await?;
    Ok(Json(Done {}))
}

/// The admin page. It asks for the admin key and keeps it for as long as its window is open.
#[utoipa::path(get, path = "/admin", tag = "admin", responses((status = 200, body = String, content_type = "text/html")))]
async fn admin_page(State(service): State<Service>) -> Response {
    match service.has_operators() {
        true => file("text/html; charset=utf-8", include_str!("../../../assets/admin/index.html")),
        false => file("text/html; charset=utf-8", include_str!("../../../assets/admin/off.html")),
    }
}

/// The admin page's program.
#[utoipa::path(get, path = "/admin/admin.js", tag = "admin", responses((status = 200, body = String, content_type = "text/javascript")))]
async fn admin_script() -> Response {
    file("text/javascript; charset=utf-8", include_str!("../../../assets/admin/admin.js"))
}

/// The admin page's style.
#[utoipa::path(get, path = "/admin/admin.css", tag = "admin", responses((status = 200, body = String, content_type = "text/css")))]
async fn admin_style() -> Response {
    file("text/css; charset=utf-8", include_str!("../../../assets/admin/admin.css"))
}

fn file(kind: &'static str, content: &'static str) -> Response {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    (headers, content).into_response()
}
