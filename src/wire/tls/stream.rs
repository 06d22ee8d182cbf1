//! An encrypted byte stream that takes no more than the kernel does.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes taken in one write. They are encrypted at once, up to 16 KiB in one record, so that a picture costs few records; a larger picture is
/// several writes.
const MAX_WRITE: usize = 64 * 1024;

/// TLS over TCP.
///
/// rustls would encrypt ahead while the kernel takes nothing. What is encrypted has to be sent, however late it is, so here nothing is taken
/// until all of the last write is with the kernel and the kernel has room: a connection that is full looks full, as it does without TLS.
#[derive(Debug)]
pub struct TlsStream(tokio_rustls::TlsStream<TcpStream>);

impl TlsStream {
    pub(super) fn new(stream: impl Into<tokio_rustls::TlsStream<TcpStream>>) -> Self {
        let mut stream = stream.into();
        match &mut stream {
            tokio_rustls::TlsStream::Client(stream) => stream.get_mut().1.set_buffer_limit(Some(MAX_WRITE)),
            tokio_rustls::TlsStream::Server(stream) => stream.get_mut().1.set_buffer_limit(Some(MAX_WRITE)),
        }
        Self(stream)
    }

    /// Ready when the kernel would take something, and nothing waits before it.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.0.get_ref().1.wants_write() {
            ready!(Pin::new(&mut self.0).poll_flush(cx))?;
        }
        self.0.get_ref().0.poll_write_ready(cx)
    }
}

impl AsyncRead for TlsStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TlsStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        ready!(self.poll_room(cx))?;
        Pin::new(&mut self.0).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[cfg(all(test, feature = "server"))]
mod tests {
    use super::*;
    use crate::wire::tls::identity::{Identity, Source};
    use crate::wire::tls::{Acceptor, client};
    use crate::wire::tune_accepted;
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpSocket};
    use tokio::time::timeout;

    /// A connection whose receiving end holds next to nothing.
    async fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let near = TcpSocket::new_v4().unwrap();
        near.set_recv_buffer_size(4096).unwrap();
        let near = near.connect(listener.local_addr().unwrap()).await.unwrap();
        let (far, _) = listener.accept().await.unwrap();
        tune_accepted(&far).unwrap();
        (far, near)
    }

    async fn pair() -> (TlsStream, TlsStream) {
        let identity = Arc::new(Identity::open(&Source::Memory).unwrap());
        let (pin, acceptor) = (identity.pin(), Acceptor::new(identity).unwrap());
        let (far, near) = sockets().await;
        let (server, client) = tokio::join!(acceptor.accept(far), client::handshake(near, "127.0.0.1", Some(pin)));
        (server.unwrap(), client.unwrap())
    }

    #[tokio::test]
    async fn what_is_written_arrives_in_order_whatever_its_size() {
        let (mut server, mut client) = pair().await;
        let sent: Vec<u8> = (0..1_000_000_u32).map(|i| (i / 7) as u8).collect();
        let bytes = sent.clone();
        let writing = tokio::spawn(async move {
            let mut at = 0;
            while at < bytes.len() {
                let (one, two) = bytes[at..].split_at((at % 90_000).min(bytes.len() - at));
                let slices = [IoSlice::new(one), IoSlice::new(two)];
                at += poll_fn(|cx| Pin::new(&mut server).poll_write_vectored(cx, &slices)).await.unwrap();
            }
            server.shutdown().await.unwrap();
        });
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        writing.await.unwrap();
        assert!(all == sent);
    }

    /// Bytes taken until nothing more is taken for a while.
    async fn taken(mut stream: impl AsyncWrite + Unpin) -> usize {
        let (mut taken, block) = (0, [7; 1000]);
        while let Ok(written) = timeout(Duration::from_millis(500), stream.write(&block)).await {
            taken += written.unwrap();
            assert!(taken < 1 << 20, "it takes for ever");
        }
        taken
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_full_connection_hides_no_more_than_one_without_tls() {
        let (server, _silent) = sockets().await;
        let plain = taken(server).await;
        let (server, _silent) = pair().await;
        let encrypted = taken(server).await;
        assert!(encrypted <= plain * 5 / 4 + 2000, "{encrypted} bytes are taken, {plain} without TLS");
    }
}
