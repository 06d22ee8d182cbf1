//! A server on a free port, people who go there, streams, and certificates.

use parlor::base::Pin;
use parlor::host::{self, Config, Host};
use parlor::room::Client;
use parlor::wire::link::{Options, Publication, State};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Longer than anything takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// A server with a key of its own.
pub struct Server {
    pub host: Host,
    pub runtime: Runtime,
}

impl Server {
    pub fn new() -> Self {
        Self::with(Config::default())
    }

    pub fn with(config: Config) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let host = runtime.block_on(host::start(Config { listen: vec!["127.0.0.1:0".parse().unwrap()], ..config })).unwrap();
        Self { host, runtime }
    }

    pub fn address(&self) -> SocketAddr {
        self.host.addr()
    }

    pub fn pin(&self) -> Pin {
        self.host.info().pin.parse().unwrap()
    }

    /// Somebody who comes by `address` and wants this server's key there.
    pub fn client_by(&self, address: SocketAddr) -> Client {
        Client::new(&format!("{address}#pin={}", self.pin())).unwrap()
    }

    /// A stream pushed by `address`; the server is an open one.
    pub fn publish_by(&self, address: SocketAddr, pin: Pin) -> Publication {
        let url = format!("rtmps://{address}/live/stream#pin={pin}");
        Publication::start(self.runtime.handle(), &url, Options::default())
    }
}

/// Everybody may publish.
pub fn open() -> Config {
    Config { open: true, ..Config::default() }
}

/// A key that is nobody's.
pub fn wrong_pin() -> Pin {
    Pin([7; 32])
}

/// Polls until `condition` holds.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Why a link ended.
pub fn end_of(publication: &Publication) -> parlor::wire::link::Error {
    wait_until("the link ends", || publication.state().error().is_some());
    match publication.state() {
        State::Closed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// An operator's certificate for this computer, signed by an authority of its own; returns the authority's file.
pub fn write_certificate(folder: &Path) -> std::path::PathBuf {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    let (authority_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let file = folder.join("authority.pem");
    std::fs::write(&file, authority.pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), format!("# {}\n{}", rand::random::<u64>(), certificate.pem())).unwrap();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    file
}

/// Settings for the files that [`write_certificate`] writes.
pub fn with_files(folder: &Path) -> Config {
    let tls = host::config::Tls { cert: Some(folder.join("cert.pem")), key: Some(folder.join("key.pem")) };
    Config { tls, ..Config::default() }
}
