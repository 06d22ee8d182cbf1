//! What happened in a call.

use crate::proto::MemberId;
use crate::proto::event::DissolveReason;
use std::path::PathBuf;

/// Something to tell the person, once.
#[derive(Clone, Debug)]
pub enum Event {
    /// One's own stream flows and the seat is taken.
    Entered,
    /// Somebody came.
    PeerJoined {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
    },
    /// Somebody is gone.
    PeerLeft {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
    },
    /// Somebody's picture and sound cannot be read, because of the room's key.
    PeerUnreadable {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// Why.
        why: crate::media::seal::Trouble,
    },
    /// Somebody begins to share their screen, or ends it.
    PeerShares {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// Whether they do now.
        on: bool,
    },
    /// A line of chat; also in the snapshot.
    Text {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// The line.
        text: String,
        /// Whether one said it oneself.
        own: bool,
        /// Whether it was said before one came, or while one was away.
        earlier: bool,
    },
    /// An application's own message.
    Custom {
        /// Who.
        member: MemberId,
        /// What it is.
        command: String,
        /// Its data.
        data: String,
    },
    /// The connection broke; the call tries to come back by itself.
    Reconnecting,
    /// The connection is back.
    Reconnected,
    /// Another device is used than a moment ago: the chosen one was lost or is back, or the system's default changed.
    DeviceMoved {
        /// What for.
        kind: crate::media::devices::Kind,
        /// Which, and why.
        news: crate::media::devices::News,
    },
    /// What one sends has changed, for this reason.
    Quality(crate::media::publish::Change),
    /// The picture's source failed; the call goes on without it.
    VideoSourceFailed(crate::media::capture::SourceError),
    /// What was to be shared cannot be, or not any more; the camera is shown again.
    ShareFailed(crate::media::capture::SourceError),
    /// What the computer plays cannot be shared along; the picture is.
    SharedWithoutSound(crate::media::capture::SourceError),
    /// The sound's source failed; the call goes on without it.
    AudioSourceFailed(crate::media::capture::SourceError),
    /// The image to be shown while the camera is off cannot be used; initials are.
    PauseImageFailed(crate::media::capture::SourceError),
    /// There is no sound output; the call goes on without it.
    SpeakerFailed(crate::media::capture::SourceError),
    /// A line of chat was not delivered.
    TextFailed {
        /// The line, so that it can be offered again.
        text: String,
        /// Why.
        error: crate::room::Error,
    },
    /// Somebody began to record on their computer, or ended it.
    PeerRecording {
        /// Who.
        member: MemberId,
        /// Their display name.
        name: String,
        /// Whether it began.
        on: bool,
    },
    /// A recording on this computer ended, because one wanted that, or by itself.
    RecordingEnded {
        /// Who or what was recorded.
        name: String,
        /// Its files.
        files: Vec<PathBuf>,
        /// Why it ended by itself.
        error: Option<crate::media::record::Error>,
    },
    /// A snapshot is in its file.
    SnapshotTaken {
        /// Of whom.
        name: String,
        /// The file.
        path: PathBuf,
    },
    /// No snapshot could be taken.
    SnapshotFailed {
        /// Of whom.
        name: String,
        /// Why it could not be written; `None`: no picture came.
        error: Option<crate::media::record::Error>,
    },
    /// The host asked for silence: the microphone was switched off. Only the person switches it on again.
    MutedByHost,
    /// Somebody talks into the microphone while it is switched off.
    TalkingWhileMuted,
    /// Something that was asked of the room as its host was refused.
    Refused(crate::room::Error),
    /// The call is over; nothing follows.
    Ended(Ended),
}

/// Why a call is over.
#[derive(Clone, Debug)]
pub enum Ended {
    /// One left.
    Left,
    /// The room was dissolved.
    Dissolved(DissolveReason),
    /// The same person signed in elsewhere.
    Replaced,
    /// The room's host, or an operator of the server, removed one.
    Removed,
    /// It could not be started, or not be continued: the room is full, gone, locked, the name is bad, the server does not answer, ...
    Failed(crate::room::Error),
}
