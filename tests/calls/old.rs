//! A server that is older than this program: it refuses whatever is new in a request.

use crate::stage::{Person, Stage, enter, peer};
use parlor::call::{Call, Command, Config};
use parlor::proto::Mode;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Stands before the server of `stage`, and refuses what is new as an old one would.
fn age(stage: &Stage, refused: Arc<AtomicUsize>) -> SocketAddr {
    let listener = stage.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let (address, server) = (listener.local_addr().unwrap(), stage.address);
    stage.runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(pass_on(BufReader::new(stream), server, refused.clone()));
        }
    });
    address
}

/// Streams as they are; of requests one for each connection.
async fn pass_on(mut near: BufReader<TcpStream>, server: SocketAddr, refused: Arc<AtomicUsize>) {
    let mut far = TcpStream::connect(server).await.unwrap();
    if near.fill_buf().await.is_ok_and(|begins| begins.first().is_some_and(u8::is_ascii_uppercase)) {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if near.read_line(&mut line).await.unwrap_or_default() == 0 {
                return;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            if !lower.starts_with("connection:") {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        near.read_exact(&mut body).await.unwrap();
        let said = String::from_utf8_lossy(&body);
        let is_new = match head.lines().next().unwrap_or_default() {
            first if first.contains("/heartbeat ") => said.contains("statistics") || said.contains("recording"),
            first if first.contains("/members ") => said.contains("sending"),
            _ => false,
        };
        if is_new {
            refused.fetch_add(1, Ordering::Relaxed);
            let answer = r#"{"code":"bad_request","message":"an unknown field"}"#;
            let head = format!("HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
            let _ = near.write_all(format!("{head}{answer}").as_bytes()).await;
            return;
        }
        far.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes()).await.unwrap();
        far.write_all(&body).await.unwrap();
    }
    // Connections end as they end.
    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
}

#[test]
fn e2e_an_older_server_is_told_what_it_understands_and_the_call_goes_on() {
    let stage = Stage::new();
    let refused = Arc::new(AtomicUsize::new(0));
    let old = age(&stage, refused.clone());
    let ann = stage.create(Mode::Duo, "Ann");
    let through = Config { server: old.to_string(), mic: false, ..stage.config(enter(None), "Ben") };
    let ben = Person::new(Call::start(through));
    ben.in_call();
    ann.until("Ben's pictures, and that he is muted", |s| peer(s, "Ben").is_some_and(|p| !p.mic && p.stats.picture.shown > 20));
    assert_eq!(refused.load(Ordering::Relaxed), 3, "what he enters with, and a heartbeat twice");
    let seat = ben.call.snapshot().me.member.clone();
    ben.call.send(Command::SetMic(true));
    ann.until("that he is not muted any more", |s| peer(s, "Ben").is_some_and(|p| p.mic));
    ben.sees_and_hears("Ann");
    assert_eq!((ben.call.snapshot().me.member.clone(), refused.load(Ordering::Relaxed)), (seat, 3), "it was tried once");
}
