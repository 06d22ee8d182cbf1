//! What a call looks like now. Cheap to clone: pictures are handed over by feeds, not copied.

pub use super::quality::Trouble;
use super::{Ended, Recorded, Share};
use crate::base::{Secret, Slot};
use crate::media::beauty::Beauty;
use crate::media::capture::{Level, SourceError};
use crate::media::devices::InUse;
use crate::media::devices::check::Stage;
use crate::media::frame::Rgba;
use crate::media::seal;
use crate::media::stats::{Carrier, Cpu, PlayStats, PublishStats};
use crate::proto::{Address, Invite, MemberId, Mode, RoomId};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How far a call has come.
#[derive(Clone, Debug, Default)]
pub enum Phase {
    /// Asking for a room and starting to push.
    #[default]
    Entering,
    /// In the room.
    InCall,
    /// The connection broke; next try at the given local time.
    Reconnecting {
        /// Since when, by the local clock.
        since: Duration,
        /// When the next try is due, by the local clock.
        next_try: Duration,
        /// Tries so far.
        tries: u32,
    },
    /// Over.
    Ended(Ended),
}

/// The state of a call.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// How far it has come.
    pub phase: Phase,
    /// The room, once entered.
    pub room: Option<Room>,
    /// Oneself.
    pub me: Me,
    /// The others, in order of arrival.
    pub peers: Vec<Peer>,
    /// Whose tile has the border of whoever speaks, oneself included.
    pub speaker: Option<MemberId>,
    /// The last lines of chat, oldest first (at most [`MAX_LINES`]).
    pub chat: Vec<Line>,
}

/// What protects what one says and hears on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// Only those can see and hear who have the room's key.
    EndToEnd,
    /// TLS, all of it.
    Encrypted,
    /// It goes to a server on this very computer.
    Local,
    /// Nothing.
    None,
}

impl Snapshot {
    /// What protects the call, once one is in a room.
    pub fn protection(&self) -> Option<Protection> {
        let invite = &self.room.as_ref()?.invite;
        if invite.key.is_some() {
            return Some(Protection::EndToEnd);
        }
        let server = invite.server.as_ref()?;
        let mut streams = self.peers.iter().map(|p| p.stats.route.carrier).chain([self.me.stats.route.carrier]).flatten();
        let media = self.me.stats.route.server.parse::<Address>();
        Some(if server.is_encrypted() && streams.all(Carrier::is_encrypted) {
            Protection::Encrypted
        } else if server.is_loopback() && media.map_or(true, |media| media.is_loopback()) {
            Protection::Local
        } else {
            Protection::None
        })
    }
}

/// Lines of chat kept.
pub const MAX_LINES: usize = 500;

/// The room one is in.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its id.
    pub id: RoomId,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Seats in all.
    pub cap: usize,
    /// Whether one created it.
    pub mine: bool,
    /// What to send to others so that they come; with the key, if the room is encrypted from end to end.
    pub invite: Invite,
}

/// How a device is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceState {
    /// The one that is open; `None`: none is, or the source is no device.
    pub in_use: Option<InUse>,
    /// Why it does not do what it should. It is tried again by itself when a device appears.
    pub failure: Option<SourceError>,
}

/// What one shares of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// What was asked for.
    pub share: Share,
    /// Whether the others see it.
    pub open: bool,
    /// Whether they hear what the computer plays.
    pub sound: bool,
    /// Whether one's own picture shows it. A screen that showed itself would never stand still.
    pub shown: bool,
}

/// Oneself in a call.
#[derive(Clone, Debug, Default)]
pub struct Me {
    /// One's seat.
    pub member: Option<MemberId>,
    /// Display name.
    pub name: String,
    /// What brings one back to the same seat, should the program end without leaving it: see [`Config::session`](crate::call::actor::Config::session).
    pub session: Option<Secret>,
    /// Microphone on.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
    /// What one shares of the screen, from the moment that it is being opened.
    pub sharing: Option<Shared>,
    /// One's own picture, as it is sent; newest wins. While a window is shared, it is that.
    pub preview: Slot<Rgba>,
    /// Loudness of one's microphone, muted or not.
    pub level: Level,
    /// One's camera.
    pub camera_device: DeviceState,
    /// One's microphone.
    pub mic_device: DeviceState,
    /// Where the others are heard.
    pub speaker_device: DeviceState,
    /// The trial of the microphone, if one was asked for.
    pub mic_check: Option<Stage>,
    /// Figures of one's own stream.
    pub stats: PublishStats,
    /// What is wrong with it, if anything.
    pub trouble: Option<Trouble>,
    /// How busy the computer is.
    pub cpu: Cpu,
    /// How much one's picture is smoothed and lightened, and what that costs for each picture while it is done.
    pub beauty: Beauty,
    /// See [`beauty`](Self::beauty).
    pub beauty_cost: Option<Duration>,
    /// What is being recorded here.
    pub recordings: Vec<Recording>,
}

