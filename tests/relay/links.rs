//! Our own links through the relay.

use std::io::Read;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor::base::Clock;
use parlor::relay::{Answer, Grant, Open, Policy, Request, limits};
use parlor::rtmp::{PacketKind, tag};
use parlor::wire::link::{Error, Options, Playback, Publication};

use crate::support::*;

#[test]
fn packets_of_all_kinds_and_sizes_arrive_whole_and_in_order() {
    let relay = Relay::open();
    let playback = relay.play("s");
    let publication = relay.publish("s");
    let mut sent = vec![config(), packet(PacketKind::Data, 0, &b"\x02\x00\x07onClock\x00\0\0\0\0\0\0\0\0"[..])];
    for i in 0..400_u32 {
        // Around 4 h 39 min, where timestamps outgrow 24 bits.
        let t = 0x00ff_ff00 + i * 10;
        sent.push(match i % 20 {
            0 => key_frame(t, 40_000),
            5 => packet(PacketKind::Video, t, vec![0x91, b'x', b'y', b'z', b'1', i as u8]),
            7 => packet(PacketKind::Audio, t, vec![0x91, b'q', b'q', b'q', b'q', i as u8]),
            9 => packet(PacketKind::Data, t, vec![2, 0, 1, b'x', 5]),
            11 => packet(PacketKind::Video, t, vec![0xa6, i as u8]),
            n if n % 2 == 0 => inter_frame(t, 10 << (i % 10)),
            _ => sound(t),
        });
    }
    for (i, packet) in sent.iter().enumerate() {
        publication.send(packet.clone());
        assert_eq!(next(&playback), *packet, "packet {i}");
    }
    // And many at once.
    for packet in &sent {
        publication.send(packet.clone());
    }
    // Sound passes pictures then, and nothing else passes anything.
    let of = |video: bool| sent.iter().filter(|p| (p.kind == PacketKind::Video) == video).cloned().collect::<Vec<_>>();
    let expected = [of(true), of(false)];
    let mut came = [Vec::new(), Vec::new()];
    for _ in 0..sent.len() {
        let packet = next(&playback);
        came[usize::from(packet.kind != PacketKind::Video)].push(packet);
    }
    assert_eq!(came, expected);
    assert_eq!(publication.stats().dropped, Default::default());
    assert_eq!(relay.hub.stats().packets_in, sent.len() as u64 * 2);
    assert!(relay.hub.is_live("s"));
    drop(publication);
    wait_until("the end is told", || matches!(playback.state().error(), Some(Error::Ended)));
    assert!(!relay.hub.is_live("s"));
}

#[test]
fn a_late_reader_gets_headers_sound_at_once_and_the_key_frame_it_made_the_publisher_send() {
    let relay = Relay::open();
    let publication = relay.publish("s");
    for packet in [config(), key_frame(0, 1000), sound(5), inter_frame(33, 100)] {
        publication.send(packet);
    }
    wait_until("all is with the relay", || relay.hub.stats().packets_in == 4);
    assert!(!publication.take_key_frame_request());
    // While the key frame is younger than this, nobody asks for another: it is caught up with instead.
    std::thread::sleep(2 * limits::KEY_FRAME_INTERVAL);
    let playback = relay.play("s");
    wait_until("a key frame is asked for", || publication.take_key_frame_request());
    assert!(!publication.take_key_frame_request(), "once");
    for packet in [inter_frame(66, 100), sound(70), key_frame(100, 1000), inter_frame(133, 100)] {
        publication.send(packet);
    }
    let header = next(&playback);
    assert_eq!((header.payload, header.timestamp_ms), (config().payload, 33));
    assert_eq!(next(&playback), sound(70));
    assert_eq!(next(&playback), key_frame(100, 1000));
    assert_eq!(next(&playback), inter_frame(133, 100));

    std::thread::sleep(limits::KEY_FRAME_INTERVAL);
    playback.request_key_frame();
    wait_until("a key frame is asked for again", || publication.take_key_frame_request());
}

