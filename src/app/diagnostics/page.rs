//! The dialog that shows what the diagnostics file would hold, before it is saved.

use super::{Entry, Known};
use crate::app::view::{Action as Any, Cx};
use crate::app::{App, Page, record, unix_seconds};
use crate::base::Slot;
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::theme::{self, size};
use crate::ui::{icons, toast};
use egui::{Context, RichText, ScrollArea, Ui, vec2};
use std::path::PathBuf;
use std::sync::Arc;

/// Largest size of the dialog.
const LARGEST: egui::Vec2 = vec2(760.0, 620.0);

/// A click in the dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Collect everything and show it.
    Open,
    /// Close the dialog.
    Close,
    /// Write the file.
    Save,
    /// Ask the system where to.
    ChooseFile,
}

/// The open dialog.
#[derive(Debug, Default)]
pub struct Dialog {
    /// What was collected; nothing yet while that takes.
    pub entries: Option<Arc<Vec<Entry>>>,
    /// Name of the entry that is shown.
    pub shown: String,
    /// Where the file is to go.
    pub path: String,
    /// Why it could not be written.
    pub failure: Option<String>,
    collected: Slot<Vec<Entry>>,
    saved: Slot<Result<PathBuf, String>>,
    chosen: Slot<PathBuf>,
}

impl Dialog {
    /// Draws it over the page.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let window = ctx.content_rect().size();
        let wanted = (window - vec2(48.0, 48.0)).min(LARGEST).max(vec2(240.0, 240.0));
        let modal = egui::Modal::new(egui::Id::unique("diagnostics")).show(ctx, |ui| {
            ui.set_width(wanted.x);
            ui.set_height(wanted.y);
            ui.horizontal(|ui| {
                ui.label(RichText::new(cx.t("diagnostics-title")).font(theme::strong(size::SUBTITLE)));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                        cx.act(Any::Diagnostics(Action::Close));
                    }
                });
            });
            ui.add(egui::Label::new(cx.t("diagnostics-text")).wrap());
            let Some(entries) = self.entries.clone() else {
                ui.label(cx.t("diagnostics-collecting"));
                return;
            };
            let names: Vec<_> = entries.iter().map(|entry| (entry.name.clone(), entry.name.clone())).collect();
            field::choice(ui, &cx.t("diagnostics-contents"), &mut self.shown, &names);
            let height = (ui.available_height() - 178.0).max(40.0);
            self.text(ui, &entries, height);
            self.below(ui, cx);
        });
        if modal.should_close() {
            cx.act(Any::Diagnostics(Action::Close));
        }
    }

    fn text(&self, ui: &mut Ui, entries: &[Entry], height: f32) {
        let p = theme::palette(ui);
        let text = entries.iter().find(|entry| entry.name == self.shown).map_or("", |entry| entry.text.as_str());
        egui::Frame::new().fill(p.sunken).corner_radius(8.0).inner_margin(8.0).show(ui, |ui| {
            let lines: Vec<&str> = text.lines().collect();
            let row = ui.text_style_height(&egui::TextStyle::Monospace);
            let scroll =
                ScrollArea::both().id_salt(&self.shown).max_height(height).min_scrolled_height(height).auto_shrink(false);
            // Only the lines in sight are laid out: a log is long.
            scroll.show_rows(ui, row, lines.len(), |ui, rows| {
                for line in &lines[rows] {
                    ui.add(egui::Label::new(RichText::new(*line).monospace()).extend().selectable(true));
                }
            });
        });
    }

    fn below(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        Field::new(&cx.t("diagnostics-path")).error(self.failure.as_deref()).limit(4096).show(ui, &mut self.path);
        ui.horizontal(|ui| {
            let text = cx.t("diagnostics-save");
            let save = Button::primary(&text).icon(icons::ICON_SAVE).min_width(140.0);
            if ui.add_enabled(!self.path.trim().is_empty(), save).clicked() {
                cx.act(Any::Diagnostics(Action::Save));
            }
            if ui.add(Button::new(&cx.t("settings-choose-file"))).clicked() {
                cx.act(Any::Diagnostics(Action::ChooseFile));
            }
        });
    }
}

impl App {
    /// The dialog, if it is open.
    pub(in crate::app) fn diagnostics_ui(&mut self, ui: &Ui, actions: &mut Vec<Any>) {
        if let Some(dialog) = &mut self.diagnostics {
            let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
            dialog.show(ui.ctx(), &mut cx);
        }
    }

