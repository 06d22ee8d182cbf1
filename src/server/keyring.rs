//! The secrets behind tokens: a ring of signing keys, the newest of which signs and the others are known until their last token has
//! expired, and a root that never changes. Kept in one file, readable by its owner only.
//!
//! The file has a line `root HEX` and a line `key SECONDS HEX` (when it was made, since 1970) for each signing key, oldest first. A file of an older
//! version has one line of hex, which is taken as root and first key.

use super::limits::SESSION;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the ring's file inside the data folder.
pub const KEY_FILE: &str = "token.key";
/// Signing keys at most: more are only made by rotating again and again within a session's life, and each costs time at every token.
const MAX_KEYS: usize = 8;

/// 32 random bytes.
pub type Bytes = [u8; 32];

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("the key file {path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the key file {0} is damaged: remove it and a new key is made (everybody signs in again)")]
    Damaged(PathBuf),
}

/// A key that signs.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SigningKey {
    /// When it was made, in seconds since 1970.
    pub made_s: u64,
    /// The key.
    pub secret: Bytes,
}

/// All secrets. `Debug` shows none.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ring {
    /// Behind what must not change when keys do: passwords of rooms, identities.
    pub root: Bytes,
    /// Oldest first; never empty.
    keys: Vec<SigningKey>,
}

impl std::fmt::Debug for Ring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ring({} keys)", self.keys.len())
    }
}

impl Ring {
    /// New secrets.
    pub fn random(now: Duration) -> Self {
        Self { root: rand::random(), keys: vec![SigningKey { made_s: now.as_secs(), secret: rand::random() }] }
    }

    /// The ring of a data folder; made if there is none.
    ///
    /// # Errors
    /// When the file cannot be read or written, or is damaged.
    pub fn load(folder: &Path, now: Duration) -> Result<Self, KeyError> {
        let path = folder.join(KEY_FILE);
        let failed = |source| KeyError::Io { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        match fs::read_to_string(&path) {
            Ok(text) => {
                let ring = Self::from_text(&text).ok_or_else(|| KeyError::Damaged(path.clone()))?;
                keep_private(&path).map_err(failed)?;
                Ok(ring)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let ring = Self::random(now);
                match ring.write(&path, Existing::Stays) {
                    // Another server was faster: its ring it is.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::load(folder, now),
                    written => written.map_err(failed).map(|()| ring),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(KeyError::Damaged(path)),
            Err(error) => Err(failed(error)),
        }
    }

    /// Writes the ring into a data folder, instead of the one that is there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), KeyError> {
        let path = folder.join(KEY_FILE);
        self.write(&path, Existing::IsReplaced).map_err(|source| KeyError::Io { path, source })
    }

    /// From now on another key signs; those whose last token has expired are forgotten.
    pub fn rotate(&mut self, now: Duration) {
        self.keys.push(SigningKey { made_s: now.as_secs(), secret: rand::random() });
        self.forget(now);
    }

    /// Forgets keys whose last token has expired: a key signs until the next one is made.
    pub fn forget(&mut self, now: Duration) {
        let forgotten = self.keys.windows(2).take_while(|pair| pair[1].made_s + SESSION.as_secs() < now.as_secs()).count();
        let too_many = self.keys.len().saturating_sub(MAX_KEYS);
        self.keys.drain(..forgotten.max(too_many));
    }

    /// Whether this is that ring after a newer key was made.
    pub fn is_successor_of(&self, other: &Self) -> bool {
        let newest = |ring: &Self| ring.keys.last().map(|key| key.made_s);
        self.root == other.root && newest(self) > newest(other)
    }

    /// How long the newest key has been signing.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(Duration::from_secs(self.keys.last().map_or(0, |key| key.made_s)))
    }

    /// The key that signs.
    pub fn signing(&self) -> &Bytes {
        self.keys.last().map_or(&self.root, |key| &key.secret)
    }

    /// All keys whose signatures count, the newest first.
    pub fn verifying(&self) -> impl Iterator<Item = &Bytes> {
        self.keys.iter().rev().map(|key| &key.secret)
    }

    fn from_text(text: &str) -> Option<Self> {
        if let Some(only) = bytes(text.trim()) {
            return Some(Self { root: only, keys: vec![SigningKey { made_s: 0, secret: only }] });
        }
        let (mut root, mut keys) = (None, Vec::new());
        for line in text.lines().filter(|line| !line.is_empty()) {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["root", secret] if root.is_none() => root = Some(bytes(secret)?),
                ["key", made, secret] => keys.push(SigningKey { made_s: made.parse().ok()?, secret: bytes(secret)? }),
                _ => return None,
            }
        }
        (!keys.is_empty()).then_some(Self { root: root?, keys })
    }

