//! A snapshot: one picture into a file.

use super::Error;
use super::folder::{new_file, stem};
use crate::media::convert::{self, ToRgba};
use crate::media::frame::{Picture, Pool, Rgba};
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Writes `picture` as a PNG of its own into `folder`; says where. Waits for the disk.
///
/// # Errors
/// When it cannot be written.
pub fn write_still(picture: &Rgba, folder: &Path, what: &str, now: Duration) -> Result<PathBuf, Error> {
    let (file, path) = new_file(folder, &stem(what, now), "png")?;
    let coloured = coloured(picture).map_err(|error| Error::new(&path, io::Error::other(error)))?;
    let picture = coloured.as_ref().unwrap_or(picture);
    let mut out = BufWriter::new(file);
    let encoded = PngEncoder::new(&mut out).write_image(&picture.data, picture.width, picture.height, ExtendedColorType::Rgba8);
    let written = match encoded {
        Ok(()) => out.flush(),
        Err(ImageError::IoError(error)) => Err(error),
        Err(error) => Err(io::Error::other(error)),
    };
    written.map_err(|cause| Error::new(&path, cause))?;
    Ok(path)
}

/// The picture in colours, if it is made of planes.
fn coloured(picture: &Rgba) -> Result<Option<Rgba>, convert::Error> {
    if picture.planes().is_none() {
        return Ok(None);
    }
    let (width, height) = (picture.width, picture.height);
    let mut data = Pool::new().take(picture.data.len());
    data.copy_from_slice(&picture.data);
    ToRgba::new().picture(&Picture { width, height, captured: Duration::ZERO, data }).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_the_picture_to_the_pixel() {
        let folder = tempfile::tempdir().unwrap();
        let mut data = Pool::new().take(4 * 3 * 2);
        data.iter_mut().enumerate().for_each(|(at, byte)| *byte = if at % 4 == 3 { 255 } else { at as u8 });
        let picture = Rgba { width: 3, height: 2, captured: None, data };
        let path = write_still(&picture, folder.path(), "Ada", Duration::from_secs(1)).unwrap();
        let read = image::open(path).unwrap().into_rgba8();
        assert_eq!((read.dimensions(), &read.into_raw()[..]), ((3, 2), &picture.data[..]));
    }

    #[test]
    fn planes_become_colours() {
        let folder = tempfile::tempdir().unwrap();
        let mut data = Pool::new().take(Picture::len(64, 36));
        data[..64 * 36].fill(235);
        data[64 * 36..].fill(128);
        let picture = Rgba { width: 64, height: 36, captured: None, data };
        let path = write_still(&picture, folder.path(), "Ada", Duration::from_secs(1)).unwrap();
        let read = image::open(path).unwrap().into_rgba8();
        assert_eq!(read.dimensions(), (64, 36));
        assert!(read.pixels().all(|pixel| pixel.0.iter().all(|part| *part >= 253)), "white");
    }
}
