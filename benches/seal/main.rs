//! What sealing and opening packets costs (`media::seal`): a second of a call in 1280x720 with 30 pictures, again and again.
//! `cargo xtask bench media --part seal` runs it. Prints one object of JSON.

use std::time::{Duration, Instant};

use parlor::base::SecretKey;
use parlor::media::seal::{Opener, Sealer, StreamKey};
use parlor::rtmp::{Packet, PacketKind, tag};
use serde_json::{Value, json};

/// Seconds of a call that are sealed and opened.
const SECONDS: u32 = 200;
/// Sorts of packets: name, kind, how many in a second, bytes of each. 1.5 Mbit/s of pictures, 40 kbit/s of sound.
const SORTS: [(&str, PacketKind, u32, usize); 3] = [
    ("key frame", PacketKind::Video, 1, 45_000),
    ("other picture", PacketKind::Video, 29, 5_000),
    ("sound", PacketKind::Audio, 50, 100),
];

fn main() {
    let sorts: Vec<Value> = SORTS.iter().map(|sort| measure(*sort)).collect();
    println!("{}", json!({ "sorts": sorts }));
}

/// Other programs that take the processor away now and then do not count.
fn median_ns(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_nanos() as f64)
}

fn measure((name, kind, per_second, bytes): (&str, PacketKind, u32, usize)) -> Value {
    let key = StreamKey::new(SecretKey::random(), "member");
    let (sealer, opener) = (Sealer::new(&key), Opener::new(Some(key)));
    let data: Vec<u8> = (0..bytes).map(|n| (n * 31) as u8).collect();
    let (mut sealing, mut opening, mut longer) = (Vec::new(), Vec::new(), 0);
    let packets = SECONDS * per_second;
    for n in 0..packets {
        let payload = if kind == PacketKind::Video { tag::avc_frame(per_second == 1, 0, &data) } else { tag::opus_frame(&data) };
        let plain = Packet { kind, timestamp_ms: n, payload };
        let length = plain.payload.len();
        let begun = Instant::now();
        let sealed = sealer.seal(plain);
        sealing.push(begun.elapsed());
        let Some(sealed) = sealed else { continue };
        longer = sealed.payload.len() - length;
        let begun = Instant::now();
        let opened = opener.open(sealed);
        opening.push(begun.elapsed());
        assert!(opened[0].is_some(), "what was sealed is opened");
    }
    let (sealing, opening) = (median_ns(sealing), median_ns(opening));
    let percent = |ns: f64| ns * f64::from(per_second) / 1e7;
    json!({
        "what": name, "per_second": per_second, "bytes": bytes, "longer_bytes": longer, "seal_ns": sealing, "open_ns": opening,
        "seal_percent": percent(sealing), "open_percent": percent(opening),
    })
}
