//! The dialog for a new room: its name, its kind, who may enter, and what its creator's leaving means.

use super::Action;
use crate::app::errors::{self, Sentence};
use crate::app::prejoin::sealed::Sealed;
use crate::app::prejoin::{PreJoin, Target};
use crate::app::settings::Settings;
use crate::app::view::{Action as Any, Cx, RoomsView, mode_name};
use crate::base::SecretKey;
use crate::proto::{Mode, name};
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{Context, RichText, Ui};

/// What is being typed and chosen.
#[derive(Clone, Debug)]
pub struct Create {
    /// What the room is to be called.
    pub name: String,
    /// Its kind.
    pub mode: Mode,
    /// Its password; empty: none.
    pub password: String,
    /// Whether it ends when one leaves it.
    pub dissolve: bool,
    /// Whether it is encrypted from end to end.
    pub sealed: bool,
    /// Why the last try came to nothing.
    pub failure: Option<Sentence>,
    /// The cursor is to be put into the name.
    pub focus: bool,
    /// Where it was drawn last.
    pub drawn: egui::Rect,
}

impl Create {
    /// A room called `name`.
    pub fn new(name: String, mode: Mode) -> Self {
        Self {
            name,
            mode,
            password: String::new(),
            dissolve: true,
            sealed: false,
            failure: None,
            focus: true,
            drawn: egui::Rect::NOTHING,
        }
    }

    /// The page before the call, for this room.
    pub fn into_form(self, settings: &Settings) -> PreJoin {
        let target = Target::Create { name: self.name, mode: self.mode };
        let sealed = Sealed::of(self.sealed.then(SecretKey::random));
        PreJoin { password: self.password, dissolve: self.dissolve, sealed, ..PreJoin::new(target, settings) }
    }

    /// The dialog again, from the page before the call; nothing if that was for a room that exists.
    pub fn from_form(form: &PreJoin) -> Option<Self> {
        let Target::Create { name, mode } = &form.target else { return None };
        let (password, dissolve, sealed) = (form.password.clone(), form.dissolve, form.sealed.on);
        Some(Self { password, dissolve, sealed, ..Self::new(name.clone(), *mode) })
    }

    /// Draws the dialog over the page. `rooms` are those that are there already; `at_once`: one has been in a call before, and may want
    /// to go in without looking at the devices.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>, rooms: &RoomsView, at_once: bool) {
        let window = ctx.content_rect();
        let modal = egui::Modal::new(egui::Id::unique("new room")).show(ctx, |ui| {
            ui.set_width((window.width() - 4.0 * space::L).clamp(260.0, 440.0));
            egui::Frame::new().inner_margin(egui::Margin::same(space::S as i8)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(cx.t("create-title")).font(theme::strong(size::SUBTITLE)));
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                            cx.act(Any::First(Action::CloseCreate));
                        }
                    });
                });
                let height = (window.height() - 190.0).max(100.0);
                let entered = egui::ScrollArea::vertical().max_height(height).show(ui, |ui| self.fields(ui, cx, rooms)).inner;
                ui.add_space(space::S);
                self.buttons(ui, cx, at_once, entered);
            });
        });
        // How much room there is below its top is known when its height is: it finds its place in a few frames, and not only when the mouse moves.
        if std::mem::replace(&mut self.drawn, modal.response.rect) != modal.response.rect {
            ctx.request_repaint();
        }
        if modal.should_close() {
            cx.act(Any::First(Action::CloseCreate));
        }
    }

    /// Returns whether Enter was pressed in a field.
    fn fields(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, rooms: &RoomsView) -> bool {
        ui.spacing_mut().item_spacing.y = space::M;
        let enter = |ui: &Ui, r: &egui::Response| r.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        if let Some(failure) = &self.failure {
            card::notice(ui, card::Tone::Error, &failure.text, |_| {});
        }
        let wrong = name::check(&self.name).err().map(|error| errors::name(cx.texts, error));
        let field = Field::new(&cx.t("prejoin-room")).error(wrong.as_deref()).limit(80).show(ui, &mut self.name);
        if std::mem::take(&mut self.focus) {
            field.request_focus();
            // The name that stands there is a proposal: typing replaces it.
            field::select_all(ui, field.id, &self.name);
        }
        let mut entered = enter(ui, &field);
        self.already_there(ui, cx, rooms);

        let modes = [Mode::Duo, Mode::Multi];
        let names = modes.map(|mode| mode_name(cx.texts, mode));
        let chosen = modes.iter().position(|mode| *mode == self.mode).unwrap_or(0);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            field::caption(ui, &cx.t("create-mode"));
            if let Some(i) = button::segmented(ui, &[&names[0], &names[1]], chosen) {
                self.mode = modes[i];
            }
        });
        let hint = cx.t("prejoin-password-hint");
        let field = Field::new(&cx.t("prejoin-password")).hint(&hint).password().show(ui, &mut self.password);
        entered |= enter(ui, &field);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            field::caption(ui, &cx.t("create-leaving"));
            let (ends, stays) = (cx.t("create-ends"), cx.t("create-stays"));
            if let Some(i) = button::segmented(ui, &[&ends, &stays], usize::from(!self.dissolve)) {
                self.dissolve = i == 0;
            }
            field::caption(ui, &cx.t(if self.dissolve { "create-ends-text" } else { "create-stays-text" }));
        });
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            field::check(ui, &mut self.sealed, &cx.t("create-sealed"));
            field::caption(ui, &cx.t("create-sealed-text"));
        });
        entered
    }

    /// A room of this name is there: perhaps that is the one that is meant.
    fn already_there(&self, ui: &mut Ui, cx: &mut Cx<'_>, rooms: &RoomsView) {
        let RoomsView::List(rooms) = rooms else { return };
        let name = self.name.trim();
        let Some(room) = rooms.iter().find(|room| room.name.trim() == name) else { return };
        card::notice(ui, card::Tone::Info, &cx.t("create-there-already"), |ui| {
            if ui.add(Button::new(&cx.t("create-enter-that"))).clicked() {
                cx.act(Any::First(Action::CloseCreate));
                cx.act(Any::Enter(room.clone()));
            }
        });
    }

    fn buttons(&self, ui: &mut Ui, cx: &mut Cx<'_>, at_once: bool, entered: bool) {
        let good = name::check(&self.name).is_ok();
        let mut go = None;
        ui.add_enabled_ui(good, |ui| {
            let width = ui.available_width();
            if at_once {
                ui.horizontal(|ui| {
                    ui.spacing_mut().item_spacing.x = space::S;
                    let each = (width - space::S) / 2.0;
                    if ui.add(Button::primary(&cx.t("create-continue")).min_width(each)).clicked() {
                        go = Some(true);
                    }
                    if ui.add(Button::new(&cx.t("create-at-once")).min_width(each)).clicked() {
                        go = Some(false);
                    }
                });
            } else if ui.add(Button::primary(&cx.t("create-continue")).min_width(width)).clicked() {
                go = Some(true);
            }
        });
        if let Some(prepare) = go.or(entered.then_some(true)).filter(|_| good) {
            cx.act(Any::First(Action::Created { prepare }));
        }
    }
}
