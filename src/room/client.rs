//! The requests.

use super::address;
use super::clock::Estimate;
use super::{Error, error::ErrorKind};
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

/// How long a connection may take to come up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an ordinary request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// How much longer than the wait asked for a long poll may take.
const POLL_SLACK: Duration = Duration::from_secs(5);
/// Idle connections are given up earlier than the server does, so that no request meets a connection that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// Largest answer read, in bytes: a page of 200 rooms with four long names each is a fifth of it.
const MAX_ANSWER_BYTES: usize = 1 << 20;
/// Round trips for one measurement of the clock.
const CLOCK_PROBES: usize = 8;

/// A person's connection to one room service. Clones share sign-in, connections and clock.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    address: Address,
    /// `host:port`, for people.
    shown: String,
    /// `https://host:port/`, or without the s.
    base: url::Url,
    clock: ServerClock,
    estimate: Mutex<Estimate>,
    signed_in: Mutex<Option<SignedIn>>,
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
        Self::with_clock(server, ServerClock::default())
    }

    /// Like [`new`](Self::new); the measured offset goes into `clock`.
    ///
    /// # Errors
    /// [`Error::BadAddress`].
    pub fn with_clock(server: &str, clock: ServerClock) -> Result<Self, Error> {
        let (address, base) = address::parse(server)?;
        let shown = address.authority();
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        if address.is_loopback() {
            builder = builder.no_proxy();
        }
        let trust =
            tls::client::config(address.pin).map_err(|e| Problem::new(Code::Internal, format!("TLS cannot be used: {e}")))?;
        let http = builder.tls_backend_preconfigured(trust).build().map_err(|cause| Error::from_transport(&shown, cause))?;
        let inner = Inner { address, shown, base, clock, estimate: Mutex::default(), signed_in: Mutex::default() };
        Ok(Self { http, inner: Arc::new(inner) })
    }

    /// The server as `host:port`.
    pub fn server(&self) -> &str {
        &self.inner.shown
    }

    /// The server as an invite names it, pin included.
    pub fn address(&self) -> &Address {
        &self.inner.address
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
        let session: Session = self.ask(Method::POST, self.url(&["login"], ""), None, Some(request)).await?;
        *lock(&self.inner.signed_in) = Some(SignedIn { request: request.clone(), session: session.clone() });
        Ok(session)
    }

    /// Forgets the session. Seats are left by [`exit_room`](Self::exit_room).
    pub fn logout(&self) {
        *lock(&self.inner.signed_in) = None;
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
            match self.ask::<Time>(Method::GET, self.url(&["time"], ""), None, None::<&()>).await {
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
            return Err(self.not_parlor("it is not on this computer".to_owned()));
        }
        let host = host.to_string();
        let shown = tls::client::key_shown((host.trim_matches(['[', ']']), *port));
        match tokio::time::timeout(CONNECT_TIMEOUT, shown).await {
            Ok(shown) => shown.map_err(|error| self.not_parlor(format!("it shows no key ({error})"))),
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
        if let Some(pin) = self.inner.address.pin.filter(|_| is_on(&self.inner.address, url)) {
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
        let url = self.url(path, query);
        let Some(SignedIn { request, session }) = lock(&self.inner.signed_in).clone() else {
            return Err(Problem::new(Code::Unauthorized, "not signed in").into());
        };
        match self.ask_within(timeout, method.clone(), url.clone(), Some(&session.token), body).await {
            Err(error) if error.kind() == ErrorKind::Problem(Code::Unauthorized) => {
                // Another request may have signed in meanwhile.
                let newer = self.session().filter(|s| s.token != session.token);
                let session = match newer {
                    Some(session) => session,
                    None => self.login_as(&request).await?,
                };
                self.ask_within(timeout, method, url, Some(&session.token), body).await
            }
            answer => answer,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        url: url::Url,
        token: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        self.ask_within(REQUEST_TIMEOUT, method, url, token, body).await
    }

    async fn ask_within<T: DeserializeOwned>(
        &self,
        timeout: Duration,
        method: Method,
        url: url::Url,
        token: Option<&str>,
        body: Option<&impl Serialize>,
    ) -> Result<T, Error> {
        let transport = |cause| Error::from_transport(self.server(), cause);
        let mut request = self.http.request(method, url).timeout(timeout);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let again = request.try_clone();
        let mut response = match (request.send().await, again) {
            // A kept connection that the server had closed (it restarted, for one): the request was not heard. A fresh one tells more.
            (Err(error), Some(again)) if Error::was_cut(&error) => again.send().await,
            (result, _) => result,
        }
        .map_err(transport)?;
        let status = response.status();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(transport)? {
            if answer.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.not_parlor(format!("it answers with more than {MAX_ANSWER_BYTES} bytes")));
            }
            answer.extend_from_slice(&chunk);
        }
        if status.is_success() {
            serde_json::from_slice(&answer).map_err(|e| self.not_parlor(format!("its answer is not understood ({e})")))
        } else {
            match serde_json::from_slice::<Problem>(&answer) {
                Ok(problem) => Err(problem.into()),
                Err(_) => Err(self.not_parlor(format!("it answers with status {status}"))),
            }
        }
    }

    fn not_parlor(&self, detail: String) -> Error {
        Error::NotParlor { server: self.server().to_owned(), detail }
    }

    fn url(&self, path: &[&str], query: &str) -> url::Url {
        let mut url = self.inner.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("v1").extend(path);
        }
        url.set_query((!query.is_empty()).then_some(query));
        url
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
