//! Pictures from what cameras, files and decoders deliver, and from pictures to what a screen shows. All into pooled buffers.

use super::Cause;
use super::frame::{MAX_SIDE, Picture, Pool, Rgba};
use super::swscale::{Colour, Scaler, Target};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::util::frame::Video;
use std::time::Duration;

/// A picture that cannot be converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Empty, or larger than [`MAX_SIDE`].
    #[error("a picture of {width}x{height} is out of bounds")]
    Size {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
    /// FFmpeg does not know how.
    #[error("the picture cannot be converted: {0}")]
    Ffmpeg(#[source] Cause),
}

impl From<ffmpeg_next::Error> for Error {
    fn from(error: ffmpeg_next::Error) -> Self {
        Self::Ffmpeg(Cause::new(error))
    }
}

fn check(width: u32, height: u32) -> Result<(), Error> {
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(Error::Size { width, height });
    }
    Ok(())
}

/// Makes pictures for the screen, in their own size (the graphics card scales better and cheaper) unless they are shown much smaller.
#[derive(Default)]
pub struct ToRgba {
    scaler: Scaler,
    pool: Pool,
    enough: Option<u32>,
    planes: bool,
}

impl ToRgba {
    /// A converter with a pool of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says how many lines are enough: pictures that have twice as many, or more, are made in halves, quarters and so on.
    pub fn set_enough(&mut self, lines: Option<u32>) {
        self.enough = lines;
    }

    /// Makes planes instead, for a screen that works out colours itself.
    pub fn set_planes(&mut self, on: bool) {
        self.planes = on;
    }

    /// Converts a decoder's frame.
    ///
    /// # Errors
    /// When it is empty, too large, or of a format that FFmpeg cannot read.
    pub(in crate::media) fn frame(&mut self, frame: &Video, captured: Option<Duration>) -> Result<Rgba, Error> {
        self.convert(frame.width(), frame.height(), captured, |scaler, target| scaler.frame(frame, target))
    }

    /// Converts a picture.
    ///
    /// # Errors
    /// When it is empty or too large.
    pub fn picture(&mut self, picture: &Picture) -> Result<Rgba, Error> {
        self.convert(picture.width, picture.height, Some(picture.captured), |scaler, target| scaler.picture(picture, target))
    }

    fn convert(
        &mut self,
        width: u32,
        height: u32,
        captured: Option<Duration>,
        run: impl FnOnce(&mut Scaler, &mut Target<'_>) -> Result<(), ffmpeg_next::Error>,
    ) -> Result<Rgba, Error> {
        check(width, height)?;
        let halves = self.enough.map_or(0, |lines| (height / lines.max(1)).checked_ilog2().unwrap_or(0));
        let (width, height) = ((width >> halves).max(1), (height >> halves).max(1));
        let (w, h, half) = (width as usize, height as usize, width.div_ceil(2) as usize);
        let (format, length, offsets, strides) = if self.planes {
            let chroma = half * h.div_ceil(2);
            (Pixel::YUV420P, Picture::len(width, height), [0, w * h, w * h + chroma], [w, half, half])
        } else {
            (Pixel::RGBA, w * h * 4, [0; 3], [w * 4, 0, 0])
        };
        let mut data = self.pool.take(length);
        let colour = Colour::of_height(height);
        let mut target = Target { format, width, height, colour, data: &mut data, offsets, strides };
        run(&mut self.scaler, &mut target)?;
        Ok(Rgba { width, height, captured, data })
    }
}

/// Makes pictures of one wanted size; what has another shape gets black bars.
pub struct ToPicture {
    scaler: Scaler,
    pool: Pool,
    width: u32,
    height: u32,
}

impl ToPicture {
    /// A converter to `width` x `height` with a pool of its own.
    ///
    /// # Errors
    /// When the size is empty or too large.
    pub fn new(width: u32, height: u32) -> Result<Self, Error> {
        check(width, height)?;
        Ok(Self { scaler: Scaler::default(), pool: Pool::new(), width, height })
    }

    /// The size of the pictures.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Converts a picture of about the same shape.
    ///
    /// # Errors
    /// When it is empty or too large.
    pub fn picture(&mut self, picture: &Picture) -> Result<Picture, Error> {
        check(picture.width, picture.height)?;
        let mut data = self.pool.take(Picture::len(self.width, self.height));
        let (luma, chroma) = (self.width as usize * self.height as usize, self.width.div_ceil(2) as usize);
        let mut target = Target {
            format: Pixel::YUV420P,
            width: self.width,
            height: self.height,
            colour: Colour::of_height(self.height),
            data: &mut data,
            offsets: [0, luma, luma + chroma * self.height.div_ceil(2) as usize],
            strides: [self.width as usize, chroma, chroma],
        };
        self.scaler.picture(picture, &mut target)?;
        Ok(Picture { width: self.width, height: self.height, captured: picture.captured, data })
    }

