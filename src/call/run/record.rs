//! What is recorded, and who is told.

use super::super::Event;
use super::super::command::{Place, Recorded};
use super::super::recordings::From;
use super::Actor;
use crate::base::Slot;
use crate::media::audio::Chime;
use crate::media::record::Present;
use crate::proto::MemberId;
use std::path::PathBuf;

impl Actor<'_> {
    pub(super) fn record(&mut self, what: Recorded, place: Place) {
        let (name, from) = match &what {
            Recorded::Stage => match &self.room {
                Some(room) => (room.name.clone(), From::Everybody(self.server_clock.clone())),
                None => return,
            },
            Recorded::Me => (self.config.name.clone(), From::Tap(self.tap.clone())),
            Recorded::Peer(member) => match self.peers.tap(member) {
                Some((name, tap)) => (name, From::Tap(tap)),
                None => return,
            },
        };
        let was = self.recordings.any();
        if let Some(event) = self.recordings.start(what, &name, place, from) {
            self.shared.tell(event);
        }
        if !was && self.recordings.any() {
            self.ring(Chime::Recording);
        }
    }

    /// Takes a snapshot of somebody, or of oneself.
    pub(super) fn take_snapshot(&mut self, of: Option<&MemberId>, folder: PathBuf) {
        let slot = Slot::new();
        match of {
            None => {
                let outlet = self.sources.video().map(|video| video.show_in(slot.clone()));
                let name = self.config.name.clone();
                self.recordings.take_still(&name, folder, slot, outlet);
            }
            Some(member) => {
                if let Some((name, tap)) = self.peers.tap(member) {
                    tap.want_still(slot.clone());
                    self.recordings.take_still(&name, folder, slot, None);
                }
            }
        }
    }

    pub(super) fn watch_recordings(&mut self) {
        let peers = &self.peers;
        let me = || Present { name: self.config.name.clone(), tap: self.tap.clone() };
        self.recordings.set_people(|| peers.present().chain([me()]).collect());
        let events = self.recordings.watch(|tap| peers.owner(tap));
        for event in events {
            self.changed = true;
            self.shared.tell(event);
        }
    }

    /// Somebody began to record, or ended it.
    pub(super) fn note_recorder(&self, event: &Event) {
        if matches!(event, Event::PeerRecording { on: true, .. }) {
            self.ring(Chime::Recording);
        }
    }
}
