//! A name in the corner of a picture of the recorded stage: white on a dark plate, as on the tiles of a call.

use crate::media::lettering::{Ink, ink};

/// Size of the letters where there is room, and in small places; places lower than this are small.
const LETTERS: f32 = 20.0;
const SMALL_LETTERS: f32 = 14.0;
const SMALL: u32 = 300;
/// What of the picture is left behind the letters, of 256.
const SEEN: i32 = 84;
/// White and black in video range.
const WHITE: i32 = 235;
const BLACK: i32 = 16;
/// Where colour differences are none.
const GREY: i32 = 128;

/// A plate with a name, in whole pairs of pixels.
#[derive(Debug)]
pub(super) struct Label {
    /// Width and height.
    pub(super) size: (u32, u32),
    /// How much of each pixel is ink.
    pixels: Vec<u8>,
}

impl Label {
    /// One for a place of this size; `None` where there is no room.
    pub(super) fn new(name: &str, (width, height): (u32, u32)) -> Option<Self> {
        let letters = if height < SMALL { SMALL_LETTERS } else { LETTERS };
        let (side, plate) = ((letters * 0.5) as usize, (letters * 1.5) as usize & !1);
        let most = width as f32 - 4.0 * side as f32;
        if most < 2.0 * letters || (height as usize) < 2 * plate {
            return None;
        }
        let Ink { width, height, baseline, pixels } = ink(name, letters, most);
        if width == 0 {
            return None;
        }
        let plate_width = (width + 2 * side + 1) & !1;
        // Letters of all names stand on one line; what hangs below it hangs.
        let line = (plate as f32 * 0.7) as i32;
        let mut plate_pixels = vec![0; plate_width * plate];
        for (row, ink) in pixels.chunks_exact(width).take(height).enumerate() {
            let y = line - baseline + row as i32;
            if let Some(to) = usize::try_from(y).ok().and_then(|y| plate_pixels.chunks_exact_mut(plate_width).nth(y)) {
                to[side..side + width].copy_from_slice(ink);
            }
        }
        Some(Self { size: (plate_width as u32, plate as u32), pixels: plate_pixels })
    }

    /// Draws it into planes of which the first has so many pixels to a line, with its upper left corner there, on even pixels.
    pub(super) fn paint(&self, [luma, u, v]: [&mut [u8]; 3], stride: usize, (x, y): (u32, u32)) {
        let (width, x, y) = (self.size.0 as usize, x as usize, y as usize);
        for (row, ink) in self.pixels.chunks_exact(width).enumerate() {
            for (pixel, ink) in luma[(y + row) * stride + x..].iter_mut().zip(ink) {
                let dark = BLACK + (i32::from(*pixel) - BLACK) * SEEN / 256;
                *pixel = (dark + (WHITE - dark) * i32::from(*ink) / 255) as u8;
            }
        }
        for plane in [u, v] {
            for (row, ink) in self.pixels.chunks_exact(2 * width).enumerate() {
                for (pixel, ink) in plane[(y / 2 + row) * (stride / 2) + x / 2..].iter_mut().zip(ink[..width].iter().step_by(2)) {
                    let away = (i32::from(*pixel) - GREY) * SEEN / 256;
                    *pixel = (GREY + away * (255 - i32::from(*ink)) / 255) as u8;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_white_on_dark_and_stays_inside_its_plate() {
        let (stride, height) = (320_usize, 180_usize);
        let [mut luma, mut u, mut v] =
            [vec![200_u8; stride * height], vec![90; stride * height / 4], vec![90; stride * height / 4]];
        let label = Label::new("Ada 李", (320, 180)).unwrap();
        label.paint([&mut luma, &mut u, &mut v], stride, (8, 150));
        let (width, rows) = (label.size.0 as usize, label.size.1 as usize);
        for (at, pixel) in luma.iter().enumerate() {
            let (x, y) = (at % stride, at / stride);
            let inside = (8..8 + width).contains(&x) && (150..150 + rows).contains(&y);
            assert!(inside || *pixel == 200, "{x} {y}: {pixel}");
        }
        assert_eq!(luma[150 * stride + 8], (16 + 184 * 84 / 256) as u8, "dark where no letter is");
        assert!(luma.iter().filter(|pixel| **pixel > 225).count() > 40, "letters");
        assert!(u[75 * stride / 2 + 4] > 110 && u[0] == 90, "hardly any colour in the plate");
    }

    #[test]
    fn long_names_end_before_the_place_does_and_tiny_places_have_none() {
        let label = Label::new(&"Ada ".repeat(50), (200, 150)).unwrap();
        assert!(label.size.0 <= 200 - 2 * 7 && label.size.0 > 120);
        assert!(Label::new("Ada", (40, 40)).is_none() && Label::new(" ", (320, 180)).is_none());
    }
}
