//! Everything that can go wrong, as one plain sentence each; what exactly happened is kept as a detail.

use super::i18n::Texts;
use crate::base::cause;
use crate::call::Ended;
use crate::media::capture::{SourceError, SourceErrorKind};
use crate::proto::event::DissolveReason;
use crate::proto::invite::InviteError;
use crate::proto::name::NameError;
use crate::proto::{AddressError, Code};
use crate::room;

/// A failure in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// What to say, and what to do.
    pub text: String,
    /// What exactly, in English.
    pub detail: Option<String>,
    /// What helps.
    pub remedy: Remedy,
}

/// What helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The same again, a little later.
    TryAgain,
    /// A corrected password.
    Password,
    /// The room's invite, with its key.
    Link,
    /// Another server.
    Server,
    /// Another way to servers.
    Network,
    /// Another device.
    Device,
    /// Another name.
    Name,
    /// A new room instead of the one that is gone.
    OpenAgain,
    /// The same seat again, taken back from where one signed in since.
    ComeBack,
    /// Nothing: it is simply so.
    Nothing,
}

/// A device of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The picture's source.
    Camera,
    /// The sound's source.
    Mic,
    /// Where the others' sound goes.
    Speaker,
    /// What one shares of the screen.
    Screen,
}

/// A failed request.
pub fn room(texts: &Texts, error: &room::Error) -> Sentence {
    let (text, remedy) = match error {
        room::Error::BadAddress { address, source } => {
            let key = if *source == AddressError::BadPin { "error-bad-pin" } else { "error-bad-address" };
            (texts.with(key, &[("address", address.into())]), Remedy::Server)
        }
        room::Error::Untrusted { server, why } => {
            let key = if why.pinned { "error-wrong-pin" } else { "error-untrusted" };
            (texts.with(key, &[("server", server.into())]), Remedy::Server)
        }
        room::Error::Unreachable { server, .. } => {
            (texts.with("error-unreachable", &[("server", server.into())]), Remedy::TryAgain)
        }
        room::Error::Proxy { proxy, server, refused, .. } => {
            let key = if *refused { "error-proxy-refuses" } else { "error-proxy-unreachable" };
            (texts.with(key, &[("proxy", proxy.into()), ("server", server.into())]), Remedy::Network)
        }
        room::Error::Timeout { server } => (texts.with("error-timeout", &[("server", server.into())]), Remedy::TryAgain),
        room::Error::NotParlor { server, .. } => (texts.with("error-not-parlor", &[("server", server.into())]), Remedy::Server),
        room::Error::Problem(problem) => {
            let (key, remedy) = problem_key(problem.code);
            (texts.t(key), remedy)
        }
    };
    Sentence { text, detail: Some(cause::chain(error)), remedy }
}

fn problem_key(code: Code) -> (&'static str, Remedy) {
    match code {
        Code::BadRequest | Code::NotFound => ("error-bad-request", Remedy::Nothing),
        Code::BadName => ("error-bad-name", Remedy::Name),
        Code::Unauthorized => ("error-unauthorized", Remedy::TryAgain),
        Code::SignedInElsewhere => ("error-signed-in-elsewhere", Remedy::ComeBack),
        Code::AccessKeyRequired => ("error-access-key-required", Remedy::Server),
        Code::WrongAccessKey => ("error-wrong-access-key", Remedy::Server),
        Code::Forbidden => ("error-forbidden", Remedy::Nothing),
        Code::WrongPassword => ("error-wrong-password", Remedy::Password),
        Code::KeyRequired => ("error-key-required", Remedy::Link),
        Code::RoomNotFound => ("error-room-not-found", Remedy::OpenAgain),
        Code::NotAMember => ("error-not-a-member", Remedy::TryAgain),
        Code::Removed => ("error-removed", Remedy::Nothing),
        Code::BadReceipt => ("error-bad-receipt", Remedy::TryAgain),
        Code::EncryptionRequired => ("error-encryption-required", Remedy::Server),
        Code::RoomFull => ("error-room-full", Remedy::TryAgain),
        Code::AudienceFull => ("error-audience-full", Remedy::TryAgain),
        Code::WrongMode => ("error-wrong-mode", Remedy::Nothing),
        Code::Conflict => ("error-conflict", Remedy::Name),
        Code::TooLarge => ("error-too-large", Remedy::Nothing),
        Code::RateLimited => ("error-rate-limited", Remedy::TryAgain),
        Code::ServerFull => ("error-server-full", Remedy::TryAgain),
        Code::StoreUnavailable => ("error-store-unavailable", Remedy::TryAgain),
        Code::Stopping => ("error-stopping", Remedy::TryAgain),
        Code::TooSlow => ("error-too-slow", Remedy::TryAgain),
        Code::Internal | Code::Unknown => ("error-internal", Remedy::TryAgain),
    }
}

