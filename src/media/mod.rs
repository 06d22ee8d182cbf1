//! Pictures and sound: capture, encode, publish; pull, decode, play.
//!
//! This module knows no room, no HTTP and no egui; no FFmpeg, nokhwa or cpal type leaves it.

pub mod audio;
pub mod beauty;
pub mod devices;
pub mod frame;
pub mod stats;

pub mod address;
pub mod capture;
mod cause;
pub mod convert;
pub mod encode;
mod lettering;
pub mod library;
pub mod opus;
pub mod play;
pub mod publish;
pub mod record;
pub mod seal;
mod swscale;
#[cfg(windows)]
mod timer;
pub mod timing;
pub mod trouble;

pub use cause::Cause;

/// Prepares timers and FFmpeg, once: its own messages would be mixed into ours, so only what is fatal is left in.
fn ready() {
    static READY: std::sync::Once = std::sync::Once::new();
    READY.call_once(|| {
        #[cfg(windows)]
        timer::make_fine();
        if let Err(error) = ffmpeg_next::init() {
            tracing::error!("FFmpeg cannot be used: {error}");
        }
        ffmpeg_next::log::set_level(ffmpeg_next::log::Level::Fatal);
    });
}
