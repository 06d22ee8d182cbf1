//! The whole chain, with sound that is made here.

use super::*;
use std::f32::consts::TAU;

const TEN: Duration = Duration::from_millis(10);
/// From the mix to the speaker.
const AHEAD: Duration = Duration::from_millis(60);
/// Where the time line begins.
const START: Duration = Duration::from_secs(10);

/// Something like a voice: pulses whose pitch wanders between 90 and 250 Hz through two resonances that wander too, in syllables and words,
/// and hissing between. Different for each seed.
struct Talker {
    random: u64,
    phase: f32,
    at: usize,
    state: [[f32; 2]; 2],
}

impl Talker {
    fn new(seed: u64) -> Self {
        Self { random: seed, phase: 0.0, at: 0, state: [[0.0; 2]; 2] }
    }

    fn noise(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 40) as f32 / 8_388_608.0 - 1.0
    }

    fn next(&mut self) -> f32 {
        let t = self.at as f32 / SAMPLE_RATE as f32;
        self.at += 1;
        let word = (t * 0.45).fract() < 0.8;
        let syllable = (TAU * 2.1 * t).sin().max(0.0).sqrt() * f32::from(u8::from(word));
        self.phase += (170.0 + 80.0 * (TAU * 0.37 * t).sin()) / SAMPLE_RATE as f32;
        let pulse = if self.phase >= 1.0 { 1.0 } else { 0.0 };
        self.phase = self.phase.fract();
        let hiss = self.noise() * if (t * 4.2).fract() < 0.2 { 0.12 } else { 0.01 };
        let mut sound = 0.0;
        for (which, hertz) in
            [500.0 + 250.0 * (TAU * 0.9 * t).sin(), 1700.0 + 600.0 * (TAU * 0.7 * t).cos()].into_iter().enumerate()
        {
            let r = 0.985;
            let [a, b] = self.state[which];
            let out = pulse + hiss + 2.0 * r * (TAU * hertz / SAMPLE_RATE as f32).cos() * a - r * r * b;
            self.state[which] = [out, a];
            sound += out * 0.08;
        }
        (sound * syllable).clamp(-0.9, 0.9)
    }

    fn chunk(&mut self) -> [f32; CHUNK_SAMPLES] {
        std::array::from_fn(|_| self.next())
    }
}

/// A room: three reflections and a tail, `delay` samples after the sound, at a quarter of its loudness.
struct Room {
    past: Vec<f32>,
    delay: usize,
}

impl Room {
    fn hear(&mut self, sound: &[f32; CHUNK_SAMPLES]) -> [f32; CHUNK_SAMPLES] {
        let from = self.past.len();
        self.past.extend_from_slice(sound);
        let (past, delay) = (&self.past, self.delay);
        let at = |i: usize, ago: usize| i.checked_sub(delay + ago).map_or(0.0, |i| past[i]);
        std::array::from_fn(|i| {
            let i = from + i;
            0.25 * (at(i, 0) - 0.5 * at(i, 97) + 0.3 * at(i, 411) - 0.2 * at(i, 1213) + 0.1 * at(i, 2903))
        })
    }
}

fn power(samples: &[f32]) -> f32 {
    samples.iter().map(|s| s * s).sum::<f32>() / samples.len() as f32
}

fn db(power: f32) -> f32 {
    10.0 * power.max(1e-12).log10()
}

/// What a chain makes of `seconds` of a far voice on open speakers and, if `near`, of somebody who talks over it in the second half. Gives what
/// the microphone recorded, what came out, and for how many chunks somebody was thought to speak.
fn call(control: &Control, reference: Option<&Queue<Chunk>>, seconds: usize, near: bool) -> (Vec<f32>, Vec<f32>, usize) {
    let mut chain = Chain::new(control.clone());
    let (mut far, mut close) = (Talker::new(1), Talker::new(77));
    // 60 ms to the speaker, 10 ms through the air and the devices' errors.
    let mut room = Room { past: Vec::new(), delay: 70 * 48 };
    let (mut recorded, mut sent, mut speaking) = (Vec::new(), Vec::new(), 0);
    for n in 0..seconds * 100 {
        let captured = START + TEN * n as u32;
        let played = far.chunk();
        if let Some(queue) = reference {
            // Mixed 60 ms before it is heard.
            queue.push(Chunk { captured: captured + AHEAD, samples: played });
        }
        let mut samples = room.hear(&played);
        if near && n >= seconds * 50 {
            let voice = close.chunk();
            samples.iter_mut().zip(voice).for_each(|(s, v)| *s += v);
        }
        recorded.extend(samples);
        let mut chunk = Chunk { captured, samples };
        chain.process(&mut chunk);
        sent.extend(chunk.samples);
        speaking += usize::from(control.is_speaking());
    }
    (recorded, sent, speaking)
}

fn control(noise: Noise) -> (Control, Queue<Chunk>) {
    let (control, queue) = (Control::default(), Queue::bounded(50));
    control.set_noise(noise);
    control.set_reference(Some(queue.clone()));
    (control, queue)
}

