//! FFmpeg's swscale, writing into our own buffers.
//!
//! Unsafe code is allowed in this file alone: the safe binding writes only into frames that FFmpeg allocates, which costs a copy of every
//! picture (3.7 MB at 720p), and offers no way to name the colour matrix, without which every HD picture has wrong colours.
//! What is relied upon: a target's planes lie inside its slice (checked here), a screen's rows inside theirs (checked, too), and both [`Pooled`] buffers and FFmpeg's
//! frames have room behind their last byte for the vector instructions that run past the end of a row ([`SLACK`](super::frame::SLACK)).
#![allow(unsafe_code)]

use super::frame::{Picture, Pooled};
use ffmpeg::ffi;
use ffmpeg::format::Pixel;
use ffmpeg::software::scaling::{Context, Flags};
use ffmpeg::util::color;
use ffmpeg::util::frame::Video;
use ffmpeg_next as ffmpeg;
use std::ptr;

/// Rows whose width is no multiple of this go through a padded buffer: the vector code leaves out or overruns the remainder.
const WIDTH_STEP: u32 = 16;

/// How colours are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Colour {
    /// BT.709 instead of BT.601.
    hd: bool,
    /// 0..=255 instead of 16..=235.
    full: bool,
}

impl Colour {
    /// Of red, green and blue, which have no matrix.
    pub(super) const SCREEN: Self = Self { hd: true, full: true };

    /// Parlor's own: video range, BT.709 from 720 lines on.
    pub(super) fn of_height(height: u32) -> Self {
        Self { hd: height >= 720, full: false }
    }

    /// What a frame says about itself, else [`of_height`](Self::of_height).
    pub(super) fn of_frame(frame: &Video) -> Self {
        let hd = match frame.color_space() {
            color::Space::BT709 => true,
            color::Space::BT470BG | color::Space::SMPTE170M => false,
            _ => frame.height() >= 720,
        };
        let jpeg =
            matches!(frame.format(), Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P | Pixel::YUVJ411P);
        Self { hd, full: jpeg || frame.color_range() == color::Range::JPEG }
    }
}

/// Where pixels go: planes inside one slice.
pub(super) struct Target<'a> {
    pub(super) format: Pixel,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) colour: Colour,
    pub(super) data: &'a mut Pooled,
    /// First byte of each plane; unused ones 0.
    pub(super) offsets: [usize; 3],
    /// Bytes from row to row of each plane; unused ones 0.
    pub(super) strides: [usize; 3],
}

/// Bytes in a row and rows, for each plane of the two formats that are written here.
fn planes(format: Pixel, width: u32, height: u32) -> Option<[(usize, usize); 3]> {
    let (w, h) = (width as usize, height as usize);
    match format {
        Pixel::RGBA => Some([(w * 4, h), (0, 0), (0, 0)]),
        Pixel::YUV420P => Some([(w, h), (w.div_ceil(2), h.div_ceil(2)), (w.div_ceil(2), h.div_ceil(2))]),
        _ => None,
    }
}

type Key = ((Pixel, u32, u32, Colour), (Pixel, u32, u32, Colour));

/// Converts and scales; keeps its tables as long as the geometry stays.
#[derive(Default)]
pub(super) struct Scaler {
    context: Option<(Key, Context)>,
    padded: Vec<u8>,
}

// SAFETY: an `SwsContext` is plain memory without ties to the thread that made it; `&mut self` keeps its users apart.
unsafe impl Send for Scaler {}

impl Scaler {
    /// Fills `target` from a frame of any format and size.
    pub(super) fn frame(&mut self, frame: &Video, target: &mut Target<'_>) -> Result<(), ffmpeg::Error> {
        let source = (frame.format(), frame.width(), frame.height(), Colour::of_frame(frame));
        // SAFETY: a valid frame; its pointers and line sizes are only read, and live as long as the borrow.
        let (data, strides) = unsafe { ((*frame.as_ptr()).data, (*frame.as_ptr()).linesize) };
        if frame.planes() == 0 || data[0].is_null() {
            return Err(ffmpeg::Error::InvalidData);
        }
        let data = [0, 1, 2, 3].map(|i: usize| data[i].cast_const());
        self.run(source, data, [strides[0], strides[1], strides[2], strides[3]], target)
    }

    /// Fills `target` from a picture.
    pub(super) fn picture(&mut self, picture: &Picture, target: &mut Target<'_>) -> Result<(), ffmpeg::Error> {
        if picture.data.len() != Picture::len(picture.width, picture.height) {
            return Err(ffmpeg::Error::InvalidData);
        }
        let [y, u, v] = picture.planes().map(<[u8]>::as_ptr);
        let (luma, chroma) = (picture.width as i32, picture.width.div_ceil(2) as i32);
        let source = (Pixel::YUV420P, picture.width, picture.height, Colour::of_height(picture.height));
        self.run(source, [y, u, v, ptr::null()], [luma, chroma, chroma, 0], target)
    }

