//! What is compared: the chain as calls use it, the chain without a reference, and sonora's canceller alone with its reference counted, not
//! aligned.

use std::time::Duration;

use parlor::base::Queue;
use parlor::media::audio::chain::{Chain, Control};
use parlor::media::frame::Chunk;
use sonora::config::{EchoCanceller, MaxProcessingRate, Pipeline};
use sonora::{AudioProcessing, StreamConfig};

use crate::room::{Case, chunk_us, wobble_us};
use crate::{CHUNK, RATE};

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Chain,
    Bare,
    Without,
}

/// What came out, and how much of a core the work took.
pub struct Run {
    pub out: Vec<f32>,
    pub cpu_percent: f64,
}

/// From mixing to the speaker, as its stamps say.
const AHEAD: Duration = Duration::from_millis(60);
const START: Duration = Duration::from_secs(5);

impl Way {
    pub const ALL: [Self; 3] = [Self::Chain, Self::Bare, Self::Without];

    pub fn name(self) -> &'static str {
        match self {
            Self::Chain => "the chain",
            Self::Bare => "sonora's canceller alone",
            Self::Without => "the chain without canceller",
        }
    }

    /// Lets the microphone's sound through, chunk by chunk.
    pub fn run(self, case: &Case, far: &[f32], recorded: &[f32]) -> Run {
        match self {
            Self::Chain | Self::Without => self.chain(case, far, recorded),
            Self::Bare => bare(far, recorded),
        }
    }

    fn chain(self, case: &Case, far: &[f32], recorded: &[f32]) -> Run {
        let (control, reference) = (Control::default(), Queue::bounded(50));
        if self == Self::Chain {
            control.set_reference(Some(reference.clone()));
        }
        let mut chain = Chain::new(control);
        let mut out = Vec::with_capacity(recorded.len());
        let mut mixed = far.as_chunks::<CHUNK>().0.iter().zip(0_u64..).peekable();
        let mut cpu = Duration::ZERO;
        for (n, samples) in recorded.as_chunks::<CHUNK>().0.iter().enumerate() {
            // The true time of the first sample by the speaker's clock, which is the local one here.
            let now = START + Duration::from_micros((n as f64 * chunk_us(case)) as u64);
            while let Some((samples, m)) = mixed.next_if(|(_, m)| START + Duration::from_millis(10 * m) <= now + AHEAD) {
                let heard = START + Duration::from_millis(10 * m) + Duration::from_micros(wobble_us(m, 7919));
                reference.push(Chunk { captured: heard, samples: *samples });
            }
            let captured = now + Duration::from_micros(wobble_us(n as u64, 104_729));
            let mut chunk = Chunk { captured, samples: *samples };
            let before = busy();
            chain.process(&mut chunk);
            cpu += busy().saturating_sub(before);
            out.extend(chunk.samples);
        }
        Run { cpu_percent: percent(cpu, out.len()), out }
    }
}

fn bare(far: &[f32], recorded: &[f32]) -> Run {
    let stream = StreamConfig::new(RATE as u32, 1);
    let pipeline = Pipeline { maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz, ..Pipeline::default() };
    let config = sonora::Config { pipeline, echo_canceller: Some(EchoCanceller::default()), ..sonora::Config::default() };
    let mut apm = AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build();
    let mut all = Vec::with_capacity(recorded.len());
    let mut out = [0.0; CHUNK];
    let before = busy();
    for (heard, samples) in far.as_chunks::<CHUNK>().0.iter().zip(recorded.as_chunks::<CHUNK>().0) {
        let done =
            apm.process_render_f32(&[heard], &mut [&mut out]).and_then(|()| apm.process_capture_f32(&[samples], &mut [&mut out]));
        if let Err(error) = done {
            eprintln!("sonora: {error}");
        }
        all.extend(out);
    }
    Run { cpu_percent: percent(busy().saturating_sub(before), all.len()), out: all }
}

fn percent(cpu: Duration, samples: usize) -> f64 {
    100.0 * cpu.as_secs_f64() / (samples as f64 / RATE as f64)
}

/// CPU time of this thread so far.
fn busy() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    Duration::from_nanos(text.split_whitespace().next().and_then(|ns| ns.parse().ok()).unwrap_or_default())
}
