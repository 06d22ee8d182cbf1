//! All of the stage in one film: everybody's pictures side by side, everybody's sound in one. It is made some time after it was sent, by when whoever
//! was slower has come too. No thread: it is told the time.

use super::film::Film;
use super::guest::Guest;
use super::label::Label;
use super::matroska::{PictureTrack, SoundCodec, SoundTrack, Track};
use super::{Error, Files, Present};
use crate::base::ServerClock;
use crate::media::audio::Limiter;
use crate::media::convert::ToPicture;
use crate::media::encode::audio;
use crate::media::encode::video::{Choice, Config, Encoder, Rate};
use crate::media::frame::{CHUNK_SAMPLES, Chunk, Picture, Pool, SAMPLE_RATE};
use std::sync::Arc;
use std::time::Duration;

/// Pixels of the film.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;
/// Pictures a second.
const FPS: u32 = 25;
/// Chunks of sound to a picture.
const CHUNKS: usize = (SAMPLE_RATE / FPS) as usize / CHUNK_SAMPLES;
/// Enough for four people who move.
const KBPS: u32 = 2000;
const SOUND_KBPS: u32 = 64;
/// A picture to jump to every so many.
const KEY_EVERY: u64 = 2 * FPS as u64;
/// How long after its moment a picture is made: sound and pictures of everybody have come by then.
const BEHIND: Duration = Duration::from_millis(800);
/// What was sent so long ago has come unless the network is bad.
const COMES_WITHIN: Duration = Duration::from_millis(200);
/// Further behind than this, pictures are repeated instead of made, so that the sound keeps up.
const TOO_LATE: Duration = Duration::from_millis(400);
/// What is where nobody is: brightness and colour.
const GROUND: (u8, u8) = (24, 128);
/// Between a name and the edges of its place.
const MARGIN: u32 = 8;
/// People who are shown; more are heard.
const MOST_SHOWN: usize = 16;

/// The film of a stage.
pub(super) struct Stage {
    film: Film,
    clock: ServerClock,
    begun: Duration,
    /// Number of the next picture.
    next: u64,
    guests: Vec<Guest>,
    names: Vec<String>,
    cells: Vec<Cell>,
    canvas: Vec<u8>,
    pool: Pool,
    picture: Encoder,
    sound: audio::Encoder,
    limiter: Limiter,
}

impl Stage {
    /// An empty stage from now on.
    ///
    /// # Errors
    /// When there is no encoder.
    pub(super) fn new(files: Files, clock: ServerClock) -> Result<Self, Error> {
        let rate = Rate { kbps: KBPS, fps: FPS, buffer_ms: 1000 };
        let missing = |error| Error::new(&files.folder, std::io::Error::other(error));
        let picture = Encoder::open(Config { width: WIDTH, height: HEIGHT, rate, choice: Choice::Software }).map_err(missing)?;
        let sound = audio::Config { kbps: SOUND_KBPS, dtx: false, ..audio::Config::default() };
        let sound = audio::Encoder::open(sound).map_err(missing)?;
        let begun = clock.local().now();
        Ok(Self {
            film: Film::new(files),
            clock,
            begun,
            next: 0,
            guests: Vec::new(),
            names: Vec::new(),
            cells: Vec::new(),
            canvas: ground(),
            pool: Pool::new(),
            picture,
            sound,
            limiter: Limiter::default(),
        })
    }

    /// Says who is there, in order.
    pub(super) fn set_people(&mut self, people: &[Present]) {
        let same = people.len() == self.guests.len()
            && people.iter().zip(&self.guests).all(|(one, guest)| guest.tap().is(&one.tap))
            && people.iter().zip(&self.names).all(|(one, name)| one.name == *name);
        if same {
            return;
        }
        let mut old = std::mem::take(&mut self.guests);
        self.names = people.iter().map(|one| one.name.clone()).collect();
        for Present { tap, .. } in people {
            let at = old.iter().position(|guest| guest.tap().is(tap));
            self.guests.push(match at {
                Some(at) => old.swap_remove(at),
                None => Guest::new(tap, self.clock.clone(), self.begun),
            });
        }
        self.canvas = ground();
        let places = places(self.guests.len());
        self.cells = places.into_iter().zip(&self.names).map(|(place, name)| Cell::new(place, name)).collect();
        self.cells.iter().for_each(|cell| cell.label(&mut self.canvas));
        // Whoever was there is drawn anew, in another place, with their next picture.
    }

