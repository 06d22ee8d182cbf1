//! The player's thread: connects, takes packets as they come, shows pictures when they are due, and connects again.

use super::session::Session;
use super::{Shared, State};
use crate::base::{Backoff, Clock, Stop};
use crate::wire::link::{self, Playback};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;

/// Waits between attempts.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The thread looks around this often even if nothing comes: the wish to end is heard within this.
const LOOK: Duration = Duration::from_millis(20);
/// Figures are handed out this often.
const FIGURES: Duration = Duration::from_millis(100);
/// Packets taken before pictures are looked after again.
const BATCH: usize = 64;

/// What the owner wants.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) url: Option<String>,
    pub(super) key_frame: bool,
    pub(super) no_picture: bool,
}

/// What the thread owns.
pub(super) struct Pull {
    url: String,
    /// `host:port` of the URL.
    server: String,
    runtime: Handle,
    clock: Clock,
    session: Session,
    shared: Arc<Shared>,
    link: Option<Playback>,
    backoff: Backoff,
    retry_at: Duration,
    figures_at: Duration,
    key_frame: bool,
}

impl Pull {
    pub(super) fn new(url: String, runtime: Handle, clock: Clock, session: Session, shared: Arc<Shared>) -> Self {
        let backoff = Backoff::new(FIRST_WAIT, LONGEST_WAIT);
        let now = Duration::ZERO;
        let server = server(&url);
        Self {
            url,
            server,
            runtime,
            clock,
            session,
            shared,
            link: None,
            backoff,
            retry_at: now,
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
            match &self.link {
                Some(link) => {
                    let mut packet = link.packets().pop_within(wait);
                    for _ in 0..BATCH {
                        let Some((packet_now, arrived)) = packet else { break };
                        self.backoff.reset();
                        self.session.packet(&packet_now, arrived);
                        packet = link.packets().pop();
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
        let (url, key_frame, no_picture) = self.shared.wishes(|w| (w.url.take(), std::mem::take(&mut w.key_frame), w.no_picture));
        if let Some(url) = url.filter(|url| *url != self.url) {
            self.server = server(&url);
            self.url = url;
            // Perhaps the old one was the reason.
            self.retry_at = self.retry_at.min(self.clock.now());
        }
        self.key_frame |= key_frame;
        if no_picture {
            self.session.excuse_freeze();
        }
        if let Some(link) = &self.link
            && self.session.wants_key_frame(self.key_frame)
        {
            self.key_frame = false;
            link.request_key_frame();
        }
    }

    fn connect(&mut self) {
        let now = self.clock.now();
        match self.link.as_ref().map(Playback::state) {
            Some(link::State::Closed(error)) => {
                tracing::info!(%error, "stream interrupted");
                self.shared.set_state(State::Closed(error.to_string()));
                self.link = None;
                self.retry_at = now + self.backoff.next_wait();
            }
            Some(_) => {}
            None if now >= self.retry_at => {
                self.session.restart();
                let options = link::Options { clock: self.clock.clone(), ..link::Options::default() };
                self.link = Some(Playback::start(&self.runtime, &self.url, options));
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
        stats.route.carrier = self.link.as_ref().and_then(|link| link.stats().carrier);
        stats.route.server.clone_from(&self.server);
        if self.link.is_some() && stats.kbps > 0.0 {
            self.shared.set_state(State::Playing);
        }
        self.shared.set_stats(stats);
    }
}

/// `host:port` of a stream's address.
fn server(url: &str) -> String {
    url.parse::<crate::wire::Url>().map(|url| format!("{}:{}", url.host, url.port)).unwrap_or_default()
}
