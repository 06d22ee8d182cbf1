//! The way to one server, and one request on it.

use super::{Error, Transport, address};
use crate::base::proxy;
use crate::proto::{Address, Code, Problem};
use crate::wire::tls;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How long a connection may take to come up.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A network that has acknowledged nothing for so long is dead, and the connection with it; looked for also while only an answer is awaited, as a long
/// poll does for most of its life. Streams notice earlier, and say so.
const SILENCE: Duration = Duration::from_secs(4);
/// How long an ordinary request may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// Idle connections are given up earlier than the server does, so that no request meets a connection that is just being closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(8);
/// Largest answer read, in bytes: a page of 200 rooms with four long names each is a fifth of it.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// A server, and connections to it.
#[derive(Debug)]
pub(super) struct Route {
    pub address: Address,
    /// `host:port`, for people.
    pub shown: String,
    /// `https://host:port/`, or without the s.
    base: url::Url,
    transport: Transport,
    proxy: Option<proxy::Address>,
    http: reqwest::Client,
}

/// What is asked.
#[derive(Debug)]
pub(super) struct Ask<'a, B> {
    pub method: &'a Method,
    /// Below `/v1`.
    pub path: &'a [&'a str],
    pub query: &'a str,
    pub token: Option<&'a str>,
    pub body: Option<&'a B>,
    pub timeout: Duration,
}

impl<B> Clone for Ask<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Ask<'_, B> {}

impl Route {
    pub fn new(server: &str, transport: &Transport) -> Result<Self, Error> {
        let (address, base) = address::parse(server, transport.carrier)?;
        let shown = address.authority();
        let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let proxy = transport.proxy.on_the_way_to(host, base.scheme() == "https");
        let http = http(&address, proxy.as_ref(), &shown)?;
        Ok(Self { address, shown, base, transport: transport.clone(), proxy, http })
    }

    /// The same way over new connections.
    pub fn afresh(&self) -> Result<Self, Error> {
        let Self { address, shown, base, transport, proxy, .. } = self;
        let http = http(address, proxy.as_ref(), shown)?;
        let (transport, proxy) = (transport.clone(), proxy.clone());
        Ok(Self { address: address.clone(), shown: shown.clone(), base: base.clone(), transport, proxy, http })
    }

    /// How it is gone.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    pub async fn ask<T: DeserializeOwned>(&self, ask: Ask<'_, impl Serialize>) -> Result<T, Error> {
        let transport = |cause| Error::from_transport(&self.shown, self.proxy.as_ref(), cause);
        let mut request = self.http.request(ask.method.clone(), self.url(ask.path, ask.query)).timeout(ask.timeout);
        if let Some(token) = ask.token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = ask.body {
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
                Err(_) => Err(self.odd(status)),
            }
        }
    }

    /// A status without the words of a Parlor server.
    fn odd(&self, status: StatusCode) -> Error {
        use StatusCode as S;
        let of_proxies = [S::PROXY_AUTHENTICATION_REQUIRED, S::BAD_GATEWAY, S::SERVICE_UNAVAILABLE, S::GATEWAY_TIMEOUT];
        let detail = format!("it answers with status {status}");
        match &self.proxy {
            Some(proxy) if of_proxies.contains(&status) => {
                Error::Proxy { proxy: proxy.authority(), server: self.shown.clone(), refused: true, detail }
            }
            _ => self.not_parlor(detail),
        }
    }

    pub fn not_parlor(&self, detail: String) -> Error {
        Error::NotParlor { server: self.shown.clone(), detail }
    }

    fn url(&self, path: &[&str], query: &str) -> url::Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().push("v1").extend(path);
        }
        url.set_query((!query.is_empty()).then_some(query));
        url
    }
}

fn http(address: &Address, proxy: Option<&proxy::Address>, shown: &str) -> Result<reqwest::Client, Error> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(REQUEST_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_keepalive(SILENCE / 2)
        .tcp_keepalive_interval(SILENCE / 2)
        .tcp_keepalive_retries(2)
        .tcp_nodelay(true);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        builder = builder.tcp_user_timeout(SILENCE);
    }
    // Which proxy is used is decided here, and the same for streams.
    builder = builder.no_proxy();
    if let Some(proxy) = proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.to_url()).map_err(|cause| Error::from_transport(shown, None, cause))?);
    }
    let trust = tls::client::config(address.pin).map_err(|e| Problem::new(Code::Internal, format!("TLS cannot be used: {e}")))?;
    builder.tls_backend_preconfigured(trust).build().map_err(|cause| Error::from_transport(shown, None, cause))
}
