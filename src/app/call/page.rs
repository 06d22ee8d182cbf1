//! The page of a call: stage, buttons, chat.

use super::bare;
use super::chat::Chat;
use super::controls::{self, ControlsView};
use super::dialogs::{self, TalkKey};
use super::event_log::EventLog;
use super::look::{Look, Saved};
use super::stage::{self, StageView};
use super::talk::{By, Talk};
use super::videos::Videos;
use crate::app::devices;
use crate::app::errors::Sentence;
use crate::app::share;
use crate::app::view::{Action, Cx, mode_name};
use crate::call::snapshot::Protection;
use crate::call::{Phase, Recorded, Snapshot};
use crate::media::audio::chain::Noise;
use crate::media::devices::Kind;
use crate::proto::MemberId;
use crate::ui::button::{self, Button};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, RichText, Ui};
use std::collections::BTreeMap;

/// What the page shows beside its own state.
#[derive(Debug)]
pub struct CallView<'a> {
    /// The call.
    pub snapshot: &'a Snapshot,
    /// Everybody's pictures.
    pub videos: &'a Videos,
    /// Own picture comes from a camera.
    pub camera: bool,
    /// What is remembered of how everybody is shown.
    pub saved: &'a Saved,
    /// The key for talking that works everywhere.
    pub talk_key: &'a TalkKey,
    /// How much noise is taken out of one's own sound.
    pub noise: Noise,
    /// What the room is called until the server says.
    pub title: &'a str,
    /// A new room, not one that was there.
    pub creating: bool,
    /// The invite, once there is one.
    pub invite: Option<&'a str>,
    /// A test partner has been called and is not here yet.
    pub partner_coming: bool,
    /// The room list is shown.
    pub sidebar: bool,
    /// The devices' dialog is open.
    pub devices: bool,
    /// Devices that failed, in words.
    pub failures: &'a [(Kind, Sentence)],
}

/// What is open on the page.
#[derive(Debug, Default)]
pub struct CallPage {
    /// The chat.
    pub chat: Chat,
    /// Whether it is open.
    pub chat_open: bool,
    /// Whether figures are shown.
    pub stats: bool,
    /// How the stage is arranged.
    pub look: Look,
    /// What has happened.
    pub log: EventLog,
    /// Up to where notices may lie in the bar at the top, if there is one.
    pub bar_end: Option<f32>,
    /// Talking while a key is held.
    pub talk: Talk,
    /// On how many lines each of the others was last said to be shown.
    pub views: BTreeMap<MemberId, u32>,
}

/// On how many lines more or less a picture has to be shown for that to be told: windows are dragged.
const LINES: u32 = 24;

impl CallPage {
    /// Tells on how many lines the others are shown, where that has changed.
    fn tell_views(&mut self, cx: &mut Cx<'_>, shown: Vec<(MemberId, u32)>) {
        self.views.retain(|member, _| shown.iter().any(|(other, _)| other == member));
        for (member, lines) in shown {
            if self.views.get(&member).is_none_or(|told| told.abs_diff(lines) >= LINES || (*told == 0) != (lines == 0)) {
                self.views.insert(member.clone(), lines);
                cx.act(Action::SetView { member, lines });
            }
        }
    }

    /// The window is not to be seen: who has to be told that nobody is looked at any more.
    pub fn hide(&mut self) -> Vec<MemberId> {
        let seen = self.views.iter_mut().filter(|(_, lines)| **lines > 0);
        seen.map(|(member, lines)| {
            *lines = 0;
            member.clone()
        })
        .collect()
    }

    /// Opens or closes the chat.
    pub fn toggle_chat(&mut self) {
        self.chat_open = !self.chat_open;
        if self.chat_open {
            self.chat.focus();
        }
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &CallView<'_>) {
        let snapshot = view.snapshot;
        self.look.follow(snapshot);
        self.log.watch(snapshot, cx.texts, cx.now);
        let unread = if self.chat_open { 0 } else { self.chat.unread(&snapshot.chat) };
        let buttons = ControlsView {
            mic: snapshot.me.mic,
            camera: snapshot.me.camera,
            chat: self.chat_open,
            unread,
            stats: self.stats,
            devices: view.devices,
            recording: snapshot.me.recordings.iter().any(|recording| recording.what == Recorded::Stage),
            sharing: snapshot.me.sharing.is_some(),
            mine: snapshot.room.as_ref().is_some_and(|room| room.mine),
            face: view.camera,
            saved: view.saved,
            look: &self.look,
        };
        cx.actions.extend(controls::keys(ui.ctx(), buttons));
        if let Some(on) = self.talk.key(By::Space, holds_space(ui), snapshot.me.mic) {
            cx.act(Action::Talk(on));
        }
        let frame = |top, bottom| Frame::new().inner_margin(Margin { left: 12, right: 12, top, bottom });
        self.bar_end = None;
        if self.look.is_bare() {
            let ground = Frame::new().fill(theme::palette(ui).stage);
            CentralPanel::no_frame().frame(ground).show(ui, |ui| {
                share::bar(ui, cx, snapshot.me.sharing.as_ref());
                self.stage(ui, cx, view);
            });
            bare::bar(ui, cx, &self.look, snapshot.me.mic, unread);
        } else {
            if self.chat_open {
                self.chat.show(ui, cx, &snapshot.chat);
            }
            let bar = Panel::top("call top").frame(frame(6, 4)).show_separator_line(false).show(ui, |ui| top(ui, cx, view));
            self.bar_end = Some(bar.inner);
            Panel::bottom("call buttons")
                .frame(frame(8, 10))
                .show_separator_line(false)
                .show(ui, |ui| controls::show(ui, cx, buttons));
            if self.look.log {
                dialogs::log(ui, cx, &self.log);
            }
            CentralPanel::no_frame().frame(frame(0, 0)).show(ui, |ui| {
                above(ui, cx, view);
                share::bar(ui, cx, snapshot.me.sharing.as_ref());
                self.stage(ui, cx, view);
            });
        }
        if self.talk.is_talking() {
            dialogs::talking(ui, cx);
        }
        dialogs::show(ui, cx, &self.look, view.talk_key);
        announce(ui, cx, view);
    }

