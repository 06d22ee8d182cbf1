//! AAC-LC: frames of 1024 samples, made by FFmpeg's own encoder.
//!
//! The encoder begins with one frame of nothing (its priming, which FFmpeg's decoder does not take off) and holds one frame back, so
//! a packet's sound is older than the samples that made it come out. `captured` says how old.

use super::{Config, Encoded};
use crate::media::encode::Error;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use bytes::Bytes;
use ffmpeg::codec::encoder::audio;
use ffmpeg::format::sample::{Sample, Type};
use ffmpeg::util::frame::Audio;
use ffmpeg::{ChannelLayout, Dictionary, Packet, Rational, codec, encoder};
use ffmpeg_next as ffmpeg;
use std::collections::VecDeque;
use std::time::Duration;

const NAME: &str = "aac";
/// Samples in a packet (ISO/IEC 14496-3, 4.5.2.1.1).
const FRAME_SAMPLES: usize = 1024;
/// `AudioSpecificConfig`: AAC-LC, 48 kHz, one channel.
pub(super) const HEAD: Bytes = Bytes::from_static(&[0x11, 0x88]);
/// Length of a chunk.
const CHUNK: Duration = Duration::from_millis(10);
/// Capture times may be off by this much without there being a hole.
const JITTER: Duration = Duration::from_millis(5);
/// A hole up to this long ends a frame early. After a longer one the encoder begins anew, so that what it held back does not come out
/// as old as the hole is long.
const SMALL_HOLE: Duration = Duration::from_millis(100);

/// An open AAC encoder.
pub(super) struct Encoder {
    config: Config,
    encoder: audio::Encoder,
    frame: Audio,
    packet: Packet,
    /// Samples in `frame`.
    filled: usize,
    /// Samples handed to the encoder so far.
    sent: i64,
    /// When samples of these numbers were captured; one mark a chunk, oldest first, as far back as the encoder may refer to.
    marks: VecDeque<(i64, Duration)>,
    /// When the next chunk should have been captured.
    next: Option<Duration>,
}

impl Encoder {
    pub(super) fn open(config: Config) -> Result<Self, Error> {
        crate::media::ready();
        let mut frame = Audio::new(Sample::F32(Type::Planar), FRAME_SAMPLES, ChannelLayout::MONO);
        frame.set_rate(SAMPLE_RATE);
        let encoder = open(config)?;
        Ok(Self { config, encoder, frame, packet: Packet::empty(), filled: 0, sent: 0, marks: VecDeque::new(), next: None })
    }

    pub(super) fn encode(&mut self, chunk: &Chunk) -> Result<Option<Encoded>, Error> {
        let hole = self.next.map_or(Duration::ZERO, |next| chunk.captured.abs_diff(next));
        let mut out = None;
        if hole > SMALL_HOLE {
            self.encoder = open(self.config)?;
            (self.filled, self.sent) = (0, 0);
            self.marks.clear();
        } else if hole > JITTER && self.filled > 0 {
            self.frame.plane_mut::<f32>(0)[self.filled..].fill(0.0);
            out = self.send()?;
        }
        self.next = Some(chunk.captured + CHUNK);
        self.marks.push_back((self.sent + self.filled as i64, chunk.captured));
        let (first, rest) = chunk.samples.split_at(CHUNK_SAMPLES.min(FRAME_SAMPLES - self.filled));
        self.put(first);
        if self.filled == FRAME_SAMPLES {
            // A frame holds two chunks: there cannot have been one before in the same call.
            out = self.send()?;
        }
        self.put(rest);
        Ok(out)
    }

    fn put(&mut self, samples: &[f32]) {
        self.frame.plane_mut::<f32>(0)[self.filled..self.filled + samples.len()].copy_from_slice(samples);
        self.filled += samples.len();
    }

    /// Encodes the frame.
    fn send(&mut self) -> Result<Option<Encoded>, Error> {
        let failed = |cause| Error::failed(NAME, cause);
        self.frame.set_pts(Some(self.sent));
        self.sent += FRAME_SAMPLES as i64;
        self.filled = 0;
        self.encoder.send_frame(&self.frame).map_err(failed)?;
        match self.encoder.receive_packet(&mut self.packet) {
            Ok(()) => {}
            Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::error::EAGAIN => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        }
        let data = Bytes::copy_from_slice(self.packet.data().unwrap_or_default());
        // FFmpeg has taken the priming off the number.
        let number = self.packet.pts().unwrap_or_default();
        Ok(Some(Encoded { captured: self.captured(number), data }))
    }

