//! Sound to Opus: two chunks to a packet of 20 ms, and the time that it says.

use super::{Config, Encoded};
use crate::media::encode::Error;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use crate::media::opus::{self, FRAME_SAMPLES};
use bytes::{BufMut, Bytes, BytesMut};
use std::time::Duration;

/// Two chunks further apart than this do not belong into one packet.
const MAX_GAP: Duration = Duration::from_millis(15);

/// An open Opus encoder.
pub(super) struct Encoder {
    opus: opus::Encoder,
    look_ahead: u32,
    first: Option<Chunk>,
    frame: [f32; FRAME_SAMPLES],
}

impl Encoder {
    /// Opens the encoder.
    ///
    /// # Errors
    /// When there is no memory.
    pub(super) fn open(config: Config) -> Result<Self, Error> {
        let Config { kbps, dtx, loss, .. } = config;
        let mut opus = opus::Encoder::new(opus::Config { kbps, dtx, loss, ..opus::Config::default() })?;
        let look_ahead = opus.look_ahead()?;
        Ok(Self { opus, look_ahead, first: None, frame: [0.0; FRAME_SAMPLES] })
    }

    pub(super) fn set_kbps(&mut self, kbps: u32) -> Result<(), Error> {
        Ok(self.opus.set_kbps(kbps)?)
    }

    pub(super) fn set_dtx(&mut self, on: bool) -> Result<(), Error> {
        Ok(self.opus.set_dtx(on)?)
    }

    /// The header that decoders need first (RFC 7845, 5.1).
    pub(super) fn head(&self) -> Bytes {
        let mut head = BytesMut::with_capacity(19);
        head.put_slice(b"OpusHead");
        // Version 1, one channel.
        head.put_slice(&[1, 1]);
        // Samples at the start that only warm the decoder up: as many as the encoder looks ahead.
        head.put_u16_le(u16::try_from(self.look_ahead).unwrap_or(u16::MAX));
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
        let Some(first) = self.first.take().filter(|first| chunk.captured.saturating_sub(first.captured) < MAX_GAP) else {
            self.first = Some(chunk.clone());
            return Ok(None);
        };
        self.frame[..CHUNK_SAMPLES].copy_from_slice(&first.samples);
        self.frame[CHUNK_SAMPLES..].copy_from_slice(&chunk.samples);
        let data = Bytes::copy_from_slice(self.opus.encode(&self.frame)?);
        let ahead = Duration::from_micros(u64::from(self.look_ahead) * 1_000_000 / u64::from(SAMPLE_RATE));
        Ok(Some(Encoded { captured: first.captured.saturating_sub(ahead), data }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Encodes a beep of `hz` between two moments, decodes it, and gives the samples with the time of the first one.
    fn there_and_back(config: Config, hz: f64, from_s: f64, to_s: f64) -> Vec<f32> {
        let mut encoder = Encoder::open(config).unwrap();
        let mut decoder = opus::Decoder::new().unwrap();
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
            decoder.decode(&packet.data, &mut out).unwrap();
        }
        // The first packet says it was captured before the start by the look-ahead; cut that off, and the samples begin at the start.
        let ahead = (start - first.unwrap()).as_micros() as usize * 48 / 1000;
        out.split_off(ahead)
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_its_place() {
        for loss in [None, Some(10)] {
            let out = there_and_back(Config { loss, ..Config::default() }, 1000.0, 0.5, 1.5);
            let rising: Vec<usize> = (30_000..66_000).filter(|&i| out[i - 1] <= 0.0 && out[i] > 0.0).collect();
            let hz = 48_000.0 * (rising.len() - 1) as f64 / (rising[rising.len() - 1] - rising[0]) as f64;
            assert!((hz - 1000.0).abs() < 1.0, "{hz} Hz");
            // The beep starts at sample 24,000, to within 2 ms.
            let onset = out.iter().position(|s| s.abs() > 0.2).unwrap();
            assert!(onset.abs_diff(24_000) < 96, "loss {loss:?}: it starts at sample {onset}");
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
