//! Standard live: what one sends on the left, what one watches on the right. Any address will do on either side; the server in use gives out
//! addresses of its own.
//!
//! [`page`] draws [`LiveView`], plain data, and collects [`Action`]s; [`stage`] owns what runs meanwhile: sources and stream ([`studio`]), the player
//! ([`screen`]), the seat or place at the room service ([`room`]).

pub mod form;
pub mod page;
pub mod preset;
pub mod room;
pub mod screen;
pub mod studio;
pub mod words;

mod apply;
mod play_side;
mod push_side;
mod stage;

use crate::app::errors::Sentence;
use crate::app::settings::Theme;
use crate::media::address::Ways;
use crate::media::devices::Lists;
use crate::proto::RoomId;
use crate::ui::Video;
use crate::ui::overlay::Group;
use std::time::Duration;

pub use form::{Form, Remembered};
pub use page::show;
pub(super) use stage::{Ground, Stage};

/// A click on this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Go to the page.
    Open,
    /// Use the sources that are chosen now.
    Sources,
    /// Open sources that failed once more.
    Reopen,
    /// The microphone was switched.
    Mic,
    /// Ask the server for an address to send to.
    Fetch,
    /// Give that address up.
    Release,
    /// Send.
    Start,
    /// Send no more.
    Stop,
    /// Watch a live room of the server.
    Watch {
        /// Its id.
        room: RoomId,
    },
    /// Play the address.
    Play,
    /// Play no more.
    StopPlaying,
    /// The cache setting or the loudness was changed.
    Adjust,
    /// What was typed is worth remembering.
    Typed,
}

/// How it stands with what is sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PushView {
    /// Nothing is sent.
    #[default]
    Off,
    /// The server has not said yes yet.
    Connecting,
    /// It flows, since so long.
    Live(Duration),
    /// It broke off, and is tried again.
    Broken(Sentence),
    /// It did not come about.
    Failed(Sentence),
}

impl PushView {
    /// Whether there is something to stop.
    pub fn runs(&self) -> bool {
        matches!(self, Self::Connecting | Self::Live(_) | Self::Broken(_))
    }
}

/// How it stands with what is played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PlayView {
    /// Nothing is played.
    #[default]
    Off,
    /// Nothing has come yet.
    Connecting,
    /// It plays.
    Playing,
    /// The connection stands, but nothing comes.
    Stalled,
    /// It does not play for this reason, and is tried again.
    Waiting(Sentence),
    /// It does not play for this reason.
    Failed(Sentence),
    /// A recording is over.
    Finished,
}

impl PlayView {
    /// Whether there is something to stop.
    pub fn runs(&self) -> bool {
        matches!(self, Self::Connecting | Self::Playing | Self::Stalled | Self::Waiting(_))
    }
}

/// How it stands with an address from the server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RoomView {
    /// None was asked for.
    #[default]
    None,
    /// The server has not answered yet.
    Asking,
    /// It is there.
    Held {
        /// What the live room is called.
        name: String,
        /// How many watch.
        viewers: usize,
        /// Whether somebody sends.
        flows: bool,
    },
    /// It did not come about, or is lost.
    Failed(Sentence),
}

/// An address as other programs ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// "Server".
    pub server: String,
    /// "Stream key".
    pub key: String,
    /// The way to the server is encrypted.
    pub encrypted: bool,
}

/// A live room that can be watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Show {
    /// Its id.
    pub room: RoomId,
    /// Its name.
    pub name: String,
    /// A password is asked.
    pub locked: bool,
}

/// What the page shows beside its own fields.
#[derive(Debug)]
pub struct LiveView<'a> {
    /// Light or dark.
    pub theme: Theme,
    /// Devices to choose from.
    pub lists: &'a Lists,
    /// One's own picture.
    pub preview: &'a Video,
    /// The camera is being opened.
    pub opening: bool,
    /// Why there is no picture.
    pub video_failure: Option<&'a Sentence>,
    /// Why there is no sound.
    pub audio_failure: Option<&'a Sentence>,
    /// Level of the sound, RMS.
    pub level: f32,
    /// The stream that is sent.
    pub push: &'a PushView,
    /// Its figures.
    pub push_figures: &'a [Group],
    /// The address that the server gave to send to.
    pub seat: &'a RoomView,
    /// The address to send to, for other programs.
    pub program: Option<&'a Program>,
    /// Where players find what is sent, once it flows in a live room of one's own.
    pub players: Option<&'a Ways>,
    /// The picture that is played.
    pub picture: &'a Video,
    /// The stream that is played.
    pub play: &'a PlayView,
    /// Its figures.
    pub play_figures: &'a [Group],
    /// The live room that is watched.
    pub place: &'a RoomView,
    /// The live room whose password is asked for.
    pub locked: Option<&'a RoomId>,
    /// Live rooms of the server; `None`: the list cannot be read.
    pub shows: Option<&'a [Show]>,
}
