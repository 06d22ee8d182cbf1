//! The beep that goes with the [test pattern](super::pattern)'s flash: 1 kHz during the first 100 ms of each UNIX second, silence otherwise.
//! A pure function of the clock, so picture and sound agree without knowing of each other.

use super::pattern::FLASH;
use crate::media::frame::{CHUNK_SAMPLES, Chunk, SAMPLE_RATE};
use std::time::Duration;

/// Its frequency, in hertz.
pub const FREQUENCY: u32 = 1000;
/// Its amplitude; full scale is 1.
pub const AMPLITUDE: f32 = 0.5;
/// Chunks in a second.
const CHUNKS_A_SECOND: u128 = SAMPLE_RATE as u128 / CHUNK_SAMPLES as u128;

/// The sound of chunk number `number`, counted from the UNIX epoch.
pub fn chunk(number: u64) -> Chunk {
    let start = number % CHUNKS_A_SECOND as u64 * CHUNK_SAMPLES as u64;
    let beep = u64::from(SAMPLE_RATE) * FLASH.as_millis() as u64 / 1000;
    let samples = std::array::from_fn(|i| {
        let sample = start + i as u64;
        if sample < beep {
            let phase = (sample * u64::from(FREQUENCY) % u64::from(SAMPLE_RATE)) as f32 / SAMPLE_RATE as f32;
            AMPLITUDE * (phase * std::f32::consts::TAU).sin()
        } else {
            0.0
        }
    });
    Chunk { captured: Duration::from_millis(number * 10), samples }
}

/// The number of the chunk that holds the moment `at`.
pub fn number_at(at: Duration) -> u64 {
    u64::try_from(at.as_micros() * CHUNKS_A_SECOND / 1_000_000).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beeps_for_a_tenth_of_each_second() {
        for second in [0, 1_795_345_678_u64] {
            for n in 0..100 {
                let chunk = chunk(second * 100 + n);
                assert_eq!(chunk.captured, Duration::from_millis(second * 1000 + n * 10));
                let power: f32 = chunk.samples.iter().map(|s| s * s).sum::<f32>() / CHUNK_SAMPLES as f32;
                // A sine of amplitude 0.5 has a mean square of 0.125.
                assert!((power - if n < 10 { 0.125 } else { 0.0 }).abs() < 1e-4, "chunk {n}: {power}");
            }
        }
    }

    #[test]
    fn it_is_a_thousand_hertz_without_a_seam() {
        let samples: Vec<f32> = (0..10).flat_map(|n| chunk(n).samples).collect();
        let rising = samples.windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count();
        assert_eq!(rising, 100);
        assert!(samples.windows(2).all(|w| (w[1] - w[0]).abs() < 0.07), "a jump");
    }

    #[test]
    fn chunks_are_numbered_from_the_epoch() {
        assert_eq!(number_at(Duration::from_micros(1_009_999)), 100);
        assert_eq!(number_at(Duration::from_micros(1_010_000)), 101);
    }
}
