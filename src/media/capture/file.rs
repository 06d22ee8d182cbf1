//! A file as a source, looped in real time. Picture and sound of the same file come from one player, so that they stay together
//! however they were asked for.

use super::feed::{PictureFeed, SoundFeed};
use super::film::Film;
use super::source::{Format, SourceError, SourceErrorKind};
use crate::base::{Clock, Stop, Worker};
use crate::media::convert::{ToPicture, ToRgba};
use crate::media::frame::{CHUNK_SAMPLES, Chunk, Picture};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// A player that is later than this (the computer slept, the disk hung) goes on from now instead of catching up.
const MAX_LATE: Duration = Duration::from_millis(500);
/// Shortest pass, so that a single picture does not become a busy loop.
const MIN_PASS: Duration = Duration::from_millis(30);
/// Passes without anything decoded after which a file counts as broken.
const MAX_EMPTY_PASSES: u32 = 3;
/// How long a broken file rests before it is tried again.
const BROKEN_REST: Duration = Duration::from_secs(1);

/// Opens the picture of a file: what keeps it coming, and its pictures a second.
pub(super) fn pictures(path: &Path, format: Format, feed: PictureFeed, clock: Clock) -> Result<(Tap, u32), SourceError> {
    let player = Player::open(path, clock)?;
    let Some(fps) = player.fps else {
        return Err(SourceError::new(SourceErrorKind::BrokenFile, format!("{}: there is no picture in it", path.display())));
    };
    let scaler = ToPicture::new(format.width, format.height)
        .map_err(|e| SourceError::new(SourceErrorKind::UnsupportedFormat, e.to_string()))?;
    let tap = player.tap(Place::Pictures(Box::new(Screen {
        feed,
        scaler,
        every: Duration::from_secs(1) / format.fps.max(1),
        last: None,
    })));
    Ok((tap, (fps.round() as u32).clamp(1, format.fps.max(1))))
}

/// Opens the sound of a file.
pub(super) fn sound(path: &Path, feed: SoundFeed, clock: Clock) -> Result<Tap, SourceError> {
    let player = Player::open(path, clock)?;
    if !player.sound {
        return Err(SourceError::new(SourceErrorKind::BrokenFile, format!("{}: there is no sound in it", path.display())));
    }
    Ok(player.tap(Place::Sound(feed)))
}

/// Somebody who wants a file's pictures.
struct Screen {
    feed: PictureFeed,
    scaler: ToPicture,
    /// Least time between two pictures.
    every: Duration,
    last: Option<Duration>,
}

enum Place {
    Pictures(Box<Screen>),
    Sound(SoundFeed),
}

type Places = Arc<Mutex<Vec<(u64, Place)>>>;

/// Holds a file's picture or sound; dropping it ends the deliveries.
#[derive(Debug)]
pub(super) struct Tap {
    player: Arc<Player>,
    id: u64,
}

impl Drop for Tap {
    fn drop(&mut self) {
        lock(&self.player.places).retain(|(id, _)| *id != self.id);
    }
}

/// One file, playing.
struct Player {
    places: Places,
    /// Pictures a second, if there are any.
    fps: Option<f64>,
    sound: bool,
    _worker: Worker,
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("fps", &self.fps).field("sound", &self.sound).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The files that are playing, so that the second one who asks joins the first one's player.
static PLAYING: Mutex<Vec<(PathBuf, Weak<Player>)>> = Mutex::new(Vec::new());

impl Player {
    fn open(path: &Path, clock: Clock) -> Result<Arc<Self>, SourceError> {
        let key = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let mut playing = lock(&PLAYING);
        playing.retain(|(_, player)| player.strong_count() > 0);
        if let Some(player) = playing.iter().find(|(p, _)| *p == key).and_then(|(_, player)| player.upgrade()) {
            return Ok(player);
        }
        let places = Places::default();
        let (path, seen) = (path.to_owned(), Arc::clone(&places));
        let open = move || {
            let film = Film::open(&path)?;
            let found = (film.has_picture().then(|| film.fps()), film.has_sound());
            Ok::<_, SourceError>((film, found))
        };
        let (worker, (fps, sound)) = Worker::open("file", open, move |film, stop| Playback::new(film, seen, clock).run(stop))?;
        let player = Arc::new(Self { places, fps, sound, _worker: worker });
        playing.push((key, Arc::downgrade(&player)));
        Ok(player)
    }

