//! The room service and the RTMP relay as one program. Thin: it reads flags, starts a `host`, says that it is ready, and waits for the wish to stop.

use anyhow::Context as _;
use parlor::base::log;
use parlor::host::config::flags::{self, Task};
use parlor::host::config::{Faults, Sources, check, print};
use parlor::host::{self, Config};
use parlor::server::keyring::Ring;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

/// Longest wait for each step of `--ping`.
const PING_PATIENCE: Duration = Duration::from_secs(2);
/// As much of the answer as is read.
const PING_BYTES: u64 = 256;

fn main() -> ExitCode {
    let (task, sources) = flags::read(&flags::command().get_matches(), |name| std::env::var(name).ok());
    let done = sources.load().map_err(faults).and_then(|config| match task {
        Task::Serve => serve(&sources, config),
        Task::Check => say_good(&sources, &config),
        Task::RotateKeys => rotate_keys(&config),
        Task::Ping => ping(&config),
        Task::Licences => Ok(std::io::stdout().write_all(parlor::LICENCES.as_bytes())?),
        Task::Print => Ok(std::io::stdout().write_all(print::toml(&config).as_bytes())?),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = format!("{error:#}");
            let mut out = std::io::stderr().lock();
            for line in text.lines() {
                let _ = writeln!(out, "parlor-server: {line}");
            }
            ExitCode::FAILURE
        }
    }
}

fn faults(faults: Faults) -> anyhow::Error {
    faults.into()
}

fn say_good(sources: &Sources, config: &Config) -> anyhow::Result<()> {
    check::files(config)?;
    let from = sources.file().map_or_else(|| "these settings".to_owned(), |file| file.display().to_string());
    Ok(writeln!(std::io::stdout(), "{from}: good")?)
}

fn rotate_keys(config: &Config) -> anyhow::Result<()> {
    let folder = config.data.as_deref().context("there is no folder for data (--data), so there are no keys to rotate")?;
    let now = parlor::base::Clock::system().now();
    let mut ring = Ring::load(folder, now)?;
    ring.rotate(now);
    ring.save(folder)?;
    Ok(writeln!(std::io::stdout(), "another key signs tokens; send SIGHUP to a running server")?)
}

/// For health checks where no other program is at hand: in a container.
fn ping(config: &Config) -> anyhow::Result<()> {
    let listen = config.listen.first().context("there is no address to listen at")?;
    let ip = match listen.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let to = SocketAddr::new(ip, listen.port());
    let answer = || {
        let mut stream = TcpStream::connect_timeout(&to, PING_PATIENCE)?;
        stream.set_read_timeout(Some(PING_PATIENCE))?;
        stream.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n").as_bytes())?;
        let mut line = String::new();
        BufReader::new(stream.take(PING_BYTES)).read_line(&mut line).map(|_| line)
    };
    let line = answer().with_context(|| format!("no server answers at {to}"))?;
    anyhow::ensure!(line.split(' ').nth(1) == Some("200"), "the server at {to} is not well: {}", line.trim_end());
    Ok(writeln!(std::io::stdout(), "{to}: well")?)
}

fn serve(sources: &Sources, config: Config) -> anyhow::Result<()> {
    log::start(config.log.format, &config.log.level);
    // As many connections as the system lets us have; the settings say how many are wanted.
    if let Err(error) = rlimit::increase_nofile_limit(u64::MAX) {
        tracing::warn!(%error, "the number of open files stays as it is");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("server").build()?;
    runtime.block_on(run(sources, config))
}

async fn run(sources: &Sources, config: Config) -> anyhow::Result<()> {
    // Before anything is said to be ready, so that no wish goes unheard.
    let mut wishes = Wishes::new()?;
    let (open, keeps) = (config.open, config.data.is_some());
    let host = host::start(config).await?;
    if open {
        tracing::warn!("open: anybody who reaches this server may publish and play any stream");
    }
    if !keeps {
        tracing::warn!("there is no folder for data that can be written into: sessions end with this program");
    }
    let info = host.info();
    let join = format!("{}#pin={}", info.invite_base, info.pin);
    tracing::info!(listen = %host.addr(), version = parlor::version(), join, "ready; `join` is the server's address for people");
    say_ready(info)?;
    tell_manager(Stage::Ready);
    while wishes.next().await == Wish::Reload {
        reload(sources, &host);
    }
    tell_manager(Stage::Stopping);
    tracing::info!("stopping; once more to stop at once");
    tokio::select! {
        () = host.stop() => {}
        () = async { while wishes.next().await == Wish::Reload {} } => tracing::warn!("stopped at once"),
    }
    Ok(())
}

/// What the service manager is told.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Ready,
    Stopping,
}

/// Tells the service manager, where one asked to be told (sd_notify(3)).
#[cfg(target_os = "linux")]
fn tell_manager(stage: Stage) {
    let state = match stage {
        Stage::Ready => sd_notify::NotifyState::Ready,
        Stage::Stopping => sd_notify::NotifyState::Stopping,
    };
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager was not told");
    }
}

#[cfg(not(target_os = "linux"))]
fn tell_manager(stage: Stage) {
    tracing::debug!(?stage, "there is no service manager to be told");
}

/// Reads the settings again; if they are bad, everything stays.
fn reload(sources: &Sources, host: &host::Host) {
    match sources.load().and_then(|config| check::files(&config).map(|()| config)) {
        Ok(config) => {
            log::set_filter(&config.log.level);
            let host::Changes { made, waiting } = host.reload(config);
            tracing::info!(changed = ?made, "settings read again");
            if !waiting.is_empty() {
                tracing::warn!(?waiting, "these settings change when the program starts anew");
            }
        }
        Err(faults) => {
            for fault in faults.0 {
                tracing::error!(%fault, "the settings are bad: the old ones stay");
            }
        }
    }
}

fn say_ready(info: &host::Info) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(info)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    // Whoever started us may not listen; the server serves all the same.
    if let Err(error) = out.write_all(&line).and_then(|()| out.flush()) {
        tracing::warn!(%error, "nobody reads the ready line");
    }
    Ok(())
}

/// What the system or a person asks of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Stop,
    Reload,
}

#[cfg(unix)]
struct Wishes {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Wishes {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }

    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::Stop,
            _ = self.interrupt.recv() => Wish::Stop,
            _ = self.hang_up.recv() => Wish::Reload,
        }
    }
}

#[cfg(not(unix))]
struct Wishes;

#[cfg(not(unix))]
impl Wishes {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Wish {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for Ctrl-C");
            std::future::pending::<()>().await;
        }
        Wish::Stop
    }
}
