//! Two devices whose clocks differ, for ten minutes, by clocks that are only counted: microphone, Opus, a network with a little jitter, jitter buffer,
//! speaker. Nothing may be missing and no delay may grow. Prints one object of JSON; `cargo xtask bench media --part drift` runs it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use parlor::media::encode::audio::{Codec, Config, Encoder};
use parlor::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use parlor::media::play::{Latency, Rehearsal};
use parlor::media::timing::Origin;
use serde_json::{Value, json};

const START: Duration = Duration::from_secs(1_000);
const MINUTES: u64 = 10;
/// From the socket of the one to the other's, and how much it varies.
const WAY_MS: f64 = 20.0;
const JITTER_MS: f64 = 6.0;
/// Time for the buffer to find its target, before anything counts.
const SETTLE: Duration = Duration::from_secs(10);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pairs = [(0.0, 0.0), (200.0, 0.0), (-200.0, 0.0), (0.0, 200.0), (0.0, -200.0), (200.0, -200.0), (-200.0, 200.0)];
    let cases = pairs.into_iter().map(|(microphone, speaker)| run(microphone, speaker)).collect::<Result<Vec<_>, _>>()?;
    println!("{:#}", json!({ "minutes": MINUTES, "way_ms": WAY_MS, "jitter_ms": JITTER_MS, "cases": cases }));
    Ok(())
}

/// A microphone and a speaker that are fast by so many millionths.
fn run(microphone_ppm: f64, speaker_ppm: f64) -> Result<Value, Box<dyn std::error::Error>> {
    let mut encoder = Encoder::open(Config::of(Codec::Opus))?;
    let mut rehearsal = Rehearsal::opus(Latency::Call)?;
    let origin = Origin::new(START);
    let at = |count: u64, ppm: f64| START + Duration::from_secs_f64(count as f64 * 0.01 / (1.0 + ppm * 1e-6));
    let mut flight: VecDeque<(Duration, Duration, Bytes)> = VecDeque::new();
    let (mut chunks, mut dice) = (0, 1_u64);
    let mut delays: Vec<(Duration, f64)> = Vec::new();
    let (mut gap_before, mut fullest) = (Duration::ZERO, 0.0_f32);
    for tick in 0..MINUTES * 60 * 100 {
        let now = at(tick, speaker_ppm);
        while at(chunks + 1, microphone_ppm) <= now {
            let chunk = Chunk { captured: at(chunks, microphone_ppm), samples: voice(chunks) };
            chunks += 1;
            if let Some(packet) = encoder.encode(&chunk)? {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let way = WAY_MS + JITTER_MS * (dice >> 33) as f64 / f64::from(1_u32 << 31);
                let arrives = at(chunks, microphone_ppm) + Duration::from_secs_f64(way / 1000.0);
                let arrives = flight.back().map_or(arrives, |(last, ..)| arrives.max(*last));
                let media = Duration::from_millis(origin.timestamp_ms(packet.captured).into());
                flight.push_back((arrives, media, packet.data));
            }
        }
        while let Some((arrived, media, data)) = flight.pop_front_if(|(arrives, ..)| *arrives <= now) {
            rehearsal.packet(media, data, arrived);
        }
        let heard = rehearsal.tick(now, &mut [0.0; CHUNK_SAMPLES]);
        if now < START + SETTLE {
            gap_before = rehearsal.concealed();
            continue;
        }
        fullest = fullest.max(rehearsal.buffer().ms);
        if let Some(media) = heard {
            delays.push((now - START, (now - START).as_secs_f64() * 1000.0 - media.as_secs_f64() * 1000.0));
        }
    }
    let minute = |number: u64| {
        let span = Duration::from_secs(60 * number)..Duration::from_secs(60 * (number + 1));
        let mut of: Vec<f64> = delays.iter().filter(|(at, _)| span.contains(at)).map(|(_, delay)| *delay).collect();
        of.sort_by(f64::total_cmp);
        of.get(of.len() / 2).copied()
    };
    let largest = delays.iter().map(|(_, delay)| *delay).fold(0.0, f64::max);
    let smallest = delays.iter().map(|(_, delay)| *delay).fold(f64::INFINITY, f64::min);
    Ok(json!({
        "microphone_ppm": microphone_ppm, "speaker_ppm": speaker_ppm, "gap_ms": (rehearsal.concealed() - gap_before).as_secs_f64() * 1000.0,
        "delay_first_minute_ms": minute(0), "delay_last_minute_ms": minute(MINUTES - 1), "smallest_ms": smallest, "largest_ms": largest, "fullest_ms": fullest,
        "median_of_each_minute_ms": (0..MINUTES).map(minute).collect::<Vec<_>>(),
    }))
}

/// Something like a voice that never pauses: 10 ms of a buzz with formants.
fn voice(chunk: u64) -> [f32; CHUNK_SAMPLES] {
    std::array::from_fn(|i| {
        let t = (chunk % 6_000 * CHUNK_SAMPLES as u64 + i as u64) as f32 / SAMPLE_RATE as f32;
        let wave = |hertz: f32, size: f32| size * (std::f32::consts::TAU * hertz * t).sin();
        let syllable = 0.3 + (std::f32::consts::TAU * 2.0 * t).sin().abs();
        syllable * (wave(150.0, 0.2) + wave(300.0, 0.15) + wave(600.0, 0.1) + wave(1200.0, 0.05))
    })
}
