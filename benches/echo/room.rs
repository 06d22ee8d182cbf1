//! A speaker, a room and a microphone: what becomes of a far voice on its way back.

use crate::{CHUNK, RATE};

/// What is simulated.
pub struct Case {
    pub name: &'static str,
    /// Milliseconds of delay that no time stamp tells.
    pub delay_ms: usize,
    /// The same from the tenth second on, after another device was chosen.
    pub later_ms: usize,
    /// The microphone's clock is faster than the speaker's by so many millionths.
    pub drift_ppm: f64,
    /// How far a small speaker is overdriven: 1 hardly, 4 much.
    pub drive: f32,
}

impl Case {
    pub const ALL: [Self; 5] = [
        Self { name: "20 ms", delay_ms: 20, later_ms: 20, drift_ppm: 0.0, drive: 1.0 },
        Self { name: "100 ms, 100 ppm", delay_ms: 100, later_ms: 100, drift_ppm: 100.0, drive: 1.0 },
        Self { name: "250 ms, 100 ppm", delay_ms: 250, later_ms: 250, drift_ppm: 100.0, drive: 1.0 },
        Self { name: "60 ms, 100 ppm, overdriven", delay_ms: 60, later_ms: 60, drift_ppm: 100.0, drive: 4.0 },
        Self { name: "60 ms, from 10 s on 160 ms", delay_ms: 60, later_ms: 160, drift_ppm: 0.0, drive: 1.0 },
    ];
}

/// Reverberation falls by 60 dB in this time.
const REVERB_S: f32 = 0.3;
/// Reflections in that time.
const REFLECTIONS: usize = 900;
/// What comes back is weaker than what was played by so much: a laptop on a table.
const ECHO_DB: f32 = -8.0;
/// The room is not quite silent.
const NOISE_DB: f32 = -72.0;

pub struct Room<'a> {
    case: &'a Case,
    /// Delay in samples, and gain, of each reflection.
    reflections: Vec<(usize, f32)>,
    random: u64,
}

impl<'a> Room<'a> {
    pub fn new(case: &'a Case) -> Self {
        let mut room = Self { case, reflections: Vec::new(), random: 7 };
        let length = REVERB_S * RATE as f32;
        room.reflections.push((0, 1.0));
        for n in 1..REFLECTIONS {
            let at = (n as f32 + room.uniform() * 0.5) / REFLECTIONS as f32 * length;
            let gain = 0.12 * room.uniform().signum() * 10_f32.powf(-3.0 * at / length);
            room.reflections.push((at as usize, gain));
        }
        room
    }

    /// Between -1 and 1.
    fn uniform(&mut self) -> f32 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 40) as f32 / 8_388_608.0 - 1.0
    }

    /// What the microphone records of `far`, by its own clock.
    pub fn play(mut self, far: &[f32]) -> Vec<f32> {
        let drive = self.case.drive;
        let spoken: Vec<f32> = far.iter().map(|s| (s * drive).tanh() / drive.sqrt()).collect();
        // A small speaker and a small microphone: 180 Hz to 7 kHz, twice.
        let mut band = spoken;
        for biquad in [Biquad::high_pass(180.0), Biquad::low_pass(7000.0), Biquad::high_pass(120.0)] {
            band = biquad.run(&band);
        }
        let gain = 10_f32.powf(ECHO_DB / 20.0);
        let noise = 10_f32.powf(NOISE_DB / 20.0) * 3_f32.sqrt();
        let wet: Vec<f32> = (0..band.len())
            .map(|i| self.reflections.iter().filter_map(|(at, gain)| Some(band[i.checked_sub(*at)?] * gain)).sum::<f32>() * gain)
            .collect();
        (0..far.len())
            .map(|i| {
                let delay_ms = if i < 10 * RATE { self.case.delay_ms } else { self.case.later_ms };
                let at = i as f64 * (1.0 + self.case.drift_ppm * 1e-6) - (delay_ms * RATE / 1000) as f64;
                between(&wet, at) + noise * self.uniform()
            })
            .collect()
    }
}

/// The sample at a fractional place.
fn between(samples: &[f32], at: f64) -> f32 {
    let (whole, t) = (at.floor() as i64, (at - at.floor()) as f32);
    let sample = |at: i64| usize::try_from(at).ok().and_then(|at| samples.get(at)).copied().unwrap_or(0.0);
    let [a, b, c, d] = [-1, 0, 1, 2].map(|n| sample(whole + n));
    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
}

/// A filter of second order (R. Bristow-Johnson's cookbook).
struct Biquad([f32; 5]);

impl Biquad {
    fn high_pass(hertz: f32) -> Self {
        let (cos, alpha) = Self::angle(hertz);
        Self::normal([(1.0 + cos) / 2.0, -(1.0 + cos), (1.0 + cos) / 2.0], cos, alpha)
    }

    fn low_pass(hertz: f32) -> Self {
        let (cos, alpha) = Self::angle(hertz);
        Self::normal([(1.0 - cos) / 2.0, 1.0 - cos, (1.0 - cos) / 2.0], cos, alpha)
    }

    fn angle(hertz: f32) -> (f32, f32) {
        let (sin, cos) = (std::f32::consts::TAU * hertz / RATE as f32).sin_cos();
        (cos, sin / std::f32::consts::SQRT_2)
    }

    fn normal(b: [f32; 3], cos: f32, alpha: f32) -> Self {
        let a0 = 1.0 + alpha;
        Self([b[0] / a0, b[1] / a0, b[2] / a0, -2.0 * cos / a0, (1.0 - alpha) / a0])
    }

    fn run(&self, samples: &[f32]) -> Vec<f32> {
        let [b0, b1, b2, a1, a2] = self.0;
        let (mut x, mut y) = ([0.0_f32; 2], [0.0_f32; 2]);
        let filter = |s: &f32| {
            let out = b0 * s + b1 * x[0] + b2 * x[1] - a1 * y[0] - a2 * y[1];
            (x, y) = ([*s, x[0]], [out, y[0]]);
            out
        };
        samples.iter().map(filter).collect()
    }
}

/// Time stamps wobble like those of real devices: by up to a millisecond, in no order.
pub fn wobble_us(n: u64, seed: u64) -> u64 {
    n.wrapping_mul(seed) % 2000
}

/// Length of a chunk in microseconds by the speaker's clock, where the microphone's counts 10 ms.
pub fn chunk_us(case: &Case) -> f64 {
    CHUNK as f64 / RATE as f64 * 1e6 / (1.0 + case.drift_ppm * 1e-6)
}
