//! Smoother and lighter skin, before the encoder: everybody sees it, oneself included.
//!
//! Skin is told by its colour, softly, so that there is no edge where it ends. Where there is skin, each pixel is drawn towards the mean of its
//! surroundings by as much as these are even (Lee's filter of local statistics: pores go, eyes and lips stay), and lifted along a curve that leaves
//! black and white where they are. The sums over the surroundings move along with the pixel, so their size costs nothing.

use super::frame::Picture;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How much is done, each from 0, nothing, to [`MOST`](Self::MOST).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Beauty {
    /// How much skin is smoothed.
    pub smoothing: u8,
    /// How much skin is lightened.
    pub whitening: u8,
}

impl Beauty {
    /// The highest of either.
    pub const MOST: u8 = 9;

    /// Whether nothing is done.
    pub fn is_off(self) -> bool {
        self.smoothing == 0 && self.whitening == 0
    }
}

/// The surroundings of a pixel reach so far, as a share of the picture's height.
const REACH: u32 = 90;
/// Skin in video-range colour differences: the middle, and how far it reaches at full and at no strength.
const SKIN: [(i32, i32, i32); 2] = [(105, 16, 28), (152, 14, 24)];
/// Share by which skin's colour is paled at the highest whitening, of 256.
const PALER: i32 = 30;

/// What is wanted, and what it costs. Clones are the same control.
#[derive(Clone, Debug, Default)]
pub struct Control(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    wanted: Mutex<Beauty>,
    cost_us: AtomicU32,
    filter: Mutex<Filter>,
}

impl Control {
    /// Does as much as this from the next picture on.
    pub fn set(&self, beauty: Beauty) {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner) = beauty;
        if beauty.is_off() {
            self.0.cost_us.store(0, Ordering::Relaxed);
        }
    }

    /// How much is done.
    pub fn wanted(&self) -> Beauty {
        *self.0.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a picture costs, as of late; `None` while nothing is done.
    pub fn cost(&self) -> Option<Duration> {
        let cost = self.0.cost_us.load(Ordering::Relaxed);
        (cost > 0).then(|| Duration::from_micros(cost.into()))
    }

    /// Makes a picture more beautiful, in place.
    pub(super) fn apply(&self, picture: &mut Picture) {
        let beauty = self.wanted();
        if beauty.is_off() {
            return;
        }
        let begun = Instant::now();
        self.0.filter.lock().unwrap_or_else(PoisonError::into_inner).apply(picture, beauty);
        let took = u32::try_from(begun.elapsed().as_micros()).unwrap_or(u32::MAX).max(1);
        let before = self.0.cost_us.load(Ordering::Relaxed);
        let cost = if before == 0 { took } else { before - before / 16 + took / 16 };
        self.0.cost_us.store(cost.max(1), Ordering::Relaxed);
    }
}

/// The work, and what it needs again for each picture.
#[derive(Debug, Default)]
struct Filter {
    /// Strength of skin for each pair of colour differences, 0 to 255.
    skin: Vec<u8>,
    /// The luma plane as it was.
    before: Vec<u8>,
    /// Sums of the columns around the line, and of their squares.
    sums: Vec<u32>,
    squares: Vec<u32>,
}

impl Filter {
    fn apply(&mut self, picture: &mut Picture, beauty: Beauty) {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let chroma = width.div_ceil(2);
        let [luma, u, v] = picture.planes_mut();
        self.skin.clear();
        self.skin.extend(u.iter().zip(&*v).map(|(u, v)| skin(*u, *v)));
        if beauty.smoothing > 0 {
            self.smooth(luma, (width, height), beauty.smoothing.min(Beauty::MOST));
        }
        if beauty.whitening > 0 {
            let level = beauty.whitening.min(Beauty::MOST);
            let curve = curve(level);
            for (y, line) in luma.chunks_exact_mut(width).enumerate() {
                let skin = &self.skin[y / 2 * chroma..][..chroma];
                for (pair, skin) in line.chunks_mut(2).zip(skin).filter(|(_, skin)| **skin > 0) {
                    for pixel in pair {
                        *pixel = blend(*pixel, curve[usize::from(*pixel)], *skin);
                    }
                }
            }
            let paler = PALER * i32::from(level) / i32::from(Beauty::MOST);
            for plane in [u, v] {
                for (colour, skin) in plane.iter_mut().zip(&self.skin).filter(|(_, skin)| **skin > 0) {
                    let away = i32::from(*colour) - 128;
                    *colour = (128 + away - away * paler * i32::from(*skin) / (256 * 255)) as u8;
                }
            }
        }
    }

