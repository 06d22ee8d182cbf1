//! Changing an open encoder's bit rate.
//!
//! Unsafe code is allowed in this file alone: the safe binding has no name for the rate buffer, and leaving that at the size of another
//! rate would let single pictures grow to many times their share.
#![allow(unsafe_code)]

use ffmpeg_next::codec::encoder::video::Encoder;

/// The rate buffer in milliseconds at the full rate: how much longer than usual a single picture may take to send.
pub(super) const BUFFER_MS: u32 = 400;

/// Sets the average and highest rate, and the buffer; the encoder looks at them before each picture.
pub(super) fn set(encoder: &mut Encoder, kbps: u32) {
    let bits = kbps as usize * 1000;
    encoder.set_bit_rate(bits);
    encoder.set_max_bit_rate(bits);
    // SAFETY: an open encoder owns a valid context for as long as it lives, and nothing else uses it during this borrow.
    unsafe {
        (*encoder.as_mut_ptr()).rc_buffer_size = (kbps * BUFFER_MS) as i32;
    }
}
