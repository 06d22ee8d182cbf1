//! Figures that the pipeline writes and that overlay, room service and `parlor-bot` read: typed, current and as a short history.
//!
//! One's own stream has [`PublishStats`], everybody else's [`PlayStats`], the computer [`Cpu`]. What changes ten times a second is
//! also kept for a minute as a [`History`]. This module measures nothing but CPU: whoever does a thing counts it (`publish`, `play`).
//!
//! ```
//! use parlor::media::stats::{History, PlaySample};
//! use std::time::Duration;
//! let history = History::default();
//! history.add(PlaySample { at: Duration::from_millis(100), kbps: 300.0, ..PlaySample::default() });
//! assert_eq!(history.after(Duration::ZERO).len(), 1);
//! ```

mod cpu;
mod history;
mod play;
mod publish;

pub use crate::wire::CarrierKind as Carrier;
pub use cpu::{Cpu, CpuMeter, cpu_time};
pub use history::{History, Sample};
pub use play::{Buffer, Delay, PictureIn, PlaySample, PlayStats, SoundIn, Sync};
pub use publish::{Dropped, PictureOut, PublishSample, PublishStats, Queue, SoundOut};

use serde::Serialize;

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

/// The way of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// The media server: `host:port`.
    pub server: String,
    /// What the stream rides on, once there is a connection.
    pub carrier: Option<Carrier>,
}
