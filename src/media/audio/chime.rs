//! Short sounds that tell what happens: rodio's generators make them, our mix plays them.

use super::output::{Output, Source, Tick};
use crate::media::frame::CHUNK_SAMPLES;
use rodio::Source as _;
use rodio::source::SineWave;
use std::time::Duration;

/// What a sound tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chime {
    /// Somebody came: two notes, upwards.
    Joined,
    /// Somebody is gone: two notes, downwards.
    Left,
    /// Somebody wrote: one note.
    Message,
    /// A recording has begun: three notes of one pitch.
    Recording,
    /// The speaker is tried out: four notes, upwards, louder than the others.
    Test,
}

/// Length of one note.
const NOTE: Duration = Duration::from_millis(120);
/// The note swells and fades for this long, so that it does not click.
const EDGE: Duration = Duration::from_millis(15);
/// Far below speech.
const LOUDNESS: f32 = 0.12;

impl Chime {
    /// Plays it. While several sound already, one more is left out.
    pub fn ring(self, output: &Output) {
        output.play_once(Ringing::new(self));
    }

    /// Pitches of the notes, in hertz.
    const fn notes(self) -> &'static [f32] {
        match self {
            Self::Joined => &[523.25, 783.99],
            Self::Left => &[783.99, 523.25],
            Self::Message => &[880.0],
            Self::Recording => &[659.25, 659.25, 659.25],
            Self::Test => &[523.25, 659.25, 783.99, 1046.5],
        }
    }
}

/// A chime that is being played. rodio's sine is mono at 48 kHz, as our mix is.
struct Ringing {
    samples: Box<dyn Iterator<Item = f32> + Send>,
    over: bool,
}

impl Ringing {
    fn new(chime: Chime) -> Self {
        let loudness = if chime == Chime::Test { 2.0 * LOUDNESS } else { LOUDNESS };
        let note = move |pitch: &f32| SineWave::new(*pitch).take_duration(NOTE).fade_in(EDGE).amplify(loudness);
        let edge = (EDGE.as_secs_f32() * crate::media::frame::SAMPLE_RATE as f32) as usize;
        let length = (NOTE.as_secs_f32() * crate::media::frame::SAMPLE_RATE as f32) as usize;
        let faded = move |(at, sample): (usize, f32)| sample * (length.saturating_sub(at) as f32 / edge as f32).min(1.0);
        let samples = chime.notes().iter().flat_map(move |pitch| note(pitch).enumerate().map(faded));
        Self { samples: Box::new(samples), over: false }
    }
}

impl Source for Ringing {
    fn render(&mut self, _: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        for to in out {
            match self.samples.next() {
                Some(sample) => *to = sample,
                None => {
                    self.over = true;
                    return;
                }
            }
        }
    }

    fn is_over(&self) -> bool {
        self.over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Tick = Tick { now: Duration::ZERO, due: Duration::ZERO };

    fn played(chime: Chime) -> Vec<f32> {
        let mut ringing = Ringing::new(chime);
        let mut all = Vec::new();
        while !ringing.is_over() {
            let mut out = [0.0; CHUNK_SAMPLES];
            ringing.render(TICK, &mut out);
            all.extend(out);
            assert!(all.len() < 48_000, "it ends");
        }
        all
    }

    /// Upward crossings of zero a second.
    fn pitch(samples: &[f32]) -> f32 {
        let crossings = samples.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        crossings as f32 * 48_000.0 / samples.len() as f32
    }

    #[test]
    fn who_comes_is_heard_upwards_and_who_goes_downwards() {
        let note = 5_760;
        for (chime, [first, second]) in [(Chime::Joined, [523.0, 784.0]), (Chime::Left, [784.0, 523.0])] {
            let all = played(chime);
            assert!((pitch(&all[..note]) - first).abs() < 12.0, "{chime:?}: {}", pitch(&all[..note]));
            assert!((pitch(&all[note..2 * note]) - second).abs() < 12.0, "{chime:?}: {}", pitch(&all[note..2 * note]));
        }
    }

    #[test]
    fn it_is_quiet_and_begins_and_ends_without_a_click() {
        for chime in [Chime::Joined, Chime::Left, Chime::Message] {
            let all = played(chime);
            let peak = all.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            assert!((0.08..=LOUDNESS + 0.001).contains(&peak), "{peak}");
            let step = all.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
            assert!(step < LOUDNESS * 0.13, "{chime:?}: {step}");
        }
    }
}
