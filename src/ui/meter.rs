//! Level meter: how loud it is.

use super::theme;
use egui::{CornerRadius, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};

/// Quietest level that shows, in decibels below full scale.
const FLOOR_DB: f32 = -54.0;

/// Shows `rms` (full scale is 1) as a row of segments.
pub fn level(ui: &mut Ui, rms: f32, name: &str) -> Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 8.0), Sense::hover());
    let share = share(rms);
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, name);
        info.value = Some(f64::from(share * 100.0).round());
        info
    });
    const SEGMENTS: usize = 24;
    let width = (rect.width() - (SEGMENTS as f32 - 1.0) * 3.0) / SEGMENTS as f32;
    for i in 0..SEGMENTS {
        let lit = share * SEGMENTS as f32 > i as f32 + 0.25;
        let colour = match (lit, i) {
            (false, _) => p.hover,
            (true, 22..) => p.danger,
            (true, 18..) => p.warning,
            (true, _) => p.accent,
        };
        let left = rect.left() + i as f32 * (width + 3.0);
        let segment = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        ui.painter().rect_filled(segment, CornerRadius::same(2), colour);
    }
    response
}

/// How much of the meter is lit, from 0 to 1: decibels, as ears hear.
pub fn share(rms: f32) -> f32 {
    let db = 20.0 * rms.max(1e-9).log10();
    (1.0 - db / FLOOR_DB).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_scale_is_in_decibels() {
        assert_eq!(super::share(0.0), 0.0);
        assert_eq!(super::share(1.0), 1.0);
        assert_eq!(super::share(f32::NAN), super::share(0.0));
        assert!((super::share(0.0447) - 0.5).abs() < 0.01, "-27 dB is half way");
    }
}
