//! One window: a second start, and a link that the system opens, go to the window that is there.
//!
//! The first program listens at a place of its own settings file; a later one says there what it was started for, and ends.

use super::cli::Args;
use super::prejoin::preview::Wake;
use crate::base::Queue;
use interprocess::local_socket::tokio::{Listener, Stream, prelude::*};
use interprocess::local_socket::{ListenerOptions, Name};
use serde::{Deserialize, Serialize};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// How long the window that is there may take to answer: it is the same computer.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longest message: a link and what is around it.
const MAX_BYTES: u64 = 8192;
/// Messages that wait for the window; a person opens no more links than that.
const WAITING: usize = 8;
/// What the window says when it has understood.
const UNDERSTOOD: &[u8] = b"ok\n";

/// What a later start was for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Message {
    /// A link to open; none: the window itself is wanted.
    pub link: Option<String>,
}

/// What came of looking for a window that is there.
#[derive(Debug)]
pub enum Claim {
    /// There is none: this is the one. Nothing is heard if that cannot be (the reason is in the log).
    First(Option<Listener>),
    /// It was told.
    Told,
}

/// Looks for the window with the settings at `config`, and tells it what `args` ask for. A start that asks for more than a link is a window
/// of its own.
pub async fn claim(config: Option<&Path>, args: &Args) -> Claim {
    let Some(config) = config else { return Claim::First(None) };
    let place = match place(config) {
        Ok(place) => place,
        Err(error) => {
            tracing::warn!(%error, "no place to listen for later starts");
            return Claim::First(None);
        }
    };
    if let Some(link) = args.only_link() {
        let message = Message { link: link.map(|link| link.to_string()) };
        match timeout(PATIENCE, tell(place.clone(), &message)).await {
            Ok(Ok(())) => return Claim::Told,
            Ok(Err(error)) => tracing::debug!(%error, "no window is there"),
            Err(_) => tracing::warn!("the window that is there does not answer"),
        }
    } else if timeout(PATIENCE, Stream::connect(place.clone())).await.is_ok_and(|connected| connected.is_ok()) {
        // The place is taken by a window that goes on listening.
        return Claim::First(None);
    }
    let listener = ListenerOptions::new().name(place).try_overwrite(true).create_tokio();
    Claim::First(listener.map_err(|error| tracing::warn!(%error, "later starts will not be heard")).ok())
}

/// Hears later starts until dropped.
#[derive(Debug)]
pub struct Ear {
    heard: Queue<Message>,
    task: Option<JoinHandle<()>>,
}

impl Ear {
    /// Listens at what was claimed.
    pub fn listen(listener: Option<Listener>, runtime: &Handle, wake: Wake) -> Self {
        let heard = Queue::bounded(WAITING);
        let put = heard.clone();
        let task = listener.map(|listener| {
            runtime.spawn(async move {
                loop {
                    match listener.accept().await {
                        Ok(stream) => match timeout(PATIENCE, hear(stream)).await {
                            Ok(Ok(message)) => {
                                put.push(message);
                                wake();
                            }
                            Ok(Err(error)) => tracing::debug!(%error, "a later start said nothing"),
                            Err(_) => tracing::debug!("a later start took too long"),
                        },
                        Err(error) => {
                            tracing::warn!(%error, "later starts are not heard any more");
                            return;
                        }
                    }
                }
            })
        });
        Self { heard, task }
    }

    /// What the next later start was for.
    pub fn take(&self) -> Option<Message> {
        self.heard.pop()
    }
}

impl Drop for Ear {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

async fn tell(place: Name<'static>, message: &Message) -> io::Result<()> {
    let stream = Stream::connect(place).await?;
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    (&stream).write_all(&line).await?;
    let mut answer = [0; UNDERSTOOD.len()];
    (&stream).read_exact(&mut answer).await?;
    if answer == UNDERSTOOD { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

async fn hear(stream: Stream) -> io::Result<Message> {
    let mut line = Vec::new();
    BufReader::new((&stream).take(MAX_BYTES)).read_until(b'\n', &mut line).await?;
    let message = serde_json::from_slice(&line)?;
    (&stream).write_all(UNDERSTOOD).await?;
    Ok(message)
}

/// A number for the settings file, so that programs with other settings are windows of their own.
fn number(config: &Path) -> u64 {
    let mut hasher = DefaultHasher::new();
    std::path::absolute(config).unwrap_or_else(|_| config.to_owned()).hash(&mut hasher);
    hasher.finish()
}

/// A socket in a folder of the user's own.
#[cfg(unix)]
fn place(config: &Path) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericFilePath, ToFsName};
    socket(config)?.to_fs_name::<GenericFilePath>()
}

#[cfg(unix)]
fn socket(config: &Path) -> io::Result<std::path::PathBuf> {
    let name = format!("parlor-{:016x}.sock", number(config));
    let folder = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from).filter(|folder| folder.is_dir());
    let folder = match folder.or_else(|| config.parent().map(Path::to_owned)) {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => std::env::current_dir()?,
    };
    std::fs::create_dir_all(&folder)?;
    Ok(folder.join(name))
}

/// A pipe of the user's own.
#[cfg(windows)]
fn place(config: &Path) -> io::Result<Name<'static>> {
    use interprocess::local_socket::{GenericNamespaced, ToNsName};
    format!("parlor-{:016x}", number(config)).to_ns_name::<GenericNamespaced>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;
    use std::sync::Arc;

    fn args(line: &str) -> Args {
        Args::parse_from(std::iter::once("parlor").chain(line.split_whitespace()))
    }

    #[tokio::test]
    async fn a_later_start_tells_the_first_one_and_ends() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("parlor.json");
        let Claim::First(Some(listener)) = claim(Some(&config), &args("")).await else { panic!("nobody else is there") };
        let ear = Ear::listen(Some(listener), &Handle::current(), Arc::new(|| {}));
        for (line, link) in [("", None), ("parlor://host:1/Room", Some("parlor://host:1/Room"))] {
            assert!(matches!(claim(Some(&config), &args(line)).await, Claim::Told), "{line}");
            assert_eq!(ear.take(), Some(Message { link: link.map(str::to_owned) }));
        }
        // Whoever asks for more, or has other settings, is a window of its own.
        assert!(matches!(claim(Some(&config), &args("--create Room")).await, Claim::First(None)));
        let other = folder.path().join("other.json");
        assert!(matches!(claim(Some(&other), &args("")).await, Claim::First(Some(_))));
        assert_eq!(ear.take(), None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_a_crash_left_is_no_obstacle_and_nonsense_is_no_message() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("parlor.json");
        drop(std::os::unix::net::UnixListener::bind(socket(&config).unwrap()).unwrap());
        assert!(socket(&config).unwrap().exists());
        let Claim::First(Some(listener)) = claim(Some(&config), &args("")).await else { panic!("nobody is there") };
        let ear = Ear::listen(Some(listener), &Handle::current(), Arc::new(|| {}));
        let stream = Stream::connect(place(&config).unwrap()).await.unwrap();
        (&stream).write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut rest = Vec::new();
        // How the connection ends is no matter.
        let _ = (&stream).read_to_end(&mut rest).await;
        assert_eq!((rest.len(), ear.take()), (0, None));
    }
}
