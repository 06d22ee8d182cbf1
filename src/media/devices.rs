//! What this computer has: microphones and speakers.
//!
//! Ids stay the same from run to run, so that settings can keep them. Cameras: [`crate::media::capture`].

use super::audio::{Direction, list};

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// What to open it by.
    pub id: String,
    /// What to call it.
    pub name: String,
}

/// The microphones that can be opened. Asks the system: takes some tens of milliseconds.
pub fn microphones() -> Vec<Device> {
    list(Direction::Input)
}

/// The speakers that can be opened. Asks the system: takes some tens of milliseconds.
pub fn speakers() -> Vec<Device> {
    list(Direction::Output)
}
