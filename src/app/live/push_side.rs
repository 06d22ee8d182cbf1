//! The left side: what is sent, where to, and how it goes.

use super::preset::{HEIGHTS, KBPS, Preset, RATES, WIDTHS};
use super::words::{self, Side};
use super::{Action, Form, LiveView, PushView, RoomView, page};
use crate::app::devices::sources::FILE;
use crate::app::errors;
use crate::app::prejoin::{mic_button, options};
use crate::app::view::{self, Cx};
use crate::media::address;
use crate::media::capture::VideoSource;
use crate::media::devices::Kind;
use crate::proto::name;
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons, meter};
use egui::{DragValue, RichText, Ui};
use std::ops::RangeInclusive;

/// Draws it.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    card::frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        // The columns' own distance is for between them.
        ui.spacing_mut().item_spacing = egui::Vec2::splat(space::S);
        let state = state(cx, view.push);
        let lit = matches!(view.push, PushView::Live(_));
        page::heading(ui, icons::ICON_SENSORS, &cx.t("live-push"), &state, lit);
        picture(ui, cx, form, view);
        target(ui, cx, form, view);
        room(ui, cx, form, view);
        players(ui, cx, view);
        program(ui, cx, form, view);
        microphone(ui, cx, form, view);
        sources(ui, cx, form, view);
        quality(ui, cx, form, view.push.runs());
    });
}

fn state(cx: &Cx<'_>, push: &PushView) -> String {
    match push {
        PushView::Off | PushView::Failed(_) => cx.t("live-push-off"),
        PushView::Connecting => cx.t("live-connecting"),
        PushView::Live(since) => {
            let (minutes, seconds) = (since.as_secs() / 60, since.as_secs() % 60);
            let time = match minutes / 60 {
                0 => format!("{minutes}:{seconds:02}"),
                hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
            };
            cx.with("live-push-live", &[("time", (&time).into())])
        }
        PushView::Broken(_) => cx.t("live-push-again"),
    }
}

fn picture(ui: &mut Ui, cx: &mut Cx<'_>, form: &Form, view: &LiveView<'_>) {
    let source = form.video_source();
    let message = match source {
        VideoSource::None => Some(cx.t("prejoin-no-picture")),
        _ if view.opening => Some(cx.t("prejoin-opening")),
        _ => None,
    };
    let name = cx.t("live-preview");
    let mirrored = matches!(source, VideoSource::Camera(_));
    page::picture(ui, &name, &name, view.preview, mirrored, message.as_deref(), view.push_figures);
    for failure in [view.video_failure, view.audio_failure].into_iter().flatten() {
        let retry = cx.t("retry");
        page::failure(ui, cx, failure, Some((&retry, Action::Reopen)));
    }
}

fn microphone(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    ui.horizontal(|ui| {
        let (icon, name, look) = mic_button(cx.texts, form.mic);
        if button::round(ui, icon, &name.0, &name.1, look, 0).clicked() {
            form.mic = !form.mic;
            cx.act(view::Action::Live(Action::Mic));
        }
        ui.vertical(|ui| {
            field::caption(ui, &cx.t("prejoin-level"));
            meter::level(ui, if form.mic { view.level } else { 0.0 }, &cx.t("prejoin-level"));
        });
    });
}

fn sources(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    let texts = cx.texts;
    let mut changed = false;
    let more = [("pattern", "source-pattern"), (FILE, "source-file"), ("none", "source-none")];
    let cameras = options(texts, view.lists, Kind::Camera, &form.video, &more);
    let more = [("tone", "source-tone"), (FILE, "source-audio-file"), ("none", "source-none")];
    let microphones = options(texts, view.lists, Kind::Microphone, &form.audio, &more);
    ui.columns(2, |columns| {
        let [left, right] = columns else { return };
        changed |= field::choice(left, &texts.t("live-picture"), &mut form.video, &cameras);
        changed |= field::choice(right, &texts.t("live-sound"), &mut form.audio, &microphones);
    });
    for (chosen, path, key) in
        [(&form.video, &mut form.video_path, "live-picture-file"), (&form.audio, &mut form.audio_path, "live-sound-file")]
    {
        if chosen == FILE {
            let hint = cx.t("prejoin-file-hint");
            changed |= Field::new(&texts.t(key)).hint(&hint).limit(4096).show(ui, path).lost_focus();
        }
    }
    if changed {
        cx.act(view::Action::Live(Action::Sources));
    }
}

