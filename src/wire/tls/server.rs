//! The server's side of TLS.
//!
//! No session tickets are given out. Resuming would not be unsafe (TLS 1.3 mixes a fresh key share into a resumed session as well), but it
//! would save only the signature, some 30 microseconds, and cost two more messages on every connection and state that must be kept; and every
//! connection would no longer prove anew that the server has the key of the invite.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::identity::Identity;
use super::{TlsStream, provider};

/// Makes encrypted connections out of plain ones. Clones share the identity.
#[derive(Clone)]
pub struct Acceptor(TlsAcceptor);

impl Acceptor {
    /// Shows `identity` to all who come.
    ///
    /// # Errors
    /// When the cryptography at hand is unusable, which the tests exclude.
    pub fn new(identity: Arc<Identity>) -> Result<Self, rustls::Error> {
        let builder = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&TLS13])?;
        let mut config = builder.with_no_client_auth().with_cert_resolver(identity);
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.max_early_data_size = 0;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The server's part of the handshake. How long it may take is the caller's to say.
    ///
    /// # Errors
    /// When the other side breaks off, breaks the rules, or does not know TLS 1.3 with X25519.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream> {
        Ok(TlsStream::new(self.0.accept(stream).await?))
    }
}

impl std::fmt::Debug for Acceptor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Acceptor(..)")
    }
}
