//! The jitter buffer for sound: coded packets in at whatever times they arrive, 10 ms of samples out at every tick.
//!
//! It holds the delay (tick minus media time minus the network's floor) at a target that follows the 95th percentile of how late
//! packets come. A small difference is taken out by playing 0.4 % faster or slower, a middle one by cutting or repeating a pitch
//! period, a large one by a jump to the live edge. What is missing is concealed: by the decoder if it can, else by repeating what
//! was heard last.
//!
//! Pure: no thread, no clock. The packets are decoded in `stock`.

use super::decode::Decode;
use super::delay::{Arrivals, micros};
use super::pace::{Latency, Pace};
use super::stock::{PER_MS, Stock};
use super::stretch::{self, CONTEXT, Concealer};
use crate::media::frame::CHUNK_SAMPLES;
use bytes::Bytes;
use std::time::Duration;

/// A tick needs its 10 ms before they are late: this much is added to the spread of arrival.
const TICK_US: i64 = 10_000;
/// Differences below this are left alone once reached.
const CALM_US: i64 = 1_000;
/// Beyond this: play faster or slower.
const SMALL_US: i64 = 4_000;
/// Beyond this: cut or repeat pitch periods.
const MIDDLE_US: i64 = 15_000;
/// Beyond this: no short ones.
const URGENT_US: i64 = 60_000;
/// Input samples for a tick when played 0.4 % faster or slower: whole numbers, so that ticks end on samples.
const FASTER: usize = CHUNK_SAMPLES + 2;
const SLOWER: usize = CHUNK_SAMPLES - 2;
/// Samples that a tick needs at most, the neighbours that interpolation looks at included.
const WANTED: usize = FASTER + 2;
/// A packet that begins before the last one ended by more than this belongs to a publisher that has begun anew.
const BACKWARDS_US: i64 = 40_000;
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
/// After so many ticks without sound none is expected any more, and silence is no gap: 2 s.
const GONE: u32 = 200;

/// The jitter buffer for the sound of one peer.
pub(super) struct Sound {
    pace: Pace,
    arrivals: Arrivals,
    stock: Stock,
    playing: bool,
    boost_us: i64,
    since_boost: u32,
    /// What the picture needs, so that it need not follow the sound by too much.
    picture_us: i64,
    correcting: bool,
    since_cut: u32,
    /// The end of what was played.
    played: Vec<f32>,
    concealer: Concealer,
    /// What the decoder made up and was not played yet.
    spare: Vec<f32>,
    /// Whether plain silence was put out last.
    hushed: bool,
    /// Ticks since something real was played.
    nothing_for: u32,
    /// Sound that had to be concealed for want of packets, in samples.
    concealed: u64,
    work: Vec<f32>,
}

/// What a tick played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Played {
    /// Real sound; media time of its first sample.
    Sound(i64),
    /// Silence that the sender announced.
    Silence,
    /// Invented sound, or silence because there is nothing.
    Nothing,
}

impl Sound {
    /// An empty buffer.
    pub(super) fn new(latency: Latency) -> Self {
        let pace = Pace::new(latency);
        Self {
            stock: Stock::new(pace.most_us),
            pace,
            arrivals: Arrivals::default(),
            playing: false,
            boost_us: 0,
            since_boost: BETWEEN_BOOSTS,
            picture_us: 0,
            correcting: false,
            since_cut: 0,
            played: Vec::new(),
            concealer: Concealer::default(),
            spare: Vec::new(),
            hushed: true,
            nothing_for: GONE,
            concealed: 0,
            work: Vec::new(),
        }
    }

    /// Plays by other rules from now on.
    pub(super) fn set_latency(&mut self, latency: Latency) {
        self.pace = Pace::new(latency);
        self.stock.set_limit(self.pace.most_us);
    }

    /// How the packets are coded that are put in from here on.
    pub(super) fn set_decoder(&mut self, decoder: Box<dyn Decode>) {
        self.stock.set_decoder(decoder);
    }

    /// Adds a packet whose first sample has this media time.
    pub(super) fn push(&mut self, media_us: i64, packet: Bytes, arrived: Duration) {
        if self.arrivals.is_foreign(media_us, arrived) {
            self.restart();
        }
        let step = self.stock.tail_us().map_or(0, |tail| media_us - tail);
        if step < -BACKWARDS_US {
            // The carrier keeps the order, so this is no late packet.
            self.restart();
        }
        self.arrivals.note(media_us, arrived);
        if let Some(floor) = self.arrivals.floor_us() {
            self.pace.came_late(micros(arrived) - media_us - floor);
        }
        self.stock.push(media_us, packet);
    }

