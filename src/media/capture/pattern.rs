//! The moving test pattern: a pure function of the clock.
//!
//! Colour bars; a clock face with a second hand; the time of day in UTC with milliseconds; the machine-readable mark at the
//! upper left; and at the upper right a panel that is white during the first 100 ms of each UNIX second, in step with
//! the beep of [`tone`](super::tone). What never moves is drawn once.

use super::mark;
use crate::media::capture::Format;
use crate::media::frame::{Picture, Pool};
use std::time::Duration;

/// How long the panel is white, and the beep heard, at the start of each second.
pub const FLASH: Duration = Duration::from_millis(100);

/// Luma of the panel while it is dark.
const PANEL_DARK: u8 = 40;
/// Luma of the clock face.
const FACE: u8 = 60;
/// Neutral chroma.
const GREY: u8 = 128;
/// 75 % colour bars, (Y, Cb, Cr) by BT.601: white, yellow, cyan, green, magenta, red, blue.
const BARS_SD: [[u8; 3]; 7] =
    [[180, 128, 128], [162, 44, 142], [131, 156, 44], [112, 72, 58], [84, 184, 198], [65, 100, 212], [35, 212, 114]];
/// The same by BT.709.
const BARS_HD: [[u8; 3]; 7] =
    [[180, 128, 128], [168, 44, 136], [145, 147, 44], [133, 63, 52], [63, 193, 204], [51, 109, 212], [28, 212, 120]];
/// `HH:MM:SS.mmm`
const TEXT_LEN: usize = 12;

/// A rectangle of pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Leftmost column.
    pub x: usize,
    /// Topmost row.
    pub y: usize,
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
}

/// The panel that flashes, in a picture of `width` pixels: what a test looks at.
pub fn flash_area(width: u32) -> Area {
    let cell = mark::cell(width as usize);
    Area { x: 25 * cell, y: cell, width: 14 * cell, height: mark::ROWS * cell }
}

/// The pattern in one size.
pub struct Pattern {
    format: Format,
    background: Picture,
    pool: Pool,
}

impl Pattern {
    /// Draws what never moves.
    pub fn new(format: Format) -> Self {
        let pool = Pool::new();
        let (w, h) = (format.width as usize, format.height as usize);
        let data = pool.take(Picture::len(format.width, format.height));
        let mut background = Picture { width: format.width, height: format.height, captured: Duration::ZERO, data };
        let bars = if format.height < 720 { BARS_SD } else { BARS_HD };
        for (plane, pixels) in background.planes_mut().into_iter().enumerate() {
            let row_len = if plane == 0 { w } else { w.div_ceil(2) };
            for row in pixels.chunks_exact_mut(row_len) {
                for (x, pixel) in row.iter_mut().enumerate() {
                    *pixel = bars[x * bars.len() / row_len][plane];
                }
            }
        }
        let cell = mark::cell(w);
        let mut canvas = Canvas::new(&mut background);
        canvas.grey(Area { x: cell, y: cell, width: mark::COLUMNS * cell, height: mark::ROWS * cell }, mark::BLACK);
        canvas.mark(cell, 0);
        canvas.grey(flash_area(format.width), PANEL_DARK);
        canvas.face(Face::new(cell));
        canvas.grey(Area { x: cell, y: 11 * cell, width: w.saturating_sub(2 * cell), height: 4 * cell }, mark::BLACK);
        debug_assert_eq!(background.planes()[0].len(), w * h);
        Self { format, background, pool }
    }

    /// The picture of the moment `at`, a time since the UNIX epoch.
    pub fn draw(&self, at: Duration) -> Picture {
        let mut data = self.pool.take(self.background.data.len());
        data.copy_from_slice(&self.background.data);
        let mut picture = Picture { width: self.format.width, height: self.format.height, captured: at, data };
        let cell = mark::cell(self.format.width as usize);
        let ms = at.as_millis();
        let mut canvas = Canvas::new(&mut picture);
        canvas.mark(cell, (ms & u128::from(u32::MAX)) as u32);
        if at.subsec_nanos() < FLASH.subsec_nanos() {
            canvas.luma(flash_area(self.format.width), mark::WHITE);
        }
        canvas.hand(Face::new(cell), (ms % 60_000) as f32 / 60_000.0);
        canvas.text(cell, 11 * cell + cell / 2, (self.format.width as usize).saturating_sub(2 * cell), 3 * cell, at);
        picture
    }

    /// When the first picture after `now` is due: pictures fall on whole fractions of a second, so nothing drifts.
    pub fn next_due(&self, now: Duration) -> Duration {
        next_due(now, self.format.fps)
    }
}

