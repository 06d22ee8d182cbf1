//! Sound: Opus, AAC and MP3 to mono 48 kHz.

use super::{Decode, Error, open::open};
use crate::media::audio::Resampler;
use crate::media::frame::SAMPLE_RATE;
use crate::media::opus;
use crate::rtmp::tag::AudioCodec;
use bytes::Bytes;
use ffmpeg_next::format::Sample;
use ffmpeg_next::{ChannelLayout, Packet, decoder, frame};

/// A decoder for streams of this configuration.
pub(in crate::media) fn open_sound(codec: AudioCodec, config: &Bytes) -> Result<Box<dyn Decode>, Error> {
    Ok(match codec {
        AudioCodec::Opus => Box::new(open_opus(config)?),
        AudioCodec::Aac => Box::new(Ffmpeg::open(&["aac"], config)?),
        AudioCodec::Mp3 => Box::new(Ffmpeg::open(&["mp3float", "mp3"], config)?),
        AudioCodec::Other(_) => return Err(Error::Unsupported),
    })
}

impl Decode for opus::Decoder {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), Error> {
        Ok(Self::decode(self, packet, out).map(drop)?)
    }

    fn conceals(&self) -> bool {
        true
    }

    fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) -> bool {
        Self::conceal(self, samples, out).is_ok()
    }

    fn recover(&mut self, next: &[u8], out: &mut Vec<f32>) -> bool {
        Self::recover(self, next, out).is_ok()
    }

    fn is_silence(&self, packet: &[u8]) -> bool {
        opus::is_silence(packet)
    }
}

/// An Opus decoder as an `OpusHead` (RFC 7845, 5.1) wants it. Packets say for themselves what they are; all that is in the head is how loud to
/// play, and whether there are several streams, which is for surround sound.
fn open_opus(head: &[u8]) -> Result<opus::Decoder, Error> {
    let mut decoder = opus::Decoder::new()?;
    if head.len() > LONGEST_HEAD {
        return Err(Error::Ffmpeg(ffmpeg_next::Error::InvalidData));
    }
    if let Some([channels, _, _, _, _, _, _, gain @ .., family]) =
        head.strip_prefix(b"OpusHead").and_then(|rest| rest.get(1..)).and_then(|rest| rest.first_chunk::<10>())
    {
        if *family != 0 && *channels > 2 {
            return Err(Error::Unsupported);
        }
        decoder.set_gain(i16::from_le_bytes(*gain))?;
    }
    Ok(decoder)
}

/// The head of a stream of 255 channels is not longer.
const LONGEST_HEAD: usize = 21 + 255;

/// What FFmpeg decodes.
struct Ffmpeg {
    decoder: decoder::Opened,
    frame: frame::Audio,
    resampler: Option<Resampler>,
}

impl Ffmpeg {
    fn open(names: &[&str], config: &[u8]) -> Result<Self, Error> {
        Ok(Self { decoder: open(names, config)?, frame: frame::Audio::empty(), resampler: None })
    }