    /// Converts a frame of any size and format.
    ///
    /// # Errors
    /// When it is empty, too large, or of a format that FFmpeg cannot read.
    pub(in crate::media) fn frame(&mut self, frame: &Video, captured: Duration) -> Result<Picture, Error> {
        check(frame.width(), frame.height())?;
        let pixel: (u32, u32) = match frame.aspect_ratio() {
            r if r.numerator() > 0 && r.denominator() > 0 => (r.numerator().unsigned_abs(), r.denominator().unsigned_abs()),
            _ => (1, 1),
        };
        let shape = (u64::from(frame.width()) * u64::from(pixel.0), u64::from(frame.height()) * u64::from(pixel.1));
        let (x, y, w, h) = fit(shape, (self.width, self.height));
        let data = self.pool.take(Picture::len(self.width, self.height));
        let mut picture = Picture { width: self.width, height: self.height, captured, data };
        if (w, h) != (self.width, self.height) {
            let [luma, u, v] = picture.planes_mut();
            luma.fill(16);
            u.fill(128);
            v.fill(128);
        }
        let (full_w, full_h) = (self.width as usize, self.height as usize);
        let (chroma_w, chroma_h) = (full_w.div_ceil(2), full_h.div_ceil(2));
        let chroma = full_w * full_h + (y as usize / 2) * chroma_w + x as usize / 2;
        let mut target = Target {
            format: Pixel::YUV420P,
            width: w,
            height: h,
            colour: Colour::of_height(self.height),
            data: &mut picture.data,
            offsets: [y as usize * full_w + x as usize, chroma, chroma + chroma_w * chroma_h],
            strides: [full_w, chroma_w, chroma_w],
        };
        self.scaler.frame(frame, &mut target)?;
        Ok(picture)
    }
}

/// What a pixel of a screen's four bytes are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::media) enum Order {
    /// Blue, green, red, anything.
    #[default]
    Bgr,
    /// Red, green, blue, anything.
    Rgb,
}

impl Order {
    fn pixel(self) -> Pixel {
        match self {
            Self::Bgr => Pixel::BGRZ,
            Self::Rgb => Pixel::RGBZ,
        }
    }
}

/// Pixels of a screen, in rows from the top.
#[derive(Clone, Copy)]
pub(in crate::media) struct Pixels<'a> {
    /// Across and down.
    pub(in crate::media) size: (u32, u32),
    /// Bytes from row to row.
    pub(in crate::media) stride: usize,
    /// What each of them is.
    pub(in crate::media) order: Order,
    /// Themselves.
    pub(in crate::media) data: &'a [u8],
}

/// Makes pictures of what is on a screen.
#[derive(Default)]
pub(in crate::media) struct FromScreen {
    scaler: Scaler,
    pool: Pool,
}

/// Screens put together may be larger than any picture.
const MAX_SCREEN: u32 = 1 << 15;

impl FromScreen {
    /// Converts them to a picture of another size.
    ///
    /// # Errors
    /// When either is empty or too large, or there are fewer pixels than that.
    pub(in crate::media) fn picture(&mut self, pixels: Pixels<'_>, (width, height): (u32, u32)) -> Result<Picture, Error> {
        check_screen(pixels.size)?;
        check(width, height)?;
        let mut data = self.pool.take(Picture::len(width, height));
        let (luma, chroma) = (width as usize * height as usize, width.div_ceil(2) as usize);
        let mut target = Target {
            format: Pixel::YUV420P,
            width,
            height,
            colour: Colour::of_height(height),
            data: &mut data,
            offsets: [0, luma, luma + chroma * height.div_ceil(2) as usize],
            strides: [width as usize, chroma, chroma],
        };
        self.scaler.screen(pixels.order.pixel(), pixels.data, pixels.size, pixels.stride, &mut target)?;
        Ok(Picture { width, height, captured: Duration::ZERO, data })
    }

