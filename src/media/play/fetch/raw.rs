//! What the safe binding does not offer: a track's codec configuration, and the word that a track is not wanted.
//!
//! Unsafe code is allowed in this file alone, for those two.
#![allow(unsafe_code)]

use bytes::Bytes;
use ffmpeg_next::codec::Parameters;
use ffmpeg_next::ffi::AVDiscard;
use ffmpeg_next::format::context::Input;

/// The codec's configuration as the container has it; empty where it is in the stream itself.
pub(super) fn configuration(parameters: &Parameters) -> Bytes {
    // SAFETY: FFmpeg keeps `extradata_size` bytes at `extradata`, or a null pointer; both belong to `parameters`, which outlives this copy.
    unsafe {
        let raw = &*parameters.as_ptr();
        match usize::try_from(raw.extradata_size) {
            Ok(size) if size > 0 && !raw.extradata.is_null() => {
                Bytes::copy_from_slice(std::slice::from_raw_parts(raw.extradata, size))
            }
            _ => Bytes::new(),
        }
    }
}

/// Makes FFmpeg fetch none but these tracks: of a stream in several qualities, one is enough.
pub(super) fn discard_others(input: &mut Input, kept: &[usize]) {
    for index in (0..input.streams().count()).filter(|index| !kept.contains(index)) {
        if let Some(mut stream) = input.stream_mut(index) {
            // SAFETY: the stream belongs to `input`, which is borrowed for us alone; `discard` is one of the fields that callers may set.
            unsafe { (*stream.as_mut_ptr()).discard = AVDiscard::AVDISCARD_ALL };
        }
    }
}
