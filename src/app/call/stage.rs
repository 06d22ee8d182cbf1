//! The people in a call, as tiles.

use super::figures;
use super::look::{Act, Look, Saved, Who};
use super::tile_menu;
use super::videos::Videos;
use crate::app::home;
use crate::app::i18n::Texts;
use crate::app::record;
use crate::app::view::{Action, Cx};
use crate::call::snapshot::Trouble;
use crate::call::{Peer, Phase, Snapshot};
use crate::media::audio::chain::Noise;
use crate::media::seal;
use crate::proto::MemberId;
use crate::ui::arrangement::{self, Arrangement, Order};
use crate::ui::button::Button;
use crate::ui::picture::Pose;
use crate::ui::theme::{self, size, space};
use crate::ui::tile::Tile;
use crate::ui::{MaterialIcon, Video, card, icons, overlay, tile_layout};
use egui::{CentralPanel, Color32, Id, Rect, RichText, Ui, UiBuilder, Vec2, ViewportBuilder, ViewportCommand, ViewportId, vec2};

/// Height of the offer to someone who is alone.
const OFFER: f32 = 104.0;
/// Of that, the line that says what may be done.
const OFFER_TEXT: f32 = 22.0;
/// How wide its buttons are where there is room.
const OFFER_BUTTON: f32 = 200.0;
/// What a sign in the upper right corner of a tile takes of its height.
const SIGN: f32 = 34.0;
/// The mark of whoever shares a screen.
const SHARES: (MaterialIcon, Color32) = (icons::ICON_SCREEN_SHARE, Color32::WHITE);
/// Longer side of a tile's own window when it opens, and its size at least; in points.
const POPPED: f32 = 640.0;
const POPPED_LEAST: Vec2 = vec2(200.0, 120.0);

/// What the stage shows.
#[derive(Debug)]
pub struct StageView<'a> {
    /// The call.
    pub snapshot: &'a Snapshot,
    /// Everybody's pictures.
    pub videos: &'a Videos,
    /// What is remembered of how everybody is shown.
    pub saved: &'a Saved,
    /// One's own picture comes from a camera.
    pub camera: bool,
    /// How much noise is taken out of one's own sound.
    pub noise: Noise,
    /// Figures on every tile.
    pub stats: bool,
    /// The invite, once there is one.
    pub invite: Option<&'a str>,
    /// A test partner has been called and is not here yet.
    pub partner_coming: bool,
}

impl StageView<'_> {
    /// One's own picture is what one shares.
    fn shares(&self) -> bool {
        self.snapshot.me.sharing.as_ref().is_some_and(|shared| shared.shown)
    }

    fn peer(&self, member: &MemberId) -> Option<&Peer> {
        self.snapshot.peers.iter().find(|peer| peer.member == *member)
    }

    fn video(&self, who: &Who) -> &Video {
        match who {
            Who::Me => self.videos.me(),
            Who::Peer(member) => self.videos.peer(member),
        }
    }

    /// How somebody's picture is shown on the stage.
    fn pose(&self, look: &Look, who: &Who) -> Pose {
        // What is sent mirrored comes mirrored.
        let mirrored = (self.camera && self.saved.mirror_view) != self.saved.mirror_sent;
        // Nobody reads text from behind.
        let mirrored = mirrored && matches!(who, Who::Me) && !self.shares();
        // And nothing of what is shared is cut off.
        let shared = match who {
            Who::Me => self.shares(),
            Who::Peer(member) => self.peer(member).is_some_and(|peer| peer.sharing),
        };
        Pose { mirrored, turn: look.turn(who), fill: self.saved.fill && !shared }
    }

    /// Width to height of somebody's picture, as it is shown.
    fn aspect(&self, look: &Look, who: &Who) -> Option<f32> {
        Some(self.pose(look, who).aspect(self.video(who).aspect()?))
    }
}

