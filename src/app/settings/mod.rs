//! What the program remembers: a JSON file in the user's configuration folder.

use crate::app::i18n::Lang;
use crate::call::Volume;
use crate::media::audio::chain::Noise;
use crate::media::capture::{AudioSource, VideoSource};
use crate::media::play::Smoothness;
use crate::proto::address::DEFAULT_PORT;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

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
    /// Port of the server inside this program.
    pub host_port: u16,
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
    /// How live rooms are played.
    pub smoothness: Smoothness,
    /// How much noise is taken out of one's sound.
    pub noise: Noise,
    /// How loud people are played, by their names; whoever was changed last comes last.
    pub volumes: Vec<(String, Volume)>,
    /// Whether the room list is shown.
    pub sidebar: bool,
}

/// People whose volume is remembered.
const MOST_VOLUMES: usize = 200;

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
            host_port: DEFAULT_PORT,
            video: VideoSource::Camera(None),
            pause_image: String::new(),
            audio: AudioSource::Device(None),
            speaker: None,
            chimes: true,
            smoothness: Smoothness::default(),
            noise: Noise::default(),
            volumes: Vec::new(),
            sidebar: true,
        }
    }
}

/// The settings and where they are kept.
#[derive(Debug)]
pub struct Store {
    path: Option<PathBuf>,
    saved: Settings,
}

impl Store {
    /// Reads the settings at `path` (`None`: nothing is read or kept). A damaged file is renamed, and its new name returned.
    pub fn open(path: Option<PathBuf>) -> (Self, Settings, Option<PathBuf>) {
        let (settings, aside) = match &path {
            Some(path) => read(path),
            None => (Settings::default(), None),
        };
        (Self { path, saved: settings.clone() }, settings, aside)
    }

    /// Writes the settings if they have changed. The old file stays whole until the new one is.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&mut self, settings: &Settings) -> io::Result<()> {
        if *settings == self.saved {
            return Ok(());
        }
        self.saved = settings.clone();
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)?;
        }
        let fresh = beside(path, "new");
        std::fs::write(&fresh, serde_json::to_vec_pretty(settings)?)?;
        std::fs::rename(&fresh, path)
    }
}

/// Where the settings are kept unless told otherwise: the user's configuration folder, or, for a `portable` program, beside it.
pub fn default_path(portable: bool) -> Option<PathBuf> {
    if portable {
        return Some(std::env::current_exe().ok()?.parent()?.join("parlor.json"));
    }
    Some(directories::ProjectDirs::from("", "", "Parlor")?.config_dir().join("parlor.json"))
}

fn read(path: &Path) -> (Settings, Option<PathBuf>) {
    let damage = match std::fs::read(path) {
        Ok(bytes) => match serde_json::from_slice(&bytes) {
            Ok(settings) => return (settings, None),
            Err(error) => error.to_string(),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Settings::default(), None),
        Err(error) => error.to_string(),
    };
    let aside = beside(path, "damaged");
    tracing::warn!(path = %path.display(), aside = %aside.display(), damage, "the settings are damaged");
    if let Err(error) = std::fs::rename(path, &aside) {
        tracing::warn!(%error, "the damaged settings cannot be set aside");
    }
    (Settings::default(), Some(aside))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/parlor.json");
        let (mut store, mut settings, aside) = Store::open(Some(path.clone()));
        assert_eq!((&settings, aside), (&Settings::default(), None));
        settings.name = "李雷".into();
        settings.video = VideoSource::Pattern;
        settings.server = ServerChoice::Address("calls.example:1935".into());
        settings.lang = Some(Lang::Zh);
        store.save(&settings).unwrap();
        assert_eq!(Store::open(Some(path)).1, settings);
    }

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
    fn damaged_settings_are_set_aside_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.json");
        std::fs::write(&path, "{\"name\": \"Ada\"").unwrap();
        let (_, settings, aside) = Store::open(Some(path.clone()));
        assert_eq!(settings, Settings::default());
        assert_eq!(std::fs::read_to_string(aside.unwrap()).unwrap(), "{\"name\": \"Ada\"");
        assert!(!path.exists());
    }

    #[test]
    fn settings_of_other_versions_are_read() {
        let read: Settings = serde_json::from_str(r#"{"name": "Ada", "beauty": 9}"#).unwrap();
        assert_eq!(read, Settings { name: "Ada".into(), ..Settings::default() });
    }

    #[test]
    fn without_a_file_nothing_is_kept() {
        let (mut store, settings, _) = Store::open(None);
        store.save(&Settings { name: "x".into(), ..settings }).unwrap();
    }
}
