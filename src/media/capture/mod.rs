//! Where one's own pictures and sound come from: a camera, a file, a test pattern; a microphone, a file, a test tone.
//!
//! A source has a thread of its own and keeps running while streams come and go: a publisher only borrows what it delivers.

mod mark;
pub mod pattern;
mod source;
pub mod tone;

pub use source::{AudioSource, Format, SourceError, SourceErrorKind, UnknownSource, VideoSource};
