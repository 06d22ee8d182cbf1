//! The reference beside the microphone: for each 10 ms that were recorded, the 10 ms that were heard then.
//!
//! Both sides carry times by the local clock, but those wobble by milliseconds, and the two devices' clocks differ by parts in ten thousand. An echo
//! canceller bears any delay that stays as it is, and hates one that moves. So the reference is read at an even pace; the times only say where to
//! start, how much faster or slower to read in the long run, and that something has jumped. Pure: no thread, no clock.

use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use std::time::Duration;

/// The reference is read this much before its time, because stamps may be wrong by as much: an echo that seems to come before its sound could not be
/// cancelled, one that seems to come late can.
pub(super) const LEAD: Duration = Duration::from_millis(100);
/// Samples kept: 1.4 s, more than any device's latency. A power of two.
const KEPT: usize = 1 << 16;
/// Stamps of the reference that are off by more than this mean another device, or sound that was left out.
const JUMP: f64 = 0.015 * RATE;
/// The two sides are off by this much against a moment ago, for so many chunks: they have jumped against each other.
const OFF: f64 = 0.012 * RATE;
const OFF_FOR: u32 = 8;
/// So far off, there is nothing to wait for.
const FAR_OFF: f64 = 0.050 * RATE;
/// Chunks that make up "a moment ago". What creeps is no jump: a sound server's idea of its latency moves by tens of milliseconds in the first
/// seconds, while the sound itself goes evenly.
const LATELY: f64 = 20.0;
/// Even what has crept away is lost from here on: an echo canceller looks no further.
const LOST: f64 = 0.120 * RATE;
/// Chunks until the stamps have settled, and chunks over which is averaged what they then say.
const SETTLE: u32 = 100;
const AVERAGE: u32 = 100;
/// Share of the deviation that is made up for by each chunk, and how much of it goes into the pace for good: a loop that settles in some 20 s
/// and turns a wobble of a millisecond into one of microseconds.
const PULL: f64 = 0.002;
const LEARN: f64 = 2e-7;
/// However large the deviation, it is made up for no faster than at 0.005 %, which an echo canceller can follow.
const MOST_PULL: f64 = 5e-5 * CHUNK_SAMPLES as f64;
/// A larger one does not come from the clocks, and teaches nothing about them.
const MOST_LEARNT: f64 = 0.003 * RATE;
/// Reference that is not there yet when it is wanted is waited for by reading less early, with this to spare; what is later than that will not come.
const SPARE: f64 = 0.005 * RATE;
const MOST_SHORT: f64 = 0.200 * RATE;
/// A speaker that begins, or that was held up once, lets the reference seem late. When for so many chunks there was more of it than was read, it is read
/// earlier again; the next time, twice as many are waited for.
const PATIENCE: u32 = 100;
const MOST_PATIENCE: u32 = 6_000;
/// Less than this is not worth a jump.
const WORTH: f64 = 0.010 * RATE;
/// Clocks differ by less: 0.05 %.
const MOST_PACE: f64 = 5e-4 * CHUNK_SAMPLES as f64;

const RATE: f64 = SAMPLE_RATE as f64;

/// Reads the reference along the microphone's time line.
#[derive(Debug)]
pub(super) struct Aligner {
    ring: Box<[f32]>,
    /// Samples written so far, and when the one after them will be heard, in samples by the local clock.
    written: u64,
    end: Option<f64>,
    /// The next sample to read.
    at: Option<f64>,
    /// Samples a chunk by which the reference is read faster than the microphone's count says.
    pace: f64,
    /// The deviation that was there from the start; it does not matter.
    usual: f64,
    /// The deviation of late.
    lately: f64,
    chunks: u32,
    off: u32,
    /// How much before its time the reference is read: [`LEAD`], or less where it is not mixed that early.
    lead: f64,
    /// How much more of the reference there has been than was read, at least, in so many chunks; and how many are waited for until it is read earlier.
    left_over: f64,
    looked: u32,
    patience: u32,
}

impl Default for Aligner {
    fn default() -> Self {
        let ring = vec![0.0; KEPT].into_boxed_slice();
        Self {
            ring,
            written: 0,
            end: None,
            at: None,
            pace: 0.0,
            usual: 0.0,
            lately: 0.0,
            chunks: 0,
            off: 0,
            lead: samples(LEAD),
            left_over: f64::MAX,
            looked: 0,
            patience: PATIENCE,
        }
    }
}

