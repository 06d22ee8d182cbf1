//! What is measured.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::figures::{cpu_seconds, percentiles, resident_kb};
use crate::line::{Manner, Target};
use crate::media::Loop;
use crate::player::{First, Notes, Pace, Seen, Shared, lock, play};
use crate::publisher::publish;

/// From the first player's coming until all is in its pace.
const SETTLE: Duration = Duration::from_secs(2);
/// For everybody to see something.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at the slow one.
const STEP: Duration = Duration::from_secs(10);
/// How long the slow one reads.
const SLOW_TIME: Duration = Duration::from_secs(60);
/// The slow one's system holds next to nothing for it, so that what is behind is behind at the engine.
const SLOW_RECEIVE_BUFFER: u32 = 2304;

pub struct Measure {
    target: Target,
    media: Arc<Loop>,
    processes: Vec<u32>,
    time: Duration,
    shared: Arc<Shared>,
    /// Two threads, so that who sends does not wait for who receives.
    publishing: Thread,
    playing: Thread,
}

impl Measure {
    pub fn new(target: Target, media: Loop, processes: Vec<u32>, time: Duration) -> Result<Self> {
        let shared = Arc::new(Shared { base: Instant::now(), measuring: AtomicBool::new(false) });
        let (publishing, playing) = (Thread::start("publishers")?, Thread::start("players")?);
        Ok(Self { target, media: Arc::new(media), processes, time, shared, publishing, playing })
    }

    pub fn fan(&self, players: usize) -> Result<Value> {
        self.publish("one".to_owned(), 0.3);
        thread::sleep(SETTLE);
        self.flow((0..players).map(|_| "one".to_owned()).collect(), 0)
    }

    pub fn rooms(&self, rooms: usize, people: usize) -> Result<Value> {
        let before = resident_kb(&self.processes);
        let name = |room: usize, person: usize| format!("room{room}_{person}");
        let mut played = Vec::new();
        for room in 0..rooms {
            for person in 0..people {
                // An even spread of the golden ratio: no two in step.
                self.publish(name(room, person), ((room * people + person) as f64 * 0.618_034).fract());
                played.extend((0..people).filter(|other| *other != person).map(|other| name(room, other)));
            }
        }
        thread::sleep(SETTLE);
        let mut report = self.flow(played, rooms * people)?;
        let connections = rooms * people * people;
        report["kb_per_connection"] = json!((resident_kb(&self.processes) - before) / connections as f64);
        Ok(report)
    }

    /// Players of these names, all at once, and what they get.
    fn flow(&self, names: Vec<String>, publishers: usize) -> Result<Value> {
        let before = resident_kb(&self.processes);
        let players = names.len();
        let all: Vec<Notes> = names.into_iter().map(|name| self.play(name, Pace::default())).collect();
        wait(&all, |seen| seen.first.is_some())?;
        thread::sleep(SETTLE);
        let resident = resident_kb(&self.processes);
        let (cpu, start) = (cpu_seconds(&self.processes), Instant::now());
        self.shared.measuring.store(true, Ordering::Relaxed);
        thread::sleep(self.time);
        self.shared.measuring.store(false, Ordering::Relaxed);
        let (cpu, took) = (cpu_seconds(&self.processes) - cpu, start.elapsed().as_secs_f64());
        let seen = finish(&all)?;
        let bytes: u64 = seen.iter().map(|one| one.bytes).sum();
        let packets: u64 = seen.iter().map(|one| one.packets).sum();
        let gigabits = bytes as f64 * 8.0 / 1e9;
        let per_second = f64::from(self.media.pictures_per_second + crate::media::SOUNDS_PER_SECOND);
        Ok(json!({
            "players": players, "publishers": publishers.max(1), "seconds": took, "picture_kbps": self.media.kbps(),
            "delivered_gigabits": gigabits, "delivered_share": packets as f64 / (per_second * took * players as f64),
            "cpu_seconds": cpu, "cpu_seconds_per_gigabit": cpu / gigabits, "cores": cpu / took,
            "latency_ms": percentiles(seen.iter().flat_map(|one| &one.latencies_us).map(|us| f64::from(*us) / 1e3).collect()),
            "kb_per_connection": (resident - before) / players as f64, "resident_kb": resident,
            "first": firsts(seen.iter().filter_map(|one| one.first)),
        }))
    }

    pub fn join(&self, times: usize) -> Result<Value> {
        self.publish("one".to_owned(), 0.3);
        thread::sleep(SETTLE);
        let mut all = Vec::new();
        for turn in 0..times {
            let notes = self.play("one".to_owned(), Pace::default());
            wait(std::slice::from_ref(&notes), |seen| seen.first.is_some_and(|first| first.live_ms.is_some()))?;
            all.push(notes);
            // At any moment of the group of pictures, and seldom within a second of the last one.
            thread::sleep(Duration::from_millis(900 + (turn as u64 * 618) % 1000));
        }
        let seen = finish(&all)?;
        Ok(json!({ "first": firsts(seen.iter().filter_map(|one| one.first)) }))
    }

