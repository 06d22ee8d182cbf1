//! Making speech shorter, longer or up without a click: whole pitch periods are cut, repeated or invented.

use std::ops::RangeInclusive;

/// The longest period looked for, in samples: 75 Hz.
const LONGEST: usize = 640;
/// Periods of 400 to 75 Hz.
pub(super) const ANY: RangeInclusive<usize> = 120..=LONGEST;
/// At least 7 ms: of a high voice, several periods together.
pub(super) const LONG: RangeInclusive<usize> = 336..=LONGEST;
/// Samples that are compared.
const COMPARED: usize = 480;
/// First pass: every how many samples.
const COARSE: usize = 4;

/// Sound before a moment that is enough to find a period in it.
pub(super) const CONTEXT: usize = LONGEST + COMPARED;

/// The period at the end of `sound`, in samples, within `allowed`: the shift at which it resembles itself most.
///
/// `sound` shorter than [`CONTEXT`] gives the longest period allowed.
pub(super) fn period(sound: &[f32], allowed: RangeInclusive<usize>) -> usize {
    let longest = (*allowed.end()).min(LONGEST);
    let shortest = (*allowed.start()).min(longest);
    let Some(start) = sound.len().checked_sub(COMPARED) else { return longest };
    if sound.len() < CONTEXT {
        return longest;
    }
    let likeness = |lag: usize, step: usize| {
        let (mut product, mut energy) = (0.0_f32, 1e-6_f32);
        for i in (start..sound.len()).step_by(step) {
            let (now, before) = (sound[i], sound[i - lag]);
            product += now * before;
            energy += before * before;
        }
        product / energy.sqrt()
    };
    let best = |lags: &mut dyn Iterator<Item = usize>, step: usize| {
        lags.map(|lag| (lag, likeness(lag, step))).max_by(|a, b| a.1.total_cmp(&b.1)).map_or(longest, |(lag, _)| lag)
    };
    let near = best(&mut (shortest..=longest).step_by(COARSE), COARSE);
    best(&mut (near.saturating_sub(COARSE).max(shortest)..=(near + COARSE).min(longest)), 1)
}

/// Writes the fade from `from` to `to` into `out`, over the length of `out`.
pub(super) fn cross_fade(from: impl Iterator<Item = f32>, to: impl Iterator<Item = f32>, out: &mut [f32]) {
    let length = out.len().max(1) as f32;
    for (i, ((out, from), to)) in out.iter_mut().zip(from).zip(to).enumerate() {
        let gain = (i as f32 + 0.5) / length;
        *out = from * (1.0 - gain) + to * gain;
    }
}

/// Goes on where the sound broke off: repeats its last period, fading to silence.
#[derive(Debug, Default)]
pub(super) struct Concealer {
    cycle: Vec<f32>,
    at: usize,
    gain: f32,
}

/// Invented sound fades out within this many samples: 60 ms.
const FADE: f32 = 2_880.0;

impl Concealer {
    /// Starts after `sound`, unless it has started already.
    pub(super) fn start(&mut self, sound: &[f32]) {
        if self.cycle.is_empty() {
            let period = period(sound, ANY).min(sound.len());
            self.cycle.extend_from_slice(&sound[sound.len() - period..]);
            (self.at, self.gain) = (0, 1.0);
        }
    }

    /// The next sample.
    pub(super) fn next(&mut self) -> f32 {
        let Some(sample) = self.cycle.get(self.at) else { return 0.0 };
        let sample = sample * self.gain;
        self.at = (self.at + 1) % self.cycle.len();
        self.gain = (self.gain - 1.0 / FADE).max(0.0);
        sample
    }

    /// Whether it has been started and not stopped.
    pub(super) fn is_running(&self) -> bool {
        !self.cycle.is_empty()
    }

    /// Real sound is back.
    pub(super) fn stop(&mut self) {
        self.cycle.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(hertz: f32, samples: usize) -> Vec<f32> {
        (0..samples).map(|i| (std::f32::consts::TAU * hertz * i as f32 / 48_000.0).sin()).collect()
    }

    #[test]
    fn the_period_of_a_tone_is_a_whole_number_of_its_waves() {
        for hertz in [100.0, 160.0, 240.0, 375.0] {
            let wave = 48_000.0 / hertz;
            let waves = period(&tone(hertz, 2_000), ANY) as f32 / wave;
            assert!((waves - waves.round()).abs() < 0.02 && waves > 0.5, "{hertz} Hz: {waves} waves");
        }
    }

    #[test]
    fn silence_and_scraps_have_a_period_too() {
        assert!(ANY.contains(&period(&[0.0; 2_000], ANY)));
        assert_eq!(period(&[0.1; 3], 120..=480), 480);
        assert_eq!(period(&[], 120..=480), 480);
    }

    #[test]
    fn concealment_goes_on_smoothly_and_dies_away() {
        let sound = tone(200.0, 2_000);
        let mut concealer = Concealer::default();
        concealer.start(&sound);
        let made: Vec<f32> = (0..4_000).map(|_| concealer.next()).collect();
        assert!((made[0] - sound[1_999]).abs() < 0.05, "no click at the seam");
        let loud = |part: &[f32]| part.iter().fold(0.0_f32, |a, s| a.max(s.abs()));
        assert!(loud(&made[..480]) > 0.8 && loud(&made[3_000..]) == 0.0);
        let mut nothing = Concealer::default();
        nothing.start(&[]);
        assert_eq!(nothing.next(), 0.0);
    }
}