    fn convert(&mut self, out: &mut Vec<f32>) -> Result<(), Error> {
        let frame = &mut self.frame;
        if frame.samples() == 0 || frame.channels() == 0 || frame.rate() == 0 {
            return Ok(());
        }
        // With one channel, planar is the same as packed.
        if matches!(frame.format(), Sample::F32(_)) && (frame.channels(), frame.rate()) == (1, SAMPLE_RATE) {
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

impl Decode for Ffmpeg {
    fn decode(&mut self, packet: &[u8], out: &mut Vec<f32>) -> Result<(), Error> {
        if packet.is_empty() {
            return Ok(());
        }
        self.decoder.send_packet(&Packet::copy(packet))?;
        while self.decoder.receive_frame(&mut self.frame).is_ok() {
            self.convert(out)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::encode::audio;
    use crate::media::frame::{CHUNK_SAMPLES, Chunk};
    use ffmpeg_next::format::sample::Type;
    use std::time::Duration;

    /// A second of a tone as AAC-LC, 44.1 kHz, stereo: what ordinary RTMP tools send.
    fn aac(hertz: f32) -> Vec<Vec<u8>> {
        let found = ffmpeg_next::encoder::find_by_name("aac").unwrap();
        let mut encoder = ffmpeg_next::codec::Context::new_with_codec(found).encoder().audio().unwrap();
        encoder.set_rate(44_100);
        encoder.set_format(Sample::F32(Type::Planar));
        encoder.set_channel_layout(ChannelLayout::STEREO);
        encoder.set_bit_rate(128_000);
        encoder.set_flags(ffmpeg_next::codec::Flags::GLOBAL_HEADER);
        let mut encoder = encoder.open_as(found).unwrap();
        let mut packets = Vec::new();
        for block in 0..43_usize {
            let mut input = frame::Audio::new(Sample::F32(Type::Planar), 1024, ChannelLayout::STEREO);
            input.set_rate(44_100);
            input.set_pts(Some(block as i64 * 1024));
            for channel in 0..2 {
                for (i, sample) in input.plane_mut::<f32>(channel).iter_mut().enumerate() {
                    *sample = 0.5 * (std::f32::consts::TAU * hertz * (block * 1024 + i) as f32 / 44_100.0).sin();
                }
            }
            encoder.send_frame(&input).unwrap();
            let mut packet = Packet::empty();
            while encoder.receive_packet(&mut packet).is_ok() {
                packets.push(packet.data().unwrap().to_vec());
            }
        }
        packets
    }

    #[test]
    fn stereo_aac_at_44100_becomes_mono_at_48000_of_the_same_pitch() {
        // ISO/IEC 14496-3, 1.6.2.1: AAC-LC, 44.1 kHz, two channels.
        let mut decoder = open_sound(AudioCodec::Aac, &Bytes::from_static(&[0x12, 0x10])).unwrap();
        let mut out = Vec::new();
        for packet in aac(440.0) {
            decoder.decode(&packet, &mut out).unwrap();
        }
        assert!((43_000..48_500).contains(&out.len()), "{} samples", out.len());
        let part = &out[10_000..40_000];
        let rising: Vec<usize> = (1..part.len()).filter(|&i| part[i - 1] <= 0.0 && part[i] > 0.0).collect();
        let hertz = 48_000.0 * (rising.len() - 1) as f64 / (rising[rising.len() - 1] - rising[0]) as f64;
        assert!((hertz - 440.0).abs() < 0.5, "{hertz} Hz");
        let loudest = part.iter().fold(0.0_f32, |a, s| a.max(s.abs()));
        assert!((0.4..0.6).contains(&loudest), "{loudest}");
    }

    /// What our own encoders make of a beep, decoded: the capture time that each packet says must be that of the samples that come out.
    #[test]
    fn a_beep_comes_out_at_the_time_that_its_packets_say() {
        for (codec, tagged) in [(audio::Codec::Opus, AudioCodec::Opus), (audio::Codec::Aac, AudioCodec::Aac)] {
            let mut encoder = audio::Encoder::open(audio::Config::of(codec)).unwrap();
            let mut decoder = open_sound(tagged, &encoder.head()).unwrap();
            let start = Duration::from_secs(100);
            let (mut onset, mut bytes, mut samples) = (None, 0, Vec::new());
            for n in 0..300_u64 {
                let samples_of = |i: usize| {
                    let t = (n as usize * CHUNK_SAMPLES + i) as f64 / f64::from(SAMPLE_RATE);
                    if t >= 1.0 { (0.4 * (t * 1000.0 * std::f64::consts::TAU).sin()) as f32 } else { 0.0 }
                };
                let chunk = Chunk { captured: start + Duration::from_millis(10 * n), samples: std::array::from_fn(samples_of) };
                let Some(packet) = encoder.encode(&chunk).unwrap() else { continue };
                bytes += packet.data.len();
                let mut out = Vec::new();
                decoder.decode(&packet.data, &mut out).unwrap();
                if let Some(at) = out.iter().position(|s| s.abs() > 0.2) {
                    onset.get_or_insert(packet.captured + Duration::from_micros(at as u64 * 1_000_000 / 48_000));
                }
                samples.extend(out);
            }
            let late = onset.unwrap().as_secs_f64() - 101.0;
            assert!(late.abs() < 0.002, "{codec:?}: the beep is {:.1} ms late", late * 1000.0);
            let loud = &samples[80_000..120_000];
            let power = loud.iter().map(|s| f64::from(s * s)).sum::<f64>() / loud.len() as f64;
            assert!((power - 0.08).abs() < 0.01, "{codec:?}: {power}");
            assert!((100..30_000).contains(&bytes), "{codec:?}: {bytes} bytes in 3 s");
        }
    }

    #[test]
    fn what_has_no_decoder_says_so_and_garbage_is_an_error() {
        assert_eq!(open_sound(AudioCodec::Other(1), &Bytes::new()).err(), Some(Error::Unsupported));
        let mut decoder = open_sound(AudioCodec::Aac, &Bytes::from_static(&[0x11, 0x90])).unwrap();
        let mut out = Vec::new();
        assert!(decoder.decode(&[0xff; 40], &mut out).is_err() || out.is_empty());
        assert!(open_sound(AudioCodec::Opus, &Bytes::from(vec![0; 1 << 20])).is_err());
    }

    #[test]
    fn the_gain_of_an_opus_head_is_applied_and_surround_sound_is_refused() {
        let mut encoder = audio::Encoder::open(audio::Config::of(audio::Codec::Opus)).unwrap();
        let head = encoder.head().to_vec();
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut head = head.clone();
            change(&mut head);
            open_sound(AudioCodec::Opus, &head.into())
        };
        // Minus 20 dB in 256ths.
        let mut quiet = with(&|head| head[16..18].copy_from_slice(&(-20 * 256_i16).to_le_bytes())).unwrap();
        let mut plain = with(&|_| ()).unwrap();
        let (mut soft, mut loud) = (Vec::new(), Vec::new());
        for n in 0..60_u64 {
            let samples = std::array::from_fn(|i| 0.4 * (std::f32::consts::TAU * i as f32 / 48.0).sin());
            let chunk = Chunk { captured: Duration::from_millis(10 * n), samples };
            let Some(packet) = encoder.encode(&chunk).unwrap() else { continue };
            quiet.decode(&packet.data, &mut soft).unwrap();
            plain.decode(&packet.data, &mut loud).unwrap();
        }
        let size = |samples: &[f32]| samples[10_000..].iter().map(|s| s * s).sum::<f32>().sqrt();
        assert!((size(&soft) / size(&loud) - 0.1).abs() < 0.005, "{} {}", size(&soft), size(&loud));
        let surround = with(&|head| (head[9], head[18]) = (6, 1));
        assert_eq!(surround.err(), Some(Error::Unsupported));
    }
}
