//! The requests.

use super::clock::Estimate;
use super::route::{Ask, CONNECT_TIMEOUT, REQUEST_TIMEOUT, Route};
use super::routes::{Routes, is_servers_fault, was_unheard};
use super::{Error, Transport, error::ErrorKind};
use crate::base::{Pin, ServerClock};
use crate::proto::address::DEFAULT_PORT;
use crate::proto::api::{Beat, Events, Heartbeat, Login, Member, Seat, Session, Time};
use crate::proto::{Address, Code, Problem, RoomId};
use crate::wire::tls;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How much longer than the wait asked for a long poll may take.
const POLL_SLACK: Duration = Duration::from_secs(5);
/// Round trips for one measurement of the clock.
const CLOCK_PROBES: usize = 8;

/// A person's connection to one room service. Clones share sign-in, connections and clock.
#[derive(Clone, Debug)]
pub struct Client {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    routes: Routes,
    clock: ServerClock,
    estimate: Mutex<Estimate>,
    signed_in: Mutex<Option<SignedIn>>,
    /// Held while signing in anew, so that several requests do not become several people.
    signing_in: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
struct SignedIn {
    request: Login,
    session: Session,
}

impl Client {
    /// A client of the server at `host`, `host:port`, `https://host:port` or `http://host:port`; a `#pin=...` behind it says which key the
    /// server has. Speaks TLS except where `http://` is given, or a server on this computer without a pin. Connects only when asked something.
    ///
    /// # Errors
    /// [`Error::BadAddress`].
    pub fn new(server: &str) -> Result<Self, Error> {
        Self::over(server, &Transport::default())
    }

    /// Like [`new`](Self::new), over something else than the address asks for.
    ///
    /// # Errors
    /// [`Error::BadAddress`].
    pub fn over(server: &str, transport: &Transport) -> Result<Self, Error> {
        Self::with_clock(server, transport, ServerClock::default())
    }

    /// Like [`over`](Self::over); the measured offset goes into `clock`.
    ///
    /// # Errors
    /// [`Error::BadAddress`].
    pub fn with_clock(server: &str, transport: &Transport, clock: ServerClock) -> Result<Self, Error> {
        let routes = Routes::new(Route::new(server, transport)?);
        Ok(Self {
            inner: Arc::new(Inner {
                routes,
                clock,
                estimate: Mutex::default(),
                signed_in: Mutex::default(),
                signing_in: Default::default(),
            }),
        })
    }

    /// The server as `host:port`. Where it names others with the same rooms, requests may go to one of them while it does not answer.
    pub fn server(&self) -> &str {
        &self.inner.routes.home().shown
    }

    /// The server as an invite names it, pin included.
    pub fn address(&self) -> &Address {
        &self.inner.routes.home().address
    }

    /// The server's clock, as far as it has been [measured](Self::measure_clock).
    pub fn clock(&self) -> &ServerClock {
        &self.inner.clock
    }

    /// The session, once signed in.
    pub fn session(&self) -> Option<Session> {
        lock(&self.inner.signed_in).as_ref().map(|s| s.session.clone())
    }

    /// Signs in under a display name. Later requests sign in again by themselves when the server has forgotten the session
    /// (which loses the seats held under it).
    ///
    /// # Errors
    /// All kinds; [`Code::BadName`] for a bad name.
    pub async fn login(&self, name: &str) -> Result<Session, Error> {
        self.login_as(&Login::new(name)).await
    }

    /// As [`login`](Self::login), where the server asks for more than a name.
    ///
    /// # Errors
    /// All kinds; [`Code::BadName`], [`Code::AccessKeyRequired`], [`Code::WrongAccessKey`].
    pub async fn login_as(&self, request: &Login) -> Result<Session, Error> {
        let session: Session = self.ask(Method::POST, &["login"], Some(request)).await?;
        self.inner.routes.learn(&session.servers);
        *lock(&self.inner.signed_in) = Some(SignedIn { request: request.clone(), session: session.clone() });
        Ok(session)
    }

