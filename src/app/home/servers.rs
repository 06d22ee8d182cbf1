//! Which server serves the calls: the one inside the program, one that was used before, or another one, which is tried while it is typed.

use super::{Action, HomeView, details, network};
use crate::app::settings::{SavedServer, ServerChoice};
use crate::app::view::{Action as Any, Cx, ProbeView, ServerKind, ServerView};
use crate::proto::Address;
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::{Color32, RichText, Ui, vec2};
use std::time::Duration;

/// What stands for another server than those that are known.
const OTHER: &str = "other";
/// What stands for the one inside the program.
const HERE: &str = "";
/// An address at which nobody has typed for so long is tried; a pasted one at once.
const REST: Duration = Duration::from_millis(600);

/// A server that is being typed.
#[derive(Debug, Default)]
pub struct Typed {
    /// The box is open.
    pub open: bool,
    /// What is in it.
    pub server: SavedServer,
    /// When it was changed last and has not been tried since.
    changed: Option<Duration>,
}

/// Draws the card.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>, typed: &mut Typed) {
    card::frame(ui).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal(|ui| {
            ui.label(RichText::new(cx.t("server-title")).font(theme::strong(size::SUBTITLE)));
            if let ServerChoice::Address(address) = view.choice
                && !typed.open
            {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    let forget = cx.with("server-forget", &[("address", host(address).into())]);
                    if button::icon(ui, icons::ICON_DELETE, &forget).clicked() {
                        cx.act(Any::First(Action::ForgetServer(address.clone())));
                    }
                });
            }
        });
        choose(ui, cx, view, typed);
        if typed.open {
            other(ui, cx, view.probe, typed);
        } else {
            status(ui, cx, view, typed);
        }
    });
}

/// The address without the key behind it.
fn host(address: &str) -> &str {
    address.split('#').next().unwrap_or(address)
}

fn choose(ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>, typed: &mut Typed) {
    let mut options = vec![(HERE.to_owned(), cx.t("server-here"))];
    options.extend(view.servers.iter().map(|known| (known.address.clone(), host(&known.address).to_owned())));
    let used = match view.choice {
        ServerChoice::Here => HERE.to_owned(),
        ServerChoice::Address(address) => address.clone(),
    };
    if !options.iter().any(|(word, _)| *word == used) {
        options.push((used.clone(), host(&used).to_owned()));
    }
    options.push((OTHER.to_owned(), cx.t("server-other")));
    let mut chosen = if typed.open { OTHER.to_owned() } else { used };
    if !field::choice(ui, &cx.t("server-choose"), &mut chosen, &options) {
        return;
    }
    typed.open = chosen == OTHER;
    match chosen.as_str() {
        OTHER => *typed = Typed { open: true, ..Typed::default() },
        HERE => cx.act(Any::UseServer(ServerChoice::Here)),
        _ => cx.act(Any::UseServer(ServerChoice::Address(chosen))),
    }
}

