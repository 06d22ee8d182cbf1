//! The chat at the right: what was said, what happened meanwhile, and a field for what one wants to say.

mod lines;
pub mod links;
pub mod notices;

use crate::app::view::{Action, Cx};
use crate::call::snapshot::Line;
use crate::ui::button;
use crate::ui::icons;
use crate::ui::theme::{self, size, space};
pub use notices::Notice;
use notices::{Entry, Notices};

use egui::{
    Align, Event, Frame, ImeEvent, Key, KeyboardShortcut, Label, Layout, Margin, Modifiers, Panel, RichText, TextEdit, Ui, vec2,
};
use std::time::Duration;

/// How wide it is.
const WIDTH: f32 = 320.0;
/// Longest line that can be typed, in characters; the server takes a little more.
const MAX_CHARS: usize = 2000;
/// The field grows with what is typed, up to this height; then it scrolls.
const HIGHEST: f32 = 120.0;
/// The key that chooses a word may arrive a moment after the word; nobody presses Enter again so soon.
const CHOOSING: Duration = Duration::from_millis(100);
/// What makes a new line; Enter alone sends.
const NEW_LINE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter);

/// The open chat.
#[derive(Debug, Default)]
pub struct Chat {
    /// What is being typed.
    pub draft: String,
    notices: Notices,
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

    /// Something has happened after all of these lines.
    pub fn note(&mut self, notice: Notice, lines: &[Line]) {
        self.notices.add(notice, lines);
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
            if lines.is_empty() && self.notices.is_empty() {
                empty(ui, cx);
                return;
            }
            egui::ScrollArea::vertical().auto_shrink(false).stick_to_bottom(true).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::XS;
                let mut before: Option<&Line> = None;
                for entry in self.notices.among(lines) {
                    match entry {
                        Entry::Line(line) => {
                            let continued = before.is_some_and(|b| b.own == line.own && b.name == line.name);
                            lines::line(ui, cx, line, continued);
                            before = Some(line);
                        }
                        Entry::Notice(notice) => {
                            lines::notice(ui, &notice.text(cx.texts));
                            before = None;
                        }
                    }
                }
            });
        });
    }

    fn input(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        let enter_sends = self.enter_sends(&ui.input(|i| i.events.clone()), cx.now);
        let (label, hint) = (cx.t("chat-input"), cx.t("chat-hint"));
        let mut send = false;
        ui.horizontal_top(|ui| {
            let width = ui.available_width() - theme::CONTROL_HEIGHT - space::S;
            let field = ui.vertical(|ui| {
                ui.set_width(width);
                let scrolled = egui::ScrollArea::vertical().max_height(HIGHEST).show(ui, |ui| {
                    let field = TextEdit::multiline(&mut self.draft)
                        .hint_text(hint)
                        .char_limit(MAX_CHARS)
                        .return_key(NEW_LINE)
                        .desired_rows(1)
                        .desired_width(width)
                        .margin(Margin::symmetric(12, 9))
                        .min_size(vec2(0.0, theme::CONTROL_HEIGHT));
                    ui.add(field).accessible_name(label).on_hover_text(cx.t("chat-keys"))
                });
                scrolled.inner
            });
            let (height, field) = (field.response.rect.height(), field.inner);
            let entered = field.has_focus() && ui.input(|i| i.key_pressed(Key::Enter) && !i.modifiers.shift);
            // Beside the last row, however many there are.
            let clicked = ui.vertical(|ui| {
                ui.add_space((height - theme::CONTROL_HEIGHT).max(0.0));
                button::icon(ui, icons::ICON_SEND, &cx.t("chat-send")).clicked()
            });
            send = clicked.inner || (entered && enter_sends);
            if send || std::mem::take(&mut self.focus) {
                field.request_focus();
            }
        });
        if send {
            let text = self.draft.trim().to_owned();
            self.draft.clear();
            if !text.is_empty() {
                cx.act(Action::Say(text));
            }
        }
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
        button::sign(ui, icons::ICON_CHAT, 32.0, p.text_weak);
        ui.label(RichText::new(cx.t("chat-empty")).font(theme::strong(size::BODY)));
        ui.add(Label::new(RichText::new(cx.t("chat-empty-text")).size(size::SMALL).color(p.text_weak)).wrap());
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
        let line = |seq, own| Line { seq, name: "Ada".into(), text: Some("hi".into()), own, at_us: 0 };
        let mut chat = Chat::default();
        let mut lines = vec![line(1, false), line(2, true), line(5, false)];
        assert_eq!(chat.unread(&lines), 2);
        chat.see(&lines);
        assert_eq!(chat.unread(&lines), 0);
        lines.push(line(7, false));
        chat.note(Notice::Back, &lines);
        assert_eq!(chat.unread(&lines), 1);
    }
}