    /// Goes on with a session from before, in which `request` had been said; should the server not know it any more, it is said again.
    pub fn resume(&self, request: &Login, session: Session) {
        self.inner.routes.learn(&session.servers);
        *lock(&self.inner.signed_in) = Some(SignedIn { request: request.clone(), session });
    }

    /// Forgets the session. Seats are left by [`exit_room`](Self::exit_room).
    pub fn logout(&self) {
        *lock(&self.inner.signed_in) = None;
    }

    /// Uses new connections from now on. After an outage those from before it may be dead without a word; requests on their way are left alone.
    pub fn forget_connections(&self) {
        self.inner.routes.afresh();
    }

    /// Measures the server's clock by several round trips and sets [`clock`](Self::clock). Returns `server - local` in microseconds.
    ///
    /// # Errors
    /// When the server does not answer even once.
    pub async fn measure_clock(&self) -> Result<i64, Error> {
        lock(&self.inner.estimate).clear();
        let mut best = Err(Error::Timeout { server: self.server().to_owned() });
        for _ in 0..CLOCK_PROBES {
            let sent = self.inner.clock.local().now();
            match self.ask::<Time>(Method::GET, &["time"], None::<&()>).await {
                Ok(time) => best = Ok(self.heard(sent, time.now_us)),
                // One lost probe of several does no harm.
                Err(_) if best.is_ok() => {}
                Err(error) => return Err(error),
            }
        }
        best
    }

    /// Says that one is still here, what one sends and what one measures. Also a probe of the server's clock.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`] or [`Code::RoomNotFound`] when the seat is lost: enter again.
    pub async fn heartbeat(&self, room: &RoomId, beat: impl Into<Heartbeat>) -> Result<Beat, Error> {
        let sent = self.inner.clock.local().now();
        let beat: Beat = self.request(Method::POST, &["rooms", room.as_str(), "heartbeat"], "", Some(&beat.into())).await?;
        self.heard(sent, beat.now_us);
        self.inner.routes.learn(&beat.servers);
        Ok(beat)
    }

    /// Says that one's own stream flows, where the seat's `stream.announce` asks for it.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`] or [`Code::RoomNotFound`] when the seat is lost.
    pub async fn announce_stream(&self, room: &RoomId) -> Result<(), Error> {
        let path = ["rooms", room.as_str(), "members", "me", "stream"];
        self.order(Method::POST, &path).await
    }

    /// What happened after event number `since`; waits up to `wait` (25 s at most) for something to happen.
    ///
    /// # Errors
    /// All kinds.
    pub async fn events(&self, room: &RoomId, since: u64, wait: Duration) -> Result<Events, Error> {
        let query = format!("since={since}&wait_s={}", wait.as_secs());
        self.request_within(wait + POLL_SLACK, Method::GET, &["rooms", room.as_str(), "events"], &query, None::<&()>).await
    }

    /// The key that the server shows, whoever it is: for a server on this very computer, which is believed without TLS as well.
    ///
    /// # Errors
    /// When it is not on this computer, or no TLS server.
    pub async fn key_shown(&self) -> Result<Pin, Error> {
        let Address { host, port, .. } = self.address();
        if !self.address().is_loopback() {
            return Err(self.inner.routes.home().not_parlor("it is not on this computer".to_owned()));
        }
        let host = host.to_string();
        let shown = tls::client::key_shown((host.trim_matches(['[', ']']), *port));
        match tokio::time::timeout(CONNECT_TIMEOUT, shown).await {
            Ok(shown) => shown.map_err(|error| self.inner.routes.home().not_parlor(format!("it shows no key ({error})"))),
            Err(_) => Err(Error::Timeout { server: self.server().to_owned() }),
        }
    }

    /// Streams are on the server with the key that this client was told of.
    pub(super) fn pin_seat(&self, mut seat: Seat) -> Seat {
        self.pin_url(&mut seat.publish_url);
        self.pin_members(&mut seat.state.members);
        seat
    }