    /// Forgets what waits and what was learned: another stream begins.
    pub(super) fn restart(&mut self) {
        self.stock.clear();
        self.arrivals.clear();
        self.pace.restart();
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
        self.pace.target_us((self.arrivals.spread_us() + TICK_US + self.boost_us).max(self.picture_us))
    }

    /// Sound that waits, in microseconds.
    pub(super) fn buffered_us(&self) -> i64 {
        self.stock.waiting_us()
    }

    /// Whether nothing has come that could be played.
    pub(super) fn is_starved(&self) -> bool {
        self.stock.is_empty()
    }

    /// Media time of what is expected to come next.
    pub(super) fn tail_us(&self) -> Option<i64> {
        self.stock.tail_us()
    }

    /// When packets came.
    pub(super) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// The rules.
    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Sound that had to be concealed so far.
    pub(super) fn concealed(&self) -> Duration {
        Duration::from_micros((self.concealed + self.stock.filled()) * 1000 / PER_MS as u64)
    }

    /// The next 10 ms, asked for at `now`; `out` comes as silence.
    pub(super) fn pull(&mut self, now: Duration, out: &mut [f32; CHUNK_SAMPLES]) -> Played {
        self.pace.tick();
        self.boost_us = (self.boost_us - BOOST_FALL_US).max(0);
        self.since_cut = self.since_cut.saturating_add(1);
        self.since_boost = self.since_boost.saturating_add(1);
        let was_playing = self.playing;
        self.align(now);
        let head = self.stock.head_us().filter(|_| self.playing);
        let Some(media_us) = head else { return self.play_nothing(out) };
        self.nothing_for = 0;
        let real = self.play(self.excess_us(now).unwrap_or(0), out);
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

    fn play_nothing(&mut self, out: &mut [f32; CHUNK_SAMPLES]) -> Played {
        self.nothing_for = self.nothing_for.saturating_add(1);
        if self.nothing_for >= GONE && !self.stock.is_silent() {
            self.hushed = true;
            return Played::Nothing;
        }
        self.conceal(out);
        if self.stock.is_silent() { Played::Silence } else { Played::Nothing }
    }

    /// Decides whether to play, and drops what is too old to be played.
    fn align(&mut self, now: Duration) {
        if self.playing && (self.stock.is_at_hole() || self.stock.is_empty()) {
            self.stop_playing();
        }
        let Some(excess) = self.excess_us(now) else { return };
        let too_much = self.pace.jump_us.is_some_and(|jump| excess > jump);
        if !self.playing && excess >= 0 {
            // The head is due. After an interruption it is played from where it stands, at the very start from where it should be.
            self.playing = true;
            self.stock.cross();
            if self.played.is_empty() || too_much {
                self.skip_us(excess);
            }
        } else if self.playing && too_much {
            self.concealer.start(&self.played);
            self.skip_us(excess);
        }
    }

    fn skip_us(&mut self, excess_us: i64) {
        if let Some(head) = self.stock.head_us() {
            self.stock.skip_to(head + excess_us);
        }
    }

    /// There is nothing to go on with: sound is missing, or late.
    fn stop_playing(&mut self) {
        self.playing = false;
        if self.stock.is_empty() && !self.stock.is_silent() && self.since_boost >= BETWEEN_BOOSTS {
            self.boost_us = (self.boost_us + BOOST_US).min(MOST_BOOST_US);
            self.since_boost = 0;
        }
    }

    /// Fills `out` from the stock, whose head is `excess` microseconds later than wanted. Returns how many samples there were.
    fn play(&mut self, excess: i64, out: &mut [f32; CHUNK_SAMPLES]) -> usize {
        self.correcting = excess.abs() > if self.correcting { CALM_US } else { SMALL_US };
        let may_cut = excess.abs() > MIDDLE_US && self.since_cut >= self.pace.between_cuts;
        self.stock.fill(if may_cut && excess > 0 { CHUNK_SAMPLES + CONTEXT } else { WANTED });
        let run = self.stock.samples().len();
        if may_cut && excess > 0 && run >= CHUNK_SAMPLES + CONTEXT {
            self.cut(excess > URGENT_US, out);
        } else if may_cut && excess < 0 && run >= CHUNK_SAMPLES && self.played.len() == CONTEXT {
            self.repeat(out);
        } else if self.correcting && excess > 0 && run > FASTER {
            self.play_at(FASTER, out);
        } else if self.correcting && excess < 0 && run > SLOWER {
            self.play_at(SLOWER, out);
        } else {
            let have = run.min(CHUNK_SAMPLES);
            for (out, sample) in out.iter_mut().zip(self.stock.samples().iter().take(have)) {
                *out = *sample;
            }
            self.stock.skip(have);
            return have;
        }
        CHUNK_SAMPLES
    }

    /// `input` samples become one tick.
    fn play_at(&mut self, input: usize, out: &mut [f32; CHUNK_SAMPLES]) {
        let last = input.min(self.stock.samples().len().saturating_sub(1));
        for (i, out) in out.iter_mut().enumerate() {
            let at = i * input;
            let (whole, part) = (at / CHUNK_SAMPLES, (at % CHUNK_SAMPLES) as f32 / CHUNK_SAMPLES as f32);
            let sample = |i: usize| self.stock.samples().get(i.min(last)).copied().unwrap_or(0.0);
            let before = if whole == 0 { self.played.last().copied().unwrap_or(0.0) } else { sample(whole - 1) };
            *out = cubic(before, sample(whole), sample(whole + 1), sample(whole + 2), part);
        }
        self.stock.skip(input);
    }

    /// Plays a tick and leaves a pitch period out.
    fn cut(&mut self, urgent: bool, out: &mut [f32; CHUNK_SAMPLES]) {
        self.work.clear();
        self.work.extend(self.stock.samples().iter().take(CHUNK_SAMPLES + CONTEXT));
        let period = stretch::period(&self.work[..CONTEXT], if urgent { stretch::LONG } else { stretch::ANY });
        let fade = period.min(CHUNK_SAMPLES);
        out.copy_from_slice(&self.work[period..period + CHUNK_SAMPLES]);
        stretch::cross_fade(self.work.iter().copied(), self.work.iter().skip(period).copied(), &mut out[..fade]);
        self.stock.skip(CHUNK_SAMPLES + period);
        self.since_cut = 0;
    }

    /// Plays a tick and repeats a pitch period of it.
    fn repeat(&mut self, out: &mut [f32; CHUNK_SAMPLES]) {
        let period = stretch::period(&self.played, *stretch::ANY.start()..=CHUNK_SAMPLES);
        self.work.clear();
        self.work.extend_from_slice(&self.played[self.played.len() - period..]);
        self.work.extend(self.stock.samples().iter().take(CHUNK_SAMPLES));
        // From what comes next to what came one period before.
        out.copy_from_slice(&self.work[..CHUNK_SAMPLES]);
        stretch::cross_fade(self.work.iter().skip(period).copied(), self.work.iter().copied(), &mut out[..period]);
        self.stock.skip(CHUNK_SAMPLES - period);
        self.since_cut = 0;
    }

    /// The invented sound goes over into the real one.
    fn fade_in(&mut self, out: &mut [f32]) {
        self.work.clear();
        self.work.extend_from_slice(out);
        let real = self.work.iter().copied();
        if self.concealer.is_running() {
            let concealer = &mut self.concealer;
            stretch::cross_fade(std::iter::from_fn(|| Some(concealer.next())), real, out);
            self.concealer.stop();
        } else if self.hushed {
            stretch::cross_fade(std::iter::repeat(0.0), real, out);
        } else {
            // The decoder goes on from what it made up.
            let left = self.spare.len().min(out.len());
            stretch::cross_fade(self.spare.drain(..left), real, &mut out[..left]);
        }
        self.spare.clear();
        self.hushed = false;
    }

    /// Invents what is missing.
    fn conceal(&mut self, out: &mut [f32]) {
        let missing = out.len().saturating_sub(self.spare.len());
        if !self.concealer.is_running() && (missing == 0 || self.stock.conceal(missing, &mut self.spare)) {
            let made = self.spare.len().min(out.len());
            for (out, made) in out.iter_mut().zip(self.spare.drain(..made)) {
                *out = made;
            }
        } else {
            self.concealer.start(&self.played);
            for out in &mut *out {
                *out = self.concealer.next();
            }
        }
        self.hushed = false;
        if !self.stock.is_silent() {
            self.concealed += out.len() as u64;
        }
        self.remember(out);
    }

    /// Keeps the end of what was played: concealment and repetition go on from it.
    fn remember(&mut self, out: &[f32]) {
        self.played.extend_from_slice(out);
        let surplus = self.played.len().saturating_sub(CONTEXT);
        self.played.drain(..surplus);
    }

    /// How much later than wanted the head is at `now`. Never earlier than the network delivers at present: what has become slow is
    /// followed at once.
    fn excess_us(&self, now: Duration) -> Option<i64> {
        let wanted = self.arrivals.floor_us()? + self.target_us();
        let possible = self.arrivals.latest_floor_us()? + TICK_US;
        Some(micros(now) - self.stock.head_us()? - wanted.max(possible))
    }
}

/// Catmull-Rom interpolation between `b` and `c`.
fn cubic(a: f32, b: f32, c: f32, d: f32, t: f32) -> f32 {
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
