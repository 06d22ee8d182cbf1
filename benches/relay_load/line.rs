//! One connection to the engine with a client session on it.

use std::io::{self, IoSlice};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use bytes::{Buf, Bytes};
use tokio::net::TcpSocket;

use parlor::base::Pin;
use parlor::rtmp::client::{Config, Event, Role, Session};

use crate::stream::Stream;

/// How long the engine may take to let somebody begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where the engine is.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    app: String,
    tc_url: String,
    /// The engine's key, for TLS.
    pin: Option<Pin>,
}

impl Target {
    pub fn parse(url: &str) -> Result<Self> {
        let (url, pin) = url.split_once("#pin=").map_or((url, None), |(url, pin)| (url, Some(pin)));
        let scheme = if pin.is_some() { "rtmps://" } else { "rtmp://" };
        let rest =
            url.strip_prefix(scheme).context("the address must begin with rtmp://, or with rtmps:// and end with #pin=")?;
        let pin = pin.map(str::parse).transpose()?;
        let (authority, app) = rest.split_once('/').context("the address has no application")?;
        let address = authority.to_socket_addrs()?.next().context("no such host")?;
        Ok(Self { address, app: app.to_owned(), tc_url: url.to_owned(), pin })
    }

    fn config(&self, role: Role, name: &str) -> Config {
        Config::new(role, &self.tc_url, &self.app, name)
    }
}

/// How to connect.
#[derive(Clone, Copy, Default)]
pub struct Manner {
    /// The system's receive buffer; its own choice when left out.
    pub receive_buffer: Option<u32>,
}

pub struct Line {
    pub stream: Stream,
    pub session: Session,
    pub connected: Instant,
    /// The last time that something was written; until [`Event::Started`] that is when it was asked for.
    pub wrote: Instant,
    buffer: Vec<u8>,
}

impl Line {
    /// Connects and waits until the stream is accepted.
    pub async fn open(target: &Target, role: Role, name: &str, manner: Manner) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = manner.receive_buffer {
            socket.set_recv_buffer_size(bytes)?;
        }
        let connected = Instant::now();
        let stream = socket.connect(target.address).await.context("connecting to the engine")?;
        stream.set_nodelay(true)?;
        let stream = match target.pin {
            None => Stream::plain(stream),
            Some(pin) => Stream::encrypted(stream, pin).await?,
        };
        let session = Session::new(target.config(role, name), Duration::ZERO);
        let mut line = Self { stream, session, connected, wrote: connected, buffer: vec![0; 64 * 1024] };
        let started = async {
            loop {
                line.flush().await?;
                line.stream.readable().await?;
                line.read(usize::MAX)?;
                // Media that came in the same read stay for the owner.
                while let Some(event) = line.session.poll_event() {
                    match event {
                        Event::Started => return anyhow::Ok(()),
                        Event::Refused { code, description } => bail!("the engine refused {name}: {code} {description}"),
                        _ => {}
                    }
                }
            }
        };
        tokio::time::timeout(PATIENCE, started).await.with_context(|| format!("the engine does not start {name}"))??;
        Ok(line)
    }

    /// Reads what is there, at most `most` bytes, into the session. Returns how many bytes came.
    pub fn read(&mut self, most: usize) -> Result<usize> {
        let most = most.min(self.buffer.len());
        match self.stream.try_read(&mut self.buffer[..most]) {
            Ok(0) => bail!("the engine closed the connection"),
            Ok(read) => {
                self.session.receive(&self.buffer[..read], Duration::ZERO)?;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all that the session has to say, in as few calls as the system lets us.
    pub async fn flush(&mut self) -> Result<()> {
        let mut pieces: Vec<Bytes> = std::iter::from_fn(|| self.session.poll_output()).collect();
        if !pieces.is_empty() {
            self.wrote = Instant::now();
        }
        while !pieces.is_empty() {
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            match self.stream.try_write_vectored(&slices) {
                Ok(mut written) => pieces.retain_mut(|piece| {
                    let part = written.min(piece.len());
                    piece.advance(part);
                    written -= part;
                    !piece.is_empty()
                }),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.stream.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
