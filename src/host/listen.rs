//! Listening sockets: bind them all, accept until told to stop, then drain.

use super::connection::{self, Shared};
use super::{DRAIN, Error};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// Connections of all kinds served at the same time; further ones are closed at once.
pub const MAX_CONNECTIONS: usize = 2000;
/// Pause after the system failed to accept (out of file descriptors, for one), so that this does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

pub(super) async fn bind(addrs: &[SocketAddr]) -> Result<Vec<(TcpListener, SocketAddr)>, Error> {
    let mut listeners = Vec::with_capacity(addrs.len());
    for &addr in addrs {
        let bound = TcpListener::bind(addr).await.and_then(|l| l.local_addr().map(|actual| (l, actual)));
        listeners.push(bound.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => Error::AddressTaken(addr),
            _ => Error::Bind { addr, source },
        })?);
    }
    Ok(listeners)
}

/// Serves until `stop` becomes true, or its sender is gone.
pub(super) async fn run(listeners: Vec<(TcpListener, SocketAddr)>, shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut accepting = JoinSet::new();
    for (listener, _) in listeners {
        accepting.spawn(accept(listener, shared.clone(), seats.clone(), stop.clone()));
    }
    let mut minding = JoinSet::new();
    let service = shared.service.clone();
    minding.spawn(async move { service.keep_expiring().await });
    let (service, door) = (shared.service.clone(), shared.door.clone());
    minding.spawn(async move { door.notices.tell(&service, door.open).await });
    // An error says that the host was dropped, which is a wish to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    shared.service.close();
    while accepting.join_next().await.is_some() {}
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, seats: Arc<Semaphore>, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match seats.clone().try_acquire_owned() {
                Ok(seat) => {
                    connections.spawn(held(seat, connection::serve(stream, peer, shared.clone(), stopped.clone())));
                }
                Err(_) => tracing::warn!(%peer, "refused: {MAX_CONNECTIONS} connections are open"),
            },
            Err(error) => {
                tracing::warn!(%error, "accepting failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let drained = tokio::time::timeout(DRAIN, async { while connections.join_next().await.is_some() {} }).await;
    if drained.is_err() {
        tracing::info!(left = connections.len(), "connections cut");
        connections.shutdown().await;
    }
}

async fn held(seat: OwnedSemaphorePermit, serve: impl Future<Output = ()>) {
    serve.await;
    drop(seat);
}
