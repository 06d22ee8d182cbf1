//! What the computer plays, without what this program plays of it: to be shared together with the screen.
//!
//! Only where a sound server can be asked for the sound of single programs (PulseAudio, or PipeWire in its place): anywhere else the others of a
//! call would hear themselves.

use super::feed::{Outlet, SoundFeed};
use super::source::{SourceError, SourceErrorKind};
use crate::base::{Clock, Queue, Stop, Worker};
#[cfg(target_os = "linux")]
use crate::media::devices::server::record::{Heard, Input, Recorder};
use crate::media::frame::{CHUNK_SAMPLES, Chunk};
#[cfg(not(target_os = "linux"))]
use elsewhere::{Heard, Input, Recorder};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::Duration;

/// Length of a chunk.
const CHUNK: Duration = Duration::from_millis(10);
/// Samples of a program that wait before they are mixed, so that their coming in bursts is not heard: 40 ms.
const AHEAD: usize = 4 * CHUNK_SAMPLES;
/// More than this is too late, or its clock runs faster: the oldest are left out. 160 ms.
const MOST: usize = 16 * CHUNK_SAMPLES;
/// Chunks that are late by more than this are left out: the computer was asleep.
const LATE: Duration = Duration::from_millis(500);
/// How often to look whether to stop, while nobody plays anything.
const LOOK: Duration = Duration::from_millis(5);
/// How long to wait before connecting again to a server that went away.
const AGAIN: Duration = Duration::from_secs(1);

/// The running capture. Dropping it ends it.
#[derive(Debug)]
pub struct SystemSound {
    feed: SoundFeed,
    _worker: Worker,
}

impl SystemSound {
    /// Whether this computer seems able to; costs nothing to ask.
    pub fn is_there() -> bool {
        Recorder::is_there()
    }

    /// Begins to listen to all other programs, those that come later included. Blocks for a moment.
    ///
    /// # Errors
    /// When the sound server does not answer.
    pub fn open(clock: Clock) -> Result<Self, SourceError> {
        let feed = SoundFeed::default();
        let inside = feed.clone();
        let open = || Recorder::connect().map(|recorder| (recorder, ())).map_err(refused);
        let run = move |recorder, stop: &Stop| run(recorder, &inside, &clock, stop);
        let (worker, ()) = Worker::open("system-sound", open, run)?;
        Ok(Self { feed, _worker: worker })
    }

    /// Pushes each chunk into `queue`, until the guard is dropped. Chunks come all the time, silent ones while nobody plays.
    pub fn connect(&self, queue: Queue<Chunk>) -> Outlet {
        self.feed.outlets().connect(queue)
    }

    /// Loudness of the last 100 ms: RMS, full scale is 1.
    pub fn level(&self) -> f32 {
        self.feed.level().rms()
    }
}

fn refused(error: io::Error) -> SourceError {
    SourceError::new(SourceErrorKind::Other, format!("the sound server: {error}"))
}

fn run(recorder: Recorder, feed: &SoundFeed, clock: &Clock, stop: &Stop) {
    let mut recorder = Some(recorder);
    let mut mix = Mix::default();
    let mut due = clock.now();
    let mut again = Duration::ZERO;
    let mut changed = true;
    while !stop.is_set() {
        if recorder.is_none() && clock.now() >= again {
            (recorder, mix, changed) = (Recorder::connect().ok(), Mix::default(), true);
            again = clock.now() + AGAIN;
        }
        match &mut recorder {
            None => drop(stop.wait(LOOK)),
            Some(server) => {
                if let Err(error) = turn(server, &mut mix, &mut changed) {
                    tracing::warn!("the computer's sound is interrupted: {error}");
                    recorder = None;
                }
            }
        }
        let now = clock.now();
        if now.saturating_sub(due) > LATE {
            due = now;
        }
        while due <= now {
            feed.deliver(&Chunk { captured: due, samples: mix.chunk() });
            due += CHUNK;
        }
    }
}

/// Takes what has come.
fn turn(server: &mut Recorder, mix: &mut Mix, changed: &mut bool) -> io::Result<()> {
    if std::mem::take(changed) {
        for input in mix.missing(server.inputs()?) {
            // One that has just ended cannot be listened to.
            match server.listen(input) {
                Ok(stream) => mix.add(input, stream),
                Err(error) => tracing::debug!(input, "not listened to: {error}"),
            }
        }
    }
    match server.next(LOOK)? {
        Heard::Samples(stream, samples) => mix.take(stream, &samples),
        Heard::Changed => *changed = true,
        Heard::Ended(stream) => mix.remove(stream),
        Heard::Nothing => {}
    }
    Ok(())
}

