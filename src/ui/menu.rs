//! What menus are made of: a line with an icon that does something, and the edges that sliders and boxes need there.

use super::theme::{self, radius, size, space};
use super::{MaterialIcon, button};
use egui::{Align2, CornerRadius, FontId, Response, Role, ScrollArea, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

/// Height of a line.
const HEIGHT: f32 = 32.0;
/// What stays free of the window's height.
const MARGIN: f32 = 40.0;

/// A line of a menu.
#[derive(Debug)]
#[must_use = "show it"]
pub struct Item<'a> {
    icon: MaterialIcon,
    text: &'a str,
    hint: &'a str,
    danger: bool,
}

impl<'a> Item<'a> {
    /// A line with this text, which is also its name.
    pub fn new(icon: MaterialIcon, text: &'a str) -> Self {
        Self { icon, text, hint: "", danger: false }
    }

    /// With a key or a state at its end.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// It ends something.
    pub fn danger(mut self) -> Self {
        self.danger = true;
        self
    }

    /// Draws it over the width of the menu; whoever clicks it closes the menu.
    pub fn show(self, ui: &mut Ui) -> Response {
        let p = theme::palette(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.text));
        if ui.is_rect_visible(rect) {
            let front = if self.danger { p.danger } else { p.text };
            if response.hovered() || response.has_focus() {
                ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), p.hover);
            }
            let icon = FontId::new(size::ICON - 2.0, self.icon.font_family());
            let middle = rect.center().y;
            ui.painter().text(pos2(rect.left() + space::S, middle), Align2::LEFT_CENTER, self.icon.codepoint, icon, front);
            let hint = ui.painter().layout_no_wrap(self.hint.to_owned(), FontId::proportional(size::SMALL), p.text_weak);
            let left = rect.left() + space::S + size::ICON + space::S;
            let mut job = egui::text::LayoutJob::simple_singleline(self.text.to_owned(), FontId::proportional(size::BODY), front);
            let right = rect.right() - space::S - hint.size().x;
            job.wrap = egui::text::TextWrapping::truncate_at_width((right - left - space::S).max(1.0));
            let text = ui.painter().layout_job(job);
            ui.painter().galley(pos2(left, middle - text.size().y / 2.0), text, front);
            ui.painter().galley(pos2(right, middle - hint.size().y / 2.0), hint, p.text_weak);
            button::focus_ring_inside(ui, &response, rect, f32::from(radius::CONTROL));
        }
        if response.clicked() {
            ui.close();
        }
        response
    }
}

/// All of a menu's lines where the window has room for them: else they can be scrolled.
pub fn all(ui: &mut Ui, content: impl FnOnce(&mut Ui)) {
    let most = ui.ctx().content_rect().height() - MARGIN;
    ScrollArea::vertical().min_scrolled_height(most).max_height(most).show(ui, content);
}

/// A thin line between groups.
pub fn separator(ui: &mut Ui) {
    let p = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, p.line));
}

/// Menus draw their controls without edges, for lists of words; a slider and a box to tick need theirs.
pub fn outline(ui: &mut Ui) {
    let p = theme::palette(ui);
    let visuals = ui.visuals_mut();
    for state in [&mut visuals.widgets.inactive, &mut visuals.widgets.hovered, &mut visuals.widgets.active] {
        (state.bg_fill, state.bg_stroke) = (p.line, Stroke::new(1.0, p.text_weak));
    }
    visuals.selection.bg_fill = p.accent;
}
