//! The room service and the RTMP relay as one program. Thin: it reads flags, starts a `host`, says that it is ready, and waits for the wish to stop.

use anyhow::Context as _;
use parlor::base::log;
use parlor::host::config::flags::{self, Task};
use parlor::host::config::{Faults, Sources, check, print};
use parlor::host::{self, Config};
use parlor::server::keyring::Ring;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (task, sources) = flags::read(&flags::command().get_matches(), |name| std::env::var(name).ok());
    let done = sources.load().map_err(faults).and_then(|config| match task {
        Task::Serve => serve(&sources, config),
        Task::Check => say_good(&sources, &config),
        Task::RotateKeys => rotate_keys(&config),
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
    while wishes.next().await == Wish::Reload {
        reload(sources, &host);
    }
    tracing::info!("stopping; once more to stop at once");
    tokio::select! {
        () = host.stop() => {}
        () = async { while wishes.next().await == Wish::Reload {} } => tracing::warn!("stopped at once"),
    }
    Ok(())
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
