//! The menu of a tile: how somebody is heard and shown, what a host may do, or how one's own microphone is cleaned. It opens by its button or
//! by a right click.

use super::beauty;
use super::look::{Act, Look, Question, Saved, Who};
use crate::app::i18n::Texts;
use crate::app::record;
use crate::app::view::{Action, Cx};
use crate::call::snapshot::Recording;
use crate::call::{Me, Peer, Volume};
use crate::media::audio::chain::Noise;
use crate::ui::menu::{self, Item};
use crate::ui::theme::{self, size, space};
use crate::ui::{MaterialIcon, button, icons};
use egui::{Popup, PopupCloseBehavior, Rect, RichText, Slider, Ui, pos2, vec2};

/// Side of the button, in the upper left corner: figures are in the right one.
const BUTTON: f32 = 30.0;
/// What the button takes of a tile's width; figures stay out of it.
pub(super) const TAKEN: f32 = BUTTON + space::S;
/// Width of the menu.
const WIDTH: f32 = 240.0;
/// Smaller tiles have no room for the button; a right click opens the menu all the same.
const LEAST: f32 = 70.0;

/// The menu of somebody else. `host`: one may mute and remove them.
pub(super) fn of_peer(
    ui: &mut Ui,
    cx: &mut Cx<'_>,
    look: &Look,
    peer: &Peer,
    (host, recordings): (bool, &[Recording]),
    tile: Rect,
) {
    let icon = if peer.volume.muted { icons::ICON_VOLUME_OFF } else { icons::ICON_MORE_VERT };
    let name = cx.with("tile-menu", &[("name", (&peer.name).into())]);
    let who = Who::Peer(peer.member.clone());
    open(ui, tile, peer.member.as_str(), icon, &name, |ui| {
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
        menu::separator(ui);
        record::menu(ui, cx, Some(&peer.member), recordings);
        menu::separator(ui);
        shown(ui, cx, look, &who);
        if host {
            menu::separator(ui);
            if peer.mic && Item::new(icons::ICON_MIC_OFF, &cx.t("tile-mute-them")).show(ui).clicked() {
                cx.act(Action::Stage(Act::MuteThem(peer.member.clone())));
            }
            if Item::new(icons::ICON_PERSON_REMOVE, &cx.t("tile-remove")).danger().show(ui).clicked() {
                let question = Question::Remove(peer.member.clone(), peer.name.clone());
                cx.act(Action::Stage(Act::Ask(Some(question))));
            }
        }
    });
}

/// What of oneself the menu shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Own<'a> {
    /// What is remembered of how everybody is shown.
    pub(super) saved: &'a Saved,
    /// How much noise is taken out of one's sound.
    pub(super) noise: Noise,
    /// One's picture is a face, not a film.
    pub(super) camera: bool,
}

/// One's own menu.
pub(super) fn of_me(ui: &mut Ui, cx: &mut Cx<'_>, look: &Look, own: Own<'_>, me: &Me, tile: Rect) {
    let name = cx.t("tile-menu-own");
    open(ui, tile, "me", icons::ICON_MORE_VERT, &name, |ui| {
        title(ui, &cx.t("noise"));
        for choice in Noise::ALL {
            let text = noise_name(cx.texts, choice);
            if ui.radio(choice == own.noise, text).clicked() && choice != own.noise {
                cx.act(Action::SetNoise(choice));
            }
        }
        menu::separator(ui);
        beauty::show(ui, cx, me, WIDTH);
        menu::separator(ui);
        record::menu(ui, cx, None, &me.recordings);
        menu::separator(ui);
        mirrors(ui, cx, own.saved, own.camera);
        menu::separator(ui);
        shown(ui, cx, look, &Who::Me);
    });
}

/// As in a mirror: for oneself, and for the others.
pub(super) fn mirrors(ui: &mut Ui, cx: &mut Cx<'_>, saved: &Saved, camera: bool) {
    let (mut view, mut sent) = (saved.mirror_view, saved.mirror_sent);
    // Films and test pictures are seen as they are.
    if camera && ui.checkbox(&mut view, cx.t("stage-mirror-view")).changed() {
        cx.act(Action::Stage(Act::MirrorView(view)));
    }
    if ui.checkbox(&mut sent, cx.t("stage-mirror-sent")).changed() {
        cx.act(Action::Stage(Act::MirrorSent(sent)));
    }
}

/// How somebody is shown.
fn shown(ui: &mut Ui, cx: &mut Cx<'_>, look: &Look, who: &Who) {
    let (pinned, full) = (look.pinned.as_ref() == Some(who), look.full.as_ref() == Some(who));
    let popped = look.popped.contains(who);
    let mut act = |ui: &mut Ui, icon: MaterialIcon, key: &str, hint: &str, act: Act| {
        if Item::new(icon, &cx.t(key)).hint(hint).show(ui).clicked() {
            cx.act(Action::Stage(act));
        }
    };
    let one = |on: bool| if on { None } else { Some(who.clone()) };
    if !popped {
        let (icon, key) = if pinned { (icons::ICON_KEEP_OFF, "tile-unpin") } else { (icons::ICON_KEEP, "tile-pin") };
        act(ui, icon, key, "", Act::Pin(one(pinned)));
        let (icon, key) =
            if full { (icons::ICON_FULLSCREEN_EXIT, "tile-full-leave") } else { (icons::ICON_FULLSCREEN, "tile-full") };
        act(ui, icon, key, "", Act::Full(one(full)));
    }
    let (icon, key) = if popped { (icons::ICON_PIP, "tile-pop-back") } else { (icons::ICON_OPEN_IN_NEW, "tile-pop") };
    act(ui, icon, key, "", Act::Pop(who.clone(), !popped));
    let degrees = format!("{}°", look.turn(who).degrees());
    act(ui, icons::ICON_ROTATE_90_DEGREES_CW, "tile-turn", &degrees, Act::Turn(who.clone()));
    act(ui, icons::ICON_MONITORING, "tile-figures", "", Act::Figures(who.clone()));
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

/// The button and, while it is open, what is in the menu.
fn open(ui: &mut Ui, tile: Rect, salt: &str, icon: MaterialIcon, name: &str, content: impl FnOnce(&mut Ui)) {
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
        menu::outline(ui);
        ui.spacing_mut().item_spacing.y = space::XS;
        menu::all(ui, content);
    });
}
