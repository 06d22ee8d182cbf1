//! What is wrong with a stream or an address, in words.

use crate::app::errors::{Remedy, Sentence};
use crate::app::i18n::Texts;
use crate::media::address::Wrong;
use crate::media::trouble::{Kind, Trouble};

/// What is sent or played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// One sends.
    Push,
    /// One watches.
    Play,
}

/// A stream's trouble.
pub fn trouble(texts: &Texts, side: Side, trouble: &Trouble) -> Sentence {
    let key = match (trouble.kind, side) {
        (Kind::BadAddress, _) => "live-error-address",
        (Kind::Unreachable, _) => "live-error-unreachable",
        (Kind::Proxy, _) => "live-error-proxy",
        (Kind::Untrusted, _) => "live-error-untrusted",
        (Kind::Timeout, _) => "live-error-timeout",
        (Kind::BadApplication, _) => "live-error-application",
        (Kind::BadName, Side::Push) => "live-error-name-push",
        (Kind::BadName | Kind::NotFound, _) => "live-error-not-found",
        (Kind::Denied, Side::Push) => "live-error-denied-push",
        (Kind::Denied, Side::Play) => "live-error-denied-play",
        (Kind::Failed, _) => "live-error-failed",
        (Kind::NotRtmp, _) => "live-error-not-rtmp",
        (Kind::NoStream, _) => "live-error-no-stream",
        (Kind::NothingToPlay, _) => "live-error-nothing",
        (Kind::Broken, _) => "live-error-broken",
        (Kind::Ended, Side::Push) => "live-error-ended-push",
        (Kind::Ended, Side::Play) => "live-error-ended-play",
        (Kind::Finished, _) => "live-error-finished",
    };
    let remedy = match trouble.kind {
        Kind::Proxy => Remedy::Network,
        kind if kind.is_final() => Remedy::Nothing,
        _ => Remedy::TryAgain,
    };
    Sentence { text: texts.t(key), detail: Some(trouble.detail.clone()), remedy }
}

/// What is wrong with an address.
pub fn address(texts: &Texts, side: Side, wrong: Wrong) -> String {
    texts.t(match (wrong, side) {
        (Wrong::Empty, Side::Push) => "live-address-empty-push",
        (Wrong::Empty, Side::Play) => "live-address-empty-play",
        (Wrong::Scheme, Side::Push) => "live-address-scheme-push",
        (Wrong::Scheme, Side::Play) => "live-address-scheme-play",
        (Wrong::Host, _) => "live-address-host",
        (Wrong::Port, _) => "live-address-port",
        (Wrong::Path, _) => "live-address-path",
        (Wrong::Text, _) => "live-address-text",
        (Wrong::Pin, _) => "live-address-pin",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::i18n::Lang;

    #[test]
    fn every_trouble_is_a_sentence_in_both_languages() {
        for lang in Lang::ALL {
            let texts = Texts::new(lang);
            let end = if lang == Lang::Zh { '。' } else { '.' };
            for side in [Side::Push, Side::Play] {
                let troubles = Kind::ALL.map(|kind| trouble(&texts, side, &Trouble::new(kind, "errno 111")).text);
                for sentence in troubles.into_iter().chain(Wrong::ALL.map(|wrong| address(&texts, side, wrong))) {
                    assert!(sentence.ends_with(end) && !sentence.starts_with("live-"), "{lang:?}: {sentence:?}");
                    assert!(!sentence.contains("errno"), "codes belong under details: {sentence:?}");
                }
            }
        }
    }
}
