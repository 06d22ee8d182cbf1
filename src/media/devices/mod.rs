//! Cameras, microphones and speakers: what this computer has, which one to use, and when that changes.
//!
//! [`Devices`] is the one handle: a thread keeps its [`Lists`] true, and whoever opens a device follows a [`Choice`] through a `Chooser`: "the
//! system's default" or "this one", which is replaced while it is gone and used again when it is back. This module opens nothing for longer than
//! it takes to ask; `capture` and `audio` open what is chosen.
//!
//! ```no_run
//! use parlor::media::devices::{Devices, Kind};
//! let devices = Devices::watch();
//! devices.settle(std::time::Duration::from_secs(5));
//! for microphone in &devices.lists().of(Kind::Microphone).devices {
//!     println!("{} is called {}", microphone.id, microphone.name);
//! }
//! ```

pub mod check;
mod chooser;
mod select;
#[cfg(target_os = "linux")]
pub(in crate::media) mod server;
mod system;
mod watch;

pub(crate) use chooser::Chooser;
pub use chooser::Using;
pub use select::{Choice, InUse, Moved, News};
#[cfg(target_os = "linux")]
pub(in crate::media) use server::PREFIX as SERVER_PREFIX;
pub use watch::{Devices, Listening};

/// What a device is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Makes pictures.
    Camera,
    /// Records sound.
    Microphone,
    /// Plays sound.
    Speaker,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Camera, Self::Microphone, Self::Speaker];
}

/// A device that can be chosen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Device {
    /// What to open it by; the same from run to run, so that settings can keep it.
    pub id: String,
    /// What to call it.
    pub name: String,
}

/// The devices of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Those that can be chosen.
    pub devices: Vec<Device>,
    /// The one that the system takes by default, where it says so.
    pub default: Option<Device>,
    /// Whether the system has been asked already.
    pub known: bool,
    /// Whether there is nothing beside the list: what is not in it cannot be opened, and an empty one means that there is no such device.
    pub exhaustive: bool,
}

impl List {
    /// The device with this id.
    pub fn find(&self, id: &str) -> Option<&Device> {
        self.devices.iter().find(|device| device.id == id)
    }
}

/// Everything there is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Cameras; the first one is the default.
    pub cameras: List,
    /// Microphones.
    pub microphones: List,
    /// Speakers.
    pub speakers: List,
}

impl Lists {
    /// The devices of a kind.
    pub fn of(&self, kind: Kind) -> &List {
        match kind {
            Kind::Camera => &self.cameras,
            Kind::Microphone => &self.microphones,
            Kind::Speaker => &self.speakers,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut List {
        match kind {
            Kind::Camera => &mut self.cameras,
            Kind::Microphone => &mut self.microphones,
            Kind::Speaker => &mut self.speakers,
        }
    }
}
