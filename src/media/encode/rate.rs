//! Changing an open encoder's bit rate.
//!
//! Unsafe code is allowed in this file alone: the safe binding has no name for the rate buffer, and leaving that at the size of another
//! rate would let single pictures grow to many times their share.
#![allow(unsafe_code)]

use super::video::Rate;
use ffmpeg_next::codec::encoder::video::Encoder;

/// Sets the average and highest rate, and the buffer; the encoder looks at them before each picture. It was opened for `opened_fps` pictures
/// a second and takes each for so much of a second, so that with fewer of them its own rate has to be higher.
pub(super) fn set(encoder: &mut Encoder, rate: Rate, opened_fps: u32) {
    let bits = own_kbps(rate, opened_fps) * 1000;
    encoder.set_bit_rate(bits);
    encoder.set_max_bit_rate(bits);
    // SAFETY: an open encoder owns a valid context for as long as it lives, and nothing else uses it during this borrow.
    unsafe {
        (*encoder.as_mut_ptr()).rc_buffer_size = buffer_bits(rate);
    }
}

fn own_kbps(rate: Rate, opened_fps: u32) -> usize {
    rate.kbps as usize * opened_fps as usize / rate.fps.max(1) as usize
}

/// The rate buffer, in bits.
pub(super) fn buffer_bits(rate: Rate) -> i32 {
    i32::try_from(u64::from(rate.kbps) * u64::from(rate.buffer_ms)).unwrap_or(i32::MAX)
}
