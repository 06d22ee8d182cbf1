//! The first page: what kind of call, or which one to join, and on which server.

pub mod sidebar;

use crate::app::errors;
use crate::app::i18n::Lang;
use crate::app::settings::{ServerChoice, Theme};
use crate::app::view::{Action, Cx, ServerKind, ServerView};
use crate::proto::{Invite, Mode};
use crate::ui::button::{self, Button};
use crate::ui::field::Field;
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons, logo};
use egui::{RichText, Ui, vec2};

/// Widest column of the page.
const COLUMN: f32 = 720.0;

/// What is being typed on the first page.
#[derive(Debug, Default)]
pub struct Home {
    /// The one box that takes a link, a code or a name.
    pub join: String,
    /// What is wrong with it.
    pub join_error: Option<String>,
    /// Address of another server.
    pub address: String,
    /// What is typed into the box for its access key.
    pub access_key: String,
    /// The access key in use.
    pub access_key_used: String,
    /// Whether the address box is open although the server inside the program is in use.
    pub choosing: bool,
}

/// What the first page shows.
#[derive(Debug)]
pub struct HomeView<'a> {
    /// Light or dark.
    pub theme: Theme,
    /// Which server is wanted.
    pub choice: &'a ServerChoice,
    /// How it is.
    pub server: &'a ServerView,
    /// The room list is shown.
    pub sidebar: bool,
}

impl Home {
    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>) {
        top_bar(ui, cx, view.theme, view.sidebar);
        egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let width = (ui.available_width() - 2.0 * space::L).min(COLUMN);
            let side = ((ui.available_width() - width) / 2.0).max(0.0);
            // A third of the free height above looks centred.
            let free = (ui.available_height() - 560.0).max(0.0) / 3.0;
            ui.add_space(free + space::S);
            ui.horizontal_top(|ui| {
                ui.add_space(side);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    self.column(ui, cx, view);
                });
            });
            ui.add_space(space::L);
        });
    }

    fn column(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>) {
        let p = theme::palette(ui);
        ui.heading(cx.t("home-title"));
        ui.label(RichText::new(cx.t("home-subtitle")).size(size::SUBTITLE).color(p.text_weak));
        ui.add_space(space::L);
        self.modes(ui, cx);
        ui.add_space(space::M);
        self.join(ui, cx);
        ui.add_space(space::M);
        self.server(ui, cx, view);
    }

    fn modes(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let modes = [
            (Mode::Duo, icons::ICON_GROUP, cx.t("mode-duo"), cx.t("mode-duo-text")),
            (Mode::Multi, icons::ICON_GROUPS, cx.t("mode-multi"), cx.t("mode-multi-text")),
        ];
        let columns = if ui.available_width() < 460.0 { 1 } else { 2 };
        let width = (ui.available_width() - space::M * (columns as f32 - 1.0)) / columns as f32;
        let mut draw = |ui: &mut Ui| {
            ui.spacing_mut().item_spacing = vec2(space::M, space::M);
            for (mode, icon, title, text) in &modes {
                if card::choice(ui, vec2(width, 84.0), *icon, title, text, false).clicked() {
                    cx.act(Action::New(*mode));
                }
            }
        };
        if columns == 2 {
            ui.horizontal(|ui| draw(ui))
        } else {
            ui.vertical(|ui| draw(ui))
        };
    }

    fn join(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        card::frame(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(cx.t("join-title")).font(theme::strong(size::SUBTITLE)));
            let (label, hint, text) = (cx.t("join-label"), cx.t("join-hint"), cx.t("join-button"));
            crate::ui::field::caption(ui, &label);
            let mut join = false;
            ui.horizontal(|ui| {
                let width = (ui.available_width() - 110.0).max(80.0);
                let field = Field::new(&label).hint(&hint).width(width).limit(2048).show_bare(ui, &mut self.join);
                if field.changed() {
                    self.join_error = None;
                }
                join = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                join |= ui.add(Button::primary(&text).min_width(ui.available_width())).clicked();
            });
            if let Some(error) = &self.join_error {
                ui.label(RichText::new(error).size(size::SMALL).color(theme::palette(ui).danger));
            }
            if join {
                match self.join.parse::<Invite>() {
                    Ok(invite) => cx.act(Action::Join(invite)),
                    Err(error) => self.join_error = Some(errors::invite(cx.texts, error)),
                }
            }
        });
    }

    fn server(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>) {
        let p = theme::palette(ui);
        card::frame(ui).show(ui, |ui| {
            ui.set_width(ui.available_width());
            let other = self.choosing || matches!(view.choice, ServerChoice::Address(_));
            ui.horizontal_wrapped(|ui| {
                ui.label(RichText::new(cx.t("server-title")).font(theme::strong(size::SUBTITLE)));
                ui.add_space(space::S);
                match button::segmented(ui, &[&cx.t("server-here"), &cx.t("server-other")], usize::from(other)) {
                    Some(0) => {
                        self.choosing = false;
                        cx.act(Action::UseServer(ServerChoice::Here));
                    }
                    Some(_) => self.choosing = true,
                    None => {}
                }
            });
            if other {
                let (label, hint, text) = (cx.t("server-address"), cx.t("server-address-hint"), cx.t("server-use"));
                ui.horizontal(|ui| {
                    let width = (ui.available_width() - 190.0).max(80.0);
                    let field = Field::new(&label).hint(&hint).width(width).show_bare(ui, &mut self.address);
                    let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
                    let pressed = ui.add(Button::new(&text).min_width(ui.available_width())).clicked();
                    if (entered || pressed) && !self.address.trim().is_empty() {
                        self.choosing = false;
                        if self.access_key != self.access_key_used {
                            self.access_key_used.clone_from(&self.access_key);
                            cx.act(Action::UseAccessKey(self.access_key.trim().to_owned()));
                        }
                        cx.act(Action::UseServer(ServerChoice::Address(self.address.trim().to_owned())));
                    }
                });
                let (label, hint) = (cx.t("server-access-key"), cx.t("server-access-key-hint"));
                Field::new(&label).hint(&hint).password().width(ui.available_width()).show_bare(ui, &mut self.access_key);
            }
            let asked = !self.choosing || matches!(view.choice, ServerChoice::Address(_));
            if asked {
                status(ui, cx, view.server);
            } else {
                ui.label(RichText::new(cx.t("server-here-text")).color(p.text_weak));
            }
        });
    }
}

