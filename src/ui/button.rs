//! Buttons: with text, with an icon in line, and the round ones of a call.

use super::MaterialIcon;
use super::theme::{self, Palette, radius, size, space};
use egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, Widget, WidgetInfo, vec2,
};

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// The one thing to do here.
    Primary,
    /// One of several things.
    #[default]
    Secondary,
    /// Present, but quiet: no frame until the pointer is over it.
    Quiet,
    /// Ends something.
    Danger,
}

/// A button with text, and an icon before it if wanted.
#[derive(Debug)]
#[must_use = "add it with ui.add"]
pub struct Button<'a> {
    text: &'a str,
    icon: Option<MaterialIcon>,
    kind: Kind,
    min_width: f32,
}

impl<'a> Button<'a> {
    /// An ordinary button.
    pub fn new(text: &'a str) -> Self {
        Self { text, icon: None, kind: Kind::Secondary, min_width: 0.0 }
    }

    /// The one thing to do here.
    pub fn primary(text: &'a str) -> Self {
        Self { kind: Kind::Primary, ..Self::new(text) }
    }

    /// A quiet one.
    pub fn quiet(text: &'a str) -> Self {
        Self { kind: Kind::Quiet, ..Self::new(text) }
    }

    /// One that ends something.
    pub fn danger(text: &'a str) -> Self {
        Self { kind: Kind::Danger, ..Self::new(text) }
    }

    /// Puts an icon before the text.
    pub fn icon(mut self, icon: MaterialIcon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// Makes it at least so wide.
    pub fn min_width(mut self, width: f32) -> Self {
        self.min_width = width;
        self
    }

    /// How wide it will be.
    pub fn width(&self, ui: &Ui) -> f32 {
        let text = ui.painter().layout_no_wrap(self.text.to_owned(), theme::strong(size::BODY), Color32::PLACEHOLDER);
        self.width_around(text.size().x)
    }

    fn width_around(&self, text: f32) -> f32 {
        (text + self.icon_width() + 2.0 * (space::M + 2.0)).max(self.min_width)
    }

    fn icon_width(&self) -> f32 {
        if self.icon.is_some() { size::ICON + space::XS + 2.0 } else { 0.0 }
    }
}

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let p = theme::palette(ui);
        let text = ui.painter().layout_no_wrap(self.text.to_owned(), theme::strong(size::BODY), Color32::PLACEHOLDER);
        let icon_width = self.icon_width();
        let wanted = vec2(self.width_around(text.size().x), theme::CONTROL_HEIGHT);
        let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
        response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), self.text));
        if ui.is_rect_visible(rect) {
            let (fill, line, front) = colours(p, self.kind, response.hovered() || response.is_pointer_button_down_on());
            let fade = if ui.is_enabled() { 1.0 } else { 0.45 };
            let front = front.gamma_multiply(fade);
            ui.painter().rect(
                rect,
                CornerRadius::same(radius::CONTROL),
                fill.gamma_multiply(fade),
                Stroke::new(1.0, line),
                StrokeKind::Inside,
            );
            let mut x = rect.center().x - (text.size().x + icon_width) / 2.0;
            if let Some(icon) = self.icon {
                let font = FontId::new(size::ICON, icon.font_family());
                ui.painter().text(egui::pos2(x, rect.center().y), Align2::LEFT_CENTER, icon.codepoint, font, front);
                x += icon_width;
            }
            ui.painter().galley(egui::pos2(x, rect.center().y - text.size().y / 2.0), text, front);
            focus_ring(ui, &response, rect, f32::from(radius::CONTROL));
        }
        response
    }
}

/// Fill, outline and text colour.
fn colours(p: &Palette, kind: Kind, hovered: bool) -> (Color32, Color32, Color32) {
    let none = Color32::TRANSPARENT;
    match (kind, hovered) {
        (Kind::Primary, false) => (p.accent, none, p.on_accent),
        (Kind::Primary, true) => (p.accent_strong, none, p.on_accent),
        (Kind::Secondary, false) => (p.surface, p.line, p.text),
        (Kind::Secondary, true) => (p.hover, p.line, p.text),
        (Kind::Quiet, false) => (none, none, p.text),
        (Kind::Quiet, true) => (p.hover, none, p.text),
        (Kind::Danger, false) => (p.danger, none, p.surface),
        (Kind::Danger, true) => (p.danger_strong, none, p.surface),
    }
}

/// A small square button that is only an icon. `name` is its tooltip and accessible name.
pub fn icon(ui: &mut Ui, icon: MaterialIcon, name: &str) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::splat(theme::CONTROL_HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    if ui.is_rect_visible(rect) {
        let (fill, _, front) = colours(p, Kind::Quiet, response.hovered());
        let front = if ui.is_enabled() { front } else { front.gamma_multiply(0.45) };
        ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), fill);
        paint_icon(ui, rect, icon, size::ICON, front);
        focus_ring(ui, &response, rect, f32::from(radius::CONTROL));
    }
    response.on_hover_text(name)
}

