//! Sound devices: one mixed output for all voices, one microphone.
//!
//! This module knows no peer and no stream: whoever wants to be heard hands the [`Output`] a [`Source`].
//!
//! # Why plain cpal and not rodio's mixer
//!
//! Both end in the same cpal stream, so what counts is what happens before it.
//!
//! rodio mixes inside the device callback, sample by sample through boxed iterators, takes sources over a mutex there, and shows
//! nobody the sum. Here a tick thread mixes ahead of a lock-free ring, so that the callback copies and nothing else, the mixed
//! signal can be observed (an echo canceller needs exactly it), and a call without any sound card runs by the same ticks.

mod device;
pub mod mic;
mod mix;
mod output;
mod resample;
mod speaker;

pub(crate) use device::{Direction, list};
pub use mic::Mic;
pub use output::{Output, Source, Tick, Voice};
pub(crate) use resample::Resampler;
