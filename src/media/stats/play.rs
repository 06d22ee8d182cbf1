//! Figures of somebody else's stream.

use super::{History, Percentiles, Route, Sample};
use serde::Serialize;
use std::time::Duration;

/// Somebody else's stream.
#[derive(Clone, Debug, Default)]
pub struct PlayStats {
    /// Received in the last second, sound and picture, kbit/s.
    pub kbps: f32,
    /// Its pictures.
    pub picture: PictureIn,
    /// Its sound.
    pub sound: SoundIn,
    /// What evens out the network.
    pub buffer: Buffer,
    /// How old it is when it is seen.
    pub delay: Delay,
    /// Name of a codec of this stream that cannot be decoded here.
    pub unsupported: Option<String>,
    /// Where it comes from.
    pub route: Route,
    /// The last minute.
    pub history: History<PlaySample>,
}

/// Pictures received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureIn {
    /// Pixels across of the last picture.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures shown in the last second.
    pub fps: f32,
    /// Pictures handed to the screen.
    pub shown: u64,
    /// Pictures decoded but never shown, because a newer one was due.
    pub dropped: u64,
    /// Received in the last second, kbit/s.
    pub kbps: f32,
    /// Coded pictures that wait for the decoder.
    pub waiting: usize,
    /// Seconds between the last two key frames.
    pub gop_s: f32,
    /// Times that the picture stood still for over 500 ms.
    pub freezes: u64,
    /// How long it stood still in all, ms.
    pub freeze_ms: u64,
    /// Milliseconds from start to the first picture handed over.
    pub first_ms: Option<f32>,
    /// Average time to decode one picture, ms.
    pub decode_ms: f32,
    /// Name of the codec.
    pub codec: String,
}

/// Sound received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoundIn {
    /// Received in the last second, kbit/s.
    pub kbps: f32,
    /// Loudness of the last 100 ms, RMS, full scale is 1.
    pub rms: f32,
    /// Loudest 100 ms so far, RMS.
    pub rms_max: f32,
    /// Sound that had to be concealed, ms.
    pub gap_ms: u64,
    /// Milliseconds from start to the first sound played.
    pub first_ms: Option<f32>,
}

/// The jitter buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Buffer {
    /// Sound that waits, ms.
    pub ms: f32,
    /// What it aims at, ms.
    pub target_ms: f32,
    /// Jitter of arrival, ms.
    pub jitter_ms: f32,
}

/// Capture to due on screen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Delay {
    /// Over the last seconds; `None` until the peer's clock is known.
    pub recent: Option<Percentiles>,
    /// The same over the whole time.
    pub all: Option<Percentiles>,
    /// Sound played minus picture shown of the same moment, ms; positive: the sound is early.
    pub av_offset_ms: f32,
    /// The same, seen and heard; `None` unless it is measured, and sent by a test pattern with its tone.
    pub sync: Option<Sync>,
}

/// Flash minus beep, where pictures and sound leave the player, in milliseconds; positive: the sound is early.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Sync {
    /// Median.
    pub p50: f32,
    /// Smallest.
    pub min: f32,
    /// Largest.
    pub max: f32,
    /// How often a flash was seen whose beep was heard.
    pub beats: usize,
}

/// A tenth of a second of somebody's stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PlaySample {
    /// When, by the local clock.
    #[serde(skip)]
    pub at: Duration,
    /// Capture to screen of the oldest picture shown since the sample before, ms; `None` if none was shown or its age is unknown.
    pub delay_ms: Option<f32>,
    /// Sound that waits in the jitter buffer, ms.
    pub buffer_ms: f32,
    /// What the buffer aims at, ms.
    pub target_ms: f32,
    /// Jitter of arrival, ms.
    pub jitter_ms: f32,
    /// Received in the last second, kbit/s.
    pub kbps: f32,
    /// Pictures shown in the last second.
    pub fps: f32,
    /// How long the picture has stood still so far in all, ms; it grows while a freeze lasts.
    pub freeze_ms: u64,
    /// How long the picture has stood still at worst since the sample before, ms: until the next one came, or until now.
    pub still_ms: u32,
    /// Sound concealed so far in all, ms.
    pub gap_ms: u64,
    /// Sound played minus picture shown of the same moment, ms.
    pub av_offset_ms: f32,
}

impl Sample for PlaySample {
    fn at(&self) -> Duration {
        self.at
    }
}

impl PlayStats {
    /// The sample of this moment; `delay` is the age of the oldest picture shown since the one before.
    /// `still` is how long the picture stood still meanwhile.
    pub(crate) fn sample(&self, at: Duration, delay: Option<Duration>, still: Duration) -> PlaySample {
        PlaySample {
            at,
            delay_ms: delay.map(|delay| delay.as_secs_f32() * 1000.0),
            buffer_ms: self.buffer.ms,
            target_ms: self.buffer.target_ms,
            jitter_ms: self.buffer.jitter_ms,
            kbps: self.kbps,
            fps: self.picture.fps,
            freeze_ms: self.picture.freeze_ms,
            still_ms: u32::try_from(still.as_millis()).unwrap_or(u32::MAX),
            gap_ms: self.sound.gap_ms,
            av_offset_ms: self.delay.av_offset_ms,
        }
    }
}
