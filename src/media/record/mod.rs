//! Recording to files on this computer: one person as they were sent, or all of the stage in one picture.
//!
//! A [`Recorder`] has one thread, `record`; it listens at the [`Tap`]s of streams that are played or sent anyway, and writes Matroska files that can
//! be played whatever becomes of the program. A long recording goes on in another file after each slice.

mod avc;
mod ebml;
mod film;
mod folder;
mod guest;
mod label;
mod line;
pub mod matroska;
mod person;
mod stage;
mod still;
mod tap;

pub use still::write_still;
pub use tap::{Listening, Tap, Tapped};

use crate::base::{Clock, Queue, ServerClock, Stop, Worker};
use person::Person;
use stage::Stage;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Packets that may wait for the disk: some 20 s of one person.
const PACKETS: usize = 2048;
/// How long the thread waits for a packet before it looks whether to stop.
const WAIT: Duration = Duration::from_millis(50);
/// Paths that are remembered; of a longer recording, the first ones.
const MOST_FILES: usize = 1000;

/// Why nothing more is recorded.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{} cannot be written", path.display())]
pub struct Error {
    /// What should have been written.
    pub path: PathBuf,
    /// Why it was not.
    #[source]
    pub cause: Arc<io::Error>,
}

/// What a person can do about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Make room on the disk.
    Full,
    /// Choose another folder: this one may not be written to, or is none.
    Folder,
    /// Nothing in particular.
    Other,
}

impl Error {
    fn new(path: &Path, cause: io::Error) -> Self {
        Self { path: path.to_owned(), cause: Arc::new(cause) }
    }

    /// What can be done about it.
    pub fn kind(&self) -> ErrorKind {
        match self.cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ErrorKind::Full,
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::AlreadyExists
            | io::ErrorKind::NotFound
            | io::ErrorKind::InvalidFilename => ErrorKind::Folder,
            _ => ErrorKind::Other,
        }
    }
}

/// What to write, and where to.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder; it is made if it is not there.
    pub folder: PathBuf,
    /// Who or what is recorded: the beginning of the files' names.
    pub what: String,
    /// After so long another file is begun; `None`: never.
    pub slice: Option<Duration>,
    /// Time.
    pub clock: Clock,
}

/// How far a recording has come.
#[derive(Clone, Debug, Default)]
pub struct Status {
    /// Its files so far, the one that is being written last.
    pub files: Vec<PathBuf>,
    /// Bytes in all of them.
    pub bytes: u64,
    /// How long all of them are.
    pub length: Duration,
    /// Packets that the disk was too slow for.
    pub lost: u64,
    /// The pictures are left out: they are in a coding that is not written (only H.264 is).
    pub sound_only: bool,
    /// Why it ended by itself.
    pub error: Option<Error>,
}

/// Somebody on the recorded stage.
#[derive(Clone, Debug)]
pub struct Present {
    /// What stands in the corner of their picture.
    pub name: String,
    /// Where their stream is.
    pub tap: Tap,
}

/// A recording that runs. Dropping it ends it, and waits until its file is whole.
#[derive(Debug)]
pub struct Recorder {
    status: Arc<Mutex<Status>>,
    /// Who is on the stage, if that is what is recorded.
    people: Arc<Mutex<Vec<Present>>>,
    worker: Option<Worker>,
}

