//! Asking the system: what there is, and whether that may have changed.

use super::{Kind, List};
use crate::media::{audio, capture};
use std::time::Duration;

/// How long nothing may be noticed.
const LOOK: Duration = Duration::from_millis(500);
/// How often the lists are asked for where nothing cheaper tells of a change.
#[cfg(not(target_os = "linux"))]
const POLL: Duration = Duration::from_millis(1500);

/// How the wait for the next look went.
pub(super) enum Pace {
    /// It is over.
    #[cfg(target_os = "linux")]
    Waited,
    /// It is still to be done.
    Sleep(Duration),
}

/// Microphones or speakers as cpal lists them.
fn by_cpal(kind: Kind) -> List {
    let direction = if kind == Kind::Microphone { audio::Direction::Input } else { audio::Direction::Output };
    List { devices: audio::list(direction), default: audio::default_device(direction), known: true, exhaustive: false }
}

fn cameras() -> List {
    let devices = capture::cameras();
    List { default: devices.first().cloned(), devices, known: true, exhaustive: false }
}

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::System;
#[cfg(target_os = "linux")]
pub(super) use linux::System;

#[cfg(target_os = "linux")]
mod linux {
    use super::super::server::Server;
    use super::{Kind, LOOK, List, Pace, by_cpal, cameras};
    use crate::media::audio;
    use std::time::{Duration, SystemTime};

    /// Folders in which something appears with each camera, and with each sound card.
    const CAMERAS: [&str; 2] = ["/dev", "/dev/v4l/by-id"];
    const CARDS: [&str; 1] = ["/dev/snd"];
    /// Looks between two tries to reach a sound server.
    const SERVER_AGAIN: u32 = 4;
    /// udev makes the lasting names, and gives access to the device, a moment after its file appears: it is looked at once more after this
    /// many looks.
    const SETTLED: u32 = 3;

    type Stamps = Vec<Option<SystemTime>>;

    /// Linux: a sound server tells of its changes; times of folders tell of cameras and cards.
    #[derive(Default)]
    pub(in crate::media::devices) struct System {
        server: Option<Server>,
        /// Looks until a server is looked for again.
        patience: u32,
        sound: Watched,
        cameras: Watched,
        /// What kinds of sound devices are still to be asked for.
        stale: [bool; 2],
    }

    #[derive(Default)]
    struct Watched {
        stamps: Option<Stamps>,
        settle: u32,
    }

    impl Watched {
        fn changed(&mut self, folders: &[&str]) -> bool {
            let now: Stamps = folders.iter().map(|f| std::fs::metadata(f).and_then(|m| m.modified()).ok()).collect();
            if self.stamps.as_ref() != Some(&now) {
                self.settle = if self.stamps.is_some() { SETTLED } else { 0 };
                self.stamps = Some(now);
                return true;
            }
            self.settle = self.settle.saturating_sub(1);
            self.settle == 1
        }
    }

    impl System {
        /// The list, if it may have changed since the last time.
        pub(in crate::media::devices) fn look(&mut self, kind: Kind) -> Option<List> {
            match kind {
                Kind::Camera => self.cameras.changed(&CAMERAS).then(cameras),
                Kind::Speaker => {
                    self.reach_server();
                    let cards = self.sound.changed(&CARDS);
                    if self.server.as_mut().map_or(cards, Server::changed) {
                        self.stale = [true; 2];
                    }
                    std::mem::take(&mut self.stale[0]).then(|| self.sound_list(kind))
                }
                Kind::Microphone => std::mem::take(&mut self.stale[1]).then(|| self.sound_list(kind)),
            }
        }

        pub(in crate::media::devices) fn wait(&mut self) -> Pace {
            match &mut self.server {
                Some(server) => match server.wait(LOOK) {
                    Ok(()) => Pace::Waited,
                    Err(error) => {
                        tracing::info!(%error, "the sound server is gone");
                        self.server = None;
                        self.stale = [true; 2];
                        Pace::Sleep(Duration::ZERO)
                    }
                },
                None => Pace::Sleep(LOOK),
            }
        }

        fn reach_server(&mut self) {
            if self.server.is_some() {
                return;
            }
            if self.patience > 0 {
                self.patience -= 1;
                return;
            }
            self.patience = SERVER_AGAIN;
            // A server that nothing leads to does not matter.
            if !Server::is_there() || !audio::reaches_server() {
                return;
            }
            match Server::connect() {
                Ok(server) => {
                    tracing::debug!("a sound server lists the devices");
                    self.server = Some(server);
                    self.stale = [true; 2];
                }
                Err(error) => tracing::debug!(%error, "no sound server"),
            }
        }

        fn sound_list(&mut self, kind: Kind) -> List {
            match self.server.as_mut().map(|server| server.list(kind)) {
                Some(Ok(list)) => list,
                Some(Err(error)) => {
                    tracing::info!(%error, "the sound server lists nothing");
                    self.server = None;
                    by_cpal(kind)
                }
                None => by_cpal(kind),
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Kind, LOOK, List, POLL, Pace, by_cpal, cameras};
    use std::time::Instant;

    /// Other systems: the lists are asked for at a modest rate.
    #[derive(Default)]
    pub(in crate::media::devices) struct System {
        asked: [Option<Instant>; 3],
    }

    impl System {
        /// The list, if it is time to ask.
        pub(in crate::media::devices) fn look(&mut self, kind: Kind) -> Option<List> {
            let asked = &mut self.asked[kind as usize];
            if asked.is_some_and(|at| at.elapsed() < POLL) {
                return None;
            }
            *asked = Some(Instant::now());
            Some(if kind == Kind::Camera { cameras() } else { by_cpal(kind) })
        }

        pub(in crate::media::devices) fn wait(&mut self) -> Pace {
            Pace::Sleep(LOOK)
        }
    }
}