/// The address of another server, and whether there is one.
fn other(ui: &mut Ui, cx: &mut Cx<'_>, probe: Option<&ProbeView>, typed: &mut Typed) {
    let (label, hint) = (cx.t("server-address"), cx.t("server-address-hint"));
    let address = Field::new(&label).hint(&hint).limit(512).show(ui, &mut typed.server.address);
    let mut changed = address.changed();
    let pasted = changed && ui.input(|i| i.events.iter().any(|event| matches!(event, egui::Event::Paste(_))));
    let mut entered = address.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let asked = matches!(probe, Some(ProbeView::Failed { key_wanted: true, .. })) || !typed.server.access_key.is_empty();
    if asked {
        let (label, hint) = (cx.t("server-access-key"), cx.t("server-access-key-hint"));
        let key = Field::new(&label).hint(&hint).password().show(ui, &mut typed.server.access_key);
        changed |= key.changed();
        entered |= key.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    }
    if changed {
        typed.changed = Some(cx.now);
    }
    let wanted = SavedServer { address: typed.server.address.trim().to_owned(), ..typed.server.clone() };
    if let Some(at) = typed.changed {
        let rested = cx.now.saturating_sub(at);
        if pasted || rested >= REST {
            typed.changed = None;
            // What is no address yet is still being typed.
            if wanted.address.parse::<Address>().is_ok() {
                cx.act(Any::First(Action::Test(wanted.clone())));
            }
        } else {
            ui.ctx().request_repaint_after(REST.saturating_sub(rested));
        }
    }
    let p = theme::palette(ui);
    match probe {
        None => {}
        Some(ProbeView::Checking) => line(ui, p.warning, &cx.t("server-checking")),
        Some(ProbeView::Works) => line(ui, p.accent, &cx.t("server-works")),
        Some(ProbeView::Failed { sentence, .. }) => {
            let notice = card::notice(ui, card::Tone::Error, &sentence.text, |ui| {
                details(ui, cx, sentence.detail.as_deref());
                network(ui, cx, sentence, 0.0);
            });
            ui.ctx().accesskit_node_builder(notice.response.id, |node| node.set_live(egui::accesskit::Live::Polite));
        }
    }
    ui.horizontal(|ui| {
        let text = cx.t("server-use");
        let button = if matches!(probe, Some(ProbeView::Works)) { Button::primary(&text) } else { Button::new(&text) };
        let pressed = ui.add_enabled(!wanted.address.is_empty(), button).clicked();
        if ui.add(Button::quiet(&cx.t("cancel"))).clicked() {
            *typed = Typed::default();
        } else if (entered || pressed) && !wanted.address.is_empty() {
            *typed = Typed::default();
            cx.act(Any::First(Action::Use(wanted)));
        }
    });
}

/// A line with a coloured dot before it.
fn line(ui: &mut Ui, colour: Color32, text: &str) {
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 20.0), egui::Sense::hover());
        ui.painter().circle_filled(rect.center(), 4.5, colour);
        ui.add(egui::Label::new(RichText::new(text).color(theme::palette(ui).text_weak)).truncate());
    });
}

/// How the server in use is, with what can be done.
fn status(ui: &mut Ui, cx: &mut Cx<'_>, view: &HomeView<'_>, typed: &mut Typed) {
    let p = theme::palette(ui);
    match view.server {
        ServerView::Starting => line(ui, p.warning, &cx.t("server-starting")),
        ServerView::Checking => line(ui, p.warning, &cx.t("server-checking")),
        ServerView::Ready { address, link, kind } => {
            let key = match kind {
                ServerKind::Own => "server-ready-here",
                ServerKind::Shared => "server-shared",
                ServerKind::Remote => "server-ready",
            };
            ui.horizontal(|ui| {
                let width = ui.available_width() - theme::CONTROL_HEIGHT - space::S;
                ui.scope(|ui| {
                    ui.set_max_width(width);
                    line(ui, p.accent, &cx.with(key, &[("address", address.into())]));
                });
                if button::icon(ui, icons::ICON_CONTENT_COPY, &cx.t("server-copy")).clicked() {
                    cx.act(Any::Copy { text: link.clone(), said: cx.t("toast-address-copied") });
                }
            });
        }
        ServerView::Failed(sentence) => {
            card::notice(ui, card::Tone::Error, &sentence.text, |ui| {
                details(ui, cx, sentence.detail.as_deref());
                ui.horizontal_wrapped(|ui| {
                    if ui.add(Button::new(&cx.t("retry")).icon(icons::ICON_REFRESH)).clicked() {
                        cx.act(Any::TryAgain);
                    }
                    network(ui, cx, sentence, 0.0);
                    // An address that was mistyped, or a key that is missing: mended where it stands.
                    if let ServerChoice::Address(address) = view.choice
                        && ui.add(Button::new(&cx.t("server-change"))).clicked()
                    {
                        let known = view.servers.iter().find(|known| known.address == *address).cloned();
                        let server = known.unwrap_or_else(|| SavedServer { address: address.clone(), ..SavedServer::default() });
                        *typed = Typed { open: true, server, changed: Some(Duration::ZERO) };
                    }
                });
            });
        }
    }
}
