//! What is on its way: sent, but not known to have arrived. Pure bookkeeping; time is an argument.
//!
//! The server acknowledges bytes. From that follows how long each packet was on its way, queue, kernel and network together, whatever
//! the operating system. A large picture takes long on any line; what tells that a line is too slow is that packets arrive later than
//! they would if it carried the [expected rate](Flight::expect_rate).

use std::collections::VecDeque;
use std::time::Duration;

/// Packets that are followed at most: some seconds of a call. What is sent beyond that counts with the next that is followed.
const MAX_ENTRIES: usize = 1024;

/// The shortest time that a packet has taken is forgotten after this long, or twice as long: the way may change.
const BASE_AGE: Duration = Duration::from_secs(4);

/// How much a server of ours counts of what is written: all but the handshake (RTMP 1.0, 5.2).
pub(super) const HANDSHAKE: u64 = 1 + 2 * 1536;

/// Over how long the rate of what arrives is measured.
const RATE_SPAN: Duration = Duration::from_millis(250);

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// Bytes written when all of it is.
    end: u64,
    arrived: Duration,
    /// How long it may take on a line of the expected rate, besides the way itself.
    allowed: Duration,
}

/// How the way to the server does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Bytes handed over by the owner that the server does not have, as far as is known.
    pub bytes: u64,
    /// How long the oldest of them has been under way, beyond what the way takes at the least.
    pub age: Duration,
    /// How much later packets come than on a line of the expected rate.
    pub late: Duration,
    /// What arrives, in kilobits a second, over the last quarter of a second; of no use unless more waits.
    pub kbps: Option<u32>,
}

/// Follows the packets of one connection to the server's acknowledgements.
#[derive(Debug)]
pub struct Flight {
    /// After how many bytes the server acknowledges.
    window: u64,
    entries: VecDeque<Entry>,
    acknowledged: u64,
    rate_kbps: f64,
    /// What a line of the expected rate would have to send still, in bits, and as of when.
    backlog: (f64, Duration),
    /// Shortest time from here to the acknowledgement: of this span, and of the one before; and when this one began.
    base: (Option<Duration>, Option<Duration>, Duration),
    /// Moments and what was acknowledged by then.
    marks: VecDeque<(Duration, u64)>,
    /// How late the last acknowledged packet was.
    last_late: (Duration, Duration),
}

impl Flight {
    /// Of a server that acknowledges after each `window` bytes.
    pub fn new(window: u32, now: Duration) -> Self {
        Self {
            window: u64::from(window.max(1)),
            entries: VecDeque::new(),
            acknowledged: 0,
            rate_kbps: f64::INFINITY,
            backlog: (0.0, now),
            base: (None, None, now),
            marks: VecDeque::new(),
            last_late: (Duration::ZERO, now),
        }
    }

    /// What the line should carry. What is under way is given the time that it needs at this rate from now on.
    pub fn expect_rate(&mut self, kbps: f64, written: u64, now: Duration) {
        let lower = kbps < self.rate_kbps;
        self.drain(now);
        self.rate_kbps = kbps.max(1.0);
        if !lower {
            return;
        }
        let bits = written.saturating_sub(self.acknowledged) as f64 * 8.0;
        self.backlog.0 = self.backlog.0.max(bits);
        let rate = self.rate_kbps;
        for entry in &mut self.entries {
            let rest = entry.end.saturating_sub(self.acknowledged) as f64 * 8.0;
            entry.allowed = entry.allowed.max(now.saturating_sub(entry.arrived) + time_of(rest, rate));
        }
    }

    fn drain(&mut self, now: Duration) {
        let since = now.saturating_sub(self.backlog.1).as_secs_f64();
        let sent = if self.rate_kbps.is_finite() { since * self.rate_kbps * 1000.0 } else { self.backlog.0 };
        self.backlog = ((self.backlog.0 - sent).max(0.0), now);
    }

