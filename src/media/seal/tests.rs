use super::wire::OVERHEAD;
use super::*;
use crate::rtmp::{Packet, PacketKind, tag};
use bytes::Bytes;
use proptest::prelude::*;

const ROOM: [u8; 32] = {
    let mut key = [0; 32];
    let mut i = 0;
    while i < 32 {
        key[i] = i as u8;
        i += 1;
    }
    key
};

fn key() -> StreamKey {
    StreamKey::new(SecretKey::new(ROOM), "member")
}

fn opener() -> Opener {
    Opener::new(Some(key()))
}

fn video(timestamp_ms: u32, payload: Bytes) -> Packet {
    Packet { kind: PacketKind::Video, timestamp_ms, payload }
}

fn picture(n: u32) -> Packet {
    video(n, tag::avc_frame(n.is_multiple_of(10), 0, &n.to_be_bytes()))
}

fn sound(n: u32) -> Packet {
    Packet { kind: PacketKind::Audio, timestamp_ms: n, payload: tag::opus_frame(b"sound") }
}

fn opened(opener: &Opener, packet: &Packet) -> Vec<Packet> {
    opener.open(packet.clone()).into_iter().flatten().collect()
}

fn sealed(sealer: &Sealer, packet: Packet) -> Packet {
    sealer.seal(packet).unwrap()
}

