//! The picture of somebody whose camera is off: an image of their own, or their initials. A stream without pictures looks broken to everybody but
//! our own program, and to a recording; a still one at a few pictures a second costs next to nothing.

use super::feed::PictureFeed;
use super::film::Film;
use super::pattern::next_due;
use super::source::{Format, SourceError, SourceErrorKind};
use crate::base::{Clock, Stop, avatar};
use crate::media::convert::{ToPicture, ToRgba};
use crate::media::frame::{Picture, Pool};
use crate::media::lettering;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Pictures a second: enough for whoever comes later, and for players that take a pause for an end.
pub const FPS: u32 = 5;
/// A larger file is no picture that anybody means: a photograph has a tenth of it.
const MAX_FILE: u64 = 64 << 20;
/// Behind the initials: a tile in the dark.
const GROUND: [f32; 3] = [0x22 as f32, 0x28 as f32, 0x27 as f32];
/// The circle's radius as a part of the picture's height, and the letters' size as a part of that: as in a tile.
const RADIUS: f32 = 0.2;
const LETTERS: f32 = 0.8;

/// What to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Whose initials, unless there is an image.
    pub name: String,
    /// A file with a picture: PNG, JPEG, or what else FFmpeg reads.
    pub image: Option<PathBuf>,
}

impl Card {
    /// Draws it. When the image cannot be used, its error comes with the initials.
    ///
    /// Blocks while the image is read and decoded.
    pub(super) fn draw(&self, format: Format) -> (Picture, Option<SourceError>) {
        match self.image.as_ref().map(|path| image(path, format)) {
            Some(Ok(picture)) => (picture, None),
            Some(Err(error)) => (initials(&self.name, format), Some(error)),
            None => (initials(&self.name, format), None),
        }
    }
}

/// Delivers `still` until told to stop.
pub(super) fn run(still: &Picture, feed: &PictureFeed, clock: &Clock, stop: &Stop) {
    let (pool, mut to_rgba) = (Pool::new(), ToRgba::new());
    loop {
        let mut data = pool.take(still.data.len());
        data.copy_from_slice(&still.data);
        let now = clock.now();
        feed.deliver(Picture { width: still.width, height: still.height, captured: now, data }, &mut to_rgba);
        if stop.wait(next_due(now, FPS).saturating_sub(clock.now())) {
            return;
        }
    }
}

/// The first picture in a file, with bars where its shape is another.
fn image(path: &Path, format: Format) -> Result<Picture, SourceError> {
    let broken = |why: String| SourceError::new(SourceErrorKind::BrokenFile, format!("{}: {why}", path.display()));
    let bytes = std::fs::metadata(path).map_err(|e| broken(e.to_string()))?.len();
    if bytes > MAX_FILE {
        return Err(broken(format!("has {} MB, a picture may have {}", bytes >> 20, MAX_FILE >> 20)));
    }
    let (_, frame) = Film::open(path)?.next_picture().ok_or_else(|| broken("holds no picture".to_owned()))?;
    let convert = ToPicture::new(format.width, format.height).and_then(|mut convert| convert.frame(&frame, Duration::ZERO));
    convert.map_err(|error| broken(error.to_string()))
}

/// Initials in a coloured circle.
fn initials(name: &str, format: Format) -> Picture {
    let (width, height) = (format.width as usize, format.height as usize);
    let radius = height as f32 * RADIUS;
    let (x0, y0) = (width as f32 / 2.0, height as f32 / 2.0);
    let circle = avatar::colour(name).map(f32::from);
    let mut canvas = Canvas { width, height, pixels: vec![GROUND; width * height] };
    for y in 0..height {
        for x in 0..width {
            let distance = (x as f32 + 0.5 - x0).hypot(y as f32 + 0.5 - y0);
            canvas.blend(x as i64, y as i64, circle, radius + 0.5 - distance);
        }
    }
    canvas.text(&avatar::initials(name), radius * LETTERS, (x0, y0));
    canvas.picture()
}

/// Pixels in red, green and blue, 0 to 255.
struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<[f32; 3]>,
}

impl Canvas {
    fn blend(&mut self, x: i64, y: i64, colour: [f32; 3], share: f32) {
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
        if x < self.width && y < self.height && share > 0.0 {
            for (pixel, new) in self.pixels[y * self.width + x].iter_mut().zip(colour) {
                *pixel += (new - *pixel) * share.min(1.0);
            }
        }
    }

    /// White letters around a centre, `size` pixels high.
    fn text(&mut self, text: &str, size: f32, centre: (f32, f32)) {
        let ink = lettering::ink(text, size, self.width as f32);
        let (x0, y0) = (centre.0 - ink.width as f32 / 2.0, centre.1 - ink.height as f32 / 2.0);
        for (y, row) in (y0.round() as i64..).zip(ink.pixels.chunks_exact(ink.width.max(1))) {
            for (x, share) in (x0.round() as i64..).zip(row) {
                self.blend(x, y, [255.0; 3], f32::from(*share) / 255.0);
            }
        }
    }

