//! What is being recorded here, and the snapshots that are being taken.

use super::Event;
use super::command::{Place, Recorded};
use super::snapshot::Recording;
use crate::base::{Clock, ServerClock, Slot, Worker};
use crate::media::capture::Outlet;
use crate::media::frame::Rgba;
use crate::media::record::{self, Present, Recorder, Tap, write_still};
use crate::proto::MemberId;
use std::path::PathBuf;
use std::time::Duration;

/// A snapshot for which no picture has come after so long is given up.
const STILL_PATIENCE: Duration = Duration::from_secs(5);
/// Snapshots that are taken at the same time.
const MOST_STILLS: usize = 8;

/// All of them.
pub(super) struct Recordings {
    clock: Clock,
    running: Vec<Running>,
    stills: Vec<Still>,
}

struct Running {
    what: Recorded,
    name: String,
    since: Duration,
    /// Whose stream it is.
    tap: Tap,
    recorder: Recorder,
    /// Asked to end.
    ending: bool,
}

/// Where what is recorded comes from.
pub(super) enum From {
    /// One person.
    Tap(Tap),
    /// Everybody, by this clock.
    Everybody(ServerClock),
}

/// A snapshot that waits for its picture, or is being written.
struct Still {
    name: String,
    folder: PathBuf,
    picture: Slot<Rgba>,
    /// Where one's own pictures come from.
    outlet: Option<Outlet>,
    until: Duration,
    written: Slot<Result<PathBuf, record::Error>>,
    worker: Option<Worker>,
}

impl Recordings {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, running: Vec::new(), stills: Vec::new() }
    }

    /// Begins to record whom the tap belongs to, or, with a clock instead, the stage, unless that is done already; the event, if it fails at once.
    pub(super) fn start(&mut self, what: Recorded, name: &str, place: Place, from: From) -> Option<Event> {
        if self.running.iter().any(|running| !running.ending && running.what == what) {
            return None;
        }
        let Place { folder, slice } = place;
        let config = record::Config { folder, what: name.to_owned(), slice, clock: self.clock.clone() };
        let (tap, recorder) = match from {
            From::Tap(tap) => (tap.clone(), Recorder::person(config, &tap)),
            From::Everybody(clock) => (Tap::default(), Recorder::stage(config, clock)),
        };
        match recorder {
            Ok(recorder) => {
                let (name, since) = (name.to_owned(), self.clock.now());
                self.running.push(Running { what, name, since, tap, recorder, ending: false });
                None
            }
            Err(error) => Some(Event::RecordingEnded { name: name.to_owned(), files: Vec::new(), error: Some(error) }),
        }
    }

    /// Ends a recording; it is told when its file is whole.
    pub(super) fn stop(&mut self, what: &Recorded) {
        for running in self.running.iter_mut().filter(|running| running.what == *what) {
            running.ending = true;
            running.recorder.stop();
        }
    }

    /// Takes a snapshot of the next picture that comes into `picture`.
    pub(super) fn take_still(&mut self, name: &str, folder: PathBuf, picture: Slot<Rgba>, outlet: Option<Outlet>) {
        if self.stills.len() < MOST_STILLS {
            let until = self.clock.now() + STILL_PATIENCE;
            let name = name.to_owned();
            self.stills.push(Still { name, folder, picture, outlet, until, written: Slot::new(), worker: None });
        }
    }

    /// Says who is on the stage, in order.
    pub(super) fn set_people(&self, people: impl Fn() -> Vec<Present>) {
        for running in self.running.iter().filter(|running| running.what == Recorded::Stage) {
            running.recorder.set_people(people());
        }
    }

    /// What has ended since the last time. `owner` says who a tap belongs to now.
    pub(super) fn watch(&mut self, owner: impl Fn(&Tap) -> Option<MemberId>) -> Vec<Event> {
        for running in &mut self.running {
            if let Recorded::Peer(member) = &mut running.what {
                match owner(&running.tap) {
                    Some(now) => *member = now,
                    // They left.
                    None => {
                        running.ending = true;
                        running.recorder.stop();
                    }
                }
            }
        }
        let (ended, running): (Vec<_>, _) =
            std::mem::take(&mut self.running).into_iter().partition(|running| running.recorder.is_finished());
        self.running = running;
        let mut events: Vec<Event> = ended.into_iter().map(Running::end).collect();
        let now = self.clock.now();
        self.stills.retain_mut(|still| match still.step(now) {
            None => true,
            Some(event) => {
                events.push(event);
                false
            }
        });
        events
    }

    /// Whether anything of the call is being recorded, which everybody is told.
    pub(super) fn any(&self) -> bool {
        self.running.iter().any(|running| !running.ending)
    }

    /// How far they have come.
    pub(super) fn show(&self) -> Vec<Recording> {
        let show = |running: &Running| {
            let record::Status { files, bytes, length, lost, sound_only, .. } = running.recorder.status();
            let (what, name, since) = (running.what.clone(), running.name.clone(), running.since);
            Recording { what, name, since, files, bytes, length, lost, sound_only }
        };
        self.running.iter().filter(|running| !running.ending).map(show).collect()
    }

    /// Ends all, and waits until their files are whole.
    pub(super) fn close(&mut self) -> Vec<Event> {
        self.stills.clear();
        let running = std::mem::take(&mut self.running);
        running.iter().for_each(|running| running.recorder.stop());
        running.into_iter().map(Running::end).collect()
    }
}

impl Running {
    fn end(self) -> Event {
        let record::Status { files, error, .. } = self.recorder.finish();
        Event::RecordingEnded { name: self.name, files, error }
    }
}

impl Still {
    /// Goes on; the event, when it is over.
    fn step(&mut self, now: Duration) -> Option<Event> {
        if let Some(written) = self.written.take() {
            return Some(match written {
                Ok(path) => Event::SnapshotTaken { name: self.name.clone(), path },
                Err(error) => Event::SnapshotFailed { name: self.name.clone(), error: Some(error) },
            });
        }
        if self.worker.is_some() {
            return None;
        }
        if let Some(picture) = self.picture.take() {
            self.outlet = None;
            let (folder, name, written) = (self.folder.clone(), self.name.clone(), self.written.clone());
            let write = move |_: &crate::base::Stop| drop(written.put(write_still(&picture, &folder, &name, now)));
            self.worker = Worker::spawn("snapshot", write).inspect_err(|e| tracing::error!("no thread for a snapshot: {e}")).ok();
            return self.worker.is_none().then(|| Event::SnapshotFailed { name: self.name.clone(), error: None });
        }
        (now >= self.until).then(|| Event::SnapshotFailed { name: self.name.clone(), error: None })
    }
}
