//! The publisher's figures.

use crate::media::stats::PublishStats;
use std::time::Duration;

/// Rates are averages over this.
const WINDOW: Duration = Duration::from_secs(1);

/// Counts what happens, and makes rates of it once a second.
#[derive(Debug)]
pub(super) struct Counters {
    shown: PublishStats,
    video_bytes: u64,
    audio_bytes: u64,
    encode_time: Duration,
    start: Mark,
}

/// The counters at the start of the current second.
#[derive(Debug)]
struct Mark {
    at: Duration,
    video_bytes: u64,
    audio_bytes: u64,
    encode_time: Duration,
    frames: u64,
}

impl Counters {
    pub(super) fn new(server: String, now: Duration) -> Self {
        let start = Mark { at: now, video_bytes: 0, audio_bytes: 0, encode_time: Duration::ZERO, frames: 0 };
        let shown = PublishStats { server, ..PublishStats::default() };
        Self { shown, video_bytes: 0, audio_bytes: 0, encode_time: Duration::ZERO, start }
    }

    /// The source handed over this many pictures, all but at most one of which came too fast for the encoder.
    pub(super) fn captured(&mut self, frames: u64, dropped: u64) {
        self.shown.frames_captured += frames;
        self.shown.frames_dropped += dropped;
    }

    /// A picture was encoded.
    pub(super) fn encoded(&mut self, size: (u32, u32), encoder: &str, key: bool, bytes: usize, took: Duration) {
        (self.shown.width, self.shown.height) = size;
        if self.shown.encoder != encoder {
            self.shown.encoder = encoder.to_owned();
        }
        self.shown.frames_encoded += 1;
        self.shown.key_frames += u64::from(key);
        self.video_bytes += bytes as u64;
        self.encode_time += took;
    }

    /// A packet of sound was sent.
    pub(super) fn sound(&mut self, bytes: usize) {
        self.audio_bytes += bytes as u64;
    }

    /// Makes rates if a second has passed.
    pub(super) fn tick(&mut self, now: Duration) {
        let since = now.saturating_sub(self.start.at);
        if since < WINDOW {
            return;
        }
        let seconds = since.as_secs_f32();
        let kbps = |bytes: u64| bytes as f32 * 8.0 / 1000.0 / seconds;
        let frames = self.shown.frames_encoded - self.start.frames;
        self.shown.fps = frames as f32 / seconds;
        self.shown.video_kbps = kbps(self.video_bytes - self.start.video_bytes);
        self.shown.audio_kbps = kbps(self.audio_bytes - self.start.audio_bytes);
        self.shown.kbps = self.shown.video_kbps + self.shown.audio_kbps;
        if frames > 0 {
            self.shown.encode_ms = (self.encode_time - self.start.encode_time).as_secs_f32() * 1000.0 / frames as f32;
        }
        self.start = Mark {
            at: now,
            video_bytes: self.video_bytes,
            audio_bytes: self.audio_bytes,
            encode_time: self.encode_time,
            frames: self.shown.frames_encoded,
        };
    }

    /// The figures so far; `lost` pictures were encoded but never sent.
    pub(super) fn stats(&self, lost: u64) -> PublishStats {
        PublishStats { frames_sent: self.shown.frames_encoded.saturating_sub(lost), ..self.shown.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_second() {
        let mut counters = Counters::new("host:1935".into(), Duration::ZERO);
        for n in 1..=60_u64 {
            let bytes = if n <= 30 { 1000 } else { 3000 };
            counters.captured(1, 0);
            counters.encoded((640, 360), "libx264", n == 1, bytes, Duration::from_millis(4));
            counters.sound(100);
            counters.tick(Duration::from_micros(n * 1_000_000 / 30 + 1));
        }
        let stats = counters.stats(3);
        assert!(
            (stats.fps - 30.0).abs() < 0.1 && (stats.video_kbps - 720.0).abs() < 1.0 && (stats.audio_kbps - 24.0).abs() < 0.1
        );
        assert!((stats.encode_ms - 4.0).abs() < 0.01);
        assert_eq!((stats.frames_captured, stats.frames_encoded, stats.frames_sent, stats.key_frames), (60, 60, 57, 1));
        assert_eq!((stats.server.as_str(), stats.encoder.as_str()), ("host:1935", "libx264"));
    }
}
