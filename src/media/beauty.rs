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

/// The surroundings of a pixel reach so far, as a share of the height; at most so far that sums of them fit into 16 bits.
const REACH: usize = 90;
const MOST_REACH: usize = 7;
/// Skin in video-range colour differences: the middle, where it is none any more, and how fast it gets there (see [`strength`]).
const SKIN: [(i16, i16, i16); 2] = [(105, 28, 169), (152, 24, 203)];
/// Share by which skin's colour is paled at the highest whitening, of 256.
const PALER: i16 = 30;
/// What lightens the middle brightness by 30 (see [`lift`]).
const MOST_GAIN: i16 = 21;

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

/// The work, and what it needs again for each picture. All of it is in rows of small integers without branches, which compilers make into vector
/// instructions; the statistics are those of the picture at half its size, where its colours are, too.
#[derive(Debug, Default)]
struct Filter {
    /// Rows and columns of the halved picture.
    size: (usize, usize),
    /// Strength of skin for each pair of colour differences, 0 to [`ALL`].
    skin: Vec<u8>,
    /// The luma plane at half its size.
    half: Vec<u8>,
    /// Sums of the columns around the line, and of their squares.
    sums: Vec<u16>,
    squares: Vec<u32>,
    /// The same over the surroundings of each pixel of the line.
    around: Vec<u16>,
    around_squares: Vec<u32>,
    /// The sums of the columns with those that stand for what is beyond the edges.
    room: Vec<u16>,
    room_squares: Vec<u32>,
    /// Mean of the surroundings, how much it replaces the pixel, and how much skin it is; for each pixel of a line of the whole picture.
    mean: Vec<i16>,
    weight: Vec<i16>,
    strength: Vec<i16>,
}

/// Shares are in 128ths, so that products of two small numbers fit into 16 bits.
const BITS: u32 = 7;
const ALL: i16 = (1 << BITS) - 1;

impl Filter {
    fn apply(&mut self, picture: &mut Picture, beauty: Beauty) {
        let (width, height) = (picture.width as usize, picture.height as usize);
        self.size = (width.div_ceil(2), height.div_ceil(2));
        let (columns, rows) = self.size;
        let [luma, u, v] = picture.planes_mut();
        self.skin.resize(columns * rows, 0);
        for ((skin, u), v) in self.skin.iter_mut().zip(&*u).zip(&*v) {
            *skin = strength(*u, *v);
        }
        let (smoothing, whitening) = (beauty.smoothing.min(Beauty::MOST), beauty.whitening.min(Beauty::MOST));
        let reach = (rows / REACH).clamp(1, MOST_REACH);
        let smooths = smoothing > 0 && columns > reach && rows > reach;
        for row in [&mut self.mean, &mut self.weight, &mut self.strength] {
            row.clear();
            row.resize(2 * columns, 0);
        }
        if smooths {
            self.halve(luma, (width, height));
            self.begin(reach);
        }
        let gain = gain(whitening);
        for (row, lines) in luma.chunks_mut(2 * width).enumerate() {
            if smooths {
                self.slide(row, reach);
            }
            if self.skin[row * columns..][..columns].iter().all(|skin| *skin == 0) {
                continue;
            }
            if smooths {
                self.surroundings(row, reach, smoothing);
            }
            for (pair, skin) in self.strength.chunks_exact_mut(2).zip(&self.skin[row * columns..]) {
                pair.fill(i16::from(*skin));
            }
            for line in lines.chunks_exact_mut(width) {
                self.line(line, gain);
            }
        }
        if whitening > 0 {
            let paler = PALER * i16::from(whitening) / i16::from(Beauty::MOST);
            for plane in [u, v] {
                for (colour, skin) in plane.iter_mut().zip(&self.skin) {
                    let away = i16::from(*colour) - 128;
                    let by = (paler * i16::from(*skin)) >> BITS;
                    *colour = (128 + away - ((away * by + 128) >> 8)) as u8;
                }
            }
        }
    }

    /// The luma plane at half its size.
    fn halve(&mut self, luma: &[u8], (width, height): (usize, usize)) {
        let (columns, rows) = self.size;
        self.half.resize(columns * rows, 0);
        for (row, half) in self.half.chunks_exact_mut(columns).enumerate() {
            let upper = &luma[2 * row * width..][..width];
            let lower = &luma[(2 * row + 1).min(height - 1) * width..][..width];
            let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
            for (half, (upper, lower)) in half.iter_mut().zip(pairs) {
                let sum = u16::from(upper[0]) + u16::from(upper[1]) + u16::from(lower[0]) + u16::from(lower[1]);
                *half = ((sum + 2) >> 2) as u8;
            }
            if width % 2 == 1
                && let (Some(half), Some(upper), Some(lower)) = (half.last_mut(), upper.last(), lower.last())
            {
                *half = u16::midpoint((*upper).into(), (*lower).into()) as u8;
            }
        }
    }