    /// Does what was clicked in the dialog.
    pub(in crate::app) fn apply_to_diagnostics(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::Open => self.open_diagnostics(ctx),
            Action::Close => self.diagnostics = None,
            Action::Save => self.save_diagnostics(),
            Action::ChooseFile => self.choose_diagnostics_file(),
        }
    }

    fn open_diagnostics(&mut self, ctx: &Context) {
        let dialog = Dialog { path: default_path().display().to_string(), ..Dialog::default() };
        let (known, collected, wake) = (self.known(ctx), dialog.collected.clone(), self.wake.clone());
        self.options.runtime.spawn_blocking(move || {
            collected.put(super::collect(&known));
            wake();
        });
        self.diagnostics = Some(dialog);
    }

    fn known(&self, ctx: &Context) -> Known {
        let lists = self.lists();
        let mut devices = String::new();
        for (what, list) in [("camera", &lists.cameras), ("microphone", &lists.microphones), ("speaker", &lists.speakers)] {
            for device in &list.devices {
                devices.push_str(&format!("{what}: {} ({})\n", device.name, device.id));
            }
        }
        let call = match &self.page {
            Page::Call(session) => {
                let s = session.snapshot();
                let mut text = format!("{:?}\n{:#?}\n{:#?}\n", s.phase, s.me.stats, s.me.cpu);
                for peer in &s.peers {
                    text.push_str(&format!("receiving: {}, {:#?}\n", peer.receiving, peer.stats));
                }
                Some(text)
            }
            _ => None,
        };
        Known {
            settings: self.settings.clone(),
            config: self.options.config.clone(),
            facts: vec![
                ("drawn by", format!("{:?}", self.options.graphics)),
                ("pixels per point", ctx.pixels_per_point().to_string()),
                ("window", format!("{:?}", ctx.content_rect().size())),
                ("windows painted", self.painted.to_string()),
                ("server", format!("{:?}", self.server.view(&self.texts))),
            ],
            devices,
            call,
        }
    }

    fn save_diagnostics(&mut self) {
        let Some(dialog) = &mut self.diagnostics else { return };
        let Some(entries) = dialog.entries.clone() else { return };
        dialog.failure = None;
        let (path, saved, wake) = (PathBuf::from(dialog.path.trim()), dialog.saved.clone(), self.wake.clone());
        self.options.runtime.spawn_blocking(move || {
            saved.put(super::save(&path, &entries).map(|()| path).map_err(|error| error.to_string()));
            wake();
        });
    }

    fn choose_diagnostics_file(&self) {
        let Some(dialog) = &self.diagnostics else { return };
        let (chosen, wake) = (dialog.chosen.clone(), self.wake.clone());
        let name = file_name();
        let ask = rfd::AsyncFileDialog::new().set_title(self.texts.t("diagnostics-title")).set_file_name(name);
        self.options.runtime.spawn(async move {
            if let Some(file) = ask.add_filter("ZIP", &["zip"]).save_file().await {
                chosen.put(file.path().to_owned());
                wake();
            }
        });
    }

    /// Takes what was collected, chosen and saved.
    pub(in crate::app) fn take_diagnostics(&mut self) {
        let Some(dialog) = &mut self.diagnostics else { return };
        if let Some(entries) = dialog.collected.take() {
            dialog.shown = entries.first().map(|entry| entry.name.clone()).unwrap_or_default();
            dialog.entries = Some(Arc::new(entries));
        }
        if let Some(path) = dialog.chosen.take() {
            dialog.path = path.display().to_string();
        }
        match dialog.saved.take() {
            Some(Ok(path)) => {
                self.diagnostics = None;
                let file = path.display().to_string();
                let said = self.texts.with("toast-diagnostics-saved", &[("file", (&file).into())]);
                let show = (self.texts.t("show-in-folder"), Any::Record(record::Action::Reveal(path)));
                self.toasts.push(toast::Kind::Success, said, Some(show), self.clock.now());
            }
            Some(Err(reason)) => dialog.failure = Some(self.texts.with("diagnostics-failed", &[("reason", (&reason).into())])),
            None => {}
        }
    }
}

fn file_name() -> String {
    format!("parlor-diagnostics-{}.zip", unix_seconds())
}

/// Where people look for what a program has given them.
fn default_path() -> PathBuf {
    let folders = directories::UserDirs::new();
    let folder = folders.as_ref().map(|f| f.download_dir().or_else(|| f.document_dir()).unwrap_or_else(|| f.home_dir()));
    folder.map_or_else(std::env::temp_dir, std::path::Path::to_owned).join(file_name())
}
