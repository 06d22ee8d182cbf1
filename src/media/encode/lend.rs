//! Lending a picture's own planes to an encoder.
//!
//! Unsafe code is allowed in this file alone: the safe binding fills only frames whose memory FFmpeg has allocated, which costs a copy of every
//! raw picture (1.4 MB at 720p) that the encoder then copies once more.
//! What is relied upon: the planes lie inside the picture's buffer (checked here), nobody writes to a picture that is shared (its owner gives
//! out [`Arc`]s, and FFmpeg is told that the buffer is read-only), and the picture lives until FFmpeg lets go of its last reference, which
//! is when [`give_back`] is called.
#![allow(unsafe_code)]

use crate::media::frame::Picture;
use ffmpeg_next as ffmpeg;
use ffmpeg_next::ffi;
use ffmpeg_next::util::frame::Video;
use std::ffi::c_void;
use std::sync::Arc;

/// Makes `frame` show `picture`, without copying it. What it showed before is let go of.
///
/// # Errors
/// When the picture's buffer is not as long as its size says, or there is no memory.
pub(super) fn lend(frame: &mut Video, picture: &Arc<Picture>) -> Result<(), ffmpeg::Error> {
    if picture.data.len() != Picture::len(picture.width, picture.height) {
        return Err(ffmpeg::Error::InvalidData);
    }
    let planes = picture.planes().map(<[u8]>::as_ptr);
    let (luma, chroma) = (picture.width as i32, picture.width.div_ceil(2) as i32);
    let owner = Arc::into_raw(Arc::clone(picture));
    // SAFETY: the frame is valid and ours alone during this borrow; the buffer reference owns one count of the picture, and both are
    // released by `give_back` exactly once: by FFmpeg with the last reference, or here when there is none.
    unsafe {
        let raw = frame.as_mut_ptr();
        ffi::av_frame_unref(raw);
        let buffer = ffi::av_buffer_create(
            planes[0].cast_mut(),
            picture.data.len() as _,
            Some(give_back),
            owner.cast_mut().cast(),
            ffi::AV_BUFFER_FLAG_READONLY,
        );
        if buffer.is_null() {
            drop(Arc::from_raw(owner));
            return Err(ffmpeg::Error::Other { errno: ffmpeg::error::ENOMEM });
        }
        (*raw).buf[0] = buffer;
        (*raw).format = ffi::AVPixelFormat::AV_PIX_FMT_YUV420P as i32;
        ((*raw).width, (*raw).height) = (luma, picture.height as i32);
        for (plane, (data, stride)) in planes.into_iter().zip([luma, chroma, chroma]).enumerate() {
            ((*raw).data[plane], (*raw).linesize[plane]) = (data.cast_mut(), stride);
        }
        (*raw).extended_data = (&raw mut (*raw).data).cast();
    }
    Ok(())
}

/// Takes the picture out of `frame` again: it goes back to its pool as soon as nobody else has it.
pub(super) fn take_back(frame: &mut Video) {
    // SAFETY: a valid frame that is ours alone during this borrow.
    unsafe { ffi::av_frame_unref(frame.as_mut_ptr()) }
}

/// FFmpeg's last reference is gone.
unsafe extern "C" fn give_back(owner: *mut c_void, _data: *mut u8) {
    // SAFETY: `owner` came from `Arc::into_raw` in `lend`, and FFmpeg calls this once for each buffer.
    drop(unsafe { Arc::from_raw(owner.cast::<Picture>().cast_const()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::frame::Pool;
    use std::time::Duration;

    fn picture(width: u32, height: u32) -> Arc<Picture> {
        let mut data = Pool::new().take(Picture::len(width, height));
        data.iter_mut().enumerate().for_each(|(at, byte)| *byte = at as u8);
        Arc::new(Picture { width, height, captured: Duration::ZERO, data })
    }

    #[test]
    fn the_frame_shows_the_picture_itself_for_as_long_as_anybody_looks() {
        let (first, second) = (picture(64, 36), picture(30, 20));
        let mut frame = Video::empty();
        lend(&mut frame, &first).unwrap();
        assert_eq!((frame.width(), frame.height(), frame.stride(0), frame.stride(1)), (64, 36, 64, 32));
        assert_eq!(frame.data(0).as_ptr(), first.planes()[0].as_ptr());
        assert_eq!(frame.data(2).as_ptr(), first.planes()[2].as_ptr());
        assert_eq!(Arc::strong_count(&first), 2);
        // A codec that holds on to the picture keeps it alive.
        let mut held = Video::empty();
        // SAFETY: two valid frames.
        assert!(unsafe { ffi::av_frame_ref(held.as_mut_ptr(), frame.as_ptr()) } >= 0);
        lend(&mut frame, &second).unwrap();
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (2, 2));
        assert_eq!(held.data(0).as_ptr(), first.planes()[0].as_ptr(), "not copied");
        drop(held);
        take_back(&mut frame);
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1));
    }

    #[test]
    fn a_picture_that_is_shorter_than_it_says_is_refused() {
        let data = Pool::new().take(10);
        let broken = Arc::new(Picture { width: 64, height: 36, captured: Duration::ZERO, data });
        assert!(lend(&mut Video::empty(), &broken).is_err());
        assert_eq!(Arc::strong_count(&broken), 1);
    }
}