    /// Makes what is due. Returns how long nothing more will be.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn step(&mut self) -> Result<Duration, Error> {
        for guest in &mut self.guests {
            guest.take();
        }
        loop {
            let at = self.moment();
            let (due, now) = (at + BEHIND, self.clock.local().now());
            if now < due {
                return Ok(due - now);
            }
            self.make(at, now - due > TOO_LATE)?;
            self.next += 1;
        }
    }

    /// When the next picture is, or was.
    fn moment(&self) -> Duration {
        self.begun + Duration::from_micros(self.next * 1_000_000 / u64::from(FPS))
    }

    fn make(&mut self, at: Duration, late: bool) -> Result<(), Error> {
        let at_us = (at - self.begun).as_micros() as i64;
        for (guest, cell) in self.guests.iter_mut().zip(&mut self.cells) {
            if let Some(frame) = guest.picture_at(at)
                && let Some(convert) = &mut cell.convert
                && let Ok(picture) = convert.frame(&frame, at)
            {
                paste(&mut self.canvas, &picture, cell.place);
                cell.label(&mut self.canvas);
            }
        }
        let key = self.next.is_multiple_of(KEY_EVERY);
        if !late || key {
            let mut data = self.pool.take(self.canvas.len());
            data.copy_from_slice(&self.canvas);
            let picture = Arc::new(Picture { width: WIDTH, height: HEIGHT, captured: at, data });
            match self.picture.encode(&picture, key) {
                Ok(encoded) => {
                    for encoded in encoded {
                        if encoded.key && (self.film.head().is_none() || self.film.is_full(at_us)) {
                            self.begin(at_us)?;
                        }
                        self.film.add(Track::Picture, at_us, encoded.key, &encoded.data)?;
                    }
                }
                Err(error) => tracing::warn!(%error, "a picture is missing from the recording"),
            }
        }
        self.mix(at)
    }

    fn mix(&mut self, at: Duration) -> Result<(), Error> {
        for chunk in 0..CHUNKS {
            let number = (self.next as usize * CHUNKS + chunk) * CHUNK_SAMPLES;
            let mut samples = [0.0; CHUNK_SAMPLES];
            for guest in &mut self.guests {
                guest.mix(number as i64, &mut samples);
            }
            self.limiter.limit(&mut samples);
            let captured = at + Duration::from_millis(10 * chunk as u64);
            match self.sound.encode(&Chunk { captured, samples }) {
                Ok(Some(encoded)) => {
                    let at_us = encoded.captured.as_micros() as i64 - self.begun.as_micros() as i64;
                    self.film.add(Track::Sound, at_us, true, &encoded.data)?;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "sound is missing from the recording"),
            }
        }
        Ok(())
    }

    fn begin(&mut self, at_us: i64) -> Result<(), Error> {
        let config = self.picture.record().cloned().unwrap_or_default();
        let picture = PictureTrack { config, width: WIDTH, height: HEIGHT };
        let sound = SoundTrack { codec: SoundCodec::Opus, config: self.sound.head() };
        self.film.begin(at_us, Some(picture), Some(sound))
    }

    /// Ends the film, with what has come.
    ///
    /// # Errors
    /// When it cannot be written; what is there can be played.
    pub(super) fn finish(&mut self) -> Result<(), Error> {
        let end = self.clock.local().now().saturating_sub(COMES_WITHIN);
        for guest in &mut self.guests {
            guest.take();
        }
        loop {
            let at = self.moment();
            if at > end {
                break;
            }
            self.make(at, false)?;
            self.next += 1;
        }
        self.film.finish()
    }
}

