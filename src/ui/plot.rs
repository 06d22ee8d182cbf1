//! Small plots of the last minute.

use super::overlay::Graph;
use super::theme;
use egui::{Color32, Id, Rect, Sense, Ui, UiBuilder, Vec2};
use egui_plot::{HLine, HoverPosition, Line, Plot, PlotPoints, Points};

/// How far above the highest point a plot goes.
const HEADROOM: f64 = 1.1;

/// Draws `graph` into `area`, over a picture: a line above a ground line that stands for zero, interrupted where nothing is known. The value
/// under the pointer is shown.
pub fn small(ui: &mut Ui, area: Rect, id: Id, graph: &Graph) {
    let mut inside = ui.new_child(UiBuilder::new().max_rect(area).id_salt(id));
    // Its labels are drawn over pictures, whatever the theme.
    inside.visuals_mut().override_text_color = Some(Color32::WHITE);
    let top = f64::from(graph.points.iter().flatten().copied().fold(1e-3, f32::max));
    let last = graph.points.len().saturating_sub(1).max(1) as f64;
    let unit = graph.unit.clone();
    let label = move |at: &HoverPosition<'_>| match at {
        HoverPosition::NearDataPoint { position, .. } => Some(format!("{:.0} {unit}", position.y)),
        HoverPosition::Elsewhere { .. } => None,
    };
    Plot::new(id)
        .width(area.width())
        .height(area.height())
        .show_axes(false)
        .show_grid(false)
        .show_background(false)
        .show_x(false)
        .show_y(false)
        .allow_zoom(false)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_boxed_zoom(false)
        .allow_double_click_reset(false)
        .set_margin_fraction(Vec2::ZERO)
        .sense(Sense::hover())
        .cursor_color(Color32::from_white_alpha(80))
        .label_formatter(label)
        .default_x_bounds(0.0, last)
        .default_y_bounds(0.0, top * HEADROOM)
        .auto_bounds(false)
        .reset()
        .show(&mut inside, |plot| {
            plot.hline(HLine::new("", 0.0).color(Color32::from_white_alpha(60)).width(1.0));
            for part in parts(&graph.points) {
                match part.as_slice() {
                    // A second alone would be no line.
                    [point] => {
                        plot.points(Points::new("", PlotPoints::from(*point)).radius(1.0).color(theme::DARK.accent_strong))
                    }
                    _ => plot.line(Line::new("", part).color(theme::DARK.accent_strong).width(1.5).fill(0.0).fill_alpha(0.15)),
                }
            }
        });
}

/// What is known, without the gaps: place and value of each point.
fn parts(points: &[Option<f32>]) -> Vec<Vec<[f64; 2]>> {
    let known: Vec<(usize, Option<f32>)> = points.iter().copied().enumerate().collect();
    let part = |part: &[(usize, Option<f32>)]| {
        part.iter().filter_map(|(index, value)| Some([*index as f64, f64::from((*value)?)])).collect::<Vec<_>>()
    };
    known.split(|(_, value)| value.is_none()).map(part).filter(|part| !part.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_interrupts_the_line() {
        let points = [None, Some(1.0), Some(2.0), None, None, Some(3.0)];
        assert_eq!(parts(&points), [vec![[1.0, 1.0], [2.0, 2.0]], vec![[5.0, 3.0]]]);
        assert!(parts(&[None, None]).is_empty() && parts(&[]).is_empty());
    }
}