    fn tap(self: Arc<Self>, place: Place) -> Tap {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        lock(&self.places).push((id, place));
        Tap { player: self, id }
    }
}

/// The player's thread.
struct Playback {
    film: Film,
    places: Places,
    clock: Clock,
    to_rgba: ToRgba,
    /// Local moment at which the current pass starts.
    start: Duration,
    samples: VecDeque<f32>,
    /// Samples delivered in this pass.
    played: u64,
    sound_ended: bool,
    picture_ended: bool,
    /// The next picture: its time in the pass, and what to give to whom.
    next: Option<(Duration, Vec<(PictureFeed, Picture)>)>,
    decoded: bool,
}

impl Playback {
    fn new(film: Film, places: Places, clock: Clock) -> Self {
        let start = clock.now();
        let (sound_ended, picture_ended) = (!film.has_sound(), !film.has_picture());
        Self {
            film,
            places,
            clock,
            to_rgba: ToRgba::new(),
            start,
            samples: VecDeque::new(),
            played: 0,
            sound_ended,
            picture_ended,
            next: None,
            decoded: false,
        }
    }

    fn run(mut self, stop: &Stop) {
        let mut empty = 0;
        while !stop.is_set() {
            self.prepare();
            let picture_due = self.next.as_ref().map(|(at, _)| self.start + *at);
            let sound_due =
                (self.samples.len() >= CHUNK_SAMPLES).then(|| self.start + samples_time(self.played + CHUNK_SAMPLES as u64));
            let Some(due) = [picture_due, sound_due].into_iter().flatten().min() else {
                empty = if std::mem::take(&mut self.decoded) { 0 } else { empty + 1 };
                if let Err(error) = self.next_pass(empty) {
                    self.fail(&error);
                    if stop.wait(BROKEN_REST) {
                        return;
                    }
                }
                continue;
            };
            let now = self.clock.now();
            if now > due + MAX_LATE {
                self.start += now - due;
            } else if stop.wait(due.saturating_sub(now)) {
                return;
            }
            if picture_due == Some(due) {
                self.show();
            } else {
                self.sound();
            }
        }
    }

    /// Decodes ahead: one picture, and one chunk of sound.
    fn prepare(&mut self) {
        while self.samples.len() < CHUNK_SAMPLES && !self.sound_ended {
            if self.film.next_sound(&mut self.samples) {
                self.decoded = true;
            } else {
                self.sound_ended = true;
                // The last chunk is filled up with silence.
                let rest = self.samples.len().next_multiple_of(CHUNK_SAMPLES);
                self.samples.resize(rest, 0.0);
            }
        }
        if self.next.is_none() && !self.picture_ended {
            match self.film.next_picture() {
                Some((at, frame)) => {
                    self.decoded = true;
                    let captured = self.start + at;
                    let mut pictures = Vec::new();
                    for (_, place) in lock(&self.places).iter_mut() {
                        let Place::Pictures(screen) = place else { continue };
                        // A tenth less, because times are rounded.
                        if screen.last.is_some_and(|last| captured < last + screen.every.mul_f32(0.9)) {
                            continue;
                        }
                        match screen.scaler.frame(&frame, captured) {
                            Ok(picture) => pictures.push((screen.feed.clone(), picture)),
                            Err(error) => tracing::debug!("picture left out: {error}"),
                        }
                        screen.last = Some(captured);
                    }
                    self.next = Some((at, pictures));
                }
                None => self.picture_ended = true,
            }
        }
    }

