//! A small picture with a name, to be chosen among others.

use super::button::{focus_ring, paint_icon};
use super::theme::{self, radius, size, space};
use super::{Video, icons, tile_layout};
use egui::{
    Color32, CornerRadius, FontId, Rect, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, epaint::RectShape,
    pos2, vec2,
};

/// Height of the name below its picture.
const NAME: f32 = 28.0;
/// A picture's shape: that of most screens.
const SHAPE: f32 = 16.0 / 10.0;

/// Draws it, so wide; `name` is what is below the picture and its accessible name, as a radio button.
pub fn show(ui: &mut Ui, width: f32, name: &str, picture: &Video, selected: bool) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(width, (width - 2.0 * space::XS) / SHAPE + NAME), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, ui.is_enabled(), selected, name));
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let line = match (selected, response.hovered()) {
        (true, _) => Stroke::new(2.0, p.accent),
        (false, true) => Stroke::new(1.5, p.text_weak),
        (false, false) => Stroke::new(1.0, p.line),
    };
    let fill = if selected { p.accent_soft } else { p.surface };
    ui.painter().rect(rect, CornerRadius::same(radius::CARD), fill, line, StrokeKind::Inside);
    let frame = Rect::from_min_max(rect.min + vec2(space::XS, space::XS), pos2(rect.right() - space::XS, rect.bottom() - NAME));
    ui.painter().rect_filled(frame, CornerRadius::same(radius::CONTROL), p.hover);
    match picture.texture().zip(picture.aspect()) {
        Some((texture, aspect)) => {
            let inner = tile_layout::fit(frame, aspect);
            let uv = Rect { min: pos2(0.0, 0.0), max: pos2(1.0, 1.0) };
            let shape = RectShape::filled(inner, CornerRadius::same(4), Color32::WHITE).with_texture(texture, uv);
            ui.painter().add(Shape::Rect(shape));
        }
        None => paint_icon(ui, frame, icons::ICON_DESKTOP_WINDOWS, 32.0, p.text_weak),
    }
    let mut job = egui::text::LayoutJob::simple_singleline(name.to_owned(), FontId::proportional(size::SMALL), p.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 2.0 * space::S);
    let galley = ui.painter().layout_job(job);
    let cut = galley.elided;
    let y = rect.bottom() - NAME / 2.0 - galley.size().y / 2.0;
    ui.painter().galley(pos2(rect.center().x - galley.size().x / 2.0, y), galley, p.text);
    focus_ring(ui, &response, rect, f32::from(radius::CARD));
    if cut { response.on_hover_text(name) } else { response }
}
