//! The jitter buffer for sound: decoded samples in at whatever times they arrive, 10 ms out at every tick.
//!
//! It holds the delay (tick minus media time minus the network's floor) at a target that follows the 95th percentile of how late
//! packets come. A small difference is taken out by playing 0.4 % faster or slower, a middle one by cutting or repeating a pitch
//! period, a large one by a jump to the live edge. What is missing is concealed.
//!
//! Pure: no thread, no clock, no codec.

use super::delay::{Arrivals, micros};
use super::stretch::{self, CONTEXT, Concealer};
use crate::media::frame::{CHUNK_SAMPLES, SAMPLE_RATE};
use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Samples in a millisecond.
const PER_MS: i64 = (SAMPLE_RATE / 1000) as i64;
/// A tick needs its 10 ms before they are late: this much is added to the spread of arrival.
const TICK_US: i64 = 10_000;
/// Differences below this are left alone once reached.
const CALM_US: i64 = 1_000;
/// Beyond this: play faster or slower.
const SMALL_US: i64 = 4_000;
/// Beyond this: cut or repeat pitch periods.
const MIDDLE_US: i64 = 15_000;
/// Beyond this: jump.
const LARGE_US: i64 = 250_000;
/// Ticks between two cuts: speech stays speech at a third more speed.
const BETWEEN_CUTS: u32 = 3;
/// Input samples for a tick when played 0.4 % faster or slower: whole numbers, so that ticks end on samples.
const FASTER: usize = CHUNK_SAMPLES + 2;
const SLOWER: usize = CHUNK_SAMPLES - 2;
/// Timestamps may deviate this much from the count of samples (rounding, drift, jitter of the capture clock).
const ROUNDING_US: i64 = 40_000;
/// The buffer never holds more: 2 s.
const MOST_SAMPLES: usize = 2 * SAMPLE_RATE as usize;
/// Fading in after concealment: 5 ms.
const FADE_IN: usize = 240;
/// An underrun raises the target by this...
const BOOST_US: i64 = 10_000;
/// ...at most once in so many ticks, for one stall can be several underruns...
const BETWEEN_BOOSTS: u32 = 50;
/// ...up to this...
const MOST_BOOST_US: i64 = 40_000;
/// ...and it comes down again by this much a tick: 10 ms a second.
const BOOST_FALL_US: i64 = 100;
/// Without packets for this long nothing is expected any more, and silence is no gap.
const GONE: Duration = Duration::from_secs(2);

/// The jitter buffer for the sound of one peer.
#[derive(Debug)]
pub(super) struct Sound {
    limits: RangeInclusive<i64>,
    arrivals: Arrivals,
    samples: VecDeque<f32>,
    /// How many samples have left the buffer, cut ones included.
    taken: u64,
    /// Media times of sample counts, the last one valid for all that follows.
    marks: VecDeque<Mark>,
    playing: bool,
    boost_us: i64,
    since_boost: u32,
    /// What the picture needs, so that it need not follow the sound by too much.
    picture_us: i64,
    correcting: bool,
    since_cut: u32,
    played: Vec<f32>,
    concealer: Concealer,
    /// Sound that had to be concealed, in samples.
    concealed: u64,
    work: Vec<f32>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    sample: u64,
    media_us: i64,
    /// Whether sound is missing before it.
    gap: bool,
}

/// What a tick played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Played {
    /// Real sound; media time of its first sample.
    Sound(i64),
    /// Invented sound or silence.
    Nothing,
}

impl Sound {
    /// An empty buffer whose target stays within `limits`.
    pub(super) fn new(limits: RangeInclusive<Duration>) -> Self {
        Self {
            limits: micros(*limits.start())..=micros(*limits.end()),
            arrivals: Arrivals::default(),
            samples: VecDeque::with_capacity(MOST_SAMPLES / 4),
            taken: 0,
            marks: VecDeque::new(),
            playing: false,
            boost_us: 0,
            since_boost: BETWEEN_BOOSTS,
            picture_us: 0,
            correcting: false,
            since_cut: 0,
            played: Vec::new(),
            concealer: Concealer::default(),
            concealed: 0,
            work: Vec::new(),
        }
    }

