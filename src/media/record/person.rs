//! One person as they were sent: their packets into files, not decoded and not encoded again. No thread: it is given one packet after the other.

use super::folder::new_file;
use super::line::Line;
use super::matroska::{Head, PictureTrack, SoundCodec, SoundTrack, Track, Writer};
use super::tap::{Tap, Tapped};
use super::{Disk, Error, Files, avc};
use crate::media::play::demux::{CodedPicture, Demux, Unit};
use crate::rtmp::tag::{AudioCodec, VideoCodec};
use bytes::Bytes;
use std::time::Duration;

/// So long a file waits for the other half, sound or pictures, before it begins without it.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is written, and what it waits for.
pub(super) struct Person {
    files: Files,
    tap: Tap,
    demux: Demux,
    line: Line,
    picture: Option<Bytes>,
    sound: Option<(SoundCodec, Bytes)>,
    /// When the first packet came.
    since: Option<Duration>,
    open: Option<Open>,
    /// Pictures are left out until one comes that needs no other.
    need_key: bool,
}

/// A file that is being written.
struct Open {
    writer: Writer<Disk>,
    /// Where it begins on the recording's time line.
    begun_us: i64,
    head: Head,
}

impl Person {
    pub(super) fn new(files: Files, tap: Tap, now: Duration) -> Self {
        Self {
            files,
            tap,
            demux: Demux::default(),
            line: Line::new(now),
            picture: None,
            sound: None,
            since: None,
            open: None,
            need_key: true,
        }
    }

    /// Packets were lost: what refers to them is of no use.
    pub(super) fn lost(&mut self) {
        self.need_key = true;
        self.tap.want_key_frame();
    }

    /// Takes what came out of the tap.
    ///
    /// # Errors
    /// When a file cannot be written: it is over then.
    pub(super) fn take(&mut self, tapped: Tapped) -> Result<(), Error> {
        let (packet, arrived) = match tapped {
            Tapped::Packet(packet, arrived) => (packet, arrived),
            Tapped::Restart => {
                (self.demux, self.need_key) = (Demux::default(), true);
                self.line.restart();
                return Ok(());
            }
        };
        match self.demux.read(&packet) {
            Some(Unit::VideoConfig(VideoCodec::Avc, config)) => self.picture = Some(config),
            Some(Unit::AudioConfig(codec, config)) => self.sound = sound_codec(codec).map(|codec| (codec, config)),
            Some(Unit::Sound(codec, media_us, data)) if !data.is_empty() => {
                if codec == AudioCodec::Mp3 && self.sound.is_none() {
                    self.sound = Some((SoundCodec::Mp3, Bytes::new()));
                }
                return self.sound(media_us, &data, arrived);
            }
            Some(Unit::Picture(VideoCodec::Avc, coded)) => return self.picture(&coded, arrived),
            _ => {}
        }
        Ok(())
    }

    fn sound(&mut self, media_us: i64, data: &[u8], arrived: Duration) -> Result<(), Error> {
        if self.sound.is_none() {
            return Ok(());
        }
        let since = *self.since.get_or_insert(arrived);
        let at = self.line.place(media_us, arrived);
        let lacks = self.open.as_ref().is_some_and(|open| open.head.sound.is_none());
        // A file without pictures is cut here; one with pictures before a picture.
        let alone = self.picture.is_none() && self.open.as_ref().is_none_or(|open| open.head.picture.is_none());
        let due = self.is_full(at) || (self.open.is_none() && arrived.saturating_sub(since) >= PATIENCE);
        if alone && (due || lacks) {
            self.begin(at)?;
        }
        self.write(Track::Sound, at, true, data)
    }

    fn picture(&mut self, coded: &CodedPicture, arrived: Duration) -> Result<(), Error> {
        let Some(config) = self.picture.clone() else { return Ok(()) };
        if self.need_key && !coded.key {
            self.tap.want_key_frame();
            return Ok(());
        }
        let since = *self.since.get_or_insert(arrived);
        let at = self.line.place(coded.media_us, arrived);
        let complete = self.sound.is_some() || arrived.saturating_sub(since) >= PATIENCE;
        if coded.key {
            let head = self.open.as_ref().map(|open| &open.head);
            let lacks = head.is_some_and(|h| h.picture.is_none() || (h.sound.is_none() && self.sound.is_some()));
            if (head.is_none() && complete) || lacks || self.is_full(at) {
                self.begin(at)?;
            }
        }
        let Some(open) = &self.open else {
            self.tap.want_key_frame();
            return Ok(());
        };
        self.need_key = false;
        let known = open.head.picture.as_ref().is_some_and(|picture| picture.config == config);
        // Another size than the file began with: the decoder is told inside the stream.
        match avc::parameter_sets(&config).filter(|_| coded.key && !known) {
            Some(sets) => self.write(Track::Picture, at, true, &[&sets, &coded.data[..]].concat()),
            None => self.write(Track::Picture, at, coded.key, &coded.data),
        }
    }

    fn is_full(&self, at: i64) -> bool {
        let slice = self.files.slice.map(|slice| i64::try_from(slice.as_micros()).unwrap_or(i64::MAX));
        self.open.as_ref().zip(slice).is_some_and(|(open, slice)| at - open.begun_us >= slice)
    }

    /// Ends the file that is open, if there is one, and begins another.
    fn begin(&mut self, at: i64) -> Result<(), Error> {
        self.finish()?;
        let picture = self.picture.as_ref().map(|config| {
            let (width, height) = avc::size(config).unwrap_or((640, 360));
            PictureTrack { config: config.clone(), width, height }
        });
        let sound = self.sound.clone().map(|(codec, config)| SoundTrack { codec, config });
        let head = Head { title: self.files.what.clone(), begun: self.files.now(), picture, sound };
        let (file, path) = new_file(&self.files.folder, &self.files.stem(), "mkv")?;
        let writer = Writer::start(Disk(file), &head).map_err(|cause| Error::new(&path, cause))?;
        self.files.begun(path);
        self.open = Some(Open { writer, begun_us: at, head });
        Ok(())
    }

    fn write(&mut self, track: Track, at: i64, key: bool, data: &[u8]) -> Result<(), Error> {
        let Some(open) = &mut self.open else { return Ok(()) };
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

fn sound_codec(codec: AudioCodec) -> Option<SoundCodec> {
    match codec {
        AudioCodec::Opus => Some(SoundCodec::Opus),
        AudioCodec::Aac => Some(SoundCodec::Aac),
        AudioCodec::Mp3 => Some(SoundCodec::Mp3),
        AudioCodec::Other(_) => None,
    }
}
