//! Asking the person through the system's own dialog.

use crate::media::capture::source::{SourceError, SourceErrorKind};
use ashpd::desktop::screencast::{CursorMode, Screencast, SelectSourcesOptions, SourceType};
use ashpd::desktop::{PersistMode, ResponseError, Session as Portal};
use ashpd::{Error, zbus};
use std::os::fd::OwnedFd;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// How long the portal may take to say goodbye.
const GOODBYE: Duration = Duration::from_millis(300);

/// Where the pictures come.
pub(super) struct Remote {
    /// The way to PipeWire.
    pub(super) fd: OwnedFd,
    /// Which of its streams.
    pub(super) node: u32,
}

/// What the person allowed; dropping it takes that back, and with it the system's sign that the screen is seen.
pub(super) struct Session {
    portal: Option<Portal<Screencast>>,
    /// The connection to the portal lives here. Its own: one that is shared with others would die with the first of them.
    runtime: Option<Runtime>,
}

/// Asks. Blocks until the person has chosen.
pub(super) fn ask() -> Result<(Session, Remote), SourceError> {
    let runtime = Builder::new_multi_thread().worker_threads(1).thread_name("portal").enable_all().build()?;
    let (portal, remote) = runtime.block_on(choose()).map_err(failed)?;
    Ok((Session { portal: Some(portal), runtime: Some(runtime) }, remote))
}

async fn choose() -> Result<(Portal<Screencast>, Remote), Error> {
    let connection = zbus::Connection::session().await?;
    let screencast = Screencast::with_connection(connection).await?;
    let session = screencast.create_session(Default::default()).await?;
    // Not every desktop can do everything; asking for what it cannot is an error.
    let kinds = screencast.available_source_types().await.unwrap_or(SourceType::Monitor.into());
    let cursors = screencast.available_cursor_modes().await.unwrap_or_default();
    let mut wishes = SelectSourcesOptions::default()
        .set_sources(kinds & (SourceType::Monitor | SourceType::Window))
        .set_multiple(false)
        .set_persist_mode(PersistMode::DoNot);
    if cursors.contains(CursorMode::Embedded) {
        wishes = wishes.set_cursor_mode(CursorMode::Embedded);
    }
    screencast.select_sources(&session, wishes).await?.response()?;
    let chosen = screencast.start(&session, None, Default::default()).await?.response()?;
    let node = chosen.streams().first().map(|stream| stream.pipe_wire_node_id()).ok_or(Error::NoResponse)?;
    let fd = screencast.open_pipe_wire_remote(&session, Default::default()).await?;
    Ok((session, Remote { fd, node }))
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        if let Some(portal) = self.portal.take() {
            let closed = runtime.block_on(async { tokio::time::timeout(GOODBYE, portal.close()).await });
            if !matches!(closed, Ok(Ok(()))) {
                tracing::debug!(?closed, "the portal's session was over already");
            }
        }
        runtime.shutdown_timeout(GOODBYE);
    }
}

fn failed(error: Error) -> SourceError {
    let kind = match &error {
        Error::Response(ResponseError::Cancelled) => SourceErrorKind::Cancelled,
        Error::Portal(ashpd::PortalError::NotAllowed(_)) => SourceErrorKind::Denied,
        _ => SourceErrorKind::Other,
    };
    SourceError::new(kind, format!("the desktop portal: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn to_cancel_is_no_failure() {
        let kind = |error| failed(error).kind;
        assert_eq!(kind(Error::Response(ResponseError::Cancelled)), SourceErrorKind::Cancelled);
        assert_eq!(kind(Error::Response(ResponseError::Other)), SourceErrorKind::Other);
        assert_eq!(kind(Error::NoResponse), SourceErrorKind::Other);
    }
}
