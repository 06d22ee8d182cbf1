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
    /// The engine's last answer, and when it came.
    looks: Mutex<Option<(Duration, Arc<Looks>)>>,
    endings: Semaphore,
}

/// Why the engine could not be asked.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the engine does not answer at {0}")]
    Http(Url, #[source] reqwest::Error),
    #[error("{0} is no address")]
    Address(String, #[source] url::ParseError),
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
            match inner.end(&stream).await {
                Ok(()) => tracing::debug!(stream, "ended on the engine"),
                Err(error) => tracing::warn!(stream, error = &error as &dyn std::error::Error, "not ended on the engine"),
            }
        });
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
        let Some((stat, seat)) = self.config().stat.as_deref().zip(id::holder_of(stream)) else { return by_hooks() };
        match self.looks(stat).await {
            Ok(looks) => self.engine.looked(stream, &seat, &looks, self.clock.now()),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the engine was asked which streams flow");
                by_hooks()
            }
        }
    }

    /// Which streams flow, as of a second ago at most.
    async fn looks(&self, stat: &str) -> Result<Arc<Looks>, Error> {
        // Held while the engine is asked: the others wait for the same answer.
        let mut last = self.looks.lock().await;
        let now = self.clock.now();
        if let Some((at, looks)) = last.as_ref().filter(|(at, _)| now.saturating_sub(*at) < FRESH) {
            tracing::trace!(?at, "the engine was asked just now");
            return Ok(Arc::clone(looks));
        }
        let looks = Arc::new(match self.config().kind {
            Kind::Srs => {
                let mut url = parse(stat)?;
                url.query_pairs_mut().append_pair("count", STREAMS);
                look::srs(&self.ask(Method::GET, url).await?).map_err(Error::NotUnderstood)?
            }
            _ => look::nginx(&String::from_utf8_lossy(&self.ask(Method::GET, parse(stat)?).await?)),
        });
        *last = Some((self.clock.now(), Arc::clone(&looks)));
        Ok(looks)
    }

    /// Ends a stream.
    async fn end(&self, stream: &str) -> Result<(), Error> {
        let (Some(control), Some(seat)) = (self.config().control.as_deref(), id::holder_of(stream)) else { return Ok(()) };
        let mut url = parse(control)?;
        if self.config().kind == Kind::Nginx {
            let (app, name) = self.engine.place(&seat);
            url.set_path(&format!("{}/drop/publisher", url.path().trim_end_matches('/')));
            url.query_pairs_mut().append_pair("app", &app).append_pair("name", &name);
            return self.ask(Method::GET, url).await.map(drop);
        }
        let Some(stat) = self.config().stat.as_deref() else { return Ok(()) };
        let looks = self.looks(stat).await?;
        let Some(client) = self.engine.find(&seat, &looks).map(|look| look.client.as_str()).filter(|c| !c.is_empty()) else {
            return Ok(());
        };
        url.set_path(&format!("{}/{client}", url.path().trim_end_matches('/')));
        self.ask(Method::DELETE, url).await.map(drop)
    }

    async fn ask(&self, method: Method, url: Url) -> Result<Vec<u8>, Error> {
        let failed = |error: reqwest::Error| Error::Http(url.clone(), error.without_url());
        let answer = self.http.request(method, url.clone()).send().await.and_then(|answer| answer.error_for_status());
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
    Url::parse(text).map_err(|error| Error::Address(text.to_owned(), error))
}
