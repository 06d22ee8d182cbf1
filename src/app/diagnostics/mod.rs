//! What helps whoever is asked for help: a ZIP file with versions, settings, log and crash reports, of which every line is shown first and
//! from which secrets are taken out.

mod mask;
pub mod page;

use super::crash;
use super::settings::Settings;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;

/// Longest entry: logs and reports are bounded already, but files can be anything.
const MAX_BYTES: usize = 512 * 1024;

/// A file in the ZIP file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Its text, without secrets.
    pub text: String,
}

/// What only the window knows.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The settings.
    pub settings: Settings,
    /// Where the settings are kept.
    pub config: Option<PathBuf>,
    /// What draws the window, how large everything is, which server is in use, ...: name and value.
    pub facts: Vec<(&'static str, String)>,
    /// Devices, one a line.
    pub devices: String,
    /// Figures of the call, if there is one.
    pub call: Option<String>,
}

/// Collects everything. Reads files and asks the system: not for the thread of the window.
pub fn collect(known: &Known) -> Vec<Entry> {
    let entry = |name: &str, text: &str| {
        let mut text = mask::mask(text);
        if text.len() > MAX_BYTES {
            text.truncate(text.floor_char_boundary(MAX_BYTES));
            text.push_str("\n(cut off here)\n");
        }
        Entry { name: name.to_owned(), text }
    };
    let mut entries = vec![
        entry("system.txt", &system(&known.facts)),
        entry("settings.json", &settings(&known.settings)),
        entry("devices.txt", &known.devices),
        entry("log.txt", &crate::base::log::recent().join("\n")),
    ];
    if let Some(call) = &known.call {
        entries.push(entry("call.txt", call));
    }
    let reports = known.config.as_deref().map(|config| crash::reports(&crash::folder(config))).unwrap_or_default();
    for (_, path) in reports {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read(&path).map_or_else(|error| error.to_string(), |b| String::from_utf8_lossy(&b).into_owned());
        entries.push(entry(&name, &text));
    }
    entries.retain(|entry| !entry.text.trim().is_empty());
    entries
}

/// Writes the ZIP file.
///
/// # Errors
/// When it cannot be written.
pub fn save(path: &Path, entries: &[Entry]) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path)?);
    for entry in entries {
        zip.start_file(entry.name.as_str(), SimpleFileOptions::default()).map_err(io::Error::other)?;
        zip.write_all(entry.text.as_bytes())?;
    }
    zip.finish().map_err(io::Error::other)?.sync_all()
}

fn system(facts: &[(&'static str, String)]) -> String {
    let (processor, memory) = computer().unwrap_or_else(|error| (error.to_string(), String::new()));
    let mut text = format!("parlor: {}\n", crate::media::library::stamp());
    let rows = [
        ("system", sysinfo::System::long_os_version().unwrap_or_else(|_| std::env::consts::OS.to_owned())),
        ("kernel", sysinfo::System::kernel_version().unwrap_or_default()),
        ("architecture", std::env::consts::ARCH.to_owned()),
        ("processor", processor),
        ("memory", memory),
        ("desktop", ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"].map(|name| std::env::var(name).unwrap_or_default()).join(" ")),
        ("language", sys_locale::get_locale().unwrap_or_default()),
    ];
    for (name, value) in rows.iter().chain(facts) {
        // A text takes whatever is written into it.
        let _ = writeln!(text, "{name}: {value}");
    }
    text
}

/// What it computes with.
fn computer() -> Result<(String, String), sysinfo::Error> {
    let mut system = sysinfo::System::new()?;
    system.refresh_memory();
    system.refresh_cpu_all();
    let cpu = system.cpus().first().map(|cpu| cpu.brand().to_owned()).unwrap_or_default();
    let memory = format!("{} of {} MB used", system.used_memory() >> 20, system.total_memory() >> 20);
    Ok((format!("{} x {cpu}", system.cpus().len()), memory))
}

/// The settings without what is nobody's business.
fn settings(settings: &Settings) -> String {
    let mut shown = settings.clone();
    let hide = |text: &mut String| {
        if !text.is_empty() {
            mask::HIDDEN.clone_into(text);
        }
    };
    hide(&mut shown.access_key);
    shown.servers.iter_mut().for_each(|server| hide(&mut server.access_key));
    // Who knows a room's id may enter it.
    shown.recent.iter_mut().for_each(|recent| hide(&mut recent.room));
    shown.recent.iter_mut().for_each(|recent| recent.key = None);
    serde_json::to_string_pretty(&shown).unwrap_or_else(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::settings::{Recent, SavedServer};
    use crate::base::SecretKey;
    use crate::proto::Mode;
    use std::io::Read;

    #[test]
    fn everything_is_in_it_and_no_secret_is() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("parlor.json");
        let crashes = crash::folder(&config);
        std::fs::create_dir_all(&crashes).unwrap();
        std::fs::write(crashes.join("crash-7.txt"), "it broke at parlor://host:1/hush-room").unwrap();
        let key = SecretKey::random();
        let log = format!("opened parlor://host:1/hush-room#k={}", key.to_text());
        std::fs::write(crashes.join("crash-8.txt"), log).unwrap();
        let recent =
            Recent { name: "Lunch".into(), room: "hush-id".into(), mode: Mode::Duo, server: None, key: Some(key.clone()), at: 1 };
        let settings = Settings {
            name: "Ada".into(),
            access_key: "hush-key".into(),
            servers: vec![SavedServer { address: "calls.example".into(), access_key: "hush-other".into() }],
            recent: vec![recent],
            ..Settings::default()
        };
        let facts = vec![("server", "calls.example".to_owned())];
        let call = Some("rtmp://h/live/x?token=hush-token".to_owned());
        let entries = collect(&Known { settings, config: Some(config), facts, devices: "camera: HD Webcam".into(), call });
        let file = folder.path().join("deep/er/diagnostics.zip");
        save(&file, &entries).unwrap();

        let mut zip = zip::ZipArchive::new(std::fs::File::open(&file).unwrap()).unwrap();
        let mut all = String::new();
        for i in 0..zip.len() {
            let mut entry = zip.by_index(i).unwrap();
            all.push_str(&format!("== {}\n", entry.name().unwrap()));
            entry.read_to_string(&mut all).unwrap();
        }
        for there in [
            "== system.txt",
            "== settings.json",
            "== call.txt",
            "== crash-7.txt",
            crate::version(),
            "\nFFmpeg: ",
            "HD Webcam",
            "calls.example",
            "Lunch",
        ] {
            assert!(all.contains(there), "{there} is not in\n{all}");
        }
        assert!(!all.contains("hush") && !all.contains(&key.to_text()), "{all}");
    }
}
