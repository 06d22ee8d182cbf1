//! One person as they were sent: their packets into files, not decoded and not encoded again. No thread: it is given one packet after the other.

use super::film::Film;
use super::line::Line;
use super::matroska::{PictureTrack, SoundCodec, SoundTrack, Track};
use super::tap::{Tap, Tapped};
use super::{Error, Files, avc};
use crate::media::play::demux::{CodedPicture, Demux, Unit};
use crate::rtmp::tag::{AudioCodec, VideoCodec};
use bytes::Bytes;
use std::time::Duration;

/// So long a file waits for the other half, sound or pictures, before it begins without it.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is written where a stream does not say how large its pictures are; players look at the pictures.
const UNKNOWN_SIZE: (u32, u32) = (640, 360);

/// What is written, and what it waits for.
pub(super) struct Person {
    film: Film,
    tap: Tap,
    demux: Demux,
    line: Line,
    picture: Option<Bytes>,
    sound: Option<(SoundCodec, Bytes)>,
    /// When the first packet came.
    since: Option<Duration>,
    /// Pictures are left out until one comes that needs no other.
    need_key: bool,
    /// The pictures of this file have not all had the size that it began with.
    resized: bool,
}

impl Person {
    pub(super) fn new(files: Files, tap: Tap, now: Duration) -> Self {
        Self {
            film: Film::new(files),
            tap,
            demux: Demux::default(),
            line: Line::new(now),
            picture: None,
            sound: None,
            since: None,
            need_key: true,
            resized: false,
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
            Some(Unit::VideoConfig(codec, config)) => {
                let written = codec == VideoCodec::Avc;
                self.film.pictures_are(written);
                self.picture = written.then_some(config);
            }
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
        let head = self.film.head();
        let lacks = head.is_some_and(|head| head.sound.is_none());
        // A file without pictures is cut here; one with pictures before a picture.
        let alone = self.picture.is_none() && head.is_none_or(|head| head.picture.is_none());
        let due = self.film.is_full(at) || (head.is_none() && arrived.saturating_sub(since) >= PATIENCE);
        if alone && (due || lacks) {
            self.begin(at)?;
        }
        self.film.add(Track::Sound, at, true, data)
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
            let head = self.film.head();
            let lacks = head.is_some_and(|h| h.picture.is_none() || (h.sound.is_none() && self.sound.is_some()));
            if (head.is_none() && complete) || lacks || self.film.is_full(at) {
                self.begin(at)?;
            }
        }
        let Some(head) = self.film.head() else {
            self.tap.want_key_frame();
            return Ok(());
        };
        self.need_key = false;
        self.resized |= head.picture.as_ref().is_none_or(|picture| picture.config != config);
        // The decoder is told of another size inside the stream.
        match avc::parameter_sets(&config).filter(|_| coded.key && self.resized) {
            Some(sets) => self.film.add(Track::Picture, at, true, &[&sets, &coded.data[..]].concat()),
            None => self.film.add(Track::Picture, at, coded.key, &coded.data),
        }
    }

    fn begin(&mut self, at: i64) -> Result<(), Error> {
        let picture = self.picture.as_ref().map(|config| {
            let (width, height) = avc::size(config).unwrap_or(UNKNOWN_SIZE);
            PictureTrack { config: config.clone(), width, height }
        });
        let sound = self.sound.clone().map(|(codec, config)| SoundTrack { codec, config });
        self.resized = false;
        self.film.begin(at, picture, sound)
    }

    /// Ends the file that is open.
    ///
    /// # Errors
    /// When it cannot be written; what is there can be played.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        self.film.finish()
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
