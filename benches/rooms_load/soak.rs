//! People at random: they call and go, crash, watch, publish, say nonsense, send garbage, and sit there silently. Memory and open files of the
//! server are looked at all the while.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use parlor::rtmp::client::Role;
use parlor::rtmp::{Packet, PacketKind};

use crate::figures::{cpu_seconds, resident_kb};
use crate::http::{connect, request};
use crate::line::{Line, Manner};
use crate::people::{Asker, Member, address, parts, sound};

/// Between two looks at the server.
const SAMPLE: Duration = Duration::from_secs(5);
/// The first part is for pools and tables to grow to their size.
const WARM_UP: f64 = 0.2;
/// Memory may grow by this share over the part that counts: what allocators do.
const GROWTH: f64 = 0.05;
/// Open files may drift by this many: they follow the number of people, which is random.
const FILES: f64 = 20.0;

/// What people do.
const DEEDS: [&str; 8] = ["call", "crash", "stranger", "garbage", "slow head", "half handshake", "silence", "forged"];

struct Counts {
    done: [AtomicUsize; DEEDS.len()],
    failed: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

pub async fn run(server: SocketAddr, process: u32, time: Duration, people: usize, seed: u64) -> Result<Value> {
    let counts = Arc::new(Counts { done: Default::default(), failed: AtomicUsize::new(0), failures: Mutex::default() });
    for person in 0..people {
        tokio::spawn(live(server, counts.clone(), person, StdRng::seed_from_u64(seed.wrapping_mul(1000) + person as u64)));
    }
    let (start, cpu) = (Instant::now(), cpu_seconds(&[process]));
    let mut samples = Vec::new();
    while start.elapsed() < time {
        sleep(SAMPLE).await;
        let files = std::fs::read_dir(format!("/proc/{process}/fd")).map_or(0, Iterator::count);
        samples.push((start.elapsed().as_secs_f64(), resident_kb(&[process]), files as f64));
        if samples.len() % 60 == 0 {
            eprintln!("{:.0} s: {:.0} kB, {files} files", start.elapsed().as_secs_f64(), resident_kb(&[process]));
        }
    }
    let counted = &samples[(samples.len() as f64 * WARM_UP) as usize..];
    let span = time.as_secs_f64() * (1.0 - WARM_UP);
    let (memory, memory_slope) = line_through(counted.iter().map(|sample| (sample.0, sample.1)));
    let (files, files_slope) = line_through(counted.iter().map(|sample| (sample.0, sample.2)));
    let (grown, drifted) = (memory_slope * span, files_slope * span);
    let alive = Asker::new(server, address(40_000)).login("After").await.is_ok();
    let flat = alive && grown <= memory * GROWTH && drifted <= FILES;
    let done: serde_json::Map<String, Value> =
        DEEDS.iter().zip(&counts.done).map(|(deed, count)| ((*deed).to_owned(), json!(count.load(Ordering::Relaxed)))).collect();
    Ok(json!({
        "seconds": start.elapsed().as_secs_f64(), "people": people, "seed": seed, "done": done, "failed": counts.failed.load(Ordering::Relaxed),
        "first_failures": *counts.failures.lock().unwrap_or_else(PoisonError::into_inner),
        "cpu_cores": (cpu_seconds(&[process]) - cpu) / start.elapsed().as_secs_f64(),
        "resident_kb": { "mean": memory, "slope_per_hour": memory_slope * 3600.0, "grown": grown },
        "open_files": { "mean": files, "slope_per_hour": files_slope * 3600.0, "drifted": drifted },
        "alive": alive, "flat": flat,
        "samples": samples.iter().step_by(12).map(|(s, kb, files)| json!([s.round(), kb, files])).collect::<Vec<_>>(),
    }))
}

/// Mean and slope of the straight line with the least squares.
fn line_through(points: impl Iterator<Item = (f64, f64)> + Clone) -> (f64, f64) {
    let count = points.clone().count().max(1) as f64;
    let mean = |of: fn((f64, f64)) -> f64| points.clone().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let (above, below) = points.fold((0.0, 0.0), |(above, below), p| (above + (p.0 - x) * (p.1 - y), below + (p.0 - x).powi(2)));
    (y, if below > 0.0 { above / below } else { 0.0 })
}

/// One person's life: one deed after the other, for ever.
async fn live(server: SocketAddr, counts: Arc<Counts>, person: usize, mut random: StdRng) {
    loop {
        // Calls are what a server is for; the rest is weather.
        let deed = match random.random_range(0..20) {
            0..8 => 0,
            8..12 => 1,
            12..14 => 2,
            at => (at - 14) as usize % 5 + 3,
        };
        let seed = random.next_u64();
        let result = timeout(Duration::from_secs(120), act(server, deed, person, StdRng::seed_from_u64(seed))).await;
        counts.done[deed].fetch_add(1, Ordering::Relaxed);
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("{}: {error:#}", DEEDS[deed])),
            Err(_) => Some(format!("{}: took too long", DEEDS[deed])),
        };
        if let Some(failure) = failure {
            counts.failed.fetch_add(1, Ordering::Relaxed);
            let mut failures = counts.failures.lock().unwrap_or_else(PoisonError::into_inner);
            if failures.len() < 20 {
                failures.push(failure);
            }
        }
        sleep(Duration::from_millis(random.random_range(0..500))).await;
    }
}

