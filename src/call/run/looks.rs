//! What is looked at with every tick: the clocks, and one's own stream.

use super::super::seat::Ask;
use super::super::{Event, Phase, quality};
use super::Actor;
use crate::base::network;
use crate::media::publish::{self, Publisher};
use crate::proto::Mode;
use std::time::{Duration, SystemTime};

impl Actor<'_> {
    /// After a sleep nothing that was connected can be relied upon, and the server's clock has to be asked for again.
    pub(super) fn watch_clocks(&mut self, now: Duration) {
        if !self.clock.is_manual() && self.awake.slept(now, SystemTime::now()) {
            tracing::info!("was asleep; connecting again");
            network::slept();
        }
    }

    /// Tells the publisher what the call wants of it, and the person what it made of that.
    pub(super) fn watch_quality(&mut self, now: Duration) {
        let (Some(publisher), Some(room)) = (&self.publisher, &self.room) else { return };
        let people = self.peers.ids().count() + 1;
        // Viewers of a live stream tell nothing.
        let wanted = match room.mode {
            Mode::Live => None,
            Mode::Duo | Mode::Multi => self.reports.wanted(self.peers.ids(), now),
        };
        let usual = quality::limits(room.mode, people, self.config.kbps);
        let (limits, wanted) = match self.sources.shares() {
            Some(mode) => (quality::sharing(mode, usual), quality::wanted_of_share(mode, wanted)),
            None => (usual, wanted),
        };
        publisher.set_quality(limits);
        publisher.set_wanted(wanted);
        while let Some(change) = publisher.next_change() {
            self.mine.note(&change);
            self.changed = true;
            self.shared.tell(Event::Quality(change));
        }
    }

    pub(super) fn watch_publisher(&mut self) {
        let state = self.publisher.as_ref().map(Publisher::state);
        if self.rules.announce && !self.announced && state == Some(publish::State::Live) {
            self.announced = true;
            self.ask(Ask::Announce);
        }
        match state {
            Some(publish::State::Live) => {
                self.uplink.lives();
                match self.phase {
                    Phase::Entering => self.shared.tell(Event::Entered),
                    // HTTP may still be out of order while the stream flows: only a new seat ends that.
                    Phase::Reconnecting { .. } if self.seat_held => self.shared.tell(Event::Reconnected),
                    _ => return,
                }
            }
            Some(publish::State::Closed(error)) => {
                tracing::warn!(%error, "the stream broke");
                self.publisher = None;
                self.uplink.broke(self.clock.now(), error.is_transient());
                self.ask(Ask::StreamLost);
                return;
            }
            _ => return,
        }
        self.phase = Phase::InCall;
        self.changed = true;
    }
}
