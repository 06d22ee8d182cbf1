//! The laboratory: what Parlor is tested and measured in. It links nothing of Parlor.
//!
//! - [`net`]: two computers' worth of network inside this one, joined by a link as bad as wanted.
//! - [`screen`]: a screen without a monitor, with windows on it.
//! - [`access`]: what a screen reader is told of them.
//! - [`sound`]: a speaker and a microphone without a sound card, and others that are plugged in and out.

#[cfg(target_os = "linux")]
pub mod access;
pub mod net;
pub mod screen;
pub mod sound;

use std::process::Child;

/// A process that is killed when dropped.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
