//! One HTTP connection: requests go to the router, with who asks; each is counted, and `/metrics` is answered here.

use super::config::Metrics as Readers;
use super::connection::Shared;
use super::entrance::Guest;
use super::flv::{self, Progress};
use super::metrics;
use crate::proto::{Code, Problem};
use crate::server::{Arrival, Peer};
use crate::wire::Carrier;
use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tracing::Instrument as _;

/// How long a request's head may take, and how long a connection may idle between requests.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);
/// Largest request head, in bytes (the smallest that hyper allows).
const MAX_HEAD_BYTES: usize = 8192;
/// Most header lines in a request.
const MAX_HEADERS: usize = 64;
/// A connection is closed politely at this age: one that reads its answers too slowly does not stay for ever.
const MAX_AGE: Duration = Duration::from_secs(600);
/// How long the polite close may take: a long poll, and some.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(35);

/// How often is looked whether a stream is still watched, on connections that would be too old otherwise.
const STREAM_LOOK: Duration = Duration::from_secs(5);

/// How patient a connection is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub head: Duration,
    pub age: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { head: HEAD_TIMEOUT, age: MAX_AGE }
    }
}

/// How a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It may come in.
    In {
        /// Over TLS.
        encrypted: bool,
    },
    /// In plain text where TLS is wanted.
    Refused,
}

/// Serves one connection until it is over or `stop` becomes true.
pub(super) async fn serve<C: Carrier>(
    carrier: C,
    peer: SocketAddr,
    way: Way,
    guest: &Guest,
    shared: &Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let (encrypted, router) = match way {
        Way::In { encrypted } => (encrypted, shared.router.clone()),
        Way::Refused => (false, crate::server::tls_only()),
    };
    let public: Option<Arc<str>> = shared.live.get().public.as_deref().map(Arc::from);
    let routes = TowerToHyperService::new(router);
    let (settled, progress) = (AtomicBool::new(false), Arc::new(Progress::default()));
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        let is_in = way != Way::Refused;
        if is_in && !settled.swap(true, Ordering::Relaxed) {
            guest.settle();
        }
        request.extensions_mut().insert(Peer(peer));
        request.extensions_mut().insert(Arrival { encrypted, public: public.clone() });
        let (began, uri, is_get) = (Instant::now(), request.uri().clone(), request.method() == Method::GET);
        let span = tracing::info_span!("request", %peer, method = %request.method(), path = uri.path());
        let ours = (is_in && is_get).then(|| Own::of(uri.path())).flatten();
        let answer = ours.map_or_else(|| Ok(routes.call(request)), Err);
        let progress = progress.clone();
        async move {
            let response = match answer {
                Ok(answer) => answer.await?,
                Err(Own::Figures) => figures(peer, shared).await,
                Err(Own::Stream(name)) => flv::answer(&name, &uri, peer, shared, progress).await,
            };
            shared.metrics.answered(uri.path(), response.status().as_u16(), began.elapsed());
            Ok::<_, std::convert::Infallible>(response)
        }
        .instrument(span)
    });
    let Timeouts { head, age } = shared.timeouts.http;
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(carrier), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
        () = aged(age, &progress, shared) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(CLOSE_TIMEOUT, connection).await {
                Ok(ended) => ended,
                Err(_) => Ok(()),
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "HTTP connection ended badly");
    }
}

/// What is answered here and not by the router.
enum Own {
    Figures,
    /// The stream of this name, as FLV.
    Stream(String),
}

impl Own {
    fn of(path: &str) -> Option<Self> {
        match path {
            "/metrics" => Some(Self::Figures),
            path => flv::name_of(path).map(|name| Self::Stream(name.to_owned())),
        }
    }
}

/// The answer to `/metrics`.
async fn figures(peer: SocketAddr, shared: &Shared) -> Response {
    match shared.service.totals().await {
        Ok(totals) => shared.metrics.set_totals(totals),
        Err(problem) => tracing::warn!(%problem, "rooms and members are not counted"),
    }
    let readers = shared.live.get().metrics;
    let problem = match readers {
        Readers::Off => Problem::new(Code::NotFound, "this server keeps its figures to itself"),
        Readers::Loopback if !peer.ip().to_canonical().is_loopback() => Problem::new(
            Code::Forbidden,
            "figures are for programs on the server's computer, unless its operator sets metrics = \"all\"",
        ),
        Readers::Loopback | Readers::All => match shared.metrics.text() {
            Ok(text) => {
                let content_type = (header::CONTENT_TYPE, HeaderValue::from_static(metrics::CONTENT_TYPE));
                return ([content_type], text).into_response();
            }
            Err(error) => {
                tracing::error!(%error, "the figures cannot be written");
                Problem::new(Code::Internal, "the figures cannot be written")
            }
        },
    };
    refused(problem)
}

/// The answer that says why not.
pub(super) fn refused(problem: Problem) -> Response {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, Json(problem)).into_response()
}

/// Ends when a connection has been there for `age`, and carries no stream that somebody watches.
async fn aged(age: Duration, progress: &Progress, shared: &Shared) {
    tokio::time::sleep(age).await;
    while progress.flows(&shared.hub) {
        tokio::time::sleep(STREAM_LOOK).await;
    }
}
