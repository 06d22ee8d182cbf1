//! One's own sound: a running source.

use super::feed::{Level, Outlet, SoundFeed};
use super::file;
use super::source::{AudioSource, SourceError};
use super::tone;
use crate::base::{Clock, Queue, Stop, Worker};
use crate::media::audio::chain::{Chain, Control};
use crate::media::audio::mic;
use crate::media::devices::Using;
use crate::media::frame::Chunk;
use std::time::Duration;

/// Chunks that may wait between the microphone's driver and us: 200 ms.
const MIC_CHUNKS: usize = 20;
/// How long to wait for the microphone before looking whether to stop.
const MIC_WAIT: Duration = Duration::from_millis(50);
/// Chunks that the tone may be late before it leaves some out: half a second.
const TONE_LATE: u64 = 50;

/// A running source of sound: 10 ms chunks, 48 kHz, mono. Dropping it releases the device or file.
#[derive(Debug)]
pub struct Sound {
    source: AudioSource,
    feed: SoundFeed,
    mic: Option<mic::Mic>,
    _engine: Engine,
}

/// What keeps the sound coming.
#[derive(Debug)]
#[expect(dead_code, reason = "held for their Drop")]
enum Engine {
    Idle,
    Thread(Worker),
    File(file::Tap),
}

impl Sound {
    /// Opens a source; returns when it delivers, or when it is clear that it cannot. [`AudioSource::None`] opens and delivers nothing.
    ///
    /// Blocks while the device opens.
    ///
    /// # Errors
    /// When there is no such device or file, or it cannot be used now; the kind says which.
    pub fn open(source: AudioSource, clock: Clock) -> Result<Self, SourceError> {
        Self::start(source, clock, None)
    }

    /// The same, but what a microphone delivers goes through a [`Chain`] that does what `control` says. Files and tones are as they are.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_processed(source: AudioSource, clock: Clock, control: Control) -> Result<Self, SourceError> {
        Self::start(source, clock, Some(control))
    }

    fn start(source: AudioSource, clock: Clock, control: Option<Control>) -> Result<Self, SourceError> {
        let feed = SoundFeed::default();
        let mut opened = None;
        let engine = match &source {
            AudioSource::None => Engine::Idle,
            AudioSource::Tone => {
                let feed = feed.clone();
                Engine::Thread(Worker::spawn("tone", move |stop| run_tone(&feed, &clock, stop))?)
            }
            AudioSource::Device(id) => {
                let chunks = Queue::bounded(MIC_CHUNKS);
                opened = Some(mic::open(id.clone().into(), chunks.clone(), clock)?);
                let feed = feed.clone();
                Engine::Thread(Worker::spawn("mic-feed", move |stop| run_mic(&chunks, &feed, control, stop))?)
            }
            AudioSource::File(path) => Engine::File(file::sound(path, feed.clone(), clock)?),
        };
        Ok(Self { source, feed, mic: opened, _engine: engine })
    }

    /// What was opened.
    pub fn source(&self) -> &AudioSource {
        &self.source
    }

    /// Whether somebody speaks into it: what comes is a voice and its pauses.
    pub fn is_voice(&self) -> bool {
        matches!(self.source, AudioSource::Device(_))
    }

    /// Pushes each chunk into `queue`, until the guard is dropped.
    pub fn connect(&self, queue: Queue<Chunk>) -> Outlet {
        self.feed.outlets().connect(queue)
    }

    /// Loudness of the last 100 ms: RMS, full scale is 1.
    pub fn level(&self) -> f32 {
        self.feed.level().rms()
    }

    /// The meter behind [`level`](Self::level), to be kept by someone else.
    pub fn meter(&self) -> Level {
        self.feed.level().clone()
    }

    /// The microphone that is open; another kind of source uses none.
    pub fn using(&self) -> Option<Using> {
        self.mic.as_ref().map(mic::Mic::using)
    }

    /// Why no sound comes just now.
    pub fn failure(&self) -> Option<SourceError> {
        self.mic.as_ref().and_then(mic::Mic::failure).or_else(|| self.feed.failure())
    }
}

fn run_tone(feed: &SoundFeed, clock: &Clock, stop: &Stop) {
    let mut number = tone::number_at(clock.now());
    loop {
        // Like a microphone's, a chunk is there when its last sample has been recorded.
        let chunk = tone::chunk(number);
        let due = chunk.captured + Duration::from_millis(10);
        if stop.wait(due.saturating_sub(clock.now())) {
            return;
        }
        feed.deliver(&chunk);
        number += 1;
        let current = tone::number_at(clock.now());
        if current > number + TONE_LATE {
            number = current;
        }
    }
}

fn run_mic(chunks: &Queue<Chunk>, feed: &SoundFeed, control: Option<Control>, stop: &Stop) {
    let mut chain = control.map(Chain::new);
    while !stop.is_set() {
        if let Some(mut chunk) = chunks.pop_within(MIC_WAIT) {
            if let Some(chain) = &mut chain {
                chain.process(&mut chunk);
            }
            feed.deliver(&chunk);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tone_leaves_no_gap() {
        let sound = Sound::open(AudioSource::Tone, Clock::system()).unwrap();
        let queue = Queue::bounded(200);
        let _connected = sound.connect(queue.clone());
        let first = queue.pop_within(Duration::from_secs(20)).unwrap().captured;
        for n in 1..30 {
            let chunk = queue.pop_within(Duration::from_secs(20)).unwrap();
            assert_eq!(chunk.captured, first + Duration::from_millis(10 * n));
        }
    }
}