    /// The sums of the columns as they are one line above the first. Beyond its edges a picture goes on as it is there.
    fn begin(&mut self, reach: usize) {
        let columns = self.size.0;
        self.sums.clear();
        self.sums.resize(columns, 0);
        self.squares.clear();
        self.squares.resize(columns, 0);
        for row in (0..=reach).map(|row| row.saturating_sub(1)).chain(std::iter::repeat_n(0, reach)) {
            let line = &self.half[row * columns..][..columns];
            for ((sum, square), pixel) in self.sums.iter_mut().zip(&mut self.squares).zip(line) {
                *sum += u16::from(*pixel);
                *square += u32::from(*pixel) * u32::from(*pixel);
            }
        }
    }

    /// Moves the sums of the columns on to this row.
    fn slide(&mut self, row: usize, reach: usize) {
        let (columns, rows) = self.size;
        let more = &self.half[(row + reach).min(rows - 1) * columns..][..columns];
        let less = &self.half[row.saturating_sub(reach + 1) * columns..][..columns];
        for (((sum, square), more), less) in self.sums.iter_mut().zip(&mut self.squares).zip(more).zip(less) {
            let (more, less) = (u16::from(*more), u16::from(*less));
            *sum = *sum + more - less;
            *square = *square + u32::from(more) * u32::from(more) - u32::from(less) * u32::from(less);
        }
    }

    /// Mean of the surroundings of each pixel of a row, and how much of it is to be seen.
    fn surroundings(&mut self, row: usize, reach: usize, level: u8) {
        let columns = self.size.0;
        along(&self.sums, reach, &mut self.room, &mut self.around, |sum, more, less| sum + more - less);
        along(&self.squares, reach, &mut self.room_squares, &mut self.around_squares, |sum, more, less| sum + more - less);
        let share = 1.0 / ((2 * reach + 1) * (2 * reach + 1)) as f32;
        // Evenness below which surroundings count as smooth: the variance of fine skin up to that of coarse, at half the size.
        let even = 2.5 + 1.25 * f32::from(level) * f32::from(level);
        let skin = &self.skin[row * columns..][..columns];
        let rows = self.mean.chunks_exact_mut(2).zip(self.weight.chunks_exact_mut(2));
        for ((((mean, weight), sum), square), skin) in rows.zip(&self.around).zip(&self.around_squares).zip(skin) {
            let average = f32::from(*sum) * share;
            let variance = (*square as f32 * share - average * average).max(0.0);
            mean.fill((average + 0.5) as i16);
            weight.fill((f32::from(*skin) * even / (variance + even)) as i16);
        }
    }

    /// Smoothes and lightens a line of the whole picture.
    fn line(&self, line: &mut [u8], gain: i16) {
        for (((pixel, mean), weight), skin) in line.iter_mut().zip(&self.mean).zip(&self.weight).zip(&self.strength) {
            let before = i16::from(*pixel);
            let smooth = before + (((mean - before) * weight + (1 << (BITS - 1))) >> BITS);
            *pixel = (smooth + ((lift(smooth, gain) * skin + 512) >> (BITS + 3))) as u8;
        }
    }
}

/// Sums over `reach` places to both sides of each; at the ends the last one counts for those that are not there. `slide` adds the second and takes
/// away the third.
fn along<T: Copy + Default>(columns: &[T], reach: usize, room: &mut Vec<T>, sums: &mut Vec<T>, slide: impl Fn(T, T, T) -> T) {
    sums.clear();
    let (Some(first), Some(last)) = (columns.first(), columns.last()) else { return };
    room.clear();
    room.extend(std::iter::repeat_n(first, reach + 1));
    room.extend_from_slice(columns);
    room.extend(std::iter::repeat_n(last, reach));
    let (around, after) = room.split_at(2 * reach + 1);
    let mut sum = around.iter().fold(T::default(), |sum, more| slide(sum, *more, T::default()));
    sums.extend(after.iter().zip(room.iter()).map(|(more, less)| {
        sum = slide(sum, *more, *less);
        sum
    }));
}

/// How much this colour is that of skin, 0 to [`ALL`].
fn strength(u: u8, v: u8) -> u8 {
    // 16ths of 127 over the distance between full and no strength.
    let part = |value: u8, (middle, none, slope): (i16, i16, i16)| {
        let away = (i16::from(value) - middle).abs();
        (((none - away) * slope) >> 4).clamp(0, ALL)
    };
    ((part(u, SKIN[0]) * part(v, SKIN[1])) >> BITS) as u8
}

/// How strongly a level lightens.
fn gain(level: u8) -> i16 {
    i16::from(level) * MOST_GAIN / i16::from(Beauty::MOST)
}

/// By how many eighths a brightness in video range is lifted: most in the middle, black and white not at all.
fn lift(brightness: i16, gain: i16) -> i16 {
    ((((brightness - 16) * (235 - brightness)).max(0) >> 6) * gain) >> 4
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
            let curve = [0, 16, 17, 60, 125, 200, 234, 235, 255].map(|y| y + lift(y, gain(level)) / 8);
            assert_eq!((curve[0], curve[1], curve[7], curve[8]), (0, 16, 235, 255));
            assert!(curve.windows(2).all(|pair| pair[0] <= pair[1]) && curve[4] > 125);
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
