//! The OpenAPI document: what all routes have in common, and how one route's refusals get into it.

use crate::proto::{Code, Problem};
use crate::server::extract::Refused;
use crate::server::service::Service;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::OpenApi;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};
use utoipa_axum::routes;

/// The document never changes while the program runs.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    let text = super::all().to_openapi().to_json();
    text.unwrap_or_else(|error| {
        tracing::error!(%error, "the API's document cannot be written");
        String::new()
    })
});

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlor",
        description = "Rooms for video calls and live streams. Media is RTMP: a seat's `publish_url` is pushed to, members' `play_url`s are played. \
            Names, texts and numbers are UTF-8 JSON; moments are microseconds since the UNIX epoch. Requests with unknown fields are refused; \
            answers may grow fields. Every failure is a `Problem` with a stable code and one sentence.",
        license(name = "MIT OR Apache-2.0"),
    ),
    components(schemas(Problem, Code)),
    tags(
        (name = "session", description = "Signing in, and the server's clock"),
        (name = "rooms", description = "Creating, finding and ending rooms"),
        (name = "members", description = "Taking, holding and giving up a seat"),
        (name = "messages", description = "What people say"),
        (name = "events", description = "What happens in a room"),
        (name = "fields", description = "What applications note down for all in a room"),
        (name = "audience", description = "Watching live rooms"),
        (name = "admin", description = "For the server's operators"),
        (name = "server", description = "For operators and monitoring"),
    ),
)]
struct Frame;

/// Who may come through a route's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// Anybody.
    Open,
    /// Whoever is signed in.
    Session,
    /// Whoever knows the admin key.
    Operator,
}

impl Door {
    const fn scheme(self) -> Option<&'static str> {
        match self {
            Self::Open => None,
            Self::Session => Some("session"),
            Self::Operator => Some("admin"),
        }
    }

    /// How every route behind this door may refuse.
    const fn refusals(self) -> &'static [Code] {
        match self {
            Self::Open => &[Code::BadRequest, Code::EncryptionRequired, Code::RateLimited, Code::TooSlow, Code::Internal],
            Self::Session => &[
                Code::BadRequest,
                Code::Unauthorized,
                Code::SignedInElsewhere,
                Code::EncryptionRequired,
                Code::RateLimited,
                Code::StoreUnavailable,
                Code::TooSlow,
                Code::Internal,
            ],
            Self::Operator => &[
                Code::BadRequest,
                Code::Unauthorized,
                // Without an admin key there is no such interface.
                Code::NotFound,
                Code::EncryptionRequired,
                Code::RateLimited,
                Code::StoreUnavailable,
                Code::TooSlow,
                Code::Internal,
            ],
        }
    }
}

/// The document without routes.
pub(super) fn frame() -> utoipa::openapi::OpenApi {
    let mut document = Frame::openapi();
    document.info.version = crate::version().to_owned();
    let bearer =
        |what: &str| SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(what)).build());
    let components = document.components.get_or_insert_with(Components::new);
    components.add_security_scheme("session", bearer("The `token` of a `Session`."));
    components.add_security_scheme("admin", bearer("The server's `admin_key`."));
    document
}

/// The document as JSON.
pub(super) fn text() -> &'static str {
    &TEXT
}

/// Says who may use a route and how it may refuse.
pub(super) fn guarded(
    door: Door,
    codes: &[Code],
    (schemas, mut paths, router): UtoipaMethodRouter<Service>,
) -> UtoipaMethodRouter<Service> {
    for operation in paths.paths.values_mut().flat_map(operations) {
        if let Some(scheme) = door.scheme() {
            operation.security = Some(vec![SecurityRequirement::new(scheme, [] as [&str; 0])]);
        }
        let too_large = operation.request_body.is_some().then_some(Code::TooLarge);
        let mut by_status = BTreeMap::<u16, Vec<Code>>::new();
        for code in door.refusals().iter().chain(codes).copied().chain(too_large) {
            let codes = by_status.entry(code.status()).or_default();
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        for (status, codes) in by_status {
            operation.responses.responses.insert(status.to_string(), refusal(&codes));
        }
    }
    (schemas, paths, router)
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
}

fn refusal(codes: &[Code]) -> RefOr<utoipa::openapi::Response> {
    let lines: Vec<String> = codes.iter().map(|code| format!("`{code}`: {}", code.meaning())).collect();
    let examples = codes.iter().map(|code| {
        let problem = serde_json::json!({ "code": code, "message": code.meaning() });
        (code.to_string(), ExampleBuilder::new().value(Some(problem)).build())
    });
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).examples_from_iter(examples).build();
    ResponseBuilder::new().description(lines.join("\n")).content("application/json", content).build().into()
}

pub(super) fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::default().routes(guarded(Door::Open, &[], routes!(openapi)))
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "server", responses((status = 200, body = serde_json::Value)))]
async fn openapi() -> Response {
    match text() {
        "" => Refused(Problem::new(Code::Internal, "the API's document cannot be written")).into_response(),
        text => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
    }
}
