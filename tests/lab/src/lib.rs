//! The laboratory: what Parlor is tested and measured in. It links nothing of Parlor.
//!
//! - [`net`]: two computers' worth of network inside this one, joined by a link as bad as wanted.
//! - [`screen`]: a screen without a monitor, with windows on it.
//! - [`access`]: what a screen reader is told of them.
//! - [`notices`]: a desktop that is told what happens.
//! - [`sound`]: a speaker and a microphone without a sound card, and others that are plugged in and out.

#[cfg(target_os = "linux")]
pub mod access;
pub mod net;
#[cfg(target_os = "linux")]
pub mod notices;
pub mod screen;
pub mod sound;

use std::process::Child;
use std::time::{Duration, Instant};

/// A process that is killed when dropped.
#[derive(Debug)]
pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Longest wait for anything that should come at once: windows drawn in software share the machine with whatever else runs on it.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Looks again and again until there is something.
///
/// # Panics
/// When there is nothing within [`PATIENCE`]; `what` says what was waited for.
pub fn poll<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
