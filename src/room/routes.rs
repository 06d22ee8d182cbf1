//! Several servers with the same rooms: the one that was asked for, and those that it names, for when it does not answer.

use super::route::Route;
use super::{Error, ErrorKind};
use crate::proto::Code;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Servers that one request is tried on: one after the other may be gone, and somebody waits.
const MOST_TRIED: usize = 4;
/// Servers that are remembered.
const MOST_KNOWN: usize = 32;

/// The servers.
#[derive(Debug)]
pub(super) struct Routes {
    home: Arc<Route>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    active: Arc<Route>,
    /// Addresses of others.
    others: Vec<String>,
}

impl Routes {
    pub fn new(home: Route) -> Self {
        let home = Arc::new(home);
        Self { now: Mutex::new(Now { active: home.clone(), others: Vec::new() }), home }
    }

    /// The server that was asked for.
    pub fn home(&self) -> &Route {
        &self.home
    }

    /// The server to ask now.
    pub fn active(&self) -> Arc<Route> {
        self.lock().active.clone()
    }

    /// Takes note of other servers. A server that knows none says nothing of those that were there.
    pub fn learn(&self, others: &[String]) {
        if !others.is_empty() {
            self.lock().others = others.iter().take(MOST_KNOWN).cloned().collect();
        }
    }

    /// After a request on `failed`, on which all of `tried` (with it) have failed: goes on with a server that has not, if there is one.
    pub fn go_on(&self, failed: &Arc<Route>, tried: &[String]) -> bool {
        let mut now = self.lock();
        if !Arc::ptr_eq(&now.active, failed) {
            // Another request has gone on already.
            return !tried.contains(&now.active.shown);
        }
        if tried.len() >= MOST_TRIED {
            return false;
        }
        let others: Vec<Route> = now.others.iter().filter_map(|other| Route::new(other, self.home.transport()).ok()).collect();
        let next = others.into_iter().map(Arc::new).chain([self.home.clone()]).find(|route| !tried.contains(&route.shown));
        let Some(next) = next else { return false };
        tracing::info!(from = failed.shown, to = next.shown, "going on with another server");
        now.active = next;
        true
    }

    /// Leaves all connections there are to themselves; the next request makes a new one.
    pub fn afresh(&self) {
        let mut now = self.lock();
        match now.active.afresh() {
            Ok(route) => now.active = Arc::new(route),
            Err(error) => tracing::warn!(%error, "going on with the old connections"),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether another server may do better.
pub(super) fn is_servers_fault(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Problem(Code::Stopping))
}

/// Whether the request was certainly not carried out, so that it may be asked again.
pub(super) fn was_unheard(error: &Error) -> bool {
    match error {
        Error::Unreachable { cause, .. } => cause.is_connect(),
        error => error.kind() == ErrorKind::Problem(Code::Stopping),
    }
}