/// Made by another implementation: the Python package `cryptography`, from the words at the door of the module.
#[test]
fn packets_are_sealed_as_it_is_written() {
    let hex = |text: &str| -> Vec<u8> {
        text.as_bytes().chunks(2).map(|two| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    };
    let sealer = Sealer::with_salt(&key(), std::array::from_fn(|i| i as u8));
    let header = video(0x0102_0304, tag::avc_sequence_header(b"config"));
    assert_eq!(sealed(&sealer, header.clone()), header);
    let opener = opener();
    assert!(opened(&opener, &header).is_empty(), "not before something proves it");
    for (plain, expected) in [
        (
            video(0x0102_0304, tag::avc_frame(true, 40, b"picture")),
            "1701000028000000281ee2ee10000102030405060708090a0b008b8d773259e783a6e30b41502e446f89ac10a47b9c1a78",
        ),
        (
            video(0x0102_0325, tag::avc_frame(false, 0, b"next")),
            "2701000000000000251ee2ee10000102030405060708090a0b01f524db104cf77c5cdd0e0ba16429875ff6d971b1",
        ),
        (sound(7), "914f707573e2ee10000102030405060708090a0b00ddcb415e4090bc5073a5482a11e736c14ffb59e9ee"),
    ] {
        let packet = sealed(&sealer, plain.clone());
        assert_eq!(packet, Packet { payload: hex(expected).into(), ..plain.clone() });
        let mut opened = opened(&opener, &packet);
        assert_eq!(opened.pop(), Some(plain.clone()));
        assert_eq!(opened.pop(), (packet.timestamp_ms == header.timestamp_ms).then(|| header.clone()));
    }
    assert_eq!(opener.trouble(), None);
}

#[test]
fn relays_still_see_key_frames_and_headers_and_the_clock_passes() {
    let sealer = Sealer::new(&key());
    assert!(tag::is_key_frame(&sealed(&sealer, picture(0)).payload) && !tag::is_key_frame(&sealed(&sealer, picture(1)).payload));
    let clock = crate::media::timing::on_clock(5, 6);
    assert_eq!(opened(&opener(), &sealed(&sealer, clock.clone())), [clock]);
    let odd = video(1, Bytes::from_static(b"\x57\0"));
    assert_eq!(sealer.seal(odd), None, "what cannot be sealed is not sent");
}

#[test]
fn what_is_moved_changed_or_somebody_elses_is_refused() {
    let sealer = Sealer::new(&key());
    let packet = sealed(&sealer, picture(0));
    let refused = |opener: &Opener, packet: &Packet, why| {
        assert!(opened(opener, packet).is_empty(), "{why}");
        assert_eq!(opener.trouble(), Some(Trouble::KeyWrong), "{why}");
    };
    refused(&opener(), &Packet { timestamp_ms: 1, ..packet.clone() }, "another time");
    let mut inter = packet.payload.to_vec();
    inter[0] = 0x27;
    refused(&opener(), &Packet { payload: inter.into(), ..packet.clone() }, "no key frame any more");
    let other = Opener::new(Some(StreamKey::new(SecretKey::new(ROOM), "another member")));
    refused(&other, &packet, "another member");
    refused(&Opener::new(Some(StreamKey::new(SecretKey::random(), "member"))), &packet, "another room");
    let tricked = opener();
    assert!(opened(&tricked, &video(0, tag::avc_sequence_header(b"made up"))).is_empty());
    refused(&tricked, &packet, "a sequence header that the publisher did not send");

    let none = Opener::default();
    assert!(opened(&none, &packet).is_empty());
    assert_eq!(none.trouble(), Some(Trouble::KeyMissing));
    assert_eq!(opened(&none, &picture(0)), [picture(0)]);
    assert_eq!(none.trouble(), None);
    let ours = opener();
    assert!(opened(&ours, &picture(0)).is_empty());
    assert_eq!(ours.trouble(), Some(Trouble::NotSealed));
    assert_eq!(opened(&ours, &packet), [picture(0)]);
    assert_eq!(ours.trouble(), None);
}

#[test]
fn nothing_is_played_twice_but_the_last_seconds_after_a_new_connection() {
    let (first, second, opener) = (Sealer::new(&key()), Sealer::new(&key()), opener());
    let pictures: Vec<Packet> = (0..1000).map(|n| sealed(&first, picture(n))).collect();
    let noises: Vec<Packet> = (0..3).map(|n| sealed(&first, sound(n))).collect();
    for packet in pictures.iter().chain(&noises) {
        assert_eq!(opened(&opener, packet).len(), 1);
        assert!(opened(&opener, packet).is_empty());
    }
    assert!(opened(&opener, &pictures[500]).is_empty());
    opener.restart();
    assert!(opened(&opener, &pictures[399]).is_empty(), "too old");
    assert_eq!(opened(&opener, &pictures[990]).len(), 1, "the relay begins with the last key frame");
    assert_eq!(opened(&opener, &pictures[995]).len(), 1, "some may be missing");
    assert!(opened(&opener, &pictures[991]).is_empty());
    // The publisher comes back; what it sent before is over, whatever the connection does.
    assert_eq!(opened(&opener, &sealed(&second, picture(0))).len(), 1);
    opener.restart();
    assert!(opened(&opener, &pictures[999]).is_empty() && opened(&opener, &noises[2]).is_empty());
    assert_eq!(opener.trouble(), None, "that is no trouble of anybody's");
}

#[test]
fn a_stranger_cannot_end_a_session() {
    let (ours, opener) = (Sealer::new(&key()), opener());
    let stranger = Sealer::new(&StreamKey::new(SecretKey::random(), "member"));
    assert_eq!(opened(&opener, &sealed(&ours, picture(0))).len(), 1);
    assert!(opened(&opener, &sealed(&stranger, picture(0))).is_empty());
    assert_eq!(opened(&opener, &sealed(&ours, picture(1))).len(), 1);
}

#[test]
fn after_a_new_connection_a_header_is_handed_on_again() {
    let (sealer, opener) = (Sealer::new(&key()), opener());
    let header = video(0, tag::avc_sequence_header(b"c"));
    let header = sealed(&sealer, header);
    for n in 0..2 {
        assert!(opened(&opener, &header).is_empty());
        assert_eq!(opened(&opener, &sealed(&sealer, picture(n))), [header.clone(), picture(n)]);
        opener.restart();
    }
}

proptest! {
    #[test]
    fn what_is_sealed_comes_back_and_is_little_longer(
        data in prop::collection::vec(any::<u8>(), 0..2000), timestamp_ms: u32, key_frame: bool, video: bool,
        at in any::<prop::sample::Index>(), bit in 0..8_u32,
    ) {
        let sealer = Sealer::new(&key());
        let (kind, payload) = match video {
            true => (PacketKind::Video, tag::avc_frame(key_frame, 3, &data)),
            false => (PacketKind::Audio, tag::opus_frame(&data)),
        };
        let plain = Packet { kind, timestamp_ms, payload };
        let packet = sealed(&sealer, plain.clone());
        prop_assert!(packet.payload.len() <= plain.payload.len() + OVERHEAD);
        prop_assert!(data.len() < 8 || !packet.payload.windows(data.len()).any(|window| window == data));
        // One bit is enough, wherever it is. (Each has an opener of its own: a bit can make a sequence header of a packet, and that has its say in
        // what comes next.)
        let mut bad = packet.payload.to_vec();
        let place = at.index(bad.len());
        bad[place] ^= 1 << bit;
        let changed = Packet { payload: bad.clone().into(), ..packet.clone() };
        prop_assert!(opened(&opener(), &changed).is_empty());
        bad.truncate(place);
        let cut = Packet { payload: bad.into(), ..packet.clone() };
        prop_assert!(opened(&opener(), &cut).is_empty());
        prop_assert_eq!(opened(&opener(), &packet), [plain]);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        fuzzing::seal(&bytes);
    }
}
