//! A machine-readable time mark: milliseconds of the UNIX clock, drawn into a picture as big blocks, so that a program that sees the
//! picture on a screen can tell how old it is.
//!
//! 12 x 9 cells: a white ring, inside it a black ring, inside that 8 x 5 data cells, row by row, most significant bit first: 32 bits of
//! the Gray-coded value, then 8 bits of CRC-8 (polynomial 7) over the value, XORed with 0x5a. White is 1.

/// Cells across, rings included.
pub(super) const COLUMNS: usize = 12;
/// Cells down, rings included.
pub(super) const ROWS: usize = 9;
/// Luma of black and white: video range, clear of clipping.
pub(super) const BLACK: u8 = 16;
/// See [`BLACK`].
pub(super) const WHITE: u8 = 235;

/// Cells that would fit across a picture.
const CELLS_ACROSS: f32 = 40.0;

/// Pixels along one side of a cell in a picture of `width` pixels.
pub(super) fn cell(width: usize) -> usize {
    (width / 40).max(4)
}

/// The 40 data bits of `value`, the first one in bit 39.
pub(super) fn bits(value: u32) -> u64 {
    let gray = value ^ (value >> 1);
    u64::from(gray) << 8 | u64::from(crc8(value) ^ 0x5a)
}

fn crc8(value: u32) -> u8 {
    value
        .to_be_bytes()
        .into_iter()
        .fold(0, |crc, byte| (0..8).fold(crc ^ byte, |c, _| if c & 128 != 0 { (c << 1) ^ 7 } else { c << 1 }))
}

/// What the mark at the upper left of a picture of `width` pixels says, whatever the size it was drawn in; `None` if there is none, or it cannot
/// be read. `luma` gives the brightness at a place, 0 outside.
pub(in crate::media) fn read(width: usize, luma: impl Fn(usize, usize) -> u8) -> Option<u32> {
    let cell = width as f32 / CELLS_ACROSS;
    let bright = |column: usize, row: usize| {
        let place = |index: usize, part: f32| ((index as f32 + 1.0 + part) * cell) as usize;
        let parts = [0.3, 0.5, 0.7];
        let sum: u32 = parts.iter().flat_map(|y| parts.map(|x| u32::from(luma(place(column, x), place(row, *y))))).sum();
        sum / 9
    };
    // Between the rings.
    let middle = bright(COLUMNS / 2, 0).midpoint(bright(COLUMNS / 2, 1));
    let mut found = 0;
    for row in 2..ROWS - 2 {
        for column in 2..COLUMNS - 2 {
            found = found << 1 | u64::from(bright(column, row) > middle);
        }
    }
    let mut value = (found >> 8) as u32;
    for shift in [1, 2, 4, 8, 16] {
        value ^= value >> shift;
    }
    (bits(value) == found).then_some(value)
}

/// Whether the cell in this column and row of the whole mark is white.
pub(super) fn is_white(bits: u64, column: usize, row: usize) -> bool {
    let ring = |d: usize| column == d || row == d || column == COLUMNS - 1 - d || row == ROWS - 1 - d;
    if ring(0) {
        return true;
    }
    !ring(1) && bits >> (39 - ((row - 2) * 8 + column - 2)) & 1 == 1
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a reader does with the data cells: the value if the checksum is right. An own implementation of the published layout.
    pub(crate) fn unbits(bits: u64) -> Option<u32> {
        let mut value = (bits >> 8) as u32;
        for shift in [1, 2, 4, 8, 16] {
            value ^= value >> shift;
        }
        let mut crc = 0_u32;
        for byte in value.to_be_bytes() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 0x80 != 0 { (crc << 1) ^ 0x107 } else { crc << 1 };
            }
        }
        (crc as u8 ^ 0x5a == bits as u8).then_some(value)
    }

    #[test]
    fn the_bits_are_those_of_the_reference_program() {
        // From mark.py: int(''.join(map(str, bits(v).reshape(-1))), 2).
        for (value, expected) in REFERENCE {
            assert_eq!(bits(value), expected, "{value:#x}");
            assert_eq!(unbits(expected), Some(value));
        }
    }

    #[test]
    fn one_wrong_bit_is_noticed() {
        for bit in 0..40 {
            assert_eq!(unbits(bits(0x1234_5678) ^ 1 << bit), None);
        }
    }

    const REFERENCE: [(u32, u64); 4] = [(0x0, 0x5a), (0x1, 0x15d), (0x9e3779b9, 0xd12cc56506), (0xffffffff, 0x8000000084)];
}