    /// A packet of `bytes` that came at `arrived` will be written behind `before` bytes; what was to follow those follows it instead.
    pub fn sent(&mut self, before: u64, bytes: usize, arrived: Duration, now: Duration) {
        self.drain(now);
        self.backlog.0 += bytes as f64 * 8.0;
        let allowed = now.saturating_sub(arrived) + time_of(self.backlog.0, self.rate_kbps);
        let at = self.entries.partition_point(|entry| entry.end <= before);
        self.entries.iter_mut().skip(at).for_each(|entry| entry.end += bytes as u64);
        if self.entries.len() < MAX_ENTRIES {
            self.entries.insert(at, Entry { end: before + bytes as u64, arrived, allowed });
        }
    }

    /// The server has so many bytes, modulo 2^32, as in its message.
    pub fn acknowledged(&mut self, received: u32, now: Duration) {
        let step = received.wrapping_add(HANDSHAKE as u32).wrapping_sub(self.acknowledged as u32);
        // Backwards is nonsense.
        if step == 0 || step > u32::MAX / 2 {
            return;
        }
        self.acknowledged += u64::from(step);
        while let Some(entry) = self.entries.front().copied().filter(|entry| entry.end <= self.acknowledged) {
            self.entries.pop_front();
            let took = now.saturating_sub(entry.arrived);
            self.note_base(took, now);
            self.last_late = (took.saturating_sub(entry.allowed + self.base()), now);
        }
        self.marks.push_back((now, self.acknowledged));
        while self.marks.len() > 2 && self.marks.get(1).is_some_and(|(at, _)| now.saturating_sub(*at) >= RATE_SPAN) {
            self.marks.pop_front();
        }
    }

    fn note_base(&mut self, took: Duration, now: Duration) {
        let (this, before, since) = &mut self.base;
        if now.saturating_sub(*since) > BASE_AGE {
            (*before, *this, *since) = (*this, None, now);
        }
        *this = Some(this.map_or(took, |least| least.min(took)));
    }

    /// What the way takes at the least, there and back.
    fn base(&self) -> Duration {
        self.base.0.into_iter().chain(self.base.1).min().unwrap_or_default()
    }

    /// How it stands; `written` bytes were handed to the pipe in all.
    pub fn line(&self, written: u64, now: Duration) -> Line {
        // What is less than a window need not be acknowledged.
        let due = self.acknowledged + self.window;
        let oldest = self.entries.iter().find(|entry| entry.end >= due);
        let base = self.base();
        let age = oldest.map_or(Duration::ZERO, |entry| now.saturating_sub(entry.arrived));
        let late = oldest.map_or(Duration::ZERO, |entry| age.saturating_sub(entry.allowed + base));
        // Between two packets: what the last one was.
        let recent = if now.saturating_sub(self.last_late.1) < RATE_SPAN { self.last_late.0 } else { Duration::ZERO };
        Line {
            bytes: written.saturating_sub(self.acknowledged),
            age: age.saturating_sub(base),
            late: late.max(recent),
            kbps: self.kbps(now),
        }
    }

    fn kbps(&self, now: Duration) -> Option<u32> {
        let old_enough = self.marks.iter().rev().find(|(at, _)| now.saturating_sub(*at) >= RATE_SPAN);
        let (since, before) = *old_enough.or(self.marks.front())?;
        let span = now.saturating_sub(since);
        if span < RATE_SPAN / 2 {
            return None;
        }
        Some((self.acknowledged.saturating_sub(before) as f64 * 8.0 / 1000.0 / span.as_secs_f64()) as u32)
    }
}

