//! A video or audio file, taken apart: pictures and sound with their times since the start, one pass after the other.

use super::source::{SourceError, SourceErrorKind};
use crate::media::frame::SAMPLE_RATE;
use ffmpeg::format::sample::{Sample, Type as SampleType};
use ffmpeg::software::resampling;
use ffmpeg::util::frame::{Audio, Frame, Video};
use ffmpeg::{ChannelLayout, Packet, Rational, codec, decoder, media};
use ffmpeg_next as ffmpeg;
use std::collections::VecDeque;
use std::ops::DerefMut;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of one track that may wait while the other one is looked for (badly interleaved files); what is more is left out.
const MAX_WAITING_BYTES: usize = 32 << 20;
/// Unreadable packets in a row after which a file counts as ended.
const MAX_READ_ERRORS: usize = 100;
/// Sound that does not follow on within this much of where it should is moved there.
const SOUND_JUMP: Duration = Duration::from_millis(60);
/// Longest silence put in for a hole in the sound.
const MAX_SILENCE: Duration = Duration::from_secs(10);
/// Pictures a second of a file that does not say.
const USUAL_FPS: f64 = 25.0;

const PICTURE: usize = 0;
const SOUND: usize = 1;

/// An open file.
pub(super) struct Film {
    path: PathBuf,
    reader: Reader,
    picture: Option<Track<decoder::Video>>,
    sound: Option<Track<decoder::Audio>>,
    resampler: Option<((Sample, u64, u32), resampling::Context)>,
    /// The file's own time at which everything starts, in seconds.
    origin: f64,
    /// Decoded already, to learn the origin.
    first_picture: Option<Video>,
    /// Samples that the sound has come to in this pass.
    sound_end: u64,
    fps: f64,
}

struct Track<D> {
    decoder: D,
    time_base: f64,
    drained: bool,
    /// End of the last frame, in the file's own seconds, for frames without a time.
    end: f64,
}

/// The packets of a file, sorted by track.
struct Reader {
    input: ffmpeg::format::context::Input,
    ended: bool,
    streams: [Option<usize>; 2],
    waiting: [VecDeque<Packet>; 2],
    bytes: [usize; 2],
}

fn broken(path: &Path, why: impl std::fmt::Display) -> SourceError {
    SourceError::new(SourceErrorKind::BrokenFile, format!("{}: {why}", path.display()))
}

fn seconds(time: Rational) -> f64 {
    f64::from(time.numerator()) / f64::from(time.denominator().max(1))
}

