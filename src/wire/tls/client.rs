//! Which servers a client believes: the one with the pinned key, or one whose certificate an authority of this computer's system has signed
//! for the name asked for. Anything else is refused before a byte of ours is sent; there is no trust on first use.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, PeerIncompatible, SignatureScheme};
use tokio::net::{TcpStream, ToSocketAddrs};
use tokio_rustls::TlsConnector;

use super::{TlsStream, pin_of, provider};
use crate::base::Pin;

/// Why a server is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untrusted {
    /// Whether a pin was given (and this is another key).
    pub pinned: bool,
    /// What is wrong with the certificate in the eyes of this computer's system.
    pub detail: String,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.pinned {
            "the server's certificate is neither the one in your invite nor signed by an authority that this computer trusts"
        } else {
            "the server's certificate is not signed by an authority that this computer trusts, and there is no invite that vouches for it"
        })?;
        write!(f, " ({})", self.detail)
    }
}

impl StdError for Untrusted {}

impl Untrusted {
    /// The refusal among the causes of `error`, however it is wrapped.
    pub fn among<'e>(error: &'e (dyn StdError + 'static)) -> Option<&'e Self> {
        match causes(error).find_map(|cause| cause.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(why)))) => why.downcast_ref(),
            _ => None,
        }
    }
}

/// Whether something among the causes of `error` says that the other side does not speak TLS 1.3 at all.
pub fn is_foreign(error: &(dyn StdError + 'static)) -> bool {
    use rustls::Error as E;
    causes(error).any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(E::InvalidMessage(_) | E::PeerIncompatible(_) | E::InappropriateMessage { .. } | E::AlertReceived(_))
        )
    })
}

/// An error and its causes. What an [`io::Error`] wraps is not among its sources, only what comes after: it is looked into.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
        Some(error)
    })
}

/// How a client speaks TLS to the server with the key `pin`, or to one with a signed certificate.
///
/// # Errors
/// When the cryptography at hand is unusable, which the tests exclude.
pub fn config(pin: Option<Pin>) -> Result<ClientConfig, rustls::Error> {
    let provider = provider();
    let verifier = Verifier { trust: Trust::Vouched(pin), algorithms: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    config.enable_early_data = false;
    Ok(config)
}

/// Speaks TLS over `stream` to the server called `host`.
///
/// # Errors
/// When the connection breaks, the other side does not speak TLS 1.3, or it is not believed ([`Untrusted::among`] tells).
pub async fn handshake(stream: TcpStream, host: &str, pin: Option<Pin>) -> io::Result<TlsStream> {
    let name = ServerName::try_from(host.to_owned()).map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
    let config = config(pin).map_err(io::Error::other)?;
    Ok(TlsStream::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
}

/// The key that whoever listens at `address` shows and proves to have. This says nothing about who it is: nothing is sent to it.
///
/// # Errors
/// When nobody listens there, or nobody who speaks TLS 1.3.
pub async fn key_shown(address: impl ToSocketAddrs) -> io::Result<Pin> {
    let stream = TcpStream::connect(address).await?;
    let provider = provider();
    let verifier = Verifier { trust: Trust::Anybody, algorithms: provider.signature_verification_algorithms };
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]).map_err(io::Error::other)?;
    let config = config.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth();
    let name = ServerName::IpAddress(stream.peer_addr()?.ip().into());
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let shown = shown.ok_or_else(|| io::Error::other("the server shows no certificate"))?;
    pin_of(shown).map_err(io::Error::other)
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
    algorithms: WebPkiSupportedAlgorithms,
}

/// Who is believed.
#[derive(Clone, Copy, Debug)]
enum Trust {
    /// The one with the pinned key, and those for whom the system vouches.
    Vouched(Option<Pin>),
    /// Whoever it is, to see who it is.
    Anybody,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let pin = match self.trust {
            Trust::Anybody => return Ok(ServerCertVerified::assertion()),
            Trust::Vouched(pin) => pin,
        };
        if pin.is_some() && pin == pin_of(end_entity).ok() {
            return Ok(ServerCertVerified::assertion());
        }
        let chain =
            system().and_then(|system| system.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now));
        chain.map_err(|why| {
            let untrusted = Untrusted { pinned: pin.is_some(), detail: why.to_string() };
            CertificateError::Other(OtherError(Arc::new(untrusted))).into()
        })
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(PeerIncompatible::Tls12NotOffered.into())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// This computer's own judgement, read from the system when it is first needed.
fn system() -> Result<&'static rustls_platform_verifier::Verifier, rustls::Error> {
    static SYSTEM: OnceLock<Result<rustls_platform_verifier::Verifier, rustls::Error>> = OnceLock::new();
    SYSTEM.get_or_init(|| rustls_platform_verifier::Verifier::new(provider())).as_ref().map_err(Clone::clone)
}
