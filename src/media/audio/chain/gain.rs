//! Brings a voice to one loudness, whoever speaks and however far from the microphone.

use super::apm;
use crate::media::frame::CHUNK_SAMPLES;
use sonora::config::{AdaptiveDigital, GainController2};
use sonora::{AudioProcessing, Error};

/// A whisper into a bad microphone becomes louder by this much at most...
const MOST_GAIN_DB: f32 = 30.0;
/// ...and nobody by anything before they have been heard: what is raised then is noise and what is left of echoes.
const FIRST_GAIN_DB: f32 = 0.0;
/// Its noise becomes no louder than this.
const MOST_NOISE_DB: f32 = -50.0;

/// The automatic gain; adapts to speech only.
pub(super) struct Gain {
    apm: AudioProcessing,
    out: [f32; CHUNK_SAMPLES],
}

impl Gain {
    pub(super) fn new() -> Self {
        // By default, the adaptive part is off.
        let adaptive = AdaptiveDigital {
            max_gain_db: MOST_GAIN_DB,
            initial_gain_db: FIRST_GAIN_DB,
            max_output_noise_level_dbfs: MOST_NOISE_DB,
            ..AdaptiveDigital::default()
        };
        let gain = GainController2 { adaptive_digital: Some(adaptive), ..GainController2::default() };
        let apm = apm::open(sonora::Config { gain_controller2: Some(gain), ..sonora::Config::default() });
        Self { apm, out: [0.0; CHUNK_SAMPLES] }
    }

    pub(super) fn adjust(&mut self, samples: &mut [f32; CHUNK_SAMPLES]) -> Result<(), Error> {
        self.apm.process_capture_f32(&[&*samples], &mut [&mut self.out])?;
        samples.copy_from_slice(&self.out);
        Ok(())
    }
}
