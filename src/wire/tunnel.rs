//! A connection through an HTTP proxy: it is asked to connect (RFC 9110, 9.3.6), and what it says yes to carries anything.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::base::proxy::Address;

/// Longest answer of a proxy that is read: its status and headers.
const MAX_ANSWER_BYTES: u64 = 8192;

/// Asks the proxy at the other end of `stream` to connect to `authority` (`host:port`). From then on the stream is one to there.
///
/// # Errors
/// [`io::ErrorKind::PermissionDenied`] with the proxy's own words when it says no; others when it breaks off, or is no proxy.
pub(super) async fn open(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), authority: &str, proxy: &Address) -> io::Result<()> {
    let login = proxy.login.as_ref().map(|(name, password)| {
        let both = STANDARD.encode(format!("{name}:{}", password.expose()));
        format!("Proxy-Authorization: Basic {both}\r\n")
    });
    let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", login.unwrap_or_default());
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    // Byte by byte: what follows the empty line belongs to whoever uses the tunnel.
    let mut answer = Vec::new();
    let mut reader = stream.take(MAX_ANSWER_BYTES);
    while !answer.ends_with(b"\r\n\r\n") {
        match reader.read_u8().await {
            Ok(byte) => answer.push(byte),
            Err(_) if !answer.starts_with(b"HTTP/1.") && !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.lines().next().unwrap_or_default();
    let code = status.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse::<u16>().ok());
    match code {
        Some(200..=299) => Ok(()),
        Some(_) => Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("it answers {status:?}"))),
        None => Err(io::Error::new(io::ErrorKind::InvalidData, "it does not answer as an HTTP proxy does")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;

    /// What comes of asking a proxy that answers this, what it was asked, and what comes after its answer.
    async fn ask(proxy: &str, answer: &str) -> (io::Result<()>, String, String) {
        let (mut near, mut far) = duplex(64 * 1024);
        far.write_all(answer.as_bytes()).await.unwrap();
        let opened = open(&mut near, "calls.example:1935", &proxy.parse().unwrap()).await;
        near.shutdown().await.unwrap();
        let (mut asked, mut rest) = (String::new(), String::new());
        far.read_to_string(&mut asked).await.unwrap();
        far.shutdown().await.unwrap();
        near.read_to_string(&mut rest).await.unwrap();
        (opened, asked, rest)
    }

    #[tokio::test]
    async fn a_yes_is_a_yes_and_takes_nothing_of_what_follows() {
        let (opened, asked, rest) = ask("proxy:1", "HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello").await;
        opened.unwrap();
        assert_eq!(asked, "CONNECT calls.example:1935 HTTP/1.1\r\nHost: calls.example:1935\r\n\r\n");
        assert_eq!(rest, "hello");
        let (opened, asked, _) = ask("http://ada:geheim@proxy:1", "HTTP/1.0 200 OK\r\n\r\n").await;
        opened.unwrap();
        assert!(asked.contains("\r\nProxy-Authorization: Basic YWRhOmdlaGVpbQ==\r\n\r\n"), "{asked}");
    }

    #[tokio::test]
    async fn a_no_is_told_in_the_proxys_words_and_nonsense_is_no_answer() {
        let (opened, ..) = ask("proxy:1", "HTTP/1.1 403 Forbidden\r\n\r\n").await;
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert!(error.to_string().contains("403 Forbidden"), "{error}");
        for nonsense in ["SSH-2.0-OpenSSH_9\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 yes\r\n\r\n"] {
            assert_eq!(ask("proxy:1", nonsense).await.0.unwrap_err().kind(), io::ErrorKind::InvalidData, "{nonsense}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(4000));
        assert_eq!(ask("proxy:1", &endless).await.0.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
