//! The buttons of a call, and their keys.

use crate::app::prejoin::{camera_button, mic_button};
use crate::app::share;
use crate::app::view::{Action, Cx};
use crate::ui::button::{self, Look};
use crate::ui::icons;
use crate::ui::theme::space;
use egui::{Context, Key, Modifiers, Ui, vec2};

/// What the buttons show.
#[derive(Clone, Copy, Debug)]
pub struct ControlsView {
    /// Microphone on.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
    /// The chat is open.
    pub chat: bool,
    /// Lines of chat not read yet.
    pub unread: usize,
    /// Figures are shown.
    pub stats: bool,
    /// The devices' dialog is open.
    pub devices: bool,
    /// Something of the screen is shared.
    pub sharing: bool,
}

/// Draws the row of buttons, centred.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView) {
    const BUTTONS: f32 = 6.0 * 46.0 + 60.0;
    let gap = ((ui.available_width() - BUTTONS) / 8.0).clamp(2.0, space::M);
    let side = ((ui.available_width() - BUTTONS - 7.0 * gap) / 2.0).max(0.0);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ui.add_space(side);
        ui.spacing_mut().item_spacing.x = gap;
        let (icon, name, look) = mic_button(cx.texts, view.mic);
        if button::round(ui, icon, &name.0, &name.1, look, 0).clicked() {
            cx.act(Action::SetMic(!view.mic));
        }
        let (icon, name, look) = camera_button(cx.texts, view.camera);
        if button::round(ui, icon, &name.0, &name.1, look, 0).clicked() {
            cx.act(Action::SetCamera(!view.camera));
        }
        let (icon, key, look) = match view.sharing {
            true => (icons::ICON_STOP_SCREEN_SHARE, "share-stop", Look::Selected),
            false => (icons::ICON_SCREEN_SHARE, "share-open", Look::Normal),
        };
        if button::round(ui, icon, &cx.t(key), &cx.t(&format!("{key}-hint")), look, 0).clicked() {
            cx.act(share(view));
        }
        let open = |open: bool| if open { Look::Selected } else { Look::Normal };
        let name = match view.unread {
            0 => cx.t("chat-open"),
            n => cx.with("chat-open-unread", &[("count", n.into())]),
        };
        if button::round(ui, icons::ICON_CHAT, &name, &cx.t("chat-open-hint"), open(view.chat), view.unread).clicked() {
            cx.act(Action::ToggleChat);
        }
        if button::round(ui, icons::ICON_MONITORING, &cx.t("stats-open"), &cx.t("stats-open-hint"), open(view.stats), 0).clicked()
        {
            cx.act(Action::ToggleStats);
        }
        if button::round(ui, icons::ICON_SETTINGS, &cx.t("devices-open"), &cx.t("devices-open-hint"), open(view.devices), 0)
            .clicked()
        {
            cx.act(Action::OpenDevices(!view.devices));
        }
        // A little apart, so that nobody leaves by mistake.
        ui.add_space(gap);
        if button::round(ui, icons::ICON_CALL_END, &cx.t("leave"), &cx.t("leave-hint"), Look::Danger, 0).clicked() {
            cx.act(Action::Leave);
        }
    });
}

/// What to do about sharing: the other way round than it is.
fn share(view: ControlsView) -> Action {
    Action::Share(if view.sharing { share::Action::Stop } else { share::Action::Open(true) })
}

/// What the keyboard asks for: M, V, S, C, D and Ctrl+Shift+S (never while a text is being typed).
pub fn keys(ctx: &Context, view: ControlsView) -> Vec<Action> {
    let stats = ctx.input_mut(|i| i.consume_key(Modifiers::COMMAND | Modifiers::SHIFT, Key::S));
    let mut actions: Vec<Action> = stats.then_some(Action::ToggleStats).into_iter().collect();
    if ctx.text_edit_focused() {
        return actions;
    }
    let pressed = |key| ctx.input_mut(|i| i.consume_key(Modifiers::NONE, key));
    if pressed(Key::M) {
        actions.push(Action::SetMic(!view.mic));
    }
    if pressed(Key::V) {
        actions.push(Action::SetCamera(!view.camera));
    }
    if pressed(Key::S) {
        actions.push(share(view));
    }
    if pressed(Key::C) {
        actions.push(Action::ToggleChat);
    }
    if pressed(Key::D) {
        actions.push(Action::OpenDevices(!view.devices));
    }
    actions
}