/// A line about the server, with what can be done.
fn status(ui: &mut Ui, cx: &mut Cx<'_>, server: &ServerView) {
    let p = theme::palette(ui);
    let dot = |ui: &mut Ui, colour| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 4.5, colour);
    };
    match server {
        ServerView::Starting | ServerView::Checking => {
            let key = if *server == ServerView::Starting { "server-starting" } else { "server-checking" };
            ui.horizontal(|ui| {
                dot(ui, p.warning);
                ui.label(RichText::new(cx.t(key)).color(p.text_weak));
            });
        }
        ServerView::Ready { address, link, kind } => {
            let key = match kind {
                ServerKind::Own => "server-ready-here",
                ServerKind::Shared => "server-shared",
                ServerKind::Remote => "server-ready",
            };
            ui.horizontal(|ui| {
                dot(ui, p.accent);
                ui.add(
                    egui::Label::new(RichText::new(cx.with(key, &[("address", address.into())])).color(p.text_weak)).truncate(),
                );
                if button::icon(ui, icons::ICON_CONTENT_COPY, &cx.t("server-copy")).clicked() {
                    cx.act(Action::Copy { text: link.clone(), said: cx.t("toast-address-copied") });
                }
            });
        }
        ServerView::Failed(sentence) => {
            card::notice(ui, card::Tone::Error, &sentence.text, |ui| {
                details(ui, cx, sentence.detail.as_deref());
                if ui.add(Button::new(&cx.t("retry")).icon(icons::ICON_REFRESH)).clicked() {
                    cx.act(Action::TryAgain);
                }
            });
        }
    }
}

/// What exactly went wrong, folded away.
pub(super) fn details(ui: &mut Ui, cx: &Cx<'_>, detail: Option<&str>) {
    if let Some(detail) = detail {
        let colour = theme::palette(ui).text_weak;
        let title = RichText::new(cx.t("details")).size(size::SMALL).color(colour);
        // Several failures may stand on one page, all with the same title.
        egui::CollapsingHeader::new(title).id_salt(detail).show(ui, |ui| {
            ui.add(egui::Label::new(RichText::new(detail).size(size::SMALL).color(colour)).wrap().selectable(true));
        });
    }
}

/// Language and appearance, upper right.
pub(super) fn top_bar(ui: &mut Ui, cx: &mut Cx<'_>, theme: Theme, sidebar: bool) {
    egui::Panel::top("home top")
        .frame(egui::Frame::new().inner_margin(egui::Margin::symmetric(14, 8)))
        .show_separator_line(false)
        .show(ui, |ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let dark = ui.visuals().dark_mode;
                let (icon, next) =
                    if dark { (icons::ICON_LIGHT_MODE, Theme::Light) } else { (icons::ICON_DARK_MODE, Theme::Dark) };
                let name = if next == Theme::Light { "theme-light" } else { "theme-dark" };
                let name = format!("{}: {}", cx.t("theme"), cx.t(name));
                let clicked = button::icon(ui, icon, &name);
                if clicked.clicked() {
                    cx.act(Action::SetTheme(next));
                }
                if theme != Theme::System && clicked.secondary_clicked() {
                    cx.act(Action::SetTheme(Theme::System));
                }
                ui.allocate_ui_with_layout(vec2(150.0, 36.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let chosen = Lang::ALL.iter().position(|l| *l == cx.texts.lang()).unwrap_or(0);
                    if let Some(i) = button::segmented(ui, &Lang::ALL.map(Lang::name), chosen) {
                        cx.act(Action::SetLang(Lang::ALL[i]));
                    }
                });
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    if !sidebar && button::icon(ui, icons::ICON_LEFT_PANEL_OPEN, &cx.t("sidebar-show")).clicked() {
                        cx.act(Action::ShowSidebar(true));
                    }
                    logo::show(ui, "Parlor");
                });
            });
        });
}