/// A recording on this computer that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What is recorded.
    pub what: Recorded,
    /// Who or what that is, in words.
    pub name: String,
    /// Since when, by the local clock.
    pub since: Duration,
    /// Its files so far, the one that is being written last.
    pub files: Vec<PathBuf>,
    /// Bytes in all of them.
    pub bytes: u64,
    /// How long all of them are.
    pub length: Duration,
    /// Packets that the disk was too slow for.
    pub lost: u64,
    /// The pictures are left out, because they are not H.264.
    pub sound_only: bool,
}

/// How loud somebody is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Volume {
    /// 100 is as it comes; up to [`MAX_PERCENT`](Self::MAX_PERCENT).
    pub percent: u16,
    /// Not heard at all here, whatever the percentage. They do not notice.
    pub muted: bool,
}

impl Volume {
    /// Twice as loud.
    pub const MAX_PERCENT: u16 = 200;

    /// The factor that this means.
    pub fn factor(self) -> f32 {
        if self.muted { 0.0 } else { f32::from(self.percent.min(Self::MAX_PERCENT)) / 100.0 }
    }
}

impl Default for Volume {
    fn default() -> Self {
        Self { percent: 100, muted: false }
    }
}

/// Somebody else in a call.
#[derive(Clone, Debug)]
pub struct Peer {
    /// Their seat.
    pub member: MemberId,
    /// Display name.
    pub name: String,
    /// Their microphone is on.
    pub mic: bool,
    /// Their camera is on.
    pub camera: bool,
    /// They record what they see and hear.
    pub recording: bool,
    /// Their picture shows their screen, or a part of it.
    pub sharing: bool,
    /// Their picture; newest wins. The same slot for as long as they are here.
    pub picture: Slot<Rgba>,
    /// Whether their stream is being received; while it is not, the last picture stays.
    pub receiving: bool,
    /// How loud they are played here.
    pub volume: Volume,
    /// Figures of their stream.
    pub stats: PlayStats,
    /// On whose side it is if it comes badly.
    pub trouble: Option<Trouble>,
    /// Why their stream cannot be read, if it comes and cannot.
    pub unreadable: Option<seal::Trouble>,
}

/// A line of chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Number of its event in the room.
    pub seq: u64,
    /// Display name of who said it.
    pub name: String,
    /// The line; `None`: it cannot be read, because it was sealed with another key or not at all.
    pub text: Option<String>,
    /// Whether one said it oneself.
    pub own: bool,
    /// When, by the server's clock: microseconds since the UNIX epoch.
    pub at_us: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::stats::Route;

    fn call(server: &str, own: Option<Carrier>, peer: Option<Carrier>, media: &str) -> Option<Protection> {
        let invite = Invite { server: server.parse().ok(), room: RoomId::new("r"), key: None };
        let room = Room { id: RoomId::new("r"), name: "R".into(), mode: Mode::Duo, cap: 2, mine: true, invite };
        let route = Route { carrier: own, server: media.into() };
        let me = Me { stats: PublishStats { route, ..Default::default() }, ..Me::default() };
        let peer = Peer {
            member: MemberId::new("m"),
            name: "P".into(),
            mic: true,
            camera: true,
            recording: false,
            sharing: false,
            picture: Slot::new(),
            receiving: true,
            volume: Volume::default(),
            trouble: None,
            unreadable: None,
            stats: PlayStats { route: Route { carrier: peer, ..Default::default() }, ..Default::default() },
        };
        Snapshot { room: Some(room), me, peers: vec![peer], ..Snapshot::default() }.protection()
    }

    #[test]
    fn a_call_is_protected_when_all_of_it_is() {
        let (tls, tcp) = (Some(Carrier::Tls), Some(Carrier::Tcp));
        assert_eq!(call("host:1", tls, tls, "host:1"), Some(Protection::Encrypted));
        assert_eq!(call("host:1", None, None, ""), Some(Protection::Encrypted));
        assert_eq!(call("host:1", tls, tcp, "host:1"), Some(Protection::None));
        assert_eq!(call("host:1", tcp, tls, "engine:1"), Some(Protection::None));
        assert_eq!(call("http://host:1", tcp, tcp, "host:1"), Some(Protection::None));
        assert_eq!(call("127.0.0.1:1", tcp, tcp, "127.0.0.1:1"), Some(Protection::Local));
        assert_eq!(call("127.0.0.1:1", tcp, tcp, "engine:1"), Some(Protection::None));
        assert_eq!(call("https://127.0.0.1:1", tls, tls, "127.0.0.1:1"), Some(Protection::Encrypted));
        assert_eq!(Snapshot::default().protection(), None);
    }
}
