//! What a server shows of itself: a certificate and its private key, which can be exchanged while it serves.
//!
//! Without files of an operator the server makes its own key pair on first start and signs its certificate itself. It keeps both in its data
//! folder, so that the pin in invites stays true; nobody but its owner can read the key.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::{pin_of, provider};
use crate::base::Pin;

/// Name of the certificate's file inside the data folder.
pub const CERT_FILE: &str = "tls.crt";
/// Name of the key's file inside the data folder.
pub const KEY_FILE: &str = "tls.key";

/// How often the files are looked at. A change counts when it has lasted for as long: certificate and key are seldom written at once.
const LOOK: Duration = Duration::from_secs(2);

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made for this run.
    Memory,
    /// In this folder; made if they are not there.
    Folder(PathBuf),
    /// In an operator's files (PEM).
    Files {
        /// The certificate, and those up to the authority's.
        cert: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
}

/// Why there is no identity, or the new one is not taken.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A file cannot be read or written.
    #[error("{path} cannot be used")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file holds something else.
    #[error("{path} holds no {what} in PEM form")]
    Pem {
        /// The file.
        path: PathBuf,
        /// What should be in it.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// The two do not belong together, or are of a kind that TLS 1.3 does not know.
    #[error("the certificate {cert} and the key {key} cannot be used together")]
    Unusable {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        #[source]
        source: rustls::Error,
    },
    /// The server's own key is damaged. It is not replaced in silence: invites name it.
    #[error(
        "the server's own key {0} is damaged: bring it back, or remove it and a new one is made (invites given out so far end)"
    )]
    Damaged(PathBuf),
    /// No certificate could be made.
    #[error("no certificate could be made")]
    Make(#[from] rcgen::Error),
    /// What was made cannot be used.
    #[error("the certificate that was made cannot be used")]
    Made(#[from] rustls::Error),
}

/// The certificate and key in use. Shared by all connections; a change is seen by those that come after it.
#[derive(Debug)]
pub struct Identity(RwLock<Shown>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

#[derive(Clone, Debug)]
struct Shown {
    key: Arc<CertifiedKey>,
    pin: Pin,
    /// Where it is read from.
    files: Option<Files>,
}

/// What tells a changed file from the same one.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Identity {
    /// Reads or makes certificate and key.
    ///
    /// # Errors
    /// When there is none in the end.
    pub fn open(source: &Source) -> Result<Self, IdentityError> {
        Ok(Self(RwLock::new(Shown::open(source)?)))
    }

    /// The pin of the key in use.
    pub fn pin(&self) -> Pin {
        self.shown().pin
    }

    /// Reads the files again, or others. If they cannot be used this is logged, and what was in use stays in use.
    pub fn renew(&self, source: &Source) {
        // A key made for this run stays for this run.
        if *source != Source::Memory {
            self.take(Shown::open(source));
        }
    }

    /// Looks at the files for ever, and takes new ones into use as [`renew`](Self::renew) does.
    pub async fn watch(self: Arc<Self>) {
        self.watch_every(LOOK).await;
    }

    async fn watch_every(&self, look: Duration) {
        let stamp = || self.shown().files.as_ref().map(|files| (files.clone(), files.stamp()));
        let mut seen = stamp();
        let mut taken = seen.clone();
        loop {
            tokio::time::sleep(look).await;
            let now = stamp();
            let settled = std::mem::replace(&mut seen, now.clone()) == now;
            if settled && now != taken {
                if let Some((files, _)) = &now {
                    self.take(files.read());
                }
                taken = now;
            }
        }
    }

    fn take(&self, new: Result<Shown, IdentityError>) {
        match new {
            Ok(new) => {
                let mut shown = self.0.write().unwrap_or_else(PoisonError::into_inner);
                if new.key.cert != shown.key.cert {
                    tracing::info!(pin = %new.pin, "new certificate");
                }
                *shown = new;
            }
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::error!(error, "the new certificate is not used; the old one stays");
            }
        }
    }

    fn shown(&self) -> Shown {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.shown().key)
    }
}

