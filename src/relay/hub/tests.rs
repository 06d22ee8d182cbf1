//! What readers get, and what publishers are told.

use super::*;
use crate::rtmp::{PacketKind, tag};
use bytes::Bytes;

const OURS: Manner = Manner { live: false, catches_up: true };
const WAIT: Duration = Duration::from_secs(30);

fn hub() -> (Hub, Clock) {
    let clock = Clock::manual(Duration::from_secs(1000));
    (Hub::new(clock.clone()), clock)
}

fn video(key: bool, timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms, payload: tag::avc_frame(key, 0, &[0; 100]) }
}

fn sound(timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Audio, timestamp_ms, payload: tag::opus_frame(&[1; 20]) }
}

fn config(timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms, payload: tag::avc_sequence_header(b"config") }
}

fn clock_message(timestamp_ms: u32) -> Packet {
    Packet { kind: PacketKind::Data, timestamp_ms, payload: Bytes::from_static(b"\x02\x00\x07onClock\x00\0\0\0\0\0\0\0\0") }
}

fn drain(reader: &Reader) -> Vec<Packet> {
    let mut all = Vec::new();
    while let Next::Packet(packet) = reader.pop() {
        all.push(packet);
    }
    all
}

/// What the publisher's connection would be told now.
fn told(publisher: &Publisher) -> Vec<Signal> {
    let mut all = Vec::new();
    while let Poll::Ready(signal) = publisher.control.poll(&mut Context::from_waker(std::task::Waker::noop())) {
        all.push(signal);
        if signal == Signal::Ended {
            break;
        }
    }
    all
}

#[test]
fn a_new_reader_gets_headers_first_sound_at_once_and_pictures_from_a_key_frame_it_asked_for() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    assert!(publisher.send(clock_message(0)));
    for packet in [config(0), video(true, 0), sound(5), video(false, 33)] {
        assert!(!publisher.send(packet));
    }
    assert_eq!(told(&publisher), []);
    clock.advance(Duration::from_secs(5));
    let reader = hub.play("s", WAIT).unwrap();
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    for packet in [video(false, 66), sound(70), video(true, 99), video(false, 132)] {
        publisher.send(packet);
    }
    assert_eq!(drain(&reader), [clock_message(33), config(33), sound(70), video(true, 99), video(false, 132)]);
    assert_eq!(hub.stream("s").unwrap().dropped, Dropped::default());
}

#[test]
fn whoever_comes_soon_after_a_key_frame_was_asked_for_catches_up_if_they_can_and_costs_no_other() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    publisher.send(config(0));
    let first = hub.play("s", WAIT).unwrap();
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    for packet in [video(true, 0), sound(5), video(false, 33)] {
        publisher.send(packet);
    }
    clock.advance(Duration::from_millis(500));
    let ours = hub.play_as("s", WAIT, OURS).unwrap();
    assert_eq!(drain(&ours), [config(33), video(true, 0), video(false, 33)]);
    assert_eq!(told(&publisher), []);
    let other = hub.play("s", WAIT).unwrap();
    assert_eq!((drain(&other), told(&publisher)), (vec![config(33)], vec![]));
    publisher.send(video(false, 66));
    assert_eq!((drain(&ours), drain(&other)), (vec![video(false, 66)], vec![]));
    clock.advance(Duration::from_millis(600));
    let late = hub.play_as("s", WAIT, OURS).unwrap();
    assert_eq!((drain(&late), told(&publisher)), (vec![config(66)], vec![Signal::KeyFrame]));
    assert!(!drain(&first).is_empty());
}

#[test]
fn whoever_comes_just_after_a_publishers_first_key_frame_sees_it() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    for packet in [config(0), video(true, 0), video(false, 33)] {
        publisher.send(packet);
    }
    clock.advance(Duration::from_millis(300));
    let ours = hub.play_as("s", WAIT, OURS).unwrap();
    assert_eq!((drain(&ours), told(&publisher)), (vec![config(33), video(true, 0), video(false, 33)], vec![]));
    clock.advance(Duration::from_millis(800));
    let late = hub.play_as("s", WAIT, OURS).unwrap();
    assert_eq!((drain(&late), told(&publisher)), (vec![config(33)], vec![Signal::KeyFrame]));
}