    /// Adds decoded samples whose first has this media time.
    pub(super) fn push(&mut self, media_us: i64, samples: &[f32], arrived: Duration) {
        if samples.is_empty() {
            return;
        }
        if self.arrivals.is_foreign(media_us, arrived) {
            self.restart();
        }
        self.arrivals.note(media_us, arrived);
        let expected = self.end_us();
        let step = expected.map_or(0, |end| media_us - end);
        if step < -ROUNDING_US {
            // The carrier keeps the order, so this is no late packet: the publisher has begun anew.
            self.restart();
            self.arrivals.note(media_us, arrived);
        }
        let gap = step > ROUNDING_US;
        self.marks.push_back(Mark { sample: self.taken + self.samples.len() as u64, media_us, gap });
        self.samples.extend(samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }));
        if self.samples.len() > MOST_SAMPLES {
            self.skip(self.samples.len() - MOST_SAMPLES);
        }
    }

    /// Forgets what waits and what was learned: another stream begins.
    pub(super) fn restart(&mut self) {
        self.skip(self.samples.len());
        self.marks.clear();
        self.arrivals.clear();
        self.playing = false;
        self.boost_us = 0;
        self.picture_us = 0;
    }

    /// What the picture needs the target to be, in microseconds.
    pub(super) fn set_picture_need(&mut self, need_us: i64) {
        self.picture_us = need_us;
    }

    /// How far behind the network's floor sound is meant to be played, in microseconds.
    pub(super) fn target_us(&self) -> i64 {
        (self.arrivals.spread_us() + TICK_US + self.boost_us).max(self.picture_us).clamp(*self.limits.start(), *self.limits.end())
    }

    /// Sound that waits, in microseconds.
    pub(super) fn buffered_us(&self) -> i64 {
        self.samples.len() as i64 * 1000 / PER_MS
    }

    /// When packets came.
    pub(super) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Sound that had to be concealed so far.
    pub(super) fn concealed(&self) -> Duration {
        Duration::from_micros(self.concealed * 1000 / PER_MS as u64)
    }

    /// The next 10 ms, asked for at `now`; `out` comes as silence.
    pub(super) fn pull(&mut self, now: Duration, out: &mut [f32; CHUNK_SAMPLES]) -> Played {
        self.boost_us = (self.boost_us - BOOST_FALL_US).max(0);
        self.since_cut = self.since_cut.saturating_add(1);
        self.since_boost = self.since_boost.saturating_add(1);
        let target = self.target_us();
        let was_playing = self.playing;
        self.align(now, target);
        let head = self.head_us().filter(|_| self.playing);
        let Some(media_us) = head else {
            let expected = self.arrivals.last().is_some_and(|last| now.saturating_sub(last) < GONE);
            if expected && !self.played.is_empty() {
                self.conceal(out);
            }
            return Played::Nothing;
        };
        let real = self.play(self.delay_us(now).map_or(0, |delay| delay - target), out);
        if !was_playing || self.concealer.is_running() {
            self.fade_in(&mut out[..real.min(FADE_IN)]);
        }
        self.remember(&out[..real]);
        if real < CHUNK_SAMPLES {
            self.stop_playing();
            self.conceal(&mut out[real..]);
        }
        Played::Sound(media_us)
    }

    /// Decides whether to play, and drops what is too old to be played.
    fn align(&mut self, now: Duration, target: i64) {
        let at_gap = self.marks.front().is_some_and(|m| m.gap);
        if self.playing && (at_gap || self.samples.is_empty()) {
            self.stop_playing();
        }
        let Some(excess) = self.delay_us(now).map(|delay| delay - target) else { return };
        if !self.playing && excess >= 0 {
            // The head is due. After an interruption it is played from where it stands, at the very start from where it should be.
            self.playing = true;
            if self.played.is_empty() || excess > LARGE_US {
                self.skip_us(excess);
            }
            if let Some(mark) = self.marks.front_mut() {
                mark.gap = false;
            }
        } else if self.playing && excess > LARGE_US {
            self.concealer.start(&self.played);
            self.skip_us(excess);
        }
    }

    /// There is nothing to go on with: sound is missing, or late.
    fn stop_playing(&mut self) {
        self.playing = false;
        if self.samples.is_empty() && self.since_boost >= BETWEEN_BOOSTS {
            self.boost_us = (self.boost_us + BOOST_US).min(MOST_BOOST_US);
            self.since_boost = 0;
        }
    }

    /// Samples up to the next gap.
    fn run(&self) -> usize {
        let gap = self.marks.iter().find(|m| m.gap && m.sample > self.taken);
        gap.map_or(self.samples.len(), |m| (m.sample - self.taken) as usize)
    }

    /// Fills `out` from the buffer, whose head is `excess` microseconds later than wanted. Returns how many samples there were.
    fn play(&mut self, excess: i64, out: &mut [f32; CHUNK_SAMPLES]) -> usize {
        let run = self.run();
        self.correcting = excess.abs() > if self.correcting { CALM_US } else { SMALL_US };
        let may_cut = excess.abs() > MIDDLE_US && self.since_cut >= BETWEEN_CUTS;
        if may_cut && excess > 0 && run >= CHUNK_SAMPLES + CONTEXT {
            self.cut(out);
        } else if may_cut && excess < 0 && run >= CHUNK_SAMPLES && self.played.len() == CONTEXT {
            self.repeat(out);
        } else if self.correcting && excess > 0 && run > FASTER {
            self.play_at(FASTER, out);
        } else if self.correcting && excess < 0 && run > SLOWER {
            self.play_at(SLOWER, out);
        } else {
            let have = run.min(CHUNK_SAMPLES);
            for (out, sample) in out.iter_mut().zip(self.samples.iter().take(have)) {
                *out = *sample;
            }
            self.skip(have);
            return have;
        }
        CHUNK_SAMPLES
    }

    /// `input` samples become one tick.
    fn play_at(&mut self, input: usize, out: &mut [f32; CHUNK_SAMPLES]) {
        let last = input.min(self.samples.len().saturating_sub(1));
        for (i, out) in out.iter_mut().enumerate() {
            let at = i * input;
            let (whole, part) = (at / CHUNK_SAMPLES, (at % CHUNK_SAMPLES) as f32 / CHUNK_SAMPLES as f32);
            let sample = |i: usize| self.samples.get(i.min(last)).copied().unwrap_or(0.0);
            let before = if whole == 0 { self.played.last().copied().unwrap_or(0.0) } else { sample(whole - 1) };
            *out = cubic(before, sample(whole), sample(whole + 1), sample(whole + 2), part);
        }
        self.skip(input);
    }

    /// Plays a tick and leaves a pitch period out.
    fn cut(&mut self, out: &mut [f32; CHUNK_SAMPLES]) {
        self.work.clear();
        self.work.extend(self.samples.iter().take(CHUNK_SAMPLES + CONTEXT));
        let period = stretch::period(&self.work[..CONTEXT], CONTEXT);
        let fade = period.min(CHUNK_SAMPLES);
        out.copy_from_slice(&self.work[period..period + CHUNK_SAMPLES]);
        stretch::cross_fade(self.work.iter().copied(), self.work.iter().skip(period).copied(), &mut out[..fade]);
        self.skip(CHUNK_SAMPLES + period);
        self.since_cut = 0;
    }

    /// Plays a tick and repeats a pitch period of it.
    fn repeat(&mut self, out: &mut [f32; CHUNK_SAMPLES]) {
        let period = stretch::period(&self.played, CHUNK_SAMPLES);
        self.work.clear();
        self.work.extend_from_slice(&self.played[self.played.len() - period..]);
        self.work.extend(self.samples.iter().take(CHUNK_SAMPLES));
        // From what comes next to what came one period before.
        out.copy_from_slice(&self.work[..CHUNK_SAMPLES]);
        stretch::cross_fade(self.work.iter().skip(period).copied(), self.work.iter().copied(), &mut out[..period]);
        self.skip(CHUNK_SAMPLES - period);
        self.since_cut = 0;
    }

    /// The invented sound goes over into the real one.
    fn fade_in(&mut self, out: &mut [f32]) {
        self.work.clear();
        self.work.extend_from_slice(out);
        let concealer = &mut self.concealer;
        stretch::cross_fade(std::iter::from_fn(|| Some(concealer.next())), self.work.iter().copied(), out);
        self.concealer.stop();
    }

    /// Invents what is missing.
    fn conceal(&mut self, out: &mut [f32]) {
        self.concealer.start(&self.played);
        for out in &mut *out {
            *out = self.concealer.next();
        }
        self.concealed += out.len() as u64;
        self.remember(out);
    }

    /// Keeps the end of what was played: concealment and repetition go on from it.
    fn remember(&mut self, out: &[f32]) {
        self.played.extend_from_slice(out);
        let surplus = self.played.len().saturating_sub(CONTEXT);
        self.played.drain(..surplus);
    }

    /// Drops samples from the head.
    fn skip(&mut self, count: usize) {
        let count = count.min(self.samples.len());
        self.samples.drain(..count);
        self.taken += count as u64;
        while self.marks.get(1).is_some_and(|next| next.sample <= self.taken) {
            self.marks.pop_front();
        }
    }

    /// Drops `excess_us` of media time from the head, gaps included.
    fn skip_us(&mut self, excess_us: i64) {
        let Some(until) = self.head_us().map(|head| head + excess_us) else { return };
        while let Some(left_us) = self.head_us().map(|head| until - head).filter(|left| *left > 0) {
            let run = self.marks.get(1).map_or(usize::MAX, |next| (next.sample - self.taken) as usize);
            let left = usize::try_from(left_us * PER_MS / 1000).unwrap_or(usize::MAX);
            self.skip(left.min(run).max(1));
        }
    }

    /// Media time of the first sample in the buffer.
    fn head_us(&self) -> Option<i64> {
        let mark = self.marks.front().filter(|_| !self.samples.is_empty())?;
        Some(mark.media_us + (self.taken as i64 - mark.sample as i64) * 1000 / PER_MS)
    }

    /// Media time after the last sample that was ever put in.
    fn end_us(&self) -> Option<i64> {
        let mark = self.marks.back()?;
        Some(mark.media_us + (self.taken as i64 + self.samples.len() as i64 - mark.sample as i64) * 1000 / PER_MS)
    }

    /// How far behind the network's floor the head is at `now`.
    fn delay_us(&self, now: Duration) -> Option<i64> {
        Some(micros(now) - self.arrivals.base_us()? - self.head_us()?)
    }
}

/// Catmull-Rom interpolation between `b` and `c`.
fn cubic(a: f32, b: f32, c: f32, d: f32, t: f32) -> f32 {
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
