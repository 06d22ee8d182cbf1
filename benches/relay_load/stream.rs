//! The bytes of a connection, plain or in TLS, read and written without waiting.

use std::io::{self, IoSlice, Read as _, Write as _};
use std::sync::Arc;

use anyhow::Result;
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;

use parlor::base::Pin;
use parlor::wire::tls;

pub struct Stream {
    socket: TcpStream,
    tls: Option<Box<ClientConnection>>,
}

impl Stream {
    pub fn plain(socket: TcpStream) -> Self {
        Self { socket, tls: None }
    }

    /// After the handshake with the server that has this key.
    pub async fn encrypted(socket: TcpStream, pin: Pin) -> Result<Self> {
        let name = ServerName::IpAddress(socket.peer_addr()?.ip().into());
        let mut tls = Box::new(ClientConnection::new(Arc::new(tls::client::config(Some(pin))?), name)?);
        while tls.is_handshaking() || tls.wants_write() {
            if tls.wants_write() {
                socket.writable().await?;
                would_block(tls.write_tls(&mut Now(&socket)))?;
            } else {
                socket.readable().await?;
                if would_block(tls.read_tls(&mut Now(&socket)))? == Some(0) {
                    return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
                }
                tls.process_new_packets()?;
            }
        }
        Ok(Self { socket, tls: Some(tls) })
    }

    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
    }

    pub async fn writable(&self) -> io::Result<()> {
        self.socket.writable().await
    }

    pub fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.try_read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return done,
            }
            if tls.read_tls(&mut Now(&self.socket))? == 0 {
                return Ok(0);
            }
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }

    pub fn try_write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return self.socket.try_write_vectored(pieces) };
        while tls.wants_write() {
            tls.write_tls(&mut Now(&self.socket))?;
        }
        let written = tls.writer().write_vectored(pieces)?;
        // What does not fit goes before the next packet.
        while tls.wants_write() && would_block(tls.write_tls(&mut Now(&self.socket)))?.is_some() {}
        Ok(written)
    }
}

/// `None` when it would block.
fn would_block(done: io::Result<usize>) -> io::Result<Option<usize>> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        done => done.map(Some),
    }
}

/// A socket that never waits.
struct Now<'a>(&'a TcpStream);

impl io::Read for Now<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(buffer)
    }
}

impl io::Write for Now<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
