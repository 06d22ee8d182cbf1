//! The people in a call, as tiles.

use super::figures;
use super::tile_menu;
use super::videos::Videos;
use crate::app::i18n::Texts;
use crate::app::record;
use crate::app::view::{Action, Cx};
use crate::call::snapshot::Trouble;
use crate::call::{Peer, Phase, Snapshot};
use crate::media::audio::chain::Noise;
use crate::proto::MemberId;
use crate::ui::button::Button;
use crate::ui::card;
use crate::ui::theme::{self, size, space};
use crate::ui::tile::Tile;
use crate::ui::{icons, tile_layout};
use egui::{Rect, RichText, Ui, UiBuilder, vec2};

/// Height of the offer to someone who is alone.
const OFFER: f32 = 104.0;

/// What the stage shows.
#[derive(Debug)]
pub struct StageView<'a> {
    /// The call.
    pub snapshot: &'a Snapshot,
    /// Everybody's pictures.
    pub videos: &'a Videos,
    /// Own picture left-right swapped.
    pub mirrored: bool,
    /// How much noise is taken out of one's own sound.
    pub noise: Noise,
    /// Figures on every tile.
    pub stats: bool,
    /// The invite, once there is one.
    pub invite: Option<&'a str>,
    /// A test partner has been called and is not here yet.
    pub partner_coming: bool,
}

/// Draws the stage into all of `ui`; tells on how many lines of pixels each of the others is shown.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: &StageView<'_>) -> Vec<(MemberId, u32)> {
    notice(ui, cx, &view.snapshot.phase);
    record::bar(ui, cx, view.snapshot);
    let mut stage = ui.available_rect_before_wrap();
    let alone = matches!(view.snapshot.phase, Phase::InCall) && view.snapshot.peers.is_empty();
    if alone {
        let offer = Rect::from_min_max(egui::pos2(stage.left(), stage.bottom() - OFFER), stage.max);
        stage.max.y = offer.top() - space::S;
        let mut below = ui.new_child(UiBuilder::new().max_rect(offer));
        alone_ui(&mut below, cx, view);
    }
    let aspect = tile_layout::common_aspect(view.videos.aspects());
    let tiles = tile_layout::best_fit(stage, view.snapshot.peers.len() + 1, aspect, space::S);
    for (peer, rect) in view.snapshot.peers.iter().zip(&tiles) {
        peer_tile(ui, cx, view, peer, *rect);
        if peer.recording {
            record::mark(ui, *rect, &cx.with("tile-records", &[("name", (&peer.name).into())]));
        }
        tile_menu::of_peer(ui, cx, peer, &view.snapshot.me.recordings, *rect);
    }
    if let Some(rect) = tiles.last() {
        my_tile(ui, cx, view, *rect);
        if !view.snapshot.me.recordings.is_empty() {
            record::mark(ui, *rect, &cx.t("tile-records-me"));
        }
        tile_menu::of_me(ui, cx, view.noise, &view.snapshot.me.recordings, *rect);
    }
    let lines = |(peer, rect): (&Peer, &Rect)| {
        let shape = view.videos.peer(&peer.member).aspect().unwrap_or(aspect);
        let height = tile_layout::fit(*rect, shape).height() * ui.ctx().pixels_per_point();
        (peer.member.clone(), height.round() as u32)
    };
    view.snapshot.peers.iter().zip(&tiles).map(lines).collect()
}

/// What is wrong with somebody's stream, in words.
fn trouble(texts: &Texts, trouble: Trouble, name: &str) -> String {
    match trouble {
        Trouble::MyNetwork => texts.t("trouble-my-network"),
        Trouble::MyComputer => texts.t("trouble-my-computer"),
        Trouble::Theirs => texts.with("trouble-theirs", &[("name", name.into())]),
    }
}

fn peer_tile(ui: &mut Ui, cx: &Cx<'_>, view: &StageView<'_>, peer: &Peer, rect: Rect) {
    let texts = cx.texts;
    let video = view.videos.peer(&peer.member);
    let rows = if view.stats { figures::of_peer(texts, &peer.stats, cx.now) } else { Vec::new() };
    let message = (!peer.receiving).then(|| away(texts, peer));
    let trouble = peer.trouble.map(|side| trouble(texts, side, &peer.name));
    Tile {
        name: &peer.name,
        initials_of: &peer.name,
        description: &match peer.receiving || !has_begun(peer) {
            true if peer.sharing => texts.with("tile-sharing", &[("name", (&peer.name).into())]),
            true => describe(texts, &peer.name, peer.mic, peer.camera),
            false => texts.with("tile-reconnecting", &[("name", (&peer.name).into())]),
        },
        video: Some(video).filter(|v| (peer.camera || peer.sharing) && v.texture().is_some()),
        mirrored: false,
        muted: !peer.mic,
        speaking: peer.mic && view.snapshot.speaker.as_ref() == Some(&peer.member),
        message: message.as_deref(),
        trouble: trouble.as_deref(),
        figures: &rows,
    }
    .show(ui, rect);
}