    pub fn slow(&self, kbps: u32, others: usize) -> Result<Value> {
        self.publish("one".to_owned(), 0.3);
        thread::sleep(SETTLE);
        let quick: Vec<Notes> = (0..others).map(|_| self.play("one".to_owned(), Pace::default())).collect();
        wait(&quick, |seen| seen.first.is_some())?;
        self.shared.measuring.store(true, Ordering::Relaxed);
        let manner = Manner { receive_buffer: Some(SLOW_RECEIVE_BUFFER) };
        let slow = self.play("one".to_owned(), Pace { manner, kbps: Some(kbps) });
        let mut steps = Vec::new();
        let start = Instant::now();
        while start.elapsed() < SLOW_TIME {
            thread::sleep(STEP);
            let seen = lock(&slow).clone();
            let now = self.shared.base.elapsed().as_micros() as u64;
            let behind_ms = seen.newest_us.map(|newest| now.saturating_sub(newest) as f64 / 1e3);
            steps.push(json!({ "second": start.elapsed().as_secs(), "behind_ms": behind_ms, "pictures": seen.pictures, "sounds": seen.sounds }));
        }
        self.shared.measuring.store(false, Ordering::Relaxed);
        let slow = finish(std::slice::from_ref(&slow))?.remove(0);
        let others = finish(&quick)?;
        let pictures = others.iter().map(|one| one.pictures).min();
        let latencies = |seen: &Seen| seen.latencies_us.iter().map(|us| f64::from(*us) / 1e3).collect::<Vec<_>>();
        Ok(json!({
            "kbps": kbps, "steps": steps, "age_ms": percentiles(latencies(&slow)),
            "others": { "latency_ms": percentiles(others.iter().flat_map(latencies).collect()), "pictures_at_least": pictures },
        }))
    }

    fn publish(&self, name: String, phase: f64) {
        let publishing = publish(self.target.clone(), name.clone(), self.media.clone(), self.shared.base, phase);
        self.publishing.handle.spawn(async move {
            if let Err(error) = publishing.await {
                eprintln!("publisher of {name}: {error:#}");
            }
        });
    }

    fn play(&self, name: String, pace: Pace) -> Notes {
        let notes = Arc::new(Mutex::new(Seen::default()));
        self.playing.handle.spawn(play(self.target.clone(), name, self.shared.clone(), notes.clone(), pace));
        notes
    }
}

/// Waits until all have what they need.
fn wait(all: &[Notes], enough: impl Fn(&Seen) -> bool) -> Result<()> {
    let start = Instant::now();
    while !all.iter().all(|notes| enough(&lock(notes))) {
        if let Some(over) = all.iter().find_map(|notes| lock(notes).over.clone()) {
            bail!("a player is out: {over}");
        }
        if start.elapsed() > PATIENCE {
            bail!("the players do not get what they wait for");
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// What they have seen, if none has been cut off.
fn finish(all: &[Notes]) -> Result<Vec<Seen>> {
    let seen: Vec<Seen> = all.iter().map(|notes| lock(notes).clone()).collect();
    match seen.iter().find_map(|one| one.over.clone()) {
        Some(over) => bail!("a player was cut off: {over}"),
        None => Ok(seen),
    }
}

fn firsts(all: impl Iterator<Item = First>) -> Value {
    let all: Vec<First> = all.collect();
    let of = |value: fn(&First) -> Option<f64>| percentiles(all.iter().filter_map(value).collect());
    json!({
        "play_to_key_frame_ms": of(|first| Some(first.play_ms)), "connect_to_key_frame_ms": of(|first| Some(first.connect_ms)),
        "key_frame_age_ms": of(|first| Some(first.age_ms)), "play_to_live_picture_ms": of(|first| first.live_ms),
    })
}

/// A thread with a runtime of its own, for as long as this is there.
struct Thread {
    handle: Handle,
    _stop: oneshot::Sender<()>,
}

impl Thread {
    fn start(name: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("starting a runtime")?;
        let (handle, (stop, stopped)) = (runtime.handle().clone(), oneshot::channel::<()>());
        let until_dropped = async move {
            let _ = stopped.await;
        };
        thread::Builder::new().name(name.to_owned()).spawn(move || run(&runtime, until_dropped))?;
        Ok(Self { handle, _stop: stop })
    }
}

fn run(runtime: &tokio::runtime::Runtime, until: impl Future<Output = ()>) {
    runtime.block_on(until);
}
