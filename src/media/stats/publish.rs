//! Figures of one's own stream.

use super::{History, Route, Sample};
use serde::Serialize;
use std::time::Duration;

/// One's own stream.
#[derive(Clone, Debug, Default)]
pub struct PublishStats {
    /// Sent in the last second, sound and picture, kbit/s.
    pub kbps: f32,
    /// Its pictures.
    pub picture: PictureOut,
    /// Its sound.
    pub sound: SoundOut,
    /// What waits.
    pub queue: Queue,
    /// What was left out.
    pub dropped: Dropped,
    /// Where it is sent.
    pub route: Route,
    /// The last minute.
    pub history: History<PublishSample>,
}

/// Pictures sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PictureOut {
    /// Pixels across, as encoded.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures encoded in the last second.
    pub fps: f32,
    /// The bit rate of the last second, kbit/s.
    pub kbps: f32,
    /// Pictures that the source handed over.
    pub captured: u64,
    /// Pictures encoded.
    pub encoded: u64,
    /// Pictures handed to the socket.
    pub sent: u64,
    /// Key frames among those encoded.
    pub key_frames: u64,
    /// Seconds between the last two key frames.
    pub gop_s: f32,
    /// Average time to encode one picture, ms.
    pub encode_ms: f32,
    /// Name of the encoder, such as `libx264`.
    pub encoder: String,
}

/// Sound sent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoundOut {
    /// The bit rate of the last second, kbit/s.
    pub kbps: f32,
    /// Microphone level of the last 100 ms, RMS, full scale is 1.
    pub mic_rms: f32,
}

/// What waits on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Sound that waits for the encoder, ms. (Of pictures, only the newest ever waits.)
    pub encoder_ms: u32,
    /// Bytes that wait for the socket.
    pub bytes: usize,
    /// Age of the oldest message that waits for the socket, ms.
    pub ms: u32,
}

/// Pictures left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Before the encoder, because it was busy.
    pub busy: u64,
    /// Before the encoder, because the network was behind.
    pub network: u64,
    /// Encoded, but thrown away before the socket took them.
    pub queued: u64,
}

impl Dropped {
    /// Those that were never encoded.
    pub fn before_encoder(&self) -> u64 {
        self.busy + self.network
    }
}

/// A tenth of a second of one's own stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct PublishSample {
    /// When, by the local clock.
    #[serde(skip)]
    pub at: Duration,
    /// Sent in the last second, kbit/s.
    pub kbps: f32,
    /// What the picture's encoder is asked for, kbit/s.
    pub target_kbps: u32,
    /// Pictures encoded in the last second.
    pub fps: f32,
    /// Lines of the picture, as encoded.
    pub height: u32,
    /// Age of the oldest message that waits for the socket, ms.
    pub queue_ms: u32,
    /// Bytes that wait for the socket.
    pub queue_bytes: usize,
    /// Pictures left out before the encoder so far.
    pub dropped: u64,
}

impl Sample for PublishSample {
    fn at(&self) -> Duration {
        self.at
    }
}
