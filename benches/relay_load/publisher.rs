//! One who publishes the loop in real time, every packet stamped.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::time::sleep_until;

use parlor::rtmp::client::{Event, Role};
use parlor::rtmp::{Packet, PacketKind};

use crate::line::{Line, Manner, Target};
use crate::media::{self, Loop, SOUNDS_PER_SECOND, stamped};

/// Publishes `name` for ever. Pictures and sound of different publishers are not in step: `phase` is 0 to 1.
pub async fn publish(target: Target, name: String, media: Arc<Loop>, base: Instant, phase: f64) -> Result<()> {
    let mut line = Line::open(&target, Role::Publish, &name, Manner::default()).await?;
    for (kind, payload) in [(PacketKind::Video, media.header.clone()), (PacketKind::Audio, media::sound_header())] {
        line.session.send(&Packet { kind, timestamp_ms: 0, payload });
    }
    line.flush().await?;

    let picture_gap = Duration::from_secs(1) / media.pictures_per_second;
    let sound_gap = Duration::from_secs(1) / SOUNDS_PER_SECOND;
    let start = Instant::now();
    let mut picture_due = start + picture_gap.mul_f64(phase);
    // Any other angle between the two serves as well; it has to differ from publisher to publisher.
    let mut sound_due = start + sound_gap.mul_f64((phase * 7.3).fract());
    let sound = media::sound();
    let mut index = 0;
    loop {
        let next = picture_due.min(sound_due);
        tokio::select! {
            () = sleep_until(next.into()) => {
                let now = Instant::now();
                let timestamp_ms = now.duration_since(start).as_millis() as u32;
                let stamp = now.duration_since(base).as_micros() as u64;
                if picture_due <= sound_due {
                    let (picture, after) = media.picture(index);
                    line.session.send(&stamped(PacketKind::Video, timestamp_ms, picture, stamp));
                    index = after;
                    picture_due += picture_gap;
                } else {
                    line.session.send(&stamped(PacketKind::Audio, timestamp_ms, &sound, stamp));
                    sound_due += sound_gap;
                }
                line.flush().await?;
            }
            readable = line.stream.readable() => {
                readable?;
                line.read(usize::MAX)?;
                while let Some(event) = line.session.poll_event() {
                    if event == Event::KeyFrameRequested {
                        index = media.next_key(index);
                    }
                }
                line.flush().await?;
            }
        }
    }
}
