//! One accepted connection: look at its first byte, then hand it to the RTMP relay or to the HTTP router.

use crate::server::{Peer, Service};
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long a connection may stay silent before its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
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
/// RTMP's version byte.
const RTMP: u8 = 0x03;

/// What all connections need.
pub(super) struct Shared {
    pub service: Service,
    pub router: Router,
}

/// What a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Rtmp,
    Http,
}

impl Protocol {
    fn of(first: u8) -> Option<Self> {
        match first {
            RTMP => Some(Self::Rtmp),
            // A method's first letter; the empty line that HTTP/1.1 allows before it is not worth the door it opens.
            b'A'..=b'Z' => Some(Self::Http),
            _ => None,
        }
    }
}

pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>, stop: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no TCP_NODELAY");
    }
    match sniff(&stream, stop.clone()).await {
        Some(first) => match Protocol::of(first) {
            Some(Protocol::Http) => http(stream, peer, &shared.router, stop).await,
            Some(Protocol::Rtmp) | None => tracing::debug!(%peer, first, "neither RTMP nor HTTP: closed"),
        },
        None => tracing::debug!(%peer, "closed without a byte"),
    }
}

/// The first byte, left where it is; `None` if none comes in time.
async fn sniff(stream: &TcpStream, mut stop: watch::Receiver<bool>) -> Option<u8> {
    let mut first = [0];
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => None,
        peeked = tokio::time::timeout(FIRST_BYTE_TIMEOUT, stream.peek(&mut first)) => match peeked {
            Ok(Ok(1)) => Some(first[0]),
            _ => None,
        },
    }
}

async fn http(stream: TcpStream, peer: SocketAddr, router: &Router, mut stop: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(router.clone().layer(Extension(Peer(peer))));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
        () = tokio::time::sleep(MAX_AGE) => None,
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