    fn show(&mut self) {
        let Some((at, pictures)) = self.next.take() else { return };
        for (feed, mut picture) in pictures {
            picture.captured = self.start + at;
            feed.deliver(picture, &mut self.to_rgba);
        }
    }

    fn sound(&mut self) {
        let mut chunk = Chunk { captured: self.start + samples_time(self.played), samples: [0.0; CHUNK_SAMPLES] };
        for (to, from) in chunk.samples.iter_mut().zip(self.samples.drain(..CHUNK_SAMPLES)) {
            *to = from;
        }
        self.played += CHUNK_SAMPLES as u64;
        for (_, place) in lock(&self.places).iter() {
            if let Place::Sound(feed) = place {
                feed.deliver(&chunk);
            }
        }
    }

    /// Both tracks have ended: from the start again, right behind.
    fn next_pass(&mut self, empty: u32) -> Result<(), SourceError> {
        let length = self.film.pass_length().max(samples_time(self.played)).max(MIN_PASS);
        self.start += length;
        (self.sound_ended, self.picture_ended) = (!self.film.has_sound(), !self.film.has_picture());
        self.played = 0;
        self.samples.clear();
        self.film.rewind()?;
        if empty >= MAX_EMPTY_PASSES {
            return Err(SourceError::new(SourceErrorKind::BrokenFile, "the file can no longer be read"));
        }
        Ok(())
    }

    fn fail(&self, error: &SourceError) {
        for (_, place) in lock(&self.places).iter() {
            match place {
                Place::Pictures(screen) => screen.feed.fail(Some(error.clone())),
                Place::Sound(feed) => feed.fail(Some(error.clone())),
            }
        }
    }
}

fn samples_time(samples: u64) -> Duration {
    Duration::from_micros(samples * 1_000_000 / u64::from(crate::media::frame::SAMPLE_RATE))
}

#[cfg(test)]
mod tests {
    use super::super::{AudioSource, Sound, Video, VideoSource};
    use super::*;
    use crate::base::{Queue, Slot};
    use std::process::Command;

    /// Makes a film of one second: grey pictures that grow lighter, and a 440 Hz tone at 44.1 kHz, stereo.
    fn film(folder: &Path, name: &str, tracks: &[&str]) -> PathBuf {
        let path = folder.join(name);
        let mut command = Command::new("ffmpeg");
        command.args(["-v", "error", "-y"]);
        for track in tracks {
            command.args(["-f", "lavfi", "-i", track]);
        }
        let made = command.args(["-t", "1", "-ac", "2", "-pix_fmt", "yuv420p"]).arg(&path).status();
        assert!(made.expect("these tests need the program `ffmpeg`").success());
        path
    }

    const PICTURES: &str = "nullsrc=s=320x240:r=25,geq=lum='50+5*N':cb=128:cr=128";
    const TONE: &str = "sine=f=440:r=44100";

