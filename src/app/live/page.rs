//! The page: a bar above, one's own stream on the left, the one that is watched on the right; one below the other in narrow windows.

use super::{Form, LiveView, play_side, push_side};
use crate::app::errors::Sentence;
use crate::app::home;
use crate::app::view::{self, Cx};
use crate::ui::button::{self, Button, Look};
use crate::ui::field::{self, Field};
use crate::ui::picture::Pose;
use crate::ui::theme::{self, size, space};
use crate::ui::{Video, card, icons, overlay, tile::Tile};
use egui::{RichText, Ui, vec2};

/// Narrower windows have one column.
const TWO_COLUMNS: f32 = 820.0;
/// Longest address that can be typed.
const LONGEST: usize = 2048;
/// Width of a button behind a field.
const BUTTON: f32 = 170.0;
/// Columns are not wider than that.
const WIDEST: f32 = 640.0;

/// Draws the page.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    home::top_bar(ui, cx, view.theme, true);
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        let room = ui.available_width() - 2.0 * space::L;
        let two = room >= TWO_COLUMNS;
        let width = if two { room.min(2.0 * WIDEST + space::L) } else { room.min(WIDEST) };
        let side = ((ui.available_width() - width) / 2.0).max(0.0);
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(side);
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing.x = space::S;
                title(ui, cx, form);
                ui.add_space(space::S);
                if two {
                    let column = (width - space::L) / 2.0;
                    ui.horizontal_top(|ui| {
                        ui.spacing_mut().item_spacing.x = space::L;
                        ui.vertical(|ui| {
                            ui.set_width(column);
                            ui.push_id("send", |ui| push_side::show(ui, cx, form, view));
                        });
                        ui.vertical(|ui| {
                            ui.set_width(column);
                            ui.push_id("watch", |ui| play_side::show(ui, cx, form, view));
                        });
                    });
                } else {
                    ui.push_id("send", |ui| push_side::show(ui, cx, form, view));
                    ui.add_space(space::M);
                    ui.push_id("watch", |ui| play_side::show(ui, cx, form, view));
                }
            });
        });
        ui.add_space(space::L);
    });
}

fn title(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form) {
    ui.horizontal(|ui| {
        if button::icon(ui, icons::ICON_ARROW_BACK, &cx.t("back")).clicked() {
            cx.act(view::Action::Home);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let look = if form.stats { Look::Selected } else { Look::Normal };
            let (name, hint) = (cx.t("stats-open"), cx.t("stats-open-hint"));
            let pressed = button::round(ui, icons::ICON_MONITORING, &name, &hint, look, 0).clicked();
            let key = ui.input_mut(|i| i.consume_key(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, egui::Key::S));
            if pressed || key {
                form.stats = !form.stats;
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(cx.t("mode-live")).text_style(egui::TextStyle::Heading)).truncate());
            });
        });
    });
}

/// Heading of a side, and how it stands there.
pub(super) fn heading(ui: &mut Ui, icon: crate::ui::MaterialIcon, title: &str, state: &str, lit: bool) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        button::sign(ui, icon, size::ICON, p.text_weak);
        ui.label(RichText::new(title).font(theme::strong(size::SUBTITLE)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let colour = if lit { p.accent } else { p.text_weak };
            let label = ui.add(egui::Label::new(RichText::new(state).color(colour)).truncate());
            // Screen readers say it when it changes.
            ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
            if lit {
                let (rect, _) = ui.allocate_exact_size(vec2(10.0, 20.0), egui::Sense::hover());
                ui.painter().circle_filled(rect.center(), 4.5, p.accent);
            }
        });
    });
}