/// A place on the stage, on even pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// What is at a place.
struct Cell {
    place: Place,
    convert: Option<ToPicture>,
    label: Option<Label>,
}

impl Cell {
    fn new(place: Place, name: &str) -> Self {
        let size = (place.width, place.height);
        Self { place, convert: ToPicture::new(size.0, size.1).ok(), label: Label::new(name, size) }
    }

    /// Draws the name, lower left.
    fn label(&self, canvas: &mut [u8]) {
        if let Some(label) = &self.label {
            let (x, y) = (self.place.x + MARGIN, self.place.y + self.place.height - MARGIN - label.size.1);
            label.paint(planes(canvas), WIDTH as usize, (x, y & !1));
        }
    }
}

/// Places for so many people: the grid that shows 16:9 pictures largest.
fn places(people: usize) -> Vec<Place> {
    let people = people.min(MOST_SHOWN) as u32;
    let columns = (1..=people).find(|columns| columns * columns >= people).unwrap_or(1);
    let rows = people.div_ceil(columns).max(1);
    let (width, height) = ((WIDTH / columns) & !1, (HEIGHT / rows) & !1);
    (0..people)
        .map(|number| {
            let (column, row) = (number % columns, number / columns);
            // A row that is not full stands in the middle.
            let in_row = if row + 1 == rows { people - row * columns } else { columns };
            let left = ((WIDTH - in_row * width) / 2) & !1;
            Place { x: left + column * width, y: row * height, width, height }
        })
        .collect()
}

fn ground() -> Vec<u8> {
    let luma = (WIDTH * HEIGHT) as usize;
    let mut canvas = vec![GROUND.0; Picture::len(WIDTH, HEIGHT)];
    canvas[luma..].fill(GROUND.1);
    canvas
}

fn planes(canvas: &mut [u8]) -> [&mut [u8]; 3] {
    let (luma, chroma) = canvas.split_at_mut((WIDTH * HEIGHT) as usize);
    let (u, v) = chroma.split_at_mut((WIDTH / 2 * HEIGHT / 2) as usize);
    [luma, u, v]
}

/// Copies a picture of a cell's size to its place.
fn paste(canvas: &mut [u8], picture: &Picture, cell: Place) {
    for ((to, from), shift) in planes(canvas).into_iter().zip(picture.planes()).zip([0, 1, 1]) {
        let (stride, width) = ((WIDTH >> shift) as usize, (cell.width >> shift) as usize);
        let first = (cell.y >> shift) as usize * stride + (cell.x >> shift) as usize;
        for (row, from) in from.chunks_exact(width).enumerate() {
            to[first + row * stride..][..width].copy_from_slice(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_place_of_their_own() {
        assert_eq!(places(0), []);
        assert_eq!(places(1), [Place { x: 0, y: 0, width: WIDTH, height: HEIGHT }]);
        for people in 2..=20 {
            let places = places(people);
            assert_eq!(places.len(), people.min(MOST_SHOWN));
            for (at, a) in places.iter().enumerate() {
                assert!(a.x + a.width <= WIDTH && a.y + a.height <= HEIGHT && a.x % 2 == 0 && a.y % 2 == 0);
                for b in &places[at + 1..] {
                    let apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
                    assert!(apart, "{people}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_picture_is_pasted_where_its_place_is() {
        let mut canvas = ground();
        let cell = places(4)[3];
        let mut data = Pool::new().take(Picture::len(cell.width, cell.height));
        data.fill(200);
        paste(&mut canvas, &Picture { width: cell.width, height: cell.height, captured: Duration::ZERO, data }, cell);
        let at = |x: u32, y: u32| canvas[(y * WIDTH + x) as usize];
        assert_eq!((at(WIDTH - 1, HEIGHT - 1), at(WIDTH / 2, HEIGHT / 2), at(WIDTH / 2 - 1, HEIGHT / 2)), (200, 200, 24));
        assert_eq!(canvas.iter().filter(|byte| **byte == 200).count(), Picture::len(cell.width, cell.height));
    }
}
