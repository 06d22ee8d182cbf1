//! The streams of somebody else's engine, as the room service sees them: the engine is asked which flow, and told to end one, over HTTP.

use crate::base::Clock;
use crate::server::MediaSide;
use crate::server::engine::look::{self, Looks};
use crate::server::engine::{Config, Engine, Kind};
use crate::server::room::id;
use crate::wire::tls;
use reqwest::{Client, Method};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

/// How long the engine may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Largest answer that is read: a page of nginx's has about 2 kB for a stream with two connections.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// An answer is used for so long: all members who are due in the same second need one request.
const FRESH: Duration = Duration::from_secs(1);
/// An engine that did not answer is left alone for so long: nobody else who is due waits for it, too.
const PAUSE: Duration = Duration::from_secs(5);
/// Requests to end streams that run side by side; more wait.
const ENDINGS: usize = 8;
/// Streams asked for: SRS gives ten unless told otherwise.
const STREAMS: &str = "100000";

/// An engine, and the way to it.
pub(super) struct Remote(Arc<Inner>);

struct Inner {
    engine: Engine,
    clock: Clock,
    http: Client,
    /// The engine's last answer, `None` if there was none, and when that was.
    looks: Mutex<Option<(Duration, Option<Arc<Looks>>)>>,
    endings: Semaphore,
}

/// Why the engine could not be asked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the engine does not answer at {0}")]
    Http(String, #[source] reqwest::Error),
    #[error("the engine's address is none")]
    Address(#[source] url::ParseError),
    #[error("the engine's answer is longer than {MAX_ANSWER_BYTES} bytes")]
    TooLong,
    #[error("the engine's answer is not understood")]
    NotUnderstood(#[source] serde_json::Error),
}

impl Remote {
    /// # Errors
    /// When TLS cannot be used.
    pub(super) fn new(engine: Engine, clock: Clock) -> Result<Self, super::Error> {
        let failed = |why: &dyn std::fmt::Display| super::Error::Engine(vec![format!("the engine cannot be asked: {why}")]);
        let trust = tls::client::config(None).map_err(|why| failed(&why))?;
        let http = Client::builder()
            .connect_timeout(PATIENCE)
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .tls_backend_preconfigured(trust)
            .build()
            .map_err(|why| failed(&why))?;
        let inner = Inner { engine, clock, http, looks: Mutex::default(), endings: Semaphore::new(ENDINGS) };
        Ok(Self(Arc::new(inner)))
    }
}

impl MediaSide for Remote {
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(self.0.is_live(stream))
    }

    fn kick(&self, stream: &str) {
        self.0.engine.forget(stream);
        if self.0.engine.config().control.is_none() {
            return;
        }
        let (inner, stream) = (Arc::clone(&self.0), stream.to_owned());
        tokio::spawn(async move {
            let Ok(_place) = inner.endings.acquire().await else { return };
            inner.end(&stream).await;
        });
    }

    fn make_way<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.0.end(stream))
    }

    fn engine(&self) -> Option<&Engine> {
        Some(&self.0.engine)
    }
}

impl Inner {
    fn config(&self) -> &Config {
        self.engine.config()
    }

    async fn is_live(&self, stream: &str) -> bool {
        let by_hooks = || self.engine.flows(stream, self.clock.now());
        let Some(seat) = id::holder_of(stream) else { return by_hooks() };
        match self.looks().await {
            Some(looks) => self.engine.looked(stream, &seat, &looks, self.clock.now()),
            None => by_hooks(),
        }
    }

    /// Which streams flow, as of a second ago at most; `None` if nobody can be asked, or the engine does not answer.
    async fn looks(&self) -> Option<Arc<Looks>> {
        let stat = self.config().stat.as_ref()?.expose();
        // Held while the engine is asked: the others wait for the same answer.
        let mut last = self.looks.lock().await;
        let now = self.clock.now();
        if let Some((at, looks)) = &*last
            && now.saturating_sub(*at) < if looks.is_some() { FRESH } else { PAUSE }
        {
            return looks.clone();
        }
        let looks = match self.ask_for_looks(stat).await {
            Ok(looks) => Some(Arc::new(looks)),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the engine does not say which streams flow");
                None
            }
        };
        *last = Some((self.clock.now(), looks.clone()));
        looks
    }

    async fn ask_for_looks(&self, stat: &str) -> Result<Looks, Error> {
        let mut url = parse(stat)?;
        if self.config().kind == Kind::Srs {
            url.query_pairs_mut().append_pair("count", STREAMS);
            return look::srs(&self.ask(Method::GET, url).await?).map_err(Error::NotUnderstood);
        }
        Ok(look::nginx(&String::from_utf8_lossy(&self.ask(Method::GET, url).await?)))
    }

    /// Ends a stream, if the engine can be told.
    async fn end(&self, stream: &str) {
        match self.tell_to_end(stream).await {
            Ok(()) => tracing::debug!(stream, "ended on the engine"),
            Err(error) => tracing::warn!(stream, error = &error as &dyn std::error::Error, "not ended on the engine"),
        }
    }

    async fn tell_to_end(&self, stream: &str) -> Result<(), Error> {
        let (Some(control), Some(seat)) = (&self.config().control, id::holder_of(stream)) else { return Ok(()) };
        let mut url = parse(control.expose())?;
        if self.config().kind == Kind::Nginx {
            let (app, name) = self.engine.place(&seat);
            url.set_path(&format!("{}/drop/publisher", url.path().trim_end_matches('/')));
            url.query_pairs_mut().append_pair("app", &app).append_pair("name", &name);
            return self.ask(Method::GET, url).await.map(drop);
        }
        let Some(looks) = self.looks().await else { return Ok(()) };
        let Some(client) = self.engine.find(&seat, &looks).map(|look| look.client.as_str()).filter(|c| !c.is_empty()) else {
            return Ok(());
        };
        url.set_path(&format!("{}/{client}", url.path().trim_end_matches('/')));
        self.ask(Method::DELETE, url).await.map(drop)
    }

    async fn ask(&self, method: Method, url: Url) -> Result<Vec<u8>, Error> {
        // There may be a password in it.
        let shown = format!("{}{}", url.authority().rsplit('@').next().unwrap_or_default(), url.path());
        let failed = |error: reqwest::Error| Error::Http(shown.clone(), error.without_url());
        let answer = self.http.request(method, url).send().await.and_then(|answer| answer.error_for_status());
        let mut answer = answer.map_err(failed)?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > MAX_ANSWER_BYTES {
                return Err(Error::TooLong);
            }
            body.extend_from_slice(&part);
        }
        Ok(body)
    }
}

