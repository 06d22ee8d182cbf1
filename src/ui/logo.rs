//! The sign of the program, as on its icon: two tiles, somebody in the front one.

use super::theme;
use egui::{Color32, CornerRadius, Rect, Response, RichText, Sense, Ui, pos2, vec2};

/// Draws the sign with the name beside it.
pub fn show(ui: &mut Ui, name: &str) -> Response {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        let (rect, _) = ui.allocate_exact_size(vec2(28.0, 28.0), Sense::hover());
        paint(ui, rect);
        ui.label(RichText::new(name).font(theme::strong(17.0)).color(p.text))
    })
    .inner
}

fn paint(ui: &Ui, rect: Rect) {
    let painter = ui.painter();
    let unit = rect.width() / 512.0;
    let part = |x: f32, y: f32, w: f32, h: f32| Rect::from_min_size(rect.min + vec2(x, y) * unit, vec2(w, h) * unit);
    let green = Color32::from_rgb(0x0E, 0x7C, 0x66);
    painter.rect_filled(rect, CornerRadius::same((112.0 * unit) as u8), green);
    painter.rect_filled(
        part(206.0, 110.0, 220.0, 170.0),
        CornerRadius::same((40.0 * unit) as u8),
        Color32::from_white_alpha(110),
    );
    let front = part(86.0, 182.0, 266.0, 220.0);
    painter.rect_filled(front, CornerRadius::same((48.0 * unit) as u8), Color32::WHITE);
    let clipped = painter.with_clip_rect(front);
    let at = |x: f32, y: f32| pos2(rect.left() + x * unit, rect.top() + y * unit);
    clipped.circle_filled(at(219.0, 264.0), 42.0 * unit, green);
    clipped.circle_filled(at(219.0, 412.0), 82.0 * unit, green);
}