    fn smooth(&mut self, luma: &mut [u8], (width, height): (usize, usize), level: u8) {
        let reach = (height / REACH as usize).clamp(1, 16).min(width / 2).min(height / 2);
        if reach == 0 {
            return;
        }
        let chroma = width.div_ceil(2);
        // Evenness below which surroundings count as smooth: the variance of fine skin up to that of coarse.
        let even = 10.0 + 5.0 * f32::from(level) * f32::from(level);
        self.before.clear();
        self.before.extend_from_slice(luma);
        for sums in [&mut self.sums, &mut self.squares] {
            sums.clear();
            sums.resize(width, 0);
        }
        for row in 0..reach {
            self.slide(Some(row), None, width);
        }
        for (y, line) in luma.chunks_exact_mut(width).enumerate() {
            self.slide(Some(y + reach).filter(|row| *row < height), (y > reach).then(|| y - reach - 1), width);
            let rows = (y + reach).min(height - 1) + 1 - y.saturating_sub(reach);
            let skin = &self.skin[y / 2 * chroma..][..chroma];
            if skin.iter().all(|skin| *skin == 0) {
                continue;
            }
            let (mut sum, mut square) = (self.sums[..reach].iter().sum::<u32>(), self.squares[..reach].iter().sum::<u32>());
            for (x, pixel) in line.iter_mut().enumerate() {
                if let (Some(more), Some(squares)) = (self.sums.get(x + reach), self.squares.get(x + reach)) {
                    (sum, square) = (sum + more, square + squares);
                }
                if x > reach {
                    (sum, square) = (sum - self.sums[x - reach - 1], square - self.squares[x - reach - 1]);
                }
                let skin = skin[x / 2];
                if skin > 0 {
                    let count = (rows * ((x + reach).min(width - 1) + 1 - x.saturating_sub(reach))) as f32;
                    let mean = sum as f32 / count;
                    let variance = (square as f32 / count - mean * mean).max(0.0);
                    let kept = variance / (variance + even);
                    let smooth = mean + (f32::from(*pixel) - mean) * kept;
                    *pixel = blend(*pixel, (smooth + 0.5) as u8, skin);
                }
            }
        }
    }

    /// Moves the sums of the columns on by a line.
    fn slide(&mut self, add: Option<usize>, remove: Option<usize>, width: usize) {
        if let Some(row) = add {
            let line = &self.before[row * width..][..width];
            for ((sum, square), pixel) in self.sums.iter_mut().zip(&mut self.squares).zip(line) {
                let pixel = u32::from(*pixel);
                (*sum, *square) = (*sum + pixel, *square + pixel * pixel);
            }
        }
        if let Some(row) = remove {
            let line = &self.before[row * width..][..width];
            for ((sum, square), pixel) in self.sums.iter_mut().zip(&mut self.squares).zip(line) {
                let pixel = u32::from(*pixel);
                (*sum, *square) = (*sum - pixel, *square - pixel * pixel);
            }
        }
    }
}

/// How much this colour is that of skin, 0 to 255.
fn skin(u: u8, v: u8) -> u8 {
    let part = |value: u8, (middle, full, none): (i32, i32, i32)| {
        let away = (i32::from(value) - middle).abs();
        ((none - away) * 255 / (none - full)).clamp(0, 255)
    };
    (part(u, SKIN[0]) * part(v, SKIN[1]) / 255) as u8
}

/// `from` drawn towards `to` by so many of 255.
fn blend(from: u8, to: u8, by: u8) -> u8 {
    let (from, to) = (i32::from(from), i32::from(to));
    (from + (to - from) * i32::from(by) / 255) as u8
}

