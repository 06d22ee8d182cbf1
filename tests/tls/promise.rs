//! Fresh keys on every connection, nothing early, nothing resumed, nothing readable, nothing changeable.

use crate::support::{PATIENCE, Server, end_of, open, wait_until};
use crate::tap::{EARLY_DATA, Flip, HANDSHAKE, Hello, PRE_SHARED_KEY, SUPPORTED_VERSIONS, Tap, Way, records};
use parlor::rtmp::{Packet, PacketKind, tag};
use parlor::wire::tls;
use rustls::pki_types::ServerName;
use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

/// The number of X25519 among the groups (RFC 8446, section 4.2.7).
const X25519: u16 = 0x001d;

#[test]
fn every_connection_has_fresh_key_shares_on_both_sides() {
    let server = Server::with(open());
    let tap = Tap::on(server.address());
    for name in ["Ann", "Ben"] {
        server.runtime.block_on(server.client_by(tap.address).login(name)).unwrap();
    }
    for _ in 0..2 {
        let publication = server.publish_by(tap.address, server.pin());
        wait_until("the publication is live", || publication.state().is_live());
    }
    let tape = tap.tape();
    assert_eq!(tape.len(), 4);
    let mut shares = BTreeSet::new();
    for taped in &tape {
        let (client, server) = (Hello::of_client(&taped.up), Hello::of_server(&taped.down));
        for (group, key) in [client.key_share(true), server.key_share(false)] {
            assert_eq!((group, key.len()), (X25519, 32));
            assert!(shares.insert(key), "a key share was used before");
        }
        assert_eq!(client.get(SUPPORTED_VERSIONS), Some(&[2, 3, 4][..]), "TLS 1.3 and nothing else is offered");
        assert_eq!(server.get(SUPPORTED_VERSIONS), Some(&[3, 4][..]));
        for extension in [PRE_SHARED_KEY, EARLY_DATA] {
            assert!(client.get(extension).is_none() && server.get(extension).is_none());
        }
    }
    assert_eq!(shares.len(), 8);
}

#[test]
fn nothing_that_is_said_can_be_read_on_the_way() {
    let server = Server::new();
    let tap = Tap::on(server.address());
    let client = server.client_by(tap.address);
    let token = server.runtime.block_on(client.login("Ann-on-the-wire")).unwrap().token;
    server.runtime.block_on(client.get_room_list(0, 1)).unwrap();
    for taped in tap.tape() {
        for bytes in [&taped.up, &taped.down] {
            for secret in [b"Ann-on-the-wire".as_slice(), token.as_bytes(), b"HTTP/1.1", b"Parlor"] {
                assert!(!bytes.windows(secret.len()).any(|window| window == secret));
            }
        }
    }
}

#[test]
fn nothing_is_resumed_and_nothing_early_is_accepted() {
    let server = Server::new();
    let mut config = tls::client::config(Some(server.pin())).unwrap();
    // A client that would like to.
    config.resumption = rustls::client::Resumption::in_memory_sessions(8);
    config.enable_early_data = true;
    let config = Arc::new(config);
    for _ in 0..3 {
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let mut client = rustls::ClientConnection::new(config.clone(), name).unwrap();
        assert!(client.early_data().is_none(), "a former connection has left the means for early data");
        let mut stream = TcpStream::connect(server.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut tls = rustls::Stream::new(&mut client, &mut stream);
        tls.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        tls.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(client.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!((client.tls13_tickets_received(), client.is_early_data_accepted()), (0, false));
    }
}

/// Where the encrypted part begins: after the first record, and the one that only looks like TLS 1.2.
fn hello_length(bytes: &[u8]) -> usize {
    assert_eq!(records(bytes)[0].0, HANDSHAKE);
    5 + records(bytes)[0].1.len() + 6
}

#[test]
fn one_changed_bit_ends_a_request() {
    let server = Server::new();
    let tap = Tap::on(server.address());
    let ask = || server.runtime.block_on(server.client_by(tap.address).login("Ann"));
    ask().unwrap();
    let taped = tap.tape().remove(0);
    // In the handshake's secret part, in what is said (the last bytes but some), and in the hello.
    for (way, bytes) in [(Way::Up, &taped.up), (Way::Down, &taped.down)] {
        for at in [hello_length(bytes) + 20, bytes.len() - 30, 60] {
            tap.flip(Flip { way, at });
            let answer = ask();
            assert!(tap.has_flipped(), "{way:?} {at}: nothing passed there");
            assert!(answer.is_err(), "{way:?} {at}: {answer:?}");
        }
    }
    ask().unwrap();
}

#[test]
fn one_changed_bit_ends_a_stream() {
    for way in [Way::Up, Way::Down] {
        let server = Server::with(open());
        let tap = Tap::on(server.address());
        let publication = server.publish_by(tap.address, server.pin());
        wait_until("the publication is live", || publication.state().is_live());
        let passed = tap.tape().remove(0);
        let at = if way == Way::Up { passed.up.len() } else { passed.down.len() } + 100;
        tap.flip(Flip { way, at });
        let mut time = 0;
        wait_until("the stream ends", || {
            time += 5;
            for (kind, payload) in
                [(PacketKind::Video, tag::avc_frame(true, 0, &[7; 3000])), (PacketKind::Audio, tag::opus_frame(&[1; 80]))]
            {
                publication.send(Packet { kind, timestamp_ms: time, payload });
            }
            publication.state().error().is_some()
        });
        assert!(tap.has_flipped());
        let _ = end_of(&publication);
        wait_until("the server knows that it is over", || server.runtime.block_on(is_free(&server)));
    }
}

/// Whether a new publisher of the same name is let in: the broken one holds it no longer.
async fn is_free(server: &Server) -> bool {
    use parlor::wire::link::{Options, Publication};
    let url = format!("rtmps://{}/live/stream#pin={}", server.address(), server.pin());
    let publication = Publication::start(&tokio::runtime::Handle::current(), &url, Options::default());
    let mut state = publication.watch();
    let settled = state.wait_for(|state| state.is_live() || state.error().is_some()).await;
    settled.is_ok_and(|state| state.is_live())
}
