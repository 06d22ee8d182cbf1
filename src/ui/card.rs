//! Cards, notices and rows of a list.

use super::button::{focus_ring, paint_icon, sign as icon_sign};
use super::theme::{self, radius, size, space};
use super::{MaterialIcon, avatar};
use egui::{
    Align2, Color32, Context, CornerRadius, FontId, Frame, Galley, InnerResponse, Margin, Rect, Response, RichText, Role, Sense,
    Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};
use std::sync::Arc;

/// Side of the coloured square that an icon stands on.
const BADGE: f32 = 44.0;
/// Where words begin beside it.
const BESIDE_BADGE: f32 = space::L + BADGE + space::M + space::XS;

/// A surface that groups things.
pub fn frame(ui: &Ui) -> Frame {
    let p = theme::palette(ui);
    Frame::new()
        .fill(p.surface)
        .stroke(Stroke::new(1.0, p.line))
        .corner_radius(CornerRadius::same(radius::CARD))
        .inner_margin(Margin::same(space::L as i8))
}

/// What a dialog that says or asks something lies in.
pub fn dialog(ctx: &Context) -> Frame {
    Frame::popup(&ctx.global_style()).inner_margin(Margin::same(space::M as i8 + 2))
}

/// A large button: an icon, what it does, and a line about it.
pub fn choice(ui: &mut Ui, wanted: egui::Vec2, icon: MaterialIcon, title: &str, text: &str, selected: bool) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), selected, title));
    if ui.is_rect_visible(rect) {
        let hovered = response.hovered() || response.is_pointer_button_down_on();
        let line = if selected || hovered { Stroke::new(1.5, p.accent) } else { Stroke::new(1.0, p.line) };
        let fill = if selected { p.accent_soft } else { p.surface };
        ui.painter().rect(rect, CornerRadius::same(radius::CARD), fill, line, StrokeKind::Inside);
        let badge = Rect::from_min_size(rect.min + vec2(space::L, space::L), Vec2::splat(BADGE));
        let (ground, front) = if selected || hovered { (p.accent, p.on_accent) } else { (p.accent_soft, p.accent) };
        ui.painter().rect_filled(badge, CornerRadius::same(12), ground);
        paint_icon(ui, badge, icon, 24.0, front);
        let x = rect.left() + BESIDE_BADGE;
        let (title, text) = words(ui, rect.width(), title, text);
        let y = badge.top() + 1.0;
        let below = y + title.size().y + space::XS;
        ui.painter().galley(pos2(x, y), title, p.text);
        ui.painter().with_clip_rect(rect.intersect(ui.clip_rect())).galley(pos2(x, below), text, p.text_weak);
        focus_ring(ui, &response, rect, f32::from(radius::CARD));
    }
    response
}

/// How high a [`choice`] of this width must be for all its words.
pub fn choice_height(ui: &Ui, width: f32, title: &str, text: &str) -> f32 {
    let (title, text) = words(ui, width, title, text);
    let below = space::L + 1.0 + title.size().y + space::XS + text.size().y;
    (below + space::L).max(BADGE + 2.0 * space::L)
}

fn words(ui: &Ui, width: f32, title: &str, text: &str) -> (Arc<Galley>, Arc<Galley>) {
    let (p, room) = (theme::palette(ui), width - BESIDE_BADGE - space::M);
    let title = ui.painter().layout(title.to_owned(), theme::strong(size::SUBTITLE), p.text, room);
    (title, ui.painter().layout(text.to_owned(), FontId::proportional(size::BODY), p.text_weak, room))
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Good to know.
    Info,
    /// Something failed.
    Error,
}

/// A sentence in a tinted box, with something below it (usually buttons).
pub fn notice<R>(ui: &mut Ui, tone: Tone, text: &str, below: impl FnOnce(&mut Ui) -> R) -> InnerResponse<R> {
    let p = theme::palette(ui);
    let (fill, front, icon) = tone_look(tone, p);
    Frame::new().fill(fill).corner_radius(CornerRadius::same(radius::CONTROL + 2)).inner_margin(Margin::same(12)).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            icon_sign(ui, icon, size::ICON, front);
            ui.vertical(|ui| {
                ui.add(egui::Label::new(RichText::new(text).color(p.text)).wrap().selectable(true));
                below(ui)
            })
            .inner
        })
        .inner
    })
}

