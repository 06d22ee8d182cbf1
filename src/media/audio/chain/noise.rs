//! Takes steady noise (fans, traffic) or all noise (keys, dogs) out of a voice.

use super::apm;
use crate::media::frame::CHUNK_SAMPLES;
use nnnoiseless::DenoiseState;
use serde::{Deserialize, Serialize};
use sonora::config::{NoiseSuppression, NoiseSuppressionLevel};
use sonora::{AudioProcessing, Error};

/// How much of the noise is taken out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Noise {
    /// Nothing: for music.
    Off,
    /// Steady noise, by statistics (sonora).
    #[default]
    On,
    /// Everything but a voice: what is left of that, by a small neural network (nnnoiseless).
    Strong,
}

impl Noise {
    /// All of them, from weak to strong.
    pub const ALL: [Self; 3] = [Self::Off, Self::On, Self::Strong];
}

/// The stage; holds what the present setting needs.
pub(super) struct Suppressor {
    noise: Noise,
    steady: Option<Box<AudioProcessing>>,
    network: Option<Box<DenoiseState<'static>>>,
    out: [f32; CHUNK_SAMPLES],
}

/// nnnoiseless computes in steps of 16 bits.
const FULL_SCALE: f32 = 32_768.0;
/// Samples by which sonora delays: bands, and windows that overlap. 7 ms.
const STEADY_DELAY: usize = 334;
/// Samples by which nnnoiseless delays: its windows overlap by half.
const NETWORK_DELAY: usize = CHUNK_SAMPLES;

impl Suppressor {
    pub(super) fn new(noise: Noise) -> Self {
        let steady = || {
            let level = NoiseSuppressionLevel::High;
            let noise_suppression = Some(NoiseSuppression { level, ..NoiseSuppression::default() });
            Box::new(apm::open(sonora::Config { noise_suppression, ..sonora::Config::default() }))
        };
        Self {
            noise,
            steady: (noise != Noise::Off).then(steady),
            // The network alone lets white noise through until it has heard a voice.
            network: (noise == Noise::Strong).then(DenoiseState::new),
            out: [0.0; CHUNK_SAMPLES],
        }
    }

    pub(super) fn setting(&self) -> Noise {
        self.noise
    }

    /// Samples by which it delays.
    pub(super) fn delay(&self) -> usize {
        match self.noise {
            Noise::Off => 0,
            Noise::On => STEADY_DELAY,
            Noise::Strong => STEADY_DELAY + NETWORK_DELAY,
        }
    }

    pub(super) fn suppress(&mut self, samples: &mut [f32; CHUNK_SAMPLES]) -> Result<(), Error> {
        if let Some(steady) = &mut self.steady {
            steady.process_capture_f32(&[&*samples], &mut [&mut self.out])?;
            samples.copy_from_slice(&self.out);
        }
        if let Some(network) = &mut self.network {
            samples.iter_mut().for_each(|s| *s *= FULL_SCALE);
            network.process_frame(&mut self.out, &*samples);
            for (to, from) in samples.iter_mut().zip(&self.out) {
                *to = from / FULL_SCALE;
            }
        }
        Ok(())
    }
}