/// How long a line of `kbps` takes for `bits`.
fn time_of(bits: f64, kbps: f64) -> Duration {
    // At an infinite rate that is no time at all.
    Duration::try_from_secs_f64(bits / (kbps * 1000.0)).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A line of `kbps` that takes `way` there and back.
    struct Sim {
        flight: Flight,
        written: u64,
        now: Duration,
        free: Duration,
        way: Duration,
        arrivals: VecDeque<(Duration, u64)>,
    }

    impl Sim {
        fn new(way: Duration, kbps: f64) -> Self {
            let mut flight = Flight::new(1000, ms(0));
            flight.expect_rate(kbps, HANDSHAKE, ms(0));
            Self { flight, written: HANDSHAKE, now: ms(0), free: ms(0), way, arrivals: VecDeque::new() }
        }

        fn run(&mut self, pictures: u64, bytes: impl Fn(u64) -> usize, line_kbps: f64) -> Vec<Line> {
            let mut seen = Vec::new();
            for n in 0..pictures {
                let size = bytes(n);
                self.flight.sent(self.written, size, self.now, self.now);
                // In segments, as TCP does it.
                let mut left = size;
                while left > 0 {
                    let part = left.min(1000);
                    left -= part;
                    self.written += part as u64;
                    self.free = self.free.max(self.now) + time_of(part as f64 * 8.0, line_kbps);
                    self.arrivals.push_back((self.free + self.way, self.written));
                }
                self.now += ms(33);
                while let Some((at, total)) = self.arrivals.pop_front_if(|(at, _)| *at <= self.now) {
                    self.flight.acknowledged((total - HANDSHAKE) as u32, at);
                }
                seen.push(self.flight.line(self.written, self.now));
            }
            seen
        }
    }

    #[test]
    fn a_large_picture_is_not_late_on_a_line_that_carries_the_rate() {
        let mut sim = Sim::new(ms(40), 600.0);
        // 2 kB a picture are 485 kbit/s; a key frame of 20 kB takes a quarter of a second.
        let seen = sim.run(90, |n| if n % 30 == 0 { 16_000 } else { 1500 }, 620.0);
        let worst = seen.iter().map(|line| line.late).max().unwrap();
        assert!(worst < ms(25), "{worst:?}");
        assert!(seen.iter().any(|line| line.age > ms(150)), "it takes its time all the same");
    }

    #[test]
    fn a_line_that_carries_less_is_noticed_within_a_few_pictures_and_its_rate_is_known() {
        let mut sim = Sim::new(ms(40), 1000.0);
        sim.run(60, |_| 4000, 10_000.0);
        let seen = sim.run(20, |_| 4000, 500.0);
        let noticed = seen.iter().position(|line| line.late > ms(60)).unwrap();
        assert!(noticed <= 6, "after {noticed} pictures");
        let last = seen.last().unwrap();
        assert!((420..=560).contains(&last.kbps.unwrap()), "{last:?}");
        // Told that it may only send 400: the rest of the queue is given its time.
        sim.flight.expect_rate(400.0, sim.written, sim.now);
        let seen = sim.run(60, |_| 1200, 500.0);
        let worst = seen.iter().skip(8).map(|line| line.late).max().unwrap();
        assert!(worst < ms(40), "{worst:?}");
        assert!(seen.last().unwrap().age < ms(60), "the queue is gone: {:?}", seen.last());
    }

    #[test]
    fn a_line_that_stands_still_is_late_by_as_much() {
        let mut sim = Sim::new(ms(20), 1000.0);
        sim.run(30, |_| 3000, 5000.0);
        let seen = sim.run(15, |_| 3000, 0.001);
        assert!(seen.last().unwrap().late > ms(350), "{:?}", seen.last());
        assert_eq!(seen.last().unwrap().kbps, Some(0));
    }

    #[test]
    fn less_than_a_window_is_never_late_and_counts_wrap() {
        let mut flight = Flight::new(1000, ms(0));
        flight.acknowledged = u64::from(u32::MAX) - 100;
        let written = flight.acknowledged;
        flight.sent(written, 900, ms(0), ms(0));
        assert_eq!(flight.line(written + 900, ms(5000)).late, ms(0));
        flight.sent(written + 900, 900, ms(0), ms(0));
        assert!(flight.line(written + 1800, ms(5000)).late > ms(4000));
        flight.acknowledged(((written + 1800 - HANDSHAKE) & u64::from(u32::MAX)) as u32, ms(5000));
        assert_eq!(flight.line(written + 1800, ms(9000)).bytes, 0);
        flight.acknowledged(((written + 1000 - HANDSHAKE) & u64::from(u32::MAX)) as u32, ms(5000));
        assert_eq!(flight.acknowledged, written + 1800);
    }

    #[test]
    fn sound_that_passes_a_picture_moves_its_end() {
        let mut flight = Flight::new(1, ms(0));
        flight.sent(HANDSHAKE, 5000, ms(0), ms(0));
        flight.sent(HANDSHAKE + 1000, 100, ms(10), ms(10));
        assert_eq!(flight.entries.iter().map(|entry| entry.end - HANDSHAKE).collect::<Vec<_>>(), [1100, 5100]);
    }
}