    pub(super) fn pin_members(&self, members: &mut [Member]) {
        members.iter_mut().filter_map(|m| m.play_url.as_mut()).for_each(|url| self.pin_url(url));
    }

    fn pin_url(&self, url: &mut String) {
        let server = &self.inner.routes.active().address;
        if let Some(pin) = server.pin.filter(|_| is_on(server, url)) {
            url.push_str(&format!("#pin={pin}"));
        }
    }

    fn heard(&self, sent: Duration, server_us: i64) -> i64 {
        let offset = lock(&self.inner.estimate).add(sent, self.inner.clock.local().now(), server_us);
        self.inner.clock.set_offset(offset);
        offset
    }

    /// A request without a body whose answer says nothing.
    pub(super) async fn order(&self, method: Method, path: &[&str]) -> Result<(), Error> {
        self.request::<serde::de::IgnoredAny>(method, path, "", None::<&()>).await?;
        Ok(())
    }

    pub(super) async fn request<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        query: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        self.request_within(REQUEST_TIMEOUT, method, path, query, body).await
    }

    /// A request that needs a session; signs in anew, once, if the server does not know it any more.
    async fn request_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        method: Method,
        path: &[&str],
        query: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let Some(SignedIn { request, session }) = lock(&self.inner.signed_in).clone() else {
            return Err(Problem::new(Code::Unauthorized, "not signed in").into());
        };
        let ask = |token| self.ask_any(Ask { method: &method, path, query, token, body, timeout });
        match ask(Some(&session.token)).await {
            Err(error) if error.kind() == ErrorKind::Problem(Code::Unauthorized) => {
                let _one_at_a_time = self.inner.signing_in.lock().await;
                // Another request may have signed in meanwhile.
                let newer = self.session().filter(|s| s.token != session.token);
                let session = match newer {
                    Some(session) => session,
                    None => self.login_as(&request).await?,
                };
                ask(Some(&session.token)).await
            }
            answer => answer,
        }
    }

    /// A request that needs no session.
    async fn ask<T: DeserializeOwned>(&self, method: Method, path: &[&str], body: Option<&impl Serialize>) -> Result<T, Error> {
        self.ask_any(Ask { method: &method, path, query: "", token: None, body, timeout: REQUEST_TIMEOUT }).await
    }

    /// Asks the server that answered last; if that is gone, another one with the same rooms.
    async fn ask_any<T: DeserializeOwned, B: Serialize>(&self, ask: Ask<'_, B>) -> Result<T, Error> {
        let mut tried = Vec::new();
        loop {
            let route = self.inner.routes.active();
            let error = match route.ask(ask).await {
                Err(error) if is_servers_fault(&error) => error,
                answer => return answer,
            };
            tried.push(route.shown.clone());
            let goes_on = self.inner.routes.go_on(&route, &tried);
            if !goes_on || !was_unheard(&error) {
                return Err(error);
            }
        }
    }
}

/// Whether an encrypted stream is on this server itself, and not on an engine that has another key.
fn is_on(server: &Address, url: &str) -> bool {
    let Some(authority) = url.strip_prefix("rtmps://").and_then(|rest| rest.split('/').next()) else { return false };
    // Behind a proxy, streams go to the server's own port.
    [server.port, DEFAULT_PORT].iter().any(|port| authority == format!("{}:{port}", server.host))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_key_is_not_the_servers() {
        let server: Address = "parlor://calls.example:4000".parse().unwrap();
        for (url, own) in [
            ("rtmps://calls.example:4000/live/a?token=t", true),
            ("rtmps://calls.example:1935/live/a?token=t", true),
            ("rtmps://calls.example:1936/live/a?token=t", false),
            ("rtmps://engine.example:4000/live/a", false),
            ("rtmp://calls.example:4000/live/a", false),
        ] {
            assert_eq!(is_on(&server, url), own, "{url}");
        }
    }
}