/// Several programs' sound, put together. Pure.
#[derive(Debug, Default)]
struct Mix {
    voices: BTreeMap<u32, Voice>,
}

#[derive(Debug)]
struct Voice {
    input: Input,
    waiting: VecDeque<f32>,
    /// Enough has waited for once.
    flows: bool,
}

impl Mix {
    /// Who of these is not listened to yet; who is not among them any more is forgotten once all of theirs was heard.
    fn missing(&self, inputs: Vec<Input>) -> Vec<Input> {
        inputs.into_iter().filter(|input| self.voices.values().all(|voice| voice.input != *input)).collect()
    }

    fn add(&mut self, input: Input, stream: u32) {
        self.voices.insert(stream, Voice { input, waiting: VecDeque::new(), flows: false });
    }

    fn remove(&mut self, stream: u32) {
        self.voices.remove(&stream);
    }

    fn take(&mut self, stream: u32, samples: &[f32]) {
        let Some(voice) = self.voices.get_mut(&stream) else { return };
        voice.waiting.extend(samples);
        let over = voice.waiting.len().saturating_sub(MOST);
        if over > 0 {
            voice.waiting.drain(..over + MOST - AHEAD);
        }
        voice.flows |= voice.waiting.len() >= AHEAD;
    }

    /// The next 10 ms.
    fn chunk(&mut self) -> [f32; CHUNK_SAMPLES] {
        let mut mixed = [0.0; CHUNK_SAMPLES];
        for voice in self.voices.values_mut().filter(|voice| voice.flows) {
            for sum in &mut mixed {
                *sum += voice.waiting.pop_front().unwrap_or_default();
            }
            // It paused, or was late: what comes next waits again.
            voice.flows = !voice.waiting.is_empty();
        }
        mixed.map(|sample| if sample.is_finite() { sample.clamp(-1.0, 1.0) } else { 0.0 })
    }
}

/// Where no system lets single programs be listened to.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::time::Duration;

    pub(super) type Input = u32;

    /// There is none.
    #[derive(Debug)]
    pub(super) enum Recorder {}

    #[derive(Debug)]
    #[allow(dead_code, reason = "nothing is ever heard")]
    pub(super) enum Heard {
        Samples(u32, Vec<f32>),
        Changed,
        Ended(u32),
        Nothing,
    }

    impl Recorder {
        pub(super) fn is_there() -> bool {
            false
        }

        pub(super) fn connect() -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(super) fn inputs(&mut self) -> io::Result<Vec<Input>> {
            match *self {}
        }

        pub(super) fn listen(&mut self, _input: Input) -> io::Result<u32> {
            match *self {}
        }

        pub(super) fn next(&mut self, _limit: Duration) -> io::Result<Heard> {
            match *self {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_added_up_each_in_its_own_time() {
        let mut mix = Mix::default();
        assert_eq!(mix.missing(vec![3, 4]), [3, 4]);
        mix.add(3, 0);
        assert_eq!(mix.missing(vec![3, 4]), [4]);
        mix.add(4, 1);
        mix.take(0, &[0.25; AHEAD]);
        mix.take(1, &[0.5; CHUNK_SAMPLES]);
        assert_eq!(mix.chunk(), [0.25; CHUNK_SAMPLES], "the second has not waited long enough");
        mix.take(1, &[0.5; AHEAD]);
        assert_eq!(mix.chunk(), [0.75; CHUNK_SAMPLES]);
        mix.take(7, &[1.0; AHEAD]);
        mix.remove(0);
        assert_eq!(mix.chunk(), [0.5; CHUNK_SAMPLES], "strangers and those who ended are not heard");
        while mix.chunk() != [0.0; CHUNK_SAMPLES] {}
        mix.take(1, &[0.5; CHUNK_SAMPLES]);
        assert_eq!(mix.chunk(), [0.0; CHUNK_SAMPLES], "after a pause it waits again");
    }

    #[test]
    fn what_is_too_late_is_left_out_and_nonsense_is_no_noise() {
        let mut mix = Mix::default();
        mix.add(1, 1);
        for n in 0..100 {
            mix.take(1, &[n as f32 / 200.0; CHUNK_SAMPLES]);
        }
        assert!(mix.voices[&1].waiting.len() <= MOST);
        assert!(mix.chunk()[0] > 0.4);
        mix.add(2, 2);
        mix.take(2, &[f32::NAN; AHEAD]);
        assert_eq!(mix.chunk(), [0.0; CHUNK_SAMPLES]);
        mix.remove(2);
        mix.add(3, 3);
        mix.take(3, &[5.0; AHEAD]);
        assert_eq!(mix.chunk(), [1.0; CHUNK_SAMPLES]);
    }
}
