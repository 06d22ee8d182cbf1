//! What the program remembers, and the page on which a person changes it.

mod given;
mod network;
pub mod page;
mod store;

pub use network::{Network, ProxyChoice};
pub(super) use store::write_private;
pub use store::{Store, default_path};

use crate::app::call::look::Saved;
use crate::app::i18n::Lang;
use crate::app::live::Remembered;
use crate::base::{SecretKey, portable};
use crate::call::Volume;
use crate::media::audio::chain::Noise;
use crate::media::beauty::Beauty;
use crate::media::capture::{AudioSource, Format, VideoSource};
use crate::media::play::Smoothness;
use crate::proto::Mode;
use crate::proto::address::DEFAULT_PORT;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Which server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerChoice {
    /// The one inside this program.
    #[default]
    Here,
    /// The one at this address.
    Address(String),
}

/// A server of somebody else that has been used.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SavedServer {
    /// Its address, as it was typed.
    pub address: String,
    /// Its access key; empty: it asks for none.
    pub access_key: String,
}

/// A room that one has been in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// Its name.
    pub name: String,
    /// Its id.
    pub room: String,
    /// Its kind.
    pub mode: Mode,
    /// Where it is; `None`: at the server inside this program.
    pub server: Option<String>,
    /// Its key, if it is encrypted from end to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SecretKey>,
    /// When it was entered last, in seconds since the UNIX epoch.
    pub at: u64,
}

/// Size and rate of one's own picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// By the kind of the room and how many are in it.
    #[default]
    Automatic,
    /// 640x360.
    Sd,
    /// 960x540.
    Hd,
    /// 1280x720.
    Full,
}

impl Preset {
    /// All of them, in the order of the choice.
    pub const ALL: [Self; 4] = [Self::Automatic, Self::Sd, Self::Hd, Self::Full];

    /// Width, height and the bit rate in kbit/s at which it looks well; nothing where the room decides.
    pub const fn size(self) -> Option<(u32, u32, u32)> {
        match self {
            Self::Automatic => None,
            Self::Sd => Some((640, 360, 800)),
            Self::Hd => Some((960, 540, 1200)),
            Self::Full => Some((1280, 720, 1800)),
        }
    }
}

/// Pictures a second to choose from.
pub const RATES: [u32; 4] = [15, 20, 25, 30];
/// Smallest and largest zoom, in percent.
pub const ZOOM: std::ops::RangeInclusive<u16> = 50..=250;

/// Everything that is remembered. Unknown entries of newer versions are ignored, missing ones have their default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Language; `None`: the system's.
    pub lang: Option<Lang>,
    /// Light or dark.
    pub theme: Theme,
    /// Display name.
    pub name: String,
    /// Server used last.
    pub server: ServerChoice,
    /// Address that was typed last.
    pub address: String,
    /// Access key of that server; empty: it asks for none.
    pub access_key: String,
    /// Servers that have been used, the newest first.
    pub servers: Vec<SavedServer>,
    /// Rooms that one has been in, the newest first.
    pub recent: Vec<Recent>,
    /// Port of the server inside this program.
    pub host_port: u16,
    /// How servers elsewhere are reached.
    pub network: Network,
    /// Where one's picture comes from.
    pub video: VideoSource,
    /// File with the picture that is sent while the camera is off; empty: initials.
    pub pause_image: String,
    /// Where one's sound comes from.
    pub audio: AudioSource,
    /// Where the others' sound goes; `None`: the system's default.
    pub speaker: Option<String>,
    /// Whether a short sound tells that somebody came, is gone or wrote.
    pub chimes: bool,
    /// Whether the desktop tells what happens in a call while the window is not the one in use.
    pub notifications: bool,
    /// Size of one's own picture.
    pub preset: Preset,
    /// Pictures of it a second; `None`: by the kind of the room.
    pub fps: Option<u32>,
    /// How live rooms are played.
    pub smoothness: Smoothness,
    /// How much noise is taken out of one's sound.
    pub noise: Noise,
    /// How much one's picture is smoothed and lightened.
    pub beauty: Beauty,
    /// How loud people are played, by their names; whoever was changed last comes last.
    pub volumes: Vec<(String, Volume)>,
    /// Minutes after which a recording goes on in another file; 0: never.
    pub record_slice_minutes: u16,
    /// Whether the room list is shown.
    pub sidebar: bool,
    /// Size of everything on the screen, in percent.
    pub zoom: u16,
    /// When the newest crash report that was mentioned was written, in seconds since the UNIX epoch.
    pub crash_seen: u64,
    /// Folder for recordings and snapshots; empty: the system's folder for videos.
    pub recordings: String,
    /// How everybody is shown in a call.
    pub stage: Saved,
    /// What was typed and chosen on the page of standard live.
    pub live: Remembered,
}

/// People whose volume is remembered.
const MOST_VOLUMES: usize = 200;
/// Rooms that are remembered: more than fit on the first page are only looked through.
const MOST_RECENT: usize = 8;
/// Servers that are remembered.
const MOST_SERVERS: usize = 10;

impl Settings {
    /// Remembers how loud somebody is played; of too many the oldest is forgotten.
    pub fn set_volume(&mut self, name: String, volume: Volume) {
        self.volumes.retain(|(other, _)| *other != name);
        if volume != Volume::default() {
            self.volumes.push((name, volume));
        }
        let surplus = self.volumes.len().saturating_sub(MOST_VOLUMES);
        self.volumes.drain(..surplus);
    }

