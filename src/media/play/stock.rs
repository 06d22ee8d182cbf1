//! The sound that waits to be played: coded packets, and of those at the head as many samples as are wanted at the moment.
//!
//! Packets are decoded when their time has come, in order, so that a decoder that can conceal goes on from exactly what was heard last, and
//! what is jumped over is never decoded. Decoded sound has no holes: a hole of a few packets is filled by the decoder, before a longer
//! one decoding stops until [`Stock::cross`].

use super::decode::Decode;
use crate::media::frame::SAMPLE_RATE;
use bytes::Bytes;
use std::collections::VecDeque;

/// Samples in a millisecond.
pub(super) const PER_MS: i64 = (SAMPLE_RATE / 1000) as i64;
/// Timestamps may deviate this much from the count of samples (rounding, drift, jitter of the capture clock)...
const ROUNDING_US: i64 = 40_000;
/// ...but where the decoder can fill it, this is a lost packet.
const LOST_US: i64 = 15_000;
/// The decoder fills holes up to this; a longer one is an interruption.
const FILLED_US: i64 = 60_000;
/// It does so in pieces of at most this.
const PIECE_US: i64 = 20_000;
/// Length of a packet before one has been decoded.
const USUAL_US: i64 = 20_000;
/// Packets never take more memory than this: 15 s of samples as they are, which no codec exceeds.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Nor are there more: 15 s of 10 ms packets. (An empty one costs, too.)
const MOST_PACKETS: usize = 1500;

/// A coded packet that waits.
struct Packet {
    media_us: i64,
    data: Bytes,
    /// What it and all that follow are decoded by, if not by what decoded those before it.
    decoder: Option<Box<dyn Decode>>,
}

/// Sound in order of media time.
#[derive(Default)]
pub(super) struct Stock {
    packets: VecDeque<Packet>,
    bytes: usize,
    /// How much media time may wait, in microseconds.
    most_us: i64,
    decoder: Option<Box<dyn Decode>>,
    /// For the next packet that is put in.
    next_decoder: Option<Box<dyn Decode>>,
    samples: VecDeque<f32>,
    /// Media time after the last decoded sample; `None` where what comes next need not join on.
    end_us: Option<i64>,
    /// Length of a packet.
    packet_us: i64,
    /// Whether the sender said "silence" last.
    silent: bool,
    /// Samples that were filled in for lost packets.
    filled: u64,
    work: Vec<f32>,
}

impl Stock {
    /// An empty one, of which never more than `most_us` microseconds wait.
    pub(super) fn new(most_us: i64) -> Self {
        Self { most_us, packet_us: USUAL_US, ..Self::default() }
    }

    /// Never more than this waits, from the next packet on.
    pub(super) fn set_limit(&mut self, most_us: i64) {
        self.most_us = most_us;
    }

    /// How the packets are coded that are put in from here on.
    pub(super) fn set_decoder(&mut self, decoder: Box<dyn Decode>) {
        self.next_decoder = Some(decoder);
    }

    /// Adds a packet whose first sample has this media time. What is too much leaves at the head.
    pub(super) fn push(&mut self, media_us: i64, data: Bytes) {
        self.bytes += data.len();
        self.packets.push_back(Packet { media_us, data, decoder: self.next_decoder.take() });
        while self.packets.len() > 1
            && (self.bytes > MOST_BYTES || self.packets.len() > MOST_PACKETS || self.waiting_us() > self.most_us)
        {
            self.drop_packet();
        }
    }

    /// Forgets all sound. Decoders stay.
    pub(super) fn clear(&mut self) {
        while !self.packets.is_empty() {
            self.drop_packet();
        }
        self.samples.clear();
        (self.end_us, self.silent) = (None, false);
    }

    /// Decodes until `wanted` samples are there, or no packet is left, or something is missing.
    pub(super) fn fill(&mut self, wanted: usize) {
        while self.samples.len() < wanted && !self.packets.is_empty() {
            if self.hole_us() == 0 {
                self.decode();
            } else if !self.bridge() {
                return;
            }
        }
    }

    /// Samples that can be played without a break.
    pub(super) fn samples(&self) -> &VecDeque<f32> {
        &self.samples
    }

    /// Whether something is missing just before the next packet, and all before that has been played.
    pub(super) fn is_at_hole(&self) -> bool {
        self.samples.is_empty() && self.hole_us() > 0
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.samples.is_empty() && self.packets.is_empty()
    }

    /// Whether the sender said, last of all that was decoded, that silence goes on.
    pub(super) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Goes on behind the hole, if all before it has been played.
    pub(super) fn cross(&mut self) {
        if self.samples.is_empty() {
            self.end_us = None;
        }
    }

    /// Takes samples from the head.
    pub(super) fn skip(&mut self, count: usize) {
        self.samples.drain(..count.min(self.samples.len()));
    }

