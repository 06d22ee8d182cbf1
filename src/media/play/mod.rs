//! Playing one peer: pull, demux, jitter buffer, one playout clock for sound and picture, decode.
//!
//! A [`Player`] has one thread, `play-NAME`: it takes packets from its connection, puts those of sound into the jitter buffer, decodes
//! pictures and puts each at its moment into a newest-wins slot. The sound output's tick thread takes 10 ms of sound at a time from the
//! jitter buffer, which decodes what it needs for that (`stock`); that is the playout clock (`playout`). It reconnects by itself for as
//! long as it lives.
//!
//! This module knows no room: it is given a URL and told when that changes.
//!
//! Delays (`jitter`, `playout`): the sound of a moment is heard when its packet has been filled (20 ms), sent, and has waited in
//! the jitter buffer for the target (in a call 20 to 300 ms, by the 95th percentile of how late packets come; see `pace` for live
//! streams); its picture is shown at most 20 ms before that, so that on a clean network a picture waits only for the sound packet of
//! its moment to be filled.

mod backlog;
mod beats;
pub(in crate::media) mod decode;
mod delay;
pub(in crate::media) mod demux;
mod fetch;
mod jitter;
mod meter;
mod pace;
mod pictures;
mod playout;
mod pull;
mod rehearsal;
mod session;
mod source;
mod stock;
mod stretch;

pub use pace::{Latency, Smoothness};
pub use rehearsal::Rehearsal;

use crate::base::{Proxy, ServerClock, Slot, Worker};
use crate::media::audio::{Output, Source, Tick, Voice};
use crate::media::frame::{CHUNK_SAMPLES, Rgba};
use crate::media::record::Tap;
use crate::media::seal::Opener;
use crate::media::stats::{History, PlaySample, PlayStats};
use crate::media::trouble::{self, Trouble};
use beats::Beats;
use playout::Playout;
use pull::{Pull, Wishes};
use session::Session;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What to play, and where to.
#[derive(Clone, Debug)]
pub struct Config {
    /// `rtmp://...` or `rtmps://...` of the stream, credentials included; `http://...` or `https://...` of a stream in FLV or HLS.
    pub url: String,
    /// Where its sound goes.
    pub output: Output,
    /// The clock that tells how old a picture is.
    pub clock: ServerClock,
    /// Where the connection lives.
    pub runtime: tokio::runtime::Handle,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
    /// Where its pictures go; the last one stays there while the stream is interrupted.
    pub picture: Slot<Rgba>,
    /// How late it is played on purpose.
    pub latency: Latency,
    /// When the person pressed Enter, by the local clock: the first sound and picture are timed from here.
    pub start: Duration,
    /// Where the last minute's figures go.
    pub history: History<PlaySample>,
    /// Where its packets can be had beside.
    pub tap: Tap,
    /// Opens what was sealed on its way.
    pub opener: Opener,
    /// Whether to measure flash against beep (see [`Sync`](crate::media::stats::Sync)).
    pub sync: bool,
}

/// How somebody's picture is seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum View {
    /// As large as it comes.
    #[default]
    Full,
    /// On few lines: converted to no more than are seen.
    Small,
    /// Not at all: nothing is decoded.
    Hidden,
}

impl View {
    /// On how many lines a picture counts as small.
    pub const SMALL_LINES: u32 = 180;

    /// How a picture is seen that is shown on so many lines.
    pub fn of_lines(lines: u32) -> Self {
        match lines {
            0 => Self::Hidden,
            1..=Self::SMALL_LINES => Self::Small,
            _ => Self::Full,
        }
    }
}

/// How it stands with the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The first attempt is under way.
    #[default]
    Connecting,
    /// Packets come.
    Playing,
    /// The connection stands, but nothing comes: the publisher's is broken.
    Stalled,
    /// It broke or was refused, for this reason; the player tries again.
    Closed(Trouble),
}

/// Plays one stream until it is dropped, reconnecting by itself. Dropping it joins its thread.
pub struct Player {
    shared: Arc<Shared>,
    playout: Arc<Mutex<Playout>>,
    // In this order: nothing is decoded into a voice that is gone.
    _worker: Option<Worker>,
    voice: Voice,
    _output: Output,
}

/// What the owner and the thread share.
#[derive(Debug, Default)]
struct Shared {
    wishes: Mutex<Wishes>,
    state: Mutex<State>,
    stats: Mutex<PlayStats>,
}

/// Takes sound out of the jitter buffer for the mixed output.
struct Heard {
    playout: Arc<Mutex<Playout>>,
    beats: Option<Arc<Mutex<Beats>>>,
}