/// Size and rate; fixed while the stream runs.
fn quality(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, runs: bool) {
    ui.add_enabled_ui(!runs, |ui| {
        field::caption(ui, &cx.t("live-quality"));
        let names = ["live-quality-sd", "live-quality-hd", "live-quality-fhd", "live-quality-custom"].map(|key| cx.t(key));
        let names = names.each_ref().map(String::as_str);
        let chosen = Preset::ALL.iter().position(|preset| *preset == form.preset).unwrap_or(0);
        let mut changed = false;
        if let Some(i) = button::segmented(ui, &names, chosen) {
            // One's own begins where the preset before it was.
            if Preset::ALL[i] == Preset::Custom && form.preset != Preset::Custom {
                form.custom = form.coding();
            }
            form.preset = Preset::ALL[i];
            changed = true;
        }
        if form.preset == Preset::Custom {
            ui.horizontal_wrapped(|ui| {
                changed |= number(ui, &cx.t("live-width"), &mut form.custom.width, WIDTHS, 16.0);
                changed |= number(ui, &cx.t("live-height"), &mut form.custom.height, HEIGHTS, 16.0);
                changed |= number(ui, &cx.t("live-fps"), &mut form.custom.fps, RATES, 0.2);
                changed |= number(ui, &cx.t("live-kbps"), &mut form.custom.kbps, KBPS, 20.0);
            });
        }
        let coding = form.coding();
        let values = [("width", coding.width), ("height", coding.height), ("fps", coding.fps), ("kbps", coding.kbps)];
        let values = values.map(|(name, value)| (name, value.to_string()));
        let line = cx.with("live-quality-line", &values.each_ref().map(|(name, value)| (*name, value.as_str().into())));
        field::caption(ui, &line);
        if changed {
            cx.act(view::Action::Live(Action::Sources));
        }
    });
}

/// A number to type or drag; `true` when it is settled.
fn number(ui: &mut Ui, name: &str, value: &mut u32, range: RangeInclusive<u32>, speed: f64) -> bool {
    let label = field::caption(ui, name);
    let response = ui.add(DragValue::new(value).range(range).speed(speed).update_while_editing(false)).labelled_by(label.id);
    response.lost_focus() || response.drag_stopped()
}

/// Where to send to, and the button that does it.
fn target(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    let runs = view.push.runs();
    let wrong = form.push_wrong.map(|wrong| words::address(cx.texts, Side::Push, wrong));
    let (label, hint) = (cx.t("live-push-address"), cx.t("live-push-address-hint"));
    let text = cx.t(if runs { "live-push-stop" } else { "live-push-start" });
    let button =
        if runs { Button::danger(&text).icon(icons::ICON_STOP) } else { Button::primary(&text).icon(icons::ICON_SENSORS) };
    let row = page::address_row(ui, &label, &hint, &mut form.push_url, !runs, button);
    if let Some(wrong) = wrong {
        page::wrong(ui, &wrong);
    }
    if row.changed {
        form.push_wrong = None;
        // Another address than the one that the server gave.
        if *view.seat != RoomView::None {
            cx.act(view::Action::Live(Action::Release));
        }
    }
    if row.left {
        cx.act(view::Action::Live(Action::Typed));
    }
    if row.pressed && runs {
        cx.act(view::Action::Live(Action::Stop));
    } else if row.pressed || (row.entered && !runs) {
        form.push_url = form.push_url.trim().to_owned();
        form.push_wrong = address::check_push(&form.push_url).err();
        if form.push_wrong.is_none() {
            cx.act(view::Action::Live(Action::Start));
        }
    }
    match view.push {
        PushView::Failed(sentence) | PushView::Broken(sentence) => page::failure(ui, cx, sentence, None),
        PushView::Off | PushView::Connecting | PushView::Live(_) => {}
    }
}