async fn act(server: SocketAddr, deed: usize, person: usize, mut random: StdRng) -> Result<()> {
    let from = address(10_000 + person);
    match DEEDS[deed] {
        "call" => call(server, from, &mut random, true).await,
        "crash" => call(server, from, &mut random, false).await,
        "stranger" => stranger(server, &mut random).await,
        "garbage" => {
            let mut bytes = vec![0; random.random_range(1..20_000)];
            random.fill_bytes(&mut bytes);
            // With the beginning of something known, it gets further.
            let begin: &[u8] =
                [&b"\x03"[..], b"POST /v1/login HTTP/1.1\r\n", b"\x16\x03\x01\x02\x00", b""][random.random_range(0..4)];
            let mut stream = connect(server, from).await?;
            let _ = stream.write_all(begin).await;
            let _ = stream.write_all(&bytes).await;
            wait_for_end(&mut stream, Duration::from_secs(3)).await;
            Ok(())
        }
        "slow head" => {
            let mut stream = connect(server, from).await?;
            for _ in 0..random.random_range(2..30) {
                if stream.write_all(b"G").await.is_err() {
                    break;
                }
                sleep(Duration::from_millis(300)).await;
            }
            Ok(())
        }
        "half handshake" => {
            let mut stream = connect(server, from).await?;
            let mut bytes = vec![0; 1 + random.random_range(0..3000)];
            random.fill_bytes(&mut bytes);
            bytes[0] = 3;
            let _ = stream.write_all(&bytes).await;
            sleep(Duration::from_millis(random.random_range(0..8000))).await;
            Ok(())
        }
        "silence" => {
            let mut stream = connect(server, from).await?;
            wait_for_end(&mut stream, Duration::from_secs(random.random_range(1..12))).await;
            Ok(())
        }
        _ => forged(server, from, &mut random).await,
    }
}

/// Two to four people talk for a while; at the end they say good-bye, or all of them just vanish.
async fn call(server: SocketAddr, from: std::net::Ipv4Addr, random: &mut StdRng, politely: bool) -> Result<()> {
    let mut asker = Asker::new(server, from);
    let token = asker.login("Soak").await?;
    let mut members = vec![asker.create(token, "Soak").await?];
    for _ in 0..random.random_range(1..4) {
        let token = asker.login("Soak").await?;
        members.push(asker.enter(token, &members[0].room.clone()).await?);
    }
    let length = Duration::from_millis(random.random_range(2_000..25_000));
    let mut streams = tokio::task::JoinSet::new();
    for member in &members {
        streams.spawn(publish(member.publish_url.clone(), length));
    }
    sleep(Duration::from_millis(400)).await;
    for member in &members {
        let state = asker.ask("GET", &format!("/v1/rooms/{}", member.room), Some(&member.token), &Value::Null).await?;
        for other in state["members"].as_array().into_iter().flatten() {
            if let Some(url) = other["play_url"].as_str() {
                streams.spawn(play(url.to_owned(), length));
            }
        }
        let (token, room) = (member.token.clone(), member.room.clone());
        streams.spawn(async move { poll(server, from, &room, &token, length).await });
    }
    let end = Instant::now() + length;
    while Instant::now() < end {
        let member = &members[random.random_range(0..members.len())];
        beat(&mut asker, member, random).await?;
        sleep(Duration::from_millis(300)).await;
    }
    if politely {
        for member in members.iter().rev() {
            asker.leave(member).await?;
        }
    }
    // Cut wherever they are.
    streams.shutdown().await;
    Ok(())
}