#[test]
fn the_first_publisher_wins_and_its_owner_takes_over_from_itself() {
    let relay = Relay::start(Clock::system(), Arc::new(Named));
    let playback = relay.play("s?token=guest");
    assert_eq!(relay.readers("s"), 1);
    let first = relay.publish("s?token=anna");
    first.send(sound(1));
    assert_eq!(next(&playback), sound(1));

    let thief = Publication::start(relay.runtime.handle(), &relay.url("s?token=ben"), Options::default());
    wait_until(
        "the second is refused",
        || matches!(thief.state().error(), Some(Error::Refused { code, .. }) if code == "NetStream.Publish.BadName"),
    );
    first.send(sound(2));
    assert_eq!(next(&playback), sound(2));

    let again = relay.publish("s?token=anna");
    wait_until("the old connection is closed", || matches!(first.state().error(), Some(Error::Ended)));
    again.send(sound(3));
    assert_eq!(next(&playback), sound(3));
    assert!(playback.state().is_live(), "readers stay");
}

#[test]
fn who_may_not_is_told_why() {
    let relay = Relay::start(Clock::system(), Arc::new(Named));
    let url = relay.url("s?token=");
    let publication = Publication::start(relay.runtime.handle(), &url, Options::default());
    let playback = Playback::start(relay.runtime.handle(), &url, Options::default());
    for state in [publication.watch(), playback.watch()] {
        wait_until("it is refused", || {
            let state = state.borrow();
            matches!(state.error(), Some(Error::Refused { description, .. }) if description.contains("not valid"))
        });
    }
    assert_eq!(relay.hub.stats().readers, 0);
}

#[test]
fn a_kick_and_a_shutdown_reach_everyone() {
    let relay = Relay::open();
    let (playback, publication) = (relay.play("s"), relay.publish("s"));
    publication.send(sound(0));
    next(&playback);
    relay.hub.kick("s");
    let told = |state: &parlor::wire::link::State| matches!(state.error(), Some(Error::Ended));
    wait_until("both are told", || told(&playback.state()) && told(&publication.state()));
    let (playback, publication) = (relay.play("t"), relay.publish("t"));
    relay.shut_down();
    wait_until("both are told again", || told(&playback.state()) && told(&publication.state()));
}

#[test]
fn a_publisher_that_is_cut_off_may_return_within_five_seconds() {
    let clock = Clock::manual(Duration::from_secs(1_000));
    let relay = Relay::start(clock, Arc::new(Open));
    let playback = relay.play("s");
    let elsewhere = runtime(1);
    let publication = Publication::start(elsewhere.handle(), &relay.url("s"), Options::default());
    wait_until("live", || publication.state().is_live());
    publication.send(sound(9));
    assert_eq!(next(&playback), sound(9));
    elsewhere.shutdown_background(); // its socket closes without a word
    wait_until("the relay has noticed", || relay.hub.stream("s").is_some_and(|stream| !stream.published));
    relay.clock.advance(limits::LINGER);
    let publication = relay.publish("s");
    publication.send(sound(1));
    assert_eq!(next(&playback), sound(1));
    assert!(playback.state().is_live());
}

#[test]
fn an_idle_publisher_and_a_reader_without_one_are_sent_away_in_time() {
    let relay = Relay::start(Clock::manual(Duration::from_secs(1_000)), Arc::new(Open));
    let (playback, publication) = (relay.play("nobody"), relay.publish("silent"));
    relay.clock.advance(limits::PENDING + Duration::from_secs(1));
    wait_until("both are told", || playback.state().error().is_some() && publication.state().error().is_some());
}

#[test]
fn a_dead_network_is_noticed_and_holds_nobody_up() {
    let relay = runtime(1);
    // Nobody ever accepts: the system does, and takes the handshake.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("rtmp://{}/live/s", listener.local_addr().unwrap());
    let options = Options { timeout: Duration::from_millis(700), ..Options::default() };
    let (publication, playback) =
        (Publication::start(relay.handle(), &url, options.clone()), Playback::start(relay.handle(), &url, options));
    for t in 0..1000 {
        publication.send(key_frame(t, 10_000));
    }
    assert!(publication.congestion().queue_bytes <= 2 << 20);
    wait_until("both give up", || {
        let both = [publication.state(), playback.state()];
        both.iter().all(|state| matches!(state.error(), Some(Error::Timeout)))
    });
    let stuck = Publication::start(relay.handle(), &url, Options::default());
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    drop(stuck);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());

    let unreachable = Publication::start(relay.handle(), "rtmp://127.0.0.1:1/live/s", Options::default());
    wait_until("nobody is there", || matches!(unreachable.state().error(), Some(Error::Unreachable(_))));
    let nonsense = Playback::start(relay.handle(), "http://127.0.0.1/", Options::default());
    wait_until("no address", || matches!(nonsense.state().error(), Some(Error::Url(_))));
    drop(listener);
}

