//! What the stages that sonora makes have in common.

use crate::media::frame::SAMPLE_RATE;
use sonora::config::{MaxProcessingRate, Pipeline};
use sonora::{AudioProcessing, Config, StreamConfig};

/// One of sonora's stages, for mono at 48 kHz, chunks of 10 ms, without loss of bandwidth.
pub(super) fn open(config: Config) -> AudioProcessing {
    let stream = StreamConfig::new(SAMPLE_RATE, 1);
    let pipeline = Pipeline { maximum_internal_processing_rate: MaxProcessingRate::Rate48kHz, ..Pipeline::default() };
    let config = Config { pipeline, ..config };
    AudioProcessing::builder().config(config).capture_config(stream).render_config(stream).build()
}
