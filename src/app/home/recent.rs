//! Rooms that one has been in, to be entered again with one click.

use super::{Action, HomeView, mode_icon};
use crate::app::settings::{Recent, ServerChoice};
use crate::app::view::{Action as Any, Cx, RoomsView};
use crate::ui::button;
use crate::ui::card::{self, Row};
use crate::ui::icons;
use crate::ui::theme::{self, size, space};
use egui::{RichText, Ui};

/// As many as fit beside the rest of the page.
const SHOWN: usize = 4;

/// Draws the card.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>) {
    card::frame(ui).inner_margin(egui::Margin::symmetric(12, 16)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.add_space(space::S);
            ui.label(RichText::new(cx.t("recent-title")).font(theme::strong(size::SUBTITLE)));
        });
        for room in view.recent.iter().take(SHOWN) {
            row(ui, cx, view, room);
        }
    });
}

fn row(ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>, room: &Recent) {
    let line = line(cx, view, room);
    let said = if room.key.is_some() { format!("{line} · {}", cx.t("sealed")) } else { line.clone() };
    let name = cx.with("recent-enter", &[("name", (&room.name).into()), ("line", (&said).into())]);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let width = ui.available_width() - theme::CONTROL_HEIGHT;
        let mark = room.key.is_some().then_some(icons::ICON_ENCRYPTED);
        let row = Row { title: &room.name, text: &line, icon: mode_icon(room.mode), mark, people: &[], selected: false };
        let clicked = ui
            .vertical(|ui| {
                ui.set_width(width);
                row.show(ui, &name).clicked()
            })
            .inner;
        if clicked {
            cx.act(Any::First(Action::EnterRecent(room.clone())));
        }
        let forget = cx.with("recent-forget", &[("name", (&room.name).into())]);
        if button::icon(ui, icons::ICON_CLOSE, &forget).clicked() {
            cx.act(Any::First(Action::ForgetRecent(room.clone())));
        }
    });
}

/// Who is there now, where that is known; otherwise where it is and when one was there.
fn line(cx: &Cx<'_>, view: &HomeView<'_>, room: &Recent) -> String {
    let same_server = match (view.choice, &room.server) {
        (ServerChoice::Here, None) => true,
        (ServerChoice::Address(used), Some(its)) => used == its,
        _ => false,
    };
    if let (true, RoomsView::List(rooms)) = (same_server, view.rooms)
        && let Some(open) = rooms.iter().find(|listed| listed.room.as_str() == room.room)
    {
        let people = cx.with("room-people", &[("count", open.members.len().into())]);
        return cx.with("recent-open", &[("people", (&people).into())]);
    }
    let ago = ago(cx, view.today.saturating_sub(room.at));
    match &room.server {
        Some(server) => {
            let host = server.split('#').next().unwrap_or(server);
            cx.with("recent-line", &[("ago", (&ago).into()), ("server", host.into())])
        }
        None => ago,
    }
}

/// How long it has been, as people say it.
fn ago(cx: &Cx<'_>, seconds: u64) -> String {
    const HOUR: u64 = 3600;
    let count = |n: u64| [("count", usize::try_from(n).unwrap_or(usize::MAX).into())];
    match seconds {
        0..HOUR => cx.t("ago-now"),
        s if s < 24 * HOUR => cx.with("ago-hours", &count(s / HOUR)),
        s => cx.with("ago-days", &count(s / (24 * HOUR))),
    }
}
