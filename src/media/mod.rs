//! Pictures and sound: capture, encode, publish; pull, decode, play.
//!
//! This module knows no room, no HTTP and no egui; no FFmpeg, nokhwa or cpal type leaves it.

pub mod audio;
pub mod devices;
pub mod frame;
pub mod stats;

pub mod capture;
pub mod convert;
mod swscale;
pub mod timing;