    /// Makes a small picture of it for the screen, of at most the size `room`.
    ///
    /// # Errors
    /// As [`picture`](Self::picture).
    pub(in crate::media) fn thumbnail(&mut self, pixels: Pixels<'_>, room: (u32, u32)) -> Result<Rgba, Error> {
        let from = pixels.size;
        check_screen(from)?;
        let (_, _, width, height) = fit((from.0.into(), from.1.into()), room);
        let (width, height) = (width.min(from.0), height.min(from.1));
        let stride = width as usize * 4;
        let mut data = self.pool.take(stride * height as usize);
        let mut target = Target {
            format: Pixel::RGBA,
            width,
            height,
            colour: Colour::SCREEN,
            data: &mut data,
            offsets: [0; 3],
            strides: [stride, 0, 0],
        };
        self.scaler.screen(pixels.order.pixel(), pixels.data, pixels.size, pixels.stride, &mut target)?;
        // What is below the last byte of a pixel of the screen is not how opaque it is.
        data.chunks_exact_mut(4).for_each(|pixel| pixel[3] = u8::MAX);
        Ok(Rgba { width, height, captured: None, data })
    }
}

fn check_screen((width, height): (u32, u32)) -> Result<(), Error> {
    if width == 0 || height == 0 || width > MAX_SCREEN || height > MAX_SCREEN {
        return Err(Error::Size { width, height });
    }
    Ok(())
}

