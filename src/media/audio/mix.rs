//! Adding voices up, each at its own volume.

/// Adds `voice` to `mix`, its gain moving evenly from `from` to `to`: a step would click.
pub(super) fn add(mix: &mut [f32], voice: &[f32], from: f32, to: f32) {
    let step = (to - from) / mix.len().max(1) as f32;
    let mut gain = from;
    for (sum, sample) in mix.iter_mut().zip(voice) {
        gain += step;
        *sum += sample * gain;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_add_up() {
        let mut mix = [0.5, -0.5];
        add(&mut mix, &[0.25, 0.25], 1.0, 1.0);
        assert_eq!(mix, [0.75, -0.25]);
    }

    #[test]
    fn a_change_of_volume_is_a_ramp() {
        let mut mix = [0.0; 4];
        add(&mut mix, &[1.0; 4], 0.0, 2.0);
        assert_eq!(mix, [0.5, 1.0, 1.5, 2.0]);
    }
}