#[test]
fn a_publisher_is_told_the_worst_of_what_members_tell_and_not_too_often() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    let [first, second] = [(); 2].map(|()| hub.play_as("s", WAIT, OURS).unwrap());
    let other = hub.play("s", WAIT).unwrap();
    let told = || told(&publisher);
    let of = |late_ms| Reception { late_ms, kbps: 500 };
    other.report(of(900));
    assert_eq!(told(), [], "who is no client of ours is no member of a call");
    first.report(of(100));
    assert_eq!(told(), [Signal::Reception(of(100))]);
    first.report(of(200));
    second.report(of(300));
    first.report(of(250));
    assert_eq!(told(), []);
    clock.advance(limits::REPORT_INTERVAL);
    first.report(of(50));
    assert_eq!(told(), [Signal::Reception(of(300))]);
    // One that takes nothing cannot tell; that its packets wait is seen here.
    clock.advance(Duration::from_secs(1));
    publisher.send(config(0));
    publisher.send(video(true, 0));
    clock.advance(limits::LAG * 2);
    publisher.send(video(false, 200));
    let late = limits::LAG.as_millis() as u32 * 2;
    assert!(told().contains(&Signal::Reception(Reception { late_ms: late, kbps: 0 })));
    // In a live stream nobody is asked: there may be thousands.
    let live = hub.publish_as("l", "anna", Manner { live: true, catches_up: false }).unwrap();
    hub.play_as("l", WAIT, Manner { live: true, catches_up: true }).unwrap().report(of(700));
    assert!(matches!(live.control.poll(&mut Context::from_waker(std::task::Waker::noop())), Poll::Pending));
}

const LIVE: Manner = Manner { live: true, catches_up: false };

#[test]
fn whoever_comes_to_a_live_stream_gets_the_group_that_is_running() {
    let (hub, clock) = hub();
    let publisher = hub.publish_as("s", "anna", LIVE).unwrap();
    for packet in [config(0), video(true, 0), sound(5), video(false, 33)] {
        publisher.send(packet);
        clock.advance(limits::GATHER);
    }
    clock.advance(Duration::from_secs(5));
    let viewer = hub.play_as("s", WAIT, LIVE).unwrap();
    assert_eq!(drain(&viewer), [config(33), video(true, 0), video(false, 33)]);
    assert_eq!(told(&publisher), []);
}

#[tokio::test]
async fn packets_of_a_live_stream_wait_a_little_for_each_other_and_are_handed_out_on_time() {
    let hub = Hub::new(Clock::system());
    let publisher = hub.publish_as("s", "anna", LIVE).unwrap();
    let viewer = hub.play_as("s", WAIT, LIVE).unwrap();
    for packet in [config(0), video(true, 1), sound(2)] {
        publisher.send(packet);
    }
    tokio::select! {
        signal = publisher.signal() => panic!("{signal:?}"),
        () = async {
            while viewer.1.dropped() == Dropped::default() && matches!(viewer.pop(), Next::Nothing) {
                viewer.ready().await;
            }
        } => {}
    }
    assert_eq!(drain(&viewer).len(), 2, "all came together");
    for i in 0..=limits::GATHERED {
        publisher.send(sound(i as u32));
    }
    assert!(drain(&viewer).len() >= limits::GATHERED, "many are not kept");
    publisher.send(sound(99));
    publisher.finish(Parting::Clean);
    assert_eq!(drain(&viewer).last(), Some(&sound(99)));
}