/// A failed device.
pub fn source(texts: &Texts, part: Part, error: &SourceError) -> Sentence {
    use SourceErrorKind as Kind;
    let key = match (part, error.kind) {
        (_, Kind::BrokenFile) => "error-file-broken",
        (Part::Screen, Kind::Gone) => "error-screen-gone",
        (Part::Screen, Kind::Denied) => "error-screen-denied",
        (Part::Screen, Kind::Stalled) => "error-screen-minimised",
        (Part::Screen, _) => "error-screen-other",
        (Part::Camera, Kind::NoDevice) => "error-camera-missing",
        (Part::Camera, Kind::Busy) => "error-camera-busy",
        (Part::Camera, Kind::Denied) => "error-camera-denied",
        (Part::Camera, Kind::UnsupportedFormat) => "error-camera-format",
        (Part::Camera, Kind::Stalled) => "error-camera-stalled",
        (Part::Camera, Kind::Silent | Kind::Gone | Kind::Cancelled | Kind::Other) => "error-camera-other",
        (Part::Mic, Kind::NoDevice) => "error-mic-missing",
        (Part::Mic, Kind::Busy) => "error-mic-busy",
        (Part::Mic, Kind::Denied) => "error-mic-denied",
        (Part::Mic, Kind::UnsupportedFormat) => "error-mic-format",
        (Part::Mic, Kind::Stalled) => "error-mic-stalled",
        (Part::Mic, Kind::Silent) => "error-mic-silent",
        (Part::Mic, Kind::Gone | Kind::Cancelled | Kind::Other) => "error-mic-other",
        (Part::Speaker, Kind::NoDevice) => "error-speaker-missing",
        (Part::Speaker, Kind::Busy) => "error-speaker-busy",
        (Part::Speaker, Kind::Denied) => "error-speaker-denied",
        (Part::Speaker, Kind::UnsupportedFormat) => "error-speaker-format",
        (Part::Speaker, Kind::Stalled) => "error-speaker-stalled",
        (Part::Speaker, Kind::Silent | Kind::Gone | Kind::Cancelled | Kind::Other) => "error-speaker-other",
    };
    Sentence { text: texts.t(key), detail: Some(error.detail.clone()), remedy: Remedy::Device }
}

/// The end of a call.
pub fn ended(texts: &Texts, why: &Ended) -> Sentence {
    let say = |key, remedy| Sentence { text: texts.t(key), detail: None, remedy };
    match why {
        Ended::Left => say("ended-title", Remedy::Nothing),
        Ended::Dissolved(DissolveReason::CreatorLeft) => say("ended-host-left", Remedy::OpenAgain),
        Ended::Dissolved(DissolveReason::Ended) => say("ended-by-host", Remedy::Nothing),
        Ended::Dissolved(DissolveReason::Empty) => say("ended-empty", Remedy::OpenAgain),
        Ended::Dissolved(DissolveReason::ByOperator) => say("ended-by-operator", Remedy::Nothing),
        Ended::Removed => say("ended-removed", Remedy::Nothing),
        Ended::Replaced => say("ended-replaced", Remedy::ComeBack),
        Ended::Failed(error) => room(texts, error),
    }
}