/// The first moment after `now` that is a whole number of `1/fps` seconds after the UNIX epoch.
pub(super) fn next_due(now: Duration, fps: u32) -> Duration {
    let fps = u128::from(fps.max(1));
    let number = now.as_micros() * fps / 1_000_000 + 1;
    Duration::from_micros(u64::try_from((number * 1_000_000).div_ceil(fps)).unwrap_or(u64::MAX))
}

/// The clock face: centre and radius, in pixels.
#[derive(Clone, Copy)]
struct Face {
    x: f32,
    y: f32,
    radius: f32,
}

impl Face {
    fn new(cell: usize) -> Self {
        let cell = cell as f32;
        Self { x: 19.0 * cell, y: 5.5 * cell, radius: 4.5 * cell }
    }
}

/// A picture being drawn on; everything is clipped to it.
struct Canvas<'a> {
    width: usize,
    height: usize,
    planes: [&'a mut [u8]; 3],
}

impl<'a> Canvas<'a> {
    fn new(picture: &'a mut Picture) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        Self { width, height, planes: picture.planes_mut() }
    }

    /// Fills an area of the Y plane.
    fn luma(&mut self, area: Area, value: u8) {
        fill(self.planes[0], self.width, self.height, area, value);
    }

    /// Fills an area with a shade of grey; its colour goes out to the next even pixel.
    fn grey(&mut self, area: Area, value: u8) {
        self.luma(area, value);
        let (x, y) = (area.x / 2, area.y / 2);
        let half = Area { x, y, width: (area.x + area.width).div_ceil(2) - x, height: (area.y + area.height).div_ceil(2) - y };
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        for plane in &mut self.planes[1..] {
            fill(plane, width, height, half, GREY);
        }
    }

    fn mark(&mut self, cell: usize, value: u32) {
        let bits = mark::bits(value);
        for row in 0..mark::ROWS {
            for column in 0..mark::COLUMNS {
                let luma = if mark::is_white(bits, column, row) { mark::WHITE } else { mark::BLACK };
                self.luma(Area { x: cell * (column + 1), y: cell * (row + 1), width: cell, height: cell }, luma);
            }
        }
    }

    /// The disc with its twelve hour marks.
    fn face(&mut self, face: Face) {
        let r = face.radius;
        let (x, y) = ((face.x - r) as usize, (face.y - r) as usize);
        let side = (2.0 * r) as usize + 1;
        for py in y..y + side {
            for px in x..x + side {
                let (dx, dy) = (px as f32 - face.x, py as f32 - face.y);
                if dx * dx + dy * dy <= r * r {
                    self.grey(Area { x: px, y: py, width: 1, height: 1 }, FACE);
                }
            }
        }
        for hour in 0..12 {
            self.ray(face, hour as f32 / 12.0, 0.85, 0.98, 180);
        }
    }

    fn hand(&mut self, face: Face, turn: f32) {
        self.ray(face, turn, 0.0, 0.8, mark::WHITE);
    }

    /// A line from the face's centre in the direction `turn` (0 is up, clockwise), from and to these fractions of the radius.
    fn ray(&mut self, face: Face, turn: f32, from: f32, to: f32, luma: u8) {
        let (sin, cos) = (turn * std::f32::consts::TAU).sin_cos();
        let thick = (face.radius / 24.0).max(1.0) as usize + 1;
        let steps = (face.radius * (to - from)).ceil().max(1.0) as usize;
        for step in 0..=steps {
            let d = face.radius * (from + (to - from) * step as f32 / steps as f32);
            let (x, y) = (face.x + sin * d, face.y - cos * d);
            self.luma(Area { x: x as usize - thick / 2, y: y as usize - thick / 2, width: thick, height: thick }, luma);
        }
    }

    /// The time of day as `HH:MM:SS.mmm`, as large as the room allows.
    fn text(&mut self, x: usize, y: usize, width: usize, height: usize, at: Duration) {
        let seconds = at.as_secs() % 86_400;
        let (h, m, s, ms) = (seconds / 3600, seconds / 60 % 60, seconds % 60, u64::from(at.subsec_millis()));
        let digit = |n: u64, unit: u64| (n / unit % 10) as usize;
        let glyphs: [usize; TEXT_LEN] = [
            digit(h, 10),
            digit(h, 1),
            COLON,
            digit(m, 10),
            digit(m, 1),
            COLON,
            digit(s, 10),
            digit(s, 1),
            POINT,
            digit(ms, 100),
            digit(ms, 10),
            digit(ms, 1),
        ];
        let dot = (height / GLYPH_ROWS).min(width / (TEXT_LEN * (GLYPH_COLUMNS + 1))).max(1);
        let left = x + width.saturating_sub(TEXT_LEN * (GLYPH_COLUMNS + 1) * dot) / 2;
        for (place, glyph) in glyphs.into_iter().enumerate() {
            let left = left + place * (GLYPH_COLUMNS + 1) * dot;
            for (row, pattern) in GLYPHS[glyph].into_iter().enumerate() {
                for column in (0..GLYPH_COLUMNS).filter(|c| pattern >> (GLYPH_COLUMNS - 1 - c) & 1 == 1) {
                    self.luma(Area { x: left + column * dot, y: y + row * dot, width: dot, height: dot }, mark::WHITE);
                }
            }
        }
    }
}

