//! The right side: what is watched, and how it goes.

use super::form::MAX_PERCENT;
use super::words::{self, Side};
use super::{Action, Form, LiveView, PlayView, RoomView, page};
use crate::app::view::{self, Cx};
use crate::media::address;
use crate::media::play::Smoothness;
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{RichText, Slider, Ui};

/// How far behind a stream may be played, in the order of the switch.
const CACHES: [(Smoothness, &str); 3] = [
    (Smoothness::Fast, "live-cache-fast"),
    (Smoothness::Automatic, "live-cache-automatic"),
    (Smoothness::Smooth, "live-cache-smooth"),
];

/// Draws it.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    card::frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        // The columns' own distance is for between them.
        ui.spacing_mut().item_spacing = egui::Vec2::splat(space::S);
        let state = cx.t(match view.play {
            PlayView::Off | PlayView::Failed(_) => "live-play-off",
            PlayView::Connecting => "live-connecting",
            PlayView::Playing => "live-play-playing",
            PlayView::Stalled => "live-play-stalled",
            PlayView::Waiting(_) => "live-play-waiting",
            PlayView::Finished => "live-play-finished",
        });
        page::heading(ui, icons::ICON_LIVE_TV, &cx.t("live-play"), &state, *view.play == PlayView::Playing);
        let (name, message) = (cx.t("live-picture-played"), cx.t("live-play-nothing"));
        let nothing = Some(message.as_str()).filter(|_| *view.play == PlayView::Off);
        page::picture(ui, &name, &name, view.picture, false, nothing, view.play_figures);
        what(ui, cx, form, view);
        shows(ui, cx, form, view);
        cache(ui, cx, form);
        loudness(ui, cx, form);
    });
}

fn loudness(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form) {
    let text = cx.with("live-volume", &[("percent", usize::from(form.percent).into())]);
    let label = field::caption(ui, &text);
    ui.horizontal(|ui| {
        button::sign(ui, icons::ICON_VOLUME_UP, size::ICON, theme::palette(ui).text);
        // The part of the track that is not lit is to be seen on a card, too.
        ui.visuals_mut().widgets.inactive.bg_fill = theme::palette(ui).line;
        ui.spacing_mut().slider_width = (ui.available_width() - space::M).max(60.0);
        let slider = Slider::new(&mut form.percent, 0..=MAX_PERCENT).step_by(5.0).show_value(false).trailing_fill(true);
        if ui.add(slider).labelled_by(label.id).changed() {
            cx.act(view::Action::Live(Action::Adjust));
        }
    });
}

/// What to play, and the button that does it.
fn what(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    let runs = view.play.runs();
    let wrong = form.play_wrong.map(|wrong| words::address(cx.texts, Side::Play, wrong));
    let (label, hint) = (cx.t("live-play-address"), cx.t("live-play-address-hint"));
    let text = cx.t(if runs { "live-play-stop" } else { "live-play-start" });
    let button =
        if runs { Button::danger(&text).icon(icons::ICON_STOP) } else { Button::primary(&text).icon(icons::ICON_PLAY_ARROW) };
    let row = page::address_row(ui, &label, &hint, &mut form.play_url, !runs, button);
    if let Some(wrong) = wrong {
        page::wrong(ui, &wrong);
    }
    if row.changed {
        form.play_wrong = None;
    }
    if row.left {
        cx.act(view::Action::Live(Action::Typed));
    }
    if row.pressed && runs {
        cx.act(view::Action::Live(Action::StopPlaying));
    } else if row.pressed || (row.entered && !runs) {
        form.play_url = form.play_url.trim().to_owned();
        form.play_wrong = address::check_play(&form.play_url).err();
        if form.play_wrong.is_none() {
            cx.act(view::Action::Live(Action::Play));
        }
    }
    match view.play {
        PlayView::Failed(sentence) => page::failure(ui, cx, sentence, None),
        PlayView::Waiting(sentence) => {
            card::notice(ui, card::Tone::Info, &sentence.text, |ui| {
                crate::app::home::details(ui, cx, sentence.detail.as_deref());
            });
        }
        PlayView::Off | PlayView::Connecting | PlayView::Playing | PlayView::Stalled | PlayView::Finished => {}
    }
}

/// Live rooms of the server, to be watched.
fn shows(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    field::caption(ui, &cx.t("live-shows"));
    match view.shows {
        None => _ = field::caption(ui, &cx.t("rooms-failed")),
        Some([]) => _ = field::caption(ui, &cx.t("live-shows-none")),
        Some(shows) => {
            ui.horizontal_wrapped(|ui| {
                for show in shows {
                    let icon = if show.locked { icons::ICON_LOCK } else { icons::ICON_LIVE_TV };
                    let hint = cx.with("live-watch", &[("name", (&show.name).into())]);
                    let shown: String = show.name.chars().take(40).collect();
                    if ui.add(Button::new(&shown).icon(icon)).on_hover_text(hint).clicked() {
                        cx.act(view::Action::Live(Action::Watch { room: show.room.clone() }));
                    }
                }
            });
        }
    }
    match view.place {
        RoomView::None => {}
        RoomView::Asking => _ = field::caption(ui, &cx.t("live-fetching")),
        RoomView::Held { name, viewers, flows } => {
            ui.horizontal_wrapped(|ui| {
                button::sign(ui, icons::ICON_VISIBILITY, size::ICON, theme::palette(ui).text);
                ui.label(RichText::new(cx.with("live-viewers", &[("count", (*viewers).into()), ("name", name.into())])));
                if *flows {
                    page::copyable(ui, cx, &cx.t("live-play-copy"), form.play_url.trim(), true);
                } else {
                    field::caption(ui, &cx.t("live-nobody"));
                }
            });
        }
        RoomView::Failed(sentence) => page::failure(ui, cx, sentence, None),
    }
    if let Some(room) = view.locked {
        let field = Field::new(&cx.t("prejoin-password")).password().show(ui, &mut form.password);
        let entered = field.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let pressed = ui.add(Button::primary(&cx.t("live-watch-locked")).icon(icons::ICON_LOCK)).clicked();
        if (entered || pressed) && !form.password.is_empty() {
            cx.act(view::Action::Live(Action::Watch { room: room.clone() }));
        }
    }
}

fn cache(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form) {
    field::caption(ui, &cx.t("live-cache"));
    let names = CACHES.map(|(_, key)| cx.t(key));
    let chosen = CACHES.iter().position(|(cache, _)| *cache == form.cache).unwrap_or(0);
    if let Some(i) = button::segmented(ui, &names.each_ref().map(String::as_str), chosen) {
        form.cache = CACHES[i].0;
        cx.act(view::Action::Live(Action::Adjust));
    }
}
