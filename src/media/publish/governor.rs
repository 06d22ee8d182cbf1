//! Between the controller and the pipeline: what is measured goes in, and of each picture comes out whether and how it is encoded.

use super::adapt::{Adapt, Change, Full, Path, Signals, Target};
use super::{Quality, Shared};
use crate::media::frame::Picture;
use crate::wire::link::Congestion;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// A picture may come earlier than its turn by this share of the time between two: sources are not exact.
const EARLY: f64 = 0.4;
/// How much one picture changes the average of what encoding costs.
const WEIGHT: f32 = 0.08;
/// The encoder is told of a new expected rate of the line if it differs by this share.
const WORTH: f64 = 0.01;

pub(super) struct Governor {
    adapt: Adapt,
    /// When the next picture is due, by the time of its capture.
    next: Option<Duration>,
    /// Average time to encode a picture.
    encode_s: f32,
    expected_kbps: f64,
}

impl Governor {
    pub(super) fn new(shared: &Shared, now: Duration) -> Self {
        let format = shared.format();
        let full = full(shared.quality(), format.fps, (format.width, format.height));
        Self { adapt: Adapt::new(full, now), next: None, encode_s: 0.0, expected_kbps: 0.0 }
    }

    /// What is aimed at.
    pub(super) fn target(&self) -> Target {
        self.adapt.target()
    }

    /// How to encode this picture; `None`: not at all.
    pub(super) fn admit(&mut self, shared: &Shared, picture: &Picture, now: Duration) -> Option<Target> {
        let quality = shared.quality();
        self.adapt.set_full(full(quality, shared.format().fps, (picture.width, picture.height)), now);
        let signals = self.signals(shared, quality, now);
        if let Some(change) = self.adapt.update(&signals, now) {
            self.tell(shared, &signals, change);
        }
        let target = self.adapt.target();
        shared.sound_kbps.store(target.sound_kbps.unwrap_or(0), Ordering::Release);
        let kbps = self.adapt.line_kbps();
        if (kbps / self.expected_kbps - 1.0).abs() > WORTH || self.expected_kbps == 0.0 {
            self.expected_kbps = kbps;
            shared.link.expect_rate(kbps);
        }
        let interval = 1.0 / f64::from(target.fps.max(1));
        if self.next.is_some_and(|next| picture.captured + Duration::from_secs_f64(interval * EARLY) < next) {
            return None;
        }
        if self.adapt.should_skip(&signals) {
            shared.count(super::count::Counters::left_out);
            return None;
        }
        let interval = Duration::from_secs_f64(interval);
        let due = self.next.filter(|next| *next + interval > picture.captured).unwrap_or(picture.captured);
        self.next = Some(due + interval);
        Some(target)
    }

    /// A picture was encoded and handed on.
    pub(super) fn sent(&mut self, bytes: usize, took: Duration, now: Duration) {
        let took = took.as_secs_f32();
        self.encode_s += (took - self.encode_s) * if self.encode_s == 0.0 { 1.0 } else { WEIGHT };
        self.adapt.sent(bytes, now);
    }

    fn signals(&self, shared: &Shared, quality: Quality, now: Duration) -> Signals {
        let Congestion { line, reception, .. } = shared.link.congestion();
        let line = line.map_or(Path::default(), |line| Path { age: line.age, late: line.late, kbps: line.kbps });
        let receiver = reception.map(|(told, at)| {
            let late = Duration::from_millis(told.late_ms.into());
            Path { age: now.saturating_sub(at) + late, late, kbps: (told.kbps > 0).then_some(told.kbps) }
        });
        let wanted = match shared.wanted.load(Ordering::Acquire) {
            u32::MAX => None,
            lines => Some(lines),
        };
        Signals {
            line,
            receiver,
            encode_load: self.encode_s * self.adapt.target().fps as f32,
            wanted: if quality.height == u32::MAX { wanted } else { Some(wanted.unwrap_or(u32::MAX).min(quality.height)) },
            sound_kbps: shared.sound_rate(),
        }
    }

    fn tell(&self, shared: &Shared, signals: &Signals, change: Change) {
        let Target { kbps, fps, width, height, .. } = change.target;
        let (line, receiver) = (signals.line, signals.receiver.map(|path| path.late.as_millis()));
        tracing::info!(
            event = change.cause.name(),
            kbps,
            fps,
            width,
            height,
            late_ms = line.late.as_millis(),
            line_kbps = line.kbps,
            receiver_late_ms = receiver,
            encode_load = signals.encode_load,
            "the picture changes"
        );
        shared.changes.push(change);
    }
}

/// What is sent of pictures of this size when nothing is in the way.
fn full(quality: Quality, fps: u32, (width, height): (u32, u32)) -> Full {
    let Quality { kbps, fps: most, shared_floor_kbps, .. } = quality;
    Full { kbps: kbps.max(1), fps: fps.min(most).max(1), width, height, shared_floor_kbps }
}