fn samples(time: Duration) -> f64 {
    time.as_secs_f64() * RATE
}

impl Aligner {
    /// Adds what was mixed; `captured` says when it is heard.
    pub(super) fn push(&mut self, chunk: &Chunk) {
        let due = samples(chunk.captured);
        if let Some(end) = self.end {
            let jump = due - end;
            if jump.abs() > KEPT as f64 / 2.0 {
                // A new beginning: nothing of the past is near.
                self.write(std::iter::repeat_n(0.0, KEPT));
            } else if jump > JUMP {
                self.write(std::iter::repeat_n(0.0, jump as usize));
            } else if jump < -JUMP {
                // What should have been heard now went to a device that is gone.
                self.written = self.written.saturating_sub(-jump as u64);
            }
        }
        self.write(chunk.samples.iter().copied());
        self.end = Some(due + CHUNK_SAMPLES as f64);
    }

    fn write(&mut self, samples: impl Iterator<Item = f32>) {
        for sample in samples {
            self.ring[self.written as usize % KEPT] = sample;
            self.written += 1;
        }
    }

    /// What was heard during the 10 ms that were recorded from `captured` on, or up to [`LEAD`] later; silence where nothing is known. Returns whether
    /// anything is known.
    pub(super) fn read(&mut self, captured: Duration, out: &mut [f32; CHUNK_SAMPLES]) -> bool {
        out.fill(0.0);
        let Some(end) = self.end else { return false };
        let ideal = self.written as f64 - (end - samples(captured)) + self.lead;
        let mut at = self.follow(ideal);
        let short = at + CHUNK_SAMPLES as f64 + 2.0 - self.written as f64;
        if short > 0.0 && short < MOST_SHORT {
            // Not mixed yet: from now on less early, so that it need not be asked for twice.
            self.lead -= short + SPARE;
            (self.looked, self.left_over) = (0, f64::MAX);
            at = self.start(ideal - short - SPARE);
        } else if let Some(more) = self.could_be_earlier(-short) {
            self.lead += more;
            at = self.start(ideal + more);
        }
        if at + CHUNK_SAMPLES as f64 + KEPT as f64 - 4.0 < self.written as f64 || at > self.written as f64 + KEPT as f64 {
            // So old that it is overwritten, or never made.
            self.at = None;
            return false;
        }
        // From the read position to the next one, evenly.
        let step = 1.0 + self.pace / CHUNK_SAMPLES as f64;
        let first = at.floor();
        for (i, out) in out.iter_mut().enumerate() {
            let away = at - first + i as f64 * step;
            let (whole, part) = (first as i64 + away as i64, away.fract() as f32);
            *out = if part == 0.0 {
                self.sample(whole)
            } else {
                cubic([self.sample(whole - 1), self.sample(whole), self.sample(whole + 1), self.sample(whole + 2)], part)
            };
        }
        self.at = Some(at + CHUNK_SAMPLES as f64 * step);
        true
    }

    /// By how much the reference can be read earlier: there has been `left` more of it than is read now, and never less for a while.
    fn could_be_earlier(&mut self, left: f64) -> Option<f64> {
        self.left_over = self.left_over.min(left);
        self.looked += 1;
        let missing = samples(LEAD) - self.lead;
        if self.looked < self.patience || missing < WORTH {
            return None;
        }
        let more = (self.left_over - SPARE).min(missing);
        (self.looked, self.left_over) = (0, f64::MAX);
        if more < WORTH {
            return None;
        }
        self.patience = (2 * self.patience).min(MOST_PATIENCE);
        Some(more)
    }

    fn sample(&self, at: i64) -> f32 {
        let Ok(at) = u64::try_from(at) else { return 0.0 };
        let known = at < self.written && at + KEPT as u64 >= self.written;
        if known { self.ring[at as usize % KEPT] } else { 0.0 }
    }