    #[test]
    fn picture_and_sound_of_a_file_are_looped_together() {
        let folder = tempfile::tempdir().unwrap();
        let path = film(folder.path(), "a:b c.mp4", &[PICTURES, TONE]);
        let format = Format { width: 640, height: 360, fps: 30 };
        let video = Video::open(VideoSource::File(path.clone()), format, Clock::system()).unwrap();
        let sound = Sound::open(AudioSource::File(path), Clock::system()).unwrap();
        assert_eq!(video.format(), Format { fps: 25, ..format });
        let (slot, queue) = (Slot::new(), Queue::bounded(1000));
        let _connected = (video.connect(slot.clone()), sound.connect(queue.clone()));
        // Two and a half passes; the brightness in the middle of the picture says where in the film it is.
        let (mut places, mut last): (Vec<(Duration, f64)>, _) = (Vec::new(), Duration::ZERO);
        while places.first().is_none_or(|first| last < first.0 + Duration::from_millis(2500)) {
            let picture = slot.take_within(Duration::from_secs(20)).unwrap();
            assert!(picture.captured > last);
            last = picture.captured;
            let luma = f64::from(picture.planes()[0][180 * 640 + 320]);
            assert_eq!(picture.planes()[0][0], 16, "a 4:3 film in a 16:9 picture has bars");
            places.push((picture.captured, (luma - 50.0) / 5.0 / 25.0));
        }
        let starts: Vec<f64> = places.iter().map(|(at, place)| at.as_secs_f64() - place).collect();
        let passes = starts.windows(2).filter(|w| w[1] - w[0] > 0.5).count();
        assert!((2..=3).contains(&passes), "{passes} loops in 2.5 s: {places:?}");
        for start in &starts {
            // Each pass has a length of its own of a second and a bit (the sound codec's padding), but within one nothing moves.
            assert!(starts.iter().any(|s| (s - start).abs() > 0.5 || (s - start).abs() < 0.02));
        }
        // The sound goes on without a hole, is as loud as it was made (1/8) and has the right pitch.
        let mut chunks: Vec<Chunk> = Vec::new();
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while chunks.len() <= 200 {
            chunks.extend(std::iter::from_fn(|| queue.pop()));
            assert!(std::time::Instant::now() < deadline, "{}", chunks.len());
            std::thread::sleep(Duration::from_millis(10));
        }
        for pair in chunks.windows(2) {
            let step = (pair[1].captured - pair[0].captured).as_micros();
            assert!((9_900..=50_000).contains(&step), "{step} us");
        }
        let samples: Vec<f32> = chunks[10..60].iter().flat_map(|c| c.samples).collect();
        let rising = samples.windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count();
        assert!((215..=225).contains(&rising), "{rising} periods in half a second");
        assert!(chunks.iter().flat_map(|c| c.samples).fold(0.0, f32::max) > 0.1);
    }

    #[test]
    fn a_file_without_the_wanted_track_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let (silent, blind) = (film(folder.path(), "silent.mp4", &[PICTURES]), film(folder.path(), "blind.wav", &[TONE]));
        let error = Sound::open(AudioSource::File(silent), Clock::system()).unwrap_err();
        assert!(error.kind == SourceErrorKind::BrokenFile && error.detail.contains("no sound"), "{error}");
        let error = Video::open(VideoSource::File(blind), Format::default(), Clock::system()).unwrap_err();
        assert!(error.kind == SourceErrorKind::BrokenFile && error.detail.contains("no picture"), "{error}");
    }

    #[test]
    fn what_is_no_film_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let whole = film(folder.path(), "whole.mp4", &[PICTURES, TONE]);
        let bytes = std::fs::read(whole).unwrap();
        let (cut, rubbish, empty) =
            (folder.path().join("cut.mp4"), folder.path().join("rubbish.mp4"), folder.path().join("empty.mp4"));
        std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
        std::fs::write(&rubbish, vec![0x5a; 10_000]).unwrap();
        std::fs::write(&empty, b"").unwrap();
        for path in [cut, rubbish, empty, folder.path().join("missing.mp4"), folder.path().to_owned()] {
            let error = Video::open(VideoSource::File(path.clone()), Format::default(), Clock::system()).unwrap_err();
            assert_eq!(error.kind, SourceErrorKind::BrokenFile, "{path:?}: {error}");
            let error = Sound::open(AudioSource::File(path), Clock::system()).unwrap_err();
            assert_eq!(error.kind, SourceErrorKind::BrokenFile);
        }
    }

    #[test]
    fn a_single_photograph_is_a_film_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photo.png");
        image::RgbImage::from_pixel(100, 50, image::Rgb([255, 255, 255])).save(&path).unwrap();
        let video = Video::open(VideoSource::File(path), Format::default(), Clock::system()).unwrap();
        let slot = Slot::new();
        let _connected = video.connect(slot.clone());
        for _ in 0..3 {
            let picture = slot.take_within(Duration::from_secs(20)).unwrap();
            assert!(picture.planes()[0][180 * 640 + 320] > 230);
        }
    }
}
