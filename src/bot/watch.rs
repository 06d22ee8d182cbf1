//! Looks at a call again and again and remembers what the report needs, also of those who have left.

use super::report::{Message, PeerReport, Report, SelfReport};
use super::timeline::Timeline;
use crate::base::Clock;
use crate::call::{Ended, Event, Peer, Snapshot};
use crate::media::publish::{Change, Target};
use crate::media::stats::{Carrier, PlaySample, PublishSample, PublishStats, cpu_time};
use crate::proto::{MemberId, RoomId};
use std::time::Duration;

/// Samples kept of a figure whose median is wanted: over an hour at ten a second.
const MAX_SAMPLES: usize = 40_000;

/// What is remembered.
pub(super) struct Watch {
    name: String,
    clock: Clock,
    started: Duration,
    room: Option<RoomId>,
    invite: Option<String>,
    own: PublishStats,
    own_kbps: Mean,
    peers: Vec<Seen>,
    messages: Vec<Message>,
    events: Vec<String>,
    /// The time lines, if they are wanted.
    timeline: Option<Timeline<PublishSample>>,
}

/// Somebody who is or was there.
struct Seen {
    member: MemberId,
    last: Peer,
    first_seen: Duration,
    last_seen: Duration,
    camera: bool,
    mic: bool,
    kbps: Mean,
    av_offset_ms: Vec<f32>,
    timeline: Option<Timeline<PlaySample>>,
}

#[derive(Default)]
struct Mean {
    sum: f64,
    count: u32,
}

impl Mean {
    /// Figures of the time before anything flows are left out.
    fn add(&mut self, value: f32) {
        if value > 0.0 {
            self.sum += f64::from(value);
            self.count += 1;
        }
    }

    fn get(&self) -> f32 {
        (self.sum / f64::from(self.count.max(1))) as f32
    }
}

impl Watch {
    /// With `timeline`, also of what was at each tenth of a second.
    pub(super) fn new(name: String, clock: Clock, timeline: bool) -> Self {
        Self {
            timeline: timeline.then(|| Timeline::new(clock.now())),
            name,
            started: clock.now(),
            clock,
            room: None,
            invite: None,
            own: PublishStats::default(),
            own_kbps: Mean::default(),
            peers: Vec::new(),
            messages: Vec::new(),
            events: Vec::new(),
        }
    }

    /// Notes what is and what has happened.
    pub(super) fn look(&mut self, snapshot: &Snapshot, events: Vec<Event>) {
        let now = self.clock.now();
        if let Some(room) = &snapshot.room {
            self.room = Some(room.id.clone());
            self.invite = Some(room.invite.to_string());
        }
        // A publisher that starts anew counts from zero: keep what was.
        if snapshot.me.stats.picture.captured > 0 {
            self.own = snapshot.me.stats.clone();
        }
        self.own_kbps.add(snapshot.me.stats.kbps);
        if let Some(timeline) = &mut self.timeline {
            timeline.follow(&snapshot.me.stats.history);
        }
        for peer in &snapshot.peers {
            self.look_at(peer, now);
        }
        for event in events {
            if let Event::Text { name, text, .. } = &event {
                self.messages.push(Message { from: name.clone(), text: text.clone() });
            }
            self.events.push(describe(&event));
        }
    }

    fn look_at(&mut self, peer: &Peer, now: Duration) {
        let timeline = self.timeline.as_ref().map(Timeline::beside);
        let at = self.peers.iter().position(|s| s.member == peer.member).unwrap_or_else(|| {
            self.peers.push(Seen {
                member: peer.member.clone(),
                last: peer.clone(),
                first_seen: now,
                last_seen: now,
                camera: false,
                mic: false,
                kbps: Mean::default(),
                av_offset_ms: Vec::new(),
                timeline,
            });
            self.peers.len() - 1
        });
        let Some(seen) = self.peers.get_mut(at) else { return };
        seen.camera |= peer.camera;
        seen.mic |= peer.mic;
        seen.last_seen = now;
        seen.kbps.add(peer.stats.kbps);
        let both = peer.stats.sound.first_ms.is_some() && peer.stats.picture.first_ms.is_some();
        if both && peer.camera && seen.av_offset_ms.len() < MAX_SAMPLES {
            seen.av_offset_ms.push(peer.stats.delay.av_offset_ms);
        }
        if let Some(timeline) = &mut seen.timeline {
            timeline.follow(&peer.stats.history);
        }
        seen.last = peer.clone();
    }