impl Shown {
    fn open(source: &Source) -> Result<Self, IdentityError> {
        match source {
            Source::Memory => {
                let pair = KeyPair::generate()?;
                let key = PrivateKeyDer::try_from(pair.serialize_der()).map_err(|e| rustls::Error::General(e.to_owned()))?;
                Ok(Self::new(vec![certificate(&pair)?.der().clone()], key)?)
            }
            Source::Folder(folder) => Files::own(folder)?.read(),
            Source::Files { cert, key } => Files { cert: cert.clone(), key: key.clone() }.read(),
        }
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, rustls::Error> {
        let key = CertifiedKey::from_der(chain, key, &provider())?;
        Ok(Self { pin: pin_of(key.end_entity_cert()?)?, key: Arc::new(key), files: None })
    }
}

impl Files {
    /// The server's own, made if they are not there.
    fn own(folder: &Path) -> Result<Self, IdentityError> {
        let files = Self { cert: folder.join(CERT_FILE), key: folder.join(KEY_FILE) };
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| IdentityError::Io { path, source }
        };
        fs::create_dir_all(folder).map_err(failed(folder))?;
        let pair = match fs::read_to_string(&files.key) {
            Ok(text) => KeyPair::from_pem(&text).map_err(|_| IdentityError::Damaged(files.key.clone()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pair = KeyPair::generate()?;
                keep(&files.key, &pair.serialize_pem()).map_err(failed(&files.key))?;
                pair
            }
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Err(IdentityError::Damaged(files.key)),
            Err(error) => return Err(failed(&files.key)(error)),
        };
        keep_private(&files.key).map_err(failed(&files.key))?;
        // The key is what invites name; a certificate for it can be made again at any time.
        if files.read().is_err() {
            keep(&files.cert, &certificate(&pair)?.pem()).map_err(failed(&files.cert))?;
        }
        Ok(files)
    }

    fn read(&self) -> Result<Shown, IdentityError> {
        let broken = |path: &Path, what| {
            let path = path.to_owned();
            move |error| match error {
                pem::Error::Io(source) => IdentityError::Io { path, source },
                source => IdentityError::Pem { path, what, source },
            }
        };
        let chain = CertificateDer::pem_file_iter(&self.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.and_then(|chain| if chain.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(chain) });
        let chain = chain.map_err(broken(&self.cert, "certificate"))?;
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(broken(&self.key, "private key"))?;
        let unusable = |source| IdentityError::Unusable { cert: self.cert.clone(), key: self.key.clone(), source };
        Ok(Shown { files: Some(self.clone()), ..Shown::new(chain, key).map_err(unusable)? })
    }

    fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

/// A certificate that the server signs itself; whom it is for is told by the pin in invites, not by a name in it.
fn certificate(pair: &KeyPair) -> Result<rcgen::Certificate, rcgen::Error> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Parlor");
    params.self_signed(pair)
}

/// Writes a file that only its owner can read, whole or not at all.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{:016x}", rand::random::<u64>()));
    let written = create_private(&unfinished).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    let kept = written.and_then(|()| fs::rename(&unfinished, path));
    if kept.is_err() && unfinished.exists() {
        // What was wrong with the file is told; that the rest of it stays is the least of it.
        let _ = fs::remove_file(&unfinished);
    }
    kept
}

