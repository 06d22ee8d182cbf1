//! What is shared, in words and numbers.

use crate::media::capture::Format;
use std::fmt;
use std::str::FromStr;

/// A rectangle on the screen, in pixels from the upper left corner of all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Area {
    /// Leftmost column.
    pub x: i32,
    /// Topmost row.
    pub y: i32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// The least that is worth sharing, in pixels each way: less is a click that slipped.
pub const LEAST_SIDE: u32 = 16;

impl Area {
    /// The rectangle between two corners, whichever they are.
    pub fn between(a: (i32, i32), b: (i32, i32)) -> Self {
        Self { x: a.0.min(b.0), y: a.1.min(b.1), width: a.0.abs_diff(b.0), height: a.1.abs_diff(b.1) }
    }

    /// The part of it that lies inside of `other`; `None` if that is too small to be of use.
    pub fn within(self, other: Self) -> Option<Self> {
        let side = |at: i32, len: u32, other_at: i32, other_len: u32| {
            let from = i64::from(at).max(i64::from(other_at));
            let to = (i64::from(at) + i64::from(len)).min(i64::from(other_at) + i64::from(other_len));
            let len = u32::try_from(to - from).ok().filter(|len| *len >= LEAST_SIDE)?;
            Some((i32::try_from(from).ok()?, len))
        };
        let (x, width) = side(self.x, self.width, other.x, other.width)?;
        let (y, height) = side(self.y, self.height, other.y, other.height)?;
        Some(Self { x, y, width, height })
    }
}

/// What of the screen is shared. Written as `screen`, `screen:NAME`, `window:ID`, `region:WxH+X+Y` or `portal`.
///
/// ```
/// use parlor::media::capture::screen::{Area, Target};
/// let target: Target = "region:640x360+100+50".parse()?;
/// assert_eq!(target, Target::Region(Area { x: 100, y: 50, width: 640, height: 360 }));
/// # Ok::<(), parlor::media::capture::screen::UnknownTarget>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A screen by the system's name for it; `None`: the main one.
    Screen(Option<String>),
    /// A window by the system's number for it.
    Window(u64),
    /// A rectangle.
    Region(Area),
    /// What the person chooses in the system's own dialog.
    Portal,
}

/// A word that names nothing to share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing to share; expected screen, screen:NAME, window:ID, region:WxH+X+Y or portal")]
pub struct UnknownTarget(String);

impl FromStr for Target {
    type Err = UnknownTarget;

    fn from_str(s: &str) -> Result<Self, UnknownTarget> {
        let unknown = || UnknownTarget(s.to_owned());
        let (word, argument) = s.split_once(':').map_or((s, None), |(word, rest)| (word, Some(rest)));
        match (word, argument) {
            ("screen", None) => Ok(Self::Screen(None)),
            ("screen", Some(name)) if !name.is_empty() => Ok(Self::Screen(Some(name.to_owned()))),
            ("window", Some(id)) => {
                let id = id.strip_prefix("0x").map_or_else(|| id.parse(), |hex| u64::from_str_radix(hex, 16));
                id.map(Self::Window).map_err(|_| unknown())
            }
            ("region", Some(area)) => area_of(area).map(Self::Region).ok_or_else(unknown),
            ("portal", None) => Ok(Self::Portal),
            _ => Err(unknown()),
        }
    }
}

/// `WxH+X+Y`, as X11 programs write it; negative places as `+-10`.
fn area_of(s: &str) -> Option<Area> {
    let mut parts = s.splitn(3, '+');
    let (width, height) = parts.next()?.split_once('x')?;
    let (x, y) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let side = |s: &str| s.parse().ok().filter(|side| *side >= LEAST_SIDE);
    Some(Area { x, y, width: side(width)?, height: side(height)? })
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Screen(None) => f.write_str("screen"),
            Self::Screen(Some(name)) => write!(f, "screen:{name}"),
            Self::Window(id) => write!(f, "window:{id:#x}"),
            Self::Region(Area { x, y, width, height }) => write!(f, "region:{width}x{height}+{x}+{y}"),
            Self::Portal => f.write_str("portal"),
        }
    }
}

/// What matters in what is shared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// That text can be read: large pictures, few of them.
    #[default]
    Detail,
    /// That movement is smooth: many pictures, smaller ones.
    Motion,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Detail, Self::Motion];

    /// The largest pictures, and how many a second.
    pub const fn format(self) -> Format {
        match self {
            Self::Detail => Format { width: 1920, height: 1080, fps: 10 },
            Self::Motion => Format { width: 1280, height: 720, fps: 30 },
        }
    }

    /// The bit rate that suits them, in kbit/s.
    pub const fn kbps(self) -> u32 {
        match self {
            Self::Detail => 1500,
            Self::Motion => 2000,
        }
    }
}

/// Size of the pictures of something of the size `from`: as it is, or smaller in shape so that it fits into `room`. Even numbers.
pub(super) fn picture_size(from: (u32, u32), room: (u32, u32)) -> (u32, u32) {
    let (w, h) = (u64::from(from.0.max(1)), u64::from(from.1.max(1)));
    let (room_w, room_h) = (u64::from(room.0.max(2)), u64::from(room.1.max(2)));
    let (w, h) = if w <= room_w && h <= room_h {
        (w, h)
    } else if w * room_h >= h * room_w {
        (room_w, h * room_w / w)
    } else {
        (w * room_h / h, room_h)
    };
    let even = |side: u64| u32::try_from((side & !1).max(2)).unwrap_or(2);
    (even(w), even(h))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_as_they_are_written() {
        for word in ["screen", "screen:DP-1", "window:0x2a00007", "region:640x360+100+50", "region:16x16+-10+-2", "portal"] {
            assert_eq!(word.parse::<Target>().unwrap().to_string(), word);
        }
        assert_eq!("window:42".parse(), Ok(Target::Window(42)));
        for word in ["", "screen:", "window", "window:x", "region:1x1+0+0", "region:640x360", "region:640+1+2", "portal:1"] {
            assert!(word.parse::<Target>().unwrap_err().to_string().contains("expected screen"), "{word}");
        }
    }

    #[test]
    fn a_dragged_rectangle_is_the_same_from_every_corner_and_stays_on_the_screen() {
        let area = Area { x: 10, y: 20, width: 30, height: 40 };
        for (a, b) in [((10, 20), (40, 60)), ((40, 60), (10, 20)), ((40, 20), (10, 60))] {
            assert_eq!(Area::between(a, b), area);
        }
        let screen = Area { x: 0, y: 0, width: 1280, height: 800 };
        assert_eq!(area.within(screen), Some(area));
        let over = Area { x: -20, y: 780, width: 60, height: 60 };
        assert_eq!(over.within(screen), Some(Area { x: 0, y: 780, width: 40, height: 20 }));
        assert_eq!(Area { x: 1275, ..over }.within(screen), None);
        assert_eq!(Area { x: 5000, y: 0, width: 100, height: 100 }.within(screen), None);
    }

    #[test]
    fn pictures_keep_their_shape_and_are_never_larger_than_what_they_show() {
        let size = |w, h| picture_size((w, h), (1920, 1080));
        assert_eq!(size(1280, 800), (1280, 800));
        assert_eq!(size(801, 603), (800, 602));
        assert_eq!(size(3840, 2160), (1920, 1080));
        assert_eq!(size(2560, 1080), (1920, 810));
        assert_eq!(size(1080, 2560), (454, 1080));
        assert_eq!(size(1, 1), (2, 2));
    }
}