impl Source for Heard {
    fn render(&mut self, tick: Tick, out: &mut [f32; CHUNK_SAMPLES]) {
        lock(&self.playout).render(tick, out);
        if let Some(beats) = &self.beats {
            lock(beats).sound(tick.due, out);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Player {
    /// Starts to play.
    pub fn start(config: Config) -> Self {
        let Config { url, output, clock, runtime, proxy, picture, latency, start, history, tap, opener, sync } = config;
        let shared = Arc::new(Shared::default());
        let playout = Arc::new(Mutex::new(Playout::new(latency)));
        let beats = sync.then(Arc::default);
        let voice = output.voice(Heard { playout: playout.clone(), beats: beats.clone() });
        let name = thread_name(&url);
        let mut session = Session::new(clock.clone(), playout.clone(), picture, start, history);
        session.tap(tap);
        session.open_with(opener);
        if let Some(beats) = beats {
            session.measure(beats);
        }
        let pull = Pull::new(url, (runtime, proxy), clock.local().clone(), session, shared.clone());
        let worker = Worker::spawn(&name, move |stop| pull.run(stop));
        if let Err(error) = &worker {
            tracing::error!(%error, "no thread for a player");
            shared.set_state(State::Closed(Trouble::new(trouble::Kind::Broken, error.to_string())));
        }
        Self { shared, playout, _worker: worker.ok(), voice, _output: output }
    }

    /// How it stands with the connection.
    pub fn state(&self) -> State {
        lock(&self.shared.state).clone()
    }

    /// The figures, at most a tenth of a second old: no 100 ms of loudness goes unseen.
    pub fn stats(&self) -> PlayStats {
        lock(&self.shared.stats).clone()
    }

    /// Uses another URL for this stream from the next connection on: credentials expire.
    pub fn set_url(&self, url: impl Into<String>) {
        self.shared.wishes(|wishes| wishes.url = Some(url.into()));
    }

    /// Plays as late as this from now on: goes there as it would after a change of the network.
    pub fn set_latency(&self, latency: Latency) {
        lock(&self.playout).sound.set_latency(latency);
    }

    /// Does not wait any longer if it is waiting to connect again.
    pub fn retry_now(&self) {
        self.shared.wishes(|wishes| wishes.retry_now = true);
    }

    /// Plays its sound louder or quieter: 1 is as it comes, 2 twice as loud (more is not), 0 silent.
    pub fn set_volume(&self, volume: f32) {
        self.voice.set_volume(volume);
    }

    /// Says whether pictures should come: while the peer's camera is off, their absence is no freeze. They are expected at first.
    pub fn expect_picture(&self, expected: bool) {
        self.shared.wishes(|wishes| wishes.no_picture = !expected);
    }

    /// Says how the picture is seen. One that was hidden comes back with the next key frame, which is asked for at once.
    pub fn set_view(&self, view: View) {
        self.shared.wishes(|wishes| wishes.view = view);
    }

    /// Makes its pictures for a screen that works out colours itself (see [`Rgba::planes`]), from the next one on.
    pub fn set_planes(&self, on: bool) {
        self.shared.wishes(|wishes| wishes.planes = on);
    }

    /// Asks the publisher for a key frame (the player does so by itself when it needs one). Once a second at most.
    pub fn request_key_frame(&self) {
        self.shared.wishes(|wishes| wishes.key_frame = true);
    }
}

impl std::fmt::Debug for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Player").field("state", &self.state()).finish_non_exhaustive()
    }
}

impl Shared {
    fn wishes<T>(&self, change: impl FnOnce(&mut Wishes) -> T) -> T {
        change(&mut lock(&self.wishes))
    }

    fn set_state(&self, state: State) {
        *lock(&self.state) = state;
    }

    fn set_stats(&self, stats: PlayStats) {
        *lock(&self.stats) = stats;
    }
}

/// `play-` and the end of the stream's name: system tools show 15 bytes, and the end tells members apart.
fn thread_name(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    let name: Vec<char> = path.rsplit('/').next().unwrap_or_default().chars().filter(char::is_ascii_graphic).collect();
    let tail: String = name[name.len().saturating_sub(10)..].iter().collect();
    format!("play-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_named_after_its_stream_without_the_token() {
        assert_eq!(thread_name("rtmp://h:1935/live/room1_member9?token=secret"), "play-m1_member9");
        assert_eq!(thread_name("rtmp://h/live/ab"), "play-ab");
        assert_eq!(thread_name(""), "play-");
    }
}
