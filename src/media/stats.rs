//! Figures that the pipeline writes and that overlay, room service and `parlor-bot` read. Plain, typed, cheap to copy.

use serde::Serialize;

pub use crate::wire::CarrierKind as Carrier;

/// Delays over the last seconds, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Percentiles {
    /// Median.
    pub p50: f32,
    /// 95th percentile.
    pub p95: f32,
    /// 99th percentile.
    pub p99: f32,
    /// Largest.
    pub max: f32,
}

/// One's own stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PublishStats {
    /// Pixels across and down, as encoded.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures encoded in the last second.
    pub fps: f32,
    /// Pictures that the source handed over.
    pub frames_captured: u64,
    /// Pictures encoded.
    pub frames_encoded: u64,
    /// Pictures handed to the socket.
    pub frames_sent: u64,
    /// Pictures dropped before the encoder.
    pub frames_dropped: u64,
    /// Key frames among those encoded.
    pub key_frames: u64,
    /// Sent in the last second, sound and picture, kbit/s.
    pub kbps: f32,
    /// The picture's share, kbit/s.
    pub video_kbps: f32,
    /// The sound's share, kbit/s.
    pub audio_kbps: f32,
    /// Bytes waiting for the socket.
    pub queue_bytes: usize,
    /// Age of the oldest message that waits for the socket, ms.
    pub queue_ms: u32,
    /// Average time to encode one picture, ms.
    pub encode_ms: f32,
    /// Name of the encoder, such as `libx264`.
    pub encoder: String,
    /// Microphone level of the last 100 ms, RMS, full scale is 1.
    pub mic_rms: f32,
    /// Where it is sent: `host:port`.
    pub server: String,
    /// What it rides on, once there is a connection.
    pub carrier: Option<Carrier>,
}

/// Somebody else's stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct PlayStats {
    /// Pixels across of the last picture.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures shown in the last second.
    pub fps: f32,
    /// Pictures handed to the screen.
    pub frames: u64,
    /// Pictures decoded but never shown, because a newer one was due.
    pub frames_dropped: u64,
    /// Received in the last second, kbit/s.
    pub kbps: f32,
    /// The picture's share, kbit/s.
    pub video_kbps: f32,
    /// The sound's share, kbit/s.
    pub audio_kbps: f32,
    /// Sound waiting in the jitter buffer, ms.
    pub buffer_ms: f32,
    /// What the jitter buffer aims at, ms.
    pub target_ms: f32,
    /// Jitter of arrival, ms.
    pub jitter_ms: f32,
    /// Seconds between the last two key frames.
    pub gop_s: f32,
    /// Capture to due on screen; `None` until the peer's clock is known.
    pub delay_ms: Option<Percentiles>,
    /// The same over the whole time, not the last seconds only.
    pub delay_all_ms: Option<Percentiles>,
    /// Sound played minus picture shown of the same moment, ms; positive: the sound is early.
    pub av_offset_ms: f32,
    /// Times that the picture stood still for over 500 ms.
    pub freezes: u64,
    /// How long it stood still in all, ms.
    pub freeze_ms: u64,
    /// Sound that had to be concealed, ms.
    pub audio_gap_ms: u64,
    /// Loudness of the last 100 ms, RMS, full scale is 1.
    pub audio_rms: f32,
    /// Loudest 100 ms so far, RMS.
    pub audio_rms_max: f32,
    /// Milliseconds from start to the first sound played.
    pub first_audio_ms: Option<f32>,
    /// Milliseconds from start to the first picture handed over.
    pub first_frame_ms: Option<f32>,
    /// Average CPU time to decode one picture, ms.
    pub decode_ms: f32,
    /// Name of the picture's codec.
    pub codec: String,
    /// Name of a codec of this stream that cannot be decoded here.
    pub unsupported: Option<String>,
    /// What it rides on, once there is a connection.
    pub carrier: Option<Carrier>,
}
