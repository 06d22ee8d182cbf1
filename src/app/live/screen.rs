//! The stream that is played: a player, its sound and its picture.

use crate::app::prejoin::SILENT;
use crate::base::{Clock, Proxy, ServerClock, Slot};
use crate::media::audio::Output;
use crate::media::capture::SourceError;
use crate::media::devices::Choice;
use crate::media::frame::Rgba;
use crate::media::play::{self, Latency, Player, Smoothness};
use crate::media::stats::PlayStats;
use tokio::runtime::Handle;

/// What to play, and how.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Address, with whatever key it needs.
    pub url: String,
    /// How far behind.
    pub cache: Smoothness,
    /// How loud, in percent.
    pub percent: u16,
    /// The speaker; `None`: the system's default.
    pub speaker: Option<String>,
    /// The server's clock, where it is known.
    pub clock: ServerClock,
    /// What stands between this computer and the server.
    pub proxy: Proxy,
}

/// A stream that is played. Dropping it may take a moment.
#[derive(Debug)]
pub struct Screen {
    url: String,
    player: Player,
    output: Output,
    picture: Slot<Rgba>,
}

impl Screen {
    /// Starts to play; returns at once.
    ///
    /// # Errors
    /// When there is no thread for the sound. (A speaker that fails is no reason: pictures are shown all the same.)
    pub fn start(wanted: Wanted, runtime: Handle) -> Result<Self, SourceError> {
        let output = match wanted.speaker.as_deref() {
            Some(SILENT) => Output::silent(Clock::system())?,
            speaker => Output::open(Choice::from(speaker.map(str::to_owned)), Clock::system())?,
        };
        let picture = Slot::new();
        let player = Player::start(play::Config {
            url: wanted.url.clone(),
            output: output.clone(),
            start: wanted.clock.local().now(),
            clock: wanted.clock,
            runtime,
            proxy: wanted.proxy,
            picture: picture.clone(),
            latency: Latency::Live(wanted.cache),
            history: PlayStats::default().history,
            sync: false,
            tap: Default::default(),
            opener: Default::default(),
        });
        let screen = Self { url: wanted.url, player, output, picture };
        screen.set_percent(wanted.percent);
        Ok(screen)
    }

    /// What is played.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The picture; newest wins.
    pub fn picture(&self) -> &Slot<Rgba> {
        &self.picture
    }

    /// How it stands.
    pub fn state(&self) -> play::State {
        self.player.state()
    }

    /// What is heard.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// The figures.
    pub fn stats(&self) -> PlayStats {
        self.player.stats()
    }

    /// Plays it as far behind as this.
    pub fn set_cache(&self, cache: Smoothness) {
        self.player.set_latency(Latency::Live(cache));
    }

    /// Plays it as loud as this.
    pub fn set_percent(&self, percent: u16) {
        self.player.set_volume(f32::from(percent) / 100.0);
    }
}