/// A sentence in a tinted box with one button at its end, in a single row; returns whether the button was clicked.
pub fn banner(ui: &mut Ui, tone: Tone, text: &str, icon: MaterialIcon, button: &str) -> bool {
    let p = theme::palette(ui);
    let (fill, front, sign) = tone_look(tone, p);
    let frame =
        Frame::new().fill(fill).corner_radius(CornerRadius::same(radius::CONTROL + 2)).inner_margin(Margin::symmetric(12, 6));
    let row = |ui: &mut Ui| {
        icon_sign(ui, sign, size::ICON, front);
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            let clicked = ui.add(super::button::Button::new(button).icon(icon)).clicked();
            ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                ui.add(egui::Label::new(RichText::new(text).color(p.text)).wrap());
            });
            clicked
        })
        .inner
    };
    frame.show(ui, |ui| ui.horizontal(row).inner).inner
}

fn tone_look(tone: Tone, p: &theme::Palette) -> (Color32, Color32, MaterialIcon) {
    match tone {
        Tone::Info => (p.accent_soft, p.accent, super::icons::ICON_INFO),
        Tone::Error => (p.danger_soft, p.danger, super::icons::ICON_ERROR),
    }
}

/// A row of the room list.
#[derive(Debug)]
pub struct Row<'a> {
    /// Its name.
    pub title: &'a str,
    /// A line about it.
    pub text: &'a str,
    /// What it is.
    pub icon: MaterialIcon,
    /// A second icon at its end.
    pub mark: Option<MaterialIcon>,
    /// People, for a row of small avatars.
    pub people: &'a [String],
    /// Whether one is in it.
    pub selected: bool,
}

impl Row<'_> {
    /// Draws it; its accessible name is `name`.
    pub fn show(&self, ui: &mut Ui, name: &str) -> Response {
        let p = theme::palette(ui);
        let height = if self.people.is_empty() { 56.0 } else { 82.0 };
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
        response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), self.selected, name));
        if !ui.is_rect_visible(rect) {
            return response;
        }
        let fill = match (self.selected, response.hovered() && ui.is_enabled()) {
            (true, _) => p.accent_soft,
            (false, true) => p.hover,
            (false, false) => Color32::TRANSPARENT,
        };
        let faded = |c: Color32| if ui.is_enabled() { c } else { c.gamma_multiply(0.55) };
        ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL + 2), fill);
        let badge = Rect::from_min_size(rect.min + vec2(10.0, 10.0), vec2(36.0, 36.0));
        ui.painter().rect_filled(badge, CornerRadius::same(10), if self.selected { p.accent } else { p.hover });
        paint_icon(ui, badge, self.icon, 20.0, faded(if self.selected { p.on_accent } else { p.text_weak }));
        let x = badge.right() + 10.0;
        let right = rect.right() - if self.mark.is_some() { 34.0 } else { 10.0 };
        let line = |text: &str, y: f32, font: FontId, colour: Color32| {
            let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
            job.wrap = egui::text::TextWrapping::truncate_at_width((right - x).max(10.0));
            let galley = ui.painter().layout_job(job);
            ui.painter().galley(pos2(x, y), galley, colour);
        };
        line(self.title, rect.top() + 10.0, theme::strong(size::BODY), faded(p.text));
        line(self.text, rect.top() + 30.0, FontId::proportional(size::SMALL), faded(p.text_weak));
        if let Some(mark) = self.mark {
            let font = FontId::new(18.0, mark.font_family());
            let at = pos2(rect.right() - 12.0, rect.top() + 28.0);
            ui.painter().text(at, Align2::RIGHT_CENTER, mark.codepoint, font, faded(p.text_weak));
        }
        for (i, person) in self.people.iter().take(6).enumerate() {
            avatar::paint(ui.painter(), pos2(x + 10.0 + i as f32 * 24.0, rect.top() + 62.0), 10.0, person);
        }
        focus_ring(ui, &response, rect, 10.0);
        response
    }
}
