//! Pictures and sound between the stages of the pipeline. Buffers are pooled: a dropped picture's memory is used again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sample rate of all sound inside Parlor, in hertz; one channel.
pub const SAMPLE_RATE: u32 = 48_000;
/// Samples in one [`Chunk`]: 10 ms.
pub const CHUNK_SAMPLES: usize = 480;
/// Widest or highest picture accepted from any source or peer, in pixels.
pub const MAX_SIDE: u32 = 4096;

/// A picture in planar YUV 4:2:0, video range, BT.601 below 720 lines and BT.709 from there on.
///
/// `data` holds the Y plane (`width * height` bytes), then U and V (`width.div_ceil(2) * height.div_ceil(2)` each), rows without padding.
#[derive(Debug)]
pub struct Picture {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// When the source handed it over, by the local clock.
    pub captured: Duration,
    /// The three planes.
    pub data: Pooled,
}

/// A picture for the screen: RGBA, 8 bits each, opaque, `width * height * 4` bytes, rows without padding. For a screen that works out colours itself
/// (see [`planes`](Self::planes)) the three planes of a [`Picture`] instead; the length tells.
#[derive(Debug)]
pub struct Rgba {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// When its source handed it over, by the local clock; `None` when the peer's clock is unknown.
    pub captured: Option<Duration>,
    /// The pixels.
    pub data: Pooled,
}

/// 10 ms of sound: [`CHUNK_SAMPLES`] mono samples at [`SAMPLE_RATE`], full scale is +-1.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// When its first sample was captured, by the local clock.
    pub captured: Duration,
    /// The samples.
    pub samples: [f32; CHUNK_SAMPLES],
}

/// A pool of byte buffers. Clones are the same pool.
#[derive(Clone, Debug, Default)]
pub struct Pool(Arc<Mutex<Vec<Vec<u8>>>>);

/// Bytes that a pooled buffer owns behind its last one: vector code may run past the end of a row.
pub const SLACK: usize = 64;
/// Buffers that a pool keeps for reuse; more are freed.
const POOL_KEEPS: usize = 8;

impl Pool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of exactly `len` bytes with unspecified content.
    pub fn take(&self, len: usize) -> Pooled {
        let mut bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        bytes.reserve((len + SLACK).saturating_sub(bytes.len()));
        bytes.resize(len, 0);
        Pooled { bytes, home: self.clone() }
    }
}

/// A buffer that goes back to its [`Pool`] when dropped.
#[derive(Debug)]
pub struct Pooled {
    bytes: Vec<u8>,
    home: Pool,
}

impl std::ops::Deref for Pooled {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::ops::DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let mut pool = self.home.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_KEEPS {
            pool.push(std::mem::take(&mut self.bytes));
        }
    }
}

impl Rgba {
    /// The Y, U and V planes, if it is made of these.
    pub fn planes(&self) -> Option<[&[u8]; 3]> {
        let (w, h) = (self.width as usize, self.height as usize);
        if self.data.len() != Picture::len(self.width, self.height) {
            return None;
        }
        let (y, uv) = self.data.split_at(w * h);
        let (u, v) = uv.split_at(w.div_ceil(2) * h.div_ceil(2));
        Some([y, u, v])
    }
}

impl Picture {
    /// Bytes of all three planes of a `width` x `height` picture.
    pub fn len(width: u32, height: u32) -> usize {
        let (w, h) = (width as usize, height as usize);
        w * h + 2 * w.div_ceil(2) * h.div_ceil(2)
    }

    /// The Y, U and V planes.
    pub fn planes(&self) -> [&[u8]; 3] {
        let (w, h) = (self.width as usize, self.height as usize);
        let (y, uv) = self.data.split_at(w * h);
        let (u, v) = uv.split_at(w.div_ceil(2) * h.div_ceil(2));
        [y, u, v]
    }

    /// Swaps left and right.
    pub fn mirror(&mut self) {
        let width = self.width as usize;
        for (plane, width) in self.planes_mut().into_iter().zip([width, width.div_ceil(2), width.div_ceil(2)]) {
            plane.chunks_exact_mut(width.max(1)).for_each(<[u8]>::reverse);
        }
    }

    /// The Y, U and V planes, to be written.
    pub fn planes_mut(&mut self) -> [&mut [u8]; 3] {
        let (w, h) = (self.width as usize, self.height as usize);
        let (y, uv) = self.data.split_at_mut(w * h);
        let (u, v) = uv.split_at_mut(w.div_ceil(2) * h.div_ceil(2));
        [y, u, v]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_buffer_is_used_again() {
        let pool = Pool::new();
        let address = pool.take(1000).as_ptr();
        assert_eq!(pool.take(900).as_ptr(), address);
    }

    #[test]
    fn a_mirrored_picture_has_left_and_right_swapped_in_every_plane() {
        let mut data = Pool::new().take(Picture::len(3, 2));
        data.copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        let mut picture = Picture { width: 3, height: 2, captured: Duration::ZERO, data };
        picture.mirror();
        assert_eq!(picture.planes(), [&[3, 2, 1, 6, 5, 4][..], &[8, 7], &[10, 9]]);
        picture.mirror();
        assert_eq!(picture.planes()[0], [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn planes_of_odd_sizes_cover_the_buffer() {
        let data = Pool::new().take(Picture::len(5, 3));
        let picture = Picture { width: 5, height: 3, captured: Duration::ZERO, data };
        assert_eq!(picture.planes().map(<[u8]>::len), [15, 6, 6]);
    }
}