fn parse(text: &str) -> Result<Url, Error> {
    Url::parse(text).map_err(Error::Address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use axum::Router;
    use axum::routing::{delete, get};
    use std::sync::Mutex as Plain;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::net::TcpListener;

    const STREAM: &str = "k7wq2mnd_abcdefghjkmn";

    /// SRS's API: the answer to "which streams?", how often that was asked, and which clients were ended.
    #[derive(Default)]
    struct Srs {
        answer: Plain<String>,
        asked: AtomicUsize,
        ended: Plain<Vec<String>>,
    }

    async fn serve(srs: &Arc<Srs>) -> String {
        let (streams, clients) = (srs.clone(), srs.clone());
        let list = async move || {
            streams.asked.fetch_add(1, Ordering::SeqCst);
            streams.answer.lock().unwrap().clone()
        };
        let end = async move |axum::extract::Path(client): axum::extract::Path<String>| {
            clients.ended.lock().unwrap().push(client);
            "{\"code\":0}"
        };
        let routes = Router::new().route("/api/v1/streams/", get(list)).route("/api/v1/clients/{client}", delete(end));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}/api/v1", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        base
    }

    fn remote(base: &str, clock: &Clock) -> Remote {
        let config = Config {
            kind: Kind::Srs,
            push: Some("rtmp://h/live/{stream}".into()),
            stat: Some(Secret::new(format!("{base}/streams/"))),
            control: Some(Secret::new(format!("{base}/clients/"))),
            ..Config::default()
        };
        Remote::new(Engine::new(&config).unwrap().unwrap(), clock.clone()).unwrap()
    }

    fn streams(bytes: u64) -> String {
        format!(
            r#"{{"code":0,"streams":[{{"name":"{STREAM}","app":"live","recv_bytes":{bytes},"publish":{{"active":true,"cid":"341w361a"}}}}]}}"#
        )
    }

    #[tokio::test]
    async fn srs_is_asked_which_streams_flow_and_told_to_end_one() {
        let (srs, clock) = (Arc::new(Srs::default()), Clock::manual(Duration::from_secs(1000)));
        let remote = remote(&serve(&srs).await, &clock);
        for (answer, flows) in
            [(streams(10), true), (streams(20), true), (streams(20), false), (r#"{"code":0,"streams":[]}"#.into(), false)]
        {
            *srs.answer.lock().unwrap() = answer;
            clock.advance(Duration::from_secs(5));
            assert_eq!(remote.is_live(STREAM).await, flows);
        }
        *srs.answer.lock().unwrap() = streams(30);
        clock.advance(Duration::from_secs(5));
        remote.kick(STREAM);
        while srs.ended.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(*srs.ended.lock().unwrap(), ["341w361a"]);
    }

    #[tokio::test]
    async fn one_question_serves_all_who_are_due_and_an_engine_that_fails_is_left_alone() {
        let (srs, clock) = (Arc::new(Srs::default()), Clock::manual(Duration::from_secs(1000)));
        let remote = remote(&serve(&srs).await, &clock);
        *srs.answer.lock().unwrap() = streams(10);
        for _ in 0..100 {
            assert!(remote.is_live(STREAM).await);
            assert!(!remote.is_live("k7wq2mnd_abcdefghjkmx").await);
        }
        assert_eq!(srs.asked.load(Ordering::SeqCst), 1);
        // What it says is no answer, or far too long: the hooks' word counts, and it is not asked again at once.
        for nonsense in ["<html>".to_owned(), "x".repeat(MAX_ANSWER_BYTES + 1)] {
            *srs.answer.lock().unwrap() = nonsense;
            clock.advance(PAUSE);
            let asked = srs.asked.load(Ordering::SeqCst);
            for _ in 0..100 {
                assert!(remote.is_live(STREAM).await, "it was publishing when it was asked last");
            }
            assert_eq!(srs.asked.load(Ordering::SeqCst), asked + 1);
        }
    }
}
