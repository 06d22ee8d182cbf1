//! From more to less: first fewer pictures, then smaller ones, and what each step costs.

/// What is sent when nothing is in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    /// The picture's bit rate.
    pub kbps: u32,
    /// Pictures a second.
    pub fps: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// Receivers' networks do not take the rate below this, because others receive the same stream; 0 with a single receiver.
    pub shared_floor_kbps: u32,
}

/// A share of the full width and height, in eighths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Size(u32);

impl Size {
    /// In pixels. Widths are multiples of 16, which is what converters and encoders like best.
    pub(super) fn of(self, full: &Full) -> (u32, u32) {
        if self.0 == 8 {
            return (full.width, full.height);
        }
        let width = (full.width * self.0).div_ceil(8).next_multiple_of(16).min(full.width);
        (width, (full.height * self.0).div_ceil(8).next_multiple_of(2).min(full.height))
    }
}

/// Sizes on the ladder, and the height below which none is made.
const SIZES: [Size; 6] = [Size(8), Size(6), Size(4), Size(3), Size(2), Size(1)];
const LEAST_HEIGHT: u32 = 88;
/// Pictures a second, as shares; and what the share of a moving picture must not fall below before its size does.
const RATES: [(u32, u32); 3] = [(1, 1), (2, 3), (1, 2)];
const LEAST_FPS: u32 = 10;
/// The same of what hardly moves at all, a shared text for instance: a source that is that slow at best is to be sharp before all.
const STILL_RATES: [(u32, u32); 3] = [(1, 1), (1, 2), (1, 3)];
const LEAST_STILL_FPS: u32 = 3;
/// Slower still, at the smallest size.
const LAST_FPS: u32 = 7;
/// A level is given up below this share of the bits it would have at best, and taken again above the other.
const SHARE: (f64, f64) = (0.55, 0.75);
/// How the bits that a picture needs grow with the number of its pixels, and with how many there are a second: fewer and larger ones are
/// easier to predict from each other.
const GROWTH: (f64, f64) = (0.85, 0.6);
/// Wanted pictures may be a tenth larger than those that are sent.
const GENEROUS: u32 = 10;

/// The levels of one stream.
#[derive(Debug)]
pub(super) struct Ladder {
    full: Full,
    levels: Vec<(u32, Size)>,
}

impl Ladder {
    pub(super) fn new(full: Full) -> Self {
        let fps = full.fps.max(1);
        let mut levels: Vec<(u32, Size)> = Vec::new();
        let (rates, least) = if fps > LEAST_FPS { (RATES, LEAST_FPS) } else { (STILL_RATES, LEAST_STILL_FPS) };
        for (up, down) in rates {
            let reduced = (fps * up / down).max(least).min(fps);
            if levels.last().is_none_or(|(last, _)| *last != reduced) {
                levels.push((reduced, SIZES[0]));
            }
        }
        let slow = levels.last().map_or(fps, |level| level.0);
        for size in &SIZES[1..] {
            if size.of(&full).1 >= LEAST_HEIGHT {
                levels.push((slow, *size));
            }
        }
        if let Some((_, smallest)) = levels.last().copied()
            && LAST_FPS < slow
        {
            levels.push((LAST_FPS, smallest));
        }
        Self { full, levels }
    }

    pub(super) fn full(&self) -> &Full {
        &self.full
    }

    /// The lowest level.
    pub(super) fn last(&self) -> usize {
        self.levels.len() - 1
    }

    fn at(&self, level: usize) -> (u32, Size) {
        self.levels.get(level).or(self.levels.last()).copied().unwrap_or((self.full.fps, SIZES[0]))
    }

    pub(super) fn fps(&self, level: usize) -> u32 {
        self.at(level).0
    }

    pub(super) fn size(&self, level: usize) -> Size {
        self.at(level).1
    }

    /// The smallest size with so many lines.
    pub(super) fn size_for(&self, lines: u32) -> Size {
        let enough = |size: &&Size| size.of(&self.full).1 * (100 + GENEROUS) / 100 >= lines;
        let usable = SIZES.iter().filter(|size| size.of(&self.full).1 >= LEAST_HEIGHT);
        usable.rev().find(enough).copied().unwrap_or(SIZES[0])
    }