    /// When the sample of this number was captured, or would have been: the priming lies before the first.
    fn captured(&mut self, number: i64) -> Duration {
        while self.marks.get(1).is_some_and(|(next, _)| *next <= number) {
            self.marks.pop_front();
        }
        let Some(&(mark, at)) = self.marks.front() else { return Duration::ZERO };
        let away = Duration::from_micros(number.abs_diff(mark) * 1_000_000 / u64::from(SAMPLE_RATE));
        if number < mark { at.saturating_sub(away) } else { at + away }
    }
}

fn open(config: Config) -> Result<audio::Encoder, Error> {
    let failed = |cause| Error::failed(NAME, cause);
    let found = encoder::find_by_name(NAME).ok_or(Error::Missing(NAME))?;
    let mut audio = codec::Context::new_with_codec(found).encoder().audio().map_err(failed)?;
    audio.set_rate(SAMPLE_RATE as i32);
    audio.set_format(Sample::F32(Type::Planar));
    audio.set_channel_layout(ChannelLayout::MONO);
    audio.set_time_base(Rational::new(1, SAMPLE_RATE as i32));
    audio.set_bit_rate(config.kbps as usize * 1000);
    // The configuration goes into a header of its own, as FLV wants it, and not into each packet.
    audio.set_flags(codec::Flags::GLOBAL_HEADER);
    let mut options = Dictionary::new();
    options.set("profile", "aac_low");
    audio.open_as_with(found, options).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(ms: u64) -> Chunk {
        Chunk { captured: Duration::from_millis(ms), samples: [0.1; CHUNK_SAMPLES] }
    }

    fn stamps(encoder: &mut Encoder, from_ms: u64, chunks: u64) -> Vec<u64> {
        let packets = (0..chunks).filter_map(|n| encoder.encode(&chunk(from_ms + 10 * n)).unwrap());
        packets.map(|packet| packet.captured.as_micros() as u64).collect()
    }

    #[test]
    fn packets_are_a_frame_apart_and_begin_with_the_priming() {
        let mut encoder = Encoder::open(Config::of(super::super::Codec::Aac)).unwrap();
        let stamps = stamps(&mut encoder, 1000, 100);
        assert_eq!(stamps[0], 1_000_000 - 21_333, "the first packet is what comes before the sound");
        assert!(stamps.windows(2).all(|w| (21_332..=21_335).contains(&(w[1] - w[0]))), "{stamps:?}");
        // 46 frames were full; one is held back.
        assert_eq!(stamps.len(), 45);
    }

    #[test]
    fn a_hole_does_not_end_up_inside_a_frame() {
        let mut encoder = Encoder::open(Config::of(super::super::Codec::Aac)).unwrap();
        let before = stamps(&mut encoder, 1000, 33);
        // A small one: the frame that was begun ends there, the next one begins behind it.
        let small = stamps(&mut encoder, 1400, 30);
        assert!(small.contains(&1_400_000), "{before:?} {small:?}");
        assert!(small.iter().all(|at| *at >= 1_400_000 || *at < 1_330_000), "{small:?}");
        // A long one: nothing comes out behind it that was spoken before it.
        let long = stamps(&mut encoder, 9000, 30);
        assert_eq!(long[0], 9_000_000 - 21_333);
    }

    #[test]
    fn the_head_is_the_one_that_ffmpeg_writes() {
        let encoder = Encoder::open(Config::of(super::super::Codec::Aac)).unwrap();
        assert_eq!(HEAD[..], [0x11, 0x88]);
        // Five bits of object type, four of rate, four of channels.
        let [a, b] = [HEAD[0], HEAD[1]];
        assert_eq!((a >> 3, (a & 7) << 1 | b >> 7, b >> 3 & 15), (2, 3, 1));
        assert_eq!((encoder.encoder.rate(), encoder.encoder.frame_size()), (48_000, 1024));
    }
}
