//! Messages that are larger, deeper or stranger than anything sensible.

use crate::support::*;
use parlor::rtmp::client::{Config, Event, Role, Session};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// What all bombs together may leave in the server's memory.
const LEFT_KB: f64 = 30.0 * 1024.0;

/// A connection after the handshake, which is not looked into.
fn shaken(server: &Server) -> TcpStream {
    let mut stream = server.saying(&[&[3][..], &[0; 1536]].concat());
    let mut answer = vec![0; 1 + 1536 + 1536];
    stream.read_exact(&mut answer).unwrap();
    stream.write_all(&answer[1..1537]).unwrap();
    stream
}

/// A message of type `kind` in one chunk of its own chunk stream; `length` is what its header says.
fn message(kind: u8, length: usize, payload: &[u8]) -> Vec<u8> {
    let length = (length as u32).to_be_bytes();
    [&[3, 0, 0, 0, length[1], length[2], length[3], kind, 0, 0, 0, 0][..], payload].concat()
}

/// A message in chunks of the size that connections begin with.
fn chunked(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut chunks = payload.chunks(128);
    let mut bytes = message(kind, payload.len(), chunks.next().unwrap_or_default());
    for chunk in chunks {
        bytes.push(0xc3);
        bytes.extend(chunk);
    }
    bytes
}

fn command(arguments: &[u8]) -> Vec<u8> {
    // "connect" and the number 1.
    [b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00", arguments].concat()
}

#[test]
fn amf_bombs_are_thrown_out() {
    let server = Server::start(&["--open"]);
    let flow = Flow::through(&server);
    let before = server.resident_kb();
    let nested_objects = [3, 0, 1, b'a'].repeat(15_000);
    let nested_arrays = [10, 0, 0, 0, 1].repeat(12_000);
    let bombs = [
        ("an array of 4 billion", chunked(20, &command(&[10, 0xff, 0xff, 0xff, 0xff]))),
        ("a list of 4 billion", chunked(20, &command(&[8, 0xff, 0xff, 0xff, 0xff]))),
        ("a text of 4 billion", chunked(20, &command(&[12, 0xff, 0xff, 0xff, 0xff, b'x']))),
        ("objects in objects", chunked(20, &command(&nested_objects))),
        ("arrays in arrays", chunked(20, &command(&nested_arrays))),
        ("no AMF at all", chunked(20, &[0xff; 4000])),
        ("a command of 16 MB", message(20, 0xff_ffff, &[0; 128])),
        ("an aggregate of nothing", chunked(22, &[0xff; 3000])),
        ("a type that does not exist", chunked(99, &[0xff; 3000])),
    ];
    for (what, bomb) in &bombs {
        for _ in 0..20 {
            let mut stream = shaken(&server);
            let _ = stream.write_all(bomb);
            let _ = stream.shutdown(std::net::Shutdown::Write);
            assert!(is_closed(&mut stream), "{what}");
        }
        flow.goes_on();
    }
    let left = server.resident_kb() - before;
    assert!(left < LEFT_KB, "{left} kB stay");
}

#[test]
fn absurd_chunk_sizes_are_refused_and_tiny_ones_are_understood() {
    let server = Server::start(&["--open"]);
    let flow = Flow::through(&server);
    for size in [0, 1 << 31, u32::MAX, 0x00ff_ffff, 0x7fff_ffff] {
        let mut stream = shaken(&server);
        // The size, then a message that claims to be as large as can be, in what would be one chunk.
        let _ = stream.write_all(&message(1, 4, &u32::to_be_bytes(size)));
        let _ = stream.write_all(&message(9, 0xff_ffff, &[0; 60_000]));
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert!(is_closed(&mut stream), "{size}");
    }
    flow.goes_on();
    // In chunks of one byte: five hundred chunks for one command.
    let mut stream = shaken(&server);
    stream.write_all(&message(1, 4, &1_u32.to_be_bytes())).unwrap();
    let connect = command(b"\x03\x00\x03app\x02\x00\x04live\x00\x05tcUrl\x02\x00\x11rtmp://h:1/live/x\x00\x00\x09");
    let mut bytes = message(20, connect.len(), &connect[..1]);
    for byte in &connect[1..] {
        bytes.extend([0xc3, *byte]);
    }
    stream.write_all(&bytes).unwrap();
    let (mut answer, mut buffer) = (Vec::<u8>::new(), [0; 4096]);
    while !answer.windows(7).any(|seven| seven == b"_result") {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "closed: {answer:?}");
        answer.extend(&buffer[..read]);
    }
    flow.goes_on();
}

#[test]
fn requests_that_make_no_sense_are_refused_in_words() {
    let server = Server::start(&["--open"]);
    let flow = Flow::through(&server);
    let host = &server.listen;
    let post = |path: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let long = "x".repeat(200_000);
    for (request, allowed) in [
        (post("/v1/login", "{"), &[400][..]),
        (post("/v1/login", "[]"), &[400]),
        (post("/v1/login", r#"{"name":5}"#), &[400]),
        (post("/v1/login", r#"{"name":"Ann","more":1}"#), &[400]),
        (post("/v1/login", &"[".repeat(60_000)), &[400]),
        (post("/v1/login", &long), &[0, 413]),
        (post("/v1/rooms", r#"{"name":"a"}"#), &[401]),
        (format!("GET /{long} HTTP/1.1\r\nHost: {host}\r\n\r\n"), &[0, 400, 414, 431]),
        (format!("GET / HTTP/1.1\r\nHost: {host}\r\n{}\r\n", "A: b\r\n".repeat(1000)), &[0, 400, 431]),
        (format!("GET /v1/rooms HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n", "y".repeat(7000)), &[0, 401, 431]),
        (format!("POST /v1/login HTTP/1.1\r\nHost: {host}\r\nContent-Length: 99999999999\r\n\r\n"), &[0, 400, 413]),
        (
            format!("POST /v1/login HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
            &[0, 400, 413],
        ),
    ] {
        let shown: String = request.chars().take(90).collect();
        let stream = server.saying(request.as_bytes());
        if allowed.contains(&0) {
            // It says that there is more to come; there is not.
            let _ = stream.shutdown(std::net::Shutdown::Write);
        }
        let answer = rest(stream);
        let status = answer.get(9..12).and_then(|status| status.parse::<u16>().ok()).unwrap_or(0);
        assert!(allowed.contains(&status), "{status} for {shown}: {answer}");
    }
    flow.goes_on();
}

#[test]
fn nobody_takes_over_a_stream_that_somebody_publishes() {
    let server = Server::start(&["--open"]);
    let flow = Flow::through(&server);
    let mut stream = server.connect();
    let config = Config::new(Role::Publish, &format!("rtmp://{}/live", server.listen), "live", "untouched");
    let mut session = Session::new(config, Duration::ZERO);
    let mut buffer = [0; 4096];
    loop {
        while let Some(bytes) = session.poll_output() {
            stream.write_all(&bytes).unwrap();
        }
        let read = stream.read(&mut buffer).unwrap();
        session.receive(&buffer[..read], Duration::ZERO).unwrap();
        match std::iter::from_fn(|| session.poll_event()).find(|event| matches!(event, Event::Started | Event::Refused { .. })) {
            Some(Event::Refused { .. }) => break,
            Some(_) => panic!("a stranger has the stream"),
            None => {}
        }
    }
    flow.goes_on();
}
