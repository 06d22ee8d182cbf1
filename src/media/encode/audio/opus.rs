//! Sound to Opus: 20 ms packets, mono, 48 kHz.

use super::{Config, Encoded};
use crate::media::encode::Error;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use bytes::{BufMut, Bytes, BytesMut};
use ffmpeg::codec::encoder::audio;
use ffmpeg::format::sample::{Sample, Type};
use ffmpeg::util::frame::Audio;
use ffmpeg::{ChannelLayout, Dictionary, Packet, Rational, codec, encoder};
use ffmpeg_next as ffmpeg;
use std::time::Duration;

const NAME: &str = "libopus";
/// Samples in a packet.
const FRAME_SAMPLES: usize = 2 * CHUNK_SAMPLES;
/// Two chunks further apart than this do not belong into one packet.
const MAX_GAP: Duration = Duration::from_millis(15);
/// Loss, in percent, that the encoder prepares for when it repeats itself.
const EXPECTED_LOSS: &str = "10";

/// An open Opus encoder.
pub(super) struct Encoder {
    config: Config,
    encoder: audio::Encoder,
    frame: Audio,
    packet: Packet,
    first: Option<Chunk>,
    next: i64,
}

impl Encoder {
    /// Opens the encoder.
    ///
    /// # Errors
    /// When this FFmpeg comes without libopus.
    pub(super) fn open(config: Config) -> Result<Self, Error> {
        crate::media::ready();
        let failed = |cause| Error::failed(NAME, cause);
        let found = encoder::find_by_name(NAME).ok_or(Error::Missing(NAME))?;
        let mut audio = codec::Context::new_with_codec(found).encoder().audio().map_err(failed)?;
        audio.set_rate(SAMPLE_RATE as i32);
        audio.set_format(Sample::F32(Type::Packed));
        audio.set_channel_layout(ChannelLayout::MONO);
        audio.set_time_base(Rational::new(1, SAMPLE_RATE as i32));
        audio.set_bit_rate(config.kbps as usize * 1000);
        let mut options = Dictionary::new();
        options.set("frame_duration", "20");
        options.set("vbr", "constrained");
        if config.repeat {
            // Only the speech coder can repeat.
            options.set("application", "voip");
            options.set("fec", "1");
            options.set("packet_loss", EXPECTED_LOSS);
        } else {
            options.set("application", "lowdelay");
        }
        let encoder = audio.open_as_with(found, options).map_err(failed)?;
        let mut frame = Audio::new(Sample::F32(Type::Packed), FRAME_SAMPLES, ChannelLayout::MONO);
        frame.set_rate(SAMPLE_RATE);
        Ok(Self { config, encoder, frame, packet: Packet::empty(), first: None, next: 0 })
    }

    /// Samples at the start that only warm the decoder up: libopus looks ahead 2.5 ms, and 4 ms more for the speech coder.
    fn look_ahead(&self) -> u16 {
        if self.config.repeat { 312 } else { 120 }
    }

    /// The header that decoders need first (RFC 7845, 5.1).
    pub(super) fn head(&self) -> Bytes {
        let mut head = BytesMut::with_capacity(19);
        head.put_slice(b"OpusHead");
        // Version 1, one channel.
        head.put_slice(&[1, 1]);
        head.put_u16_le(self.look_ahead());
        head.put_u32_le(SAMPLE_RATE);
        // No gain, mono mapping.
        head.put_slice(&[0, 0, 0]);
        head.freeze()
    }

