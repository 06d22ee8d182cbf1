//! What a voice goes through between the microphone and the encoder, 10 ms at a time:
//!
//! ```text
//! microphone -> mono, 48 kHz -> echo -> noise -> (does somebody speak?) -> gain -> limiter -> mute -> encoder
//!               (audio::mic)     |                                                  (publish)
//!          output's mix -> align +
//! ```
//!
//! The order is WebRTC's: the echo canceller must see the microphone as it is, the gain must not raise noise, and the limiter catches what the gain
//! made too loud. Mute comes last, so that the meter moves and "you are talking while muted" can be said; it is a [`Gate`] in the publisher,
//! because it is for every source. Files and tones do not come through here.
//!
//! A [`Chain`] belongs to the thread that takes chunks from the microphone. Whoever owns the call holds a [`Control`] of it: which output's mix is
//! the [reference](super::Output::reference), how much noise is taken out, whether somebody speaks. This module knows neither.
//!
//! No stage waits or takes a lock that a device's callback takes; the chain's own buffers are allocated once (sonora's gain controller does
//! allocate some, each time).

mod align;
mod apm;
mod echo;
mod gain;
mod gate;
mod noise;
mod speech;

use super::limit::Limiter;
use crate::base::Queue;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use align::Aligner;
use echo::EchoCanceller;
use gain::Gain;
pub use gate::Gate;
pub use noise::Noise;
use noise::Suppressor;
pub use speech::Speech;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What is wanted of a [`Chain`], and what it says. Clones control the same chains.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wishes: Mutex<Wishes>,
    /// Counts changes of the wishes.
    changes: AtomicU64,
    speaking: AtomicBool,
}

#[derive(Clone, Debug, Default)]
struct Wishes {
    reference: Option<Queue<Chunk>>,
    noise: Noise,
}

impl Control {
    /// Says what is heard in the room of the microphone: an output's [reference](super::Output::reference); `None`: nothing, so there is no echo.
    pub fn set_reference(&self, reference: Option<Queue<Chunk>>) {
        self.change(|wishes| wishes.reference = reference);
    }

    /// Says how much noise to take out, from the next chunk on.
    pub fn set_noise(&self, noise: Noise) {
        self.change(|wishes| wishes.noise = noise);
    }

    /// How much noise is taken out.
    pub fn noise(&self) -> Noise {
        self.0.wishes().noise
    }

    /// Whether somebody speaks into the microphone, muted or not.
    pub fn is_speaking(&self) -> bool {
        self.0.speaking.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&mut Wishes)) {
        change(&mut self.0.wishes());
        self.0.changes.fetch_add(1, Ordering::Release);
    }
}

impl Shared {
    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stages of one microphone, in their order.
pub struct Chain {
    control: Control,
    /// The change of the wishes that is in force.
    change: Option<u64>,
    reference: Option<Queue<Chunk>>,
    aligner: Aligner,
    /// There is none until something can be heard.
    echo: Option<EchoCanceller>,
    noise: Suppressor,
    speech: Speech,
    gain: Gain,
    limiter: Limiter,
    heard: [f32; CHUNK_SAMPLES],
    broken: bool,
}

impl Chain {
    /// A chain that does what `control` says.
    pub fn new(control: Control) -> Self {
        let noise = Suppressor::new(control.noise());
        Self {
            control,
            change: None,
            reference: None,
            aligner: Aligner::default(),
            echo: None,
            noise,
            speech: Speech::default(),
            gain: Gain::new(),
            limiter: Limiter::default(),
            heard: [0.0; CHUNK_SAMPLES],
            broken: false,
        }
    }

    /// Works on the next 10 ms in place. What comes out is older than what went in by what the stages hold back: `captured` says so.
    pub fn process(&mut self, chunk: &mut Chunk) {
        self.take_wishes();
        if let Some(reference) = &self.reference {
            while let Some(mixed) = reference.pop() {
                self.aligner.push(&mixed);
            }
            let echo = self.echo.get_or_insert_with(EchoCanceller::new);
            self.aligner.read(chunk.captured, &mut self.heard);
            note(echo.cancel(&self.heard, &mut chunk.samples), &mut self.broken);
        }
        note(self.noise.suppress(&mut chunk.samples), &mut self.broken);
        self.control.0.speaking.store(self.speech.hear(&chunk.samples), Ordering::Relaxed);
        note(self.gain.adjust(&mut chunk.samples), &mut self.broken);
        self.limiter.limit(&mut chunk.samples);
        chunk.captured = chunk.captured.saturating_sub(self.delay());
    }

    /// By how much what comes out is older than what went in.
    pub fn delay(&self) -> Duration {
        let samples = self.noise.delay() + if self.echo.is_some() { EchoCanceller::DELAY } else { 0 };
        Duration::from_micros(samples as u64 * 1_000_000 / u64::from(SAMPLE_RATE))
    }

    fn take_wishes(&mut self) {
        let change = self.control.0.changes.load(Ordering::Acquire);
        if self.change.replace(change) == Some(change) {
            return;
        }
        let Wishes { reference, noise } = self.control.0.wishes().clone();
        if noise != self.noise.setting() {
            self.noise = Suppressor::new(noise);
        }
        if reference.is_none() {
            self.echo = None;
        }
        self.reference = reference;
    }
}

impl Drop for Chain {
    fn drop(&mut self) {
        self.control.0.speaking.store(false, Ordering::Relaxed);
    }
}

/// A stage refused: its sound goes on as it was. Said once, not a hundred times a second.
fn note(result: Result<(), sonora::Error>, broken: &mut bool) {
    if let Err(error) = result
        && !std::mem::replace(broken, true)
    {
        tracing::error!(%error, "a stage of the microphone's chain does not work");
    }
}

/// Power of a chunk in decibels; a full-scale square is 0.
fn power_db(samples: &[f32; CHUNK_SAMPLES]) -> f32 {
    let power = samples.iter().map(|s| s * s).sum::<f32>() / CHUNK_SAMPLES as f32;
    10.0 * power.max(1e-12).log10()
}

#[cfg(test)]
mod tests;