#[test]
fn a_server_that_speaks_something_else_is_a_protocol_error_and_one_that_hangs_up_is_told_apart() {
    let runtime = runtime(1);
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("rtmp://{}/live/s", listener.local_addr().unwrap());
        let playback = Playback::start(runtime.handle(), &url, Options::default());
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 1537]).unwrap();
        std::io::Write::write_all(&mut stream, answer).unwrap();
        drop(stream);
        wait_until("it is over", || playback.state().error().is_some());
        match playback.state().error() {
            Some(Error::Protocol(_)) if !answer.is_empty() => {}
            Some(Error::ClosedByPeer) if answer.is_empty() => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A measurement, printed: `cargo test --test relay latency -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn latency_through_the_relay() {
    let relay = Relay::open();
    let elsewhere = runtime(2);
    for readers in [1, 3] {
        let name = format!("s{readers}");
        let playbacks: Vec<_> =
            (0..readers).map(|_| Playback::start(elsewhere.handle(), &relay.url(&name), Options::default())).collect();
        wait_until("readers are there", || relay.readers(&name) == readers);
        let publication = Publication::start(elsewhere.handle(), &relay.url(&name), Options::default());
        wait_until("live", || publication.state().is_live());
        publication.send(config());
        let clock = Clock::system();
        let mut delays = Vec::new();
        for i in 0..300_u32 {
            let sent = clock.now();
            // 1 Mbit/s at 30 fps: a key frame of 30 kB each second, 4 kB between.
            publication.send(if i % 30 == 0 { key_frame(i * 33, 30_000) } else { inter_frame(i * 33, 4_000) });
            for playback in &playbacks {
                loop {
                    let (packet, arrived) = playback.packets().pop_within(PATIENCE).unwrap();
                    if packet.kind == PacketKind::Video && !tag::is_video_sequence_header(&packet.payload) {
                        delays.push(arrived - sent);
                        break;
                    }
                }
            }
            std::thread::sleep(Duration::from_millis(33).saturating_sub(clock.now() - sent));
        }
        delays.sort();
        let at = |p: usize| delays[(delays.len() - 1) * p / 100];
        println!("{readers} readers: p50 {:?} p95 {:?} p99 {:?} max {:?}", at(50), at(95), at(99), at(100));
    }
}

/// Everybody may publish 1000 kbit/s.
struct Narrow;

impl Policy for Narrow {
    fn authorize(&self, _: Request) -> Answer {
        Box::pin(std::future::ready(Ok(Grant { owner: String::new(), wait: PATIENCE, live: false, max_kbps: 1000 })))
    }
}

#[test]
fn a_publisher_that_sends_far_more_than_it_may_is_sent_away_with_a_sentence_and_one_with_a_burst_is_not() {
    let relay = Relay::start(Clock::manual(Duration::from_secs(1_000)), Arc::new(Narrow));
    let playback = relay.play("s");
    let (modest, greedy) = (relay.publish("s"), relay.publish("t"));
    wait_until("the greedy one is sent away", || {
        // 800 and 8000 kbit/s, by a clock of five times the speed.
        for t in 0..10 {
            modest.send(sound(t));
            greedy.send(key_frame(t, 10_000));
        }
        modest.send(key_frame(0, 10_000));
        relay.clock.advance(Duration::from_millis(100));
        std::thread::sleep(Duration::from_millis(20));
        while playback.packets().pop().is_some() {}
        greedy.state().error().is_some()
    });
    let state = greedy.state();
    let told = matches!(state.error(), Some(Error::Refused { description, .. }) if description.contains("1000 kbit/s"));
    assert!(told, "{state:?}");
    assert!(modest.state().is_live() && playback.state().is_live());
}
