//! One accepted connection: look at its first byte, take the TLS off if it has any on, then hand it to the RTMP relay or to the HTTP router.

use super::cluster::Cluster;
use super::entrance::{Entrance, Guest};
use super::http;
use super::keeper::Keeper;
use super::listen::Stop;
use super::live::Live;
use super::metrics::{Kind, Metrics, Reason};
use super::streams::{Door, Visitor};
use super::unread::Unread;
use crate::relay::{self, Hub};
use crate::server::Service;
use crate::wire::tls::{Acceptor, Identity, TlsStream};
use crate::wire::{Carrier, CarrierKind, tune_accepted};
use axum::Router;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long a connection may stay silent before its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a TLS handshake may take: two flights over the slowest of lines.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// RTMP's version byte.
const RTMP: u8 = 0x03;
/// The type of a TLS record that holds a handshake.
const TLS: u8 = 0x16;

/// What all connections need.
pub(super) struct Shared {
    pub live: Live,
    pub entrance: Arc<Entrance>,
    pub metrics: Arc<Metrics>,
    pub service: Service,
    pub router: Router,
    pub hub: Hub,
    pub door: Arc<Door>,
    pub cluster: Option<Arc<Cluster>>,
    pub identity: Arc<Identity>,
    pub tls: Acceptor,
    pub keeper: Keeper,
    pub timeouts: Timeouts,
}

impl Shared {
    /// Somebody plays a stream here; it may be published at another server.
    pub fn wanted(&self, stream: &str, owner: &str) {
        if let Some(cluster) = &self.cluster {
            cluster.wanted(stream, owner);
        }
    }
}

/// How patient a connection is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub first_byte: Duration,
    pub handshake: Duration,
    pub http: http::Timeouts,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { first_byte: FIRST_BYTE_TIMEOUT, handshake: HANDSHAKE_TIMEOUT, http: http::Timeouts::default() }
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

/// Serves one connection until it is over, or it has to go because it is silent and others want to come in.
pub(super) async fn serve(stream: TcpStream, peer: SocketAddr, guest: Guest, shared: Arc<Shared>, stop: Stop) {
    let guest = Arc::new(guest);
    tokio::select! {
        () = begin(stream, peer, &guest, &shared, stop) => {}
        () = guest.sent_away() => {
            shared.metrics.refused(Reason::Pending);
            tracing::info!(%peer, "closed: too many connections say nothing, and this one for longest");
        }
    }
}

async fn begin(stream: TcpStream, peer: SocketAddr, guest: &Arc<Guest>, shared: &Arc<Shared>, stop: Stop) {
    if let Err(error) = tune_accepted(&stream) {
        tracing::debug!(%peer, %error, "the connection cannot be prepared");
    }
    match sniff(&stream, shared.timeouts.first_byte, stop.asked.clone()).await {
        Some(TLS) => {
            if let Some((stream, first)) = unwrap(stream, peer, shared, stop.asked.clone()).await {
                speak(Unread::new(first, stream), first, CarrierKind::Tls, peer, guest, shared, stop).await;
            }
        }
        Some(first) => speak(stream, first, CarrierKind::Tcp, peer, guest, shared, stop).await,
        None => {
            shared.metrics.refused(Reason::Silent);
            tracing::debug!(%peer, "closed without a byte");
        }
    }
}

/// What is inside the TLS, and its first byte. Until then the connection counts among those that have said nothing useful.
async fn unwrap(
    stream: TcpStream,
    peer: SocketAddr,
    shared: &Shared,
    mut stop: watch::Receiver<bool>,
) -> Option<(TlsStream, u8)> {
    let Timeouts { handshake, first_byte, .. } = shared.timeouts;
    let unwrapped = async {
        let mut stream = match timeout(handshake, shared.tls.accept(stream)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                shared.metrics.refused(Reason::Handshake);
                tracing::debug!(%peer, %error, "no TLS");
                return None;
            }
            Err(_) => {
                shared.metrics.refused(Reason::Silent);
                tracing::debug!(%peer, "the TLS handshake takes too long: closed");
                return None;
            }
        };
        let first = timeout(first_byte, stream.read_u8()).await;
        if first.is_err() {
            shared.metrics.refused(Reason::Silent);
        }
        Some((stream, first.ok()?.ok()?))
    };
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => None,
        unwrapped = unwrapped => unwrapped,
    }
}