async fn beat(asker: &mut Asker, member: &Member, random: &mut StdRng) -> Result<()> {
    let room = &member.room;
    let body = json!({ "sending": { "mic": random.random::<bool>(), "camera": true } });
    asker.ask("POST", &format!("/v1/rooms/{room}/heartbeat"), Some(&member.token), &body).await?;
    if random.random_range(0..4) == 0 {
        let text = "x".repeat(random.random_range(1..2000));
        let body = json!({ "kind": "text", "text": text, "nonce": random.next_u64() });
        asker.ask("POST", &format!("/v1/rooms/{room}/messages"), Some(&member.token), &body).await?;
    }
    Ok(())
}

async fn poll(server: SocketAddr, from: std::net::Ipv4Addr, room: &str, token: &str, length: Duration) -> Result<()> {
    let mut asker = Asker::new(server, from);
    let (mut next, end) = (0, Instant::now() + length);
    while Instant::now() < end {
        let path = format!("/v1/rooms/{room}/events?since={next}&wait_s=10");
        next = asker.ask("GET", &path, Some(token), &Value::Null).await?["next"].as_u64().unwrap_or_default();
    }
    Ok(())
}

/// Some 300 kbit/s of pictures and sound that nobody could decode, which the relay does not try.
async fn publish(url: String, length: Duration) -> Result<()> {
    let (target, name) = parts(&url)?;
    let mut line = Line::open(&target, Role::Publish, &name, Manner::default()).await?;
    let start = Instant::now();
    let mut header = vec![0x17, 0, 0, 0, 0];
    header.extend([1; 30]);
    line.session.send(&Packet { kind: PacketKind::Video, timestamp_ms: 0, payload: header.into() });
    for number in 0_u32.. {
        if start.elapsed() > length {
            break;
        }
        let timestamp_ms = number * 33;
        let key = number.is_multiple_of(60);
        let mut picture = vec![if key { 0x17 } else { 0x27 }, 1, 0, 0, 0];
        picture.resize(if key { 12_000 } else { 1_000 }, 0x5a);
        line.session.send(&Packet { kind: PacketKind::Video, timestamp_ms, payload: Bytes::from(picture) });
        line.session.send(&sound(timestamp_ms));
        line.flush().await?;
        let pause = Duration::from_millis(33);
        if timeout(pause, line.stream.readable()).await.is_ok() {
            line.read(usize::MAX)?;
            while line.session.poll_event().is_some() {}
            sleep(pause).await;
        }
    }
    Ok(())
}

async fn play(url: String, length: Duration) -> Result<()> {
    let (target, name) = parts(&url)?;
    let mut line = Line::open(&target, Role::Play, &name, Manner::default()).await?;
    let end = tokio::time::Instant::now() + length;
    while tokio::time::timeout_at(end, line.stream.readable()).await.is_ok() {
        line.read(usize::MAX)?;
        while line.session.poll_event().is_some() {}
        line.flush().await?;
    }
    Ok(())
}

/// A publisher and players of a stream without a room.
async fn stranger(server: SocketAddr, random: &mut StdRng) -> Result<()> {
    let url = format!("rtmp://{server}/live/soak-{:08x}", random.random::<u32>());
    let length = Duration::from_millis(random.random_range(500..8_000));
    let mut streams = tokio::task::JoinSet::new();
    streams.spawn(publish(url.clone(), length));
    for _ in 0..random.random_range(0..6) {
        streams.spawn(play(url.clone(), length));
    }
    sleep(length.mul_f64(random.random_range(0.2..1.2))).await;
    streams.shutdown().await;
    Ok(())
}

/// Requests that must be refused.
async fn forged(server: SocketAddr, from: std::net::Ipv4Addr, random: &mut StdRng) -> Result<()> {
    let mut asker = Asker::new(server, from);
    let token = format!("{:016x}.9999999999.41.{}", random.next_u64(), "0".repeat(64));
    let bodies = ["{", "[]", "{\"name\":5}", "{\"name\":\"a\",\"more\":1}", "\u{0}", &"[".repeat(60_000), &"x".repeat(100_000)];
    let body = bodies[random.random_range(0..bodies.len())];
    let paths = ["/v1/login", "/v1/rooms", "/v1/rooms/abc/messages", "/v1/rooms/abc/heartbeat", "/nothing"];
    let path = paths[random.random_range(0..paths.len())];
    // A server that refuses a body may close before it has read it.
    if let Ok(answer) = asker.wire.ask(&request("POST", path, server, Some(&token), body)).await {
        anyhow::ensure!((400..500).contains(&answer.status), "{path} was answered with {}", answer.status);
    }
    Ok(())
}

async fn wait_for_end(stream: &mut tokio::net::TcpStream, patience: Duration) {
    let mut sink = [0; 4096];
    let _ = timeout(patience, async { while matches!(stream.read(&mut sink).await, Ok(read) if read > 0) {} }).await;
}
