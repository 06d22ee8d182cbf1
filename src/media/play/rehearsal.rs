//! A stream's sound played by hand: no thread, no socket, no device, no clock of its own. What a player would do in ten minutes is known
//! in seconds; clocks and networks are measured with it.
//!
//! ```
//! use parlor::media::play::{Latency, Rehearsal};
//! use std::time::Duration;
//! let mut rehearsal = Rehearsal::opus(Latency::Call)?;
//! let heard = rehearsal.tick(Duration::from_secs(1), &mut [0.0; 480]);
//! assert_eq!((heard, rehearsal.concealed()), (None, Duration::ZERO));
//! # Ok::<(), parlor::media::opus::Error>(())
//! ```

use super::delay::{micros, moment};
use super::jitter::{Played, Sound};
use super::pace::Latency;
use crate::media::frame::CHUNK_SAMPLES;
use crate::media::opus;
use crate::media::stats::Buffer;
use bytes::Bytes;
use std::time::Duration;

/// The jitter buffer of one stream.
pub struct Rehearsal(Sound);

impl Rehearsal {
    /// For a stream of Opus.
    ///
    /// # Errors
    /// When there is no memory for a decoder.
    pub fn opus(latency: Latency) -> Result<Self, opus::Error> {
        let mut sound = Sound::new(latency);
        sound.set_decoder(Box::new(opus::Decoder::new()?));
        Ok(Self(sound))
    }

    /// A packet whose first sample has this media time arrives.
    pub fn packet(&mut self, media: Duration, packet: Bytes, arrived: Duration) {
        self.0.push(micros(media), packet, arrived);
    }

    /// The output asks for 10 ms; `out` comes as silence. Returns the media time of the first sample, if it is one of the stream's.
    pub fn tick(&mut self, now: Duration, out: &mut [f32; CHUNK_SAMPLES]) -> Option<Duration> {
        match self.0.pull(now, out) {
            Played::Sound(media_us) => Some(moment(media_us)),
            Played::Silence | Played::Nothing => None,
        }
    }

    /// What waits, and what is aimed at.
    pub fn buffer(&self) -> Buffer {
        let ms = |us: i64| us as f32 / 1000.0;
        Buffer {
            ms: ms(self.0.buffered_us()),
            target_ms: ms(self.0.target_us()),
            jitter_ms: self.0.arrivals().jitter_us() as f32 / 1000.0,
        }
    }

    /// Sound that had to be made up so far.
    pub fn concealed(&self) -> Duration {
        self.0.concealed()
    }
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Rehearsal").field(&self.buffer()).finish()
    }
}
