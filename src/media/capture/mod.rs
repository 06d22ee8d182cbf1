//! Where one's own pictures and sound come from: a camera, the screen, a file, a test pattern; a microphone, a file, a test tone.
//!
//! A source has a thread of its own and keeps running while streams come and go: a publisher only borrows what it delivers.

mod camera;
mod camera_device;
mod camera_list;
mod feed;
mod file;
mod film;
pub(in crate::media) mod mark;
pub mod pattern;
pub mod pause;
pub mod screen;
mod sound;
mod source;
mod system_sound;
pub mod tone;
mod video;

pub use camera_list::cameras;
pub use feed::{Level, Outlet};
pub use sound::Sound;

pub use source::{AudioSource, Format, SourceError, SourceErrorKind, UnknownSource, VideoSource};
pub use system_sound::SystemSound;
pub use video::Video;
