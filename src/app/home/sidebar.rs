//! The room list on the left.

use super::mode_icon;
use crate::app::view::{Action, Cx, RoomsView, mode_name};
use crate::proto::api::RoomSummary;
use crate::proto::{Mode, RoomId};
use crate::ui::button::{self, Button};
use crate::ui::card::{self, Row};
use crate::ui::field::Field;
use crate::ui::icons;
use crate::ui::theme::{self, size, space};
use egui::{Frame, Margin, Panel, RichText, Ui};

/// How wide it is.
pub const WIDTH: f32 = 272.0;

/// From so many rooms on they can be searched.
const SEARCH_FROM: usize = 4;

/// Draws the list at the left edge of `ui`; `here` is the room one is in, `search` what is being looked for.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, rooms: &RoomsView, here: Option<&RoomId>, search: &mut String) {
    let p = theme::palette(ui);
    let frame = Frame::new().fill(p.sunken).inner_margin(Margin { left: 12, right: 12, top: 8, bottom: 12 });
    let width = WIDTH.min(ui.available_width() * 0.45);
    Panel::left("rooms").resizable(false).exact_size(width).frame(frame).show(ui, |ui| {
        header(ui, cx);
        if here.is_none() {
            Panel::bottom("rooms new")
                .frame(Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO }))
                .show_separator_line(false)
                .show(ui, |ui| {
                    let text = cx.t("rooms-new");
                    if ui.add(Button::new(&text).icon(icons::ICON_ADD).min_width(ui.available_width())).clicked() {
                        cx.act(Action::New(Mode::Multi));
                    }
                });
        }
        match rooms {
            RoomsView::Loading => {
                ui.add_space(space::M);
                ui.vertical_centered(|ui| ui.label(RichText::new(cx.t("rooms-loading")).color(p.text_weak)));
            }
            RoomsView::Failed(sentence) => {
                ui.add_space(space::S);
                card::notice(ui, card::Tone::Error, &cx.t("rooms-failed"), |ui| {
                    ui.add(egui::Label::new(RichText::new(&sentence.text).size(size::SMALL).color(p.text_weak)).wrap());
                    if ui.add(Button::new(&cx.t("retry"))).clicked() {
                        cx.act(Action::RefreshRooms);
                    }
                });
            }
            RoomsView::List(list) if list.is_empty() => empty(ui, cx),
            RoomsView::List(list) => {
                if list.len() >= SEARCH_FROM || !search.is_empty() {
                    let text = cx.t("rooms-search");
                    Field::new(&text).hint(&text).limit(64).show_bare(ui, search);
                    ui.add_space(space::XS);
                }
                let found: Vec<_> = list.iter().filter(|room| matches(room, search)).collect();
                if found.is_empty() {
                    nothing_found(ui, cx, search);
                }
                egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                    ui.spacing_mut().item_spacing.y = space::XS;
                    for room in found {
                        row(ui, cx, room, here);
                    }
                });
            }
        }
    });
}

/// Whether a room has what is searched in its name, or among the people in it.
fn matches(room: &RoomSummary, search: &str) -> bool {
    let wanted = search.trim().to_lowercase();
    std::iter::once(&room.name).chain(&room.members).any(|text| text.to_lowercase().contains(&wanted))
}

fn nothing_found(ui: &mut Ui, cx: &Cx<'_>, search: &mut String) {
    let p = theme::palette(ui);
    ui.add_space(space::M);
    ui.vertical_centered(|ui| {
        let text = cx.with("rooms-not-found", &[("search", search.trim().into())]);
        ui.add(egui::Label::new(RichText::new(text).color(p.text_weak)).wrap());
        if ui.add(Button::quiet(&cx.t("rooms-show-all"))).clicked() {
            search.clear();
        }
    });
}

fn header(ui: &mut Ui, cx: &mut Cx<'_>) {
    ui.horizontal(|ui| {
        ui.add_space(space::XS);
        ui.label(RichText::new(cx.t("rooms-title")).font(theme::strong(size::SUBTITLE)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            if button::icon(ui, icons::ICON_LEFT_PANEL_CLOSE, &cx.t("sidebar-hide")).clicked() {
                cx.act(Action::ShowSidebar(false));
            }
            if button::icon(ui, icons::ICON_REFRESH, &cx.t("rooms-refresh")).clicked() {
                cx.act(Action::RefreshRooms);
            }
        });
    });
}

fn empty(ui: &mut Ui, cx: &Cx<'_>) {
    let p = theme::palette(ui);
    ui.add_space((ui.available_height() * 0.3 - 40.0).max(space::M));
    ui.vertical_centered(|ui| {
        button::sign(ui, icons::ICON_MEETING_ROOM, 36.0, p.text_weak);
        ui.label(RichText::new(cx.t("rooms-empty")).font(theme::strong(size::BODY)));
        ui.add(egui::Label::new(RichText::new(cx.t("rooms-empty-text")).size(size::SMALL).color(p.text_weak)).wrap());
    });
}

fn row(ui: &mut Ui, cx: &mut Cx<'_>, room: &RoomSummary, here: Option<&RoomId>) {
    let selected = here == Some(&room.room);
    let free = room.cap.saturating_sub(room.members.len());
    let people = cx.with("room-people", &[("count", room.members.len().into())]);
    let seats = cx.with("room-free", &[("free", free.into())]);
    let mode = mode_name(cx.texts, room.mode);
    let line = if selected { cx.t("room-here") } else { format!("{mode} · {seats}") };
    let full_line = cx.with("room-line", &[("mode", (&mode).into()), ("people", (&people).into()), ("free", (&seats).into())]);
    let mut hint = full_line.clone();
    if room.locked {
        hint = format!("{hint} · {}", cx.t("room-locked"));
    }
    if room.sealed {
        hint = format!("{hint} · {}", cx.t("sealed"));
    }
    let name = if selected {
        format!("{}: {}", room.name, cx.t("room-here"))
    } else {
        cx.with("room-enter", &[("name", (&room.name).into()), ("line", (&hint).into())])
    };
    let row = Row {
        title: &room.name,
        text: &line,
        icon: mode_icon(room.mode),
        mark: match (room.sealed, room.locked) {
            (true, _) => Some(icons::ICON_ENCRYPTED),
            (false, locked) => locked.then_some(icons::ICON_LOCK),
        },
        people: &room.members,
        selected,
    };
    let enabled = !selected && free > 0;
    let response = ui.add_enabled_ui(enabled || selected, |ui| row.show(ui, &name)).inner;
    let people = room.members.join(", ");
    let response = response.on_hover_text(format!("{hint}\n{people}")).on_disabled_hover_text(hint);
    if response.clicked() && enabled {
        cx.act(Action::Enter(room.clone()));
    }
}
