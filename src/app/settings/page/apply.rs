//! What changed settings do.

use super::{Action, Section, SettingsView};
use crate::app::call::dialogs::TalkKey;
use crate::app::settings::{Settings, Theme};
use crate::app::view::{Action as Any, Cx};
use crate::app::{App, Page, set_theme};
use crate::base::Slot;
use crate::call::Command;
use egui::{Context, Ui};
use std::path::PathBuf;

/// What a dialog of the system was opened for.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    Folder,
    PauseImage,
}

/// The dialog of the system that is open, and where its answer comes.
#[derive(Debug)]
pub struct Asked {
    wanted: Wanted,
    answer: Slot<Option<PathBuf>>,
}

impl App {
    /// The page, if it is open.
    pub(in crate::app) fn settings_ui(&mut self, ui: &Ui, actions: &mut Vec<Any>) {
        if !self.settings_page.open {
            return;
        }
        let recordings = self.settings.recordings_folder().unwrap_or_default().display().to_string();
        let in_call = matches!(self.page, Page::Call(_));
        let talk_key = match (&self.settings.stage.talk_key, in_call) {
            (Some(key), false) => TalkKey::Chosen(key.clone()),
            _ => self.talk_key.state(),
        };
        let mut page = std::mem::take(&mut self.settings_page);
        let lists = self.lists();
        let view = SettingsView {
            settings: &self.settings,
            in_call,
            recordings: &recordings,
            devices: self.devices_view(&lists).filter(|_| page.section == Section::Devices),
            talk_key: &talk_key,
        };
        let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
        page.show(ui.ctx(), &mut cx, &view);
        self.settings_page = page;
    }

    /// Does what was clicked on the page.
    pub(in crate::app) fn apply_to_settings(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::Open(section) => self.settings_page.open(section, &self.settings),
            Action::Close => {
                self.settings_page.open = false;
                self.server.set_transport(self.settings.network.transport());
            }
            Action::Set(settings) => self.change_settings(ctx, *settings),
            Action::ChooseFolder => self.ask(Wanted::Folder),
            Action::ChoosePauseImage => self.ask(Wanted::PauseImage),
        }
    }

    /// Lets other settings take effect.
    pub(in crate::app) fn change_settings(&mut self, ctx: &Context, settings: Settings) {
        let before = std::mem::replace(&mut self.settings, settings);
        let now = self.settings.clone();
        if now.lang != before.lang {
            self.speak(ctx, now.lang);
        }
        if now.theme != before.theme {
            set_theme(ctx, now.theme);
        }
        if now.zoom != before.zoom {
            ctx.set_zoom_factor(f32::from(now.zoom) / 100.0);
        }
        if now.chimes != before.chimes {
            self.command(Command::SetChimes(now.chimes));
        }
        if now.noise != before.noise {
            self.command(Command::SetNoise(now.noise));
        }
        if let Page::Call(session) = &mut self.page {
            // Trying again, and entering again, is done as it is wished now.
            (session.plan.noise, session.plan.chimes) = (now.noise, now.chimes);
        }
        if let Page::Live(stage) = &mut self.page {
            stage.set_proxy(now.network.proxy());
        }
        if let Page::PreJoin(preparing) = &mut self.page {
            preparing.form.follow(&before, &now);
        }
    }

    /// The theme, as the button at the top has it.
    pub(in crate::app) fn choose_theme(&mut self, ctx: &Context, theme: Theme) {
        self.settings.theme = theme;
        set_theme(ctx, theme);
    }

    /// Opens a dialog of the system; the answer is taken by [`take_answer`](Self::take_answer).
    fn ask(&mut self, wanted: Wanted) {
        let answer = Slot::new();
        let (put, wake) = (answer.clone(), self.wake.clone());
        let dialog = rfd::AsyncFileDialog::new();
        let title = self.texts.t(match wanted {
            Wanted::Folder => "settings-recordings",
            Wanted::PauseImage => "prejoin-pause-image",
        });
        let dialog = dialog.set_title(title);
        self.options.runtime.spawn(async move {
            let chosen = match wanted {
                Wanted::Folder => dialog.pick_folder().await,
                Wanted::PauseImage => dialog.add_filter("PNG", &["png"]).pick_file().await,
            };
            put.put(chosen.map(|file| file.path().to_owned()));
            wake();
        });
        self.asked = Some(Asked { wanted, answer });
    }

    /// Takes what was chosen in a dialog of the system.
    pub(in crate::app) fn take_answer(&mut self) {
        let Some(asked) = &self.asked else { return };
        let Some(chosen) = asked.answer.take() else { return };
        let wanted = asked.wanted;
        self.asked = None;
        let Some(path) = chosen.map(|path| path.display().to_string()) else { return };
        match wanted {
            Wanted::Folder => self.settings.recordings = path,
            Wanted::PauseImage => self.settings.pause_image = path,
        }
        self.save_settings();
    }
}
