//! What a bot reports: the JSON of the command-line contract, and a table for people.

use super::Failure;
use super::timeline::Point;
use crate::media::stats::{Percentiles, PlaySample, PublishSample, Sync};
use crate::proto::RoomId;
use serde::Serialize;
use std::fmt;

/// Loudness above which somebody counts as heard: -54 dB, far above the noise of a muted encoder and far below any speech.
const HEARD_RMS: f32 = 0.002;

/// A bot's whole report.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When its time began from which everything else counts: milliseconds since the UNIX epoch.
    pub started_unix_ms: u64,
    /// The room's id, once entered.
    pub room: Option<RoomId>,
    /// What brings others there.
    pub invite: Option<String>,
    /// The bot itself.
    #[serde(rename = "self")]
    pub own: SelfReport,
    /// Everyone else who was there at any time, in order of arrival.
    pub peers: Vec<PeerReport>,
    /// What was said.
    pub messages: Vec<Message>,
    /// What happened, in words.
    pub events: Vec<String>,
}

/// One's own stream.
#[derive(Clone, Debug, Default, Serialize)]
pub struct SelfReport {
    /// Display name.
    pub name: String,
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
    /// Sent, sound and picture, kbit/s, on average.
    pub kbps: f32,
    /// CPU seconds of this process, user and system.
    pub cpu_s: f64,
    /// What the stream rode on: tcp, tls, or none if there was no connection.
    pub carrier: &'static str,
    /// Ten samples a second, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<Point<PublishSample>>>,
}

/// Somebody else's stream.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PeerReport {
    /// Display name.
    pub name: String,
    /// From the enter request to the first sound played.
    pub first_audio_ms: Option<f32>,
    /// From the enter request to the first picture handed over.
    pub first_frame_ms: Option<f32>,
    /// Pictures shown.
    pub frames: u64,
    /// Pictures shown a second, on average since the first one.
    pub fps: f32,
    /// Pixels across of the last picture.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Capture to due on screen, over the whole time.
    pub delay_ms: Option<Percentiles>,
    /// Times that the picture stood still for over 500 ms.
    pub freezes: u64,
    /// How long it stood still in all.
    pub freeze_ms: u64,
    /// Loudest 100 ms, RMS, full scale is 1.
    pub audio_rms: f32,
    /// Sound that had to be concealed.
    pub audio_gap_ms: u64,
    /// Sound minus picture of the same moment, ms, median; positive: the sound is early.
    pub av_offset_ms: f32,
    /// Flash minus beep, seen and heard: of members with the test pattern and its tone.
    pub av_sync_ms: Option<Sync>,
    /// Received, kbit/s, on average.
    pub kbps: f32,
    /// Pictures decoded but never shown.
    pub frames_dropped: u64,
    /// Whether they had a camera switched on at any time; without one, they need not be seen.
    pub camera: bool,
    /// Whether they had a microphone switched on at any time; without one, they need not be heard.
    pub mic: bool,
    /// Ten samples a second, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeline: Option<Vec<Point<PlaySample>>>,
}

/// A line of chat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Display name of who said it.
    pub from: String,
    /// The line.
    pub text: String,
}

impl PeerReport {
    /// Seen, or nothing to be seen.
    pub fn seen(&self) -> bool {
        self.frames > 0 || !self.camera
    }

    /// Heard, or nothing to be heard.
    pub fn heard(&self) -> bool {
        self.audio_rms > HEARD_RMS || !self.mic
    }
}

impl Report {
    /// Whether at least `expected` others were both seen and heard.
    ///
    /// # Errors
    /// A sentence that says who was missed.
    pub fn meets(&self, expected: usize) -> Result<(), Failure> {
        let good = self.peers.iter().filter(|p| p.seen() && p.heard()).count();
        if good >= expected {
            return Ok(());
        }
        let missed: Vec<String> = self
            .peers
            .iter()
            .filter(|p| !(p.seen() && p.heard()))
            .map(|p| format!("{} ({}seen, {}heard)", p.name, not(p.seen()), not(p.heard())))
            .collect();
        let missed = if missed.is_empty() { String::new() } else { format!("; {}", missed.join(", ")) };
        Err(Failure::Expectation(format!("{good} of {expected} expected members were both seen and heard{missed}")))
    }
}

