//! Is a configuration good? `values` looks at the values alone, [`files`] at what they name on this computer.

use super::sources::Place;
use super::{Config, Fault, Faults};
use crate::wire::tls::{Identity, identity};
use std::fs::{self, File};
use std::path::Path;

/// Nobody guesses a key of this length.
const ADMIN_KEY_CHARS: usize = 12;

/// What is wrong with the values, seen together.
pub(super) fn values(config: &Config) -> Vec<Fault> {
    let mut wrong = Vec::new();
    if config.listen.is_empty() {
        wrong.push("`listen` must be at least one address and port such as 0.0.0.0:1935".to_owned());
    }
    for (key, address) in [("public", &config.public), ("advertise", &config.advertise)] {
        if address.as_deref().is_some_and(|address| !is_address(address)) {
            wrong.push(format!("`{key}` must be a host or host:port such as calls.example:1935, without a scheme or path"));
        }
    }
    if config.admin_key.as_ref().is_some_and(|key| key.expose().chars().count() < ADMIN_KEY_CHARS) {
        wrong.push(format!("`admin_key` must be text of at least {ADMIN_KEY_CHARS} characters: it opens everything"));
    }
    if let Some(redis) = &config.redis
        && !url::Url::parse(redis.expose()).is_ok_and(|url| url.scheme() == "redis" && url.has_host())
    {
        wrong.push("`redis` must be an address such as redis://127.0.0.1:6379/0".to_owned());
    }
    wrong.extend(config.engine.faults());
    match (&config.tls.cert, &config.tls.key) {
        (Some(_), None) => {
            wrong.push("`tls.key` must be set, too: a certificate is of no use without its private key".to_owned())
        }
        (None, Some(_)) => {
            wrong.push("`tls.cert` must be set, too: a private key is of no use without its certificate".to_owned())
        }
        _ => {}
    }
    wrong.into_iter().map(|sentence| Fault { place: Place::Everywhere, sentence }).collect()
}

/// Looks at the files and folders that the configuration names. Changes nothing.
///
/// # Errors
/// With everything that is wrong.
pub fn files(config: &Config) -> Result<(), Faults> {
    let mut wrong = Vec::new();
    if let Some(folder) = &config.data
        && let Err(why) = writable(folder)
    {
        wrong.push(format!("`data`: {} cannot be used: {why}", folder.display()));
    }
    for (key, file) in [("tls.cert", &config.tls.cert), ("tls.key", &config.tls.key)] {
        if let Some(file) = file
            && let Err(error) = File::open(file).and_then(|file| file.metadata())
        {
            wrong.push(format!("`{key}`: {} cannot be read: {error}", file.display()));
        }
    }
    if let (true, Some(cert), Some(key)) = (wrong.is_empty(), &config.tls.cert, &config.tls.key)
        && let Err(error) = Identity::open(&identity::Source::Files { cert: cert.clone(), key: key.clone() })
    {
        let cause = std::error::Error::source(&error).map_or(String::new(), |cause| format!(": {cause}"));
        wrong.push(format!("`tls`: {error}{cause}"));
    }
    let faults: Vec<Fault> = wrong.into_iter().map(|sentence| Fault { place: Place::Everywhere, sentence }).collect();
    if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
}

/// Whether the folder, or the nearest one above it that exists, can be written into.
pub(super) fn writable(folder: &Path) -> Result<(), String> {
    let there = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let about = fs::metadata(there).map_err(|error| error.to_string())?;
    if !about.is_dir() {
        return Err(format!("{} is no folder", there.display()));
    }
    tempfile_in(there).map_err(|error| format!("no file can be made in {}: {error}", there.display()))
}

fn tempfile_in(folder: &Path) -> std::io::Result<()> {
    let path = folder.join(format!(".parlor-check-{}", std::process::id()));
    File::create_new(&path)?;
    fs::remove_file(path)
}

/// `host` or `host:port`.
fn is_address(text: &str) -> bool {
    let url = url::Url::parse(&format!("http://{text}/"));
    let bare = !text.contains(['/', '?', '#', '@', '\\']);
    bare && url.is_ok_and(|url| url.has_host() && url.path() == "/")
}
