//! As little HTTP as does: one request after the other on a connection, each answered with a length.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// One connection to the server; opened anew when the server has closed it.
pub struct Wire {
    server: SocketAddr,
    from: Ipv4Addr,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Wire {
    /// A connection from that loopback address.
    pub fn new(server: SocketAddr, from: Ipv4Addr) -> Self {
        Self { server, from, stream: None, buffer: Vec::new() }
    }

    /// Asks and waits for the answer; once more if the connection had been closed while nobody used it.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        let fresh = self.stream.is_none();
        match self.try_ask(request).await {
            Err(_) if !fresh => {
                self.stream = None;
                self.try_ask(request).await
            }
            answer => answer,
        }
    }

    async fn try_ask(&mut self, request: &[u8]) -> Result<Answer> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(self.server, self.from).await?,
        };
        stream.write_all(request).await?;
        self.buffer.clear();
        let head = loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the server closed the connection");
            }
            if let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let text = std::str::from_utf8(&self.buffer[..head])?.to_ascii_lowercase();
        let status = text.get(9..12).and_then(|status| status.parse().ok()).context("no status")?;
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length: usize = field("content-length:").and_then(|length| length.parse().ok()).context("no length")?;
        let closes = field("connection:") == Some("close");
        while self.buffer.len() < head + length {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the answer ended early");
            }
        }
        let body = String::from_utf8(self.buffer[head..head + length].to_vec())?;
        if !closes {
            self.stream = Some(stream);
        }
        // Long polls are many: what they read is not kept.
        self.buffer.clear();
        self.buffer.shrink_to(1024);
        Ok(Answer { status, body })
    }
}

/// A TCP connection from that loopback address.
pub async fn connect(server: SocketAddr, from: Ipv4Addr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((IpAddr::V4(from), 0).into()).context("no port is left on that loopback address")?;
    let stream = socket.connect(server).await.context("connecting to the server")?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A request as bytes.
pub fn request(method: &str, path: &str, server: SocketAddr, token: Option<&str>, body: &str) -> Vec<u8> {
    let authorization = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    let length = body.len();
    format!("{method} {path} HTTP/1.1\r\nHost: {server}\r\n{authorization}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}
