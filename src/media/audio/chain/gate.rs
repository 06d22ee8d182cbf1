//! Mute: exact silence, from one chunk to the next, without a click.

use crate::media::frame::CHUNK_SAMPLES;

/// Opens and closes within 10 ms. While it is closed, what comes out is zero and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    open: bool,
}

impl Gate {
    /// A gate as it stands at first.
    pub fn new(open: bool) -> Self {
        Self { open }
    }

    /// Lets the chunk through, or not. In the chunk in which that changes it fades.
    pub fn pass(&mut self, open: bool, samples: &mut [f32; CHUNK_SAMPLES]) {
        let was_open = std::mem::replace(&mut self.open, open);
        let ramp = |i: usize| (i as f32 + 0.5) / CHUNK_SAMPLES as f32;
        match (was_open, open) {
            (true, true) => {}
            (false, false) => samples.fill(0.0),
            (false, true) => samples.iter_mut().enumerate().for_each(|(i, s)| *s *= ramp(i)),
            (true, false) => samples.iter_mut().enumerate().for_each(|(i, s)| *s *= 1.0 - ramp(i)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mute_fades_for_one_chunk_and_is_silence_from_the_next_on() {
        let mut gate = Gate::new(true);
        let mut said = Vec::new();
        for open in [true, false, false, true, true] {
            let mut chunk = [0.5; CHUNK_SAMPLES];
            gate.pass(open, &mut chunk);
            said.extend(chunk);
        }
        assert!(said.windows(2).all(|w| (w[1] - w[0]).abs() < 0.01), "no click");
        assert_eq!(said[..480], [0.5; 480]);
        assert_eq!(said[960..1440], [0.0; 480]);
        assert_eq!(said[1920..], [0.5; 480]);
    }
}