    fn picture(&self) -> Picture {
        let (w, h) = (self.width, self.height);
        let data = Pool::new().take(Picture::len(w as u32, h as u32));
        let mut picture = Picture { width: w as u32, height: h as u32, captured: Duration::ZERO, data };
        let hd = h >= 720;
        let [luma, u, v] = picture.planes_mut();
        for (to, pixel) in luma.iter_mut().zip(&self.pixels) {
            *to = yuv(*pixel, hd)[0];
        }
        let (chroma_w, chroma_h) = (w.div_ceil(2), h.div_ceil(2));
        for y in 0..chroma_h {
            for x in 0..chroma_w {
                let corners = [(0, 0), (1, 0), (0, 1), (1, 1)];
                let at = |(dx, dy): (usize, usize)| self.pixels[(2 * y + dy).min(h - 1) * w + (2 * x + dx).min(w - 1)];
                let mean = [0, 1, 2].map(|channel| corners.iter().map(|corner| at(*corner)[channel]).sum::<f32>() / 4.0);
                let [_, blue, red] = yuv(mean, hd);
                (u[y * chroma_w + x], v[y * chroma_w + x]) = (blue, red);
            }
        }
        picture
    }
}

/// Video range, ITU-R BT.709 for HD, else BT.601: as [`Picture`] says.
fn yuv([r, g, b]: [f32; 3], hd: bool) -> [u8; 3] {
    let (kr, kb) = if hd { (0.2126, 0.0722) } else { (0.299, 0.114) };
    let y = kr * r + (1.0 - kr - kb) * g + kb * b;
    let chroma = |difference: f32, k: f32| 128.0 + difference / (2.0 * (1.0 - k)) * 224.0 / 255.0;
    [16.0 + y * 219.0 / 255.0, chroma(b - y, kb), chroma(r - y, kr)].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(width: u32, height: u32) -> Format {
        Format { width, height, fps: 30 }
    }

    fn rgb(picture: &Picture, x: u32, y: u32) -> [u8; 3] {
        let rgba = ToRgba::new().picture(picture).unwrap();
        let at = ((y * picture.width + x) * 4) as usize;
        [rgba.data[at], rgba.data[at + 1], rgba.data[at + 2]]
    }

    fn near(a: [u8; 3], b: [u8; 3]) -> bool {
        a.iter().zip(b).all(|(a, b)| a.abs_diff(b) <= 6)
    }

    /// White pixels.
    fn ink(picture: &Picture) -> usize {
        picture.planes()[0].iter().filter(|luma| **luma > 200).count()
    }

    #[test]
    fn initials_stand_in_a_circle_of_the_persons_colour() {
        for (width, height) in [(640, 360), (1280, 720), (480, 360), (320, 180)] {
            for name in ["Ada Lovelace", "李小龙", "?"] {
                let (picture, error) = Card { name: name.into(), image: None }.draw(format(width, height));
                assert_eq!((picture.width, picture.height, error), (width, height, None));
                let ground = [GROUND[0] as u8, GROUND[1] as u8, GROUND[2] as u8];
                assert!(near(rgb(&picture, 2, 2), ground), "{:?}", rgb(&picture, 2, 2));
                // In the circle, above the letters.
                let above = (width / 2, height / 2 - (height as f32 * RADIUS * 0.85) as u32);
                assert!(near(rgb(&picture, above.0, above.1), avatar::colour(name)), "{name} {width}x{height}");
                let ink = ink(&picture) as f32 / (height * height) as f32;
                assert!((0.002..0.05).contains(&ink), "{name}: {ink} of the square is ink");
            }
        }
        let draw = |name: &str| ink(&initials(name, format(640, 360)));
        assert_ne!(draw("李小龙"), draw("?"), "Chinese is no box");
        assert_ne!(draw("李小龙"), draw("王小明"));
    }

    #[test]
    fn letters_are_centred() {
        let picture = initials("H", format(640, 360));
        let luma = picture.planes()[0];
        let xs = (0..640).filter(|x| (0..360).any(|y| luma[y * 640 + x] > 200));
        let (left, right) = xs.fold((640, 0), |(left, right), x| (left.min(x), right.max(x)));
        assert!((left + right).abs_diff(639) <= 2, "{left}..{right}");
        let ys = (0..360).filter(|y| (0..640).any(|x| luma[y * 640 + x] > 200));
        let (top, bottom) = ys.fold((360, 0), |(top, bottom), y| (top.min(y), bottom.max(y)));
        assert!((top + bottom).abs_diff(359) <= 2, "{top}..{bottom}");
    }

    #[test]
    fn an_image_is_shown_and_a_bad_one_named() {
        let folder = tempfile::tempdir().unwrap();
        let good = folder.path().join("me.png");
        image::RgbImage::from_pixel(400, 300, image::Rgb([200, 40, 60])).save(&good).unwrap();
        let (picture, error) = Card { name: "Ada".into(), image: Some(good) }.draw(format(640, 360));
        assert_eq!(error, None);
        assert!(near(rgb(&picture, 320, 180), [200, 40, 60]), "{:?}", rgb(&picture, 320, 180));
        assert!(near(rgb(&picture, 2, 180), [0, 0, 0]), "bars at the sides");

        let bad = folder.path().join("me.txt");
        std::fs::write(&bad, "not a picture").unwrap();
        let huge = folder.path().join("huge.png");
        std::fs::File::create(&huge).unwrap().set_len(MAX_FILE + 1).unwrap();
        for path in [bad, huge, folder.path().join("missing.png")] {
            let card = Card { name: "Ada".into(), image: Some(path.clone()) };
            let (picture, error) = card.draw(format(640, 360));
            let error = error.unwrap();
            assert_eq!(error.kind, SourceErrorKind::BrokenFile, "{}", path.display());
            assert!(error.detail.contains("me.txt") || error.detail.contains("huge") || error.detail.contains("missing"));
            assert!(ink(&picture) > 0, "initials instead");
        }
    }
}