impl Film {
    /// Opens a file and decodes its first picture (and looks at its sound), so that a broken one is noticed here.
    pub(super) fn open(path: &Path) -> Result<Self, SourceError> {
        crate::media::ready();
        let found = std::fs::metadata(path).map_err(|e| broken(path, e))?;
        if !found.is_file() {
            return Err(broken(path, "is not a file"));
        }
        let path = path.canonicalize().map_err(|e| broken(path, e))?;
        let input = open_input(&path)?;
        let find = |kind| {
            input.streams().best(kind).filter(|s| !s.disposition().contains(ffmpeg::format::stream::Disposition::ATTACHED_PIC))
        };
        let (mut streams, mut fps) = ([None; 2], USUAL_FPS);
        let picture = match find(media::Type::Video) {
            Some(stream) => {
                streams[PICTURE] = Some(stream.index());
                fps = Some(seconds(stream.avg_frame_rate())).filter(|r| (0.1..=1000.0).contains(r)).unwrap_or(USUAL_FPS);
                let decoder = codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().video());
                Some(Track::new(decoder.map_err(|e| broken(&path, e))?, stream.time_base()))
            }
            None => None,
        };
        let sound = match find(media::Type::Audio) {
            Some(stream) => {
                streams[SOUND] = Some(stream.index());
                let decoder = codec::Context::from_parameters(stream.parameters()).and_then(|c| c.decoder().audio());
                Some(Track::new(decoder.map_err(|e| broken(&path, e))?, stream.time_base()))
            }
            None => None,
        };
        let mut film = Self {
            reader: Reader { input, ended: false, streams, waiting: Default::default(), bytes: [0; 2] },
            picture,
            sound,
            resampler: None,
            origin: 0.0,
            first_picture: None,
            sound_end: 0,
            fps,
            path,
        };
        film.find_origin()?;
        Ok(film)
    }

    /// Whether there are pictures.
    pub(super) fn has_picture(&self) -> bool {
        self.picture.is_some()
    }

    /// Whether there is sound.
    pub(super) fn has_sound(&self) -> bool {
        self.sound.is_some()
    }

    /// Pictures a second.
    pub(super) fn fps(&self) -> f64 {
        self.fps
    }

    /// Starts the next pass.
    pub(super) fn rewind(&mut self) -> Result<(), SourceError> {
        let start = (self.origin * 1e6) as i64;
        if self.reader.input.seek(start, ..start).is_err() {
            self.reader.input = open_input(&self.path)?;
        }
        self.reader.ended = false;
        self.reader.waiting.iter_mut().for_each(VecDeque::clear);
        self.reader.bytes = [0; 2];
        if let Some(track) = &mut self.picture {
            track.restart(self.origin);
        }
        if let Some(track) = &mut self.sound {
            track.restart(self.origin);
        }
        self.resampler = None;
        self.first_picture = None;
        self.sound_end = 0;
        Ok(())
    }

    /// The next picture and its time since the start of the pass; `None` at the end.
    pub(super) fn next_picture(&mut self) -> Option<(Duration, Video)> {
        let track = self.picture.as_mut()?;
        let frame = match self.first_picture.take() {
            Some(frame) => frame,
            None => {
                let mut frame = Video::empty();
                track.next(PICTURE, &mut self.reader, &mut frame).then_some(frame)?
            }
        };
        let at = frame.timestamp().map_or(track.end, |t| t as f64 * track.time_base);
        track.end = at + 1.0 / self.fps;
        Some((self.since_start(at), frame))
    }

    /// Appends the next sound to `samples` (48 kHz, mono), holes filled; `false` at the end.
    pub(super) fn next_sound(&mut self, samples: &mut VecDeque<f32>) -> bool {
        let Some(track) = self.sound.as_mut() else { return false };
        let mut frame = Audio::empty();
        if !track.next(SOUND, &mut self.reader, &mut frame) {
            return false;
        }
        let at = frame.timestamp().map_or(track.end, |t| t as f64 * track.time_base);
        track.end = at + frame.samples() as f64 / f64::from(frame.rate().max(1));
        let at = self.since_start(at);
        let expected = Duration::from_secs_f64(self.sound_end as f64 / f64::from(SAMPLE_RATE));
        if at > expected + SOUND_JUMP {
            let hole = ((at - expected).min(MAX_SILENCE).as_secs_f64() * f64::from(SAMPLE_RATE)) as usize;
            samples.extend(std::iter::repeat_n(0.0, hole));
            self.sound_end += hole as u64;
        }
        match self.resample(&mut frame) {
            Ok(out) if out.samples() > 0 => {
                samples.extend(out.plane::<f32>(0));
                self.sound_end += out.samples() as u64;
            }
            Ok(_) => {}
            Err(error) => tracing::debug!("sound left out: {error}"),
        }
        true
    }

    /// How long this pass was, once both tracks have ended: up to the end of the longer one.
    pub(super) fn pass_length(&self) -> Duration {
        let sound = Duration::from_secs_f64(self.sound_end as f64 / f64::from(SAMPLE_RATE));
        let picture = self.picture.as_ref().map_or(Duration::ZERO, |t| self.since_start(t.end));
        sound.max(picture)
    }

    fn since_start(&self, at: f64) -> Duration {
        Duration::try_from_secs_f64(at - self.origin).unwrap_or_default()
    }

    /// Decodes the first picture and looks at the first sound packet: the earlier one's time is where the file starts.
    fn find_origin(&mut self) -> Result<(), SourceError> {
        let mut origin = f64::INFINITY;
        if let Some(track) = &mut self.picture {
            let mut frame = Video::empty();
            if !track.next(PICTURE, &mut self.reader, &mut frame) {
                return Err(broken(&self.path, "no picture in it can be decoded"));
            }
            origin = frame.timestamp().map_or(0.0, |t| t as f64 * track.time_base);
            track.end = origin;
            self.first_picture = Some(frame);
        }
        if let Some(track) = &mut self.sound {
            self.reader.fill(SOUND);
            if let Some(packet) = self.reader.waiting[SOUND].front() {
                let first = packet.pts().or(packet.dts()).map_or(0.0, |t| t as f64 * track.time_base);
                origin = origin.min(first);
                track.end = first;
            } else if self.picture.is_none() {
                return Err(broken(&self.path, "it is empty"));
            }
        }
        if origin.is_infinite() {
            return Err(broken(&self.path, "there is neither picture nor sound in it"));
        }
        self.origin = origin;
        Ok(())
    }

    fn resample(&mut self, frame: &mut Audio) -> Result<Audio, ffmpeg::Error> {
        if frame.channel_layout().is_empty() {
            frame.set_channel_layout(ChannelLayout::default(i32::from(frame.channels())));
        }
        let key = (frame.format(), frame.channel_layout().bits(), frame.rate());
        if self.resampler.as_ref().is_none_or(|(k, _)| *k != key) {
            let to = Sample::F32(SampleType::Packed);
            let context = resampling::Context::get(
                frame.format(),
                frame.channel_layout(),
                frame.rate(),
                to,
                ChannelLayout::MONO,
                SAMPLE_RATE,
            )?;
            self.resampler = Some((key, context));
        }
        let (_, context) = self.resampler.as_mut().ok_or(ffmpeg::Error::Bug)?;
        let room = frame.samples() as u64 * u64::from(SAMPLE_RATE) / u64::from(frame.rate().max(1)) + 256;
        let mut out = Audio::new(Sample::F32(SampleType::Packed), room as usize, ChannelLayout::MONO);
        context.run(frame, &mut out)?;
        Ok(out)
    }
}