    /// Drops all that is before this media time.
    pub(super) fn skip_to(&mut self, media_us: i64) {
        while let Some(left_us) = self.head_us().map(|head| media_us - head).filter(|left| *left > 0) {
            if self.samples.is_empty() {
                let end = self.packets.get(1).map_or(i64::MAX, |next| next.media_us);
                if end <= media_us {
                    self.drop_packet();
                } else {
                    self.cross();
                    self.decode();
                    if self.packets.is_empty() && self.samples.is_empty() {
                        return;
                    }
                }
            } else {
                let left = usize::try_from(left_us * PER_MS / 1000).unwrap_or(usize::MAX);
                self.skip(left.max(1));
            }
        }
    }

    /// Media time of what is played next.
    pub(super) fn head_us(&self) -> Option<i64> {
        match self.end_us {
            Some(end) if !self.samples.is_empty() => Some(end - self.decoded_us()),
            _ => self.packets.front().map(|packet| packet.media_us),
        }
    }

    /// Media time after the last packet that was put in.
    pub(super) fn tail_us(&self) -> Option<i64> {
        self.packets.back().map(|last| last.media_us + self.packet_us).or(self.end_us)
    }

    /// Media time from the head to the end.
    pub(super) fn waiting_us(&self) -> i64 {
        self.head_us().zip(self.tail_us()).map_or(0, |(head, tail)| (tail - head).max(0))
    }

    /// Samples that were filled in for lost packets so far.
    pub(super) fn filled(&self) -> u64 {
        self.filled
    }

    /// Appends what the decoder makes up for at least `samples` where nothing came; `false` if it cannot.
    pub(super) fn conceal(&mut self, samples: usize, out: &mut Vec<f32>) -> bool {
        self.decoder.as_mut().is_some_and(|decoder| decoder.conceal(samples, out))
    }

    fn decoded_us(&self) -> i64 {
        self.samples.len() as i64 * 1000 / PER_MS
    }

    /// What is missing between the decoded sound and the next packet: 0 if that joins on.
    fn hole_us(&self) -> i64 {
        let Some(step) = self.packets.front().zip(self.end_us).map(|(next, end)| next.media_us - end) else { return 0 };
        let fills = self.decoder.as_ref().is_some_and(|decoder| decoder.conceals());
        if step > if fills { LOST_US } else { ROUNDING_US } { step } else { 0 }
    }

    /// Fills a piece of the hole before the next packet; `false` if it is too large.
    fn bridge(&mut self) -> bool {
        let hole = self.hole_us();
        let (Some(next), Some(decoder)) = (self.packets.front(), self.decoder.as_mut()) else { return false };
        if !self.silent && hole > FILLED_US {
            return false;
        }
        self.work.clear();
        let made = if self.silent || hole > self.packet_us + LOST_US {
            let piece = (hole - self.packet_us).clamp(LOST_US, PIECE_US);
            decoder.conceal((piece * PER_MS / 1000) as usize, &mut self.work)
        } else {
            decoder.recover(&next.data, &mut self.work)
        };
        if !made || self.work.is_empty() {
            return false;
        }
        self.filled += if self.silent { 0 } else { self.work.len() as u64 };
        let end = self.end_us.map(|end| end + self.work.len() as i64 * 1000 / PER_MS);
        self.append(end);
        true
    }

    /// Decodes the next packet. A damaged one is missing.
    fn decode(&mut self) {
        let Some(packet) = self.take_packet() else { return };
        let Some(decoder) = self.decoder.as_mut() else { return };
        self.work.clear();
        let silent = decoder.is_silence(&packet.data);
        match decoder.decode(&packet.data, &mut self.work) {
            Ok(()) if !self.work.is_empty() => {
                self.silent = silent;
                self.packet_us = self.work.len() as i64 * 1000 / PER_MS;
                // The newest timestamp counts: they are exact on average, and drift is followed.
                self.append(Some(packet.media_us + self.packet_us));
            }
            Ok(()) => {}
            Err(error) => tracing::debug!(%error, "sound packet"),
        }
    }

    fn append(&mut self, end_us: Option<i64>) {
        self.samples.extend(self.work.iter().map(|s| if s.is_finite() { *s } else { 0.0 }));
        self.end_us = end_us;
    }

    fn take_packet(&mut self) -> Option<Packet> {
        let mut packet = self.packets.pop_front()?;
        self.bytes -= packet.data.len();
        if let Some(decoder) = packet.decoder.take() {
            self.decoder = Some(decoder);
        }
        Some(packet)
    }

    /// Leaves the next packet out, and what was decoded before it.
    fn drop_packet(&mut self) {
        self.samples.clear();
        self.cross();
        drop(self.take_packet());
    }
}