#[cfg(unix)]
fn create_private(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Elsewhere a new file has the permissions of its folder, which is inside the person's own.
#[cfg(not(unix))]
fn create_private(path: &Path) -> io::Result<fs::File> {
    fs::File::create_new(path)
}

#[cfg(unix)]
fn keep_private(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn keep_private(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_pair(folder: &Path, pair: &KeyPair) -> Source {
        let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&cert, certificate(pair).unwrap().pem()).unwrap();
        fs::write(&key, pair.serialize_pem()).unwrap();
        Source::Files { cert, key }
    }

    #[test]
    fn the_servers_own_key_outlives_it_and_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        let source = Source::Folder(data.clone());
        let first = Identity::open(&source).unwrap();
        assert_eq!(Identity::open(&source).unwrap().pin(), first.pin());
        // A lost or broken certificate is made anew for the same key.
        for damage in [None, Some(""), Some("nonsense")] {
            fs::remove_file(data.join(CERT_FILE)).unwrap();
            if let Some(text) = damage {
                fs::write(data.join(CERT_FILE), text).unwrap();
            }
            assert_eq!(Identity::open(&source).unwrap().pin(), first.pin());
        }
        let files: Vec<_> = fs::read_dir(&data).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(files.len(), 2, "{files:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(data.join(KEY_FILE), fs::Permissions::from_mode(0o644)).unwrap();
            Identity::open(&source).unwrap();
            assert_eq!(fs::metadata(data.join(KEY_FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // A damaged key is not replaced in silence.
        fs::write(data.join(KEY_FILE), "nonsense").unwrap();
        assert!(matches!(Identity::open(&source), Err(IdentityError::Damaged(_))));
        assert_ne!(Identity::open(&Source::Memory).unwrap().pin(), Identity::open(&Source::Memory).unwrap().pin());
    }

    #[test]
    fn what_cannot_be_used_is_said_and_what_is_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pair = KeyPair::generate().unwrap();
        let source = write_pair(folder.path(), &pair);
        let identity = Identity::open(&source).unwrap();
        let pin = identity.pin();
        let refused = || {
            identity.renew(&source);
            assert_eq!(identity.pin(), pin);
            Identity::open(&source).unwrap_err()
        };
        fs::write(folder.path().join("cert.pem"), certificate(&KeyPair::generate().unwrap()).unwrap().pem()).unwrap();
        assert!(matches!(refused(), IdentityError::Unusable { .. }), "the key is another one");
        fs::write(folder.path().join("cert.pem"), "").unwrap();
        assert!(matches!(refused(), IdentityError::Pem { what: "certificate", .. }));
        fs::remove_file(folder.path().join("cert.pem")).unwrap();
        assert!(matches!(refused(), IdentityError::Io { .. }));
        write_pair(folder.path(), &KeyPair::generate().unwrap());
        identity.renew(&source);
        assert_ne!(identity.pin(), pin);
        write_pair(folder.path(), &pair);
        identity.renew(&source);
        assert_eq!(identity.pin(), pin, "a renewed certificate for the same key has the same pin");
        identity.renew(&Source::Memory);
        assert_eq!(identity.pin(), pin, "no key is made for nothing");
    }

    #[tokio::test]
    async fn changed_files_are_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Arc::new(Identity::open(&write_pair(folder.path(), &KeyPair::generate().unwrap())).unwrap());
        let before = identity.pin();
        let look = Duration::from_millis(10);
        let watched = identity.clone();
        let watching = tokio::spawn(async move { watched.watch_every(look).await });
        tokio::time::sleep(look * 5).await;
        fs::write(folder.path().join("key.pem"), "half of a").unwrap();
        tokio::time::sleep(look * 20).await;
        assert_eq!(identity.pin(), before);
        // Files written within the clock tick of a file system differ in length.
        let pair = KeyPair::generate().unwrap();
        fs::write(folder.path().join("cert.pem"), format!("# renewed\n{}", certificate(&pair).unwrap().pem())).unwrap();
        fs::write(folder.path().join("key.pem"), format!("# renewed\n{}", pair.serialize_pem())).unwrap();
        for _ in 0..2000 {
            if identity.pin() != before {
                break;
            }
            tokio::time::sleep(look).await;
        }
        assert_ne!(identity.pin(), before);
        watching.abort();
    }
}
