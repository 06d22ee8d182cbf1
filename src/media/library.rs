//! What FFmpeg says about itself: the one that is loaded, which need not be the one that the program was built with.
//!
//! Unsafe code is allowed in this file alone, for its version, which the safe binding does not offer.
#![allow(unsafe_code)]

use crate::base::stamp;
use std::ffi::CStr;
use std::sync::LazyLock;

/// Version and licence of the FFmpeg in use: `5.1.9, GPL version 2 or later`.
pub fn ffmpeg() -> String {
    // SAFETY: a string that FFmpeg has as a constant, and that ends with a zero (libavutil/avutil.h).
    let version = unsafe { CStr::from_ptr(ffmpeg_next::ffi::av_version_info()) };
    format!("{}, {}", version.to_string_lossy(), ffmpeg_next::codec::license())
}

/// The build's stamp with FFmpeg in it, as `--version` prints it.
pub fn stamp() -> &'static str {
    static STAMP: LazyLock<String> = LazyLock::new(|| stamp::text(&[("FFmpeg", ffmpeg())]));
    &STAMP
}

#[cfg(test)]
mod tests {
    #[test]
    fn ffmpeg_names_its_version_and_licence() {
        let said = super::ffmpeg();
        let (version, licence) = said.split_once(", ").unwrap();
        assert!(version.contains(|letter: char| letter.is_ascii_digit()), "{said}");
        assert!(licence.contains("GPL version"), "{said}");
    }
}
