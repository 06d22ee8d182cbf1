//! What lies over the stage when it is asked for: questions, what the keys do, and what has happened.

use super::event_log::{self, EventLog};
use super::keys;
use super::look::{Act, Look, Question};
use crate::app::view::{Action, Cx};
use crate::ui::button::{self, Button};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{
    Align, Align2, Area, CornerRadius, Frame, Id, Key, Label, Layout, Margin, Modal, Order, Panel, RichText, ScrollArea, Ui, vec2,
};

/// Width of a question.
const QUESTION: f32 = 340.0;
/// Width of the list of keys.
const KEYS: f32 = 420.0;
/// How far above the window's lower edge something lies that is above the row of buttons.
const ABOVE_BUTTONS: f32 = 76.0;
/// Height of what has happened.
const LOG: f32 = 150.0;

/// The key for talking that works everywhere, as far as this system has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TalkKey {
    /// None was chosen.
    #[default]
    Off,
    /// It will be asked for when a call begins.
    Chosen(String),
    /// The system has been asked for it.
    Asking,
    /// It works.
    On(String),
    /// Another program has it.
    Taken(String),
    /// This system has nothing of the kind.
    Never,
}

/// Draws what is open.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, look: &Look, talk_key: &TalkKey) {
    if let Some(question) = &look.question {
        ask(ui, cx, question);
    } else if look.help {
        keys(ui, cx, talk_key);
    }
}

fn ask(ui: &mut Ui, cx: &mut Cx<'_>, question: &Question) {
    let (title, text, yes) = match question {
        Question::EndForAll => (cx.t("end-all-title"), cx.t("end-all-text"), cx.t("end-all-yes")),
        Question::Remove(_, name) => (cx.with("remove-title", &[("name", name.into())]), cx.t("remove-text"), cx.t("remove-yes")),
    };
    let modal = Modal::new(Id::unique("stage question")).frame(card::dialog(ui.ctx())).show(ui.ctx(), |ui| {
        ui.set_width(QUESTION.min(ui.ctx().content_rect().width() - 4.0 * space::L));
        ui.label(RichText::new(title).font(theme::strong(size::SUBTITLE)));
        ui.add(Label::new(text).wrap());
        ui.add_space(space::M);
        ui.horizontal_wrapped(|ui| {
            if ui.add(Button::danger(&yes)).clicked() {
                cx.act(Action::Stage(Act::Yes(question.clone())));
            }
            if ui.add(Button::new(&cx.t("cancel"))).clicked() {
                cx.act(Action::Stage(Act::Ask(None)));
            }
        });
    });
    if modal.should_close() {
        cx.act(Action::Stage(Act::Ask(None)));
    }
}

fn keys(ui: &mut Ui, cx: &mut Cx<'_>, talk_key: &TalkKey) {
    let modal = Modal::new(Id::unique("keys")).frame(card::dialog(ui.ctx())).show(ui.ctx(), |ui| {
        let window = ui.ctx().content_rect().size();
        ui.set_width(KEYS.min(window.x - 4.0 * space::L));
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("keys-title")).font(theme::strong(size::SUBTITLE)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                    cx.act(Action::Stage(Act::Help(false)));
                }
            });
        });
        let most = window.y - 150.0;
        // All of it, where there is room: a dialog is given less than it could have.
        ScrollArea::vertical().min_scrolled_height(most).max_height(most).show(ui, |ui| {
            keys::list(ui, cx);
            ui.add_space(space::S);
            anywhere(ui, cx, talk_key);
        });
    });
    if modal.should_close() {
        cx.act(Action::Stage(Act::Help(false)));
    }
}

