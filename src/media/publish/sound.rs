//! The sound's thread: chunks in, packets out.

use super::Shared;
use crate::base::Stop;
use crate::media::audio::chain::Gate;
use crate::media::encode::audio::{Codec, Config, Encoder};
use crate::media::frame::{CHUNK_SAMPLES, Chunk};
use crate::rtmp::{Packet, PacketKind, tag};
use crate::wire::link::State;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How long to wait for a chunk before looking whether to stop.
const WAIT: Duration = Duration::from_millis(20);
/// Length of a chunk.
pub(super) const CHUNK: Duration = Duration::from_millis(10);
/// Silence that nobody delivers is made when it is due by this much: a source that is only late comes first.
const SILENCE_DUE: Duration = Duration::from_millis(40);
/// Silence that would have to be made up for more than this starts over from now.
const SILENCE_MAX: Duration = Duration::from_millis(500);

/// The header again after this while somebody may be about to listen.
const HEADER_SOON: Duration = Duration::from_millis(200);

pub(super) fn run(shared: &Shared, stop: &Stop) {
    let mut encoder = match Encoder::open(Config::of(shared.audio)) {
        Ok(encoder) => encoder,
        Err(error) => return tracing::error!("no sound will be sent: {error}"),
    };
    let header = match shared.audio {
        Codec::Opus => tag::opus_sequence_header(&encoder.head()),
        Codec::Aac => tag::aac_sequence_header(&encoder.head()),
    };
    let mut sender = Line { shared, told: None, header, end: None };
    let mut gate = Gate::new(shared.mic.load(Ordering::Acquire));
    while !stop.is_set() {
        let chunk = shared.chunks.pop_within(WAIT);
        match shared.link.state() {
            State::Connecting => continue,
            State::Live => {}
            State::Closed(_) => return,
        }
        let muted = !shared.mic.load(Ordering::Acquire);
        match chunk {
            Some(mut chunk) => {
                gate.pass(!muted, &mut chunk.samples);
                // Made-up silence may have come in its place already.
                if sender.end.is_none_or(|end| chunk.captured + CHUNK / 2 >= end) {
                    sender.send(&mut encoder, &chunk);
                }
            }
            None if muted => sender.silence(&mut encoder),
            None => {}
        }
    }
}

struct Line<'a> {
    shared: &'a Shared,
    /// When the players were last told how to decode.
    told: Option<Duration>,
    header: bytes::Bytes,
    /// Local time up to which sound was sent.
    end: Option<Duration>,
}

impl Line<'_> {
    /// The chunk with what the computer plays.
    fn with_system(&self, chunk: &Chunk) -> Chunk {
        let mut mixed = chunk.clone();
        if let Some(system) = self.shared.system.pop() {
            for (sample, other) in mixed.samples.iter_mut().zip(system.samples) {
                *sample = (*sample + other).clamp(-1.0, 1.0);
            }
        }
        mixed
    }

    /// Makes the silence that is due.
    fn silence(&mut self, encoder: &mut Encoder) {
        let due = self.shared.clock.local().now().saturating_sub(SILENCE_DUE);
        let mut at = self.end.filter(|end| *end + SILENCE_MAX > due).unwrap_or(due);
        while at <= due {
            self.send(encoder, &Chunk { captured: at, samples: [0.0; CHUNK_SAMPLES] });
            at += CHUNK;
        }
    }

    fn send(&mut self, encoder: &mut Encoder, chunk: &Chunk) {
        self.end = Some(chunk.captured + CHUNK);
        let chunk = &self.with_system(chunk);
        // What is quiet in a film or in music is no silence.
        let voice = self.shared.voice.load(Ordering::Acquire) || !self.shared.mic.load(Ordering::Acquire);
        let pauses = voice && !self.shared.has_system.load(Ordering::Acquire);
        let kbps = match self.shared.sound_kbps.load(Ordering::Acquire) {
            0 => Config::of(self.shared.audio).kbps,
            little => little,
        };
        let packet = match encoder.set_kbps(kbps).and_then(|()| encoder.set_dtx(pauses)).and_then(|()| encoder.encode(chunk)) {
            Ok(Some(packet)) => packet,
            Ok(None) => return,
            Err(error) => return tracing::warn!("sound left out: {error}"),
        };
        let timestamp_ms = self.shared.origin.timestamp_ms(packet.captured);
        let audio = |payload| Packet { kind: PacketKind::Audio, timestamp_ms, payload };
        let now = self.shared.clock.local().now();
        let repeat = if self.shared.expects_viewer(now) { Some(HEADER_SOON) } else { self.shared.repeat_every };
        if self.told.is_none_or(|told| repeat.is_some_and(|every| now.saturating_sub(told) >= every)) {
            self.told = Some(now);
            self.shared.send(audio(self.header.clone()));
        }
        let body = match self.shared.audio {
            Codec::Opus => tag::opus_frame(&packet.data),
            Codec::Aac => tag::aac_frame(&packet.data),
        };
        self.shared.count(|c| c.sound(body.len()));
        self.shared.send(audio(body));
    }
}