fn my_tile(ui: &mut Ui, cx: &Cx<'_>, view: &StageView<'_>, rect: Rect) {
    let texts = cx.texts;
    let me = &view.snapshot.me;
    let rows = if view.stats { figures::of_me(texts, &me.stats, me.cpu, cx.now) } else { Vec::new() };
    let shown = me.sharing.as_ref().is_some_and(|shared| shared.shown);
    let name = texts.with("call-you-name", &[("name", (&me.name).into())]);
    Tile {
        name: &name,
        initials_of: &me.name,
        description: &describe(texts, &name, me.mic, me.camera),
        video: Some(view.videos.me()).filter(|v| (me.camera || shown) && v.texture().is_some()),
        // Nobody reads text from behind.
        mirrored: view.mirrored && !shown,
        muted: !me.mic,
        speaking: me.mic && me.member.is_some() && view.snapshot.speaker == me.member,
        message: None,
        trouble: me.trouble.map(|side| trouble(texts, side, &me.name)).as_deref(),
        figures: &rows,
    }
    .show(ui, rect);
}

/// Why nothing comes from somebody: they have not begun yet, or their connection, or one's own, is broken.
fn away(texts: &Texts, peer: &Peer) -> String {
    let key = if has_begun(peer) { "call-peer-reconnecting" } else { "call-no-stream" };
    texts.with(key, &[("name", (&peer.name).into())])
}

/// Whether anything has ever come from somebody.
fn has_begun(peer: &Peer) -> bool {
    peer.stats.picture.shown > 0 || peer.stats.sound.first_ms.is_some()
}

/// What screen readers say about somebody.
pub(in crate::app) fn describe(texts: &Texts, name: &str, mic: bool, camera: bool) -> String {
    let key = match (mic, camera) {
        (true, true) => "tile-name",
        (false, true) => "tile-muted",
        (true, false) => "tile-camera-off",
        (false, false) => "tile-muted-camera-off",
    };
    texts.with(key, &[("name", name.into())])
}

/// What is going on, above the tiles.
fn notice(ui: &mut Ui, cx: &mut Cx<'_>, phase: &Phase) {
    if let Phase::Reconnecting { since, next_try, .. } = phase {
        let wait = next_try.saturating_sub(cx.now).as_secs_f32().ceil() as usize;
        let lost = cx.now.saturating_sub(*since).as_secs() as usize;
        // As long as tries follow each other closely, how long it has been says more than when the next one is due.
        let text = match (wait, lost) {
            (0 | 1, 0) => cx.t("call-reconnecting-now"),
            (0 | 1, _) => cx.with("call-reconnecting-for", &[("seconds", lost.into())]),
            _ => cx.with("call-reconnecting", &[("seconds", wait.into())]),
        };
        if card::banner(ui, card::Tone::Error, &text, icons::ICON_REFRESH, &cx.t("call-retry-now")) {
            cx.act(Action::RetryNow);
        }
        ui.add_space(space::XS);
        // The seconds count down.
        ui.ctx().request_repaint_after(std::time::Duration::from_millis(500));
    }
}

/// The offer to someone who is alone.
fn alone_ui(ui: &mut Ui, cx: &mut Cx<'_>, view: &StageView<'_>) {
    let p = theme::palette(ui);
    ui.vertical_centered(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.label(RichText::new(cx.t("call-alone")).font(theme::strong(size::SUBTITLE)));
        ui.label(RichText::new(cx.t("call-alone-text")).color(p.text_weak));
        ui.add_space(space::XS);
        let (copy, partner) = (cx.t("call-copy-invite"), cx.t("call-test-partner"));
        let width = 2.0 * 200.0 + space::M;
        ui.allocate_ui(vec2(width.min(ui.available_width()), theme::CONTROL_HEIGHT), |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::M;
                let each = (ui.available_width() - space::M) / 2.0;
                if let Some(invite) = view.invite
                    && ui.add(Button::primary(&copy).icon(icons::ICON_CONTENT_COPY).min_width(each)).clicked()
                {
                    cx.act(Action::Copy { text: invite.to_owned(), said: cx.t("toast-invite-copied") });
                }
                let button = Button::new(&partner).icon(icons::ICON_SMART_TOY).min_width(each);
                if ui.add_enabled(!view.partner_coming, button).clicked() {
                    cx.act(Action::CallPartner);
                }
            });
        });
    });
}