/// Width to height of a tile for this picture: that of a usual one while there is none, and never a mere slit.
fn one_shape(picture: Option<f32>) -> f32 {
    picture.map_or(tile_layout::ASPECT, |aspect| aspect.clamp(0.5, 2.4))
}

/// Draws the stage into all of `ui`; tells on how many lines of pixels each of the others is shown.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: &StageView<'_>, look: &mut Look) -> Vec<(MemberId, u32)> {
    notice(ui, cx, &view.snapshot.phase);
    record::bar(ui, cx, view.snapshot);
    let mut stage = ui.available_rect_before_wrap();
    let alone = matches!(view.snapshot.phase, Phase::InCall) && view.snapshot.peers.is_empty();
    if alone && !look.is_bare() {
        let words = ["call-copy-invite", "call-show-qr", "call-test-partner"].map(|key| cx.t(key));
        let offer = offer(ui, cx, view, &words, stage.width());
        let place = Rect::from_min_max(egui::pos2(stage.left(), stage.bottom() - offer.height()), stage.max);
        stage.max.y = place.top() - space::S;
        offer.show(&mut ui.new_child(UiBuilder::new().max_rect(place)), cx);
    }
    let mut shown = look.on_stage(&view.snapshot.peers);
    let main = look.main(&shown);
    let mut arrangement = look.arrangement(view.saved);
    if look.compact && look.full.is_none() {
        // There is room for one, and for oneself.
        shown = shown.get(main).cloned().into_iter().chain(shown.contains(&Who::Me).then_some(Who::Me)).collect();
        shown.dedup();
        arrangement = Arrangement::Inset;
    }
    if shown.is_empty() {
        all_popped(ui, cx, look);
    }
    let main = if look.compact { 0 } else { main };
    let aspect = match arrangement {
        Arrangement::Grid => tile_layout::common_aspect(shown.iter().filter_map(|who| view.aspect(look, who))),
        _ => one_shape(shown.get(main).and_then(|who| view.aspect(look, who))),
    };
    let others = shown.iter().enumerate().filter(|(at, _)| *at != main);
    // Somebody's turned picture turns nobody else's.
    let small = one_shape(others.filter_map(|(_, who)| view.aspect(look, who)).next());
    let fill = view.saved.fill || look.full.is_some() && shown.len() == 1;
    let order = Order { count: shown.len(), main, aspect, small, gap: space::S, fill };
    let places: Vec<(Who, Rect)> = shown.into_iter().zip(arrangement::places(arrangement, stage, order)).collect();
    // The large one is behind the small ones.
    for at in (main..places.len()).chain(0..main.min(places.len())) {
        let (who, rect) = &places[at];
        let mut clear = *rect;
        if arrangement == Arrangement::Inset && at == main {
            let others = places.iter().enumerate().filter(|(other, _)| *other != main);
            clear.max.y = others.map(|(_, (_, small))| small.top()).fold(clear.max.y, f32::min);
        }
        tile(ui, cx, view, look, who, (*rect, clear));
    }
    let mut lines: Vec<(MemberId, u32)> = view.snapshot.peers.iter().map(|peer| (peer.member.clone(), 0)).collect();
    let popped: Vec<Who> = look.popped.iter().filter(|who| look.full.as_ref() != Some(who)).cloned().collect();
    let windows: Vec<(Who, Rect)> =
        popped.into_iter().filter_map(|who| Some((who.clone(), window(ui, cx, view, look, &who)?))).collect();
    for (who, rect) in places.iter().chain(&windows) {
        if let Who::Peer(member) = who
            && let Some((_, told)) = lines.iter_mut().find(|(other, _)| other == member)
        {
            let shape = view.video(who).aspect().unwrap_or(aspect);
            let pose = view.pose(look, who);
            let seen = pose.place(*rect, shape);
            let height = if pose.turn.is_sideways() { seen.width() } else { seen.height() };
            *told = (height * ui.ctx().pixels_per_point()).round() as u32;
        }
    }
    match look.settle(cx.now) {
        Ok(Some(act)) => cx.act(Action::Stage(act)),
        Ok(None) => {}
        Err(wait) => ui.ctx().request_repaint_after(wait),
    }
    lines
}

