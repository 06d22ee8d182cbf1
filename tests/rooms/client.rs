//! The client against servers that are not there, not ours, or slow.

use crate::world::{T0, World};
use parlor::base::{Clock, ServerClock};
use parlor::room::{Client, ErrorKind, Transport};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that answers each connection with `answer` after the first bytes, and closes it.
async fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(answer).await;
            });
        }
    });
    addr
}

async fn kind(server: &str) -> ErrorKind {
    Client::new(server).unwrap().login("Ann").await.unwrap_err().kind()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_of_failing_has_its_kind() {
    assert_eq!(Client::new("not an address").unwrap_err().kind(), ErrorKind::BadAddress);

    let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = unused.local_addr().unwrap().to_string();
    drop(unused);
    assert_eq!(kind(&addr).await, ErrorKind::Unreachable);
    assert_eq!(kind("no-such-host.invalid").await, ErrorKind::Unreachable);

    for foreign in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"[..],
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnope",
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff\x00\xff",
    ] {
        assert_eq!(kind(&answering(foreign).await).await, ErrorKind::NotParlor, "{}", foreign.escape_ascii());
    }
    assert_eq!(kind(&answering(b"").await).await, ErrorKind::Unreachable, "closed without a word");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_answer_is_not_read_to_its_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n").await;
        while stream.write_all(&[b' '; 65536]).await.is_ok() {}
    });
    assert_eq!(kind(&addr).await, ErrorKind::NotParlor);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = silent.local_addr().unwrap().to_string();
    let held = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(accepted) = silent.accept().await {
            held.push(accepted);
        }
    });
    let error = Client::new(&addr).unwrap().login("Ann").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.to_string(), format!("the server {addr} does not answer"));
    held.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_measured_offset_lies_between_what_is_possible() {
    let world = World::new().await;
    let clock = ServerClock::new(Clock::system());
    let client = Client::with_clock(&world.addr.to_string(), &Transport::default(), clock.clone()).unwrap();
    let micros = |d: Duration| i64::try_from(d.as_micros()).unwrap();
    let before = micros(clock.local().now());
    let offset = client.measure_clock().await.unwrap();
    let after = micros(clock.local().now());
    // The pretended server clock stands still.
    assert!((micros(T0) - after..=micros(T0) - before).contains(&offset));
    assert_eq!(clock.offset_us(), Some(offset));
}
