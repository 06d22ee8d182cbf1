//! A peak limiter without delay: several voices at once, or one that shouts, stay below full scale without being bent.
//!
//! It turns the sound down by as much as the loudest sample of each millisecond asks for, keeps it down for a moment, and lets it rise slowly. Within
//! 10 ms it sees what comes, so the gain has moved before a peak is there; only a peak in the very first millisecond of a chunk comes
//! as a surprise, and what is too much of that is bent.

use crate::media::frame::CHUNK_SAMPLES;

/// Nothing leaves louder: 1 dB below full scale, for what resamplers and codecs add.
const CEILING: f32 = 0.89;
/// The gain is decided for blocks of this many samples: 1 ms.
const BLOCK: usize = 48;
const BLOCKS: usize = CHUNK_SAMPLES / BLOCK;
/// Blocks for which the gain stays down after a peak: the longest period of a voice and more, so that no wave is bent by the gain moving within it.
const HOLD: u32 = 25;
/// Share of what is missing to full gain by which it rises each block: half of it in 100 ms.
const RISE: f32 = 0.007;
/// What a decoder or a driver may give at most; beyond it is nonsense.
const ABSURD: f32 = 32.0;

/// A limiter and what it remembers: its gain.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    held: u32,
}

impl Default for Limiter {
    fn default() -> Self {
        Self { gain: 1.0, held: 0 }
    }
}

impl Limiter {
    /// Turns down what is too loud; nothing that comes out is beyond +-1.
    pub fn limit(&mut self, samples: &mut [f32; CHUNK_SAMPLES]) {
        let mut needed = [1.0_f32; BLOCKS];
        for (block, needed) in samples.as_chunks_mut::<BLOCK>().0.iter_mut().zip(&mut needed) {
            let mut peak = 0.0_f32;
            for sample in block {
                // `clamp` lets nonsense through.
                *sample = if sample.is_nan() { 0.0 } else { sample.clamp(-ABSURD, ABSURD) };
                peak = peak.max(sample.abs());
            }
            *needed = if peak > CEILING { CEILING / peak } else { 1.0 };
        }
        if self.gain == 1.0 && needed.iter().all(|n| *n == 1.0) {
            return;
        }
        for (at, block) in samples.as_chunks_mut::<BLOCK>().0.iter_mut().enumerate() {
            let next = needed.get(at + 1).copied().unwrap_or(1.0);
            let (from, to) = (self.gain, self.step(needed[at].min(next)));
            for (i, sample) in block.iter_mut().enumerate() {
                let gain = from + (to - from) * (i as f32 + 1.0) / BLOCK as f32;
                *sample = bend(*sample * gain);
            }
        }
    }

    /// The gain at the end of a block in which, and after which, no more than `most` may be.
    fn step(&mut self, most: f32) -> f32 {
        if most <= self.gain {
            (self.gain, self.held) = (most, HOLD);
        } else if self.held > 0 {
            self.held -= 1;
        } else {
            let risen = self.gain + (1.0 - self.gain) * RISE;
            // The last millionth is not worth the work.
            self.gain = if risen > 0.999 { 1.0 } else { risen }.min(most);
        }
        self.gain
    }
}

/// What is left of a peak that came as a surprise: bent towards full scale above the ceiling.
fn bend(sample: f32) -> f32 {
    let size = sample.abs();
    if size <= CEILING {
        return sample;
    }
    (CEILING + (1.0 - CEILING) * ((size - CEILING) / (1.0 - CEILING)).tanh()).copysign(sample)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn run(limiter: &mut Limiter, samples: &[f32]) -> Vec<f32> {
        let mut out = samples.to_vec();
        for chunk in out.as_chunks_mut::<CHUNK_SAMPLES>().0 {
            limiter.limit(chunk);
        }
        out
    }

    fn tone(hertz: f32, size: f32, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| size * (TAU * hertz * i as f32 / 48_000.0).sin()).collect()
    }

    /// Power of everything but the tone, against the power of the tone, in decibels.
    fn distortion_db(samples: &[f32], hertz: f32) -> f32 {
        let (mut re, mut im, mut all) = (0.0_f64, 0.0_f64, 0.0_f64);
        for (i, s) in samples.iter().enumerate() {
            let at = f64::from(TAU) * f64::from(hertz) * i as f64 / 48_000.0;
            re += f64::from(*s) * at.cos();
            im += f64::from(*s) * at.sin();
            all += f64::from(*s) * f64::from(*s);
        }
        let tone = 2.0 * (re * re + im * im) / samples.len() as f64;
        (10.0 * ((all - tone).max(1e-12) / tone).log10()) as f32
    }

    #[test]
    fn what_is_not_too_loud_is_untouched() {
        let quiet = tone(440.0, 0.85, 4800);
        assert_eq!(run(&mut Limiter::default(), &quiet), quiet);
    }

    #[test]
    fn two_loud_voices_at_once_stay_clean() {
        for hertz in [60.0, 150.0, 440.0, 3000.0] {
            let out = run(&mut Limiter::default(), &tone(hertz, 1.7, 96_000));
            assert!(out.iter().all(|s| s.abs() <= 1.0));
            // The first 100 ms include the surprise.
            let db = distortion_db(&out[4800..], hertz);
            assert!(db < -40.0, "{hertz} Hz: {db} dB");
            let peak = out[4800..].iter().fold(0.0_f32, |a, s| a.max(s.abs()));
            assert!((0.85..0.9).contains(&peak), "{peak}");
        }
    }

    #[test]
    fn a_bang_is_caught_and_the_voice_after_it_comes_back() {
        let mut limiter = Limiter::default();
        let mut bang = tone(440.0, 0.3, 48_000);
        bang[1000..1400].fill(6.0);
        let out = run(&mut limiter, &bang);
        assert!(out.iter().all(|s| s.abs() <= 1.0));
        let loud = |part: &[f32]| part.iter().fold(0.0_f32, |a, s| a.max(s.abs()));
        assert!(loud(&out[1500..2400]) < 0.15, "turned down at first");
        assert!(loud(&out[40_000..]) > 0.29, "{}", loud(&out[40_000..]));
    }

    #[test]
    fn nonsense_becomes_silence_or_full_scale() {
        let mut chunk = [0.0; CHUNK_SAMPLES];
        (chunk[0], chunk[100], chunk[200]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let mut limiter = Limiter::default();
        limiter.limit(&mut chunk);
        assert!(chunk.iter().all(|s| s.abs() <= 1.0), "{chunk:?}");
        for _ in 0..1000 {
            limiter.limit(&mut [0.1; CHUNK_SAMPLES]);
        }
        assert_eq!(limiter.gain, 1.0, "forgotten after ten seconds");
    }
}
