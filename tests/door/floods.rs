//! Many connections that say nothing, little, or too slowly.

use crate::support::*;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// What a connection that does nothing may cost the server.
const IDLE_KB: f64 = 24.0;

#[test]
fn e2e_ten_thousand_idle_connections_cost_little_and_disturb_nobody() {
    let wanted = 10_000;
    rlimit::increase_nofile_limit(u64::MAX).unwrap();
    let (files, _) = rlimit::getrlimit(rlimit::Resource::NOFILE).unwrap();
    assert!(
        files > wanted + 200,
        "this test needs {} open files, and the system allows {files}: raise `ulimit -n`",
        wanted + 200
    );
    let server = Server::start(&["--open", "--limits-pending-handshakes=20000"]);
    let flow = Flow::through(&server);
    let before = server.resident_kb();
    let first = flood(&server, wanted);
    flow.goes_on();
    let after = server.resident_kb();
    // Not more than the first time: what stays is the allocator's.
    let second = flood(&server, wanted);
    flow.goes_on();
    let each = (first.resident_kb - before) / first.connections;
    println!(
        "{before:.0} kB; with {:.0} idle connections {:.0} kB, {each:.1} kB each; afterwards {after:.0} kB",
        first.connections, first.resident_kb
    );
    println!("again with {:.0}: {:.0} kB", second.connections, second.resident_kb);
    assert!(each < IDLE_KB, "{each} kB for an idle connection");
    let expected = before + each * second.connections.max(first.connections);
    assert!(second.resident_kb < expected * 1.25 + 4096.0, "{before} {first:?} {after} {second:?}");
    assert!(server.figure("parlor_refused_total{reason=\"silent\"}") >= 2.0 * wanted as f64 - 1.0);
}

/// The moment with the most idle connections.
#[derive(Debug, Default)]
struct Peak {
    connections: f64,
    resident_kb: f64,
}

/// So many connections that say nothing, all of which the server closes in the end.
fn flood(server: &Server, wanted: u64) -> Peak {
    let (mut idle, mut peak) = (Vec::new(), Peak::default());
    while idle.len() < wanted as usize {
        idle.extend((0..500).map(|_| server.connect()));
        let (connections, resident_kb) = (server.figure("parlor_connections_pending"), server.resident_kb());
        if connections > peak.connections {
            peak = Peak { connections, resident_kb };
        }
    }
    assert!(idle.iter_mut().all(is_closed), "who says nothing has to go");
    wait_until("all are out", || server.figure("parlor_connections_pending") < 10.0);
    peak
}

#[test]
fn of_too_many_silent_connections_the_oldest_go_and_newcomers_are_served() {
    let server = Server::start(&["--open", "--limits-pending-handshakes=20"]);
    let flow = Flow::through(&server);
    let mut silent: Vec<TcpStream> = (0..200).map(|_| server.connect()).collect();
    assert!(silent[..150].iter_mut().all(is_closed));
    assert!(server.figure("parlor_refused_total{reason=\"pending\"}") >= 150.0);
    assert_eq!(
        server.status(format!("GET /healthz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.listen).as_bytes()),
        200
    );
    flow.goes_on();
}

#[test]
fn when_all_places_are_taken_others_are_turned_away_and_those_inside_stay() {
    let server = Server::start(&["--open", "--limits-connections=10"]);
    let flow = Flow::through(&server);
    let mut held: Vec<TcpStream> = (0..8).map(|_| server.connect()).collect();
    let mut refused = server.connect();
    assert!(is_closed(&mut refused));
    flow.goes_on();
    held.truncate(4);
    wait_until("there is room again", || server.status(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") == 200);
    assert!(server.figure("parlor_refused_total{reason=\"full\"}") >= 1.0);
    assert!(server.log().contains("refused: too many connections"));
}

#[test]
fn a_flood_of_refusals_does_not_flood_the_log() {
    let server = Server::start(&["--open", "--limits-connections=5"]);
    let flow = Flow::through(&server);
    let held: Vec<TcpStream> = (0..3).map(|_| server.connect()).collect();
    for _ in 0..3000 {
        let _ = TcpStream::connect(&server.listen);
    }
    drop(held);
    wait_until("the figures say so", || server.figure("parlor_log_lines_left_out_total") > 1000.0);
    let lines = server.log().lines().count();
    assert!(lines < 1500, "{lines} lines");
    flow.goes_on();
}

#[test]
fn e2e_half_said_things_are_given_up() {
    let server = Server::start(&["--open"]);
    let flow = Flow::through(&server);
    let mut hello = vec![3_u8; 1 + 1536 + 1536];
    let began = Instant::now();
    let mut halves: Vec<(String, TcpStream)> = Vec::new();
    for end in [1, 2, 500, 1537, 1538, 3072, 3073] {
        halves.push((format!("{end} bytes of an RTMP handshake"), server.saying(&hello[..end])));
    }
    // A handshake, and then the beginning of a command.
    hello.extend([3, 0, 0, 0, 0, 1, 0, 20, 0, 0, 0, 0, 2, 0, 7]);
    halves.push(("half a command".to_owned(), server.saying(&hello)));
    halves.push(("half a TLS hello".to_owned(), server.saying(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3])));
    halves.push(("half a head".to_owned(), server.saying(b"GET /healthz HTTP/1.1\r\nHost: a\r\n")));
    let body = format!("POST /v1/login HTTP/1.1\r\nHost: {}\r\nContent-Length: 100\r\n\r\n{{\"name\"", server.listen);
    halves.push(("half a body".to_owned(), server.saying(body.as_bytes())));
    // Some bytes now and then are no sign of life.
    let mut slow = server.saying(b"GET /healthz HTTP/1.1\r\n");
    let mut dribbling = server.saying(body.as_bytes());
    let mut is_open = true;
    while is_open && began.elapsed() < PATIENCE {
        is_open = slow.write_all(b"X: y\r\n").is_ok();
        let _ = dribbling.write_all(b" ");
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(!is_open, "a head that never ends");
    flow.goes_on();
    halves.push(("a body that never ends".to_owned(), dribbling));
    for (what, mut stream) in halves {
        assert!(is_closed(&mut stream), "{what}");
    }
    flow.goes_on();
}
