//! Text as pixels, where there is no window to draw it: initials in the picture of a pause, names in the film of a call.

use crate::base::fonts;
use ab_glyph::{Font, FontRef, Glyph, PxScale, point};

/// What stands for letters that there is no room for.
const MORE: char = '…';

/// A line of text: how much of each pixel is ink, 0 to 255, in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ink {
    pub(super) width: usize,
    pub(super) height: usize,
    /// From the top to the line that letters stand on.
    pub(super) baseline: i32,
    pub(super) pixels: Vec<u8>,
}

/// `text` in letters whose em square is `size` pixels, as tight as they are; what is wider than `most` ends with a sign for that.
pub(super) fn ink(text: &str, size: f32, most: f32) -> Ink {
    let fonts: Vec<FontRef<'_>> = [fonts::INTER_STRONG, fonts::CJK, fonts::EMOJI]
        .into_iter()
        .filter_map(|bytes| FontRef::try_from_slice(bytes).ok())
        .collect();
    let advance = |letter: char| {
        let font = fonts.iter().find(|font| font.glyph_id(letter).0 != 0).or(fonts.first())?;
        let em = font.units_per_em().unwrap_or(1000.0);
        let id = font.glyph_id(letter);
        Some((font, id, em, font.h_advance_unscaled(id) * size / em))
    };
    let end_sign = advance(MORE).map_or(0.0, |(_, _, _, width)| width);
    let whole: f32 = text.chars().filter_map(advance).map(|(_, _, _, width)| width).sum();
    let (mut glyphs, mut end, mut full) = (Vec::new(), 0.0, false);
    for letter in text.chars().chain((whole > most).then_some(MORE)) {
        let Some((font, id, em, width)) = advance(letter) else { continue };
        if whole > most && letter != MORE {
            // Nothing behind the first letter that does not fit, be it ever so narrow.
            full |= end + width + end_sign > most;
            if full {
                continue;
            }
        }
        // Scales of this library are heights of lines; sizes of text are those of the em square.
        let scale = PxScale::from(size * font.height_unscaled() / em);
        let glyph = Glyph { id, scale, position: point(end, 0.0) };
        end += width;
        glyphs.extend(font.outline_glyph(glyph));
    }
    let bounds: Vec<_> = glyphs.iter().map(|glyph| glyph.px_bounds()).collect();
    let edge = |of: fn(&ab_glyph::Rect) -> f32, choose: fn(f32, f32) -> f32| bounds.iter().map(of).reduce(choose);
    let (Some(left), Some(right)) = (edge(|b| b.min.x, f32::min), edge(|b| b.max.x, f32::max)) else { return Ink::default() };
    let (Some(top), Some(bottom)) = (edge(|b| b.min.y, f32::min), edge(|b| b.max.y, f32::max)) else { return Ink::default() };
    let (width, height) = ((right - left).ceil().max(0.0) as usize, (bottom - top).ceil().max(0.0) as usize);
    let mut pixels = vec![0; width * height];
    for (glyph, bounds) in glyphs.iter().zip(&bounds) {
        let (x0, y0) = ((bounds.min.x - left) as usize, (bounds.min.y - top) as usize);
        glyph.draw(|x, y, share| {
            let (x, y) = (x0 + x as usize, y0 + y as usize);
            if x < width && y < height {
                let pixel = &mut pixels[y * width + x];
                *pixel = (*pixel).max((share.clamp(0.0, 1.0) * 255.0).round() as u8);
            }
        });
    }
    Ink { width, height, baseline: -top as i32, pixels }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_as_wide_as_its_letters_and_no_wider_than_it_may_be() {
        let (short, long) = (ink("Ada", 20.0, 500.0), ink("Ada Lovelace 李小龙 👋", 20.0, 500.0));
        assert!(long.width > 3 * short.width && short.height > 10);
        assert!(short.baseline as usize <= short.height);
        let cut = ink("Ada Lovelace 李小龙 👋", 20.0, 80.0);
        assert!((50..=80).contains(&cut.width), "{}", cut.width);
        let fits = ink("iiii…", 20.0, 500.0);
        assert_eq!(ink("iiiiWiiii", 20.0, fits.width as f32 + 8.0), fits, "cut, not thinned out");
        for text in ["", " ", "\u{200b}"] {
            assert!(ink(text, 20.0, 80.0).pixels.iter().all(|pixel| *pixel == 0), "{text:?}");
        }
    }

    #[test]
    fn every_kind_of_letter_leaves_its_own_ink() {
        let all = ["A", "é", "李", "小", "👋"].map(|text| ink(text, 40.0, 500.0));
        assert!(all.iter().all(|one| one.pixels.iter().filter(|pixel| **pixel > 128).count() > 100));
        assert!((1..all.len()).all(|at| all[at] != all[at - 1]));
    }
}