    /// Where to read, when the stamps say `ideal`.
    fn follow(&mut self, ideal: f64) -> f64 {
        let Some(at) = self.at else { return self.start(ideal) };
        let deviation = ideal - at - self.usual;
        let step = deviation - self.lately;
        if step.abs() > OFF {
            self.off += 1;
        } else {
            self.off = 0;
            self.lately += step / LATELY;
        }
        if step.abs() > FAR_OFF || self.off > OFF_FOR || deviation.abs() > LOST {
            return self.start(ideal);
        }
        self.chunks = self.chunks.saturating_add(1);
        if self.chunks <= SETTLE {
            return at;
        }
        if self.chunks <= SETTLE + AVERAGE {
            let more = (ideal - at - self.usual) / f64::from(self.chunks - SETTLE);
            self.usual += more;
            self.lately -= more;
            return at;
        }
        if deviation.abs() < MOST_LEARNT {
            self.pace = (self.pace + LEARN * deviation).clamp(-MOST_PACE, MOST_PACE);
        }
        at + (PULL * deviation).clamp(-MOST_PULL, MOST_PULL)
    }

    /// Begins to read where the stamps say. What was learned about the clocks stays: they are the same crystals, mostly.
    fn start(&mut self, ideal: f64) -> f64 {
        (self.chunks, self.usual, self.lately, self.off) = (0, 0.0, 0.0, 0);
        let at = ideal.round();
        self.at = Some(at);
        at
    }
}

