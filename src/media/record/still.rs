//! A snapshot: one picture into a file.

use super::Error;
use super::folder::{new_file, stem};
use crate::media::frame::Rgba;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::frame::Pool;

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
}
