//! Takes the sound of the speaker out of what the microphone hears: sonora, which is WebRTC's AEC3 in Rust.

use super::align::LEAD;
use super::apm;
use crate::media::frame::CHUNK_SAMPLES;
use sonora::config::EchoCanceller as Config;
use sonora::{AudioProcessing, Error};

/// Cancels echoes that come up to some 400 ms after their sound. Delays what it is given by [`DELAY`](Self::DELAY) samples.
pub(super) struct EchoCanceller {
    apm: AudioProcessing,
    out: [f32; CHUNK_SAMPLES],
}

impl EchoCanceller {
    /// By splitting into bands, looking at blocks, and joining the bands again: 9 ms.
    pub(super) const DELAY: usize = 430;

    pub(super) fn new() -> Self {
        let apm = apm::open(sonora::Config { echo_canceller: Some(Config::default()), ..sonora::Config::default() });
        Self { apm, out: [0.0; CHUNK_SAMPLES] }
    }

    /// Takes `heard`, which is played up to [`LEAD`] after `recorded` was recorded, out of it.
    pub(super) fn cancel(&mut self, heard: &[f32; CHUNK_SAMPLES], recorded: &mut [f32; CHUNK_SAMPLES]) -> Result<(), Error> {
        self.apm.process_render_f32(&[heard], &mut [&mut self.out])?;
        self.apm.set_stream_delay_ms(LEAD.as_millis() as i32)?;
        self.apm.process_capture_f32(&[&*recorded], &mut [&mut self.out])?;
        recorded.copy_from_slice(&self.out);
        Ok(())
    }
}
