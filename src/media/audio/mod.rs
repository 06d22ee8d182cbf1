//! Sound devices: one mixed output for all voices, one microphone and what its sound goes through.
//!
//! This module knows no peer and no stream: whoever wants to be heard hands the [`Output`] a [`Source`].
//!
//! # Why plain cpal and not rodio's mixer
//!
//! Both end in the same cpal stream, so what counts is what happens before it. Measured on Debian 12 through ALSA to a PulseAudio null
//! sink, two cores at a load of 11, from "sound!" to the sample in the sink's monitor (20 clicks), then a tone for 15 s:
//!
//! | | median / worst delay | breaks in the tone | CPU |
//! |---|---|---|---|
//! | rodio 0.23's mixer, periods of 10 ms | 16-17 / 19-20 ms | 1-3 | 1.3-1.7 % |
//! | rodio 0.23's mixer, periods of 20 ms | 34-35 / 39-41 ms | 0 | 1.0-1.3 % |
//! | this output, periods of 10 ms, ring from 10 ms | 29-36 / 37-57 ms | 0-1 | 1.4-1.7 % |
//!
//! So at 10 ms rodio is earlier by the ring, and breaks up when the machine is busy; made as robust (20 ms), it is not earlier than this.
//! What decides is the rest: rodio mixes inside the device callback, sample by sample through boxed sources, and a voice that
//! has to lock its jitter buffer there can stop the device; it shows nobody the sum; and it needs a device. Here a tick thread
//! mixes ahead of a lock-free ring, so that the callback copies and nothing else, the ring grows only after a real underrun, the
//! mixed signal can be observed (an echo canceller needs exactly it), and a call without any sound card runs by the same ticks.

pub mod chain;
mod chime;
mod device;
mod limit;
pub mod mic;
mod mix;
mod output;
#[cfg(target_os = "linux")]
mod pcm;
mod resample;
mod speaker;

pub use chime::Chime;
pub(crate) use device::{Direction, default_device, list};
pub use limit::Limiter;
pub use mic::Mic;
pub use output::{Output, Source, Tick, Voice};
#[cfg(target_os = "linux")]
pub(crate) use pcm::reaches_server;
pub(crate) use resample::Resampler;
