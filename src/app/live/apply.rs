//! What clicks on the live page do.

use super::Action;
use super::room::Desk;
use super::stage::Stage;
use crate::app::{App, Page};
use crate::media::address;
use crate::proto::api::Login;
use crate::proto::name;
use crate::ui::toast;

impl App {
    /// Does what was clicked.
    pub(in crate::app) fn apply_to_live(&mut self, action: Action) {
        if action == Action::Open {
            return self.open_live();
        }
        let desk = self.desk();
        let Page::Live(stage) = &mut self.page else { return };
        match action {
            Action::Open => {}
            Action::Sources => stage.choose_sources(),
            Action::Reopen => stage.reopen(true),
            Action::Mic => stage.switch_mic(),
            Action::Fetch | Action::Watch { .. } if desk.is_none() => {
                let text = self.texts.t("live-no-server");
                self.toasts.push(toast::Kind::Error, text, None, self.clock.now());
                return;
            }
            Action::Fetch => {
                if let Some(desk) = desk {
                    stage.fetch(desk);
                }
            }
            Action::Watch { room } => {
                if let Some(desk) = desk {
                    stage.watch(desk, &room, &mut self.janitor);
                }
            }
            Action::Release => stage.release(),
            Action::Start => stage.start(),
            Action::Stop => stage.stop(),
            Action::Play => stage.play(&mut self.janitor),
            Action::StopPlaying => stage.stop_playing(&mut self.janitor),
            Action::Adjust => stage.adjust(),
            Action::Typed => {}
        }
        stage.remember(&mut self.settings);
    }

    fn open_live(&mut self) {
        self.go_home();
        let (runtime, wake) = (self.options.runtime.clone(), self.wake.clone());
        let mut stage = Stage::open(&self.texts, &self.settings, self.options.graphics, runtime, wake);
        let args = &self.options.args;
        stage.form.stats = args.stats;
        stage.form.mic = !args.mute;
        stage.switch_mic();
        if let Some(url) = &args.push {
            stage.form.push_url.clone_from(url);
            stage.form.push_wrong = address::check_push(url).err();
            if stage.form.push_wrong.is_none() {
                stage.start();
            }
        }
        if let Some(url) = &args.play {
            stage.form.play_url.clone_from(url);
            stage.form.play_wrong = address::check_play(url).err();
            if stage.form.play_wrong.is_none() {
                stage.play(&mut self.janitor);
            }
        }
        self.page = Page::Live(Box::new(stage));
        self.watch_devices();
    }

    /// The server in use, where it answers.
    fn desk(&self) -> Option<Desk> {
        let server = self.server.address()?;
        let name = name::check(&self.settings.name).map_or_else(|_| self.texts.t("guest"), str::to_owned);
        let login = Login { access_key: self.server.access_key(), ..Login::new(name) };
        let transport = self.server.transport();
        Some(Desk { server, transport, login, runtime: self.options.runtime.clone(), wake: self.wake.clone() })
    }
}
