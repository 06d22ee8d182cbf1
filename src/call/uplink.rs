//! When one's own stream is started anew after it broke. Pure but for the network's news; time is an argument.
//!
//! It does not wait for the room service: the address that one has is good for hours, so the stream and the seat come back side by side.

use crate::base::Retry;
use crate::base::network::{self, Network};
use crate::media::publish;
use std::time::Duration;
use tokio::sync::watch;

/// What is to be published, and when to try.
pub(super) struct Uplink {
    config: Option<publish::Config>,
    /// Not before this moment; `None`: not to this address, the server does not want it.
    at: Option<Duration>,
    retry: Retry,
    network: watch::Receiver<Network>,
}

impl Uplink {
    pub(super) fn new() -> Self {
        Self { config: None, at: None, retry: Retry::default(), network: network::watch() }
    }

    /// Publishes this from now on, the next time at once.
    pub(super) fn aim(&mut self, config: publish::Config) {
        self.config = Some(config);
        self.at = Some(Duration::ZERO);
    }

    /// What to start at `now`, while nothing runs.
    pub(super) fn due(&mut self, now: Duration) -> Option<publish::Config> {
        if self.network.has_changed().unwrap_or(false) {
            self.network.mark_unchanged();
            self.at = self.at.map(|at| at.min(now));
        }
        self.config.clone().filter(|_| self.at.is_some_and(|at| now >= at))
    }

    /// Whether something will be due.
    pub(super) fn waits(&self) -> bool {
        self.config.is_some() && self.at.is_some()
    }

    /// The server takes the stream.
    pub(super) fn lives(&mut self) {
        self.retry.succeeded();
    }

    /// It broke at `now`, and the same address may be tried `again` or not.
    pub(super) fn broke(&mut self, now: Duration, again: bool) {
        let wait = self.retry.failed(now);
        self.at = again.then(|| now + wait);
    }

    /// The person wants it now.
    pub(super) fn hurry(&mut self) {
        self.at = self.at.map(|_| Duration::ZERO);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ServerClock;
    use crate::media::capture::Format;
    use crate::media::encode::audio::Codec;

    fn config(runtime: &tokio::runtime::Runtime) -> publish::Config {
        publish::Config {
            url: "rtmp://127.0.0.1:1/live/x".into(),
            format: Format { width: 320, height: 180, fps: 15 },
            kbps: 100,
            audio: Codec::Opus,
            repeat_every: None,
            clock: ServerClock::default(),
            runtime: runtime.handle().clone(),
            proxy: Default::default(),
            history: Default::default(),
            tap: Default::default(),
            seal: None,
        }
    }

    #[test]
    fn a_broken_stream_is_tried_again_soon_and_a_refused_one_waits_for_another_address() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (mut uplink, mut now) = (Uplink::new(), Duration::from_secs(100));
        assert!(uplink.due(now).is_none() && !uplink.waits());
        uplink.aim(config(&runtime));
        assert!(uplink.due(now).is_some());
        // A minute without a network: somebody tries at least every half second.
        let mut tries = 0;
        while now < Duration::from_secs(160) {
            uplink.broke(now, true);
            assert!(uplink.waits());
            now += Duration::from_millis(401);
            tries += u32::from(uplink.due(now).is_some());
        }
        assert!(tries > 140, "{tries}");
        uplink.broke(now, true);
        assert!(uplink.due(now).is_none());
        uplink.hurry();
        assert!(uplink.due(now).is_some());
        uplink.broke(now, false);
        uplink.hurry();
        assert!(uplink.due(now + Duration::from_secs(3600)).is_none() && !uplink.waits());
        uplink.aim(config(&runtime));
        assert!(uplink.due(now).is_some());
    }
}
