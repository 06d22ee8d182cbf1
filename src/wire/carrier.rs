//! Connections as byte streams that hide as little as possible in the kernel.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::dial::dial;
use super::tls::{self, Untrusted};
use super::tunnel;
use super::url::{Scheme, Url};
use crate::base::Proxy;
use crate::base::proxy::Address;

/// How much unsent data the kernel may hide from us: about one picture of a call. What it holds is late already, can no longer be dropped, and
/// sound waits behind it; with Linux's default (up to 4 MB) a slow viewer falls a minute behind.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNSENT: u32 = 4 * 1024;

/// The same for who sends to readers: one that takes little is to be noticed before it is late. A fast one is asked for more by every
/// acknowledgement, and more than a thousand bytes are never missing.
#[cfg(any(target_os = "linux", target_os = "android"))]
const MAX_UNSENT_TO_READERS: u32 = 2 * 1024;

/// Where the kernel has no such limit, its whole send buffer is made small: 64 KiB still carry 5 Mbit/s over 100 ms of round trip.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND_BUFFER: usize = 64 * 1024;

/// A peer that vanished without a word is noticed by the kernel after about this long plus a few probes, even when nothing is sent.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Sent bytes that nobody has acknowledged for so long mean a dead network, for who sends media or pings. The system would go on for a quarter of an hour,
/// trying ever more seldom; a new connection works as soon as the network does.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) const SILENCE: Duration = Duration::from_secs(2);

/// What a connection rides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CarrierKind {
    /// TCP, in plain text.
    Tcp,
    /// TLS 1.3 over TCP.
    Tls,
}

impl CarrierKind {
    /// Its name in reports, logs and figures.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether nobody on the way can read or change what it carries.
    pub const fn is_encrypted(self) -> bool {
        match self {
            Self::Tcp => false,
            Self::Tls => true,
        }
    }
}

/// A connected byte stream.
pub trait Carrier: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> Carrier for T {}

/// Why no connection came about. Cloning shares the cause.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name is unknown, nobody listens, or no route exists.
    #[error("{authority} cannot be reached")]
    Unreachable {
        /// `host:port`.
        authority: String,
        /// What the system said about the last address tried.
        source: Arc<io::Error>,
    },
    /// No answer in time.
    #[error("{authority} does not answer")]
    Timeout {
        /// `host:port`.
        authority: String,
    },
    /// It is not the server that was meant, as far as anybody can tell: nothing was said to it.
    #[error("{authority} is not trusted: {why}")]
    Untrusted {
        /// `host:port`.
        authority: String,
        /// What is wrong with its certificate.
        why: Untrusted,
    },
    /// The proxy on the way is not there, or does not let through.
    #[error("the proxy {proxy} {}", if source.kind() == io::ErrorKind::PermissionDenied { "refuses to connect" } else { "cannot be used" })]
    Proxy {
        /// `host:port` of the proxy.
        proxy: String,
        /// What it or the system said.
        source: Arc<io::Error>,
    },
}

/// A connection, and what it is.
pub struct Connected {
    /// The bytes.
    pub stream: Box<dyn Carrier>,
    /// What they ride on.
    pub carrier: CarrierKind,
    /// Our end's address: without it, the connection is dead.
    pub local: IpAddr,
}

/// Connects to the server of `url` within `timeout`, trying all its addresses; what the URL asks to be encrypted is. A proxy on the way is asked
/// to connect, and sees what it passes on only where that is not encrypted.
///
/// # Errors
/// When no address answers, the proxy does not let through, or the server that answers is not believed.
pub async fn connect(url: &Url, proxy: &Proxy, timeout: Duration) -> Result<Connected, ConnectError> {
    let deadline = Instant::now() + timeout;
    let authority = url.authority();
    let unreachable = |error: io::Error| ConnectError::Unreachable { authority: url.authority(), source: Arc::new(error) };
    let reached = async {
        match proxy.on_the_way_to(&url.host, url.scheme == Scheme::Rtmps) {
            Some(address) => through(url, &address, *proxy == Proxy::System).await,
            None => dial(&url.host, url.port).await.map_err(unreachable),
        }
    };
    let stream = match timeout_at(deadline, reached).await {
        Ok(connected) => connected?,
        Err(_) => return Err(ConnectError::Timeout { authority }),
    };
    tune(&stream).map_err(unreachable)?;
    notice_silence(&stream).map_err(unreachable)?;
    let local = stream.local_addr().map_err(unreachable)?.ip();
    match url.scheme {
        Scheme::Rtmp => Ok(Connected { stream: Box::new(stream), carrier: CarrierKind::Tcp, local }),
        Scheme::Rtmps => match timeout_at(deadline, tls::client::handshake(stream, &url.host, url.pin)).await {
            Ok(Ok(stream)) => Ok(Connected { stream: Box::new(stream), carrier: CarrierKind::Tls, local }),
            Ok(Err(error)) => Err(match Untrusted::among(&error) {
                Some(why) => ConnectError::Untrusted { authority, why: why.clone() },
                None => unreachable(error),
            }),
            Err(_) => Err(ConnectError::Timeout { authority }),
        },
    }
}

