//! A picture's birth time, drawn into it so that programs can read it back from any screen, at any place and scale.
//!
//! 12 x 9 cells: a white ring one cell wide, inside it a black ring, inside that 8 x 5 data cells, row by row, white
//! for one. The 40 bits are the Gray code of the milliseconds of the UNIX clock modulo 2^32, then their CRC-8
//! (polynomial 7) exclusive-or 0x5A. Parlor's test pattern carries the same mark; this reading of it is independent.

/// Data cells across and down, without the two rings.
const COLUMNS: usize = 8;
const ROWS: usize = 5;
/// Cells across and down, rings included.
pub const CELLS_ACROSS: usize = COLUMNS + 4;
pub const CELLS_DOWN: usize = ROWS + 4;
/// Luma of black and white in video range.
const BLACK: u8 = 16;
const WHITE: u8 = 235;
/// Least difference between the rings for the mark to count as seen.
const MIN_CONTRAST: f32 = 40.0;
/// Least width of a mark that is looked for, in pixels: under this a cell has too few to be read.
const MIN_WIDTH: usize = 28;

/// A picture of brightness values.
#[derive(Clone, Copy)]
pub struct Gray<'a> {
    pub width: usize,
    pub height: usize,
    /// `width * height` values.
    pub pixels: &'a [u8],
}

/// What counts as bright: by day, and beside something light gray.
const THRESHOLDS: [u8; 3] = [150, 222, 190];

/// Where a mark is: its upper left corner and the size of its cells, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub x: f32,
    pub y: f32,
    pub cell_width: f32,
    pub cell_height: f32,
}

/// Draws `value` into a luma plane of `width` pixels a row, with cells of a 40th of the width.
pub fn draw(luma: &mut [u8], width: usize, value: u32) {
    let cell = (width / 40).max(1);
    let word = encode(value);
    for row in 0..CELLS_DOWN {
        for column in 0..CELLS_ACROSS {
            let outer = row == 0 || row == CELLS_DOWN - 1 || column == 0 || column == CELLS_ACROSS - 1;
            let inner = (2..ROWS + 2).contains(&row) && (2..COLUMNS + 2).contains(&column);
            let one = inner && word >> (39 - ((row - 2) * COLUMNS + column - 2)) & 1 == 1;
            let shade = if outer || one { WHITE } else { BLACK };
            for y in (row + 1) * cell..(row + 2) * cell {
                if let Some(line) = luma.get_mut(y * width + (column + 1) * cell..y * width + (column + 2) * cell) {
                    line.fill(shade);
                }
            }
        }
    }
}

/// Looks for a mark anywhere in the picture whose value is `likely`: one in 256 pieces of noise passes the checksum.
pub fn find(picture: Gray<'_>, likely: impl Fn(u32) -> bool) -> Option<(Place, u32)> {
    THRESHOLDS.iter().find_map(|threshold| {
        let mut tried = Vec::new();
        for y in 0..picture.height {
            for (left, right) in bright_runs(picture, y, *threshold) {
                // The same ring shows in many rows; its edges are enough to know it again.
                if tried.contains(&(left, right)) {
                    continue;
                }
                tried.push((left, right));
                if let Some(found) = ring_at(picture, left, right, y, *threshold).filter(|(_, value)| likely(*value)) {
                    return Some(found);
                }
            }
        }
        None
    })
}

/// Reads the mark at `place`; `None` when it is not there, or a half-drawn picture fails the checksum.
pub fn read(picture: Gray<'_>, place: Place) -> Option<u32> {
    let Place { x, y, cell_width, cell_height } = place;
    let area = |column: f32, row: f32, columns: f32, rows: f32| {
        mean(picture, x + column * cell_width, y + row * cell_height, columns * cell_width, rows * cell_height)
    };
    let white = area(0.5, 0.3, CELLS_ACROSS as f32 - 1.0, 0.4)?;
    let black = area(1.5, 1.3, CELLS_ACROSS as f32 - 3.0, 0.4)?;
    if white - black < MIN_CONTRAST {
        return None;
    }
    let mut word = 0;
    for index in 0..ROWS * COLUMNS {
        let (row, column) = (index / COLUMNS, index % COLUMNS);
        let shade = area(column as f32 + 2.25, row as f32 + 2.25, 0.5, 0.5)?;
        word = word << 1 | u64::from(shade > (white + black) / 2.0);
    }
    decode(word)
}

fn crc(value: u32) -> u8 {
    value
        .to_be_bytes()
        .iter()
        .fold(0, |crc, byte| (0..8).fold(crc ^ byte, |crc: u8, _| if crc & 0x80 == 0 { crc << 1 } else { crc << 1 ^ 7 }))
}

fn encode(value: u32) -> u64 {
    u64::from(value ^ value >> 1) << 8 | u64::from(crc(value) ^ 0x5A)
}

fn decode(word: u64) -> Option<u32> {
    let mut value = (word >> 8) as u32;
    for shift in [1, 2, 4, 8, 16] {
        value ^= value >> shift;
    }
    (u64::from(crc(value) ^ 0x5A) == word & 0xFF).then_some(value)
}

fn is_bright(picture: Gray<'_>, x: usize, y: usize, threshold: u8) -> bool {
    picture.pixels.get(y * picture.width + x).is_some_and(|pixel| *pixel > threshold)
}