/// Somebody's tile, with its menu and figures; beside it, what of it nothing covers.
fn tile(ui: &mut Ui, cx: &mut Cx<'_>, view: &StageView<'_>, look: &mut Look, who: &Who, (rect, clear): (Rect, Rect)) {
    let id = ui.scope_id().with(("tile", who));
    let figures = view.stats || look.figures.contains(who);
    let clicked = match who {
        Who::Me => my_tile(ui, cx, view, look, rect, id),
        Who::Peer(member) => view.peer(member).is_some_and(|peer| peer_tile(ui, cx, view, look, peer, rect, id)),
    };
    if clicked && let Some(act) = look.click(who.clone(), cx.now) {
        cx.act(Action::Stage(act));
    }
    let trouble = match who {
        Who::Me => view.snapshot.me.trouble.is_some(),
        Who::Peer(member) => view.peer(member).is_some_and(|peer| peer.trouble.is_some()),
    };
    let me = &view.snapshot.me;
    if figures {
        let groups = match who {
            Who::Me => figures::of_me(cx.texts, &me.stats, me.cpu, cx.now),
            Who::Peer(member) => view.peer(member).map(|p| figures::of_peer(cx.texts, &p.stats, cx.now)).unwrap_or_default(),
        };
        let taken = vec2(tile_menu::TAKEN, if trouble { SIGN } else { 0.0 });
        overlay::paint(ui, rect, &groups, taken, id);
    }
    match who {
        Who::Me => {
            if !me.recordings.is_empty() {
                record::mark(ui, clear, &cx.t("tile-records-me"));
            }
            let own = tile_menu::Own { saved: view.saved, noise: view.noise, camera: view.camera };
            tile_menu::of_me(ui, cx, look, own, me, rect);
        }
        Who::Peer(member) => {
            if let Some(peer) = view.peer(member) {
                if peer.recording {
                    record::mark(ui, clear, &cx.with("tile-records", &[("name", (&peer.name).into())]));
                }
                let host = view.snapshot.room.as_ref().is_some_and(|room| room.mine);
                tile_menu::of_peer(ui, cx, look, peer, (host, &me.recordings), rect);
            }
        }
    }
}

/// Somebody's own window; where their picture is in it.
fn window(ui: &Ui, cx: &mut Cx<'_>, view: &StageView<'_>, look: &mut Look, who: &Who) -> Option<Rect> {
    let name = match who {
        Who::Me => cx.with("call-you-name", &[("name", (&view.snapshot.me.name).into())]),
        Who::Peer(member) => view.peer(member)?.name.clone(),
    };
    // Asked for once: another size would be given to a window that the person has made larger.
    let wanted = popped(view.aspect(look, who));
    let size = ui.data_mut(|data| *data.get_temp_mut_or_insert_with(Id::unique(("popped", who)), || wanted));
    let builder = ViewportBuilder::default()
        .with_title(&name)
        .with_app_id("parlor")
        .with_inner_size(size)
        .with_min_inner_size(POPPED_LEAST);
    let rect = ui.ctx().show_viewport_immediate(ViewportId::from_hash_of(("tile", who)), builder, |ui, _| {
        let rect = CentralPanel::no_frame().show(ui, |ui| {
            let rect = ui.available_rect_before_wrap();
            ui.painter().rect_filled(rect, 0.0, theme::palette(ui).stage);
            tile(ui, cx, view, look, who, (rect, rect));
            rect
        });
        let (closed, full, leave) = ui
            .input(|i| (i.viewport().close_requested(), i.viewport().fullscreen == Some(true), i.key_pressed(egui::Key::Escape)));
        if closed {
            cx.act(Action::Stage(Act::Pop(who.clone(), false)));
        }
        if full && leave {
            ui.ctx().send_viewport_cmd(ViewportCommand::Fullscreen(false));
        }
        rect.inner
    });
    Some(rect)
}

