//! Members in rooms of four: each beats every 5 s and has one long poll, and now and then somebody says something.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, sleep_until};

use crate::figures::{cpu_seconds, percentiles, resident_kb};
use crate::http::{Wire, request};
use crate::people::{Asker, Member, address, show_oneself};

const PEOPLE_IN_A_ROOM: usize = 4;
/// What clients do.
const BEAT: Duration = Duration::from_secs(5);
const LONGEST_POLL_S: usize = 25;
/// Connections that carry the heartbeats; a real client has its own, which costs the server nothing more while it rests.
const BEATING: usize = 256;
/// Rooms that are opened at the same time.
const OPENING: usize = 24;
/// Every so many heartbeats somebody says something.
const BEATS_PER_MESSAGE: usize = 200;
/// From the last member's coming until all is in its pace.
const SETTLE: Duration = Duration::from_secs(6);

struct Shared {
    server: SocketAddr,
    base: Instant,
    measuring: AtomicBool,
    notes: Mutex<Notes>,
    beaten: AtomicUsize,
}

/// Times in milliseconds.
#[derive(Default)]
struct Notes {
    beats: Vec<f64>,
    messages: Vec<f64>,
    /// How much longer a poll took than it was asked to wait.
    polls: Vec<f64>,
    /// From the sender's request to another's poll that carries it.
    deliveries: Vec<f64>,
    errors: BTreeMap<String, usize>,
}

impl Shared {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes an answer's time, or what went wrong.
    fn note(&self, took: Duration, answer: &Result<crate::http::Answer>, to: impl FnOnce(&mut Notes) -> &mut Vec<f64>) {
        let error = match answer {
            Ok(answer) if answer.status == 200 => None,
            Ok(answer) => Some(format!("{} {}", answer.status, answer.body)),
            Err(error) => Some(format!("{error:#}")),
        };
        let mut notes = self.notes();
        if let Some(error) = error {
            *notes.errors.entry(error).or_default() += 1;
        } else if self.measuring.load(Ordering::Relaxed) {
            to(&mut notes).push(took.as_secs_f64() * 1e3);
        }
    }
}

/// Members by when they are due; no two are the same.
type Due = BTreeMap<(Instant, usize), Member>;
/// Members that share a connection.
type Places<T> = Vec<Arc<Mutex<T>>>;

pub async fn run(server: SocketAddr, process: u32, time: Duration, members: usize, polls: usize) -> Result<Value> {
    let shared = Arc::new(Shared {
        server,
        base: Instant::now(),
        measuring: AtomicBool::new(false),
        notes: Mutex::default(),
        beaten: AtomicUsize::new(0),
    });
    let empty_kb = resident_kb(&[process]);
    let rooms = members.div_ceil(PEOPLE_IN_A_ROOM);
    let (beating, waiting) = (BEATING.min(members), polls.min(members));
    let beats: Places<Due> = (0..beating).map(|_| Arc::default()).collect();
    let waits: Places<Vec<Member>> = (0..waiting).map(|_| Arc::default()).collect();
    for queue in &beats {
        tokio::spawn(beat(shared.clone(), queue.clone()));
    }
    let (mut opening, mut next) = (tokio::task::JoinSet::new(), 0);
    let (mut placed, mut failed) = (0, 0);
    while next < rooms || !opening.is_empty() {
        while next < rooms && opening.len() < OPENING {
            opening.spawn(open(server, next));
            next += 1;
        }
        let Some(opened) = opening.join_next().await else { break };
        let opened = match opened? {
            Ok(members) => members,
            // A machine that is busy with other things may let a seat's time run out before its stream flows: another room, then.
            Err(error) => {
                failed += 1;
                if failed > rooms / 10 + 10 {
                    return Err(error.context(format!("{failed} rooms could not be opened")));
                }
                opening.spawn(open(server, rooms + failed));
                continue;
            }
        };
        for member in opened {
            // Spread over the five seconds as real ones are.
            let first = Instant::now() + BEAT.mul_f64((placed as f64 * 0.618_034).fract());
            lock(&beats[placed % beating]).insert((first, placed), member.clone());
            let place = &waits[placed % waiting];
            lock(place).push(member);
            if placed < waiting {
                tokio::spawn(wait(shared.clone(), place.clone(), address(30_000 + placed / 20_000), members.div_ceil(waiting)));
            }
            placed += 1;
        }
    }
    sleep(SETTLE).await;
    let (cpu, own, start) = (cpu_seconds(&[process]), cpu_seconds(&[std::process::id()]), Instant::now());
    shared.measuring.store(true, Ordering::Relaxed);
    sleep(time).await;
    shared.measuring.store(false, Ordering::Relaxed);
    let took = start.elapsed().as_secs_f64();
    let (cpu, own) = (cpu_seconds(&[process]) - cpu, cpu_seconds(&[std::process::id()]) - own);
    let resident = resident_kb(&[process]);
    let there = count(server).await?;
    let notes = std::mem::take(&mut *shared.notes());
    let all: Vec<f64> = notes.beats.iter().chain(&notes.messages).chain(&notes.polls).copied().collect();
    let requests = all.len() as f64 / took;
    Ok(json!({
        "members": members, "rooms": rooms, "long_polls": waiting, "seconds": took, "members_still_there": there, "rooms_opened_again": failed,
        "requests_per_second": requests, "request_ms": percentiles(all), "heartbeat_ms": percentiles(notes.beats),
        "message_ms": percentiles(notes.messages), "poll_excess_ms": percentiles(notes.polls), "delivery_ms": percentiles(notes.deliveries),
        "errors": notes.errors, "cpu_cores": cpu / took, "cpu_us_per_request": cpu * 1e6 / (requests * took), "cpu_us_per_member_second": cpu * 1e6 / took / members as f64,
        "load_tool_cores": own / took, "resident_kb": resident, "kb_per_member": (resident - empty_kb) / members as f64,
    }))
}

