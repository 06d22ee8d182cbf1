//! The room service and the RTMP relay as one program. Thin: it reads flags, starts a `host`, says that it is ready, and waits for the wish to stop.

use clap::Parser;
use parlor::base::log;
use parlor::host::{self, Config};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// Rooms and streams for Parlor, on one port. Prints one line of JSON when it is ready; logs go to standard error (PARLOR_LOG=debug for more).
#[derive(Debug, Parser)]
#[command(version = parlor::version())]
struct Args {
    /// Address and port to listen on; may be repeated; port 0 picks a free port [default: 0.0.0.0:1935]
    #[arg(long, value_name = "ADDR:PORT", env = "PARLOR_LISTEN", value_delimiter = ',')]
    listen: Vec<SocketAddr>,
    /// Folder for the key that signs tokens, so that people stay signed in when the server restarts
    #[arg(long, value_name = "DIR", env = "PARLOR_DATA")]
    data: Option<PathBuf>,
    /// Let anybody publish and play any stream without a token, at rtmp://host:port/live/NAME (trusted networks only)
    #[arg(long, env = "PARLOR_OPEN", value_parser = clap::builder::FalseyValueParser::new(), default_value_t = false)]
    open: bool,
}

impl From<Args> for Config {
    fn from(args: Args) -> Self {
        let mut config = Self { data: args.data, open: args.open, ..Self::default() };
        if !args.listen.is_empty() {
            config.listen = args.listen;
        }
        config
    }
}

fn main() -> ExitCode {
    let args = Args::parse();
    log::init(log::Format::Pretty);
    match run(args.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "parlor-server: {error:#}");
            ExitCode::FAILURE
        }
    }
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