/// Size of the window of a picture of this shape, when it opens: no bars beside it.
fn popped(aspect: Option<f32>) -> Vec2 {
    let aspect = aspect.unwrap_or(tile_layout::ASPECT);
    if aspect >= 1.0 { vec2(POPPED, POPPED / aspect) } else { vec2(POPPED * aspect, POPPED) }
}

/// Nobody is left on the stage.
fn all_popped(ui: &mut Ui, cx: &mut Cx<'_>, look: &Look) {
    ui.add_space(ui.available_height() * 0.4);
    ui.vertical_centered(|ui| {
        ui.label(RichText::new(cx.t("stage-all-popped")).color(theme::palette(ui).text_weak));
        if ui.add(Button::new(&cx.t("stage-all-back")).icon(icons::ICON_PIP)).clicked() {
            look.popped.iter().for_each(|who| cx.act(Action::Stage(Act::Pop(who.clone(), false))));
        }
    });
}

/// What is wrong with somebody's stream, in words.
fn trouble(texts: &Texts, trouble: Trouble, name: &str) -> String {
    match trouble {
        Trouble::MyNetwork => texts.t("trouble-my-network"),
        Trouble::MyComputer => texts.t("trouble-my-computer"),
        Trouble::Theirs => texts.with("trouble-theirs", &[("name", name.into())]),
    }
}

/// Why somebody's stream cannot be read, and what to do.
pub fn unreadable(texts: &Texts, why: seal::Trouble) -> String {
    texts.t(match why {
        seal::Trouble::KeyMissing => "unreadable-key-missing",
        seal::Trouble::KeyWrong => "unreadable-key-wrong",
        seal::Trouble::NotSealed => "unreadable-not-sealed",
    })
}

fn peer_tile(ui: &mut Ui, cx: &Cx<'_>, view: &StageView<'_>, look: &Look, peer: &Peer, rect: Rect, id: Id) -> bool {
    let texts = cx.texts;
    let who = Who::Peer(peer.member.clone());
    let video = view.video(&who);
    let message = match peer.unreadable {
        _ if !peer.receiving => Some(away(texts, peer)),
        Some(why) => Some(unreadable(texts, why)),
        None => None,
    };
    let trouble = peer.trouble.filter(|_| peer.unreadable.is_none()).map(|side| trouble(texts, side, &peer.name));
    Tile {
        name: &peer.name,
        initials_of: &peer.name,
        description: &match peer.receiving || !has_begun(peer) {
            true if let Some(why) = peer.unreadable => format!("{}: {}", peer.name, unreadable(texts, why)),
            true if peer.sharing => texts.with("tile-sharing", &[("name", (&peer.name).into())]),
            true => describe(texts, &peer.name, peer.mic, peer.camera),
            false => texts.with("tile-reconnecting", &[("name", (&peer.name).into())]),
        },
        video: Some(video).filter(|v| (peer.camera || peer.sharing) && v.texture().is_some()),
        pose: view.pose(look, &who),
        pinned: Some(look.pinned.as_ref() == Some(&who)),
        marks: if peer.sharing { &[SHARES] } else { &[] },
        muted: !peer.mic,
        speaking: peer.mic && view.snapshot.speaker.as_ref() == Some(&peer.member),
        message: message.as_deref(),
        trouble: trouble.as_deref(),
    }
    .show(ui, rect, id)
    .clicked()
}