/// A picture of the width that there is, 16 to 9.
pub(super) fn picture(
    ui: &mut Ui,
    name: &str,
    description: &str,
    video: &Video,
    mirrored: bool,
    message: Option<&str>,
    figures: &[overlay::Group],
) {
    let width = ui.available_width();
    let (rect, _) = ui.allocate_exact_size(vec2(width, width * 9.0 / 16.0), egui::Sense::hover());
    if video.texture().is_none() {
        return nothing(ui, rect, description, message);
    }
    Tile {
        name,
        initials_of: name,
        description,
        video: Some(video),
        pose: Pose { mirrored, ..Pose::default() },
        pinned: None,
        marks: &[],
        muted: false,
        speaking: false,
        trouble: None,
        message: None,
    }
    .show(ui, rect, ui.scope_id().with(("live", "picture")));
    if !figures.is_empty() {
        overlay::paint(ui, rect, figures, egui::Vec2::ZERO, ui.scope_id().with(("live", "figures")));
    }
}

/// The place of a picture that is not there: nobody's initials belong here.
fn nothing(ui: &mut Ui, rect: egui::Rect, description: &str, message: Option<&str>) {
    let p = theme::palette(ui);
    ui.painter().rect_filled(rect, egui::CornerRadius::same(theme::radius::TILE), p.tile);
    let said = message.map_or_else(|| description.to_owned(), |message| format!("{description}. {message}"));
    let response = ui.interact(rect, ui.scope_id().with(("live", "nothing")), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &said));
    if let Some(message) = message {
        let font = egui::FontId::proportional(size::BODY);
        ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, message, font, p.text_weak);
    }
}

/// What happened to an [`address_row`].
pub(super) struct AddressRow {
    /// Something else stands there.
    pub changed: bool,
    /// The cursor has left the field.
    pub left: bool,
    /// Enter was pressed in it.
    pub entered: bool,
    /// The button was pressed.
    pub pressed: bool,
}

/// A field with a button behind it; below it in narrow columns.
pub(super) fn address_row(
    ui: &mut Ui,
    label: &str,
    hint: &str,
    text: &mut String,
    enabled: bool,
    button: Button<'_>,
) -> AddressRow {
    field::caption(ui, label);
    let draw = |ui: &mut Ui, width: f32, button_width: f32| {
        let field = Field::new(label).hint(hint).width(width).limit(LONGEST);
        let field = ui.add_enabled_ui(enabled, |ui| field.show_bare(ui, text)).inner;
        let pressed = ui.add(button.min_width(button_width)).clicked();
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        AddressRow { changed: field.changed(), left: field.lost_focus(), entered, pressed }
    };
    let width = ui.available_width();
    if width < 400.0 {
        return ui.vertical(|ui| draw(ui, width, width)).inner;
    }
    ui.horizontal(|ui| draw(ui, width - BUTTON - space::S, BUTTON)).inner
}

/// What is wrong with the field above.
pub(super) fn wrong(ui: &mut Ui, text: &str) {
    let colour = theme::palette(ui).danger;
    let label = ui.label(RichText::new(text).size(size::SMALL).color(colour));
    ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
}

/// A failure with what exactly it was, and a button that helps.
pub(super) fn failure(ui: &mut Ui, cx: &mut Cx<'_>, sentence: &Sentence, button: Option<(&str, super::Action)>) {
    card::notice(ui, card::Tone::Error, &sentence.text, |ui| {
        // Several failures may have the same details.
        ui.push_id(&sentence.text, |ui| home::details(ui, cx, sentence.detail.as_deref()));
        home::network(ui, cx, sentence, 0.0);
        if let Some((text, action)) = button
            && ui.add(Button::new(text).icon(icons::ICON_REFRESH)).clicked()
        {
            cx.act(view::Action::Live(action));
        }
    });
}

/// A line that can be copied: what it is, its value, and a button.
pub(super) fn copyable(ui: &mut Ui, cx: &mut Cx<'_>, name: &str, value: &str, secret: bool) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.label(RichText::new(name).size(size::SMALL).color(p.text_weak));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let hint = cx.with("live-copy", &[("name", name.into())]);
            if button::icon(ui, icons::ICON_CONTENT_COPY, &hint).clicked() {
                cx.act(view::Action::Copy { text: value.to_owned(), said: cx.with("live-copied", &[("name", name.into())]) });
            }
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                let shown = if secret { "•".repeat(12) } else { value.to_owned() };
                ui.add(egui::Label::new(RichText::new(shown).size(size::SMALL)).truncate());
            });
        });
    });
}