/// The largest rectangle of the shape `shape` inside `room`, centred, on even pixels: x, y, width, height.
fn fit(shape: (u64, u64), room: (u32, u32)) -> (u32, u32, u32, u32) {
    let (room_w, room_h) = (u64::from(room.0), u64::from(room.1));
    let (w, h) = if shape.0 * room_h >= shape.1 * room_w {
        (room_w, room_w * shape.1 / shape.0.max(1))
    } else {
        (room_h * shape.0 / shape.1.max(1), room_h)
    };
    // Bars of a pixel or two are not worth having.
    let near = |side: u64, full: u64| if full - side.min(full) <= 2 { full } else { (side & !1).max(2).min(full) };
    let (w, h) = (near(w, room_w), near(h, room_h));
    let (x, y) = (((room_w - w) / 2) & !1, ((room_h - h) / 2) & !1);
    (x as u32, y as u32, w as u32, h as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_small_is_made_small_in_shape() {
        let mut convert = ToRgba::new();
        let mut size = |enough, width, height| {
            convert.set_enough(enough);
            let data = Pool::new().take(Picture::len(width, height));
            let picture = convert.picture(&Picture { width, height, captured: Duration::ZERO, data }).unwrap();
            assert_eq!(picture.data.len(), (picture.width * picture.height * 4) as usize);
            (picture.width, picture.height)
        };
        assert_eq!(size(None, 640, 360), (640, 360));
        assert_eq!(size(Some(180), 640, 360), (320, 180));
        assert_eq!(size(Some(181), 640, 360), (640, 360));
        assert_eq!(size(Some(180), 1280, 720), (320, 180));
        assert_eq!(size(Some(1), 3, 2), (1, 1));
    }

    #[test]
    fn a_picture_is_made_smaller_whole_and_with_its_colours() {
        let mut picture =
            Picture { width: 640, height: 360, captured: Duration::from_secs(7), data: Pool::new().take(Picture::len(640, 360)) };
        let [y, u, v] = picture.planes_mut();
        y.iter_mut().enumerate().for_each(|(i, y)| *y = if i / 640 < 180 { 50 } else { 200 });
        u.fill(90);
        v.fill(160);
        let mut smaller = ToPicture::new(240, 136).unwrap();
        let small = smaller.picture(&picture).unwrap();
        assert_eq!((small.width, small.height, small.captured), (240, 136, picture.captured));
        let [y, u, v] = small.planes();
        assert!(near(y[0], 50) && near(y[240 * 60], 50) && near(y[240 * 76 + 239], 200) && near(y[240 * 136 - 1], 200));
        assert!(u.iter().all(|u| near(*u, 90)) && v.iter().all(|v| near(*v, 160)));
    }

    /// A frame of one colour.
    fn plain(format: Pixel, width: u32, height: u32, values: [u8; 3]) -> Video {
        let mut frame = Video::new(format, width, height);
        for (plane, value) in values.into_iter().enumerate().take(frame.planes()) {
            frame.data_mut(plane).fill(value);
        }
        frame
    }

    fn near(a: u8, b: u8) -> bool {
        a.abs_diff(b) <= 3
    }

    #[test]
    fn a_screen_keeps_its_colours_and_shape() {
        // Red, in rows with something behind them.
        let (width, height, stride) = (250_u32, 150_u32, 1024);
        let mut pixels = vec![7; stride * height as usize];
        for row in pixels.chunks_exact_mut(stride) {
            row[..width as usize * 4].chunks_exact_mut(4).for_each(|pixel| pixel.copy_from_slice(&[0, 0, 255, 0]));
        }
        let mut convert = FromScreen::default();
        let pixels = Pixels { size: (width, height), stride, order: Order::Bgr, data: &pixels };
        for size in [(250, 150), (200, 120)] {
            let picture = convert.picture(pixels, size).unwrap();
            let [y, u, v] = picture.planes();
            assert!(y.iter().all(|y| near(*y, 81)) && u.iter().all(|u| near(*u, 90)) && v.iter().all(|v| near(*v, 240)));
        }
        let small = convert.thumbnail(pixels, (100, 100)).unwrap();
        assert_eq!((small.width, small.height), (100, 60));
        assert!(small.data.chunks_exact(4).all(|pixel| near(pixel[0], 255) && near(pixel[1], 0) && pixel[3] == 255));
        let blue = convert.thumbnail(Pixels { order: Order::Rgb, ..pixels }, (100, 100)).unwrap();
        assert!(near(blue.data[0], 0) && near(blue.data[2], 255));
        assert!(convert.picture(Pixels { data: &pixels.data[..1000], ..pixels }, (250, 150)).is_err());
        assert!(convert.picture(Pixels { size: (0, height), ..pixels }, (250, 150)).is_err());
    }

    #[test]
    fn colours_keep_their_hue_at_every_size() {
        // Pure red, BT.601 and BT.709, video range.
        for (width, height, red) in
            [(640, 360, [81, 90, 240]), (1280, 720, [63, 102, 240]), (426, 241, [81, 90, 240]), (37, 21, [81, 90, 240])]
        {
            let rgba = ToRgba::new().frame(&plain(Pixel::YUV420P, width, height, red), None).unwrap();
            assert_eq!((rgba.width, rgba.height, rgba.data.len()), (width, height, (width * height * 4) as usize));
            for pixel in rgba.data.chunks_exact(4) {
                assert!(
                    near(pixel[0], 255) && near(pixel[1], 0) && near(pixel[2], 0) && pixel[3] == 255,
                    "{width}x{height}: {pixel:?}"
                );
            }
        }
    }

    #[test]
    fn a_picture_looks_like_the_frame_it_came_from() {
        let frame = plain(Pixel::YUV420P, 640, 360, [120, 60, 200]);
        let picture = ToPicture::new(640, 360).unwrap().frame(&frame, Duration::ZERO).unwrap();
        let (a, b) = (ToRgba::new().picture(&picture).unwrap(), ToRgba::new().frame(&frame, None).unwrap());
        assert!(*a.data == *b.data);
    }

    #[test]
    fn full_range_becomes_video_range() {
        let picture =
            ToPicture::new(320, 180).unwrap().frame(&plain(Pixel::YUVJ420P, 640, 360, [255, 128, 128]), Duration::ZERO).unwrap();
        assert!(picture.planes()[0].iter().all(|&y| near(y, 235)));
    }

    #[test]
    fn another_shape_gets_bars() {
        let picture =
            ToPicture::new(640, 360).unwrap().frame(&plain(Pixel::YUV420P, 320, 240, [200, 128, 128]), Duration::ZERO).unwrap();
        let luma = picture.planes()[0];
        assert_eq!((luma[0], luma[640 * 180 + 79], luma[640 * 180 + 639]), (16, 16, 16));
        assert!(near(luma[640 * 180 + 84], 200) && near(luma[320], 200) && near(luma[640 * 359 + 320], 200));
    }

    #[test]
    fn fitting_is_centred_and_even() {
        assert_eq!(fit((16, 9), (640, 360)), (0, 0, 640, 360));
        assert_eq!(fit((4, 3), (640, 360)), (80, 0, 480, 360));
        assert_eq!(fit((1080, 1920), (640, 360)), (218, 0, 202, 360));
        assert_eq!(fit((854, 480), (640, 360)), (0, 0, 640, 360));
        assert_eq!(fit((4000, 1), (640, 360)), (0, 178, 640, 2));
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        assert_eq!(ToRgba::new().frame(&Video::empty(), None).unwrap_err(), Error::Size { width: 0, height: 0 });
        assert!(ToPicture::new(MAX_SIDE + 1, 2).is_err());
    }
}