fn my_tile(ui: &mut Ui, cx: &Cx<'_>, view: &StageView<'_>, look: &Look, rect: Rect, id: Id) -> bool {
    let texts = cx.texts;
    let me = &view.snapshot.me;
    let name = texts.with("call-you-name", &[("name", (&me.name).into())]);
    Tile {
        name: &name,
        initials_of: &me.name,
        description: &describe(texts, &name, me.mic, me.camera),
        video: Some(view.videos.me()).filter(|v| (me.camera || view.shares()) && v.texture().is_some()),
        pose: view.pose(look, &Who::Me),
        pinned: Some(look.pinned.as_ref() == Some(&Who::Me)),
        marks: if view.shares() { &[SHARES] } else { &[] },
        muted: !me.mic,
        speaking: me.mic && me.member.is_some() && view.snapshot.speaker == me.member,
        message: None,
        trouble: me.trouble.map(|side| trouble(texts, side, &me.name)).as_deref(),
    }
    .show(ui, rect, id)
    .clicked()
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

/// The buttons for someone who is alone, and what each does.
struct Offer<'a> {
    /// In rows, as many as they need beside each other.
    rows: Vec<Vec<(Button<'a>, f32, Action)>>,
    partner_coming: bool,
}

/// Arranges what is offered in rows of at most `room`.
fn offer<'a>(ui: &Ui, cx: &Cx<'_>, view: &StageView<'_>, words: &'a [String; 3], room: f32) -> Offer<'a> {
    let [copy, qr, partner] = words;
    let mut buttons = Vec::new();
    if let Some(invite) = view.invite {
        let copied = Action::Copy { text: invite.to_owned(), said: cx.t("toast-invite-copied") };
        buttons.push((Button::primary(copy).icon(icons::ICON_CONTENT_COPY), copied));
        buttons.push((Button::new(qr).icon(icons::ICON_QR_CODE_2), Action::First(home::Action::ShowQr(true))));
    }
    buttons.push((Button::new(partner).icon(icons::ICON_SMART_TOY), Action::CallPartner));
    let widths: Vec<f32> = buttons.iter().map(|(button, _)| button.width(ui)).collect();
    let least = widths.iter().sum::<f32>() + (widths.len() - 1) as f32 * space::M;
    // Where there is room, all are as wide as they look best.
    let wide = |width: f32| width.max(if least + 90.0 < room { OFFER_BUTTON.min(room / 3.0 - space::M) } else { 0.0 });
    let mut rows: Vec<Vec<_>> = Vec::new();
    let mut left = 0.0;
    for ((button, action), width) in buttons.into_iter().zip(widths) {
        let width = wide(width);
        if rows.is_empty() || left < width + space::M {
            rows.push(Vec::new());
            left = room + space::M;
        }
        left -= width + space::M;
        if let Some(row) = rows.last_mut() {
            row.push((button.min_width(width), width, action));
        }
    }
    Offer { rows, partner_coming: view.partner_coming }
}

impl Offer<'_> {
    /// How high it is, with the words above the buttons.
    fn height(&self) -> f32 {
        OFFER + (self.rows.len() - 1) as f32 * (theme::CONTROL_HEIGHT + space::XS) - self.left_out()
    }

    /// Where buttons need several rows, there is no room for many words.
    fn left_out(&self) -> f32 {
        if self.rows.len() > 1 { OFFER_TEXT } else { 0.0 }
    }

    /// Draws it.
    fn show(self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let p = theme::palette(ui);
        ui.vertical_centered(|ui| {
            ui.spacing_mut().item_spacing = vec2(space::M, space::XS);
            ui.label(RichText::new(cx.t("call-alone")).font(theme::strong(size::SUBTITLE)));
            if self.rows.len() == 1 {
                ui.label(RichText::new(cx.t("call-alone-text")).color(p.text_weak));
            }
            ui.add_space(space::XS);
            for row in self.rows {
                let width = row.iter().map(|(_, width, _)| width + space::M).sum::<f32>() - space::M;
                ui.allocate_ui(vec2(width, theme::CONTROL_HEIGHT), |ui| {
                    ui.horizontal(|ui| {
                        for (button, _, action) in row {
                            let enabled = action != Action::CallPartner || !self.partner_coming;
                            if ui.add_enabled(enabled, button).clicked() {
                                cx.act(action);
                            }
                        }
                    });
                });
            }
        });
    }
}