    /// The report so far.
    pub(super) fn report(&self) -> Report {
        let own = SelfReport {
            name: self.name.clone(),
            frames_captured: self.own.picture.captured,
            frames_encoded: self.own.picture.encoded,
            frames_sent: self.own.picture.sent,
            frames_dropped: self.own.dropped.before_encoder(),
            key_frames: self.own.picture.key_frames,
            kbps: self.own_kbps.get(),
            cpu_s: cpu_time().as_secs_f64(),
            carrier: self.own.route.carrier.map_or("none", Carrier::name),
            timeline: self.timeline.as_ref().map(Timeline::points),
        };
        Report {
            started_unix_ms: u64::try_from(self.started.as_millis()).unwrap_or(u64::MAX),
            room: self.room.clone(),
            invite: self.invite.clone(),
            own,
            peers: self.peers.iter().map(Seen::report).collect(),
            messages: self.messages.clone(),
            events: self.events.clone(),
        }
    }
}

impl Seen {
    fn report(&self) -> PeerReport {
        let stats = &self.last.stats;
        // The first picture came at some time between the first look and the next; figures of a second run need no more.
        let shown_s = (self.last_seen.saturating_sub(self.first_seen)).as_secs_f32();
        PeerReport {
            name: self.last.name.clone(),
            first_audio_ms: stats.sound.first_ms,
            first_frame_ms: stats.picture.first_ms,
            frames: stats.picture.shown,
            fps: if shown_s > 0.0 { stats.picture.shown as f32 / shown_s } else { 0.0 },
            width: stats.picture.width,
            height: stats.picture.height,
            delay_ms: stats.delay.all,
            freezes: stats.picture.freezes,
            freeze_ms: stats.picture.freeze_ms,
            audio_rms: stats.sound.rms_max,
            audio_gap_ms: stats.sound.gap_ms,
            av_offset_ms: median(&self.av_offset_ms),
            av_sync_ms: stats.delay.sync,
            kbps: self.kbps.get(),
            frames_dropped: stats.picture.dropped,
            camera: self.camera,
            mic: self.mic,
            timeline: self.timeline.as_ref().map(Timeline::points),
        }
    }
}

fn median(samples: &[f32]) -> f32 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f32::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}

/// One line for the list of events.
fn describe(event: &Event) -> String {
    match event {
        Event::Entered => "entered".to_owned(),
        Event::PeerJoined { name, .. } => format!("{name} joined"),
        Event::PeerLeft { name, .. } => format!("{name} left"),
        Event::Text { name, .. } => format!("{name} said something"),
        Event::PeerUnreadable { name, why, .. } => format!("{name} cannot be read: {why:?}"),
        Event::PeerShares { name, on, .. } => {
            format!("{name} {}", if *on { "shares the screen" } else { "shares nothing any more" })
        }
        Event::SharedWithoutSound(error) => format!("shared without the computer's sound: {error}"),
        Event::ShareFailed(error) => format!("sharing ended: {error}"),
        Event::Custom { command, .. } => format!("message {command}"),
        Event::Reconnecting => "reconnecting".to_owned(),
        Event::Quality(Change { cause, target: Target { kbps, fps, width, height, .. } }) => {
            format!("{} {width}x{height} {fps}/s {kbps} kbit/s", cause.name())
        }
        Event::Reconnected => "reconnected".to_owned(),
        Event::VideoSourceFailed(error) => format!("no picture: {error}"),
        Event::AudioSourceFailed(error) => format!("no sound: {error}"),
        Event::PauseImageFailed(error) => format!("initials instead of the pause picture: {error}"),
        Event::SpeakerFailed(error) => format!("no speaker: {error}"),
        Event::TextFailed { error, .. } => format!("a message was not sent: {error}"),
        Event::PeerRecording { name, on: true, .. } => format!("{name} records"),
        Event::PeerRecording { name, on: false, .. } => format!("{name} records no more"),
        Event::RecordingEnded { name, error: None, .. } => format!("{name} is recorded no more"),
        Event::RecordingEnded { name, error: Some(error), .. } => format!("{name} is recorded no more: {error}"),
        Event::SnapshotTaken { name, path } => format!("a snapshot of {name}: {}", path.display()),
        Event::SnapshotFailed { name, .. } => format!("no snapshot of {name}"),
        Event::MutedByHost => "muted by the host".to_owned(),
        Event::TalkingWhileMuted => "somebody talks into the muted microphone".to_owned(),
        Event::Refused(error) => format!("refused: {error}"),
        Event::Ended(Ended::Left) => "left".to_owned(),
        Event::Ended(Ended::Dissolved(reason)) => format!("the room was dissolved: {reason:?}"),
        Event::Ended(Ended::Replaced) => "signed in elsewhere".to_owned(),
        Event::Ended(Ended::Removed) => "removed by the host".to_owned(),
        Event::DeviceMoved { kind, news } => format!("{kind:?}: {} is used now ({:?})", news.name, news.how),
        Event::Ended(Ended::Failed(error)) => format!("failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_nothing_is_zero() {
        assert!(median(&[]).abs() < f32::EPSILON);
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f32::EPSILON);
    }
}
