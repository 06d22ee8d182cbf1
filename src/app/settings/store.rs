//! The settings' file: JSON in the user's configuration folder, or beside the program.

use super::{Settings, given};
use serde_json::{Map, Value};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
        write_private(&fresh, &serde_json::to_vec_pretty(settings)?)?;
        std::fs::rename(&fresh, path)
    }
}

/// Writes a file that only its owner reads: keys of rooms and servers are in it.
pub(in crate::app) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}

/// Where the settings are kept unless told otherwise: the user's configuration folder, or, for a `portable` program, beside it.
pub fn default_path(portable: bool) -> Option<PathBuf> {
    let of_the_user = || Some(directories::ProjectDirs::from("", "", "Parlor")?.config_dir().to_owned());
    Some(crate::base::portable::folder(portable).or_else(of_the_user)?.join("parlor.json"))
}

fn read(path: &Path) -> (Settings, Option<PathBuf>) {
    let (settings, damage) = match std::fs::read(path) {
        Ok(bytes) => match understand(&bytes) {
            (settings, None) => return (settings, None),
            (settings, Some(damage)) => (settings, damage),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (given::first(), None),
        Err(error) => (Settings::default(), error.to_string()),
    };
    let aside = beside(path, "damaged");
    tracing::warn!(path = %path.display(), aside = %aside.display(), damage, "the settings are damaged");
    if let Err(error) = std::fs::rename(path, &aside) {
        tracing::warn!(%error, "the damaged settings cannot be set aside");
    }
    (settings, Some(aside))
}

/// What can be understood of a file, and what is wrong with the rest: one bad entry does not cost the others.
fn understand(bytes: &[u8]) -> (Settings, Option<String>) {
    // Editors on Windows put a mark in front.
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let entries: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(entries) => entries,
        Err(error) => return (Settings::default(), Some(error.to_string())),
    };
    if let Ok(settings) = serde_json::from_value::<Settings>(Value::Object(entries.clone())) {
        return (settings.within_limits(), None);
    }
    let mut good = Map::new();
    let mut damage = Vec::new();
    for (key, value) in entries {
        let alone = Map::from_iter([(key.clone(), value.clone())]);
        match serde_json::from_value::<Settings>(Value::Object(alone)) {
            Ok(_) => _ = good.insert(key, value),
            Err(error) => damage.push(format!("{key}: {error}")),
        }
    }
    let settings = serde_json::from_value::<Settings>(Value::Object(good)).unwrap_or_default();
    (settings.within_limits(), Some(damage.join("; ")))
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
    use crate::app::i18n::Lang;
    use crate::app::settings::{Network, Preset, ProxyChoice, Recent, SavedServer, ServerChoice, Theme, ZOOM};
    use crate::base::SecretKey;
    use crate::media::capture::VideoSource;
    use crate::proto::Mode;
    use proptest::prelude::*;

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
        #[cfg(unix)]
        {
            let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
            assert_eq!(mode & 0o077, 0, "others on this computer read it");
        }
        assert_eq!(Store::open(Some(path)).1, settings);
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
        let read: Settings = serde_json::from_str(r#"{"name": "Ada", "of_a_later_version": 9}"#).unwrap();
        assert_eq!(read, Settings { name: "Ada".into(), ..Settings::default() });
    }

    #[test]
    fn without_a_file_nothing_is_kept() {
        let (mut store, settings, _) = Store::open(None);
        store.save(&Settings { name: "x".into(), ..settings }).unwrap();
    }

    #[test]
    fn one_bad_entry_does_not_cost_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parlor.json");
        std::fs::write(&path, r#"{"name": "Ada", "theme": "purple", "zoom": 9999, "fps": 17, "chimes": false}"#).unwrap();
        let (_, settings, aside) = Store::open(Some(path));
        assert_eq!((settings.name.as_str(), settings.chimes, settings.theme), ("Ada", false, Theme::System));
        assert_eq!((settings.zoom, settings.fps), (*ZOOM.end(), None), "what nobody can mean is made good");
        assert!(aside.unwrap().exists());
    }

    fn any_settings() -> impl Strategy<Value = Settings> {
        let words = "\\PC{0,24}";
        let preset = prop_oneof![Just(Preset::Automatic), Just(Preset::Sd), Just(Preset::Hd), Just(Preset::Full)];
        let theme = prop_oneof![Just(Theme::System), Just(Theme::Light), Just(Theme::Dark)];
        let server = (words, words).prop_map(|(address, access_key)| SavedServer { address, access_key });
        let key = proptest::option::of(any::<[u8; 32]>().prop_map(SecretKey::new));
        let room = (words, words, proptest::option::of(words), key, 0..u64::MAX / 2);
        let room = room.prop_map(|(name, room, server, key, at)| Recent { name, room, mode: Mode::Multi, server, key, at });
        let lists = (proptest::collection::vec(server, 0..4), proptest::collection::vec(room, 0..4));
        let switches = (any::<bool>(), any::<bool>(), any::<bool>(), ZOOM, proptest::option::of(Just(25)));
        (words, words, preset, theme, lists, switches).prop_map(|(name, path, preset, theme, (servers, recent), switches)| {
            let (chimes, notifications, sidebar, zoom, fps) = switches;
            let network = Network { proxy: ProxyChoice::Own, proxy_address: path.clone(), ..Network::default() };
            let more = Settings { network, servers, recent, chimes, notifications, sidebar, zoom, fps, ..Settings::default() };
            Settings { name, recordings: path.clone(), pause_image: path, preset, theme, ..more }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn all_settings_come_back_as_they_were(settings in any_settings()) {
            let bytes = serde_json::to_vec_pretty(&settings).unwrap();
            prop_assert_eq!(understand(&bytes), (settings, None));
        }

        #[test]
        fn no_file_is_fatal_and_none_is_lost(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("parlor.json");
            std::fs::write(&path, &bytes).unwrap();
            let (_, _, aside) = Store::open(Some(path.clone()));
            let kept = std::fs::read(aside.unwrap_or(path)).unwrap();
            prop_assert_eq!(kept, bytes);
        }

        #[test]
        fn a_file_that_was_cut_off_or_scribbled_on_is_no_obstacle(settings in any_settings(), cut in 0usize..2000, at in 0usize..2000, by in any::<u8>()) {
            let mut bytes = serde_json::to_vec(&settings).unwrap();
            let place = at % bytes.len();
            bytes[place] = by;
            bytes.truncate(cut.max(1));
            let (read, _) = understand(&bytes);
            prop_assert!(ZOOM.contains(&read.zoom));
        }
    }
}
