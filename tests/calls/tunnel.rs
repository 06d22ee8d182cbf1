//! A call through an HTTP proxy, as companies have them: the server's name is known to the proxy only.

use crate::stage::{Person, Stage, enter};
use parlor::base::Proxy;
use parlor::call::{Call, Config, Ended};
use parlor::proto::Mode;
use parlor::room::{self, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that knows one server, whatever it is called. What it lets through is counted.
struct Gate {
    address: SocketAddr,
    tunnels: Arc<AtomicUsize>,
}

impl Gate {
    fn to(stage: &Stage, answer: &'static str) -> Self {
        let listener = stage.runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let (address, server) = (listener.local_addr().unwrap(), stage.address);
        let tunnels = Arc::new(AtomicUsize::new(0));
        let count = tunnels.clone();
        stage.runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server, answer, count.clone()));
            }
        });
        Self { address, tunnels }
    }
}

async fn serve(stream: TcpStream, server: SocketAddr, answer: &str, tunnels: Arc<AtomicUsize>) {
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    while !line.ends_with("\r\n\r\n") && stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {}
    assert!(line.starts_with(&format!("CONNECT calls.example:{} HTTP/1.1\r\n", server.port())), "{line}");
    stream.write_all(format!("HTTP/1.1 {answer}\r\n\r\n").as_bytes()).await.unwrap();
    if answer.starts_with("200") {
        tunnels.fetch_add(1, Ordering::Relaxed);
        let mut far = TcpStream::connect(server).await.unwrap();
        // Connections end as they end.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
    }
}

fn through(stage: &Stage, proxy: SocketAddr) -> Config {
    let proxy = Proxy::At(proxy.to_string().parse().unwrap());
    Config {
        server: format!("https://calls.example:{}#pin={}", stage.address.port(), stage.pin()),
        transport: Transport { proxy, ..Transport::default() },
        ..stage.config(enter(None), "Ben")
    }
}

#[test]
fn e2e_rooms_pictures_and_sound_go_through_a_proxy() {
    let stage = Stage::new();
    let gate = Gate::to(&stage, "200 Connection established");
    let ann = stage.create(Mode::Duo, "Ann");
    let ben = Person::new(Call::start(through(&stage, gate.address)));
    ben.in_call();
    ann.sees_and_hears("Ben");
    ben.sees_and_hears("Ann");
    assert!(gate.tunnels.load(Ordering::Relaxed) >= 3, "requests, one's own stream, and the other's");
}

#[test]
fn e2e_a_proxy_that_does_not_help_is_named() {
    let stage = Stage::new();
    let gate = Gate::to(&stage, "403 Forbidden");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (address, refuses) in [(gate.address, true), (nobody, false)] {
        let ben = Person::new(Call::start(through(&stage, address)));
        match ben.ended() {
            Ended::Failed(room::Error::Proxy { proxy, refused, server, .. }) => {
                assert_eq!((proxy, refused), (address.to_string(), refuses));
                assert_eq!(server, format!("calls.example:{}", stage.address.port()));
            }
            other => panic!("{other:?}"),
        }
    }
}
