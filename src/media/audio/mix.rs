//! Adding voices up without clipping.

/// Below this the mix is passed on unchanged; above it is bent towards full scale.
const KNEE: f32 = 0.8;

/// Adds `voice` to `mix`.
pub(super) fn add(mix: &mut [f32], voice: &[f32]) {
    for (sum, sample) in mix.iter_mut().zip(voice) {
        *sum += sample;
    }
}

/// A soft limiter without delay or memory: linear up to the knee, then bent so that the sum never leaves +-1.
pub(super) fn limit(mix: &mut [f32]) {
    for sample in mix {
        let size = sample.abs();
        if size > KNEE {
            *sample = (KNEE + (1.0 - KNEE) * ((size - KNEE) / (1.0 - KNEE)).tanh()).copysign(*sample);
        } else if sample.is_nan() {
            *sample = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_sound_is_untouched_and_loud_sound_never_clips() {
        let mut mix: Vec<f32> = (-400..=400).map(|i| i as f32 / 100.0).collect();
        let before = mix.clone();
        limit(&mut mix);
        for (old, new) in before.iter().zip(&mix) {
            assert!(new.abs() <= 1.0);
            assert!(if old.abs() <= KNEE { new == old } else { new.abs() > KNEE && new.signum() == old.signum() });
        }
        assert!(mix.windows(2).all(|w| w[1] >= w[0]), "the curve never falls");
    }

    #[test]
    fn nonsense_from_a_decoder_becomes_silence() {
        let mut mix = [f32::NAN, f32::INFINITY, 0.5];
        limit(&mut mix);
        assert_eq!(mix, [0.0, 1.0, 0.5]);
    }

    #[test]
    fn voices_add_up() {
        let mut mix = [0.25, -0.25];
        add(&mut mix, &[0.25, 0.25]);
        assert_eq!(mix, [0.5, 0.0]);
    }
}
