//! What can be a source, how that is written on a command line, and what can go wrong with one.

use super::screen::Target;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;

/// Size and rate of the pictures that are wanted; a camera gives the nearest it has, and they are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Format {
    /// Pixels across; even.
    pub width: u32,
    /// Pixels down; even.
    pub height: u32,
    /// Pictures a second.
    pub fps: u32,
}

impl Default for Format {
    fn default() -> Self {
        Self { width: 640, height: 360, fps: 30 }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} at {}", self.width, self.height, self.fps)
    }
}

/// Where pictures come from. Written as `pattern`, `camera`, `camera:ID`, `file:PATH`, `none`, or as a [`Target`] on the screen.
///
/// ```
/// use parlor::media::capture::VideoSource;
/// let source: VideoSource = "camera:0".parse()?;
/// assert_eq!(source, VideoSource::Camera(Some("0".into())));
/// assert_eq!(source.to_string(), "camera:0");
/// # Ok::<(), parlor::media::capture::UnknownSource>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VideoSource {
    /// The moving test pattern.
    Pattern,
    /// A camera by its id; `None`: the first one.
    Camera(Option<String>),
    /// A video file, looped.
    File(PathBuf),
    /// What is on the screen, or a part of it; in its own shape.
    Screen(Target),
    /// No picture.
    None,
}

/// Where sound comes from. Written as `device`, `device:ID`, `tone`, `file:PATH` or `none`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AudioSource {
    /// A microphone by its id; `None`: the system's default.
    Device(Option<String>),
    /// The beep that goes with the test pattern's flash.
    Tone,
    /// An audio or video file, looped.
    File(PathBuf),
    /// No sound.
    None,
}

impl Default for VideoSource {
    fn default() -> Self {
        Self::Camera(None)
    }
}

impl Default for AudioSource {
    fn default() -> Self {
        Self::Device(None)
    }
}

/// A word that names no source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no source; expected {expected}")]
pub struct UnknownSource {
    /// What was written.
    pub given: String,
    /// What could have been.
    pub expected: &'static str,
}

/// `word` or `word:argument`, the argument not empty.
fn split(s: &str) -> (&str, Option<&str>) {
    match s.split_once(':') {
        Some((word, argument)) => (word, Some(argument).filter(|a| !a.is_empty())),
        None => (s, None),
    }
}

impl FromStr for VideoSource {
    type Err = UnknownSource;

    fn from_str(s: &str) -> Result<Self, UnknownSource> {
        match split(s) {
            ("pattern", None) => Ok(Self::Pattern),
            ("camera", id) => Ok(Self::Camera(id.map(str::to_owned))),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => s.parse().map(Self::Screen).map_err(|_| UnknownSource {
                given: s.to_owned(),
                expected: "pattern, camera, camera:ID, screen, screen:NAME, window:ID, region:WxH+X+Y, portal, file:PATH or none",
            }),
        }
    }
}

impl FromStr for AudioSource {
    type Err = UnknownSource;

    fn from_str(s: &str) -> Result<Self, UnknownSource> {
        match split(s) {
            ("device", id) => Ok(Self::Device(id.map(str::to_owned))),
            ("tone", None) => Ok(Self::Tone),
            ("file", Some(path)) => Ok(Self::File(path.into())),
            ("none", None) => Ok(Self::None),
            _ => Err(UnknownSource { given: s.to_owned(), expected: "device, device:ID, tone, file:PATH or none" }),
        }
    }
}

impl fmt::Display for VideoSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pattern => f.write_str("pattern"),
            Self::Camera(None) => f.write_str("camera"),
            Self::Camera(Some(id)) => write!(f, "camera:{id}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::Screen(target) => target.fmt(f),
            Self::None => f.write_str("none"),
        }
    }
}

impl fmt::Display for AudioSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(None) => f.write_str("device"),
            Self::Device(Some(id)) => write!(f, "device:{id}"),
            Self::Tone => f.write_str("tone"),
            Self::File(path) => write!(f, "file:{}", path.display()),
            Self::None => f.write_str("none"),
        }
    }
}

impl TryFrom<String> for VideoSource {
    type Error = UnknownSource;

    fn try_from(s: String) -> Result<Self, UnknownSource> {
        s.parse()
    }
}

impl TryFrom<String> for AudioSource {
    type Error = UnknownSource;

    fn try_from(s: String) -> Result<Self, UnknownSource> {
        s.parse()
    }
}

impl From<VideoSource> for String {
    fn from(source: VideoSource) -> Self {
        source.to_string()
    }
}

impl From<AudioSource> for String {
    fn from(source: AudioSource) -> Self {
        source.to_string()
    }
}

/// What to tell the person about a source that does not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// There is no such device.
    NoDevice,
    /// Another program uses it.
    Busy,
    /// The system does not allow it.
    Denied,
    /// It delivers nothing that can be used.
    UnsupportedFormat,
    /// It stopped delivering.
    Stalled,
    /// It delivers nothing but exact zeros: it is switched off somewhere.
    Silent,
    /// What was shown is not there any more: a window was closed, a screen unplugged, or the system ended it.
    Gone,
    /// The person thought better of it.
    Cancelled,
    /// The file is missing, unreadable or holds nothing of the kind that is wanted.
    BrokenFile,
    /// Something else; the detail says what.
    Other,
}

/// A source (or the sound output) failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct SourceError {
    /// What to tell the person.
    pub kind: SourceErrorKind,
    /// What exactly, in English, for the log and the curious.
    pub detail: String,
}

impl SourceError {
    /// An error of `kind` with a `detail`.
    pub fn new(kind: SourceErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

impl From<io::Error> for SourceError {
    fn from(error: io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::NotFound => SourceErrorKind::NoDevice,
            io::ErrorKind::PermissionDenied => SourceErrorKind::Denied,
            io::ErrorKind::ResourceBusy => SourceErrorKind::Busy,
            io::ErrorKind::TimedOut => SourceErrorKind::Stalled,
            _ => SourceErrorKind::Other,
        };
        Self::new(kind, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_as_they_are_written() {
        for word in ["pattern", "camera", "camera:0", "screen:DP-1", "region:640x360+1+2", "file:/a b/c:d.mp4", "none"] {
            assert_eq!(word.parse::<VideoSource>().unwrap().to_string(), word);
        }
        for word in ["device", "device:alsa:hw:0,1", "tone", "file:x.wav", "none"] {
            assert_eq!(word.parse::<AudioSource>().unwrap().to_string(), word);
        }
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        for word in ["", "file", "file:", "pattern:1", "webcam", "tone"] {
            let error = word.parse::<VideoSource>().unwrap_err();
            assert!(error.to_string().contains("expected pattern"), "{error}");
        }
        assert!("pattern".parse::<AudioSource>().is_err());
    }

    #[test]
    fn settings_keep_a_source_as_a_word() {
        let source = VideoSource::File("film.mkv".into());
        let json = serde_json::to_string(&source).unwrap();
        assert_eq!(json, "\"file:film.mkv\"");
        assert_eq!(serde_json::from_str::<VideoSource>(&json).unwrap(), source);
        assert!(serde_json::from_str::<VideoSource>("\"bogus\"").is_err());
    }
}