fn not(good: bool) -> &'static str {
    if good { "" } else { "not " }
}

impl fmt::Display for Report {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = &self.own;
        writeln!(
            f,
            "{}: {} pictures sent, {} dropped, {:.0} kbit/s, {:.1} CPU s, carrier {}",
            own.name, own.frames_sent, own.frames_dropped, own.kbps, own.cpu_s, own.carrier
        )?;
        writeln!(
            f,
            "{:<16} {:>9} {:>6} {:>7} {:>20} {:>10} {:>10} {:>7} {:>8}",
            "saw and heard", "size", "fps", "frames", "delay p50/p95/p99 ms", "picture ms", "sound ms", "freezes", "sync ms"
        )?;
        for peer in &self.peers {
            let delay = peer.delay_ms.map_or("?".to_owned(), |d| format!("{:.0} / {:.0} / {:.0}", d.p50, d.p95, d.p99));
            let ms = |v: Option<f32>| v.map_or("never".to_owned(), |v| format!("{v:.0}"));
            writeln!(
                f,
                "{:<16} {:>9} {:>6.1} {:>7} {:>20} {:>10} {:>10} {:>7} {:>8.1}",
                peer.name,
                format!("{}x{}", peer.width, peer.height),
                peer.fps,
                peer.frames,
                delay,
                ms(peer.first_frame_ms),
                ms(peer.first_audio_ms),
                peer.freezes,
                peer.av_offset_ms
            )?;
        }
        for message in &self.messages {
            writeln!(f, "{}: {}", message.from, message.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(frames: u64, rms: f32, camera: bool, mic: bool) -> PeerReport {
        PeerReport { name: "P".into(), frames, audio_rms: rms, camera, mic, ..PeerReport::default() }
    }

    fn report(peers: Vec<PeerReport>) -> Report {
        Report {
            started_unix_ms: 0,
            room: None,
            invite: None,
            own: SelfReport::default(),
            peers,
            messages: vec![],
            events: vec![],
        }
    }

    #[test]
    fn both_seen_and_heard_counts_and_switched_off_devices_are_excused() {
        let good = report(vec![peer(10, 0.1, true, true), peer(0, 0.1, false, true), peer(9, 0.0, true, false)]);
        assert!(good.meets(3).is_ok());
        let blind = report(vec![peer(0, 0.1, true, true)]);
        let sentence = blind.meets(1).unwrap_err().to_string();
        assert!(sentence.contains("0 of 1") && sentence.contains("P (not seen, heard)"), "{sentence}");
        assert!(report(vec![]).meets(1).is_err());
    }

    #[test]
    fn the_contract_names_its_fields() {
        let json = serde_json::to_value(report(vec![peer(1, 0.1, true, true)])).unwrap();
        for key in [
            "name",
            "frames_captured",
            "frames_encoded",
            "frames_sent",
            "frames_dropped",
            "key_frames",
            "kbps",
            "cpu_s",
            "carrier",
        ] {
            assert!(json["self"].get(key).is_some(), "{key}");
        }
        for key in [
            "name",
            "first_audio_ms",
            "first_frame_ms",
            "frames",
            "fps",
            "width",
            "height",
            "delay_ms",
            "freezes",
            "freeze_ms",
            "audio_rms",
            "audio_gap_ms",
            "av_offset_ms",
            "av_sync_ms",
            "kbps",
        ] {
            assert!(json["peers"][0].get(key).is_some(), "{key}");
        }
        assert!(json["messages"].is_array() && json["events"].is_array() && json.get("room").is_some());
    }
}
