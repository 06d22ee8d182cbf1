//! The first page: what kind of call, or which one to join, and on which server.

mod apply;
pub mod create;
mod recent;
mod servers;
pub mod sidebar;

use crate::app::errors::{self, Remedy, Sentence};
use crate::app::i18n::Lang;
use crate::app::live;
use crate::app::settings::page::{self, Section};
use crate::app::settings::{Recent, SavedServer, ServerChoice, Theme};
use crate::app::view::{Action as Any, Cx, ProbeView, RoomsView, ServerView};
use crate::proto::{Invite, Mode};
use crate::ui::button::{self, Button};
use crate::ui::field::Field;
use crate::ui::theme::{self, size, space};
use crate::ui::{MaterialIcon, card, icons, logo};
use create::Create;
use egui::{RichText, Ui, vec2};

/// Widest column of the page.
const COLUMN: f32 = 880.0;
/// From this width on, the recent rooms stand beside the rest.
const TWO_COLUMNS: f32 = 700.0;

/// A click on the first page, or on what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Close the dialog for a new room.
    CloseCreate,
    /// Go on from the dialog for a new room.
    Created {
        /// Look at camera and microphone first.
        prepare: bool,
    },
    /// Find out whether there is a server at this address.
    Test(SavedServer),
    /// Remember this server and use it.
    Use(SavedServer),
    /// Remember it no longer.
    ForgetServer(String),
    /// Enter a room that one has been in.
    EnterRecent(Recent),
    /// Remember it no longer.
    ForgetRecent(Recent),
    /// Open a room of the same name and kind as the one that is gone.
    OpenAgain,
    /// Go back into the room that one was in when the program ended, or not.
    Rejoin(bool),
    /// Show the invite as a picture, or no longer.
    ShowQr(bool),
}

/// What is being typed on the first page.
#[derive(Debug, Default)]
pub struct Home {
    /// The one box that takes a link, a code or a name.
    pub join: String,
    /// What is wrong with it.
    pub join_error: Option<String>,
    /// The server that is being typed.
    pub typed: servers::Typed,
    /// What is typed into the box that searches the room list.
    pub search: String,
    /// The dialog for a new room, while it is open.
    pub create: Option<Create>,
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
    /// Servers that have been used.
    pub servers: &'a [SavedServer],
    /// What is known of the address that is being typed.
    pub probe: Option<&'a ProbeView>,
    /// Rooms that one has been in.
    pub recent: &'a [Recent],
    /// The rooms of the server in use.
    pub rooms: &'a RoomsView,
    /// Seconds since the UNIX epoch.
    pub today: u64,
    /// The room that one was in when the program ended without leaving it.
    pub lost: Option<&'a Recent>,
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
        if let Some(lost) = view.lost {
            rejoin(ui, cx, lost);
            ui.add_space(space::M);
        }
        let p = theme::palette(ui);
        ui.heading(cx.t("home-title"));
        ui.label(RichText::new(cx.t("home-subtitle")).size(size::SUBTITLE).color(p.text_weak));
        ui.add_space(space::M);
        modes(ui, cx);
        ui.add_space(space::M);
        let width = ui.available_width();
        if view.recent.is_empty() || width < TWO_COLUMNS {
            self.join(ui, cx);
            if !view.recent.is_empty() {
                ui.add_space(space::M);
                recent::show(ui, cx, view);
            }
            ui.add_space(space::M);
            servers::show(ui, cx, view, &mut self.typed);
            return;
        }
        let left = (width - space::M) * 0.56;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            ui.vertical(|ui| {
                ui.set_width(left);
                self.join(ui, cx);
                ui.add_space(space::M);
                servers::show(ui, cx, view, &mut self.typed);
            });
            ui.vertical(|ui| {
                ui.set_width(width - left - space::M);
                recent::show(ui, cx, view);
            });
        });
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
                let label = ui.label(RichText::new(error).size(size::SMALL).color(theme::palette(ui).danger));
                ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
            }
            if join {
                match self.join.parse::<Invite>() {
                    Ok(invite) => cx.act(Any::Join(invite)),
                    Err(error) => self.join_error = Some(errors::invite(cx.texts, error)),
                }
            }
        });
    }
}

