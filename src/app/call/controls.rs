//! The buttons of a call, and their keys. What does not fit beside the others is in the last button's menu.

use super::look::{Act, Look, Question, Saved};
use super::tile_menu;
use crate::app::prejoin::{camera_button, mic_button};
use crate::app::record;
use crate::app::share;
use crate::app::view::{Action, Cx};
use crate::call::Recorded;
use crate::ui::arrangement::Arrangement;
use crate::ui::button::{self, Look as ButtonLook};
use crate::ui::menu::{self, Item};
use crate::ui::theme::space;
use crate::ui::{MaterialIcon, icons};
use egui::{Context, Key, Modifiers, Popup, PopupCloseBehavior, Response, Ui, vec2};

/// What the buttons show.
#[derive(Clone, Copy, Debug)]
pub struct ControlsView<'a> {
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
    /// The call is being recorded here.
    pub recording: bool,
    /// Something of the screen is shared.
    pub sharing: bool,
    /// One opened the room.
    pub mine: bool,
    /// One's picture comes from a camera.
    pub face: bool,
    /// How everybody is shown.
    pub saved: &'a Saved,
    /// What of that is not remembered.
    pub look: &'a Look,
}

/// Width of a button, and of the one that leaves.
const BUTTON: f32 = 46.0;
const LEAVE: f32 = 60.0;
/// Width of the menus.
const MENU: f32 = 250.0;

/// A button that is only in the row where there is room; else it is in the menu of the last one. In this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extra {
    Camera,
    Share,
    Chat,
    View,
    Stats,
    Devices,
}

const EXTRAS: [Extra; 6] = [Extra::Camera, Extra::Share, Extra::Chat, Extra::View, Extra::Stats, Extra::Devices];

/// Draws the row of buttons, centred.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView<'_>) {
    let (gap, fit) = room(ui.available_width(), EXTRAS.len());
    let width = (2 + fit) as f32 * BUTTON + LEAVE + (3 + fit) as f32 * gap;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ui.add_space(((ui.available_width() - width) / 2.0).max(0.0));
        ui.spacing_mut().item_spacing.x = gap;
        let (icon, (name, hint), look) = mic_button(cx.texts, view.mic);
        let hint = if view.mic { hint } else { cx.t("mic-talk-hint") };
        if button::round(ui, icon, &name, &hint, look, 0).clicked() {
            cx.act(Action::SetMic(!view.mic));
        }
        EXTRAS[..fit].iter().for_each(|extra| extra_button(ui, cx, view, *extra));
        let more = cx.t("call-more");
        let unread = if EXTRAS[..fit].contains(&Extra::Chat) { 0 } else { view.unread };
        let response = button::round(ui, icons::ICON_MORE_HORIZ, &more, &more, ButtonLook::Normal, unread);
        popup(&response, |ui| more_menu(ui, cx, view, &EXTRAS[fit..]));
        // A little apart, so that nobody leaves by mistake.
        ui.add_space(gap);
        if button::round(ui, icons::ICON_CALL_END, &cx.t("leave"), &cx.t("leave-hint"), ButtonLook::Danger, 0).clicked() {
            cx.act(Action::Leave);
        }
    });
}

/// Icon, name and tooltip of the button that shares, or no longer.
fn share_button(view: ControlsView<'_>) -> (MaterialIcon, &'static str, &'static str) {
    match view.sharing {
        true => (icons::ICON_STOP_SCREEN_SHARE, "share-stop", "share-stop-hint"),
        false => (icons::ICON_SCREEN_SHARE, "share-open", "share-open-hint"),
    }
}

/// What to do about sharing: the other way round than it is.
fn share(view: ControlsView<'_>) -> Action {
    Action::Share(if view.sharing { share::Action::Stop } else { share::Action::Open(true) })
}

/// The whole call is recorded, or no longer.
fn record(view: ControlsView<'_>) -> Action {
    Action::Record(record::Action::toggle(Recorded::Stage, view.recording))
}

