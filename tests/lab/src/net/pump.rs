//! The thread that carries packets from one end of the link to the other.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::link::{Counts, Link};
use super::plan::{Change, Direction, Plan};
use super::system;

/// The largest packet that IP knows.
const MAX_PACKET: usize = 65_535;

/// Packets taken from one end before the other gets its turn.
const TURN: usize = 64;

/// How often the thread looks around when nothing happens.
const IDLE: Duration = Duration::from_millis(20);

/// What the thread and its owner share.
#[derive(Debug)]
pub struct Shared {
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Up, down.
    links: [Link; 2],
    /// What is still to change, and when.
    later: VecDeque<(Duration, Change)>,
    latest: Duration,
    refused: u64,
}

impl Shared {
    pub fn new(plan: &Plan) -> Self {
        let links = Direction::ALL.map(|direction| Link::new(plan.first(direction), plan.seed(direction)));
        let later = plan.later().iter().cloned().collect();
        let state = State { links, later, latest: Duration::ZERO, refused: 0 };
        Self { started: Instant::now(), state: Mutex::new(state) }
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change(&self, change: &Change) {
        self.lock().change(change);
    }

    /// Begins another plan, now.
    pub fn follow(&self, plan: &Plan) {
        let now = self.now();
        let mut state = self.lock();
        for (direction, link) in Direction::ALL.into_iter().zip(&mut state.links) {
            link.set(plan.first(direction));
        }
        state.later = plan.later().iter().map(|(time, change)| (now + *time, change.clone())).collect();
    }

    /// The counts of up and down, the worst lateness, and how many packets the system did not take.
    pub fn figures(&self) -> (Counts, Counts, Duration, u64) {
        let state = self.lock();
        let [up, down] = &state.links;
        (up.counts(), down.counts(), state.latest, state.refused)
    }
}

impl State {
    fn change(&mut self, change: &Change) {
        for (direction, link) in Direction::ALL.into_iter().zip(&mut self.links) {
            let mut conditions = link.conditions();
            change.apply(direction, &mut conditions);
            link.set(conditions);
        }
    }

    /// Makes the changes whose time has come.
    fn turn_the_page(&mut self, now: Duration) {
        while self.later.front().is_some_and(|(time, _)| *time <= now) {
            if let Some((_, change)) = self.later.pop_front() {
                self.change(&change);
            }
        }
    }

    /// Hands over what has come out, and says how long nothing more will.
    fn deliver(&mut self, ends: &mut [File; 2], now: Duration) -> Duration {
        let [near, far] = ends;
        for (link, end) in self.links.iter_mut().zip([far, near]) {
            while let Some((packet, late)) = link.pop_due(now) {
                self.latest = self.latest.max(late);
                if end.write(&packet).is_err() {
                    self.refused += 1;
                }
            }
        }
        let due = self.links.iter().filter_map(Link::next_due).chain(self.later.front().map(|(time, _)| *time));
        due.min().map_or(IDLE, |due| due.saturating_sub(now)).min(IDLE)
    }
}

/// Carries packets until `stop` is closed at its other end. The ends are the near and the far one.
///
/// # Errors
/// When the system fails in a way that no packet can cause.
pub fn run(shared: &Shared, mut ends: [File; 2], stop: &UnixStream) -> io::Result<()> {
    if let Err(error) = system::be_punctual() {
        eprintln!("lab: packets may be late: {error}");
    }
    let mut buffer = vec![0; MAX_PACKET];
    loop {
        let wait = {
            let mut state = shared.lock();
            let now = shared.now();
            state.turn_the_page(now);
            state.deliver(&mut ends, now)
        };
        let [near, far] = &ends;
        let [near, far, stopped] = system::wait_readable([near.as_fd(), far.as_fd(), stop.as_fd()], wait)?;
        if stopped {
            return Ok(());
        }
        let mut state = shared.lock();
        let state = &mut *state;
        for ((link, end), readable) in state.links.iter_mut().zip(&mut ends).zip([near, far]) {
            for _ in 0..if readable { TURN } else { 0 } {
                // None left; or the device is down, which the idle time keeps from becoming a busy loop.
                let Ok(length) = end.read(&mut buffer) else { break };
                link.take(&buffer[..length], shared.now());
            }
        }
    }
}