    fn to_text(&self) -> String {
        let key = |key: &SigningKey| format!("key {} {}\n", key.made_s, hex::encode(key.secret));
        format!("root {}\n{}", hex::encode(self.root), self.keys.iter().map(key).collect::<String>())
    }

    /// At once or not at all: nobody ever reads half a file.
    fn write(&self, path: &Path, existing: Existing) -> io::Result<()> {
        let unfinished = path.with_extension(format!("{}.{:08x}", std::process::id(), rand::random::<u32>()));
        let mut file = create_private(&unfinished)?;
        let written = file.write_all(self.to_text().as_bytes()).and_then(|()| file.sync_all()).and_then(|()| match existing {
            Existing::IsReplaced => fs::rename(&unfinished, path),
            Existing::Stays => fs::hard_link(&unfinished, path),
        });
        if fs::exists(&unfinished).unwrap_or(true) {
            // A leftover is no reason to fail; it is as private as the file itself.
            let _ = fs::remove_file(&unfinished);
        }
        written
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Existing {
    Stays,
    IsReplaced,
}

fn bytes(text: &str) -> Option<Bytes> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(text, &mut bytes).ok().map(|()| bytes)
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if fs::metadata(path)?.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the key file was open to others; closed now");
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<fs::File> {
    // A file inherits its folder's access list here; the data folder is its owner's.
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::from_secs(1_800_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn the_newest_key_signs_and_older_ones_are_known_until_their_tokens_have_expired() {
        let mut ring = Ring::random(T0);
        let (root, first) = (ring.root, *ring.signing());
        ring.rotate(T0 + 30 * DAY);
        let second = *ring.signing();
        assert_ne!(first, second);
        assert_eq!(ring.verifying().collect::<Vec<_>>(), [&second, &first]);
        assert_eq!(ring.age(T0 + 31 * DAY), DAY);
        ring.forget(T0 + 30 * DAY + SESSION);
        assert_eq!(ring.verifying().count(), 2, "the first key signed until the second was made");
        ring.forget(T0 + 31 * DAY + SESSION);
        assert_eq!((ring.verifying().count(), ring.root), (1, root));
        for _ in 0..20 {
            ring.rotate(T0 + 40 * DAY);
        }
        assert_eq!(ring.verifying().count(), MAX_KEYS);
    }

    #[test]
    fn a_folder_keeps_its_ring_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("data");
        let mut ring = Ring::load(&inside, T0).unwrap();
        assert_eq!(Ring::load(&inside, T0).unwrap(), ring);
        ring.rotate(T0 + DAY);
        ring.save(&inside).unwrap();
        assert_eq!(Ring::load(&inside, T0).unwrap(), ring);
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 1, "nothing is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = || fs::metadata(inside.join(KEY_FILE)).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(), 0o600);
            fs::set_permissions(inside.join(KEY_FILE), fs::Permissions::from_mode(0o644)).unwrap();
            Ring::load(&inside, T0).unwrap();
            assert_eq!(mode(), 0o600);
        }
    }

    #[test]
    fn servers_that_start_together_in_one_folder_agree() {
        let folder = tempfile::tempdir().unwrap();
        let load = || Ring::load(folder.path(), T0).unwrap();
        let rings: Vec<Ring> = std::thread::scope(|scope| {
            let starts: Vec<_> = (0..8).map(|_| scope.spawn(load)).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(rings.iter().all(|ring| *ring == rings[0]));
    }

    #[test]
    fn a_file_of_an_older_version_is_root_and_first_key() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(KEY_FILE), format!("{}\n", "5a".repeat(32))).unwrap();
        let mut ring = Ring::load(folder.path(), T0).unwrap();
        assert_eq!((ring.root, *ring.signing()), ([0x5a; 32], [0x5a; 32]));
        ring.rotate(T0);
        ring.save(folder.path()).unwrap();
        let again = Ring::load(folder.path(), T0).unwrap();
        assert_eq!((again.root, again.verifying().count()), ([0x5a; 32], 2));
    }

    #[test]
    fn a_damaged_file_is_an_error_not_a_new_key() {
        let folder = tempfile::tempdir().unwrap();
        let root = format!("root {}\n", "00".repeat(32));
        for content in [&b"short"[..], &[0xff; 64], b"", root.as_bytes(), b"root 00\nkey 1 00\n", b"key 1 2 3\n"] {
            fs::write(folder.path().join(KEY_FILE), content).unwrap();
            assert!(matches!(Ring::load(folder.path(), T0), Err(KeyError::Damaged(_))));
        }
    }
}
