//! This server as one of several over one Redis: they share rooms and the keys behind tokens, tell each other which streams they have, and fetch
//! streams from each other.

use super::pulls::Pulls;
use super::streams::Streams;
use super::{Config, Info};
use crate::proto::api::{MediaFigures, StreamFigures};
use crate::relay::Hub;
use crate::server::limits::NODE_TTL;
use crate::server::room::id;
use crate::server::store::{self, Node, Redis};
use crate::server::token::Keys;
use crate::server::{MediaSide, Service};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What the servers have in common.
pub(super) struct Cluster {
    pub redis: Arc<Redis>,
    node: Node,
    keys: Keys,
    hub: Hub,
    /// Streams that are published here.
    own: Mutex<BTreeSet<String>>,
    pulls: Pulls,
    /// Said good-bye.
    has_left: AtomicBool,
}

impl Cluster {
    /// Joins the other servers, if the configuration names their Redis. From then on `keys` are those of all of them.
    pub async fn join(config: &Config, info: &Info, keys: &Keys, hub: &Hub) -> Result<Option<Arc<Self>>, store::Error> {
        let Some(url) = &config.redis else { return Ok(None) };
        let redis = Arc::new(Redis::open(url.expose(), config.clock.clone()).await?);
        let node = node(config, info);
        let pulls = Pulls::new(redis.clone(), keys.clone(), hub.clone(), node.id.clone());
        let cluster =
            Self { redis, node, keys: keys.clone(), hub: hub.clone(), own: Mutex::default(), pulls, has_left: false.into() };
        cluster.care().await?;
        Ok(Some(Arc::new(cluster)))
    }

    /// Stays in touch; never ends.
    pub async fn keep(&self, service: &Service) {
        let mut ticks = tokio::time::interval(NODE_TTL / 3);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let others = async {
                self.care().await?;
                self.redis.nodes().await
            };
            match others.await {
                Ok(nodes) => {
                    let others = nodes.into_iter().filter(|node| node.id != self.node.id);
                    service.set_servers(others.map(|node| node.public).collect());
                }
                // Clients go on with those that are known.
                Err(error) => tracing::warn!(error = &error as &dyn std::error::Error, "out of touch with the other servers"),
            }
        }
    }

    /// Says good-bye to the other servers.
    pub async fn leave(&self) {
        self.has_left.store(true, Ordering::Relaxed);
        if let Err(error) = self.redis.retire(&self.node).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the other servers were not told of the end");
        }
    }

    /// A stream is published here.
    pub async fn started(&self, stream: &str) {
        self.own().insert(stream.to_owned());
        if let Err(error) = self.redis.place(stream, &self.node).await {
            // It is said again soon.
            tracing::warn!(stream, error = &error as &dyn std::error::Error, "the other servers were not told of the stream");
        }
    }

    /// A stream is not published here any more.
    pub async fn stopped(&self, stream: &str) {
        self.own().remove(stream);
        if let Err(error) = self.redis.displace(stream, &self.node).await {
            // It is forgotten soon.
            tracing::warn!(
                stream,
                error = &error as &dyn std::error::Error,
                "the other servers were not told of the stream's end"
            );
        }
    }

    /// Somebody who holds `owner`'s grant plays a stream here. Must be called in the runtime.
    pub fn wanted(&self, stream: &str, owner: &str) {
        // Other servers, who come in the owner's name, fetch from where a stream is: here nothing is passed on twice.
        if id::holder_of(stream).is_some_and(|holder| holder.member.as_str() != owner) {
            self.pulls.wanted(stream);
        }
    }

    /// Keys, and who is where.
    async fn care(&self) -> Result<(), store::Error> {
        let keys = self.keys.ring();
        let shared = self.redis.share_keys(&keys).await?;
        if shared != *keys {
            self.keys.set_ring(shared);
        }
        if self.has_left.load(Ordering::Relaxed) {
            return Ok(());
        }
        let live: Vec<String> = self.own().iter().filter(|stream| self.hub.is_live(stream)).cloned().collect();
        for stream in self.redis.announce(&self.node, &live).await? {
            // Its publisher has gone on at another server, and the connection to here has not noticed.
            self.own().remove(&stream);
            self.hub.kick(&stream);
        }
        Ok(())
    }

    fn own(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn node(config: &Config, info: &Info) -> Node {
    let here = info.listen.ip();
    let authority = config.advertise.clone().unwrap_or_else(|| super::reached(info.listen));
    let is_plain = config.plain || config.open || (config.advertise.is_none() && is_loopback(here));
    let (scheme, pin) = if is_plain { ("rtmp", None) } else { ("rtmps", Some(info.pin.clone())) };
    Node {
        id: id::random(id::IDENTITY_CHARS),
        relay: format!("{scheme}://{authority}"),
        pin,
        public: format!("{}#pin={}", info.invite_base, info.pin),
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

/// The streams of all servers, as far as the room service asks.
pub(super) struct Everywhere {
    pub here: Streams,
    pub cluster: Arc<Cluster>,
}

impl MediaSide for Everywhere {
    fn is_live<'a>(&'a self, stream: &'a str) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(async move {
            if self.here.is_live(stream).await {
                return true;
            }
            // Whoever has it says so as long as it flows; nobody is removed because that cannot be asked.
            self.cluster.redis.placed(stream).await.map_or(true, |node| node.is_some())
        })
    }

    fn kick(&self, stream: &str) {
        self.here.kick(stream);
    }

    fn figures(&self, stream: &str) -> Option<StreamFigures> {
        self.here.figures(stream)
    }

    fn totals(&self) -> MediaFigures {
        self.here.totals()
    }
}
