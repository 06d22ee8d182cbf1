//! Whether somebody speaks: by how far a sound stands out of its background, and for how long. Pure; steps of 10 ms.

use super::power_db;
use crate::media::frame::CHUNK_SAMPLES;

/// Quieter is no speech, however quiet the background is: dB below full scale.
const FAINT_DB: f32 = -55.0;
/// Speech stands out of the background by this much...
const ABOVE_DB: f32 = 10.0;
/// ...in so many of the last [`WINDOW`] steps: a key, a cup or a door is shorter, a word is not.
const ENOUGH: u32 = 18;
const WINDOW: u32 = 30;
/// Speech is over when so few are left...
const FEW: u32 = 3;
/// ...for so many steps: people breathe, and think.
const PAUSE: u32 = 50;
/// The background is believed to rise by this much a step (3 dB a second), and falls at once.
const RISE_DB: f32 = 0.03;
/// A background louder than this is no background but a voice that never pauses.
const LOUD_DB: f32 = -30.0;

/// Detects speech, with hysteresis.
#[derive(Clone, Debug)]
pub struct Speech {
    background_db: f32,
    /// The last steps, newest first, one bit each.
    recent: u32,
    quiet: u32,
    speaking: bool,
}

impl Default for Speech {
    fn default() -> Self {
        Self { background_db: FAINT_DB, recent: 0, quiet: 0, speaking: false }
    }
}

impl Speech {
    /// Looks at the next 10 ms; returns whether somebody speaks.
    pub fn hear(&mut self, samples: &[f32; CHUNK_SAMPLES]) -> bool {
        let level = power_db(samples);
        self.background_db = (self.background_db + RISE_DB).min(level).clamp(-100.0, LOUD_DB);
        let stands_out = level > FAINT_DB && level > self.background_db + ABOVE_DB;
        self.recent = (self.recent << 1 | u32::from(stands_out)) & ((1 << WINDOW) - 1);
        let count = self.recent.count_ones();
        self.quiet = if count > FEW { 0 } else { self.quiet + 1 };
        self.speaking = if self.speaking { self.quiet < PAUSE } else { count >= ENOUGH };
        self.speaking
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buzz of 150 Hz at `size`, in syllables of 200 ms with 60 ms between.
    fn voice(step: usize, size: f32) -> [f32; CHUNK_SAMPLES] {
        let size = if step % 26 < 20 { size } else { 0.0 };
        std::array::from_fn(|i| size * (std::f32::consts::TAU * 150.0 * (step * CHUNK_SAMPLES + i) as f32 / 48_000.0).sin())
    }

    fn noise(step: usize, size: f32) -> [f32; CHUNK_SAMPLES] {
        let mut state = (step as u32).wrapping_mul(2_654_435_761).wrapping_add(99);
        std::array::from_fn(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            size * ((state >> 8) as f32 / 8_388_608.0 - 1.0)
        })
    }

    fn add(a: [f32; CHUNK_SAMPLES], b: [f32; CHUNK_SAMPLES]) -> [f32; CHUNK_SAMPLES] {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[test]
    fn a_word_is_speech_after_a_fifth_of_a_second_and_until_half_a_second_after_it() {
        let mut speech = Speech::default();
        let said: Vec<bool> = (0..600)
            .map(|step| {
                let sound = if (200..400).contains(&step) { voice(step, 0.1) } else { [0.0; CHUNK_SAMPLES] };
                speech.hear(&add(sound, noise(step, 0.001)))
            })
            .collect();
        let first = said.iter().position(|s| *s).unwrap();
        let last = said.iter().rposition(|s| *s).unwrap();
        assert!((215..240).contains(&first), "{first}");
        assert!((440..490).contains(&last), "{last}");
        assert!(said[first..=last].iter().all(|s| *s), "no flicker");
    }

    #[test]
    fn keys_doors_and_steady_noise_are_no_speech() {
        let mut speech = Speech::default();
        for step in 0..2000 {
            // A key each 150 ms, a fan, and a door.
            let key = if step % 15 < 2 { noise(step, 0.3) } else { [0.0; CHUNK_SAMPLES] };
            let door = if (700..712).contains(&step) { noise(step, 0.8) } else { [0.0; CHUNK_SAMPLES] };
            let said = speech.hear(&add(add(key, door), noise(step, 0.01)));
            assert!(!said, "step {step}");
        }
    }

    #[test]
    fn a_fan_that_is_switched_on_is_noticed_as_such_within_seconds() {
        let mut speech = Speech::default();
        for step in 0..200 {
            speech.hear(&noise(step, 0.0005));
        }
        let said: Vec<bool> = (200..2000).map(|step| speech.hear(&noise(step, 0.01))).collect();
        assert!(!said[1000..].iter().any(|s| *s), "it is the background by then");
    }

    #[test]
    fn somebody_who_talks_over_noise_is_heard() {
        let mut speech = Speech::default();
        let said: Vec<bool> = (0..1000).map(|step| speech.hear(&add(voice(step, 0.1), noise(step, 0.01)))).collect();
        assert!(said[50..].iter().all(|s| *s));
    }
}
