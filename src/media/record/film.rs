//! The file that is being written, and the one after it.

use super::folder::new_file;
use super::matroska::{Head, PictureTrack, SoundTrack, Track, Writer};
use super::{Disk, Error, Files};

/// A recording as a row of files.
pub(super) struct Film {
    files: Files,
    open: Option<Open>,
}

struct Open {
    writer: Writer<Disk>,
    /// Where it begins on the recording's time line.
    begun_us: i64,
    head: Head,
}

impl Film {
    pub(super) fn new(files: Files) -> Self {
        Self { files, open: None }
    }

    /// Pictures come, and are written, or not.
    pub(super) fn pictures_are(&self, written: bool) {
        self.files.pictures_are(written);
    }

    /// What the file that is open began with.
    pub(super) fn head(&self) -> Option<&Head> {
        self.open.as_ref().map(|open| &open.head)
    }

    /// Whether the slice that is open is as long as it should be.
    pub(super) fn is_full(&self, at: i64) -> bool {
        let slice = self.files.slice.map(|slice| i64::try_from(slice.as_micros()).unwrap_or(i64::MAX));
        self.open.as_ref().zip(slice).is_some_and(|(open, slice)| at - open.begun_us >= slice)
    }

    /// Ends the file that is open, if there is one, and begins another.
    ///
    /// # Errors
    /// When either cannot be written.
    pub(super) fn begin(&mut self, at: i64, picture: Option<PictureTrack>, sound: Option<SoundTrack>) -> Result<(), Error> {
        self.finish()?;
        let head = Head { title: self.files.what.clone(), begun: self.files.now(), picture, sound };
        let (file, path) = new_file(&self.files.folder, &self.files.stem(), "mkv")?;
        let writer = Writer::start(Disk(file), &head).map_err(|cause| Error::new(&path, cause))?;
        self.files.begun(path);
        self.open = Some(Open { writer, begun_us: at, head });
        Ok(())
    }

    /// Adds a picture or a packet of sound, if a file is open.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn add(&mut self, track: Track, at: i64, key: bool, data: &[u8]) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
        // Sound that lies before the file's first picture belongs to the file before.
        if at < open.begun_us {
            return Ok(());
        }
        open.writer.add(track, at - open.begun_us, key, data).map_err(|cause| self.files.failed(cause))?;
        self.files.grown(open.writer.bytes(), open.writer.duration());
        Ok(())
    }

    /// Ends the file that is open.
    ///
    /// # Errors
    /// When it cannot be written; what is there can be played.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let Some(open) = self.open.take() else { return Ok(()) };
        open.writer.finish().map(drop).map_err(|cause| self.files.failed(cause))
    }
}