/// Bright stretches of row `y` that are wide enough, as first and past-the-last pixel.
fn bright_runs(picture: Gray<'_>, y: usize, threshold: u8) -> Vec<(usize, usize)> {
    let mut runs = Vec::new();
    let mut start = None;
    for x in 0..=picture.width {
        let bright = x < picture.width && is_bright(picture, x, y, threshold);
        match (bright, start) {
            (true, None) => start = Some(x),
            (false, Some(left)) => {
                if x - left >= MIN_WIDTH {
                    runs.push((left, x));
                }
                start = None;
            }
            _ => {}
        }
    }
    runs
}

/// Tries the bright run from `left` to `right` in row `top` as the upper side of a mark's ring.
fn ring_at(picture: Gray<'_>, left: usize, right: usize, top: usize, threshold: u8) -> Option<(Place, u32)> {
    let cell_width = (right - left) as f32 / CELLS_ACROSS as f32;
    let side = left + (cell_width / 2.0) as usize;
    let bottom = (top..picture.height).find(|y| !is_bright(picture, side, *y, threshold)).unwrap_or(picture.height);
    let measured = (bottom - top) as f32 / CELLS_DOWN as f32;
    // The side may run on into bright surroundings: then cells are taken as square. Edges are blurred by a pixel.
    for cell_height in [measured, cell_width] {
        for nudge in [0.0, -1.0, 1.0] {
            let place = Place { x: left as f32 + nudge, y: top as f32, cell_width, cell_height };
            if let Some(value) = read(picture, place) {
                return Some((place, value));
            }
        }
    }
    None
}

/// Mean brightness of an area of at least one pixel; `None` outside the picture.
fn mean(picture: Gray<'_>, x: f32, y: f32, width: f32, height: f32) -> Option<f32> {
    let span = |from: f32, length: f32, limit: usize| {
        let first = from.round();
        let last = (from + length).round().max(first + 1.0);
        (first >= 0.0 && last <= limit as f32).then_some(first as usize..last as usize)
    };
    let columns = span(x, width, picture.width)?;
    let rows = span(y, height, picture.height)?;
    let count = columns.len() * rows.len();
    let mut sum = 0;
    for row in rows {
        let line = picture.pixels.get(row * picture.width + columns.start..row * picture.width + columns.end)?;
        sum += line.iter().map(|pixel| u64::from(*pixel)).sum::<u64>();
    }
    Some(sum as f32 / count as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 640 x 360 picture with a mark, scaled by bilinear interpolation and put somewhere on a darker screen.
    fn screen(value: u32, scale: f32, at: (usize, usize)) -> Vec<u8> {
        // As in the test pattern: light gray on the left, darker on the right.
        let mut picture: Vec<u8> = (0..640 * 360).map(|index| if index % 640 < 100 { 191 } else { 90 }).collect();
        draw(&mut picture, 640, value);
        let mut screen = vec![40; 1000 * 700];
        for y in 0..(360.0 * scale) as usize {
            for x in 0..(640.0 * scale) as usize {
                let (u, v) = (x as f32 / scale, y as f32 / scale);
                let pixel = |x: usize, y: usize| f32::from(picture[y.min(359) * 640 + x.min(639)]);
                let (i, j) = (u as usize, v as usize);
                let (a, b) = (u.fract(), v.fract());
                let upper = pixel(i, j) * (1.0 - a) + pixel(i + 1, j) * a;
                let lower = pixel(i, j + 1) * (1.0 - a) + pixel(i + 1, j + 1) * a;
                screen[(y + at.1) * 1000 + x + at.0] = (upper * (1.0 - b) + lower * b) as u8;
            }
        }
        screen
    }

    #[test]
    fn found_and_read_at_any_place_and_scale() {
        for (scale, at) in [(1.0, (0, 0)), (0.31, (700, 500)), (0.5, (13, 400)), (0.777, (301, 7)), (1.43, (80, 150))] {
            for value in [0, 1, 0x8000_0000, 0xDEAD_BEEF, u32::MAX, 1_234_567_890] {
                let pixels = screen(value, scale, at);
                let picture = Gray { width: 1000, height: 700, pixels: &pixels };
                let (place, found) =
                    find(picture, |found| found == value).unwrap_or_else(|| panic!("not found at scale {scale}"));
                assert_eq!(found, value);
                assert_eq!(read(picture, place), Some(value));
            }
        }
    }

    #[test]
    fn half_of_one_and_half_of_another_is_neither() {
        let (mut first, second) = (screen(0x1234_5678, 1.0, (0, 0)), screen(0x0F0F_1234, 1.0, (0, 0)));
        let place = find(Gray { width: 1000, height: 700, pixels: &first }, |_| true).unwrap().0;
        // Two of five data rows are of the next picture.
        first[..64 * 1000].copy_from_slice(&second[..64 * 1000]);
        assert_eq!(read(Gray { width: 1000, height: 700, pixels: &first }, place), None);
    }

    #[test]
    fn no_mark_is_found_in_noise_and_stripes() {
        let noise: Vec<u8> = (0..700_000u64).map(|index| (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
        assert_eq!(find(Gray { width: 1000, height: 700, pixels: &noise }, |_| true), None);
        let stripes: Vec<u8> = (0..700_000usize).map(|index| if index / 1000 % 40 < 20 { 235 } else { 16 }).collect();
        assert_eq!(find(Gray { width: 1000, height: 700, pixels: &stripes }, |_| true), None);
    }

    /// Computed by hand from the layout above, so that drawing and reading cannot agree on a mistake.
    #[test]
    fn known_words() {
        assert_eq!(encode(0), 0x5A);
        assert_eq!(encode(1), 0x01_5D);
        assert_eq!(encode(2), 0x03_54);
    }
}