    /// Takes 10 ms of sound; every second time a packet comes out.
    ///
    /// # Errors
    /// When the encoder fails: open another one then.
    pub(super) fn encode(&mut self, chunk: &Chunk) -> Result<Option<Encoded>, Error> {
        let failed = |cause| Error::failed(NAME, cause);
        let Some(first) = self.first.take().filter(|first| chunk.captured.saturating_sub(first.captured) < MAX_GAP) else {
            self.first = Some(chunk.clone());
            return Ok(None);
        };
        let samples = self.frame.plane_mut::<f32>(0);
        samples[..CHUNK_SAMPLES].copy_from_slice(&first.samples);
        samples[CHUNK_SAMPLES..FRAME_SAMPLES].copy_from_slice(&chunk.samples);
        self.frame.set_pts(Some(self.next));
        self.next += FRAME_SAMPLES as i64;
        self.encoder.send_frame(&self.frame).map_err(failed)?;
        match self.encoder.receive_packet(&mut self.packet) {
            Ok(()) => {}
            Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::error::EAGAIN => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        }
        let ahead = Duration::from_micros(u64::from(self.look_ahead()) * 1_000_000 / u64::from(SAMPLE_RATE));
        let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
        Ok(Some(Encoded { captured: first.captured.saturating_sub(ahead), data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ffmpeg::decoder;

    /// Encodes a beep of `hz` between two moments, decodes it, and gives the samples with the time of the first one.
    fn there_and_back(config: Config, hz: f64, from_s: f64, to_s: f64) -> Vec<f32> {
        let mut encoder = Encoder::open(config).unwrap();
        let found = decoder::find_by_name("libopus").expect("this FFmpeg has no libopus decoder");
        let mut decoder = codec::Context::new_with_codec(found).decoder().open_as(found).unwrap().audio().unwrap();
        let start = Duration::from_secs(100);
        let mut out = Vec::new();
        let mut first = None;
        for n in 0..200_u64 {
            let samples = std::array::from_fn(|i| {
                let t = (n as f64 * CHUNK_SAMPLES as f64 + i as f64) / f64::from(SAMPLE_RATE);
                if (from_s..to_s).contains(&t) { (0.4 * (t * hz * std::f64::consts::TAU).sin()) as f32 } else { 0.0 }
            });
            let Some(packet) = encoder.encode(&Chunk { captured: start + Duration::from_millis(10 * n), samples }).unwrap()
            else {
                continue;
            };
            assert!(!packet.data.is_empty() && packet.data.len() < 400, "{} bytes", packet.data.len());
            let expected = *first.get_or_insert(packet.captured) + Duration::from_micros(out.len() as u64 * 1_000_000 / 48_000);
            assert!(packet.captured.abs_diff(expected) < Duration::from_micros(100));
            decoder.send_packet(&Packet::copy(&packet.data)).unwrap();
            let mut frame = Audio::empty();
            while decoder.receive_frame(&mut frame).is_ok() {
                let channels = usize::from(frame.channels());
                match frame.format() {
                    Sample::I16(Type::Packed) => {
                        let bytes = &frame.data(0)[..frame.samples() * channels * 2];
                        out.extend(
                            bytes.chunks_exact(2 * channels).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32768.0),
                        );
                    }
                    Sample::F32(Type::Packed) => {
                        let bytes = &frame.data(0)[..frame.samples() * channels * 4];
                        out.extend(bytes.chunks_exact(4 * channels).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])));
                    }
                    other => panic!("{other:?}"),
                }
            }
        }
        // The first packet says it was captured before the start by the look-ahead; cut that off, and the samples begin at the start.
        let ahead = (start - first.unwrap()).as_micros() as usize * 48 / 1000;
        out.split_off(ahead)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_its_place() {
        for repeat in [false, true] {
            let out = there_and_back(Config { repeat, ..Config::default() }, 1000.0, 0.5, 1.5);
            let rising: Vec<usize> = (30_000..66_000).filter(|&i| out[i - 1] <= 0.0 && out[i] > 0.0).collect();
            let hz = 48_000.0 * (rising.len() - 1) as f64 / (rising[rising.len() - 1] - rising[0]) as f64;
            assert!((hz - 1000.0).abs() < 1.0, "{hz} Hz");
            // The beep starts at sample 24,000, to within 2 ms.
            let onset = out.iter().position(|s| s.abs() > 0.2).unwrap();
            assert!(onset.abs_diff(24_000) < 96, "repeat {repeat}: it starts at sample {onset}");
            let loud = out[30_000..66_000].iter().map(|s| f64::from(s * s)).sum::<f64>() / 36_000.0;
            assert!((loud - 0.08).abs() < 0.01, "{loud}");
        }
    }

    #[test]
    fn a_hole_does_not_end_up_inside_a_packet() {
        let mut encoder = Encoder::open(Config::default()).unwrap();
        let chunk = |ms| Chunk { captured: Duration::from_millis(ms), samples: [0.1; CHUNK_SAMPLES] };
        assert!(encoder.encode(&chunk(1000)).unwrap().is_none());
        assert!(encoder.encode(&chunk(2000)).unwrap().is_none());
        let packet = encoder.encode(&chunk(2010)).unwrap().unwrap();
        assert_eq!(packet.captured, Duration::from_micros(1_997_500));
    }

    #[test]
    fn the_head_is_that_of_rfc_7845() {
        let head = Encoder::open(Config::default()).unwrap().head();
        assert_eq!(head[..], *b"OpusHead\x01\x01\x78\x00\x80\xbb\x00\x00\x00\x00\x00");
    }
}