fn open_input(path: &Path) -> Result<ffmpeg::format::context::Input, SourceError> {
    // Named as a file, so that a colon in the name is not taken for a protocol.
    ffmpeg::format::input(&format!("file:{}", path.display())).map_err(|e| broken(path, e))
}

impl<D: DerefMut<Target = decoder::Opened>> Track<D> {
    fn new(decoder: D, time_base: Rational) -> Self {
        Self { decoder, time_base: seconds(time_base), drained: false, end: 0.0 }
    }

    fn restart(&mut self, origin: f64) {
        self.decoder.flush();
        self.drained = false;
        self.end = origin;
    }

    /// Decodes the next frame; what is broken is left out. `false` at the end.
    fn next(&mut self, track: usize, reader: &mut Reader, frame: &mut Frame) -> bool {
        loop {
            match self.decoder.receive_frame(frame) {
                Ok(()) => return true,
                Err(ffmpeg::Error::Eof) => return false,
                Err(ffmpeg::Error::Other { errno }) if errno == ffmpeg::error::EAGAIN => {}
                Err(error) => tracing::debug!("not decoded: {error}"),
            }
            match reader.next(track) {
                Some(packet) => {
                    if let Err(error) = self.decoder.send_packet(&packet) {
                        tracing::debug!("not decoded: {error}");
                    }
                }
                None if self.drained => return false,
                None => {
                    self.drained = true;
                    if self.decoder.send_eof().is_err() {
                        return false;
                    }
                }
            }
        }
    }
}

impl Reader {
    fn next(&mut self, track: usize) -> Option<Packet> {
        self.fill(track);
        let packet = self.waiting[track].pop_front()?;
        self.bytes[track] -= packet.size();
        Some(packet)
    }

    /// Reads on until a packet of `track` waits, or the file ends.
    fn fill(&mut self, track: usize) {
        let mut errors = 0;
        while self.waiting[track].is_empty() && !self.ended {
            let mut packet = Packet::empty();
            match packet.read(&mut self.input) {
                Ok(()) => {
                    errors = 0;
                    let Some(of) = self.streams.iter().position(|s| *s == Some(packet.stream())) else { continue };
                    self.bytes[of] += packet.size();
                    self.waiting[of].push_back(packet);
                    while self.bytes[of] > MAX_WAITING_BYTES {
                        let Some(oldest) = self.waiting[of].pop_front() else { break };
                        self.bytes[of] -= oldest.size();
                    }
                }
                Err(ffmpeg::Error::Eof) => self.ended = true,
                Err(_) => {
                    errors += 1;
                    self.ended = errors > MAX_READ_ERRORS;
                }
            }
        }
    }
}
