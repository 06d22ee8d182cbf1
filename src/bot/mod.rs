//! `parlor-bot`: a member without a window. It publishes a pattern, a file or a device, plays everyone else, and reports what it saw and
//! heard: test partner, load generator and referee of every end-to-end test.
//!
//! It knows `call` and what a call is made of; it measures nothing itself that the pipeline does not measure anyway.

mod args;
mod report;
mod timeline;
mod watch;

pub use args::Args;
pub use report::{Message, PeerReport, Report, SelfReport};
pub use timeline::Point;

use crate::call::{Call, Command, Ended, Phase};
use crate::room;
use std::time::Duration;
use watch::Watch;

/// How often the call is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What can end a bot's run before its time, or make its result a failure.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments contradict each other.
    #[error("{0}")]
    Usage(String),
    /// The call could not be started, or broke for good.
    #[error("the call failed: {0}")]
    Call(room::Error),
    /// The call ended for another reason before its time.
    #[error("the call ended early: {0}")]
    Early(String),
    /// Fewer others than expected.
    #[error("{0}")]
    Expectation(String),
}

/// Runs a bot to its end, or until `stop` is ready. The report comes with a failure too, when there was a call at all.
pub async fn run(args: Args, stop: impl Future<Output = ()>) -> (Option<Report>, Result<(), Failure>) {
    let config = match args.config(tokio::runtime::Handle::current()) {
        Ok(config) => config,
        Err(sentence) => return (None, Err(Failure::Usage(sentence))),
    };
    let clock = config.clock.clone();
    let end = clock.now() + Duration::from_secs_f64(args.seconds);
    let mut watch = Watch::new(config.name.clone(), clock.clone(), args.timeline);
    // Starting and leaving may wait for a moment (threads are joined): not on this runtime's threads.
    let call = match tokio::task::spawn_blocking(move || Call::start(config)).await {
        Ok(call) => call,
        Err(error) => return (None, Err(Failure::Early(error.to_string()))),
    };
    tokio::pin!(stop);
    let mut say = args.say.clone();
    let mut early = None;
    let mut to_print = args.sealed;
    while clock.now() < end {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = &mut stop => break,
        }
        let snapshot = call.snapshot();
        watch.look(&snapshot, call.events());
        if to_print && let Some(room) = &snapshot.room {
            to_print = false;
            eprintln!("invite: {}", room.invite);
        }
        if matches!(snapshot.phase, Phase::InCall)
            && snapshot.peers.len() >= args.expect.max(1)
            && let Some(text) = say.take()
        {
            call.send(Command::SendText(text));
        }
        early = match &snapshot.phase {
            Phase::Ended(Ended::Failed(error)) => Some(Failure::Call(error.clone())),
            // Whoever made the room went home: an end like any other.
            Phase::Ended(Ended::Dissolved(_)) => break,
            Phase::Ended(ended) => Some(Failure::Early(format!("{ended:?}"))),
            _ => None,
        };
        if early.is_some() {
            break;
        }
    }
    // Joins threads: not on this runtime's threads.
    if tokio::task::spawn_blocking(move || call.leave()).await.is_err() {
        tracing::error!("leaving failed");
    }
    let report = watch.report();
    let verdict = match early {
        Some(failure) => Err(failure),
        None => report.meets(args.expect),
    };
    (Some(report), verdict)
}

/// Ready when the process is asked to end (Ctrl-C; on Unix also SIGTERM): the bot then leaves properly and reports.
pub async fn asked_to_stop() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}
