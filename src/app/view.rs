//! What screens are given and what they give back. Screens draw plain data and collect [`Action`]s; the [`App`](super::App) applies them
//! once after the frame. So every screen can be tested without devices or network.

use super::call::look;
use super::errors::Sentence;
use super::i18n::{Lang, Texts, Value};
use super::live;
use super::settings::{ServerChoice, Theme};
use super::{diagnostics, home, settings, share};
use crate::call::Volume;
use crate::media::audio::chain::Noise;
use crate::media::beauty::Beauty;
use crate::media::devices::Kind;
use crate::proto::api::RoomSummary;
use crate::proto::{Invite, MemberId, Mode};
use std::time::Duration;

/// A click, in terms of what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Speak another language.
    SetLang(Lang),
    /// Light or dark.
    SetTheme(Theme),
    /// Show or hide the room list.
    ShowSidebar(bool),
    /// Use another server.
    UseServer(ServerChoice),
    /// Read the room list now.
    RefreshRooms,
    /// Put a text on the clipboard and say so.
    Copy {
        /// The text.
        text: String,
        /// What to say.
        said: String,
    },
    /// Prepare a new room.
    New(Mode),
    /// Prepare to enter the room of an invite.
    Join(Invite),
    /// Prepare to enter a listed room.
    Enter(RoomSummary),
    /// Go to the first page.
    Home,
    /// Go back from the page before a call.
    Back,
    /// Something on the first page.
    First(home::Action),
    /// Something on the page with the settings.
    Settings(settings::page::Action),
    /// Something about the file for whoever is asked for help.
    Diagnostics(diagnostics::page::Action),
    /// Go on from the pre-join page.
    Start,
    /// Open the chosen devices anew.
    Reopen,
    /// Try again what has just failed.
    TryAgain,
    /// Microphone on or off.
    SetMic(bool),
    /// Camera on or off.
    SetCamera(bool),
    /// Open or close the devices' dialog.
    OpenDevices(bool),
    /// Use another device (or another source), given as a word.
    Choose(Kind, String),
    /// Play a chime through the speaker.
    TestSpeaker,
    /// Record three seconds and play them.
    TestMic,
    /// Open a device that failed once more.
    RetryDevice(Kind),
    /// Go on without a device that failed.
    Without(Kind),
    /// Open or close the chat.
    ToggleChat,
    /// Show or hide the figures.
    ToggleStats,
    /// Say on how many lines of pixels somebody's picture is shown.
    SetView {
        /// Who.
        member: MemberId,
        /// Lines; 0 while it is hidden.
        lines: u32,
    },
    /// Say a line of chat.
    Say(String),
    /// Play somebody louder, quieter or not at all, and remember it.
    SetVolume {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// How loud.
        volume: Volume,
    },
    /// Smooth and lighten one's picture more or less.
    SetBeauty(Beauty),
    /// Take more or less noise out of the microphone's sound.
    SetNoise(Noise),
    /// Put a synthetic member into the room.
    CallPartner,
    /// Recordings and snapshots.
    Record(super::record::Action),
    /// Something about sharing the screen.
    Share(share::Action),
    /// Reconnect now.
    RetryNow,
    /// Arrange the stage, and what lies over it.
    Stage(look::Act),
    /// Be heard while a key is held, or no longer.
    Talk(bool),
    /// Leave the call.
    Leave,
    /// A click on the page of standard live.
    Live(live::Action),
}

/// What every screen gets.
pub struct Cx<'a> {
    /// What to say.
    pub texts: &'a Texts,
    /// What was clicked, in order.
    pub actions: &'a mut Vec<Action>,
    /// Now.
    pub now: Duration,
}

impl Cx<'_> {
    /// A text.
    pub fn t(&self, key: &str) -> String {
        self.texts.t(key)
    }

    /// A text with placeholders.
    pub fn with(&self, key: &str, values: &[(&str, Value<'_>)]) -> String {
        self.texts.with(key, values)
    }

    /// Collects an action.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }
}

/// How the server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerView {
    /// The one inside this program starts.
    Starting,
    /// It is asked whether it is there.
    Checking,
    /// It is there.
    Ready {
        /// `host:port`, as others reach it.
        address: String,
        /// The same with its key, to be given to others.
        link: String,
        /// Whose it is.
        kind: ServerKind,
    },
    /// It is not.
    Failed(Sentence),
}

/// What is known of an address that is being typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeView {
    /// It is asked.
    Checking,
    /// There is a server, and it lets one in.
    Works,
    /// It cannot be used.
    Failed {
        /// Why.
        sentence: Sentence,
        /// An access key may help.
        key_wanted: bool,
    },
}

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerKind {
    /// Inside this program.
    Own,
    /// Inside another program on this computer.
    Shared,
    /// Somewhere else.
    Remote,
}

/// The room list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RoomsView {
    /// Not read yet.
    Loading,
    /// As read last.
    List(Vec<RoomSummary>),
    /// It cannot be read.
    Failed(Sentence),
}

/// Name of a mode.
pub fn mode_name(texts: &Texts, mode: Mode) -> String {
    match mode {
        Mode::Duo => texts.t("mode-duo"),
        Mode::Multi => texts.t("mode-multi"),
        Mode::Live => texts.t("mode-live"),
    }
}