/// The distance between the buttons, and how many of the extra ones there is room for.
fn room(available: f32, extras: usize) -> (f32, usize) {
    let all = |fit: usize| (2 + fit) as f32 * BUTTON + LEAVE;
    let fit = (0..=extras).rev().find(|fit| all(*fit) + (3 + fit) as f32 * space::XS <= available).unwrap_or(0);
    (((available - all(fit)) / (3 + fit) as f32).clamp(2.0, space::M), fit)
}

fn opened(open: bool) -> ButtonLook {
    if open { ButtonLook::Selected } else { ButtonLook::Normal }
}

fn chat_name(cx: &Cx<'_>, unread: usize) -> String {
    match unread {
        0 => cx.t("chat-open"),
        n => cx.with("chat-open-unread", &[("count", n.into())]),
    }
}

fn extra_button(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView<'_>, extra: Extra) {
    match extra {
        Extra::Camera => {
            let (icon, (name, hint), look) = camera_button(cx.texts, view.camera);
            if button::round(ui, icon, &name, &hint, look, 0).clicked() {
                cx.act(Action::SetCamera(!view.camera));
            }
        }
        Extra::Share => {
            let (icon, key, hint) = share_button(view);
            if button::round(ui, icon, &cx.t(key), &cx.t(hint), opened(view.sharing), 0).clicked() {
                cx.act(share(view));
            }
        }
        Extra::Chat => {
            let (name, hint) = (chat_name(cx, view.unread), cx.t("chat-open-hint"));
            if button::round(ui, icons::ICON_CHAT, &name, &hint, opened(view.chat), view.unread).clicked() {
                cx.act(Action::ToggleChat);
            }
        }
        Extra::View => {
            let name = cx.t("stage-view");
            let response = button::round(ui, icons::ICON_GRID_VIEW, &name, &name, ButtonLook::Normal, 0);
            popup(&response, |ui| view_menu(ui, cx, view));
        }
        Extra::Stats => {
            let (name, hint) = (cx.t("stats-open"), cx.t("stats-open-hint"));
            if button::round(ui, icons::ICON_MONITORING, &name, &hint, opened(view.stats), 0).clicked() {
                cx.act(Action::ToggleStats);
            }
        }
        Extra::Devices => {
            let (name, hint) = (cx.t("devices-open"), cx.t("devices-open-hint"));
            if button::round(ui, icons::ICON_SETTINGS, &name, &hint, opened(view.devices), 0).clicked() {
                cx.act(Action::OpenDevices(!view.devices));
            }
        }
    }
}

/// The same as a line of the menu.
fn extra_item(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView<'_>, extra: Extra) {
    let (icon, name, key, action) = match extra {
        Extra::Camera => {
            let (icon, (name, _), _) = camera_button(cx.texts, view.camera);
            (icon, name, "V", Action::SetCamera(!view.camera))
        }
        Extra::Share => {
            let (icon, key, _) = share_button(view);
            (icon, cx.t(key), "S", share(view))
        }
        Extra::Chat => (icons::ICON_CHAT, chat_name(cx, view.unread), "C", Action::ToggleChat),
        Extra::View => {
            view_menu(ui, cx, view);
            return menu::separator(ui);
        }
        Extra::Stats => (icons::ICON_MONITORING, cx.t("stats-open"), "Ctrl+Shift+S", Action::ToggleStats),
        Extra::Devices => (icons::ICON_SETTINGS, cx.t("devices-open"), "D", Action::OpenDevices(!view.devices)),
    };
    if Item::new(icon, &name).hint(key).show(ui).clicked() {
        cx.act(action);
    }
}

fn popup(response: &Response, content: impl FnOnce(&mut Ui)) {
    Popup::menu(response).close_behavior(PopupCloseBehavior::CloseOnClickOutside).width(MENU).show(|ui| {
        ui.set_width(MENU);
        menu::outline(ui);
        ui.spacing_mut().item_spacing.y = space::XS;
        menu::all(ui, content);
    });
}

