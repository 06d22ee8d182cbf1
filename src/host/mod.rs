//! A whole server in one value: binds the ports, tells RTMP from HTTP by the first byte, and joins `relay` (streams) with `server` (rooms).
//!
//! `parlor-server` and the app ("host on this computer") both run this. Start it inside a tokio runtime:
//!
//! ```
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let host = parlor::host::start(parlor::host::Config { listen: vec!["127.0.0.1:0".parse()?], ..Default::default() }).await?;
//! println!("{}", host.info().invite_base);
//! host.stop().await;
//! # Ok::<(), Box<dyn std::error::Error>>(()) })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cluster;
pub mod config;
mod connection;
mod entrance;
mod flv;
mod http;
mod keeper;
mod listen;
mod live;
mod metrics;
mod notices;
mod process;
mod pulls;
mod remote;
mod streams;
mod unread;
mod workers;

use crate::base::Pin;
use crate::proto::address::DEFAULT_PORT;
use crate::relay::Hub;
use crate::server::engine::Engine;
use crate::server::keyring::Ring;
use crate::server::store::{self, Memory, Store};
use crate::server::token::{KeyError, Keys};
use crate::server::{Access, MediaSide, Service};
use crate::wire::tls::identity::Source;
use crate::wire::tls::{Acceptor, Identity, IdentityError};
use cluster::{Cluster, Everywhere};
pub use config::Config;
use connection::Shared;
use entrance::Entrance;
use keeper::Keeper;
pub use live::Changes;
use live::Live;
use metrics::Metrics;
use remote::Remote;
use serde::Serialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use streams::{Door, Streams};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use workers::Workers;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No address to listen on.
    #[error("there is no address to listen on")]
    NoAddress,
    /// Another program listens there.
    #[error("{0} is taken: another program (perhaps another parlor-server) listens there; choose another port")]
    AddressTaken(SocketAddr),
    /// The system refuses the address.
    #[error("cannot listen on {addr}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// What is said about the engine makes no sense.
    #[error("{}", .0.join("; "))]
    Engine(Vec<String>),
    /// The system gives no threads.
    #[error("no threads to serve connections with")]
    Threads(#[source] std::io::Error),
    /// The key in the data folder cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The Redis that several servers share does not answer.
    #[error("the store of rooms that `redis` names cannot be used")]
    Store(#[from] store::Error),
    /// There is no certificate to show.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The cryptography cannot be used.
    #[error("TLS cannot be used")]
    Tls(#[from] rustls::Error),
}

/// Where a running server can be reached; `parlor-server` prints it as one line of JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Info {
    /// Always true.
    pub ready: bool,
    /// The first address listened on.
    pub listen: SocketAddr,
    /// Base of the HTTP API in plain text: for this computer, for others with the setting `plain`.
    pub http: String,
    /// Base of the HTTP API.
    pub https: String,
    /// Base of stream URLs in plain text.
    pub rtmp: String,
    /// Base of stream URLs.
    pub rtmps: String,
    /// Base of invites: append `/ROOM`, and `#pin=` with the pin.
    pub invite_base: String,
    /// Fingerprint of the server's key.
    pub pin: String,
}

/// A running server. Dropping it stops it without waiting.
pub struct Host {
    info: Info,
    addrs: Vec<SocketAddr>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("addrs", &self.addrs).finish_non_exhaustive()
    }
}

impl Host {
    /// Where it can be reached.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// The first address listened on, with the actual port.
    pub fn addr(&self) -> SocketAddr {
        self.info.listen
    }

    /// All addresses listened on.
    pub fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    /// Takes other settings while everything goes on; those that need a new start stay as they are. The certificate's files are read again;
    /// if they cannot be used, this is logged and the one in use stays.
    pub fn reload(&self, config: Config) -> Changes {
        let changes = self.shared.live.set(config);
        let config = self.shared.live.get();
        self.shared.identity.renew(&identity_source(&config));
        self.shared.service.set_limits(config.limits);
        self.shared.service.set_access(access(&config));
        self.shared.hub.limit_streams(config.media.streams);
        if let Err(error) = self.shared.keeper.reload() {
            tracing::error!(error = &error as &dyn std::error::Error, "the keys behind tokens stay as they are");
        }
        changes
    }

