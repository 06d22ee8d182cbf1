//! Slow networks: sound first, and the publisher hears of it.

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use parlor::base::Clock;
use parlor::rtmp::PacketKind;
use parlor::wire::link::{Options, Playback, Publication};
use socket2::SockRef;

use crate::support::*;

/// A way to the relay that carries so many kilobits a second in each direction, and holds next to nothing. Its threads end with the
/// connections.
fn narrow(relay: SocketAddr, kbps: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    // The connections accepted inherit it.
    SockRef::from(&listener).set_recv_buffer_size(4096).unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let far = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            far.set_recv_buffer_size(4096).unwrap();
            far.connect(&relay.into()).unwrap();
            let far = TcpStream::from(far);
            for (from, to) in [(&near, &far), (&far, &near)] {
                SockRef::from(to).set_tcp_nodelay(true).unwrap();
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                std::thread::spawn(move || copy(from, to, kbps));
            }
        }
    });
    address
}

fn copy(mut from: TcpStream, mut to: TcpStream, kbps: usize) {
    use std::io::{Read, Write};
    let mut buffer = [0; 1000];
    let (begun, mut taken) = (Instant::now(), Duration::ZERO);
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        // What was not used of the time before is lost, as on a line.
        taken = taken.max(begun.elapsed()) + Duration::from_secs_f64(n as f64 * 8.0 / 1000.0 / kbps as f64);
        std::thread::sleep(taken.saturating_sub(begun.elapsed()));
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

/// How long sounds take that are sent after a key frame of 200 kB, in milliseconds, sorted; and the key frame itself.
fn behind_a_key_frame(publication: &Publication, playback: &Playback) -> (Vec<u64>, u64) {
    let clock = Clock::system();
    let first = clock.now();
    publication.send(config());
    publication.send(key_frame(0, 200_000));
    let mut sent = Vec::new();
    for n in 0..40_u32 {
        std::thread::sleep(Duration::from_millis(20));
        sent.push(clock.now());
        publication.send(sound(n));
    }
    let (mut waits, mut picture) = (Vec::new(), None);
    while waits.len() < sent.len() || picture.is_none() {
        let (packet, arrived) = playback.packets().pop_within(PATIENCE).expect("nothing more came");
        match packet.kind {
            PacketKind::Audio => {
                waits.push(arrived.saturating_sub(sent[packet.timestamp_ms as usize]).as_millis() as u64);
            }
            PacketKind::Video if packet.payload.len() > 100_000 => {
                picture = Some(arrived.saturating_sub(first).as_millis() as u64);
            }
            _ => {}
        }
    }
    waits.sort_unstable();
    (waits, picture.unwrap())
}

#[test]
fn sound_does_not_wait_for_a_key_frame_on_the_way_to_the_relay_nor_from_there() {
    let relay = Relay::open();
    let way = narrow(relay.address, 1000);
    let url = |name| format!("rtmp://{way}/live/{name}");
    let slow_publication = Publication::start(relay.runtime.handle(), &url("up"), Options::default());
    wait_until("it is live", || slow_publication.state().is_live());
    let slow_playback = Playback::start(relay.runtime.handle(), &url("down"), Options::default());
    wait_until("it waits", || relay.readers("down") == 1);
    let (up, down) = (relay.play("up"), relay.publish("down"));
    for (publication, playback) in [(&slow_publication, &up), (&down, &slow_playback)] {
        let (waits, picture) = behind_a_key_frame(publication, playback);
        let (median, most) = (waits[waits.len() / 2], waits[waits.len() - 1]);
        println!("sound waited {median} ms in the middle, {most} ms at most, for a key frame that took {picture} ms");
        // 200 kB take 1600 ms.
        assert!(picture > 1000, "the way is not slow: {picture} ms");
        assert!(median < 500 && most < 900, "sound waited {waits:?} ms");
    }
}

#[test]
fn a_publisher_hears_that_its_own_way_or_somebody_elses_is_too_slow() {
    let relay = Relay::open();
    let way = narrow(relay.address, 400);
    let slow = Playback::start(relay.runtime.handle(), &format!("rtmp://{way}/live/s"), Options::default());
    wait_until("it waits", || relay.readers("s") == 1);
    let publication = relay.publish("s");
    publication.send(config());
    let begun = Instant::now();
    let mut number = 0;
    // 730 kbit/s, for as long as it takes.
    let told = loop {
        let timestamp_ms = number * 33;
        publication.send(if number == 0 { key_frame(0, 3000) } else { inter_frame(timestamp_ms, 3000) });
        number += 1;
        std::thread::sleep(Duration::from_millis(timestamp_ms.into()).saturating_sub(begun.elapsed()));
        while slow.packets().pop().is_some() {}
        if let Some((reception, _)) = publication.congestion().reception.filter(|(told, _)| told.late_ms > 90) {
            break reception;
        }
        assert!(begun.elapsed() < PATIENCE, "nothing was told");
    };
    assert!(told.late_ms < 2000, "{told:?}");
    let line = publication.congestion().line.expect("the way to a relay of ours is known");
    assert!(line.bytes < 100_000, "{line:?}");

    let own = Publication::start(relay.runtime.handle(), &format!("rtmp://{way}/live/own"), Options::default());
    wait_until("it is live", || own.state().is_live());
    own.expect_rate(750.0);
    own.send(config());
    let begun = Instant::now();
    for number in 0.. {
        own.send(if number == 0 { key_frame(0, 3000) } else { inter_frame(number * 33, 3000) });
        std::thread::sleep(Duration::from_millis((number * 33).into()).saturating_sub(begun.elapsed()));
        let line = own.congestion().line.unwrap();
        if line.late > Duration::from_millis(100) && line.kbps.is_some_and(|kbps| (200..600).contains(&kbps)) {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "never late: {line:?}");
    }
}
