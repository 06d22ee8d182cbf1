//! Short notices that come and go.

use super::button::Button;
use super::theme::{self, radius, size, space};
use super::{MaterialIcon, button, icons};
use egui::{Align, Align2, Area, CornerRadius, FontId, Frame, Id, Layout, Margin, Order, Stroke, Ui, vec2};
use std::time::Duration;

/// What a toast is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Something happened.
    Info,
    /// Something worked.
    Success,
    /// Something failed.
    Error,
}

/// How long a toast stays; errors stay longer, they have more to read.
const SHOWN: Duration = Duration::from_secs(4);
const ERROR_SHOWN: Duration = Duration::from_secs(10);
/// Distance from the top of the window: the title and what is beside it stay free.
const BELOW_TOP: f32 = 56.0;
/// The same for toasts in a bar at the top, where they cover no picture.
const IN_BAR: f32 = 3.0;
/// Toasts on the screen at the same time.
const MOST: usize = 4;

/// A shown toast. `A` is what its button asks for.
#[derive(Debug)]
struct Toast<A> {
    id: u64,
    kind: Kind,
    text: String,
    action: Option<(String, A)>,
    until: Duration,
}

/// The toasts on the screen.
#[derive(Debug)]
pub struct Toasts<A> {
    shown: Vec<Toast<A>>,
    next: u64,
}

impl<A> Default for Toasts<A> {
    fn default() -> Self {
        Self { shown: Vec::new(), next: 0 }
    }
}

impl<A: Clone> Toasts<A> {
    /// Shows `text` from `now` on, with a button if `action` is given. The same text is not shown twice at the same time.
    pub fn push(&mut self, kind: Kind, text: String, action: Option<(String, A)>, now: Duration) {
        self.shown.retain(|t| t.text != text);
        if self.shown.len() >= MOST {
            self.shown.remove(0);
        }
        let until = now + if kind == Kind::Error || action.is_some() { ERROR_SHOWN } else { SHOWN };
        self.shown.push(Toast { id: self.next, kind, text, action, until });
        self.next += 1;
    }

    /// Takes this text away: it is no longer true.
    pub fn withdraw(&mut self, text: &str) {
        self.shown.retain(|t| t.text != text);
    }

    /// Takes away what has been shown long enough; returns when to look again.
    pub fn expire(&mut self, now: Duration) -> Option<Duration> {
        self.shown.retain(|t| t.until > now);
        self.shown.iter().map(|t| t.until.saturating_sub(now)).min()
    }

    /// Texts on the screen, oldest first.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.shown.iter().map(|t| t.text.as_str())
    }

    /// Draws them in the upper right of the window; returns what a pressed button asks for. `close` is the name of the closing cross. `bar`: the
    /// newest lies in a bar at the top, and ends at this place of it, so that it covers no picture.
    pub fn show(&mut self, ui: &mut Ui, close: &str, bar: Option<f32>) -> Option<A> {
        let mut pressed = None;
        let mut closed = None;
        let p = theme::palette(ui);
        let widest = (ui.ctx().content_rect().width() - 2.0 * space::L).min(460.0);
        let mut y = if bar.is_some() { IN_BAR } else { BELOW_TOP };
        let from_right = bar.map_or(space::M, |end| ui.ctx().content_rect().right() - end);
        let in_order: Vec<&Toast<A>> =
            if bar.is_some() { self.shown.iter().rev().collect() } else { self.shown.iter().collect() };
        for toast in in_order {
            let (icon, colour) = look(toast.kind, p);
            let area = Area::new(Id::unique(("toast", toast.id)))
                .order(Order::Foreground)
                .anchor(Align2::RIGHT_TOP, vec2(-from_right, y));
            let shown = area.show(ui.ctx(), |ui| {
                Frame::new()
                    .fill(p.surface)
                    .stroke(Stroke::new(1.0, p.line))
                    .corner_radius(CornerRadius::same(radius::CONTROL + 4))
                    .shadow(ui.visuals().popup_shadow)
                    .inner_margin(Margin { left: 14, right: 6, top: 5, bottom: 5 })
                    .show(ui, |ui| {
                        ui.set_max_width(widest);
                        let room = widest - 110.0 - if toast.action.is_some() { 110.0 } else { 0.0 };
                        let text =
                            ui.painter().layout(toast.text.clone(), FontId::proportional(size::BODY), p.text, room.max(80.0));
                        // As high as the highest from the beginning, so that all of them are in the middle.
                        let row = vec2(ui.available_width(), text.size().y.max(theme::CONTROL_HEIGHT));
                        ui.allocate_ui_with_layout(row, Layout::left_to_right(Align::Center), |ui| {
                            button::sign(ui, icon, size::ICON, colour);
                            let label = ui.label(text);
                            // Screen readers speak it as it appears.
                            ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
                            if let Some((text, action)) = &toast.action
                                && ui.add(Button::new(text)).clicked()
                            {
                                pressed = Some(action.clone());
                                closed = Some(toast.id);
                            }
                            if button::icon(ui, icons::ICON_CLOSE, close).clicked() {
                                closed = Some(toast.id);
                            }
                        });
                    });
            });
            y += shown.response.rect.height() + space::S;
        }
        self.shown.retain(|t| Some(t.id) != closed);
        pressed
    }
}

fn look(kind: Kind, p: &theme::Palette) -> (MaterialIcon, egui::Color32) {
    match kind {
        Kind::Info => (icons::ICON_INFO, p.accent),
        Kind::Success => (icons::ICON_CHECK_CIRCLE, p.accent),
        Kind::Error => (icons::ICON_ERROR, p.danger),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toasts_come_and_go() {
        let at = Duration::from_secs;
        let mut toasts = Toasts::<()>::default();
        toasts.push(Kind::Info, "a".into(), None, at(0));
        toasts.push(Kind::Error, "b".into(), None, at(1));
        toasts.push(Kind::Info, "a".into(), None, at(2));
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["b", "a"]);
        toasts.push(Kind::Info, "c".into(), None, at(2));
        toasts.withdraw("c");
        assert_eq!(toasts.expire(at(3)), Some(at(3)));
        assert_eq!(toasts.expire(at(6)), Some(at(5)));
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["b"]);
        assert_eq!(toasts.expire(at(11)), None);
        for i in 0..9 {
            toasts.push(Kind::Info, i.to_string(), None, at(12));
        }
        assert_eq!(toasts.texts().collect::<Vec<_>>(), ["5", "6", "7", "8"]);
    }
}