/// A row of which one is chosen; returns the index of the one that was clicked. Each is a radio button to screen readers.
pub fn segmented(ui: &mut Ui, options: &[&str], chosen: usize) -> Option<usize> {
    let p = theme::palette(ui);
    let mut clicked = None;
    egui::Frame::new()
        .fill(p.sunken)
        .corner_radius(CornerRadius::same(radius::CONTROL + 2))
        .inner_margin(egui::Margin::same(3))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = 2.0;
                ui.spacing_mut().interact_size.y = 30.0;
                for (i, option) in options.iter().enumerate() {
                    let selected = i == chosen;
                    let font = if selected { theme::strong(13.0) } else { FontId::proportional(13.0) };
                    let galley = ui.painter().layout_no_wrap((*option).to_owned(), font, Color32::PLACEHOLDER);
                    let (rect, response) = ui.allocate_exact_size(vec2(galley.size().x + 24.0, 30.0), Sense::click());
                    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), selected, *option));
                    let (fill, line, front) = match (selected, response.hovered()) {
                        (true, _) => (p.surface, p.line, p.text),
                        (false, true) => (p.hover, Color32::TRANSPARENT, p.text),
                        (false, false) => (Color32::TRANSPARENT, Color32::TRANSPARENT, p.text_weak),
                    };
                    ui.painter().rect(
                        rect,
                        CornerRadius::same(radius::CONTROL),
                        fill,
                        Stroke::new(1.0, line),
                        StrokeKind::Inside,
                    );
                    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, front);
                    focus_ring(ui, &response, rect, f32::from(radius::CONTROL));
                    if response.clicked() && !selected {
                        clicked = Some(i);
                    }
                }
            });
        });
    clicked
}

/// What a round button shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Something that is running, or can be opened.
    Normal,
    /// Something that is open.
    Selected,
    /// Something that is switched off and should be noticed.
    Off,
    /// Ends the call.
    Danger,
}

/// A round button of a call. `name` is its accessible name, `hint` its tooltip, `badge` a count in its corner.
pub fn round(ui: &mut Ui, icon: MaterialIcon, name: &str, hint: &str, look: Look, badge: usize) -> Response {
    let p = theme::palette(ui);
    let wanted = vec2(if look == Look::Danger { 60.0 } else { 46.0 }, 46.0);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    response.widget_info(|| match look {
        Look::Danger | Look::Normal => WidgetInfo::labeled(Role::Button, ui.is_enabled(), name),
        Look::Selected | Look::Off => WidgetInfo::selected(Role::Button, ui.is_enabled(), true, name),
    });
    if ui.is_rect_visible(rect) {
        let hovered = response.hovered() || response.is_pointer_button_down_on();
        let (fill, line, front) = match (look, hovered) {
            (Look::Normal, false) => (p.surface, p.line, p.text),
            (Look::Normal, true) => (p.hover, p.line, p.text),
            (Look::Selected, false) => (p.accent_soft, p.accent, p.accent),
            (Look::Selected, true) => (p.hover, p.accent, p.accent),
            (Look::Off, false) => (p.danger_soft, p.danger, p.danger),
            (Look::Off, true) => (p.hover, p.danger, p.danger),
            (Look::Danger, false) => (p.danger, Color32::TRANSPARENT, p.surface),
            (Look::Danger, true) => (p.danger_strong, Color32::TRANSPARENT, p.surface),
        };
        ui.painter().rect(rect, CornerRadius::same(23), fill, Stroke::new(1.0, line), StrokeKind::Inside);
        paint_icon(ui, rect, icon, 22.0, front);
        if badge > 0 {
            let center = rect.right_top() + vec2(-6.0, 7.0);
            ui.painter().circle(center, 9.5, p.accent, Stroke::new(2.0, p.ground));
            let text = if badge > 9 { "9+".to_owned() } else { badge.to_string() };
            ui.painter().text(center, Align2::CENTER_CENTER, text, theme::strong(10.5), p.on_accent);
        }
        focus_ring(ui, &response, rect, 23.0);
    }
    response.on_hover_text(hint)
}

/// Draws `icon` in the middle of `rect`.
pub fn paint_icon(ui: &Ui, rect: Rect, icon: MaterialIcon, points: f32, colour: Color32) {
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icon.codepoint, FontId::new(points, icon.font_family()), colour);
}

/// A sign beside a text that says the same: it takes its place in the row, and screen readers do not read it.
pub fn sign(ui: &mut Ui, icon: MaterialIcon, points: f32, colour: Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(points, points * 1.2), Sense::hover());
    paint_icon(ui, rect, icon, points, colour);
}

/// A round button over a picture, at `rect`.
pub fn floating(ui: &Ui, rect: Rect, id: egui::Id, icon: MaterialIcon, name: &str) -> Response {
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), name));
    let dark = if response.hovered() || response.has_focus() { 210 } else { 120 };
    ui.painter().circle_filled(rect.center(), rect.width() / 2.0, Color32::from_black_alpha(dark));
    paint_icon(ui, rect, icon, rect.height() * 0.6, Color32::WHITE);
    focus_ring(ui, &response, rect, rect.width() / 2.0);
    response.on_hover_text(name)
}

/// Shows where the keyboard is, on something that reaches to the edge of what can be drawn on.
pub(super) fn focus_ring_inside(ui: &Ui, response: &Response, rect: Rect, radius: f32) {
    if response.has_focus() {
        let stroke = Stroke::new(3.0, theme::palette(ui).accent_strong);
        ui.painter().rect_stroke(rect, radius, stroke, StrokeKind::Inside);
    }
}

/// Shows where the keyboard is.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect, radius: f32) {
    if response.has_focus() {
        let stroke = Stroke::new(2.0, theme::palette(ui).accent);
        ui.painter().rect_stroke(rect.expand(2.0), radius + 2.0, stroke, StrokeKind::Outside);
    }
}
