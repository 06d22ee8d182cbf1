//! From one sample rate to another, by FFmpeg's swresample.

use ffmpeg_next::ChannelLayout;
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::software::resampling;
use ffmpeg_next::{Dictionary, Error, frame};

/// Turns sound of any rate, layout and format into mono 32-bit floats of another rate. Delays it by some 16 samples.
pub(crate) struct Resampler {
    context: resampling::Context,
    mono: ChannelLayout,
    from: u32,
    to: u32,
}

/// Room in the output beyond what the input amounts to: what the filter held back.
const SLACK: usize = 256;

impl Resampler {
    /// From mono floats at `from` hertz to mono floats at `to` hertz.
    pub(crate) fn mono(from: u32, to: u32) -> Result<Self, Error> {
        Self::new(Sample::F32(Type::Packed), ChannelLayout::MONO, from, to)
    }

    /// From decoded frames of this `format`, `layout` and rate to mono floats at `to` hertz.
    pub(crate) fn new(format: Sample, layout: ChannelLayout, from: u32, to: u32) -> Result<Self, Error> {
        let mono = ChannelLayout::MONO;
        // By default floats of two channels add up to 1.41 times full scale.
        let mut options = Dictionary::new();
        options.set("rematrix_maxval", "1.0");
        let context = resampling::Context::get_with(format, layout, from, Sample::F32(Type::Packed), mono, to, options)?;
        Ok(Self { context, mono, from, to })
    }

    /// Whether this resampler reads such frames.
    pub(crate) fn reads(&self, frame: &frame::Audio, layout: ChannelLayout) -> bool {
        let input = self.context.input();
        (input.format, input.rate, input.channel_layout) == (frame.format(), frame.rate(), layout)
    }

    /// Converts mono samples and appends the result to `out`.
    pub(crate) fn push(&mut self, samples: &[f32], out: &mut Vec<f32>) -> Result<(), Error> {
        if samples.is_empty() {
            return Ok(());
        }
        if self.from == self.to {
            out.extend_from_slice(samples);
            return Ok(());
        }
        let mut input = frame::Audio::new(Sample::F32(Type::Packed), samples.len(), self.mono);
        input.set_rate(self.from);
        input.plane_mut::<f32>(0).copy_from_slice(samples);
        self.push_frame(&input, out)
    }

    /// Converts a decoded frame and appends the result to `out`.
    pub(crate) fn push_frame(&mut self, input: &frame::Audio, out: &mut Vec<f32>) -> Result<(), Error> {
        let room = (input.samples() as u64 * u64::from(self.to) / u64::from(self.from.max(1))) as usize + SLACK;
        let mut output = frame::Audio::new(Sample::F32(Type::Packed), room, self.mono);
        self.context.run(input, &mut output)?;
        out.extend_from_slice(output.plane::<f32>(0));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_keeps_its_frequency_from_44100_to_48000() {
        let mut resampler = Resampler::mono(44_100, 48_000).unwrap();
        let mut out = Vec::new();
        let tone: Vec<f32> = (0..44_100).map(|i| (std::f32::consts::TAU * 440.0 * i as f32 / 44_100.0).sin()).collect();
        for block in tone.chunks(441) {
            resampler.push(block, &mut out).unwrap();
        }
        assert!((47_900..=48_000).contains(&out.len()), "{} samples", out.len());
        let crossings = out.windows(2).filter(|w| w[0] < 0.0 && w[1] >= 0.0).count();
        assert!((437..=440).contains(&crossings), "{crossings} periods in a second");
    }

    #[test]
    fn equal_rates_pass_through() {
        let mut out = Vec::new();
        Resampler::mono(48_000, 48_000).unwrap().push(&[0.1, 0.2], &mut out).unwrap();
        assert_eq!(out, [0.1, 0.2]);
    }
}