/// An address from the server, and who watches what is sent there.
fn room(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form, view: &LiveView<'_>) {
    match view.seat {
        RoomView::Asking => _ = field::caption(ui, &cx.t("live-fetching")),
        RoomView::Held { name, viewers, .. } => {
            ui.horizontal_wrapped(|ui| {
                button::sign(ui, icons::ICON_VISIBILITY, size::ICON, theme::palette(ui).text);
                let label = ui.label(cx.with("live-viewers", &[("count", (*viewers).into()), ("name", name.into())]));
                ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
            });
        }
        RoomView::None | RoomView::Failed(_) => {
            if !view.push.runs() {
                fetch(ui, cx, form);
            }
            if let RoomView::Failed(sentence) = view.seat {
                page::failure(ui, cx, sentence, None);
            }
        }
    }
}

fn fetch(ui: &mut Ui, cx: &mut Cx<'_>, form: &mut Form) {
    let (label, text) = (cx.t("live-title"), cx.t("live-fetch"));
    let wrong = name::check(&form.title).err().filter(|_| form.strict).map(|error| errors::name(cx.texts, error));
    let row = page::address_row(ui, &label, "", &mut form.title, true, Button::new(&text).icon(icons::ICON_DOWNLOAD));
    if let Some(wrong) = wrong {
        page::wrong(ui, &wrong);
    } else {
        field::caption(ui, &cx.t("live-fetch-hint"));
    }
    if row.pressed || row.entered {
        form.strict = true;
        if name::check(&form.title).is_ok() {
            cx.act(view::Action::Live(Action::Fetch));
        }
    }
}

/// What is sent, for players that know no rooms.
fn players(ui: &mut Ui, cx: &mut Cx<'_>, view: &LiveView<'_>) {
    let Some(players) = view.players else { return };
    folded(ui, cx, "live-players", "live-players-text", |ui, cx| {
        page::copyable(ui, cx, &cx.t("live-players-rtmp"), &players.rtmp, true);
        if let Some(http) = &players.http {
            page::copyable(ui, cx, &cx.t("live-players-http"), http, true);
        }
    });
}

/// The same address for OBS and others.
fn program(ui: &mut Ui, cx: &mut Cx<'_>, form: &Form, view: &LiveView<'_>) {
    let Some(program) = view.program else { return };
    folded(ui, cx, "live-program", "live-program-text", |ui, cx| {
        page::copyable(ui, cx, &cx.t("live-program-server"), &program.server, false);
        page::copyable(ui, cx, &cx.t("live-program-key"), &program.key, true);
        if !program.key.contains('?') && *view.seat == RoomView::None {
            page::copyable(ui, cx, &cx.t("live-program-player"), form.push_url.trim(), false);
        }
        if !program.encrypted {
            field::caption(ui, &cx.t("live-program-plain"));
        }
    });
}

/// Something that most people do not need: a title to unfold, a sentence, and the rest.
fn folded(ui: &mut Ui, cx: &mut Cx<'_>, title: &str, text: &str, rest: impl FnOnce(&mut Ui, &mut Cx<'_>)) {
    let small = |text: String, ui: &Ui| RichText::new(text).size(size::SMALL).color(theme::palette(ui).text_weak);
    egui::CollapsingHeader::new(small(cx.t(title), ui)).id_salt(title).show(ui, |ui| {
        ui.add(egui::Label::new(small(cx.t(text), ui)).wrap());
        rest(ui, cx);
    });
}
