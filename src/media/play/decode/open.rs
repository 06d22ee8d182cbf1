//! Opening a decoder with a codec configuration.
//!
//! Unsafe code is allowed in this file alone: the safe binding offers no way to hand a decoder its configuration (`extradata`) or to ask
//! for a sample format.
#![allow(unsafe_code)]

use super::Error;
use crate::media::frame::MAX_SIDE;
use ffmpeg_next::codec::{self, decoder, threading};
use ffmpeg_next::{Dictionary, ffi};

/// A codec configuration larger than this is garbage.
const MOST_CONFIG: usize = 64 * 1024;

/// Opens the first of these decoders that exists, by name, with `config`.
///
/// One thread (more of them add delay), no reordering delay that the stream does not demand, pictures up to [`MAX_SIDE`] squared.
pub(super) fn open(names: &[&str], config: &[u8]) -> Result<decoder::Opened, Error> {
    crate::media::ready();
    let codec = names.iter().find_map(|name| decoder::find_by_name(name)).ok_or(Error::Unsupported)?;
    if config.len() > MOST_CONFIG {
        return Err(Error::Ffmpeg(ffmpeg_next::Error::InvalidData));
    }
    let mut context = codec::Context::new_with_codec(codec);
    context.set_flags(codec::Flags::LOW_DELAY);
    context.set_threading(threading::Config { kind: threading::Type::None, count: 1, ..threading::Config::default() });
    // SAFETY: the context was allocated just now and is not open yet. The configuration is copied into memory of FFmpeg's own
    // allocator with the zeroed padding it demands, and belongs to the context from then on, which frees it.
    unsafe {
        let raw = context.as_mut_ptr();
        if !config.is_empty() {
            let memory = ffi::av_mallocz(config.len() + ffi::AV_INPUT_BUFFER_PADDING_SIZE as usize).cast::<u8>();
            if memory.is_null() {
                return Err(Error::Ffmpeg(ffmpeg_next::Error::Unknown));
            }
            std::ptr::copy_nonoverlapping(config.as_ptr(), memory, config.len());
            (*raw).extradata = memory;
            (*raw).extradata_size = config.len() as i32;
        }
        (*raw).request_sample_fmt = ffi::AVSampleFormat::AV_SAMPLE_FMT_FLT;
    }
    let mut options = Dictionary::new();
    options.set("max_pixels", &(u64::from(MAX_SIDE) * u64::from(MAX_SIDE)).to_string());
    options.set("max_frame_delay", "1");
    Ok(context.decoder().open_as_with(codec, options)?)
}
