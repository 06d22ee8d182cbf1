//! One accepted connection: look at its first byte, then hand it to the RTMP relay or to the HTTP router.

use super::streams::Door;
use crate::relay::{self, Hub};
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
    pub hub: Hub,
    pub door: Arc<Door>,
    pub timeouts: Timeouts,
}

/// How patient a connection is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    first_byte: Duration,
    head: Duration,
    age: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte: FIRST_BYTE_TIMEOUT, head: HEAD_TIMEOUT, age: MAX_AGE }
    }
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
    match sniff(&stream, shared.timeouts.first_byte, stop.clone()).await {
        Some(first) => match Protocol::of(first) {
            Some(Protocol::Http) => http(stream, peer, &shared, stop).await,
            Some(Protocol::Rtmp) => relay::serve_connection(stream, peer, shared.hub.clone(), shared.door.clone(), stop).await,
            None => tracing::debug!(%peer, first, "neither RTMP nor HTTP: closed"),
        },
        None => tracing::debug!(%peer, "closed without a byte"),
    }
}

/// The first byte, left where it is; `None` if none comes in time.
async fn sniff(stream: &TcpStream, patience: Duration, mut stop: watch::Receiver<bool>) -> Option<u8> {
    let mut first = [0];
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => None,
        peeked = tokio::time::timeout(patience, stream.peek(&mut first)) => match peeked {
            Ok(Ok(1)) => Some(first[0]),
            _ => None,
        },
    }
}

async fn http(stream: TcpStream, peer: SocketAddr, shared: &Shared, mut stop: watch::Receiver<bool>) {
    let service = TowerToHyperService::new(shared.router.clone().layer(Extension(Peer(peer))));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(shared.timeouts.head)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = stop.wait_for(|stop| *stop) => None,
        () = tokio::time::sleep(shared.timeouts.age) => None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::host::streams::Streams;
    use crate::server::store::Memory;
    use crate::server::token::Keys;
    use crate::server::{Limits, router};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    const SOON: Duration = Duration::from_millis(100);
    const NEVER: Duration = Duration::from_secs(3600);

    struct Served {
        client: TcpStream,
        task: JoinHandle<()>,
        _stop: watch::Sender<bool>,
    }

    impl Served {
        async fn with(timeouts: Timeouts) -> Self {
            let hub = Hub::default();
            let (clock, streams) = (Clock::system(), Arc::new(Streams(hub.clone())));
            let store = Arc::new(Memory::new(clock.clone()));
            let service = Service::new(Limits::default(), Keys::random(), clock, store, streams);
            let door = Arc::new(Door { service: service.clone(), open: false, notices: Arc::default() });
            let shared = Shared { router: router(service.clone()), service, hub, door, timeouts };
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let (stop, stopped) = watch::channel(false);
            let task = tokio::spawn(serve(stream, peer, Arc::new(shared), stopped));
            Self { client, task, _stop: stop }
        }

        /// What the server sends until it closes; the connection's task has ended by then.
        async fn rest(mut self) -> String {
            let mut answer = Vec::new();
            // Closing with unread bytes resets; what came before is what counts.
            let _ = self.client.read_to_end(&mut answer).await;
            self.task.await.unwrap();
            String::from_utf8_lossy(&answer).into_owned()
        }
    }

    const PATIENT: Timeouts = Timeouts { first_byte: NEVER, head: NEVER, age: NEVER };

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let served = Served::with(Timeouts { first_byte: SOON, ..PATIENT }).await;
        assert_eq!(served.rest().await, "");
    }

    #[tokio::test]
    async fn a_head_that_trickles_in_is_given_up() {
        let mut served = Served::with(Timeouts { head: SOON, ..PATIENT }).await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
        assert!(!served.rest().await.contains("200"));
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed_after_its_requests_were_answered() {
        let mut served = Served::with(Timeouts { head: SOON, ..PATIENT }).await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(served.rest().await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn an_old_connection_is_closed() {
        let served = Served::with(Timeouts { age: SOON, ..PATIENT });
        let mut served = served.await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(served.rest().await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn garbage_is_closed_at_once() {
        let tls_hello = [0x16, 0x03, 0x01, 0x00, 0x05];
        for garbage in [&tls_hello[..], b"\x00\x01\x02", b"\r\n\r\n", b"get / http/1.1\r\n\r\n", &[0xff; 5000]] {
            let mut served = Served::with(PATIENT).await;
            served.client.write_all(garbage).await.unwrap();
            assert_eq!(served.rest().await, "", "{garbage:?}");
        }
    }

    #[tokio::test]
    async fn what_only_begins_like_http_is_refused() {
        let long_line = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20_000));
        let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500));
        for garbage in
            ["ABCDEFGH\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &long_line, &many_headers]
        {
            let mut served = Served::with(PATIENT).await;
            served.client.write_all(garbage.as_bytes()).await.unwrap();
            let answer = served.rest().await;
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        }
    }
}
