//! Figures drawn over a picture.

use super::theme;
use egui::{Color32, CornerRadius, FontId, Rect, Ui, pos2, vec2};

/// Draws rows of a name and a value in the upper right corner of `tile`, as many as fit. Screen readers get them as one text.
pub fn paint(ui: &mut Ui, tile: Rect, rows: &[(String, String)]) {
    const LINE: f32 = 15.0;
    const PAD: f32 = 8.0;
    const GAP: f32 = 10.0;
    let front = Color32::WHITE;
    let layout = |text: &str, weak: bool| {
        let colour = if weak { Color32::from_white_alpha(170) } else { front };
        let font = if weak { FontId::proportional(11.0) } else { theme::strong(11.0) };
        ui.painter().layout_no_wrap(text.to_owned(), font, colour)
    };
    let laid: Vec<_> = rows.iter().map(|(name, value)| (layout(name, true), layout(value, false))).collect();
    let widest = |n: usize| laid.iter().map(|row| [&row.0, &row.1][n].size().x).fold(0.0, f32::max);
    let (names, values) = (widest(0), widest(1));
    let margin = 8.0;
    // The name plate below stays free.
    let plate = 30.0;
    let fitting = (((tile.height() - plate - 2.0 * (margin + PAD)) / LINE).floor().max(0.0) as usize).min(laid.len());
    let size = vec2(names + GAP + values + 2.0 * PAD, fitting as f32 * LINE + 2.0 * PAD);
    if fitting == 0 || size.x > tile.width() {
        return;
    }
    let rect = Rect::from_min_size(pos2(tile.right() - margin - size.x, tile.top() + margin), size);
    let painter = ui.painter().with_clip_rect(tile);
    painter.rect_filled(rect, CornerRadius::same(8), Color32::from_black_alpha(178));
    for (i, (name, value)) in laid.into_iter().take(fitting).enumerate() {
        let y = rect.top() + PAD + i as f32 * LINE;
        let right = rect.right() - PAD - value.size().x;
        painter.galley(pos2(rect.left() + PAD, y), name, front);
        painter.galley(pos2(right, y), value, front);
    }
    let text = rows.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join(", ");
    let response = ui.interact(rect, ui.scope_id().with(("figures", rect.min.x as i32, rect.min.y as i32)), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, &text));
}