/// A room with four people in it, all of whom have been seen.
async fn open(server: SocketAddr, number: usize) -> Result<Vec<Member>> {
    // Sign-ins are limited per address.
    let mut asker = Asker::new(server, address(number % 200));
    let token = asker.login("Load").await?;
    let mut members = vec![asker.create(token, &format!("Room {number}")).await?];
    show_oneself(&members[0]).await?;
    for _ in 1..PEOPLE_IN_A_ROOM {
        let token = asker.login("Load").await?;
        let member = asker.enter(token, &members[0].room.clone()).await?;
        show_oneself(&member).await?;
        members.push(member);
    }
    Ok(members)
}

/// One connection's heartbeats, each when it is due: waiting for the one before counts as the server's time.
async fn beat(shared: Arc<Shared>, queue: Arc<Mutex<Due>>) {
    let mut wire = Wire::new(shared.server, address(29_000));
    loop {
        let Some(((due, place), member)) = lock(&queue).pop_first() else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        sleep_until(due).await;
        let path = format!("/v1/rooms/{}/heartbeat", member.room);
        let body = r#"{"sending":{"mic":true,"camera":true}}"#;
        let answer = wire.ask(&request("POST", &path, shared.server, Some(&member.token), body)).await;
        shared.note(due.elapsed(), &answer, |notes| &mut notes.beats);
        let number = shared.beaten.fetch_add(1, Ordering::Relaxed);
        if number.is_multiple_of(BEATS_PER_MESSAGE) {
            let sent = Instant::now();
            let stamp = sent.duration_since(shared.base).as_micros();
            let path = format!("/v1/rooms/{}/messages", member.room);
            let body = json!({ "kind": "text", "text": format!("at={stamp};"), "nonce": number }).to_string();
            let answer = wire.ask(&request("POST", &path, shared.server, Some(&member.token), &body)).await;
            shared.note(sent.elapsed(), &answer, |notes| &mut notes.messages);
        }
        lock(&queue).insert((due + BEAT, place), member);
    }
}

/// One connection's long polls; where several members share it, they take turns with shorter ones.
async fn wait(shared: Arc<Shared>, place: Arc<Mutex<Vec<Member>>>, from: std::net::Ipv4Addr, sharing: usize) {
    let mut wire = Wire::new(shared.server, from);
    let longest = Duration::from_secs((LONGEST_POLL_S / sharing).max(1) as u64);
    let mut turn = 0;
    loop {
        let (at, member) = {
            let members = lock(&place);
            let at = turn % members.len();
            (at, members[at].clone())
        };
        turn += 1;
        let path = format!("/v1/rooms/{}/events?since={}&wait_s={}", member.room, member.next, longest.as_secs());
        let asked = Instant::now();
        let answer = wire.ask(&request("GET", &path, shared.server, Some(&member.token), "")).await;
        let body = answer.as_ref().ok().and_then(|answer| serde_json::from_str::<Value>(&answer.body).ok()).unwrap_or_default();
        let news = body["events"].as_array().map_or(0, Vec::len);
        if news == 0 || answer.as_ref().is_ok_and(|answer| answer.status != 200) {
            shared.note(asked.elapsed().saturating_sub(longest), &answer, |notes| &mut notes.polls);
        }
        let now = Instant::now().duration_since(shared.base).as_micros();
        for event in body["events"].as_array().into_iter().flatten() {
            let text = event.to_string();
            let stamp =
                text.split_once("at=").and_then(|(_, rest)| rest.split(';').next()).and_then(|at| at.parse::<u128>().ok());
            if let Some(stamp) = stamp
                && sharing == 1
                && shared.measuring.load(Ordering::Relaxed)
            {
                shared.notes().deliveries.push(now.saturating_sub(stamp) as f64 / 1e3);
            }
        }
        match body["next"].as_u64() {
            Some(next) => lock(&place)[at].next = next,
            None => sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Members that the server knows of.
async fn count(server: SocketAddr) -> Result<usize> {
    let mut wire = Wire::new(server, std::net::Ipv4Addr::LOCALHOST);
    let answer = wire.ask(&request("GET", "/metrics", server, None, "")).await?;
    let line = answer.body.lines().find_map(|line| line.strip_prefix("parlor_members "));
    match line.and_then(|count| count.parse().ok()) {
        Some(count) => Ok(count),
        None => bail!("no parlor_members in the server's figures"),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
