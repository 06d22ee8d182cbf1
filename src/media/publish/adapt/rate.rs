//! How many bits the way carries.
//!
//! Down at once, to a little less than what was seen to arrive. Up along a cubic curve, as TCP's CUBIC does it: slowly towards the rate that
//! was too much, there very slowly, and faster the longer that goes well.

use super::{Cause, Signals};
use std::time::Duration;

/// What is known of a way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// How long the oldest picture has been under way, beyond what the way takes at the least.
    pub age: Duration,
    /// How much later pictures come than on a way that carries the present rate.
    pub late: Duration,
    /// Kilobits a second that arrive, if that was measured. While pictures are late it is what the way carries.
    pub kbps: Option<u32>,
}

/// Pictures that are later than this tell that the way carries too little; later than the other, that it carries no more than this.
const LATE: Duration = Duration::from_millis(60);
const CALM: Duration = Duration::from_millis(30);
/// Only if that lasts so long, or is as bad as this at once: a lost packet makes a stall, and says nothing about the rate.
const PERSISTENT: Duration = Duration::from_millis(100);
const FAR_TOO_LATE: Duration = Duration::from_millis(180);
/// A picture is left out while an older one is under way for longer.
pub(super) const SKIP: Duration = Duration::from_millis(130);
/// After a change its effect is waited for: on one's own line, and where receivers have to tell it.
const HOLD: Duration = Duration::from_millis(250);
const HOLD_RECEIVER: Duration = Duration::from_millis(700);
/// What waits should be gone after so long.
const DRAINED: Duration = Duration::from_millis(1500);
/// Share of what arrives that is sent from then on, so that what waits can go; and of what was sent, where nothing was measured.
/// The later it is, the less: by this share for each second.
const BACK_OFF: f64 = 0.85;
const BACK_OFF_FURTHER: f64 = 0.4;
const BACK_OFF_LEAST: f64 = 0.6;
const BLIND: f64 = 0.7;
/// Of late, and from which share of the rate on it counts as all of it.
const RECENT: Duration = Duration::from_millis(700);
const SENDS_ALL: f64 = 0.6;
/// One measurement is not believed further down than this share.
const DEEPEST: f64 = 0.5;
/// The least that is ever sent of pictures: a postage stamp that moves.
pub(super) const LEAST_PICTURE_KBPS: u32 = 30;
/// RTMP, TCP and IP add so much to some fifty packets of sound and pictures a second.
pub(super) const HEADERS_KBPS: f64 = 12.0;
/// From the back-off to the rate that was too much, the first time; each time that it turns out to be too much again, longer.
const CLIMB: Duration = Duration::from_secs(4);
const MAX_FAILURES: u32 = 5;
/// What goes well at the full rate for so long was no accident.
const SETTLED: Duration = Duration::from_secs(12);
/// The same rate again: within this share.
const SAME: f64 = 0.25;
/// A burst of one's own (a key frame) makes pictures late at the receivers for about so long.
const BURST: Duration = Duration::from_secs(1);

/// The rate of one stream, sound and headers included.
#[derive(Debug)]
pub(super) struct Rate {
    kbps: f64,
    /// What is asked for.
    full: f64,
    sound: f64,
    /// The rate that was too much, what was sent after it, and when that began; none while it never was.
    climb: Option<Climb>,
    /// How far along the curve it is.
    climbed: Duration,
    hold_until: Duration,
    hold_receiver_until: Duration,
    /// Since when pictures are late, on the line and at a receiver.
    late_since: [Option<Duration>; 2],
    /// Since when there is all that was asked for again.
    full_since: Option<Duration>,
    failures: u32,
    now: Duration,
    /// Bits that a line of the present rate would still have to send; and the longest that this took of late.
    backlog: f64,
    /// Bits sent of late, each counting less the older it is.
    recent: f64,
    burst: (Duration, Duration),
}

#[derive(Clone, Copy, Debug)]
struct Climb {
    ceiling: f64,
    from: f64,
    since: Duration,
}

impl Rate {
    pub(super) fn new(kbps: f64, now: Duration) -> Self {
        let full = kbps + HEADERS_KBPS;
        Self {
            kbps: full,
            full,
            sound: HEADERS_KBPS,
            climb: None,
            climbed: Duration::ZERO,
            hold_until: now,
            hold_receiver_until: now,
            late_since: [None; 2],
            full_since: None,
            failures: 0,
            now,
            backlog: 0.0,
            recent: 0.0,
            burst: (Duration::ZERO, now),
        }
    }

    pub(super) fn kbps(&self) -> f64 {
        self.kbps
    }

    /// The part that is not the picture's.
    pub(super) fn sound_kbps(&self) -> f64 {
        self.sound
    }

    /// Whether the way does not carry what is asked for, or did not a short time ago.
    pub(super) fn is_constrained(&self) -> bool {
        self.climb.is_some()
    }

    pub(super) fn sent(&mut self, bytes: usize, now: Duration) {
        self.pass(now);
        self.backlog += bytes as f64 * 8.0;
        self.recent += bytes as f64 * 8.0;
        let takes = Duration::try_from_secs_f64(self.backlog / (self.kbps * 1000.0)).unwrap_or(Duration::ZERO);
        if takes >= self.burst.0 || now.saturating_sub(self.burst.1) > BURST {
            self.burst = (takes, now);
        }
    }

