//! TLS 1.3 and nothing older, with a fresh X25519 key pair on both sides of every connection.
//!
//! No session is ever resumed and no data is sent early: each connection shows the server's certificate and proves, by a signature over this
//! very handshake, that the server has its key. Which certificates a client believes is told in [`client`].

pub mod client;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod server;
mod stream;

use std::sync::{Arc, LazyLock};

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};

use crate::base::Pin;

pub use client::Untrusted;
#[cfg(feature = "server")]
pub use identity::{Identity, IdentityError};
#[cfg(feature = "server")]
pub use server::Acceptor;
pub use stream::TlsStream;

/// The cryptography of all our connections, handed to every one of them: nothing depends on what else the process has installed.
fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
        let aes_first = [
            ring::cipher_suite::TLS13_AES_128_GCM_SHA256,
            ring::cipher_suite::TLS13_AES_256_GCM_SHA384,
            ring::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ];
        let groups = vec![ring::kx_group::X25519];
        Arc::new(CryptoProvider { cipher_suites: aes_first.to_vec(), kx_groups: groups, ..ring::default_provider() })
    });
    PROVIDER.clone()
}

/// The pin of a certificate's key.
///
/// # Errors
/// When it is no certificate.
pub fn pin_of(certificate: &CertificateDer<'_>) -> Result<Pin, rustls::Error> {
    let key = ParsedCertificate::try_from(certificate)?.subject_public_key_info();
    Ok(Pin(Sha256::digest(key.as_ref()).into()))
}
