//! Devices that are open to be looked at, and nobody else sees or hears them: before a call, and among the settings.

use super::{DevicesView, Picture};
use crate::app::call::videos::{Feed, Pace};
use crate::app::prejoin::preview::{Preview, Wake};
use crate::call::snapshot::DeviceState;
use crate::media::devices::Lists;
use egui::Context;
use std::time::Duration;

/// The devices, and the picture that comes from them.
pub struct Trial {
    /// The devices.
    pub preview: Preview,
    /// The picture.
    pub feed: Feed,
}

impl Trial {
    /// Nothing open yet.
    pub fn new(wake: Wake) -> Self {
        Self { preview: Preview::new(wake), feed: Feed::default() }
    }

    /// Takes the newest picture; the window is painted when the next one comes.
    pub fn look(&mut self, ctx: &Context) {
        self.feed.watch(ctx, self.preview.picture(), &Pace::default(), Duration::ZERO);
        self.feed.update(ctx, None);
        if self.preview.state().video_failure.is_some() {
            self.feed.video.clear();
        }
    }

    /// Whether something did not open.
    pub fn has_failed(&self) -> bool {
        let state = self.preview.state();
        state.video_failure.is_some() || state.audio_failure.is_some()
    }

    /// How it is, where these words are `chosen`: camera, microphone, speaker.
    pub fn view<'a>(&'a self, lists: &'a Lists, chosen: [String; 3], mirrored: bool) -> DevicesView<'a> {
        let state = self.preview.state();
        let camera = DeviceState { in_use: state.camera, failure: state.video_failure };
        let mic = DeviceState { in_use: state.mic, failure: state.audio_failure };
        DevicesView {
            lists,
            chosen,
            states: [camera, mic, self.preview.speaker()],
            level: state.level,
            check: state.check,
            heard: false,
            picture: Picture { video: Some(&self.feed.video), opening: state.opening, mirrored },
        }
    }
}
