//! Peers that break the rules, stop half-way or never read: nothing else may suffer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use parlor::base::Clock;
use parlor::relay::{Open, limits};
use parlor::rtmp::client::{Config, Event, Role, Session};

use crate::support::*;

fn connect(relay: &Relay) -> TcpStream {
    let stream = TcpStream::connect(relay.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Whether the other side closes (or resets) the connection.
fn is_closed(mut stream: &TcpStream) -> bool {
    let mut buffer = [0; 4096];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn garbage_is_thrown_out_and_a_call_beside_it_goes_on() {
    let relay = Relay::open();
    let (playback, publication) = (relay.play("s"), relay.publish("s"));
    let hello = {
        let mut hello = vec![0; 1537 + 1536];
        hello[0] = 3;
        hello
    };
    let noise: Vec<u8> = (0..20_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for (i, garbage) in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        vec![0x16, 3, 1, 2, 0],
        noise.clone(),
        [&hello[..], &noise].concat(),
        // A message that claims to have 16 MB.
        [&hello[..], &[3, 0, 0, 0, 0xff, 0xff, 0xff, 20, 0, 0, 0, 0], &noise].concat(),
    ]
    .into_iter()
    .enumerate()
    {
        let mut stream = connect(&relay);
        // It may be thrown out before all is written.
        let _ = stream.write_all(&garbage);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        assert!(is_closed(&stream), "garbage {i}");
        let packet = sound(i as u32);
        publication.send(packet.clone());
        assert_eq!(next(&playback), packet);
    }
    assert_eq!(relay.hub.stats().published, 1);
}

#[test]
fn a_handshake_that_stops_half_way_is_closed_in_time() {
    let relay = Relay::start(Clock::manual(Duration::from_secs(1_000)), Arc::new(Open));
    let mut stream = connect(&relay);
    stream.write_all(&[3, 0, 0]).unwrap();
    let mut answer = [0; 1];
    // Not closed before its time: nothing to read, no end.
    stream.set_read_timeout(Some(Duration::from_millis(1500))).unwrap();
    assert!(!matches!(stream.read(&mut answer), Ok(0)));
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    relay.clock.advance(limits::IDLE + Duration::from_secs(1));
    assert!(is_closed(&stream));
}

/// A player that has been accepted and reads nothing any more.
fn deaf_player(relay: &Relay, name: &str) -> TcpStream {
    let mut stream = connect(relay);
    let config = Config::new(Role::Play, &format!("rtmp://{}/live", relay.address), "live", name);
    let mut session = Session::new(config, Duration::ZERO);
    let mut buffer = [0; 4096];
    loop {
        while let Some(bytes) = session.poll_output() {
            stream.write_all(&bytes).unwrap();
        }
        let n = stream.read(&mut buffer).unwrap();
        session.receive(&buffer[..n], Duration::ZERO).unwrap();
        if std::iter::from_fn(|| session.poll_event()).any(|event| event == Event::Started) {
            return stream;
        }
    }
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[cfg(target_os = "linux")]
#[test]
fn a_player_that_never_reads_costs_little_memory_loses_pictures_and_is_closed_at_last() {
    let clock = Clock::manual(Duration::from_secs(1_000));
    let relay = Relay::start(clock, Arc::new(Open));
    let playback = relay.play("s");
    let publication = relay.publish("s");
    let deaf = deaf_player(&relay, "s");
    wait_until("both are there", || relay.readers("s") == 2);
    publication.send(config());
    next(&playback);
    let before = resident_bytes();
    // 240 MB in pictures of 100 kB, and sound.
    for i in 0..2400_u32 {
        let t = i * 33;
        let sent = if i % 30 == 0 { key_frame(t, 100_000) } else { inter_frame(t, 100_000) };
        publication.send(sent.clone());
        assert_eq!(next(&playback), sent);
        publication.send(sound(t));
        assert_eq!(next(&playback), sound(t));
        relay.clock.advance(Duration::from_micros(500));
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 40 << 20, "{} MB more", grown >> 20);
    let dropped = relay.hub.stream("s").unwrap().dropped;
    assert!(dropped.video > 1000, "{dropped:?}");

    wait_until("it is closed", || {
        publication.send(sound(1));
        relay.clock.advance(Duration::from_millis(50));
        relay.readers("s") == 1
    });
    assert!(playback.state().is_live());
    drop(deaf);
}
