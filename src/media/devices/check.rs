//! Trying devices out: a chime through the speaker; three seconds from the microphone, and back.

use crate::base::{Queue, Stop, Worker};
use crate::media::audio::{Chime, Output, Source, Tick};
use crate::media::capture::Sound;
use crate::media::frame::{CHUNK_SAMPLES, Chunk};
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Chunks of a recording: three seconds.
const CHUNKS: usize = 300;
/// A microphone that delivers less than that within this delivers nothing.
const PATIENCE: Duration = Duration::from_secs(6);
/// How long a speaker may take to open before the chime is played anyway.
const OPENING: Duration = Duration::from_secs(3);
/// How often the threads here look.
const LOOK: Duration = Duration::from_millis(40);

/// How far the trial of a microphone has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// It records; from 0 to 1.
    Recording(f32),
    /// What was recorded is played; from 0 to 1.
    Playing(f32),
    /// It is over; the loudest sample, full scale is 1. Zero: nothing was heard at all.
    Done(f32),
}

/// A trial of a microphone: records three seconds and plays them. Dropping it ends it.
#[derive(Debug)]
pub struct MicCheck {
    stage: Arc<Mutex<Stage>>,
    _worker: Worker,
}

impl MicCheck {
    /// Begins to record from `sound`; what was recorded is played through `output`.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(sound: &Sound, output: &Output) -> io::Result<Self> {
        let stage = Arc::new(Mutex::new(Stage::Recording(0.0)));
        let chunks = Queue::bounded(CHUNKS);
        let outlet = sound.connect(chunks.clone());
        let (shown, output) = (stage.clone(), output.clone());
        let worker = Worker::spawn("mic-check", move |stop| {
            let recorded = record(&chunks, stop, &|stage| set(&shown, stage));
            drop(outlet);
            let loudest = recorded.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            if loudest > 0.0 {
                play(recorded, &output, stop, &|stage| set(&shown, stage));
            }
            set(&shown, Stage::Done(loudest));
        })?;
        Ok(Self { stage, _worker: worker })
    }

    /// How far it has come.
    pub fn stage(&self) -> Stage {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn set(place: &Mutex<Stage>, stage: Stage) {
    *place.lock().unwrap_or_else(PoisonError::into_inner) = stage;
}

fn record(chunks: &Queue<Chunk>, stop: &Stop, show: &dyn Fn(Stage)) -> Vec<f32> {
    let mut recorded = Vec::with_capacity(CHUNKS * CHUNK_SAMPLES);
    let mut idle = Duration::ZERO;
    while recorded.len() < CHUNKS * CHUNK_SAMPLES && !stop.is_set() && idle < PATIENCE {
        match chunks.pop_within(LOOK) {
            Some(chunk) => recorded.extend(chunk.samples),
            None => idle += LOOK,
        }
        show(Stage::Recording(recorded.len() as f32 / (CHUNKS * CHUNK_SAMPLES) as f32));
    }
    recorded
}

fn play(recorded: Vec<f32>, output: &Output, stop: &Stop, show: &dyn Fn(Stage)) {
    let (length, at) = (recorded.len(), Arc::new(AtomicUsize::new(0)));
    let _voice = output.voice(Playback { recorded, at: at.clone() });
    let mut waited = Duration::ZERO;
    while at.load(Ordering::Relaxed) < length && waited < 2 * PATIENCE && !stop.wait(LOOK) {
        waited += LOOK;
        show(Stage::Playing(at.load(Ordering::Relaxed) as f32 / length.max(1) as f32));
    }
}

/// Plays a recording once.
struct Playback {
    recorded: Vec<f32>,
    at: Arc<AtomicUsize>,
}

impl Source for Playback {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        let at = self.at.load(Ordering::Relaxed);
        let rest = self.recorded.get(at..).unwrap_or_default();
        for (to, from) in out.iter_mut().zip(rest) {
            *to = *from;
        }
        self.at.store(at + CHUNK_SAMPLES.min(rest.len()), Ordering::Relaxed);
    }
}

/// Plays a chime as soon as the speaker is open. The thread ends by itself; dropping the worker ends it at once.
///
/// # Errors
/// When the system gives no thread.
pub fn try_speaker(output: &Output) -> io::Result<Worker> {
    let output = output.clone();
    Worker::spawn("speaker-check", move |stop| {
        let mut waited = Duration::ZERO;
        while output.using().now().is_none() && waited < OPENING && !stop.wait(LOOK) {
            waited += LOOK;
        }
        if !stop.is_set() {
            Chime::Test.ring(&output);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Clock;
    use crate::media::capture::AudioSource;

    #[test]
    fn three_seconds_are_recorded_and_played() {
        let (sound, output) =
            (Sound::open(AudioSource::Tone, Clock::system()).unwrap(), Output::silent(Clock::system()).unwrap());
        let reference = output.reference();
        let check = MicCheck::start(&sound, &output).unwrap();
        assert!(matches!(check.stage(), Stage::Recording(share) if share < 0.5));
        let mut played = Vec::new();
        let mut stages = Vec::new();
        for _ in 0..3_000 {
            let stage = check.stage();
            if stages.last().is_none_or(|last| std::mem::discriminant(last) != std::mem::discriminant(&stage)) {
                stages.push(stage);
            }
            while let Some(chunk) = reference.pop() {
                played.extend(chunk.samples);
            }
            if matches!(stage, Stage::Done(_)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(
            matches!(stages[..], [Stage::Recording(_), Stage::Playing(_), Stage::Done(loudest)] if loudest > 0.1),
            "{stages:?}"
        );
        assert!(played.iter().any(|sample| sample.abs() > 0.1), "what was recorded is heard");
    }

    #[test]
    fn silence_is_not_played_but_said() {
        let show = |_| {};
        let chunks = Queue::bounded(CHUNKS);
        for _ in 0..CHUNKS {
            chunks.push(Chunk { captured: Duration::ZERO, samples: [0.0; CHUNK_SAMPLES] });
        }
        let recorded = record(&chunks, &Stop::new(), &show);
        assert_eq!((recorded.len(), recorded.iter().all(|s| *s == 0.0)), (CHUNKS * CHUNK_SAMPLES, true));
    }
}