#[test]
fn the_others_do_not_hear_themselves() {
    let (control, queue) = control(Noise::On);
    let (recorded, sent, speaking) = call(&control, Some(&queue), 6, false);
    let loss = |from: usize| db(power(&recorded[from * 48_000..])) - db(power(&sent[from * 48_000..]));
    assert!(loss(3) > 30.0, "echo is down by only {} dB", loss(3));
    assert!(speaking < 30, "an echo is nobody who speaks: {speaking}");
    // The test itself: without a reference the echo is there.
    let (recorded, sent, _) = call(&Control::default(), None, 6, false);
    let loss = db(power(&recorded[3 * 48_000..])) - db(power(&sent[3 * 48_000..]));
    assert!(loss < 10.0, "{loss} dB by nothing at all?");
}

#[test]
fn who_talks_over_somebody_is_heard() {
    let (control, queue) = control(Noise::On);
    let (recorded, sent, speaking) = call(&control, Some(&queue), 8, true);
    let loss = db(power(&recorded[5 * 48_000..])) - db(power(&sent[5 * 48_000..]));
    assert!(loss < 8.0, "the voice is down by {loss} dB");
    assert!(speaking > 200, "{speaking}");
}

#[test]
fn what_comes_out_is_as_old_as_it_says() {
    for noise in Noise::ALL {
        for with_echo in [false, true] {
            let control = Control::default();
            control.set_noise(noise);
            let queue = Queue::bounded(50);
            control.set_reference(with_echo.then(|| queue.clone()));
            let mut chain = Chain::new(control);
            let mut talker = Talker::new(3);
            let (mut before, mut after, mut says) = (Vec::new(), Vec::new(), Duration::ZERO);
            for n in 0..300_u32 {
                let captured = START + TEN * n;
                queue.push(Chunk { captured: captured + TEN * 6, samples: [0.0; CHUNK_SAMPLES] });
                let mut chunk = Chunk { captured, samples: talker.chunk() };
                before.extend(chunk.samples);
                chain.process(&mut chunk);
                after.extend(chunk.samples);
                says = captured - chunk.captured;
            }
            let likeness = |delay: usize| -> f32 { (60_000..130_000).map(|i| before[i - delay] * after[i]).sum() };
            let delay = (0..1500).max_by(|a, b| likeness(*a).total_cmp(&likeness(*b))).unwrap();
            let says = says.as_micros() as i64 * 48 / 1000;
            assert!((delay as i64 - says).abs() <= 24, "{noise:?}, echo {with_echo}: {delay} samples, says {says}");
        }
    }
}

#[test]
fn noise_goes_and_the_voice_stays() {
    let run = |noise: Noise| {
        let control = Control::default();
        control.set_noise(noise);
        let (mut chain, mut talker, mut hiss) = (Chain::new(control), Talker::new(5), Talker::new(6));
        let mut out = Vec::new();
        for n in 0..600_u32 {
            let mut samples: [f32; CHUNK_SAMPLES] = std::array::from_fn(|_| 0.003 * hiss.noise());
            if n >= 400 {
                samples.iter_mut().zip(talker.chunk()).for_each(|(s, v)| *s += v);
            }
            let mut chunk = Chunk { captured: START + TEN * n, samples };
            chain.process(&mut chunk);
            out.extend(chunk.samples);
        }
        (db(power(&out[3 * 48_000..4 * 48_000])), db(power(&out[4 * 48_000 + 4800..])))
    };
    let [off, on, strong] = Noise::ALL.map(run);
    assert!(off.0 - on.0 > 10.0, "noise {} -> {} dB", off.0, on.0);
    assert!(off.0 - strong.0 > 15.0, "noise {} -> {} dB", off.0, strong.0);
    for (name, kept) in [("on", on.1), ("strong", strong.1)] {
        assert!((off.1 - kept).abs() < 6.0, "{name}: voice {} -> {kept} dB", off.1);
    }
}

#[test]
fn a_voice_from_afar_becomes_louder_and_a_shout_does_not_clip() {
    for (size, least, most) in [(0.02, -38.0, -10.0), (3.0, -25.0, -3.0)] {
        let (mut chain, mut talker) = (Chain::new(Control::default()), Talker::new(9));
        let (mut before, mut after) = (Vec::new(), Vec::new());
        for n in 0..1200_u32 {
            let samples = talker.chunk().map(|s| (s * size).clamp(-1.0, 1.0));
            let mut chunk = Chunk { captured: START + TEN * n, samples };
            before.extend(samples);
            chain.process(&mut chunk);
            after.extend(chunk.samples);
        }
        assert!(after.iter().all(|s| s.abs() <= 1.0));
        let level = db(power(&after[9 * 48_000..]));
        assert!((least..most).contains(&level), "{size}: {} -> {level} dB", db(power(&before[9 * 48_000..])));
    }
}

#[test]
fn settings_change_while_it_runs() {
    let control = Control::default();
    let mut chain = Chain::new(control.clone());
    let step = |chain: &mut Chain| {
        chain.process(&mut Chunk { captured: START, samples: [0.1; CHUNK_SAMPLES] });
        chain.delay()
    };
    control.set_noise(Noise::Off);
    assert_eq!(step(&mut chain), Duration::ZERO);
    control.set_noise(Noise::Strong);
    let strong = step(&mut chain);
    assert!(strong > TEN);
    control.set_reference(Some(Queue::bounded(1)));
    assert!(step(&mut chain) > strong);
    control.set_reference(None);
    assert_eq!(step(&mut chain), strong);
}
