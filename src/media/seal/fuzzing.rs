//! What `tests/fuzz_corpus.rs` runs, like [`rtmp::fuzzing`](crate::rtmp::fuzzing): packets of any kind and content, through sealing and opening.

use super::wire::OVERHEAD;
use super::{Opener, Sealer, StreamKey, text};
use crate::base::SecretKey;
use crate::rtmp::{Packet, PacketKind};
use bytes::Bytes;

/// The first byte says of which kind a packet is and what happens to it; the rest is its body. With the key, without it and with another one
/// nothing panics; what was sealed comes back as it was; nothing that was not sealed gets through to whoever has a key.
pub fn seal(data: &[u8]) {
    let (choice, body) = data.split_first().unwrap_or((&0, &[]));
    let kind = [PacketKind::Audio, PacketKind::Video][usize::from(choice & 1)];
    let packet = Packet { kind, timestamp_ms: u32::from(*choice) << 20, payload: Bytes::copy_from_slice(body) };
    let key = |seed| StreamKey::new(SecretKey::new([seed; 32]), "member");
    let (ours, other, none) = (Opener::new(Some(key(1))), Opener::new(Some(key(2))), Opener::new(None));
    for opener in [&ours, &other] {
        assert!(opener.open(packet.clone()).iter().all(Option::is_none), "what nobody sealed is let through");
    }
    let _ = none.open(packet.clone());
    let _ = text::open(&SecretKey::new([1; 32]), "Ann", &String::from_utf8_lossy(body));

    let ours = Opener::new(Some(key(1)));
    let Some(sealed) = Sealer::new(&key(1)).seal(packet.clone()) else { return };
    assert!(sealed.payload.len() <= packet.payload.len() + OVERHEAD);
    let opened: Vec<Packet> = ours.open(sealed.clone()).into_iter().flatten().collect();
    // A sequence header is not sealed, and waits for what proves it.
    assert!(opened == [packet.clone()] || (opened.is_empty() && sealed == packet), "{opened:?}");
    if sealed != packet {
        assert!(other.open(sealed.clone()).iter().all(Option::is_none), "another key opens it");
        assert!(none.open(sealed).iter().all(Option::is_none), "it is played without a key");
    }
}
