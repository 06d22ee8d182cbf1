//! The menu of a tile: how loud somebody is played, or how one's own microphone is cleaned. It opens by its button or by a right click.

use crate::app::i18n::Texts;
use crate::app::record;
use crate::app::view::{Action, Cx};
use crate::call::snapshot::Recording;
use crate::call::{Peer, Volume};
use crate::media::audio::chain::Noise;
use crate::ui::theme::{self, size, space};
use crate::ui::{MaterialIcon, button, icons};
use egui::{Popup, PopupCloseBehavior, Rect, RichText, Slider, Stroke, Ui, pos2, vec2};

/// Side of the button, in the upper left corner: figures are in the right one.
const BUTTON: f32 = 30.0;
/// Width of the menu.
const WIDTH: f32 = 230.0;
/// Smaller tiles have no room for the button; a right click opens the menu all the same.
const LEAST: f32 = 70.0;

/// The menu of somebody else.
pub(super) fn of_peer(ui: &mut Ui, cx: &mut Cx<'_>, peer: &Peer, recordings: &[Recording], tile: Rect) {
    let icon = if peer.volume.muted { icons::ICON_VOLUME_OFF } else { icons::ICON_MORE_VERT };
    let name = cx.with("tile-menu", &[("name", (&peer.name).into())]);
    menu(ui, tile, peer.member.as_str(), icon, &name, |ui| {
        title(ui, &peer.name);
        let mut volume = peer.volume;
        let text = cx.with("tile-volume", &[("percent", usize::from(volume.percent).into())]);
        let label = ui.label(RichText::new(text).size(size::SMALL));
        ui.spacing_mut().slider_width = WIDTH - 2.0 * space::S;
        let slider = Slider::new(&mut volume.percent, 0..=Volume::MAX_PERCENT).step_by(5.0).show_value(false).trailing_fill(true);
        ui.add_enabled(!volume.muted, slider).labelled_by(label.id);
        ui.checkbox(&mut volume.muted, cx.t("tile-mute-for-me"));
        if volume != peer.volume {
            cx.act(Action::SetVolume { member: peer.member.clone(), name: peer.name.clone(), volume });
        }
        record::menu(ui, cx, Some(&peer.member), recordings);
    });
}

/// One's own menu.
pub(super) fn of_me(ui: &mut Ui, cx: &mut Cx<'_>, noise: Noise, recordings: &[Recording], tile: Rect) {
    let name = cx.t("tile-menu-own");
    menu(ui, tile, "me", icons::ICON_MORE_VERT, &name, |ui| {
        title(ui, &cx.t("noise"));
        for choice in Noise::ALL {
            let text = noise_name(cx.texts, choice);
            if ui.radio(choice == noise, text).clicked() && choice != noise {
                cx.act(Action::SetNoise(choice));
            }
        }
        record::menu(ui, cx, None, recordings);
    });
}

/// What a choice of noise suppression is called.
pub(in crate::app) fn noise_name(texts: &Texts, noise: Noise) -> String {
    texts.t(match noise {
        Noise::Off => "noise-off",
        Noise::On => "noise-on",
        Noise::Strong => "noise-strong",
    })
}

fn title(ui: &mut Ui, text: &str) {
    ui.add(egui::Label::new(RichText::new(text).font(theme::strong(size::BODY))).truncate());
}

/// Menus draw their controls without edges, for lists of words; a slider and a box to tick need theirs.
fn outline(ui: &mut Ui) {
    let p = theme::palette(ui);
    let visuals = ui.visuals_mut();
    for state in [&mut visuals.widgets.inactive, &mut visuals.widgets.hovered, &mut visuals.widgets.active] {
        (state.bg_fill, state.bg_stroke) = (p.line, Stroke::new(1.0, p.text_weak));
    }
    visuals.selection.bg_fill = p.accent;
}

/// The button and, while it is open, what is in the menu.
fn menu(ui: &mut Ui, tile: Rect, salt: &str, icon: MaterialIcon, name: &str, content: impl FnOnce(&mut Ui)) {
    let place = Rect::from_min_size(pos2(tile.left() + space::S, tile.top() + space::S), vec2(BUTTON, BUTTON));
    let id = ui.scope_id().with(("tile menu", salt));
    let room = tile.width() >= LEAST && tile.height() >= LEAST;
    let response = button::floating(ui, if room { place } else { Rect::from_min_size(tile.min, vec2(1.0, 1.0)) }, id, icon, name);
    let pointed = ui.rect_contains_pointer(tile);
    if pointed && ui.input(|i| i.pointer.secondary_clicked()) {
        Popup::open_id(ui.ctx(), Popup::default_response_id(&response));
    }
    Popup::menu(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside).width(WIDTH).show(|ui| {
        ui.set_width(WIDTH);
        outline(ui);
        ui.spacing_mut().item_spacing.y = space::S;
        content(ui);
    });
}
