//! A room service on a real listener, with a clock that is stepped and streams that flow when the test says so.

use crate::contract::{Breaches, hold_to_document};
use parlor::base::{Clock, Secret};
use parlor::proto::api::{CreateRoom, Seat};
use parlor::proto::{Code, Mode, RoomId};
use parlor::room::{self, Client, ErrorKind};
use parlor::server::engine::{self, Engine};
use parlor::server::store::Memory;
use parlor::server::token::Keys;
use parlor::server::{Access, Limits, MediaSide, Peer, Service, router};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What operators of this world know.
pub const ADMIN_KEY: &str = "the operators' key";
/// The beginning of the pretended time.
pub const T0: Duration = Duration::from_secs(1_700_000_000);

/// Which streams flow, and which were ended.
#[derive(Default)]
pub struct Streams {
    live: Mutex<BTreeSet<String>>,
    kicked: Mutex<Vec<String>>,
    /// Somebody else's engine, whose hooks say what flows.
    engine: Option<(Engine, Clock)>,
}

impl MediaSide for Streams {
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(match &self.engine {
            Some((engine, clock)) => engine.flows(stream, clock.now()),
            None => self.live.lock().unwrap().contains(stream),
        }))
    }

    fn kick(&self, stream: &str) {
        self.live.lock().unwrap().remove(stream);
        self.kicked.lock().unwrap().push(stream.to_owned());
    }

    fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref().map(|(engine, _)| engine)
    }
}

pub struct World {
    pub service: Service,
    pub clock: Clock,
    pub addr: SocketAddr,
    streams: Arc<Streams>,
    breaches: Breaches,
    serving: JoinHandle<()>,
}

impl World {
    pub async fn new() -> Self {
        Self::with(Keys::random(), "127.0.0.1:0").await
    }

    pub async fn with(keys: Keys, listen: &str) -> Self {
        Self::later(keys, listen, T0).await
    }

    /// A world that begins then.
    pub async fn later(keys: Keys, listen: &str, begins: Duration) -> Self {
        Self::of(keys, listen, None, begins).await
    }

    /// Streams are on an engine, whose hooks tell what flows.
    pub async fn behind(engine: engine::Config) -> Self {
        Self::of(Keys::random(), "127.0.0.1:0", Engine::new(&engine).unwrap(), T0).await
    }

    async fn of(keys: Keys, listen: &str, engine: Option<Engine>, begins: Duration) -> Self {
        // For tests that make requests without the room client.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let clock = Clock::manual(begins);
        let streams = Arc::new(Streams { engine: engine.map(|engine| (engine, clock.clone())), ..Streams::default() });
        let service = Service::new(Limits::default(), keys, clock.clone(), Arc::new(Memory::new(clock.clone())), streams.clone());
        service.set_access(Access { admin_key: Some(Secret::new(ADMIN_KEY)), access_key: None });
        let listener = TcpListener::bind(listen).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let breaches = Breaches::default();
        let held = axum::middleware::from_fn_with_state(breaches.clone(), hold_to_document);
        let routes = router(service.clone()).layer(held).layer(axum::Extension(Peer(addr)));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { service, clock, addr, streams, breaches, serving }
    }

    /// Stops serving, as a crash would; rooms are lost.
    pub async fn stop(mut self) -> SocketAddr {
        self.service.close();
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.addr
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Somebody signed in.
    pub async fn client(&self, name: &str) -> Client {
        let client = Client::new(&self.addr.to_string()).unwrap();
        client.login(name).await.unwrap();
        client
    }

    /// A room with its creator's stream flowing.
    pub async fn room(&self, creator: &Client, mode: Mode) -> Seat {
        let seat = creator.create_room(&wish("Call", mode)).await.unwrap();
        self.push(&seat).await;
        seat
    }

    /// Enters and pushes.
    pub async fn join(&self, client: &Client, room: &RoomId) -> Seat {
        let seat = client.enter_room(room.as_str(), None).await.unwrap();
        self.push(&seat).await;
        seat
    }

    pub async fn push(&self, seat: &Seat) {
        self.streams.live.lock().unwrap().insert(stream_of(&seat.publish_url).0);
        self.service.started(&stream_of(&seat.publish_url).0).await;
    }

    pub async fn stop_pushing(&self, seat: &Seat) {
        self.streams.live.lock().unwrap().remove(&stream_of(&seat.publish_url).0);
        self.service.stopped(&stream_of(&seat.publish_url).0).await;
    }

    pub fn was_kicked(&self, seat: &Seat) -> bool {
        self.streams.kicked.lock().unwrap().contains(&stream_of(&seat.publish_url).0)
    }

    /// Lets pretended time pass.
    pub async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            self.service.expire().await.unwrap();
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.breaches.assert_none();
        }
    }
}

pub fn wish(name: &str, mode: Mode) -> CreateRoom {
    CreateRoom::new(name, mode)
}

/// Stream name and token of a URL.
pub fn stream_of(url: &str) -> (String, String) {
    let url = url::Url::parse(url).unwrap();
    let name = url.path().strip_prefix("/live/").unwrap().to_owned();
    let token = url.query_pairs().find(|(key, _)| key == "token").unwrap().1.into_owned();
    (name, token)
}

pub fn code<T: std::fmt::Debug>(result: Result<T, room::Error>) -> Code {
    match result.unwrap_err().kind() {
        ErrorKind::Problem(code) => code,
        other => panic!("not a problem but {other:?}"),
    }
}

/// Requests without our client.
pub fn http() -> reqwest::Client {
    reqwest::Client::builder().tls_backend_preconfigured(parlor::wire::tls::client::config(None).unwrap()).build().unwrap()
}