/// What a way to show everybody is called.
const fn arrangement_name(arrangement: Arrangement) -> &'static str {
    match arrangement {
        Arrangement::Grid => "stage-grid",
        Arrangement::Main => "stage-main",
        Arrangement::Inset => "stage-inset",
    }
}

fn view_menu(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView<'_>) {
    for choice in Arrangement::ALL {
        let chosen = view.saved.arrangement == choice;
        if ui.radio(chosen, cx.t(arrangement_name(choice))).clicked() && !chosen {
            cx.act(Action::Stage(Act::Arrange(choice)));
        }
    }
    menu::separator(ui);
    let mut fill = view.saved.fill;
    if ui.checkbox(&mut fill, cx.t("stage-fill")).changed() {
        cx.act(Action::Stage(Act::Fill(fill)));
    }
    tile_menu::mirrors(ui, cx, view.saved, view.face);
    menu::separator(ui);
    let full = view.look.full_screen;
    let (icon, key) = if full { (icons::ICON_FULLSCREEN_EXIT, "tile-full-leave") } else { (icons::ICON_FULLSCREEN, "tile-full") };
    if Item::new(icon, &cx.t(key)).hint("F").show(ui).clicked() {
        cx.act(Action::Stage(Act::FullScreen(!full)));
    }
    if Item::new(icons::ICON_PIP, &cx.t("stage-compact")).show(ui).clicked() {
        cx.act(Action::Stage(Act::Compact(true)));
    }
}

fn more_menu(ui: &mut Ui, cx: &mut Cx<'_>, view: ControlsView<'_>, extras: &[Extra]) {
    extras.iter().for_each(|extra| extra_item(ui, cx, view, *extra));
    let (icon, key) = match view.recording {
        true => (icons::ICON_STOP_CIRCLE, "record-stage-stop"),
        false => (icons::ICON_FIBER_MANUAL_RECORD, "record-stage"),
    };
    if Item::new(icon, &cx.t(key)).hint("R").show(ui).clicked() {
        cx.act(record(view));
    }
    if Item::new(icons::ICON_LIST_ALT, &cx.t("log-open")).show(ui).clicked() {
        cx.act(Action::Stage(Act::Log(!view.look.log)));
    }
    if Item::new(icons::ICON_KEYBOARD, &cx.t("keys-open")).hint("?").show(ui).clicked() {
        cx.act(Action::Stage(Act::Help(true)));
    }
    if view.mine {
        menu::separator(ui);
        if Item::new(icons::ICON_CALL_END, &cx.t("end-all")).danger().show(ui).clicked() {
            cx.act(Action::Stage(Act::Ask(Some(Question::EndForAll))));
        }
    }
}

/// What the keyboard asks for (never while a text is being typed).
pub fn keys(ctx: &Context, view: ControlsView<'_>) -> Vec<Action> {
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
    if pressed(Key::R) {
        actions.push(record(view));
    }
    if pressed(Key::D) {
        actions.push(Action::OpenDevices(!view.devices));
    }
    if pressed(Key::F) {
        actions.push(Action::Stage(Act::FullScreen(!view.look.full_screen)));
    }
    if pressed(Key::Questionmark) || pressed(Key::F1) || ctx.input_mut(|i| i.consume_key(Modifiers::SHIFT, Key::Slash)) {
        actions.push(Action::Stage(Act::Help(!view.look.help)));
    }
    // An open menu has the first right to Esc, and so has the dialog of the devices.
    if !Popup::is_any_open(ctx) && !view.devices && ctx.input(|i| i.key_pressed(Key::Escape)) {
        actions.push(Action::Stage(Act::Back));
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_fits_the_smallest_window() {
        for available in [200.0, 216.0, 296.0, 456.0, 616.0, 1100.0] {
            let (gap, fit) = room(available, EXTRAS.len());
            let width = (2 + fit) as f32 * BUTTON + LEAVE + (3 + fit) as f32 * gap;
            assert!(width <= available, "{width} of {available}");
        }
        assert_eq!([1100.0, 480.0, 456.0, 296.0, 216.0].map(|width| room(width, EXTRAS.len()).1), [6, 6, 5, 2, 1]);
    }
}
