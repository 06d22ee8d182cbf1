//! What a person can ask of a call.

use super::Volume;
use crate::media::audio::chain::Noise;
use crate::media::beauty::Beauty;
use crate::media::capture;
use crate::media::capture::screen::{Mode, Target};
use crate::proto::MemberId;
use std::path::PathBuf;
use std::time::Duration;

/// What to share of the screen, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// What of the screen.
    pub target: Target,
    /// What the person calls it: a window's title, a screen's name.
    pub name: String,
    /// What matters in it.
    pub mode: Mode,
    /// Whether what the computer plays is heard with it, but for the call itself; only where that can be kept apart.
    pub sound: bool,
}

/// A wish; applied by the actor in order, never blocks the caller.
#[derive(Clone, Debug)]
pub enum Command {
    /// Switch the microphone on or off.
    SetMic(bool),
    /// Switch the camera on or off; off keeps the call (and the sound) alive.
    SetCamera(bool),
    /// Take the picture from another source.
    SetVideoSource(capture::VideoSource),
    /// Take the sound from another source.
    SetAudioSource(capture::AudioSource),
    /// Play through another output; `None`: the system's default.
    SetSpeaker(Option<String>),
    /// Play a chime, so that the person hears which output is used.
    TestSpeaker,
    /// Record three seconds from the microphone and play them.
    TestMic,
    /// Show this instead of the camera, which becomes a small picture in its corner; instead of what is shared already, if anything is.
    Share(Share),
    /// Show the camera again.
    StopShare,
    /// Open the picture's source anew.
    RetryCamera,
    /// Open the sound's source anew.
    RetryMic,
    /// Take more or less noise out of the microphone's sound.
    SetNoise(Noise),
    /// Tell with a short sound, or no longer, that somebody came, is gone or wrote.
    SetChimes(bool),
    /// Send one's picture as a mirror shows it, or the right way round.
    SetMirror(bool),
    /// Smooth and lighten the picture of the camera more or less.
    SetBeauty(Beauty),
    /// Play somebody louder, quieter or not at all; remembered for the length of the call, by their name.
    SetVolume {
        /// Who.
        member: MemberId,
        /// How loud.
        volume: Volume,
    },
    /// Say on how many lines of pixels somebody's picture is shown, 0 while it is hidden: it is decoded accordingly, and nobody sends more than is seen.
    SetView {
        /// Who.
        member: MemberId,
        /// Lines.
        lines: u32,
    },
    /// Begin to record to files on this computer; everybody is told for as long as it lasts.
    Record {
        /// Whom.
        what: Recorded,
        /// Where to.
        place: Place,
    },
    /// End a recording.
    StopRecording(Recorded),
    /// Write somebody's next picture into a file of this folder, in its full size.
    TakeSnapshot {
        /// Who; `None`: oneself.
        of: Option<MemberId>,
        /// The folder; it is made if it is not there.
        folder: PathBuf,
    },
    /// Say a line of chat.
    SendText(String),
    /// Send an application's own message.
    SendCustom {
        /// What it is.
        command: String,
        /// Its data.
        data: String,
    },
    /// Try to reconnect now instead of waiting for the back-off.
    RetryNow,
    /// End the room for everybody (the creator only).
    Dissolve,
    /// Ask somebody's program to mute their microphone (the creator only).
    RequestMute(MemberId),
    /// Remove somebody for good (the creator only).
    RemoveMember(MemberId),
}

/// What can be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// Everybody, in one picture and one sound.
    Stage,
    /// What one sends oneself.
    Me,
    /// Somebody else, as they are received.
    Peer(MemberId),
}

/// Where recordings go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder; it is made if it is not there.
    pub folder: PathBuf,
    /// After so long another file is begun; `None`: never.
    pub slice: Option<Duration>,
}
