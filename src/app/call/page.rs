//! The page of a call: stage, buttons, chat.

use super::chat::Chat;
use super::controls::{self, ControlsView};
use super::stage::{self, StageView};
use super::videos::Videos;
use crate::app::devices;
use crate::app::errors::Sentence;
use crate::app::share;
use crate::app::view::{Action, Cx, mode_name};
use crate::call::snapshot::Protection;
use crate::call::{Phase, Snapshot};
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
    /// Own picture left-right swapped.
    pub mirrored: bool,
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
        let buttons = ControlsView {
            mic: snapshot.me.mic,
            camera: snapshot.me.camera,
            chat: self.chat_open,
            unread: if self.chat_open { 0 } else { self.chat.unread(&snapshot.chat) },
            stats: self.stats,
            devices: view.devices,
            sharing: snapshot.me.sharing.is_some(),
        };
        cx.actions.extend(controls::keys(ui.ctx(), buttons));
        if self.chat_open {
            self.chat.show(ui, cx, &snapshot.chat);
        }
        let frame = |top, bottom| Frame::new().inner_margin(Margin { left: 12, right: 12, top, bottom });
        Panel::top("call top").frame(frame(6, 4)).show_separator_line(false).show(ui, |ui| top(ui, cx, view));
        Panel::bottom("call buttons")
            .frame(frame(8, 10))
            .show_separator_line(false)
            .show(ui, |ui| controls::show(ui, cx, buttons));
        CentralPanel::no_frame().frame(frame(0, 0)).show(ui, |ui| {
            if matches!(snapshot.phase, Phase::Entering) {
                let key = if view.creating { "call-creating" } else { "call-entering" };
                card::notice(ui, card::Tone::Info, &cx.with(key, &[("room", view.title.into())]), |_| {});
                ui.add_space(space::XS);
            }
            for (kind, sentence) in view.failures {
                devices::failure(ui, cx, *kind, sentence, devices::Asked::Elsewhere);
                ui.add_space(space::XS);
            }
            share::bar(ui, cx, snapshot.me.sharing.as_ref());
            let stage = StageView {
                snapshot,
                videos: view.videos,
                mirrored: view.mirrored,
                noise: view.noise,
                stats: self.stats,
                invite: view.invite,
                partner_coming: view.partner_coming,
            };
            let shown = stage::show(ui, cx, &stage);
            self.tell_views(cx, shown);
        });
    }
}

/// Name of the room, who is there, and the invite.
fn top(ui: &mut Ui, cx: &mut Cx<'_>, view: &CallView<'_>) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        if !view.sidebar && button::icon(ui, icons::ICON_LEFT_PANEL_OPEN, &cx.t("sidebar-show")).clicked() {
            cx.act(Action::ShowSidebar(true));
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(invite) = view.invite {
                let button = ui.add(Button::new(&cx.t("call-invite")).icon(icons::ICON_LINK));
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
}

/// A small sign that says who can listen.
fn lock(ui: &mut Ui, cx: &Cx<'_>, protection: Protection) {
    let p = theme::palette(ui);
    let (icon, key, colour) = match protection {
        Protection::Encrypted => (icons::ICON_LOCK, "call-encrypted", p.accent),
        Protection::Local => (icons::ICON_COMPUTER, "call-local", p.text_weak),
        Protection::None => (icons::ICON_LOCK_OPEN, "call-plain", p.warning),
    };
    let text = cx.t(key);
    let sign = ui.add(egui::Label::new(icon.rich_text().size(size::SUBTITLE).color(colour)));
    sign.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, &text));
    sign.on_hover_text(&text);
}
