//! Listening sockets: bind them all, accept until told to stop, then drain.

use super::Error;
use super::connection::{self, Shared};
use super::entrance::Guest;
use super::metrics::Metrics;
use super::workers::{Place, Workers};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Connections that the system holds until they are accepted, if it holds that many: everybody comes back at once after a restart, and whoever
/// finds no place waits a second.
const BACKLOG: u32 = 4096;
/// Pause after the system failed to accept (out of file descriptors, for one), so that this does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// How often is looked whether the last stream has ended.
const DRAIN_LOOK: Duration = Duration::from_millis(50);
/// How long connections may take to end when nothing may go on any more.
const GOOD_BYE: Duration = Duration::from_secs(1);

pub(super) async fn bind(addrs: &[SocketAddr]) -> Result<Vec<(TcpListener, SocketAddr)>, Error> {
    let mut listeners = Vec::with_capacity(addrs.len());
    for &addr in addrs {
        let bound = listen(addr).and_then(|l| l.local_addr().map(|actual| (l, actual)));
        listeners.push(bound.map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => Error::AddressTaken(addr),
            _ => Error::Bind { addr, source },
        })?);
    }
    Ok(listeners)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // Elsewhere the same would let two programs share the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// How a connection hears that it has to end.
#[derive(Clone)]
pub(super) struct Stop {
    /// Somebody wishes the server to stop: begin nothing new.
    pub asked: watch::Receiver<bool>,
    /// Streams have gone on for long enough, too.
    pub drained: watch::Receiver<bool>,
}

/// Serves until `stop` becomes true, or its sender is gone; then lets streams go on for a while, and all connections say good-bye.
pub(super) async fn run(
    listeners: Vec<(TcpListener, SocketAddr)>,
    workers: Workers,
    shared: Arc<Shared>,
    mut stop: watch::Receiver<bool>,
) {
    let workers = Arc::new(workers);
    let drained = watch::Sender::new(false);
    let stopped = Stop { asked: stop.clone(), drained: drained.subscribe() };
    let mut accepting = JoinSet::new();
    for (listener, _) in listeners {
        accepting.spawn(accept(listener, workers.clone(), shared.clone(), stopped.clone()));
    }
    let mut minding = JoinSet::new();
    minding.spawn(shared.identity.clone().watch());
    let keeping = shared.clone();
    minding.spawn(async move { keeping.keeper.keep().await });
    let service = shared.service.clone();
    minding.spawn(async move { service.keep_expiring().await });
    let service = shared.service.clone();
    minding.spawn(async move { service.keep_listening().await });
    let cluster = shared.clone();
    minding.spawn(async move {
        if let Some(joined) = &cluster.cluster {
            joined.keep(&cluster.service).await;
        }
    });
    let teller = shared.clone();
    minding.spawn(async move { teller.door.notices.tell(&teller.service, &teller.door.live, teller.cluster.as_ref()).await });
    // An error says that the host was dropped, which is a wish to stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
    shared.service.close();
    let patience = Duration::from_secs(shared.live.get().drain_s);
    if let Some(cluster) = &shared.cluster {
        cluster.leave().await;
    }
    // In time or not: what goes on after this is cut.
    let _ = tokio::time::timeout(patience, streams_gone(&shared.metrics)).await;
    drained.send_replace(true);
    all_gone(&mut accepting).await;
}

async fn streams_gone(metrics: &Metrics) {
    while metrics.streams_open() {
        tokio::time::sleep(DRAIN_LOOK).await;
    }
}

async fn all_gone(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Serves a connection on the thread that runs this.
async fn placed(place: Place, served: impl Future<Output = ()>) {
    served.await;
    drop(place);
}

async fn serve(stream: TcpStream, peer: SocketAddr, guest: Guest, shared: Arc<Shared>, stop: Stop) {
    // It belonged to the event loop that accepted it.
    match stream.into_std().and_then(TcpStream::from_std) {
        Ok(stream) => connection::serve(stream, peer, guest, shared, stop).await,
        Err(error) => tracing::warn!(%peer, %error, "an accepted connection cannot be served"),
    }
}

/// Accepts until told to stop, then waits until its connections are gone, or have had time to say good-bye after their streams had to end.
async fn accept(listener: TcpListener, workers: Arc<Workers>, shared: Arc<Shared>, mut stop: Stop) {
    let mut connections = JoinSet::new();
    let stopped = stop.clone();
    loop {
        let accepted = tokio::select! {
            _ = stop.asked.wait_for(|stop| *stop) => break,
            Some(_) = connections.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match shared.entrance.admit(peer.ip(), &shared.live.get().door) {
                Ok(guest) => {
                    let (worker, place) = workers.next();
                    let served = serve(stream, peer, guest, shared.clone(), stopped.clone());
                    connections.spawn_on(placed(place, served), worker);
                }
                Err(turned) => {
                    shared.metrics.refused(turned.into());
                    tracing::warn!(%peer, ?turned, "refused: too many connections");
                }
            },
            Err(error) => {
                tracing::warn!(%error, "accepting failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tokio::select! {
        () = all_gone(&mut connections) => return,
        _ = stop.drained.wait_for(|drained| *drained) => {}
    }
    if tokio::time::timeout(GOOD_BYE, all_gone(&mut connections)).await.is_err() {
        tracing::info!(left = connections.len(), "connections cut");
        connections.shutdown().await;
    }
}