impl Recorder {
    /// Records whom this tap belongs to; returns at once.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn person(config: Config, tap: &Tap) -> Result<Self, Error> {
        let tap = tap.clone();
        Self::spawn(config, move |files, _, status, stop| run(files, tap, status, stop))
    }

    /// Records the stage: see [`set_people`](Self::set_people); returns at once.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn stage(config: Config, clock: ServerClock) -> Result<Self, Error> {
        Self::spawn(config, move |files, people, _, stop| run_stage(files, clock, people, stop))
    }

    fn spawn(
        config: Config,
        run: impl FnOnce(Files, &Mutex<Vec<Present>>, &Mutex<Status>, &Stop) -> Result<(), Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (status, people) = (Arc::new(Mutex::new(Status::default())), Arc::new(Mutex::new(Vec::new())));
        let folder = config.folder.clone();
        let files = Files::new(config, status.clone());
        let (shared, present) = (status.clone(), people.clone());
        let worker = Worker::spawn("record", move |stop| {
            let error = run(files, &present, &shared, stop).err();
            if let Some(error) = &error {
                tracing::warn!(%error, cause = %error.cause, "the recording ends");
            }
            lock(&shared).error = error;
        });
        Ok(Self { status, people, worker: Some(worker.map_err(|cause| Error::new(&folder, cause))?) })
    }

    /// Says who is on the stage, in order; nothing changes where a person is recorded.
    pub fn set_people(&self, people: Vec<Present>) {
        *lock(&self.people) = people;
    }

    /// How far it has come.
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Asks it to end, without waiting: see [`is_finished`](Self::is_finished).
    pub fn stop(&self) {
        self.worker.iter().for_each(Worker::stop);
    }

    /// Whether it has ended, asked to or by itself.
    pub fn is_finished(&self) -> bool {
        self.worker.as_ref().is_none_or(Worker::is_finished)
    }

    /// Ends it and waits until its file is whole.
    pub fn finish(mut self) -> Status {
        self.worker = None;
        self.status()
    }
}

fn run(files: Files, tap: Tap, status: &Mutex<Status>, stop: &Stop) -> Result<(), Error> {
    let clock = files.clock.clone();
    let queue = Queue::bounded(PACKETS);
    let mut person = Person::new(files, tap.clone(), clock.now());
    let _listening = tap.listen(queue.clone(), clock.now());
    let mut lost = 0;
    loop {
        let stopping = stop.is_set();
        let dropped = queue.dropped();
        if dropped > lost {
            lost = dropped;
            lock(status).lost = lost;
            person.lost();
        }
        match queue.pop_within(if stopping { Duration::ZERO } else { WAIT }) {
            Some(tapped) => person.take(tapped)?,
            // What had come before the wish to end is part of it.
            None if stopping => return person.finish(),
            None => {}
        }
    }
}

fn run_stage(files: Files, clock: ServerClock, people: &Mutex<Vec<Present>>, stop: &Stop) -> Result<(), Error> {
    let mut stage = Stage::new(files, clock)?;
    loop {
        let present = lock(people).clone();
        stage.set_people(&present);
        let wait = stage.step()?;
        if stop.wait(wait.min(WAIT)) {
            return stage.finish();
        }
    }
}

/// A file whose flush reaches the disk: what was flushed survives a loss of power, too.
struct Disk(File);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

/// Where files go, and what is told of them.
struct Files {
    folder: PathBuf,
    what: String,
    slice: Option<Duration>,
    clock: Clock,
    status: Arc<Mutex<Status>>,
    /// Bytes and length of the files that are whole.
    before: (u64, Duration),
    now: (u64, Duration),
}

impl Files {
    fn new(config: Config, status: Arc<Mutex<Status>>) -> Self {
        let Config { folder, what, slice, clock } = config;
        Self { folder, what, slice, clock, status, before: Default::default(), now: Default::default() }
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    fn stem(&self) -> String {
        folder::stem(&self.what, self.now())
    }

    /// Another file was begun.
    fn begun(&mut self, path: PathBuf) {
        self.before = (self.before.0 + self.now.0, self.before.1 + self.now.1);
        self.now = Default::default();
        let mut status = lock(&self.status);
        if status.files.len() < MOST_FILES {
            status.files.push(path);
        }
    }

    /// Pictures come, and are written, or not.
    fn pictures_are(&self, written: bool) {
        lock(&self.status).sound_only = !written;
    }

    /// The file has grown to this.
    fn grown(&mut self, bytes: u64, length: Duration) {
        self.now = (bytes, length);
        let mut status = lock(&self.status);
        (status.bytes, status.length) = (self.before.0 + bytes, self.before.1 + length);
    }

    fn failed(&self, cause: io::Error) -> Error {
        let path = lock(&self.status).files.last().cloned().unwrap_or_else(|| self.folder.clone());
        Error::new(&path, cause)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
