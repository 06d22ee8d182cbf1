//! What handlers take from a request, with a [`Problem`] for everything that can be wrong with it.

use super::service::Service;
use super::token::Person;
use crate::proto::address::DEFAULT_PORT;
use crate::proto::{Code, Problem};
use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Whoever is at the other end of a connection; `host` puts it into each request's extensions.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// How a request came in; `host` puts it into each request's extensions. Without it: in plain text.
#[derive(Clone, Debug, Default)]
pub struct Arrival {
    /// Over TLS.
    pub encrypted: bool,
    /// The host, or host and port, under which people reach this server, if it was told.
    pub public: Option<Arc<str>>,
}

/// A refusal on its way out.
#[derive(Debug)]
pub(super) struct Refused(pub Problem);

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(self.0)).into_response()
    }
}

fn bad_request(why: impl Into<String>) -> Refused {
    Refused(Problem::new(Code::BadRequest, why))
}

/// The address a request comes from.
pub(super) struct Caller(pub IpAddr);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        match parts.extensions.get::<Peer>() {
            Some(Peer(addr)) => Ok(Self(addr.ip())),
            None => Err(Refused(Problem::new(Code::Internal, "the server does not know where this request comes from"))),
        }
    }
}

/// The signed-in person who makes the request.
pub(super) struct By(pub Person);

impl FromRequestParts<Service> for By {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Refused> {
        let token = bearer(parts);
        let token = token.ok_or_else(|| Problem::new(Code::Unauthorized, "sign in first: there is no bearer token"))?;
        Ok(Self(service.person(token).await?))
    }
}

/// An operator makes the request.
pub(super) struct Operator;

impl FromRequestParts<Service> for Operator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Refused> {
        let Caller(from) = Caller::from_request_parts(parts, service).await?;
        service.check_operator(from, bearer(parts).unwrap_or_default())?;
        Ok(Self)
    }
}

/// The bearer token of a request.
fn bearer(parts: &Parts) -> Option<&str> {
    let value = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok())?;
    let (_, token) = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))?;
    Some(token.trim())
}

/// Base of the addresses of this server's streams for the client, such as `rtmps://host:port`: they are reached like the service itself.
pub(super) struct Via(pub String);

impl<S: Sync> FromRequestParts<S> for Via {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let text = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
        let arrival = parts.extensions.get::<Arrival>().cloned().unwrap_or_default();
        let is_local = parts.extensions.get::<Peer>().is_some_and(|Peer(peer)| peer.ip().to_canonical().is_loopback());
        // Anybody can write such a line; a proxy on this computer is believed. Its port is for HTTP only.
        let proxied = text("x-forwarded-proto").filter(|_| is_local).map(|protocols| protocols.starts_with("https"));
        let public = arrival.public.as_deref().filter(|_| proxied.is_some());
        let encrypted = proxied.unwrap_or(arrival.encrypted);
        let (host, default_port) = match (public, encrypted) {
            (Some(public), _) => (public, DEFAULT_PORT),
            (None, true) => (text("host").unwrap_or_default(), 443),
            (None, false) => (text("host").unwrap_or_default(), 80),
        };
        let scheme = if encrypted { "rtmps" } else { "rtmp" };
        let authority = via(host, default_port).ok_or_else(|| bad_request("the Host header is missing or no host:port"))?;
        Ok(Self(format!("{scheme}://{authority}")))
    }
}

/// The Host header, checked: it goes into URLs.
fn via(host: &str, default_port: u16) -> Option<String> {
    // A scheme without a port of its own: nothing is left out of what is parsed.
    let url = url::Url::parse(&format!("rtmp://{host}/")).ok()?;
    let (name, port) = (url.host()?, url.port().unwrap_or(default_port));
    let name = url::Host::parse(&name.to_string()).ok()?;
    let plain = url.path() == "/" && url.username().is_empty() && url.password().is_none() && url.query().is_none();
    (plain && !host.contains(['/', '?', '#', '@', '\\']) && host.len() <= 260).then(|| format!("{name}:{port}"))
}

/// A JSON body. Its content type is not looked at: a wrong one does no harm.
pub(super) struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|e| bad_request(format!("the request's body is not understood: {e}")))
    }
}

/// A body as it came.
pub(super) struct Raw(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error: BytesRejection| {
            if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
                Refused(Problem::new(Code::TooLarge, "the request is too large"))
            } else {
                bad_request(format!("the request's body cannot be read: {error}"))
            }
        })?;
        Ok(Self(bytes))
    }
}

/// What follows the `?`.
pub(super) struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Refused> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query
            .map(|axum::extract::Query(q)| Self(q))
            .map_err(|e| bad_request(format!("the query is not understood: {}", e.body_text())))
    }
}

/// What is left open in a route's address.
pub(super) struct At<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for At<T> {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refused> {
        let path: Result<axum::extract::Path<T>, PathRejection> = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|axum::extract::Path(values)| Self(values))
            .map_err(|e| bad_request(format!("the address is not understood: {}", e.body_text())))
    }
}

#[cfg(test)]
mod tests {
    use super::via;

    #[test]
    fn only_a_host_and_port_get_into_urls() {
        for (host, seen) in [
            ("127.0.0.1:1935", Some("127.0.0.1:1935")),
            ("calls.example", Some("calls.example:80")),
            ("[::1]:2000", Some("[::1]:2000")),
            ("", None),
            ("a@b:1", None),
            ("a/b", None),
            ("a b", None),
            ("a?token=x", None),
            ("a#", None),
            ("a:b", None),
            ("a\\b", None),
        ] {
            assert_eq!(via(host, 80).as_deref(), seen, "{host}");
        }
    }
}
