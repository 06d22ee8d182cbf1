//! The mark on the tile of whoever records.

use crate::ui::theme::{self, radius, space};
use crate::ui::{MaterialIcon, icons};
use egui::{Align2, Color32, CornerRadius, FontId, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Size of the mark.
const SIZE: egui::Vec2 = vec2(56.0, 22.0);
/// Smaller tiles show only the dot.
const ROOM: f32 = 180.0;

/// Draws the mark into the lower right corner of a tile; `text` is what it means, for screen readers and on hovering.
pub fn mark(ui: &mut Ui, tile: Rect, text: &str) {
    let wide = tile.width() >= ROOM;
    let wanted = if wide { SIZE } else { vec2(SIZE.y, SIZE.y) };
    let place = Rect::from_min_size(pos2(tile.right() - space::S - wanted.x, tile.bottom() - space::S - wanted.y - 2.0), wanted);
    let id = ui.scope_id().with(("recording mark", tile.min.x as i32, tile.min.y as i32));
    let response = ui.interact(place, id, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, text));
    let painter = ui.painter();
    painter.rect_filled(place, CornerRadius::same(radius::CARD), Color32::from_black_alpha(150));
    let icon: MaterialIcon = icons::ICON_FIBER_MANUAL_RECORD;
    let dot = pos2(place.left() + SIZE.y / 2.0, place.center().y);
    painter.text(dot, Align2::CENTER_CENTER, icon.codepoint, FontId::new(16.0, icon.font_family()), theme::DARK.danger);
    if wide {
        let at = pos2(place.left() + SIZE.y, place.center().y);
        painter.text(at, Align2::LEFT_CENTER, "REC", theme::strong(11.5), Color32::WHITE);
    }
    response.on_hover_text(text);
}
