//! A real ffmpeg at either end.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use parlor::base::Clock;
use parlor::relay::{Open, limits};
use parlor::rtmp::tag::{self, AudioBody, AudioCodec, VideoBody, VideoCodec};
use parlor::rtmp::{Packet, PacketKind};
use parlor::wire::link::{Error, Options, Publication};

use crate::support::*;

/// ffmpeg pushes the test source to `url`, in real time.
fn push(url: &str, seconds: &str) -> Program {
    let mut arguments = vec!["-v", "error", "-re"];
    arguments.extend(SOURCE);
    // `-re` holds for the input after it only.
    arguments.insert(7, "-re");
    arguments.extend(["-t", seconds, "-f", "flv", url]);
    Program::start("ffmpeg", &arguments)
}

fn pull(url: &str, to: &str) -> Program {
    Program::start("ffmpeg", &["-v", "error", "-y", "-i", url, "-c", "copy", "-f", "flv", to])
}

fn pictures_in(file: &str) -> usize {
    let arguments = [
        "-v",
        "error",
        "-select_streams",
        "v",
        "-count_frames",
        "-show_entries",
        "stream=nb_read_frames",
        "-of",
        "csv=p=0",
        file,
    ];
    let output = Command::new("ffprobe").args(arguments).output().expect("this test needs ffprobe");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().trim_end_matches(',').parse().unwrap_or_else(|_| panic!("ffprobe: {text}"))
}

#[test]
fn what_ffmpeg_pushes_is_received_whole_with_a_clean_end() {
    let relay = Relay::open();
    let playback = relay.play("s");
    let ffmpeg = push(&relay.url("s"), "2");
    let mut packets: Vec<Packet> = Vec::new();
    wait_until("the end is told", || {
        packets.extend(std::iter::from_fn(|| playback.packets().pop()).map(|(packet, _)| packet));
        playback.state().error().is_some() && playback.packets().is_empty()
    });
    assert!(matches!(playback.state().error(), Some(Error::Ended)), "{:?}", playback.state());
    assert!(ffmpeg.succeeds());

    let metadata = packets.iter().find(|p| p.kind == PacketKind::Data).unwrap();
    assert!(metadata.payload.starts_with(b"\x02\x00\x0aonMetaData"));
    let videos: Vec<_> = packets.iter().filter(|p| p.kind == PacketKind::Video).collect();
    let mut pictures = 0;
    for (i, packet) in videos.iter().enumerate() {
        let video = tag::Video::parse(&packet.payload).unwrap();
        assert_eq!(video.codec, VideoCodec::Avc);
        match video.body {
            VideoBody::SequenceHeader(record) => assert!(i == 0 && record.len() > 10),
            VideoBody::Coded { data, .. } => {
                assert_eq!(tag::is_key_frame(&packet.payload), pictures % 25 == 0, "picture {pictures}");
                assert!(data.len() > 10);
                pictures += 1;
            }
            VideoBody::End | VideoBody::Other => {}
        }
    }
    assert_eq!(pictures, 50);
    let sounds: Vec<_> = packets.iter().filter(|p| p.kind == PacketKind::Audio).collect();
    for (i, packet) in sounds.iter().enumerate() {
        let audio = tag::Audio::parse(&packet.payload).unwrap();
        assert_eq!(audio.codec, AudioCodec::Aac);
        assert_eq!(matches!(audio.body, AudioBody::SequenceHeader(_)), i == 0);
    }
    assert!((90..=100).contains(&sounds.len()), "{} sound packets in 2 s", sounds.len());
    for kind in [&videos, &sounds] {
        assert!(kind.windows(2).all(|pair| pair[0].timestamp_ms <= pair[1].timestamp_ms));
    }
}

#[test]
fn a_killed_ffmpeg_is_waited_for_and_its_successor_goes_on() {
    let relay = Relay::start(Clock::manual(Duration::from_secs(1_000)), Arc::new(Open));
    let playback = relay.play("s");
    for _ in 0..2 {
        let ffmpeg = push(&relay.url("s"), "600");
        while !tag::is_key_frame(&next(&playback).payload) {}
        ffmpeg.kill();
        wait_until("the break is noticed", || relay.hub.stream("s").is_some_and(|stream| !stream.published));
        while playback.packets().pop().is_some() {}
        assert!(playback.state().is_live());
    }
    relay.clock.advance(limits::LINGER + Duration::from_secs(1));
    wait_until("the wait is over", || matches!(playback.state().error(), Some(Error::Ended)));
}

#[test]
fn ffmpeg_pulls_what_we_publish_to_its_clean_end_and_to_a_cut() {
    let folder = tempfile::tempdir().unwrap();
    let packets = flv_packets(&flv_file(folder.path()));
    for clean in [true, false] {
        let relay = Relay::start(Clock::manual(Duration::from_secs(1_000)), Arc::new(Open));
        let elsewhere = runtime(1);
        let received = folder.path().join(format!("received-{clean}.flv"));
        let puller = pull(&relay.url("s"), received.to_str().unwrap());
        wait_until("ffmpeg waits", || relay.readers("s") == 1);
        let publication = Publication::start(elsewhere.handle(), &relay.url("s"), Options::default());
        wait_until("live", || publication.state().is_live());
        for packet in &packets {
            publication.send(packet.clone());
            std::thread::sleep(Duration::from_millis(2));
        }
        wait_until("all is with the relay", || relay.hub.stats().packets_in == packets.len() as u64);
        if clean {
            drop(publication);
        } else {
            elsewhere.shutdown_background();
            wait_until("the break is noticed", || relay.hub.stream("s").is_some_and(|stream| !stream.published));
            relay.clock.advance(limits::LINGER + Duration::from_secs(1));
        }
        assert!(puller.succeeds());
        assert_eq!(pictures_in(received.to_str().unwrap()), 50, "clean: {clean}");
    }
}

#[test]
fn a_killed_puller_disturbs_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let packets = flv_packets(&flv_file(folder.path()));
    let relay = Relay::open();
    let playback = relay.play("s");
    let puller = pull(&relay.url("s"), "/dev/null");
    wait_until("ffmpeg waits", || relay.readers("s") == 2);
    let publication = relay.publish("s");
    let mut puller = Some(puller);
    for (i, packet) in packets.iter().enumerate() {
        if i == packets.len() / 2 {
            puller.take().unwrap().kill();
            wait_until("it is gone", || relay.readers("s") == 1);
        }
        publication.send(packet.clone());
        let got = next(&playback);
        assert_eq!((got.kind, got.timestamp_ms, &got.payload), (packet.kind, packet.timestamp_ms, &packet.payload));
    }
    assert!(playback.state().is_live() && publication.state().is_live());
}