#[test]
fn payloads_are_shared_not_copied() {
    let (hub, _) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    let readers = [hub.play("s", WAIT).unwrap(), hub.play("s", WAIT).unwrap()];
    let packet = sound(1);
    publisher.send(packet.clone());
    let payloads = readers.each_ref().map(|reader| match reader.pop() {
        Next::Packet(got) => got.payload,
        _ => panic!("nothing came"),
    });
    assert_eq!((&payloads[0], payloads[0].as_ptr()), (&packet.payload, payloads[1].as_ptr()));
}

#[test]
fn key_frames_are_asked_for_once_a_second_for_all_readers_together_and_no_wish_is_lost() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    publisher.send(video(true, 0));
    let first = hub.play("s", WAIT).unwrap();
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    let second = hub.play("s", WAIT).unwrap();
    first.request_key_frame();
    assert_eq!(told(&publisher), []);
    publisher.send(video(true, 100)); // satisfies both
    assert_eq!((drain(&first), drain(&second)), (vec![video(true, 100)], vec![video(true, 100)]));
    clock.advance(Duration::from_secs(2));
    publisher.send(video(false, 2000));
    assert_eq!(told(&publisher), []);

    first.request_key_frame();
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    publisher.send(video(true, 2100));
    clock.advance(Duration::from_millis(100));
    let _third = hub.play("s", WAIT).unwrap();
    publisher.send(video(false, 2200));
    assert_eq!(told(&publisher), []);
    drain(&first);
    drain(&second);
    clock.advance(Duration::from_millis(900));
    publisher.send(sound(3000)); // the wish of the third is still there
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    assert_eq!(hub.stream("s").unwrap().key_frames_requested, 3);
}

#[test]
fn a_publisher_without_pictures_is_not_asked_for_any() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    let _reader = hub.play("s", WAIT).unwrap();
    for t in 0..5 {
        publisher.send(sound(t));
        clock.advance(Duration::from_secs(1));
    }
    assert_eq!(told(&publisher), []);
}

#[test]
fn a_slow_reader_loses_pictures_and_is_counted_while_others_lose_nothing() {
    let (hub, clock) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    publisher.send(video(true, 0));
    let (quick, slow) = (hub.play("s", WAIT).unwrap(), hub.play("s", WAIT).unwrap());
    publisher.send(video(true, 0));
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    clock.advance(Duration::from_secs(2));
    let mut seen = drain(&quick).len();
    drain(&slow);
    for t in 1..=50 {
        publisher.send(video(false, t * 10));
        publisher.send(sound(t * 10));
        seen += drain(&quick).len();
        clock.advance(Duration::from_millis(10));
    }
    assert_eq!(seen, 101);
    assert_eq!(told(&publisher), [Signal::KeyFrame]);
    let late = drain(&slow);
    assert_eq!((late.len(), late.iter().all(|p| p.kind == PacketKind::Audio)), (50, true));
    assert_eq!(hub.stream("s").unwrap().dropped, Dropped { video: 50, ..Dropped::default() });
    publisher.send(video(true, 600));
    publisher.send(video(false, 610));
    assert_eq!(drain(&slow), [video(true, 600), video(false, 610)]);
    drop(slow);
    assert_eq!(hub.stats().dropped.video, 50);
}

#[test]
fn the_first_publisher_wins_but_its_owner_may_come_back() {
    let (hub, clock) = hub();
    let first = hub.publish("s", "anna").unwrap();
    first.send(sound(0));
    assert_eq!(hub.publish("s", "ben").err(), Some(Busy::Taken));
    assert_eq!(hub.publish("s", "").err(), Some(Busy::Taken));
    let reader = hub.play("s", WAIT).unwrap();
    drain(&reader);
    let second = hub.publish("s", "anna").unwrap();
    assert_eq!(told(&first), [Signal::Ended]);
    assert!(!first.send(sound(1)), "the old connection has no say any more");
    assert!(!first.finish(Parting::Clean), "and does not stop the stream");
    drop(first);
    second.send(config(0));
    second.send(video(false, 5));
    second.send(video(true, 10));
    assert_eq!(drain(&reader), [config(0), video(true, 10)]);
    assert!(hub.is_live("s"));

    // Nobody's publisher that has gone silent can be replaced by anyone.
    clock.advance(limits::TAKEOVER_SILENCE);
    assert!(hub.publish("s", "").is_ok());
}

