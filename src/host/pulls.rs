//! Streams that are published at another server of the same Redis and wanted here: each is fetched once, however many play it, straight from
//! the server that has it, and only while somebody plays it.

use crate::relay::{Hub, Parting, Publisher, Signal};
use crate::server::APP;
use crate::server::room::id;
use crate::server::store::{Node, Redis};
use crate::server::token::{Action, Keys};
use crate::wire::link::{Options, Playback, State};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// Streams fetched at the same time: as many as one machine's network carries.
const MAX_PULLS: usize = 4096;
/// How often it is looked where a wanted stream is, until it is somewhere.
const RETRY: Duration = Duration::from_millis(250);
/// How often it is looked whether a fetched stream is still played, and still there.
const LOOK: Duration = Duration::from_secs(1);
/// A stream that nobody has played for this long is not fetched any more: people who switch between two rooms are spared a start.
const LINGER: Duration = Duration::from_secs(3);
/// How long a token for fetching is good: it is used at once.
const TOKEN: Duration = Duration::from_secs(60);

/// Who fetches. Dropping it ends all that is fetched.
pub(super) struct Pulls {
    puller: Arc<Puller>,
    running: Mutex<Running>,
}

#[derive(Default)]
struct Running {
    streams: HashSet<String>,
    tasks: JoinSet<String>,
}

struct Puller {
    redis: Arc<Redis>,
    keys: Keys,
    hub: Hub,
    /// The name of this server.
    own: String,
}

impl Pulls {
    pub fn new(redis: Arc<Redis>, keys: Keys, hub: Hub, own: String) -> Self {
        Self { puller: Arc::new(Puller { redis, keys, hub, own }), running: Mutex::default() }
    }

    /// Somebody plays that stream here. Must be called in the runtime.
    pub fn wanted(&self, stream: &str) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(ended) = running.tasks.try_join_next() {
            if let Ok(stream) = ended {
                running.streams.remove(&stream);
            }
        }
        if self.puller.is_published(stream) || running.streams.contains(stream) {
            return;
        }
        if running.streams.len() >= MAX_PULLS {
            tracing::warn!(stream, "not fetched from another server: {MAX_PULLS} streams are");
            return;
        }
        running.streams.insert(stream.to_owned());
        let (puller, stream) = (self.puller.clone(), stream.to_owned());
        running.tasks.spawn(async move {
            puller.run(&stream).await;
            stream
        });
    }
}

impl Puller {
    fn is_published(&self, stream: &str) -> bool {
        self.hub.stream(stream).is_some_and(|stream| stream.published)
    }

    fn is_played(&self, stream: &str) -> bool {
        self.hub.stream(stream).is_some_and(|stream| stream.readers > 0)
    }

    /// Fetches the stream from wherever it is, until nobody plays it or it is published here.
    async fn run(&self, stream: &str) {
        let mut unplayed = Duration::ZERO;
        while unplayed < LINGER && !self.is_published(stream) {
            match self.redis.placed(stream).await {
                Ok(Some(node)) if node.id != self.own => self.pull(stream, &node).await,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(stream, error = &error as &dyn std::error::Error, "not known where the stream is");
                }
            }
            tokio::time::sleep(RETRY).await;
            unplayed = if self.is_played(stream) { Duration::ZERO } else { unplayed + RETRY };
        }
    }

    /// Fetches the stream from that server, as long as it is there.
    async fn pull(&self, stream: &str, node: &Node) {
        let Some(owner) = id::holder_of(stream).map(|holder| holder.member) else { return };
        let Some(url) = self.url(stream, node) else { return };
        let options = Options { clock: self.hub.clock().clone(), ..Options::default() };
        let playback = Playback::start(&Handle::current(), &url, options);
        let (mut state, mut looks) = (playback.watch(), tokio::time::interval(LOOK));
        let (mut publisher, mut unplayed, mut heard) = (None::<Publisher>, Duration::ZERO, 0);
        tracing::debug!(stream, from = %node.relay, "fetched from another server");
        loop {
            tokio::select! {
                () = playback.arrived() => {
                    while let Some((packet, _)) = playback.packets().pop() {
                        if publisher.is_none() {
                            // In the name of its owner: whoever publishes it here takes the place at once.
                            publisher = self.hub.publish(stream, owner.as_str()).ok();
                        }
                        match &publisher {
                            Some(publisher) => publisher.send(packet),
                            None => return,
                        };
                    }
                }
                signal = signal(publisher.as_ref()) => match signal {
                    Signal::KeyFrame => playback.request_key_frame(),
                    // That the way between two servers is slow is told by this playback itself.
                    Signal::Reception(_) => {}
                    Signal::Ended => return,
                },
                _ = state.changed() => if let State::Closed(why) = playback.state() {
                    tracing::debug!(stream, from = %node.relay, %why, "not fetched any more");
                    return;
                },
                _ = looks.tick() => {
                    unplayed = if self.is_played(stream) { Duration::ZERO } else { unplayed + LOOK };
                    if unplayed > LINGER {
                        if let Some(publisher) = publisher {
                            publisher.finish(Parting::Clean);
                        }
                        return;
                    }
                    let received = playback.stats().packets_received;
                    // Its publisher may have gone on at another server, before this one noticed.
                    let is_silent = std::mem::replace(&mut heard, received) == received;
                    if is_silent && self.redis.placed(stream).await.is_ok_and(|at| at.is_some_and(|at| at.id != node.id)) {
                        return;
                    }
                }
            }
        }
    }

    fn url(&self, stream: &str, node: &Node) -> Option<String> {
        let holder = id::holder_of(stream)?;
        let token = self.keys.stream(Action::Relay, &holder, stream, self.hub.clock().now() + TOKEN);
        let pin = node.pin.as_ref().map(|pin| format!("#pin={pin}")).unwrap_or_default();
        Some(format!("{}/{APP}/{stream}?token={token}{pin}", node.relay))
    }
}

/// What the publisher's place is told; nothing while there is none.
async fn signal(publisher: Option<&Publisher>) -> Signal {
    match publisher {
        Some(publisher) => publisher.signal().await,
        None => std::future::pending().await,
    }
}