/// Where the key that works everywhere is chosen: a press of a button, then the key itself.
pub fn anywhere(ui: &mut Ui, cx: &mut Cx<'_>, talk_key: &TalkKey) {
    let p = theme::palette(ui);
    ui.label(RichText::new(cx.t("keys-anywhere")).font(theme::strong(size::BODY)));
    let said = match talk_key {
        TalkKey::Off => cx.t("keys-anywhere-text"),
        TalkKey::Asking => cx.t("keys-anywhere-wait"),
        TalkKey::Chosen(key) => cx.with("keys-anywhere-chosen", &[("key", key.into())]),
        TalkKey::On(key) => cx.with("keys-anywhere-on", &[("key", key.into())]),
        TalkKey::Taken(key) => cx.with("keys-anywhere-taken", &[("key", key.into())]),
        TalkKey::Never => cx.t("keys-anywhere-never"),
    };
    let (icon, colour) = match talk_key {
        TalkKey::Taken(_) => (icons::ICON_ERROR, p.danger),
        _ => (icons::ICON_INFO, p.text_weak),
    };
    ui.horizontal(|ui| {
        button::sign(ui, icon, size::ICON - 2.0, colour);
        ui.add(Label::new(RichText::new(said).size(size::SMALL).color(colour)).wrap());
    });
    if *talk_key == TalkKey::Never {
        return;
    }
    let listening = Id::unique("listening for a key");
    let mut listens = ui.data(|data| data.get_temp::<bool>(listening)).unwrap_or(false);
    ui.horizontal_wrapped(|ui| {
        let text = cx.t(if listens { "keys-anywhere-press" } else { "keys-anywhere-choose" });
        let choose = ui.add(Button::new(&text).icon(icons::ICON_KEYBOARD));
        if choose.clicked() {
            listens = true;
            choose.surrender_focus();
        } else if listens && let Some(key) = pressed(ui) {
            listens = false;
            if let Some(key) = key {
                cx.act(Action::Stage(Act::TalkKey(Some(key))));
            }
        }
        if *talk_key != TalkKey::Off && ui.add(Button::quiet(&cx.t("keys-anywhere-off"))).clicked() {
            cx.act(Action::Stage(Act::TalkKey(None)));
        }
    });
    ui.data_mut(|data| data.insert_temp(listening, listens));
}

/// The key that was pressed just now, with what was held beside it; `None` inside: Esc, which means none.
fn pressed(ui: &Ui) -> Option<Option<String>> {
    ui.input_mut(|input| {
        let found = input.events.iter().find_map(|event| match event {
            egui::Event::Key { key, pressed: true, modifiers, .. } => Some((*key, *modifiers)),
            _ => None,
        });
        let (key, held) = found?;
        // It does nothing else.
        input.consume_key(held, key);
        if key == Key::Escape {
            return Some(None);
        }
        let names = [(held.ctrl, "Ctrl+"), (held.alt, "Alt+"), (held.shift, "Shift+")];
        let held: String = names.iter().filter(|(held, _)| *held).map(|(_, name)| *name).collect();
        Some(Some(format!("{held}{}", key.name())))
    })
}

/// What has happened, below the stage.
pub fn log(ui: &mut Ui, cx: &mut Cx<'_>, log: &EventLog) {
    let p = theme::palette(ui);
    let height = LOG.min(ui.available_height() * 0.4);
    let frame = Frame::new().fill(p.surface).inner_margin(Margin { left: 14, right: 10, top: 4, bottom: 6 });
    Panel::bottom("event log").exact_size(height).frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("log-open")).font(theme::strong(size::BODY)));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                    cx.act(Action::Stage(Act::Log(false)));
                }
                if button::icon(ui, icons::ICON_CONTENT_COPY, &cx.t("log-copy")).clicked() {
                    cx.act(Action::Copy { text: log.text(), said: cx.t("log-copied") });
                }
            });
        });
        ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.spacing_mut().interact_size.y = 0.0;
            for line in log.lines() {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(event_log::clock(line.at)).monospace().size(size::SMALL).color(p.text_weak));
                    ui.add(Label::new(RichText::new(&line.text).size(size::SMALL)).wrap().selectable(true));
                });
            }
        });
    });
}

/// That one is heard because a key is held: over the stage, so that nothing moves.
pub fn talking(ui: &Ui, cx: &Cx<'_>) {
    let p = theme::palette(ui);
    let area = Area::new(Id::unique("talking")).order(Order::Foreground).interactable(false);
    area.anchor(Align2::CENTER_BOTTOM, vec2(0.0, -ABOVE_BUTTONS)).show(ui.ctx(), |ui| {
        let frame = Frame::new().fill(p.accent).corner_radius(CornerRadius::same(16));
        frame.inner_margin(Margin::symmetric(14, 6)).show(ui, |ui| {
            ui.add(Label::new(RichText::new(cx.t("mic-talking")).font(theme::strong(size::SMALL)).color(p.on_accent)).extend());
        });
    });
}
