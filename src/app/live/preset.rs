//! What is sent: sizes and rates to choose from, and one's own.

use crate::media::capture::Format;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Pixels across and down, pictures a second and kilobits a second that can be asked for.
pub const WIDTHS: RangeInclusive<u32> = 160..=3840;
/// Pixels down.
pub const HEIGHTS: RangeInclusive<u32> = 90..=2160;
/// Pictures a second.
pub const RATES: RangeInclusive<u32> = 1..=60;
/// The picture's bit rate. Above it, an encoder in software on an ordinary computer is the limit.
pub const KBPS: RangeInclusive<u32> = 50..=20_000;

/// Sizes with the bit rates that suit them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// 640x360.
    #[default]
    Sd,
    /// 960x540.
    Hd,
    /// 1280x720.
    FhdLite,
    /// As typed.
    Custom,
}

/// How a picture is coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Coding {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Pictures a second.
    pub fps: u32,
    /// Kilobits a second.
    pub kbps: u32,
}

impl Default for Coding {
    fn default() -> Self {
        Preset::Sd.coding(Self { width: 640, height: 360, fps: 30, kbps: 800 })
    }
}

impl Coding {
    /// The nearest that can be encoded: even sides, everything within its limits.
    pub fn sane(self) -> Self {
        let within = |value: u32, range: &RangeInclusive<u32>| value.clamp(*range.start(), *range.end());
        Self {
            width: within(self.width, &WIDTHS) & !1,
            height: within(self.height, &HEIGHTS) & !1,
            fps: within(self.fps, &RATES),
            kbps: within(self.kbps, &KBPS),
        }
    }

    /// What is asked of the source.
    pub fn format(self) -> Format {
        Format { width: self.width, height: self.height, fps: self.fps }
    }
}

impl Preset {
    /// All of them, in the order of the switch.
    pub const ALL: [Self; 4] = [Self::Sd, Self::Hd, Self::FhdLite, Self::Custom];

    /// What it stands for; `custom` is what was typed.
    pub fn coding(self, custom: Coding) -> Coding {
        let (width, height, kbps) = match self {
            Self::Sd => (640, 360, 800),
            Self::Hd => (960, 540, 1200),
            Self::FhdLite => (1280, 720, 1800),
            Self::Custom => return custom.sane(),
        };
        Coding { width, height, fps: 30, kbps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_is_typed_can_be_encoded(width: u32, height: u32, fps: u32, kbps: u32) {
            let coding = Preset::Custom.coding(Coding { width, height, fps, kbps });
            prop_assert!(WIDTHS.contains(&coding.width) && HEIGHTS.contains(&coding.height));
            prop_assert!(coding.width.is_multiple_of(2) && coding.height.is_multiple_of(2));
            prop_assert!(RATES.contains(&coding.fps) && KBPS.contains(&coding.kbps));
            prop_assert_eq!(coding.sane(), coding);
        }
    }

    #[test]
    fn presets_are_those_people_know() {
        let coding = |preset: Preset| preset.coding(Coding::default());
        assert_eq!(coding(Preset::Hd), Coding { width: 960, height: 540, fps: 30, kbps: 1200 });
        assert_eq!(coding(Preset::Custom), coding(Preset::Sd));
    }
}
