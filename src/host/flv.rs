//! `GET /live/NAME.flv`: a live stream over HTTP, for players that know no RTMP and for browsers (mpegts.js and others). The same queue, the same
//! rules about who is too slow, the same bytes for everybody.

use super::connection::Shared;
use super::http::refused;
use crate::proto::{Code, Problem};
use crate::relay::{Action, Hub, Manner, Policy as _, Reader, Refusal, Request, limits};
use crate::server::APP;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// `FLV`, version 1, sound and picture, 9 bytes of header, no tag before the first.
const FILE_HEADER: &[u8] = b"FLV\x01\x05\0\0\0\x09\0\0\0\0";
/// Bytes of tags in one write.
const BATCH: usize = 16 * 1024;

/// What a connection knows of the stream that it carries.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// When the viewer last took something, in milliseconds by the hub's clock; 0 while there is no stream.
    taken_ms: AtomicU64,
}

impl Progress {
    /// Whether a stream is being watched by somebody who takes it.
    pub fn flows(&self, hub: &Hub) -> bool {
        let taken = Duration::from_millis(self.taken_ms.load(Ordering::Relaxed));
        taken > Duration::ZERO && hub.clock().now().saturating_sub(taken) <= limits::STALLED
    }
}

/// The stream's name, if that is what the path asks for.
pub(super) fn name_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix('/')?.strip_prefix(APP)?.strip_prefix('/')?.strip_suffix(".flv")?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The stream, or why not.
pub(super) async fn answer(name: &str, uri: &Uri, peer: SocketAddr, shared: &Arc<Shared>, progress: Arc<Progress>) -> Response {
    match open(name, uri, peer, shared, progress).await {
        Ok(body) => {
            let headers = [
                (header::CONTENT_TYPE, HeaderValue::from_static("video/x-flv")),
                (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
                // Who may watch is decided by the token; which page the player is on does not matter.
                (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            ];
            (headers, Body::new(body)).into_response()
        }
        Err(problem) => refused(problem),
    }
}

async fn open(
    name: &str,
    uri: &Uri,
    peer: SocketAddr,
    shared: &Arc<Shared>,
    progress: Arc<Progress>,
) -> Result<Watching, Problem> {
    let name = percent_decoded(name).filter(|name| name.len() <= limits::NAME);
    let name = name.ok_or_else(|| Problem::new(Code::NotFound, "there is no stream of that name"))?;
    let query = uri.query().unwrap_or_default().to_owned();
    let request = Request { action: Action::Play, app: APP.to_owned(), name: name.clone(), query, peer };
    let grant = shared.door.authorize(request).await.map_err(|refusal| match refusal {
        Refusal::Denied(why) => Problem::new(Code::Forbidden, why),
        Refusal::NotFound(why) => Problem::new(Code::NotFound, why),
    })?;
    // Nobody's grant is that of an open server.
    if !grant.live && !grant.owner.is_empty() {
        return Err(Problem::new(Code::Forbidden, "only streams of live rooms can be watched over HTTP; calls need the app"));
    }
    let manner = Manner { live: grant.live, catches_up: false };
    let reader = shared.hub.play_as(&name, grant.wait, manner);
    let reader = reader.map_err(|busy| Problem::new(Code::ServerFull, format!("{busy}; try again later")))?;
    shared.wanted(&name, &grant.owner);
    let show = Show { reader, name, owner: grant.owner, shared: shared.clone() };
    Ok(Watching { first: Some(Bytes::from_static(FILE_HEADER)), next: Box::pin(next(show)), progress, shared: shared.clone() })
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = rest.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

/// One viewer's place.
struct Show {
    reader: Reader,
    name: String,
    owner: String,
    shared: Arc<Shared>,
}

type Next = Pin<Box<dyn Future<Output = Option<(Show, Bytes)>> + Send>>;

/// The next tags; `None` when the stream is over or the viewer has to go.
async fn next(show: Show) -> Option<(Show, Bytes)> {
    let mut tick = interval(limits::TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let mut tags: Vec<Bytes> = Vec::new();
        let goes_on = show.reader.take_flv(BATCH, |tag| tags.push(tag));
        match tags.len() {
            0 if !goes_on => return None,
            0 => {}
            1 => return tags.pop().map(|tag| (show, tag)),
            _ => return Some((show, tags.concat().into())),
        }
        tokio::select! {
            () = show.reader.ready() => {}
            _ = tick.tick() => {
                show.reader.tick();
                show.shared.wanted(&show.name, &show.owner);
                if !show.shared.door.may_stay(&show.name, &show.owner).await {
                    return None;
                }
            }
        }
    }
}

/// The body of the answer.
struct Watching {
    first: Option<Bytes>,
    next: Next,
    progress: Arc<Progress>,
    shared: Arc<Shared>,
}

impl hyper::body::Body for Watching {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let now_ms = u64::try_from(self.shared.hub.clock().now().as_millis()).unwrap_or(u64::MAX);
        self.progress.taken_ms.store(now_ms, Ordering::Relaxed);
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        self.next.as_mut().poll(cx).map(|more| {
            more.map(|(show, tags)| {
                self.next = Box::pin(next(show));
                Ok(Frame::data(tags))
            })
        })
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.progress.taken_ms.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_streams_are_asked_for() {
        assert_eq!(name_of("/live/room_anna.flv"), Some("room_anna"));
        for other in ["/live/.flv", "/live/a/b.flv", "/live/a", "/v1/a.flv", "live/a.flv", "/livea.flv"] {
            assert_eq!(name_of(other), None, "{other}");
        }
        assert_eq!(percent_decoded("a%20b%C3%A4").as_deref(), Some("a b\u{e4}"));
        assert_eq!((percent_decoded("%2"), percent_decoded("%zz"), percent_decoded("%ff")), (None, None, None));
    }

    #[test]
    fn a_connection_lives_as_long_as_its_viewer_takes_what_comes() {
        let clock = crate::base::Clock::manual(Duration::from_secs(1_000));
        let (hub, progress) = (Hub::new(clock.clone()), Progress::default());
        assert!(!progress.flows(&hub), "no stream, no exception");
        progress.taken_ms.store(1_000_000, Ordering::Relaxed);
        clock.advance(limits::STALLED);
        assert!(progress.flows(&hub));
        clock.advance(Duration::from_secs(1));
        assert!(!progress.flows(&hub));
    }
}