fn fill(plane: &mut [u8], width: usize, height: usize, area: Area, value: u8) {
    let (left, right) = (area.x.min(width), (area.x + area.width).min(width));
    for row in plane.chunks_exact_mut(width).take((area.y + area.height).min(height)).skip(area.y) {
        row[left..right].fill(value);
    }
}

const GLYPH_COLUMNS: usize = 5;
const GLYPH_ROWS: usize = 7;
const COLON: usize = 10;
const POINT: usize = 11;
/// 0 to 9, colon, point; one row of five dots in each number.
#[rustfmt::skip]
const GLYPHS: [[u8; GLYPH_ROWS]; 12] = [
    [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
    [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
    [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111],
    [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
    [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
    [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
    [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
    [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
    [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
    [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
    [0b00000, 0b00100, 0b00100, 0b00000, 0b00100, 0b00100, 0b00000],
    [0b00000, 0b00000, 0b00000, 0b00000, 0b00000, 0b01100, 0b01100],
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads the mark as mark.py does: the mean of the middle half of each data cell against the middle between the rings.
    fn read(picture: &Picture) -> Option<u32> {
        let (luma, width) = (picture.planes()[0], picture.width as usize);
        let cell = (width / 40).max(4);
        let mean = |column: usize, row: usize| {
            let (x, y) = ((column + 1) * cell + cell / 4, (row + 1) * cell + cell / 4);
            let rows = (y..y + cell / 2)
                .map(|y| luma[y * width + x..y * width + x + cell / 2].iter().map(|&v| u32::from(v)).sum::<u32>());
            rows.sum::<u32>() as f32 / (cell / 2 * (cell / 2)) as f32
        };
        let middle = (mean(5, 0) + mean(5, 1)) / 2.0;
        let mut bits = 0;
        for row in 2..7 {
            for column in 2..10 {
                bits = bits << 1 | u64::from(mean(column, row) > middle);
            }
        }
        mark::tests::unbits(bits)
    }

    fn format(width: u32, height: u32) -> Format {
        Format { width, height, fps: 30 }
    }

    #[test]
    fn the_mark_holds_the_milliseconds_of_the_clock() {
        for (w, h) in [(640, 360), (480, 360), (320, 240), (1280, 720), (854, 480), (160, 120)] {
            let pattern = Pattern::new(format(w, h));
            for ms in [0, 1_795_345_678_901_u64, 1_795_345_678_050, (1 << 40) - 1] {
                assert_eq!(read(&pattern.draw(Duration::from_millis(ms))), Some(ms as u32), "{w}x{h}, {ms}");
            }
        }
    }

    #[test]
    fn the_panel_is_white_for_a_tenth_of_each_second() {
        let pattern = Pattern::new(format(640, 360));
        let area = flash_area(640);
        for (ms, white) in [(7000, true), (7099, true), (7100, false), (7500, false), (7999, false)] {
            let picture = pattern.draw(Duration::from_millis(ms));
            let luma = picture.planes()[0];
            let all = |v: u8| {
                (area.y..area.y + area.height)
                    .all(|y| luma[y * 640 + area.x..y * 640 + area.x + area.width].iter().all(|&p| p == v))
            };
            assert!(all(if white { mark::WHITE } else { PANEL_DARK }), "{ms} ms");
        }
    }

    #[test]
    fn the_same_moment_is_the_same_picture_and_another_is_not() {
        let pattern = Pattern::new(format(640, 360));
        let at = Duration::from_millis(1_795_345_678_901);
        assert!(*pattern.draw(at).data == *pattern.draw(at).data);
        assert!(*pattern.draw(at).data != *pattern.draw(at + Duration::from_millis(33)).data);
    }

    #[test]
    fn pictures_do_not_drift() {
        let mut now = Duration::from_secs(1_795_345_678);
        for _ in 0..30 * 60 {
            now = next_due(now, 30);
        }
        assert_eq!(now, Duration::from_secs(1_795_345_678 + 60));
        // A late wake-up leaves pictures out instead of shifting the rest.
        assert_eq!(next_due(Duration::from_micros(1_070_000), 30), Duration::from_micros(1_100_000));
    }

    #[test]
    fn any_size_can_be_drawn() {
        for (w, h) in [(2, 2), (16, 16), (90, 400), (641, 3), (1919, 1079)] {
            Pattern::new(format(w, h)).draw(Duration::from_millis(12_345));
        }
    }
}