    /// Remembers a room; the one entered last comes first.
    pub fn note_room(&mut self, room: Recent) {
        self.forget_room(&room.room, room.server.as_deref());
        self.recent.insert(0, room);
        self.recent.truncate(MOST_RECENT);
    }

    /// Forgets a room.
    pub fn forget_room(&mut self, room: &str, server: Option<&str>) {
        self.recent.retain(|known| known.room != room || known.server.as_deref() != server);
    }

    /// Remembers a server; the one used last comes first.
    pub fn note_server(&mut self, server: SavedServer) {
        self.forget_server(&server.address);
        self.servers.insert(0, server);
        self.servers.truncate(MOST_SERVERS);
    }

    /// Forgets a server.
    pub fn forget_server(&mut self, address: &str) {
        self.servers.retain(|known| known.address != address);
    }

    /// The access key of a server that has been used.
    pub fn access_key_of(&self, address: &str) -> Option<String> {
        let known = self.servers.iter().find(|known| known.address == address)?;
        Some(known.access_key.clone()).filter(|key| !key.is_empty())
    }

    /// Where recordings go.
    pub fn recordings_folder(&self) -> Option<PathBuf> {
        let chosen = self.recordings.trim();
        if !chosen.is_empty() {
            return Some(chosen.into());
        }
        if let Some(data) = portable::folder(false) {
            return Some(data.join("recordings"));
        }
        let folders = directories::UserDirs::new()?;
        Some(folders.video_dir().unwrap_or_else(|| folders.home_dir()).join("Parlor"))
    }

    /// Size and rate of one's own picture, and its bit rate in kbit/s; nothing where the room decides.
    pub fn format(&self) -> (Option<Format>, Option<u32>) {
        let usual = Format::default();
        let fps = self.fps.unwrap_or(usual.fps);
        match self.preset.size() {
            Some((width, height, kbps)) => (Some(Format { width, height, fps }), Some(kbps)),
            None => (self.fps.map(|fps| Format { fps, ..usual }), None),
        }
    }

    /// What the file may say and nobody can mean is made good.
    fn within_limits(mut self) -> Self {
        self.zoom = self.zoom.clamp(*ZOOM.start(), *ZOOM.end());
        self.fps = self.fps.filter(|fps| RATES.contains(fps));
        self.recent.truncate(MOST_RECENT);
        self.servers.truncate(MOST_SERVERS);
        self.volumes.truncate(MOST_VOLUMES);
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lang: None,
            theme: Theme::System,
            name: String::new(),
            server: ServerChoice::Here,
            address: String::new(),
            access_key: String::new(),
            servers: Vec::new(),
            recent: Vec::new(),
            host_port: DEFAULT_PORT,
            network: Network::default(),
            video: VideoSource::Camera(None),
            pause_image: String::new(),
            audio: AudioSource::Device(None),
            speaker: None,
            chimes: true,
            notifications: true,
            preset: Preset::default(),
            fps: None,
            smoothness: Smoothness::default(),
            noise: Noise::default(),
            beauty: Beauty::default(),
            volumes: Vec::new(),
            record_slice_minutes: 60,
            sidebar: true,
            zoom: 100,
            crash_seen: 0,
            recordings: String::new(),
            stage: Saved::default(),
            live: Remembered::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_are_remembered_by_name_and_not_for_ever() {
        let mut settings = Settings::default();
        let loud = Volume { percent: 150, muted: false };
        for n in 0..MOST_VOLUMES + 10 {
            settings.set_volume(n.to_string(), loud);
        }
        assert_eq!((settings.volumes.len(), settings.volumes[0].0.as_str()), (MOST_VOLUMES, "10"));
        settings.set_volume("10".into(), Volume { percent: 0, muted: true });
        assert_eq!(settings.volumes.last(), Some(&("10".to_owned(), Volume { percent: 0, muted: true })));
        settings.set_volume("10".into(), Volume::default());
        assert!(settings.volumes.iter().all(|(name, _)| name != "10"), "as usual needs no memory");
    }

    #[test]
    fn rooms_and_servers_are_remembered_newest_first_and_not_for_ever() {
        let mut settings = Settings::default();
        let room = |n: usize, server: Option<&str>| Recent {
            name: format!("Room {n}"),
            room: n.to_string(),
            mode: Mode::Duo,
            server: server.map(str::to_owned),
            key: None,
            at: n as u64,
        };
        for n in 0..MOST_RECENT + 3 {
            settings.note_room(room(n, None));
        }
        settings.note_room(room(5, None));
        settings.note_room(room(5, Some("h:1")));
        let shown: Vec<_> = settings.recent.iter().map(|r| (r.room.as_str(), r.server.is_some())).collect();
        assert_eq!(shown[..3], [("5", true), ("5", false), ("10", false)], "the same id elsewhere is another room");
        assert_eq!(shown.len(), MOST_RECENT);
        settings.forget_room("5", None);
        assert_eq!(settings.recent[1].room, "10");

        for n in 0..MOST_SERVERS + 2 {
            settings.note_server(SavedServer { address: format!("h{n}"), access_key: "k".into() });
        }
        settings.note_server(SavedServer { address: "h5".into(), access_key: String::new() });
        assert_eq!((settings.servers.len(), settings.servers[0].address.as_str()), (MOST_SERVERS, "h5"));
        assert_eq!((settings.access_key_of("h5"), settings.access_key_of("h6")), (None, Some("k".into())));
    }
}
