//! The publisher's figures.

use crate::media::stats::{History, PublishSample, PublishStats, Queue, Route};
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
    /// When the last key frame was made.
    last_key: Option<Duration>,
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
    pub(super) fn new(server: String, history: History<PublishSample>, now: Duration) -> Self {
        let start = Mark { at: now, video_bytes: 0, audio_bytes: 0, encode_time: Duration::ZERO, frames: 0 };
        let shown = PublishStats { route: Route { server, carrier: None }, history, ..PublishStats::default() };
        Self { shown, video_bytes: 0, audio_bytes: 0, encode_time: Duration::ZERO, start, last_key: None }
    }

    /// The source handed over this many pictures, of which so many came too fast for the encoder.
    pub(super) fn captured(&mut self, frames: u64, missed: u64) {
        self.shown.picture.captured += frames;
        self.shown.dropped.busy += missed;
    }

    /// A picture was left out because the network is behind.
    pub(super) fn left_out(&mut self) {
        self.shown.dropped.network += 1;
    }

    /// A picture was encoded.
    pub(super) fn encoded(&mut self, size: (u32, u32), encoder: &str, key: bool, bytes: usize, took: Duration) {
        let picture = &mut self.shown.picture;
        (picture.width, picture.height) = size;
        if picture.encoder != encoder {
            encoder.clone_into(&mut picture.encoder);
        }
        picture.encoded += 1;
        picture.key_frames += u64::from(key);
        self.video_bytes += bytes as u64;
        self.encode_time += took;
    }

    /// A packet of sound was sent.
    pub(super) fn sound(&mut self, bytes: usize) {
        self.audio_bytes += bytes as u64;
    }

    /// Kilobits of sound in the last second.
    pub(super) fn sound_kbps(&self) -> f32 {
        self.shown.sound.kbps
    }

    /// A key frame was made.
    pub(super) fn key_frame(&mut self, now: Duration) {
        if let Some(last) = self.last_key.replace(now) {
            self.shown.picture.gop_s = now.saturating_sub(last).as_secs_f32();
        }
    }

    /// Ten times a second: a sample of the history, while the encoder is asked for `target_kbps`.
    pub(super) fn sample(&self, now: Duration, target_kbps: u32, queue: impl FnOnce() -> Queue) {
        let (shown, history) = (&self.shown, &self.shown.history);
        if history.is_due(now) {
            let queue = queue();
            history.add(PublishSample {
                at: now,
                kbps: shown.kbps,
                target_kbps,
                fps: shown.picture.fps,
                height: shown.picture.height,
                queue_ms: queue.ms,
                queue_bytes: queue.bytes,
                dropped: shown.dropped.before_encoder(),
            });
        }
    }

    /// Makes rates if a second has passed.
    pub(super) fn tick(&mut self, now: Duration) {
        let since = now.saturating_sub(self.start.at);
        if since < WINDOW {
            return;
        }
        let seconds = since.as_secs_f32();
        let kbps = |bytes: u64| bytes as f32 * 8.0 / 1000.0 / seconds;
        let (picture, sound) = (&mut self.shown.picture, &mut self.shown.sound);
        let frames = picture.encoded - self.start.frames;
        picture.fps = frames as f32 / seconds;
        picture.kbps = kbps(self.video_bytes - self.start.video_bytes);
        sound.kbps = kbps(self.audio_bytes - self.start.audio_bytes);
        self.shown.kbps = picture.kbps + sound.kbps;
        if frames > 0 {
            picture.encode_ms = (self.encode_time - self.start.encode_time).as_secs_f32() * 1000.0 / frames as f32;
        }
        self.start = Mark {
            at: now,
            video_bytes: self.video_bytes,
            audio_bytes: self.audio_bytes,
            encode_time: self.encode_time,
            frames: picture.encoded,
        };
    }

    /// The figures so far; `lost` pictures were encoded but never sent.
    pub(super) fn stats(&self, lost: u64) -> PublishStats {
        let mut stats = self.shown.clone();
        stats.picture.sent = stats.picture.encoded.saturating_sub(lost);
        stats.dropped.queued = lost;
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_second() {
        let mut counters = Counters::new("host:1935".into(), History::default(), Duration::ZERO);
        for n in 1..=60_u64 {
            let bytes = if n <= 30 { 1000 } else { 3000 };
            counters.captured(1, 0);
            counters.encoded((640, 360), "libx264", n == 1, bytes, Duration::from_millis(4));
            counters.sound(100);
            let now = Duration::from_micros(n * 1_000_000 / 30 + 1);
            if n % 30 == 1 {
                counters.key_frame(now);
            }
            counters.tick(now);
            counters.sample(now, 750, || Queue { ms: 7, ..Queue::default() });
        }
        counters.left_out();
        let stats = counters.stats(3);
        let (picture, sound) = (&stats.picture, &stats.sound);
        assert!((picture.fps - 30.0).abs() < 0.1 && (picture.kbps - 720.0).abs() < 1.0 && (sound.kbps - 24.0).abs() < 0.1);
        assert!((picture.encode_ms - 4.0).abs() < 0.01 && (picture.gop_s - 1.0).abs() < 0.01);
        assert_eq!((picture.captured, picture.encoded, picture.sent, picture.key_frames), (60, 60, 57, 1));
        assert_eq!((stats.route.server.as_str(), picture.encoder.as_str()), ("host:1935", "libx264"));
        assert_eq!((stats.dropped.before_encoder(), stats.dropped.queued), (1, 3));
        let samples = stats.history.after(Duration::ZERO);
        assert!((19..=20).contains(&samples.len()), "{} in two seconds", samples.len());
        assert_eq!(samples.last().map(|s| (s.target_kbps, s.queue_ms)), Some((750, 7)));
    }
}