    /// Fills `target` from rows of pixels of four bytes, in the format `pixel`, as screens have them.
    pub(super) fn screen(
        &mut self,
        pixel: Pixel,
        pixels: &[u8],
        (width, height): (u32, u32),
        stride: usize,
        target: &mut Target<'_>,
    ) -> Result<(), ffmpeg::Error> {
        if !matches!(pixel, Pixel::BGRZ | Pixel::RGBZ) {
            return Err(ffmpeg::Error::InvalidData);
        }
        let row = width as usize * 4;
        let needed = (height as usize).checked_sub(1).map(|rows| rows * stride + row);
        if stride < row || needed.is_none_or(|needed| pixels.len() < needed) {
            return Err(ffmpeg::Error::InvalidData);
        }
        let step = i32::try_from(stride).map_err(|_| ffmpeg::Error::InvalidData)?;
        let source = (pixel, width, height, Colour::SCREEN);
        self.run(source, [pixels.as_ptr(), ptr::null(), ptr::null(), ptr::null()], [step, 0, 0, 0], target)
    }

    fn run(
        &mut self,
        source: (Pixel, u32, u32, Colour),
        data: [*const u8; 4],
        strides: [i32; 4],
        target: &mut Target<'_>,
    ) -> Result<(), ffmpeg::Error> {
        let planes = planes(target.format, target.width, target.height).ok_or(ffmpeg::Error::InvalidData)?;
        for (i, (row, rows)) in planes.into_iter().enumerate() {
            let end = rows.checked_sub(1).map_or(0, |r| target.offsets[i] + r * target.strides[i] + row);
            if end > target.data.len() || (rows > 1 && target.strides[i] < row) {
                return Err(ffmpeg::Error::InvalidData);
            }
        }
        let key = (source, (target.format, target.width, target.height, target.colour));
        let padded = !target.width.is_multiple_of(WIDTH_STEP);
        let (offsets, steps, base) = if padded {
            let steps = planes.map(|(row, _)| row.next_multiple_of(64) + 64);
            let offsets = [0, steps[0] * planes[0].1, steps[0] * planes[0].1 + steps[1] * planes[1].1];
            self.padded.resize(offsets[2] + steps[2] * planes[2].1, 0);
            (offsets, steps, self.padded.as_mut_ptr())
        } else {
            (target.offsets, target.strides, target.data.as_mut_ptr())
        };
        // SAFETY: all offsets lie inside the buffer that `base` begins (checked above, or just sized to hold them).
        let out = [0, 1, 2].map(|i: usize| if planes[i].1 == 0 { ptr::null_mut() } else { unsafe { base.add(offsets[i]) } });
        let out = [out[0], out[1], out[2], ptr::null_mut()];
        let out_strides = [steps[0] as i32, steps[1] as i32, steps[2] as i32, 0];
        let context = self.context(key)?;
        // SAFETY: four pointers and four strides on each side, as the function wants; source rows belong to a live frame or picture of the
        // geometry that the context was made for, target rows were checked; the slack is described at the top.
        let rows = unsafe {
            ffi::sws_scale(
                context.as_mut_ptr(),
                data.as_ptr(),
                strides.as_ptr(),
                0,
                source.2 as i32,
                out.as_ptr(),
                out_strides.as_ptr(),
            )
        };
        if rows < 0 {
            return Err(ffmpeg::Error::from(rows));
        }
        if padded {
            for (i, (row, rows)) in planes.into_iter().enumerate() {
                for r in 0..rows {
                    let (from, to) = (offsets[i] + r * steps[i], target.offsets[i] + r * target.strides[i]);
                    target.data[to..to + row].copy_from_slice(&self.padded[from..from + row]);
                }
            }
        }
        Ok(())
    }

    fn context(&mut self, key: Key) -> Result<&mut Context, ffmpeg::Error> {
        if self.context.as_ref().is_none_or(|(k, _)| *k != key) {
            let ((from, w, h, from_colour), (to, tw, th, to_colour)) = key;
            // Unscaled conversions have fast paths of their own, whatever the filter is.
            let mut context = Context::get(from, w, h, to, tw, th, Flags::BILINEAR)?;
            let table = |c: Colour| if c.hd { ffi::SWS_CS_ITU709 } else { ffi::SWS_CS_ITU601 };
            // SAFETY: a valid context; the coefficient tables are static.
            unsafe {
                ffi::sws_setColorspaceDetails(
                    context.as_mut_ptr(),
                    ffi::sws_getCoefficients(table(from_colour)),
                    i32::from(from_colour.full),
                    ffi::sws_getCoefficients(table(to_colour)),
                    i32::from(to_colour.full),
                    0,
                    1 << 16,
                    1 << 16,
                );
            }
            self.context = Some((key, context));
        }
        self.context.as_mut().map(|(_, context)| context).ok_or(ffmpeg::Error::Bug)
    }
}