/// What becomes of each brightness in video range: lifted most in the middle.
fn curve(level: u8) -> [u8; 256] {
    let base = 1.0 + 0.25 * f32::from(level);
    std::array::from_fn(|y| {
        let share = (y as f32 - 16.0) / 219.0;
        if (0.0..=1.0).contains(&share) { (16.5 + 219.0 * (1.0 + (base - 1.0) * share).ln() / base.ln()) as u8 } else { y as u8 }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::frame::Pool;

    const SKIN_COLOUR: (u8, u8) = (105, 152);
    const SKY: (u8, u8) = (170, 100);

    /// Left half dark, right half light, with noise, in one colour.
    fn face(width: u32, height: u32, colour: (u8, u8)) -> Picture {
        let mut picture =
            Picture { width, height, captured: Duration::ZERO, data: Pool::new().take(Picture::len(width, height)) };
        let [luma, u, v] = picture.planes_mut();
        let mut seed = 1_u32;
        for (at, pixel) in luma.iter_mut().enumerate() {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 28) as u8;
            *pixel = if at % (width as usize) < width as usize / 2 { 60 } else { 150 } + noise;
        }
        u.fill(colour.0);
        v.fill(colour.1);
        picture
    }

    fn made(mut picture: Picture, smoothing: u8, whitening: u8) -> Picture {
        let control = Control::default();
        control.set(Beauty { smoothing, whitening });
        control.apply(&mut picture);
        picture
    }

    /// How uneven and how light a part of a line is.
    fn of(picture: &Picture, from: usize, to: usize) -> (f64, f64) {
        let line = &picture.planes()[0][picture.width as usize * 40..][from..to];
        let mean = line.iter().map(|p| f64::from(*p)).sum::<f64>() / line.len() as f64;
        (line.iter().map(|p| (f64::from(*p) - mean).powi(2)).sum::<f64>() / line.len() as f64, mean)
    }

    #[test]
    fn skin_gets_smoother_with_each_level_and_edges_stay() {
        let mut last = of(&face(320, 180, SKIN_COLOUR), 20, 140).0;
        for level in [1, 5, 9] {
            let picture = made(face(320, 180, SKIN_COLOUR), level, 0);
            let (uneven, mean) = of(&picture, 20, 140);
            assert!(uneven < last * 0.9 && (mean - 67.5).abs() < 1.5, "{level}: {uneven} after {last}, {mean}");
            last = uneven;
            let (left, right) = (of(&picture, 150, 159).1, of(&picture, 161, 170).1);
            assert!(right - left > 75.0, "the edge is there: {left} {right}");
        }
        assert!(last < 6.0);
    }

    #[test]
    fn skin_gets_lighter_and_paler_and_black_and_white_stay() {
        let plain = face(320, 180, SKIN_COLOUR);
        let light = made(face(320, 180, SKIN_COLOUR), 0, 9);
        assert!(of(&light, 180, 300).1 > of(&plain, 180, 300).1 + 15.0);
        let [_, u, v] = light.planes();
        assert!(u[5000] > SKIN_COLOUR.0 && v[5000] < SKIN_COLOUR.1);
        for level in 1..=9 {
            let curve = curve(level);
            assert_eq!((curve[0], curve[16], curve[235], curve[255]), (0, 16, 235, 255));
            assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]));
        }
    }

    #[test]
    fn what_is_no_skin_stays_as_it_is_and_off_is_off() {
        let plain = face(320, 180, SKY);
        assert_eq!(made(face(320, 180, SKY), 9, 9).data[..], plain.data[..]);
        let plain = face(321, 181, SKIN_COLOUR);
        assert_eq!(made(face(321, 181, SKIN_COLOUR), 0, 0).data[..], plain.data[..]);
        for (width, height) in [(321, 181), (2, 2), (1, 1), (16, 4)] {
            let small = made(face(width, height, SKIN_COLOUR), 9, 9);
            assert_eq!(small.data.len(), Picture::len(width, height));
        }
    }

    #[test]
    fn the_cost_is_known_while_something_is_done() {
        let control = Control::default();
        let mut picture = face(320, 180, SKIN_COLOUR);
        control.apply(&mut picture);
        assert_eq!(control.cost(), None);
        control.set(Beauty { smoothing: 5, whitening: 5 });
        control.apply(&mut picture);
        assert!(control.cost().is_some());
        for (width, height) in [(640, 360), (1280, 720)] {
            let (begun, mut picture) = (Instant::now(), face(width, height, SKIN_COLOUR));
            (0..20).for_each(|_| control.apply(&mut picture));
            println!("{width}x{height}, skin everywhere: {:.2} ms a picture", begun.elapsed().as_secs_f64() * 1000.0 / 20.0);
        }
        control.set(Beauty::default());
        assert_eq!(control.cost(), None);
    }
}