/// A server inside this program that does not start.
pub fn host(texts: &Texts, detail: String) -> Sentence {
    Sentence { text: texts.t("error-host"), detail: Some(detail), remedy: Remedy::Server }
}

/// A bad name of a person or a room.
pub fn name(texts: &Texts, error: NameError) -> String {
    match error {
        NameError::Empty => texts.t("name-empty"),
        NameError::TooLong => texts.t("name-too-long"),
        NameError::Forbidden(c) if c.is_control() => texts.with("name-forbidden", &[("char", "␣".into())]),
        NameError::Forbidden(c) => texts.with("name-forbidden", &[("char", c.to_string().as_str().into())]),
    }
}

/// A text that is no invite.
pub fn invite(texts: &Texts, error: InviteError) -> String {
    match error {
        InviteError::Empty => texts.t("join-empty"),
        InviteError::NotAnInvite => texts.t("join-not-invite"),
        InviteError::BadServer => texts.t("join-bad-server"),
        InviteError::BadPin => texts.t("join-bad-pin"),
        InviteError::BadKey => texts.t("join-bad-key"),
        InviteError::NoRoom => texts.t("join-no-room"),
        InviteError::BadRoom(error) => name(texts, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::i18n::Lang;
    use crate::proto::Problem;

    #[test]
    fn every_error_is_a_sentence_in_both_languages() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let end = if lang == Lang::Zh { '。' } else { '.' };
            let mut said = Vec::new();
            for code in Code::ALL {
                said.push(room(&texts, &Problem::new(code, "details").into()).text);
            }
            for source in [AddressError::NotAnAddress, AddressError::BadPin] {
                said.push(room(&texts, &room::Error::BadAddress { address: "a b".into(), source }).text);
            }
            for pinned in [false, true] {
                let why = room::Untrusted { pinned, detail: "ENODEV".into() };
                said.push(room(&texts, &room::Error::Untrusted { server: "h:1".into(), why }).text);
            }
            for refused in [false, true] {
                let (proxy, server, detail) = ("p:1".into(), "h:1".into(), "ENODEV".into());
                said.push(room(&texts, &room::Error::Proxy { proxy, server, refused, detail }).text);
            }
            said.push(room(&texts, &room::Error::Timeout { server: "h:1".into() }).text);
            said.push(room(&texts, &room::Error::NotParlor { server: "h:1".into(), detail: "x".into() }).text);
            for part in [Part::Camera, Part::Mic, Part::Speaker, Part::Screen] {
                use SourceErrorKind as K;
                for kind in [
                    K::NoDevice,
                    K::Busy,
                    K::Denied,
                    K::UnsupportedFormat,
                    K::Stalled,
                    K::Silent,
                    K::Gone,
                    K::BrokenFile,
                    K::Other,
                ] {
                    said.push(source(&texts, part, &SourceError::new(kind, "ENODEV")).text);
                }
            }
            for reason in [DissolveReason::CreatorLeft, DissolveReason::Ended, DissolveReason::Empty, DissolveReason::ByOperator]
            {
                said.push(ended(&texts, &Ended::Dissolved(reason)).text);
            }
            said.push(ended(&texts, &Ended::Replaced).text);
            said.push(ended(&texts, &Ended::Removed).text);
            said.push(name(&texts, NameError::Forbidden('<')));
            for sentence in said {
                assert!(sentence.ends_with(end), "{lang:?}: {sentence:?} is no sentence");
                assert!(!sentence.contains("{") && !sentence.starts_with("error-"), "{sentence:?}");
                assert!(!sentence.contains("ENODEV"), "codes belong under details: {sentence:?}");
            }
        }
    }
}