    fn stage(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &CallView<'_>) {
        let stage = StageView {
            snapshot: view.snapshot,
            videos: view.videos,
            saved: view.saved,
            camera: view.camera,
            noise: view.noise,
            stats: self.stats,
            invite: view.invite,
            partner_coming: view.partner_coming,
        };
        let shown = stage::show(ui, cx, &stage, &mut self.look);
        self.tell_views(cx, shown);
    }
}

/// Whether Space is held down for talking: not while one types, nor while the keyboard is on a button, which Space presses.
fn holds_space(ui: &Ui) -> bool {
    !ui.ctx().egui_wants_keyboard_input() && ui.input(|i| i.focused && i.key_down(egui::Key::Space))
}

/// What there is to say above the stage.
fn above(ui: &mut Ui, cx: &mut Cx<'_>, view: &CallView<'_>) {
    if matches!(view.snapshot.phase, Phase::Entering) {
        let key = if view.creating { "call-creating" } else { "call-entering" };
        card::notice(ui, card::Tone::Info, &cx.with(key, &[("room", view.title.into())]), |_| {});
        ui.add_space(space::XS);
    }
    for (kind, sentence) in view.failures {
        devices::failure(ui, cx, *kind, sentence, devices::Asked::Elsewhere);
        ui.add_space(space::XS);
    }
}

/// Screen readers speak the newest line that somebody else wrote, whether the chat is open or not.
fn announce(ui: &Ui, cx: &Cx<'_>, view: &CallView<'_>) {
    let Some(line) = view.snapshot.chat.iter().rev().find(|line| !line.own) else { return };
    let id = egui::Id::unique("newest line of chat");
    let said = format!("{}: {}", line.name, line.text.clone().unwrap_or_else(|| cx.t("chat-unreadable")));
    ui.ctx().accesskit_node_builder(id, |node| {
        node.set_role(egui::accesskit::Role::Status);
        node.set_live(egui::accesskit::Live::Polite);
        node.set_value(said);
    });
}

/// Name of the room, who is there, and the invite; up to where the bar is free for notices.
fn top(ui: &mut Ui, cx: &mut Cx<'_>, view: &CallView<'_>) -> f32 {
    let mut end = ui.max_rect().right();
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        if !view.sidebar && button::icon(ui, icons::ICON_LEFT_PANEL_OPEN, &cx.t("sidebar-show")).clicked() {
            cx.act(Action::ShowSidebar(true));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(invite) = view.invite {
                let button = ui.add(Button::new(&cx.t("call-invite")).icon(icons::ICON_LINK));
                end = button.rect.left() - space::S;
                if button.on_hover_text(invite).clicked() {
                    cx.act(Action::Copy { text: invite.to_owned(), said: cx.t("toast-invite-copied") });
                }
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                if let Some(protection) = view.snapshot.protection() {
                    lock(ui, cx, protection);
                }
                let room = view.snapshot.room.as_ref();
                let title = room.map_or(view.title, |r| r.name.as_str());
                ui.add(egui::Label::new(RichText::new(title).font(theme::strong(size::SUBTITLE))).truncate());
                if let Some(room) = room {
                    let count = (view.snapshot.peers.len() + 1).to_string();
                    let values = [("mode", mode_name(cx.texts, room.mode)), ("count", count), ("cap", room.cap.to_string())];
                    let values: Vec<_> = values.iter().map(|(k, v)| (*k, v.into())).collect();
                    let line = cx.with("call-room-line", &values);
                    ui.add(egui::Label::new(RichText::new(line).size(size::SMALL).color(p.text_weak)).truncate());
                }
            });
        });
    });
    end
}

/// A small sign that says who can listen.
fn lock(ui: &mut Ui, cx: &Cx<'_>, protection: Protection) {
    let p = theme::palette(ui);
    let (icon, key, colour) = match protection {
        Protection::EndToEnd => (icons::ICON_ENCRYPTED, "call-sealed", p.accent),
        Protection::Encrypted => (icons::ICON_LOCK, "call-encrypted", p.accent),
        Protection::Local => (icons::ICON_COMPUTER, "call-local", p.text_weak),
        Protection::None => (icons::ICON_LOCK_OPEN, "call-plain", p.warning),
    };
    let text = cx.t(key);
    let sign = ui.add(egui::Label::new(icon.rich_text().size(size::SUBTITLE).color(colour)));
    sign.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &text));
    sign.on_hover_text(&text);
}