/// Catmull-Rom interpolation between the middle two.
fn cubic([a, b, c, d]: [f32; 4], t: f32) -> f32 {
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: Duration = Duration::from_millis(10);

    /// Sound whose samples say their place: a slow slope.
    fn chunk(first: f64, due: Duration) -> Chunk {
        Chunk { captured: due, samples: std::array::from_fn(|i| ((first + i as f64) / 1e7) as f32) }
    }

    /// Runs both sides for `seconds`: a speaker whose clock is fast by `ppm`, stamps that wobble by `wobble_us`, a microphone that begins at 1 s.
    /// Gives the delay of what was read against what was recorded, in milliseconds, for each chunk.
    fn run(aligner: &mut Aligner, from: u64, seconds: u64, ppm: f64, wobble_us: u64, latency_ms: u64) -> Vec<f64> {
        let mut delays = Vec::new();
        let start = Duration::from_secs(1);
        for n in from..from + seconds * 100 {
            let wobble = |seed: u64| Duration::from_micros(n.wrapping_mul(seed) % (2 * wobble_us + 1));
            let mixed = TEN.mul_f64(n as f64 * (1.0 - ppm * 1e-6)) + Duration::from_millis(latency_ms) + start;
            aligner.push(&chunk(n as f64 * 480.0, mixed + wobble(7919)));
            let now = start + TEN.mul_f64(n as f64);
            let mut out = [0.0; CHUNK_SAMPLES];
            if aligner.read(now + wobble(104_729), &mut out) {
                // The sample that is heard at `now`, by the speaker's true clock.
                let heard = (now.as_secs_f64() - start.as_secs_f64() - latency_ms as f64 / 1e3) / (1.0 - ppm * 1e-6) * 48_000.0;
                delays.push((f64::from(out[0]) * 1e7 - heard) / 48.0);
            }
        }
        delays
    }

    fn spread(delays: &[f64]) -> f64 {
        delays.iter().copied().fold(f64::MIN, f64::max) - delays.iter().copied().fold(f64::MAX, f64::min)
    }

    #[test]
    fn the_reference_leads_by_the_lead_and_keeps_its_distance() {
        let delays = run(&mut Aligner::default(), 0, 30, 0.0, 2000, 150);
        let middle = &delays[10..];
        assert!((middle[0] - 100.0).abs() < 4.0, "{}", middle[0]);
        assert!(spread(middle) < 0.3, "{} ms in 30 s", spread(middle));
    }

    #[test]
    fn clocks_that_differ_by_100_ppm_never_come_apart() {
        for ppm in [100.0, -100.0] {
            let delays = run(&mut Aligner::default(), 0, 120, ppm, 1000, 150);
            // Without following, 12 ms.
            assert!(spread(&delays[10..]) < 4.0, "{ppm}: {} ms", spread(&delays[10..]));
            let last = &delays[9000..];
            assert!(spread(last) < 1.5, "{ppm}: {} ms in the last 30 s", spread(last));
        }
    }

    #[test]
    fn another_device_is_followed_at_once() {
        let mut aligner = Aligner::default();
        run(&mut aligner, 0, 5, 0.0, 500, 150);
        for (n, latency) in [(500, 250), (800, 140)] {
            let delays = run(&mut aligner, n, 3, 0.0, 500, latency);
            assert!((delays[30] - 100.0).abs() < 5.0, "{latency} ms: {}", delays[30]);
            assert!(spread(&delays[30..]) < 0.5);
        }
    }

    #[test]
    fn stamps_that_creep_while_the_sound_does_not_are_no_jump() {
        let mut aligner = Aligner::default();
        let (mut first, mut most) = (None, 0.0_f64);
        for n in 0..1_500_u64 {
            let now = Duration::from_secs(1) + TEN * n as u32;
            aligner.push(&chunk(n as f64 * 480.0, now + Duration::from_millis(200)));
            if n < 50 {
                continue;
            }
            // 50 ms within some seconds, as PulseAudio's latency does when a stream begins.
            let crept = Duration::from_secs_f64(0.050 * (1.0 - (-((n - 50) as f64) / 250.0).exp()));
            let mut out = [0.0; CHUNK_SAMPLES];
            if aligner.read(now + crept, &mut out) {
                let place = f64::from(out[0]) * 1e7 - n as f64 * 480.0;
                most = most.max((place - *first.get_or_insert(place)).abs() / 48.0);
            }
        }
        // Drawn along at some tenths of a millisecond a second at most.
        assert!(most < 1.5, "{most} ms");
    }

    #[test]
    fn a_speaker_that_is_held_up_as_it_begins_is_not_late_for_ever() {
        let mut aligner = Aligner::default();
        let (mut last, mut jumps) = (0.0, 0);
        let mut pushed = 0_u64;
        for n in 0..2_000_u64 {
            let now = Duration::from_secs(1) + TEN * n as u32;
            // Mixed 150 ms before it is heard, but for the first tenth of a second and a hold-up at 10 s.
            let held = if n < 10 || (1_000..1_010).contains(&n) { n % 1_000 } else { 0 };
            while pushed + held <= n {
                aligner.push(&chunk(
                    pushed as f64 * 480.0,
                    Duration::from_secs(1) + TEN * pushed as u32 + Duration::from_millis(150),
                ));
                pushed += 1;
            }
            let mut out = [0.0; CHUNK_SAMPLES];
            if aligner.read(now, &mut out) {
                let lead = (f64::from(out[0]) * 1e7 - n as f64 * 480.0) / 48.0 + 150.0;
                let settled = n % 1_000 > 20;
                jumps += u32::from(settled && (lead - last).abs() > 5.0);
                last = lead;
            }
        }
        assert!((last - 100.0).abs() < 12.0, "{last} ms");
        assert!((1..=4).contains(&jumps), "{jumps} jumps");
    }

    #[test]
    fn a_mix_that_is_made_late_is_read_less_early_but_evenly() {
        let delays = run(&mut Aligner::default(), 0, 10, 0.0, 1000, 5);
        assert!((-20.0..15.0).contains(&delays[100]), "{}", delays[100]);
        assert!(spread(&delays[100..]) < 0.3, "{}", spread(&delays[100..]));
    }

    #[test]
    fn a_microphone_that_jumps_is_followed_and_nothing_known_is_silence() {
        let mut aligner = Aligner::default();
        let mut out = [1.0; CHUNK_SAMPLES];
        assert!(!aligner.read(TEN, &mut out));
        assert_eq!(out, [0.0; CHUNK_SAMPLES]);
        for n in 0..100 {
            aligner.push(&chunk(f64::from(n) * 480.0, TEN * n as u32 + Duration::from_secs(9)));
        }
        let first = |aligner: &mut Aligner, ms: u64| {
            let mut out = [0.0; CHUNK_SAMPLES];
            let known = aligner.read(Duration::from_millis(ms), &mut out);
            known.then_some(f64::from(out[100]) * 1e7 / 48.0 - 100.0 / 48.0)
        };
        for (ms, heard) in [(9200, 300.0), (9210, 310.0), (9400, 500.0), (9300, 400.0)] {
            let read = first(&mut aligner, ms).unwrap();
            assert!((read - heard).abs() < 0.1, "{ms}: {read} for {heard}");
        }
        // Long past, and far ahead.
        assert_eq!(first(&mut aligner, 2000), None);
        assert_eq!(first(&mut aligner, 60_000), None);
        assert!(first(&mut aligner, 9500).is_some());
    }
}