    /// Stops accepting, lets streams go on for [`Config::drain_s`] and connections say good-bye, and returns when nothing runs any more.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the server ended badly");
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

/// Starts a server on the current tokio runtime; it accepts when this returns.
///
/// # Errors
/// When an address cannot be listened on or the key cannot be read or made.
pub async fn start(config: Config) -> Result<Host, Error> {
    let keys = match (&config.data, &config.redis) {
        (Some(folder), _) => Keys::load(folder)?,
        // The other servers, and their Redis, keep them.
        (None, Some(_)) => Keys::new(Ring::random(config.clock.now())),
        (None, None) => Keys::random(),
    };
    let identity = Arc::new(Identity::open(&identity_source(&config))?);
    let tls = Acceptor::new(identity.clone())?;
    let live = Live::new(config.clone());
    let listeners = listen::bind(&config.listen).await?;
    let addrs: Vec<SocketAddr> = listeners.iter().map(|(_, addr)| *addr).collect();
    let info = info(*addrs.first().ok_or(Error::NoAddress)?, config.public.as_deref(), identity.pin());
    let hub = Hub::new(config.clock.clone());
    hub.limit_streams(config.media.streams);
    let workers = Workers::start().map_err(Error::Threads)?;
    let cluster = Cluster::join(&config, &info, &keys, &hub).await?;
    let store: Arc<dyn Store> = match &cluster {
        Some(cluster) => cluster.redis.clone(),
        None => Arc::new(Memory::new(config.clock.clone())),
    };
    let media: Arc<dyn MediaSide> = match (Engine::new(&config.engine).map_err(Error::Engine)?, &cluster) {
        (Some(engine), _) => Arc::new(Remote::new(engine, config.clock.clone())?),
        (None, Some(cluster)) => Arc::new(Everywhere { here: Streams(hub.clone()), cluster: cluster.clone() }),
        (None, None) => Arc::new(Streams(hub.clone())),
    };
    let access = access(&config);
    let keeper = Keeper { keys: keys.clone(), folder: config.data, clock: config.clock.clone(), live: live.clone() };
    keeper.settle()?;
    let service = Service::new(config.limits, keys, config.clock, store, media);
    service.set_access(access);
    let door = Arc::new(Door { service: service.clone(), live: live.clone(), notices: Arc::default() });
    let router = crate::server::router(service.clone());
    let entrance = Arc::new(Entrance::default());
    let metrics = Arc::new(Metrics::new(hub.clone(), entrance.clone()));
    let timeouts = connection::Timeouts::default();
    let shared =
        Arc::new(Shared { live, entrance, metrics, service, router, hub, door, cluster, keeper, identity, tls, timeouts });
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(listen::run(listeners, workers, shared.clone(), stopped));
    Ok(Host { info, addrs, stop, task: Some(task), shared })
}

fn access(config: &Config) -> Access {
    Access { access_key: config.access_key.clone(), admin_key: config.admin_key.clone() }
}

fn identity_source(config: &Config) -> Source {
    match (&config.tls.cert, &config.tls.key, &config.data) {
        (Some(cert), Some(key), _) => Source::Files { cert: cert.clone(), key: key.clone() },
        (_, _, Some(folder)) => Source::Folder(folder.clone()),
        (_, _, None) => Source::Memory,
    }
}

/// Where a server with the key `pin` that listens on `listen`, and is known to people as `public`, can be reached.
pub fn info(listen: SocketAddr, public: Option<&str>, pin: Pin) -> Info {
    let shown = match public {
        // Brackets tell the colons of an IPv6 address from the one before a port.
        Some(public) if public.rsplit(']').next().is_some_and(|rest| rest.contains(':')) => public.to_owned(),
        Some(public) => format!("{public}:{DEFAULT_PORT}"),
        None => reached(listen),
    };
    Info {
        ready: true,
        listen,
        http: format!("http://{shown}"),
        https: format!("https://{shown}"),
        rtmp: format!("rtmp://{shown}/live"),
        rtmps: format!("rtmps://{shown}/live"),
        invite_base: format!("parlor://{shown}"),
        pin: pin.to_string(),
    }
}

/// `host:port` under which others may reach a server that listens on `listen`.
fn reached(listen: SocketAddr) -> String {
    SocketAddr::new(reachable(listen.ip()), listen.port()).to_string()
}

/// An address under which others may reach one that listens on `ip`: the same, or, for "all addresses", that of the way out.
fn reachable(ip: IpAddr) -> IpAddr {
    if !ip.is_unspecified() {
        return ip;
    }
    // Connecting a datagram socket sends nothing; it only makes the system choose a way out (here to a documentation address).
    let way_out = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).and_then(|()| socket.local_addr()));
    way_out.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |addr| addr.ip())
}