/// RTMP or HTTP, whatever carries it.
async fn speak<C: Carrier + 'static>(
    stream: C,
    first: u8,
    carrier: CarrierKind,
    peer: SocketAddr,
    guest: &Arc<Guest>,
    shared: &Arc<Shared>,
    stop: Stop,
) {
    let encrypted = carrier.is_encrypted();
    let is_welcome = encrypted || peer.ip().to_canonical().is_loopback() || {
        let config = shared.live.get();
        config.plain || config.open
    };
    match Protocol::of(first) {
        Some(Protocol::Http) => {
            let _open = shared.metrics.opened(if encrypted { Kind::Https } else { Kind::Http });
            let way = if is_welcome { http::Way::In { encrypted } } else { http::Way::Refused };
            // Large, and few of them: other connections need not have room for it.
            Box::pin(http::serve(stream, peer, way, guest, shared, stop.asked)).await;
        }
        Some(Protocol::Rtmp) if is_welcome => {
            let _open = shared.metrics.opened(if encrypted { Kind::Rtmps } else { Kind::Rtmp });
            let policy = Arc::new(Visitor { guest: guest.clone(), shared: shared.clone() });
            // A task of its own, so that packets need not come down through all that was asked before.
            let mut relaying = JoinSet::new();
            relaying.spawn(relay::serve_connection(stream, peer, shared.hub.clone(), policy, stop.drained));
            if let Some(Err(error)) = relaying.join_next().await {
                tracing::error!(%peer, %error, "a connection broke down");
            }
        }
        Some(Protocol::Rtmp) => {
            shared.metrics.refused(Reason::Plain);
            tracing::info!(%peer, "refused: RTMP without TLS from another computer; rtmps:// works, and rtmp:// with the setting `plain`");
        }
        None => {
            shared.metrics.refused(Reason::Garbage);
            tracing::debug!(%peer, first, "neither RTMP nor HTTP: closed");
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::host::Config;
    use crate::host::streams::Streams;
    use crate::server::store::Memory;
    use crate::server::token::Keys;
    use crate::server::{Limits, router};
    use crate::wire::tls::identity::Source;
    use tokio::io::AsyncWriteExt as _;
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    const SOON: Duration = Duration::from_millis(100);
    const NEVER: Duration = Duration::from_secs(3600);

    /// Somebody on another computer (an address for documentation).
    const STRANGER: &str = "192.0.2.7:5000";

    struct Served {
        client: TcpStream,
        task: JoinHandle<()>,
        _stop: watch::Sender<bool>,
    }

    impl Served {
        async fn with(timeouts: Timeouts) -> Self {
            Self::to(None, false, timeouts).await
        }

        /// Who comes from `STRANGER` in truth comes from this computer as well.
        async fn to(stranger: Option<&str>, plain: bool, timeouts: Timeouts) -> Self {
            let hub = Hub::default();
            let (clock, streams) = (Clock::system(), Arc::new(Streams(hub.clone())));
            let store = Arc::new(Memory::new(clock.clone()));
            let keys = Keys::random();
            let service = Service::new(Limits::default(), keys.clone(), clock.clone(), store, streams);
            let (live, entrance) = (Live::new(Config { plain, ..Config::default() }), Arc::new(Entrance::default()));
            let door = Arc::new(Door { service: service.clone(), live: live.clone(), notices: Arc::default() });
            let metrics = Arc::new(Metrics::new(hub.clone(), entrance.clone()));
            let router = router(service.clone());
            let identity = Arc::new(Identity::open(&Source::Memory).unwrap());
            let tls = Acceptor::new(identity.clone()).unwrap();
            let keeper = Keeper { keys, folder: None, clock, live: live.clone() };
            let shared = Arc::new(Shared {
                live,
                entrance,
                metrics,
                router,
                service,
                hub,
                door,
                cluster: None,
                keeper,
                identity,
                tls,
                timeouts,
            });
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let peer = stranger.map_or(peer, |stranger| stranger.parse().unwrap());
            let (stop, stopped) = watch::channel(false);
            let guest = shared.entrance.admit(peer.ip(), &shared.live.get().door).unwrap();
            let stopped = Stop { asked: stopped.clone(), drained: stopped };
            let task = tokio::spawn(serve(stream, peer, guest, shared, stopped));
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

    const PATIENT: Timeouts = Timeouts { first_byte: NEVER, handshake: NEVER, http: http::Timeouts { head: NEVER, age: NEVER } };

    #[tokio::test]
    async fn a_silent_connection_is_closed() {
        let served = Served::with(Timeouts { first_byte: SOON, ..PATIENT }).await;
        assert_eq!(served.rest().await, "");
    }

    #[tokio::test]
    async fn a_head_that_trickles_in_is_given_up() {
        let mut served = Served::with(Timeouts { http: http::Timeouts { head: SOON, ..PATIENT.http }, ..PATIENT }).await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
        assert!(!served.rest().await.contains("200"));
    }

    #[tokio::test]
    async fn an_idle_connection_is_closed_after_its_requests_were_answered() {
        let mut served = Served::with(Timeouts { http: http::Timeouts { head: SOON, ..PATIENT.http }, ..PATIENT }).await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(served.rest().await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn an_old_connection_is_closed() {
        let served = Served::with(Timeouts { http: http::Timeouts { age: SOON, ..PATIENT.http }, ..PATIENT });
        let mut served = served.await;
        served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(served.rest().await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn garbage_is_closed_at_once() {
        for garbage in [&b"\x00\x01\x02"[..], b"\r\n\r\n", b"get / http/1.1\r\n\r\n", &[0xff; 5000]] {
            let mut served = Served::with(PATIENT).await;
            served.client.write_all(garbage).await.unwrap();
            assert_eq!(served.rest().await, "", "{garbage:?}");
        }
    }

    #[tokio::test]
    async fn a_handshake_that_stops_halfway_is_given_up() {
        for half in [&[0x16][..], &[0x16, 0x03, 0x01, 0x00, 0x05], &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc]] {
            let mut served = Served::with(Timeouts { handshake: SOON, ..PATIENT }).await;
            served.client.write_all(half).await.unwrap();
            assert_eq!(served.rest().await, "", "{half:?}");
        }
    }

    #[tokio::test]
    async fn what_only_begins_like_tls_is_closed_at_once() {
        let endless = [&[0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0xff, 0xff, 0xff][..], &[0; 20_000]].concat();
        for garbage in [&[0x16; 4000][..], b"\x16GET / HTTP/1.1\r\n\r\n", &endless] {
            let mut served = Served::with(PATIENT).await;
            // It may be closed before all is written.
            let _ = served.client.write_all(garbage).await;
            let answer = served.rest().await;
            assert!(answer.len() <= 14, "more than an alert: {answer:?}");
        }
    }

    #[tokio::test]
    async fn plain_text_from_another_computer_is_refused_in_words() {
        let request = b"POST /v1/login HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n{\"name\":\"Ann\"}";
        let mut served = Served::to(Some(STRANGER), false, PATIENT).await;
        served.client.write_all(request).await.unwrap();
        let answer = served.rest().await;
        assert!(answer.starts_with("HTTP/1.1 426") && answer.contains("\"encryption_required\""), "{answer}");
        let mut served = Served::to(Some(STRANGER), false, PATIENT).await;
        served.client.write_all(&[RTMP; 1537]).await.unwrap();
        assert_eq!(served.rest().await, "", "RTMP has no words before its handshake");
        // Where the operator allows it, and from this computer, it works.
        for (stranger, plain) in [(Some(STRANGER), true), (None, false), (Some("[::ffff:127.0.0.1]:5"), false)] {
            let mut served = Served::to(stranger, plain, PATIENT).await;
            served.client.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
            assert!(served.rest().await.starts_with("HTTP/1.1 200"), "{stranger:?} {plain}");
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