/// "Go back?"
fn rejoin(ui: &mut Ui, cx: &mut Cx<'_>, lost: &Recent) {
    let text = cx.with("rejoin-text", &[("room", (&lost.name).into())]);
    let notice = card::notice(ui, card::Tone::Info, &text, |ui| {
        ui.horizontal(|ui| {
            if ui.add(Button::primary(&cx.t("rejoin-yes"))).clicked() {
                cx.act(Any::First(Action::Rejoin(true)));
            }
            if ui.add(Button::new(&cx.t("rejoin-no"))).clicked() {
                cx.act(Any::First(Action::Rejoin(false)));
            }
        });
    });
    ui.ctx().accesskit_node_builder(notice.response.id, |node| node.set_live(egui::accesskit::Live::Polite));
}

/// The kinds of calls, as cards.
fn modes(ui: &mut Ui, cx: &mut Cx<'_>) {
    let modes = [
        (Any::New(Mode::Duo), icons::ICON_GROUP, cx.t("mode-duo"), cx.t("mode-duo-text")),
        (Any::New(Mode::Multi), icons::ICON_GROUPS, cx.t("mode-multi"), cx.t("mode-multi-text")),
        (Any::Live(live::Action::Open), icons::ICON_SENSORS, cx.t("mode-live"), cx.t("mode-live-text")),
    ];
    let columns = if ui.available_width() < 640.0 { 1 } else { modes.len() };
    let width = (ui.available_width() - space::M * (columns as f32 - 1.0)) / columns as f32;
    let heights = modes.iter().map(|(_, _, title, text)| card::choice_height(ui, width, title, text));
    let height = heights.fold(0.0, f32::max);
    let mut draw = |ui: &mut Ui| {
        ui.spacing_mut().item_spacing = vec2(space::M, space::M);
        for (action, icon, title, text) in &modes {
            if card::choice(ui, vec2(width, height), *icon, title, text, false).clicked() {
                cx.act(action.clone());
            }
        }
    };
    if columns > 1 {
        ui.horizontal(|ui| draw(ui))
    } else {
        ui.vertical(|ui| draw(ui))
    };
}

/// Icon of a kind of room.
pub fn mode_icon(mode: Mode) -> MaterialIcon {
    match mode {
        Mode::Duo => icons::ICON_GROUP,
        Mode::Multi => icons::ICON_GROUPS,
        Mode::Live => icons::ICON_SENSORS,
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

/// The way to the settings that help, where some do: a button of at least this width.
pub(super) fn network(ui: &mut Ui, cx: &mut Cx<'_>, sentence: &Sentence, min_width: f32) {
    let text = cx.t("error-network-settings");
    let button = Button::new(&text).icon(icons::ICON_LAN).min_width(min_width);
    if sentence.remedy == Remedy::Network && ui.add(button).clicked() {
        cx.act(Any::Settings(page::Action::Open(Some(Section::Network))));
    }
}

/// Settings, appearance and language, upper right.
pub(super) fn top_bar(ui: &mut Ui, cx: &mut Cx<'_>, theme: Theme, sidebar: bool) {
    egui::Panel::top("home top")
        .frame(egui::Frame::new().inner_margin(egui::Margin::symmetric(14, 8)))
        .show_separator_line(false)
        .show(ui, |ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if button::icon(ui, icons::ICON_SETTINGS, &cx.t("settings-open")).clicked() {
                    cx.act(Any::Settings(crate::app::settings::page::Action::Open(None)));
                }
                let dark = ui.visuals().dark_mode;
                let (icon, next) =
                    if dark { (icons::ICON_LIGHT_MODE, Theme::Light) } else { (icons::ICON_DARK_MODE, Theme::Dark) };
                let name = if next == Theme::Light { "theme-light" } else { "theme-dark" };
                let name = format!("{}: {}", cx.t("theme"), cx.t(name));
                let clicked = button::icon(ui, icon, &name);
                if clicked.clicked() {
                    cx.act(Any::SetTheme(next));
                }
                if theme != Theme::System && clicked.secondary_clicked() {
                    cx.act(Any::SetTheme(Theme::System));
                }
                ui.allocate_ui_with_layout(vec2(150.0, 36.0), egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let chosen = Lang::ALL.iter().position(|l| *l == cx.texts.lang()).unwrap_or(0);
                    if let Some(i) = button::segmented(ui, &Lang::ALL.map(Lang::name), chosen) {
                        cx.act(Any::SetLang(Lang::ALL[i]));
                    }
                });
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    if !sidebar && button::icon(ui, icons::ICON_LEFT_PANEL_OPEN, &cx.t("sidebar-show")).clicked() {
                        cx.act(Any::ShowSidebar(true));
                    }
                    logo::show(ui, "Parlor");
                });
            });
        });
}