    /// A picture of so many bits was left out because the line is behind: it would have been sent.
    pub(super) fn left_out(&mut self, bits: f64) {
        self.recent += bits;
    }

    fn pass(&mut self, now: Duration) {
        let since = now.saturating_sub(self.now).as_secs_f64();
        self.backlog = (self.backlog - since * self.kbps * 1000.0).max(0.0);
        self.recent *= (-since / RECENT.as_secs_f64()).exp();
        self.now = self.now.max(now);
    }

    /// Thinks again, with `full` asked for, and no less than `floor` because of receivers; returns who is to blame if it went down.
    pub(super) fn update(&mut self, signals: &Signals, full: f64, floor: f64, now: Duration) -> Option<Cause> {
        self.pass(now);
        self.sound = f64::from(signals.sound_kbps) + HEADERS_KBPS;
        self.full = full;
        let least = self.sound + f64::from(LEAST_PICTURE_KBPS);
        let line = signals.line;
        let burst = if now.saturating_sub(self.burst.1) <= BURST { self.burst.0 } else { Duration::ZERO };
        let receiver = signals.receiver.map(|path| Path { late: path.late.saturating_sub(burst), ..path });
        let late = receiver.map_or(line.late, |path| path.late.max(line.late));
        let persistent = |since: &mut Option<Duration>, late: Duration| {
            if late <= LATE {
                *since = None;
                return false;
            }
            now.saturating_sub(*since.get_or_insert(now)) >= PERSISTENT || late > FAR_TOO_LATE
        };
        let [on_line, on_way] = &mut self.late_since;
        let late_line = persistent(on_line, line.late);
        let late_receiver = persistent(on_way, receiver.map_or(Duration::ZERO, |path| path.late));
        // More arrives than is sent: what waits is on its way out already.
        let drains = |path: Path, since: Option<Duration>| {
            path.kbps.is_some_and(|kbps| f64::from(kbps) > self.kbps)
                && since.is_none_or(|since| now.saturating_sub(since) < DRAINED)
        };
        let late_line = late_line && !drains(line, self.late_since[0]);
        let late_receiver = late_receiver && receiver.is_some_and(|path| !drains(path, self.late_since[1]));
        if now >= self.hold_until {
            if late_line {
                self.back_off(line, HOLD, least, now);
                return Some(Cause::Network);
            }
            if let Some(path) = receiver.filter(|_| late_receiver && now >= self.hold_receiver_until) {
                let least = least.max(floor.min(self.kbps));
                self.back_off(path, HOLD_RECEIVER, least, now);
                // What is late on one's own line is late at the receivers as well.
                return Some(if line.late > CALM { Cause::Network } else { Cause::Receiver });
            }
        }
        self.climb(late, now);
        self.kbps = self.kbps.clamp(least.min(full), full);
        None
    }

    fn back_off(&mut self, path: Path, hold: Duration, least: f64, now: Duration) {
        // Who sends little sees little arrive, however much the way carries.
        let sends_all = self.recent / RECENT.as_secs_f64() / 1000.0 > self.kbps * SENDS_ALL;
        let carried = path.kbps.map(f64::from).filter(|kbps| *kbps < self.kbps && sends_all);
        let carried = carried.map(|kbps| kbps.max(self.kbps * DEEPEST));
        let kbps = match carried {
            Some(carried) => carried * (BACK_OFF - path.late.as_secs_f64() * BACK_OFF_FURTHER).max(BACK_OFF_LEAST),
            None => self.kbps * BLIND,
        };
        let ceiling = carried.unwrap_or(self.kbps).max(least);
        let again = self
            .climb
            .is_some_and(|climb| (self.kbps / climb.ceiling - 1.0).abs() < SAME && now.saturating_sub(climb.since) > CLIMB);
        self.failures = if again { (self.failures + 1).min(MAX_FAILURES) } else { 0 };
        self.kbps = kbps.max(least).min(self.kbps);
        self.climb = Some(Climb { ceiling: ceiling.max(self.kbps), from: self.kbps, since: now });
        self.climbed = Duration::ZERO;
        self.hold_until = now + hold;
        // What receivers tell now is about what was sent before.
        self.hold_receiver_until = now + HOLD_RECEIVER;
    }

    /// Goes up if nothing is late.
    fn climb(&mut self, late: Duration, now: Duration) {
        let Some(climb) = &mut self.climb else {
            self.kbps = self.full;
            return;
        };
        if late > CALM {
            // Not now: the curve waits where it is.
            climb.since = now.saturating_sub(self.climbed);
            return;
        }
        self.climbed = now.saturating_sub(climb.since);
        let span = CLIMB.as_secs_f64() * f64::from(1 + self.failures);
        let beyond = self.climbed.as_secs_f64() - span;
        let x = beyond / if beyond < 0.0 { span } else { CLIMB.as_secs_f64() };
        let kbps = climb.ceiling + (climb.ceiling - climb.from).max(climb.ceiling * (1.0 - BACK_OFF)) * x.powi(3);
        self.kbps = self.kbps.max(kbps);
        if self.kbps < self.full {
            self.full_since = None;
            return;
        }
        self.kbps = self.full;
        if now.saturating_sub(*self.full_since.get_or_insert(now)) >= SETTLED {
            (self.climb, self.failures, self.full_since) = (None, 0, None);
        }
    }
}
