//! The room service and the RTMP relay as one program. Thin: it reads flags, starts a `host`, says that it is ready, and waits for the wish to stop.

use parlor::base::log;
use parlor::host::config::flags::{self, Task};
use parlor::host::config::{Faults, Sources, check, print};
use parlor::host::{self, Config};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (task, sources) = flags::read(&flags::command().get_matches(), |name| std::env::var(name).ok());
    let done = sources.load().map_err(faults).and_then(|config| match task {
        Task::Serve => serve(config),
        Task::Check => say_good(&sources, &config),
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

fn serve(config: Config) -> anyhow::Result<()> {
    log::start(config.log.format, &config.log.level);
    if config.data.is_none() {
        tracing::warn!("there is no folder for data that can be written into: sessions end with this program");
    }
    run(config)
}

fn run(config: Config) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("server").build()?;
    runtime.block_on(async {
        // Before anything is said to be ready, so that no wish to stop goes unheard.
        let stop = stop_wish()?;
        let open = config.open;
        let host = host::start(config).await?;
        if open {
            tracing::warn!("open: anybody who reaches this server may publish and play any stream");
        }
        tracing::info!(listen = %host.addr(), "ready");
        say_ready(host.info())?;
        stop.await;
        tracing::info!("stopping");
        host.stop().await;
        Ok(())
    })
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

/// Ends when the system or a person asks to stop.
#[cfg(unix)]
fn stop_wish() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Ends when a person asks to stop.
#[cfg(not(unix))]
fn stop_wish() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "cannot listen for Ctrl-C");
            std::future::pending::<()>().await;
        }
    })
}
