//! Sound: Opus and AAC to mono 48 kHz.

use super::{Error, open::open};
use crate::media::audio::Resampler;
use crate::media::frame::SAMPLE_RATE;
use crate::rtmp::tag::AudioCodec;
use bytes::Bytes;
use ffmpeg_next::format::Sample;
use ffmpeg_next::format::sample::Type;
use ffmpeg_next::{ChannelLayout, Packet, decoder, frame};

/// An open decoder for sound.
pub(in crate::media::play) struct SoundDecoder {
    decoder: decoder::Opened,
    codec: AudioCodec,
    config: Bytes,
    frame: frame::Audio,
    resampler: Option<Resampler>,
}

impl SoundDecoder {
    /// A decoder for streams of this configuration.
    pub(in crate::media::play) fn open(codec: AudioCodec, config: Bytes) -> Result<Self, Error> {
        let names: &[&str] = match codec {
            AudioCodec::Opus => &["libopus", "opus"],
            AudioCodec::Aac => &["aac"],
            AudioCodec::Mp3 => &["mp3float", "mp3"],
            AudioCodec::Other(_) => &[],
        };
        let decoder = open(names, &config)?;
        Ok(Self { decoder, codec, config, frame: frame::Audio::empty(), resampler: None })
    }

    /// Whether it was opened for exactly this.
    pub(in crate::media::play) fn is_for(&self, codec: AudioCodec, config: &Bytes) -> bool {
        (self.codec, &self.config) == (codec, config)
    }

    /// Decodes one packet and appends its samples to `out`.
    pub(in crate::media::play) fn decode(&mut self, data: &[u8], out: &mut Vec<f32>) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        self.decoder.send_packet(&Packet::copy(data))?;
        while self.decoder.receive_frame(&mut self.frame).is_ok() {
            self.convert(out)?;
        }
        Ok(())
    }

    fn convert(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let frame = &mut self.frame;
        if frame.samples() == 0 || frame.channels() == 0 || frame.rate() == 0 {
            return Ok(());
        }
        if (frame.format(), frame.channels(), frame.rate()) == (Sample::F32(Type::Packed), 1, SAMPLE_RATE) {
            out.extend_from_slice(frame.plane::<f32>(0));
            return Ok(());
        }
        let mut layout = frame.channel_layout();
        if layout.is_empty() {
            layout = ChannelLayout::default(i32::from(frame.channels()));
            frame.set_channel_layout(layout);
        }
        if !self.resampler.as_ref().is_some_and(|r| r.reads(frame, layout)) {
            self.resampler = Some(Resampler::new(frame.format(), layout, frame.rate(), SAMPLE_RATE)?);
        }
        if let Some(resampler) = &mut self.resampler {
            resampler.push_frame(frame, out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_decoder_says_so_and_garbage_is_an_error() {
        assert_eq!(SoundDecoder::open(AudioCodec::Other(1), Bytes::new()).err(), Some(Error::Unsupported));
        let mut decoder = SoundDecoder::open(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90])).unwrap();
        let mut out = Vec::new();
        assert!(decoder.decode(&[0xff; 40], &mut out).is_err() || out.is_empty());
        assert!(SoundDecoder::open(AudioCodec::Opus, Bytes::from(vec![0; 1 << 20])).is_err());
    }
}
