//! The player's thread: connects, takes packets as they come, shows pictures when they are due, and connects again.

use super::session::Session;
use super::source::{self, Source, Taken};
use super::{Shared, State, View};
use crate::base::network::{self, Network};
use crate::base::{Clock, Proxy, Retry, Stop};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::watch;

/// The thread looks around this often even if nothing comes: the wish to end is heard within this.
const LOOK: Duration = Duration::from_millis(20);
/// Figures are handed out this often.
const FIGURES: Duration = Duration::from_millis(100);
/// A publisher from whom nothing has come for so long has a broken connection: ours send something every second even when they are still.
const STALLED: Duration = Duration::from_millis(2500);
/// Packets taken before pictures are looked after again.
const BATCH: usize = 64;

/// What the owner wants.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) url: Option<String>,
    pub(super) key_frame: bool,
    pub(super) no_picture: bool,
    pub(super) retry_now: bool,
    pub(super) view: View,
    pub(super) planes: bool,
}

/// What the thread owns.
pub(super) struct Pull {
    url: String,
    /// `host:port` of the URL.
    server: String,
    runtime: Handle,
    proxy: Proxy,
    clock: Clock,
    session: Session,
    shared: Arc<Shared>,
    source: Option<Source>,
    retry: Retry,
    retry_at: Duration,
    network: watch::Receiver<Network>,
    /// When a packet last came.
    heard: Option<Duration>,
    figures_at: Duration,
    key_frame: bool,
}

impl Pull {
    pub(super) fn new(
        url: String,
        (runtime, proxy): (Handle, Proxy),
        clock: Clock,
        session: Session,
        shared: Arc<Shared>,
    ) -> Self {
        let (now, network) = (Duration::ZERO, network::watch());
        let server = source::server(&url);
        Self {
            url,
            server,
            runtime,
            proxy,
            clock,
            session,
            shared,
            source: None,
            retry: Retry::default(),
            retry_at: now,
            network,
            heard: None,
            figures_at: now,
            key_frame: false,
        }
    }

    /// Plays until `stop` is set.
    pub(super) fn run(mut self, stop: &Stop) {
        while !stop.is_set() {
            self.heed_wishes();
            self.connect();
            let next = self.session.step();
            let wait = next.map_or(LOOK, |next| next.saturating_sub(self.clock.now()).min(LOOK));
            match &mut self.source {
                Some(source) => {
                    let mut wait = wait;
                    for _ in 0..BATCH {
                        let Some(taken) = source.take(wait, &self.clock) else { break };
                        wait = Duration::ZERO;
                        self.retry.succeeded();
                        self.heard = Some(match taken {
                            Taken::Packet(packet, arrived) => {
                                self.session.packet(&packet, arrived);
                                arrived
                            }
                            Taken::Unit { unit, kind, bytes, arrived } => {
                                self.session.take(Some(unit), kind, bytes, arrived);
                                arrived
                            }
                        });
                    }
                }
                None => {
                    stop.wait(wait);
                }
            }
            self.report();
        }
    }

    fn heed_wishes(&mut self) {
        let (url, key_frame, no_picture, view) =
            self.shared.wishes(|w| (w.url.take(), std::mem::take(&mut w.key_frame), w.no_picture, w.view));
        self.session.set_view(view);
        self.session.set_planes(self.shared.wishes(|w| w.planes));
        if let Some(url) = url.filter(|url| *url != self.url) {
            self.server = source::server(&url);
            self.url = url;
            // Perhaps the old one was the reason.
            self.retry_at = self.retry_at.min(self.clock.now());
        }
        let changed = self.network.has_changed().unwrap_or(false);
        if changed || self.shared.wishes(|w| std::mem::take(&mut w.retry_now)) {
            self.network.mark_unchanged();
            self.retry_at = self.retry_at.min(self.clock.now());
        }
        self.key_frame |= key_frame;
        if no_picture {
            self.session.excuse_freeze();
        }
        if let Some(source) = &self.source
            && self.session.wants_key_frame(self.key_frame)
        {
            self.key_frame = false;
            source.request_key_frame();
        }
    }

    fn connect(&mut self) {
        let now = self.clock.now();
        match self.source.as_ref().map(Source::trouble) {
            Some(Some(trouble)) => {
                tracing::info!(?trouble, "stream interrupted");
                self.shared.set_state(State::Closed(trouble));
                self.source = None;
                self.heard = None;
                self.retry_at = now + self.retry.failed(now).max(source::rest(&self.url));
            }
            Some(None) => {}
            None if now >= self.retry_at => {
                self.session.restart();
                self.source = Some(Source::start(&self.runtime, &self.proxy, &self.url, &self.clock));
            }
            None => {}
        }
    }

    fn report(&mut self) {
        let now = self.clock.now();
        if now < self.figures_at {
            return;
        }
        self.figures_at = now + FIGURES;
        let mut stats = self.session.stats();
        stats.route.carrier = self.source.as_ref().and_then(Source::carrier);
        stats.route.server.clone_from(&self.server);
        if let (Some(_), Some(heard)) = (&self.source, self.heard) {
            self.shared.set_state(if now.saturating_sub(heard) < STALLED { State::Playing } else { State::Stalled });
        }
        self.shared.set_stats(stats);
    }
}
