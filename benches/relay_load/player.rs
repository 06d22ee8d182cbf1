//! One who plays a stream and notes when everything came.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Result;

use parlor::rtmp::client::{Event, Role};
use parlor::rtmp::{PacketKind, tag};

use crate::line::{Line, Manner, Target};
use crate::media::sent_at;

/// A picture not older than this is what is happening now.
const LIVE: Duration = Duration::from_millis(50);

/// What all players share.
pub struct Shared {
    pub base: Instant,
    /// Whether it counts at the moment.
    pub measuring: AtomicBool,
}

/// What one player has seen.
#[derive(Clone, Default)]
pub struct Seen {
    pub bytes: u64,
    pub packets: u64,
    pub latencies_us: Vec<u32>,
    pub first: Option<First>,
    /// The newest packet's time of sending, in microseconds from the base.
    pub newest_us: Option<u64>,
    pub pictures: u64,
    pub sounds: u64,
    pub over: Option<String>,
}

/// The way to the first picture.
#[derive(Clone, Copy)]
pub struct First {
    /// From the play command to the first key frame.
    pub play_ms: f64,
    /// From the first packet of the TCP connection on.
    pub connect_ms: f64,
    /// How old that key frame was.
    pub age_ms: f64,
    /// From the play command to the first picture that can be decoded and is of now.
    pub live_ms: Option<f64>,
}

pub type Notes = Arc<Mutex<Seen>>;

/// How a player reads.
#[derive(Clone, Copy, Default)]
pub struct Pace {
    pub manner: Manner,
    /// Bits a second; as they come when left out.
    pub kbps: Option<u32>,
}

/// Plays `name` for ever; what it sees goes into `notes`.
pub async fn play(target: Target, name: String, shared: Arc<Shared>, notes: Notes, pace: Pace) {
    if let Err(error) = run(&target, &name, &shared, &notes, pace).await {
        lock(&notes).over = Some(format!("{error:#}"));
    }
}

async fn run(target: &Target, name: &str, shared: &Shared, notes: &Notes, pace: Pace) -> Result<()> {
    let mut line = Line::open(target, Role::Play, name, pace.manner).await?;
    let (connected, asked) = (line.connected, line.wrote);
    loop {
        note(&mut line, shared, notes, connected, asked);
        line.flush().await?;
        match pace.kbps {
            None => {
                line.stream.readable().await?;
                line.read(usize::MAX)?;
            }
            Some(kbps) => {
                let pause = Duration::from_millis(20);
                tokio::time::sleep(pause).await;
                line.read((u64::from(kbps) * pause.as_millis() as u64 / 8) as usize)?;
            }
        }
    }
}

fn note(line: &mut Line, shared: &Shared, notes: &Notes, connected: Instant, asked: Instant) {
    let mut seen = lock(notes);
    let measuring = shared.measuring.load(Ordering::Relaxed);
    while let Some(event) = line.session.poll_event() {
        let Event::Packet(packet) = event else { continue };
        let Some(sent) = sent_at(&packet) else { continue };
        let now = Instant::now();
        let age_us = (now.duration_since(shared.base).as_micros() as u64).saturating_sub(sent);
        seen.newest_us = seen.newest_us.max(Some(sent));
        if measuring {
            seen.bytes += packet.payload.len() as u64;
            seen.packets += 1;
            seen.latencies_us.push(u32::try_from(age_us).unwrap_or(u32::MAX));
        }
        match packet.kind {
            PacketKind::Video => {
                seen.pictures += 1;
                let since = |start: Instant| now.duration_since(start).as_secs_f64() * 1e3;
                if seen.first.is_none() && tag::is_key_frame(&packet.payload) {
                    let age_ms = age_us as f64 / 1e3;
                    seen.first = Some(First { play_ms: since(asked), connect_ms: since(connected), age_ms, live_ms: None });
                }
                if let Some(First { live_ms: live @ None, .. }) = &mut seen.first
                    && u128::from(age_us) <= LIVE.as_micros()
                {
                    *live = Some(since(asked));
                }
            }
            _ => seen.sounds += 1,
        }
    }
}

pub fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