    /// More than this is of no use at this size and rate.
    pub(super) fn useful_kbps(&self, size: Size, fps: u32) -> f64 {
        if size == SIZES[0] {
            return f64::from(self.full.kbps);
        }
        let (width, height) = size.of(&self.full);
        let pixels = f64::from(width * height) / f64::from((self.full.width * self.full.height).max(1));
        let rate = f64::from(fps) / f64::from(self.full.fps.max(1));
        f64::from(self.full.kbps) * pixels.powf(GROWTH.0) * rate.powf(GROWTH.1)
    }

    /// What a level has at best.
    fn best_kbps(&self, level: usize) -> f64 {
        let (fps, size) = self.at(level);
        let rate = f64::from(fps) / f64::from(self.full.fps.max(1));
        if size == SIZES[0] { f64::from(self.full.kbps) * rate.powf(GROWTH.1) } else { self.useful_kbps(size, fps) }
    }

    /// Below this a level is given up.
    pub(super) fn least_kbps(&self, level: usize) -> f64 {
        self.best_kbps(level) * SHARE.0
    }

    /// From this on a level is taken again.
    pub(super) fn enough_kbps(&self, level: usize) -> f64 {
        self.best_kbps(level) * SHARE.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_of_pictures_falls_first_and_then_their_size_in_shape() {
        let shapes = |width, height, fps| {
            let full = Full { kbps: 600, fps, width, height, shared_floor_kbps: 0 };
            let ladder = Ladder::new(full);
            (0..=ladder.last()).map(|n| (ladder.fps(n), ladder.size(n).of(&full))).collect::<Vec<_>>()
        };
        let expected = [
            (30, (640, 360)),
            (20, (640, 360)),
            (15, (640, 360)),
            (15, (480, 270)),
            (15, (320, 180)),
            (15, (240, 136)),
            (15, (160, 90)),
            (7, (160, 90)),
        ];
        assert_eq!(shapes(640, 360, 30), expected);
        assert_eq!(shapes(1280, 720, 25).last(), Some(&(7, (160, 90))));
        assert_eq!(shapes(480, 360, 15).first(), Some(&(15, (480, 360))));
        assert_eq!(shapes(100, 100, 5), [(5, (100, 100)), (3, (100, 100))]);
        let text = shapes(1920, 1080, 10);
        assert_eq!(text[..4], [(10, (1920, 1080)), (5, (1920, 1080)), (3, (1920, 1080)), (3, (1440, 810))]);
        for (width, height) in [(640, 480), (1920, 1080), (854, 480), (720, 1280)] {
            for (_, (w, h)) in shapes(width, height, 30) {
                let (was, is) = (f64::from(width) / f64::from(height), f64::from(w) / f64::from(h));
                assert!((is / was - 1.0).abs() < 0.08, "{width}x{height} became {w}x{h}");
            }
        }
    }

    #[test]
    fn each_step_down_is_cheaper() {
        let ladder = Ladder::new(Full { kbps: 1800, fps: 30, width: 1280, height: 720, shared_floor_kbps: 0 });
        for level in 1..=ladder.last() {
            assert!(ladder.least_kbps(level) < ladder.least_kbps(level - 1), "level {level}");
            assert!(ladder.enough_kbps(level) > ladder.least_kbps(level) * 1.3);
        }
        assert!(ladder.least_kbps(ladder.last()) < 40.0);
    }

    #[test]
    fn the_size_that_is_wanted_is_found() {
        let full = Full { kbps: 600, fps: 30, width: 640, height: 360, shared_floor_kbps: 0 };
        let ladder = Ladder::new(full);
        let lines = |wanted| ladder.size_for(wanted).of(&full).1;
        assert_eq!([0, 90, 100, 180, 190, 271, 340, 4000].map(lines), [90, 90, 136, 180, 180, 270, 360, 360]);
    }
}