#[test]
fn a_reader_may_come_before_its_publisher_and_waits_as_long_as_it_may() {
    let (hub, clock) = hub();
    let (patient, hasty) = (hub.play("s", WAIT * 2).unwrap(), hub.play("s", WAIT).unwrap());
    clock.advance(WAIT + Duration::from_millis(1));
    patient.tick();
    hasty.tick();
    assert_eq!((patient.pop(), hasty.pop()), (Next::Nothing, Next::Ended));
    drop(hasty);
    let publisher = hub.publish("s", "anna").unwrap();
    for packet in [config(0), video(true, 0)] {
        publisher.send(packet);
    }
    clock.advance(WAIT * 9);
    patient.tick();
    assert_eq!(drain(&patient), [config(0), video(true, 0)]);
    assert_eq!(patient.pop(), Next::Nothing);
}

#[test]
fn readers_outlive_a_broken_publisher_for_a_while_and_a_clean_end_not_at_all() {
    let (hub, clock) = hub();
    let reader = hub.play("s", WAIT).unwrap();
    let publisher = hub.publish("s", "anna").unwrap();
    publisher.send(video(true, 5000));
    assert_eq!(drain(&reader), [video(true, 5000)]);
    assert!(publisher.finish(Parting::Broken));
    drop(publisher);
    assert!(!hub.is_live("s"));
    clock.advance(limits::LINGER);
    reader.tick();
    let publisher = hub.publish("s", "ben").unwrap();
    publisher.send(video(false, 0));
    publisher.send(video(true, 1));
    assert_eq!(drain(&reader), [video(true, 1)]);
    drop(publisher);
    clock.advance(limits::LINGER + Duration::from_millis(1));
    reader.tick();
    assert_eq!(reader.pop(), Next::Ended);
    drop(reader);

    let publisher = hub.publish("s", "anna").unwrap();
    let reader = hub.play("s", WAIT).unwrap();
    publisher.send(sound(0));
    assert!(publisher.finish(Parting::Clean));
    assert_eq!((reader.pop(), reader.pop()), (Next::Packet(sound(0)), Next::Ended));
}

#[test]
fn a_stream_is_live_while_packets_come() {
    let (hub, clock) = hub();
    assert!(!hub.is_live("s"));
    let publisher = hub.publish("s", "anna").unwrap();
    assert!(!hub.is_live("s"), "nothing has come yet");
    publisher.send(sound(0));
    assert!(hub.is_live("s"));
    clock.advance(limits::LIVE + Duration::from_millis(1));
    assert!(!hub.is_live("s"));
}

#[test]
fn a_kick_ends_publisher_and_readers_and_frees_the_name() {
    let (hub, _) = hub();
    let publisher = hub.publish("s", "anna").unwrap();
    let reader = hub.play("s", WAIT).unwrap();
    publisher.send(sound(0));
    drain(&reader);
    hub.kick("s");
    hub.kick("unknown");
    assert_eq!((told(&publisher), reader.pop(), hub.is_live("s")), (vec![Signal::Ended], Next::Ended, false));
    assert!(hub.publish("s", "ben").is_ok());
}

#[test]
fn streams_are_bounded_and_leave_nothing_behind() {
    let (hub, _) = hub();
    let readers: Vec<_> = (0..limits::STREAMS).map(|i| hub.play(&i.to_string(), WAIT).unwrap()).collect();
    assert_eq!(hub.publish("one more", "").err(), Some(Busy::Full));
    drop(readers);
    assert_eq!(lock(&hub.0.streams).len(), 0);
    drop(hub.publish("one more", "").unwrap());
    assert_eq!(lock(&hub.0.streams).len(), 0);
    assert_eq!(hub.stats(), Stats::default());
}
