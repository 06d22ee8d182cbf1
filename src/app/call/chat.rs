//! The chat at the right.

use crate::app::view::{Action, Cx};
use crate::call::snapshot::Line;
use crate::ui::button;
use crate::ui::field::Field;
use crate::ui::icons;
use crate::ui::theme::{self, radius, size, space};

use egui::{Align, Color32, CornerRadius, Event, Frame, ImeEvent, Key, Label, Layout, Margin, Panel, RichText, Ui};
use std::time::Duration;

/// How wide it is.
const WIDTH: f32 = 320.0;
/// Longest line that can be typed, in characters; the server takes a little more.
const MAX_CHARS: usize = 2000;
/// The key that chooses a word may arrive a moment after the word; nobody presses Enter again so soon.
const CHOOSING: Duration = Duration::from_millis(100);

/// The open chat.
#[derive(Debug, Default)]
pub struct Chat {
    /// What is being typed.
    pub draft: String,
    composing: bool,
    /// When a word was chosen last.
    committed: Option<Duration>,
    focus: bool,
    /// Number of the newest line that was seen.
    seen: u64,
}

impl Chat {
    /// Puts the cursor into the field.
    pub fn focus(&mut self) {
        self.focus = true;
    }

    /// Lines of others that have not been seen.
    pub fn unread(&self, lines: &[Line]) -> usize {
        lines.iter().rev().take_while(|l| l.seq > self.seen).filter(|l| !l.own).count()
    }

    /// Notes that all `lines` were seen.
    pub fn see(&mut self, lines: &[Line]) {
        self.seen = lines.last().map_or(self.seen, |l| l.seq.max(self.seen));
    }

    /// Draws the chat at the right edge of `ui`.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, lines: &[Line]) {
        self.see(lines);
        let p = theme::palette(ui);
        let frame = Frame::new().fill(p.surface).inner_margin(Margin { left: 14, right: 10, top: 8, bottom: 12 });
        let width = WIDTH.min(ui.available_width() * 0.5);
        Panel::right("chat").resizable(false).exact_size(width).frame(frame).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(cx.t("chat-title")).font(theme::strong(size::SUBTITLE)));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                        cx.act(Action::ToggleChat);
                    }
                });
            });
            let below = Frame::new().inner_margin(Margin { top: 8, ..Margin::ZERO });
            Panel::bottom("chat input").frame(below).show_separator_line(false).show(ui, |ui| self.input(ui, cx));
            if lines.is_empty() {
                empty(ui, cx);
                return;
            }
            egui::ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::XS;
                let mut before: Option<&Line> = None;
                for line in lines {
                    line_ui(ui, cx, line, before.is_some_and(|b| b.own == line.own && b.name == line.name));
                    before = Some(line);
                }
            });
        });
    }

    fn input(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let enter_sends = self.enter_sends(&ui.input(|i| i.events.clone()), cx.now);
        let (label, hint) = (cx.t("chat-input"), cx.t("chat-hint"));
        ui.horizontal(|ui| {
            let width = ui.available_width() - theme::CONTROL_HEIGHT - space::S;
            let field = Field::new(&label).hint(&hint).width(width).limit(MAX_CHARS).show_bare(ui, &mut self.draft);
            let entered = field.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
            let pressed = button::icon(ui, icons::ICON_SEND, &cx.t("chat-send")).clicked();
            if pressed || (entered && enter_sends) {
                let text = self.draft.trim().to_owned();
                self.draft.clear();
                if !text.is_empty() {
                    cx.act(Action::Say(text));
                }
            }
            if entered || pressed || std::mem::take(&mut self.focus) {
                field.request_focus();
            }
        });
    }

    /// Whether Enter among these events is meant for the line, not for an input method that is composing a word.
    fn enter_sends(&mut self, events: &[Event], now: Duration) -> bool {
        let was_composing = self.composing;
        for event in events {
            match event {
                Event::Ime(ImeEvent::Preedit { text, .. }) => self.composing = !text.is_empty(),
                Event::Ime(ImeEvent::Commit(_)) => (self.composing, self.committed) = (false, Some(now)),
                _ => {}
            }
        }
        let just_chosen = self.committed.is_some_and(|at| now.saturating_sub(at) < CHOOSING);
        !was_composing && !self.composing && !just_chosen
    }
}

fn empty(ui: &mut Ui, cx: &Cx<'_>) {
    let p = theme::palette(ui);
    ui.add_space((ui.available_height() * 0.35 - 30.0).max(space::S));
    ui.vertical_centered(|ui| {
        ui.label(icons::ICON_CHAT.rich_text().size(32.0).color(p.text_weak));
        ui.label(RichText::new(cx.t("chat-empty")).font(theme::strong(size::BODY)));
        ui.add(Label::new(RichText::new(cx.t("chat-empty-text")).size(size::SMALL).color(p.text_weak)).wrap());
    });
}

/// A line in its bubble; lines of the same person that follow each other share one name.
fn line_ui(ui: &mut Ui, cx: &Cx<'_>, line: &Line, continued: bool) {
    let p = theme::palette(ui);
    let (fill, side): (Color32, _) = if line.own { (p.accent_soft, Align::Max) } else { (p.sunken, Align::Min) };
    ui.with_layout(Layout::top_down(side), |ui| {
        if !continued {
            ui.add_space(space::XS);
            let name = if line.own { cx.t("chat-you") } else { line.name.clone() };
            ui.label(RichText::new(name).size(size::SMALL).color(p.text_weak));
        }
        // A bubble is as wide as its text, up to most of the column.
        let most = ui.available_width() * 0.86 - 24.0;
        let text = ui.painter().layout(line.text.clone(), egui::FontId::proportional(size::BODY), p.text, most);
        let bubble =
            Frame::new().fill(fill).corner_radius(CornerRadius::same(radius::CONTROL + 4)).inner_margin(Margin::symmetric(12, 8));
        bubble.show(ui, |ui| ui.add(Label::new(text).selectable(true)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preedit(text: &str) -> Event {
        Event::Ime(ImeEvent::Preedit { text: text.into(), active_range_chars: None })
    }

    fn commit(text: &str) -> Event {
        Event::Ime(ImeEvent::Commit(text.into()))
    }

    #[test]
    fn enter_does_not_send_while_a_word_is_composed() {
        let at = Duration::from_millis;
        let mut chat = Chat::default();
        assert!(chat.enter_sends(&[], at(0)));
        assert!(!chat.enter_sends(&[preedit("ni")], at(1000)));
        assert!(!chat.enter_sends(&[], at(1100)), "still composing");
        assert!(!chat.enter_sends(&[preedit(""), commit("你")], at(1200)), "this Enter chose the word");
        assert!(!chat.enter_sends(&[], at(1210)), "so did this one, a little late");
        assert!(chat.enter_sends(&[], at(1400)));
        assert!(!chat.enter_sends(&[preedit("hao")], at(1500)));
        assert!(!chat.enter_sends(&[preedit("")], at(1600)), "this one dismissed the word");
        assert!(chat.enter_sends(&[], at(1610)));
    }

    #[test]
    fn only_unseen_lines_of_others_count() {
        let line = |seq, own| Line { seq, name: "Ada".into(), text: "hi".into(), own, at_us: 0 };
        let mut chat = Chat::default();
        let mut lines = vec![line(1, false), line(2, true), line(5, false)];
        assert_eq!(chat.unread(&lines), 2);
        chat.see(&lines);
        assert_eq!(chat.unread(&lines), 0);
        lines.push(line(7, false));
        assert_eq!(chat.unread(&lines), 1);
    }
}
