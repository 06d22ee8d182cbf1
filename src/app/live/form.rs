//! What is being chosen and typed on the page.

use super::preset::{Coding, Preset};
use crate::app::devices::sources;
use crate::app::i18n::Texts;
use crate::app::settings::Settings;
use crate::media::address::Wrong;
use crate::media::capture::{AudioSource, VideoSource};
use crate::media::play::Smoothness;
use crate::proto::RoomId;
use serde::{Deserialize, Serialize};

/// Loudest that a stream is played.
pub const MAX_PERCENT: u16 = 200;

/// What the program remembers of the page. Addresses that a server gave out are not among it: they are good for one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// Address that was typed last to send to.
    pub push_url: String,
    /// Address that was played last.
    pub play_url: String,
    /// Size and rate.
    pub preset: Preset,
    /// One's own size and rate.
    pub custom: Coding,
    /// How far behind a stream is played.
    pub cache: Smoothness,
    /// How loud.
    pub percent: u16,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            push_url: String::new(),
            play_url: String::new(),
            preset: Preset::default(),
            custom: Coding::default(),
            cache: Smoothness::default(),
            percent: 100,
        }
    }
}

/// The page's fields.
#[derive(Clone, Debug)]
pub struct Form {
    /// The picture's source, as a word.
    pub video: String,
    /// Path of a video file.
    pub video_path: String,
    /// The sound's source, as a word.
    pub audio: String,
    /// Path of a file with sound.
    pub audio_path: String,
    /// Microphone on.
    pub mic: bool,
    /// Size and rate.
    pub preset: Preset,
    /// One's own size and rate.
    pub custom: Coding,
    /// What a live room made for the stream is called.
    pub title: String,
    /// Whether errors of the title are shown.
    pub strict: bool,
    /// Where to send to.
    pub push_url: String,
    /// What is wrong with it.
    pub push_wrong: Option<Wrong>,
    /// What to play.
    pub play_url: String,
    /// Password of a live room to watch.
    pub password: String,
    /// The live room that it is for.
    pub watched: Option<RoomId>,
    /// What is wrong with it.
    pub play_wrong: Option<Wrong>,
    /// How far behind it is played.
    pub cache: Smoothness,
    /// How loud, in percent.
    pub percent: u16,
    /// Figures on both pictures.
    pub stats: bool,
}

impl Form {
    /// What was typed for this live room; what was typed for another one is forgotten.
    pub fn password_for(&mut self, room: &RoomId) -> Option<String> {
        if self.watched.replace(room.clone()).is_some_and(|other| other != *room) {
            self.password.clear();
        }
        Some(self.password.clone()).filter(|password| !password.is_empty())
    }

    /// The page as the settings suggest it.
    pub fn new(texts: &Texts, settings: &Settings) -> Self {
        let (video, video_path) = sources::words_of_video(&settings.video);
        let (audio, audio_path) = sources::words_of_audio(&settings.audio);
        let live = &settings.live;
        let name = if settings.name.trim().is_empty() { texts.t("guest") } else { settings.name.trim().to_owned() };
        Self {
            video,
            video_path,
            audio,
            audio_path,
            mic: true,
            preset: live.preset,
            custom: live.custom.sane(),
            title: texts.with("live-title-default", &[("name", (&name).into())]),
            strict: false,
            push_url: live.push_url.clone(),
            push_wrong: None,
            play_url: live.play_url.clone(),
            password: String::new(),
            watched: None,
            play_wrong: None,
            cache: live.cache,
            percent: live.percent.min(MAX_PERCENT),
            stats: false,
        }
    }

    /// What is sent.
    pub fn coding(&self) -> Coding {
        self.preset.coding(self.custom)
    }

    /// The chosen source of the picture.
    pub fn video_source(&self) -> VideoSource {
        sources::video(&self.video, &self.video_path)
    }

    /// The chosen source of the sound.
    pub fn audio_source(&self) -> AudioSource {
        sources::audio(&self.audio, &self.audio_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::i18n::Lang;

    #[test]
    fn a_password_is_for_one_room_only() {
        let mut form = Form::new(&Texts::new(Lang::En), &Settings::default());
        let (one, other) = (RoomId::new("one"), RoomId::new("other"));
        assert_eq!(form.password_for(&one), None, "it is not known yet that one is asked for");
        form.password = "geheim".into();
        assert_eq!(form.password_for(&one).as_deref(), Some("geheim"));
        assert_eq!(form.password_for(&other), None);
        assert_eq!(form.password_for(&one), None, "it was forgotten");
    }
}