/// Reaches the server of `url` through a proxy. One that nobody has chosen for this (`or_directly`) may be meant for web pages only: where it refuses,
/// the server is tried directly.
async fn through(url: &Url, proxy: &Address, or_directly: bool) -> Result<TcpStream, ConnectError> {
    let failed = |error: io::Error| ConnectError::Proxy { proxy: proxy.authority(), source: Arc::new(error) };
    let mut stream = dial(&proxy.host, proxy.port).await.map_err(failed)?;
    match tunnel::open(&mut stream, &url.authority(), proxy).await {
        Ok(()) => Ok(stream),
        Err(refusal) if or_directly && refusal.kind() == io::ErrorKind::PermissionDenied => {
            dial(&url.host, url.port).await.map_err(|_| failed(refusal))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Has the system give up the connection when what was sent is not acknowledged: where it can, which leaves the link's own pings elsewhere.
fn notice_silence(stream: &TcpStream) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SockRef::from(stream).set_tcp_user_timeout(Some(SILENCE))?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = stream;
    Ok(())
}

/// Prepares a TCP connection (made or accepted) for media: no Nagle delay, next to no hidden queue, dead peers noticed.
///
/// # Errors
/// When the connection is gone already.
pub fn tune(stream: &TcpStream) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 3))?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_tcp_notsent_lowat(MAX_UNSENT)?;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    socket.set_send_buffer_size(SEND_BUFFER)?;
    Ok(())
}

/// Prepares an accepted connection, over which media may go out to a reader: [`tune`], with an even smaller hidden queue.
///
/// # Errors
/// When the connection is gone already.
pub fn tune_accepted(stream: &TcpStream) -> io::Result<()> {
    tune(stream)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SockRef::from(stream).set_tcp_notsent_lowat(MAX_UNSENT_TO_READERS)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn url(authority: &str) -> Url {
        format!("rtmp://{authority}/live/x").parse().unwrap()
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable_with_its_cause() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        match connect(&url(&format!("127.0.0.1:{port}")), &Proxy::Direct, Duration::from_secs(20)).await.err() {
            Some(ConnectError::Unreachable { source, .. }) => assert_eq!(source.kind(), io::ErrorKind::ConnectionRefused),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_refusing_proxy_is_passed_by_only_where_nobody_has_chosen_it() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let (gate, server) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let proxy: Address = gate.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = gate.accept().await {
                let _ = stream.read(&mut [0; 1024]).await;
                stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").await.unwrap();
            }
        });
        let url = url(&server.local_addr().unwrap().to_string());
        let stream = through(&url, &proxy, true).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), server.local_addr().unwrap());
        match through(&url, &proxy, false).await {
            Err(ConnectError::Proxy { proxy: named, source }) => {
                assert_eq!((named, source.kind()), (proxy.authority(), io::ErrorKind::PermissionDenied));
            }
            other => panic!("{other:?}"),
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_kernel_hides_next_to_nothing_of_what_nobody_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        // The other side's receive buffer is its own affair: keep it small to see ours.
        SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let _silent = listener.accept().await.unwrap();
        tune(&stream).unwrap();
        assert!(stream.nodelay().unwrap());
        let (mut taken, block) = (0, vec![0; 4096]);
        let mut idle = 0;
        while idle < 20 {
            match stream.try_write(&block) {
                Ok(n) => (taken, idle) = (taken + n, 0),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    idle += 1;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(e) => panic!("{e}"),
            }
        }
        assert!(taken < 256 * 1024, "{taken} bytes are hidden in the kernel");
    }
}
