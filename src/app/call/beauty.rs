//! Smoother and lighter: two sliders in one's own menu, and what they cost.

use crate::app::view::{Action, Cx};
use crate::call::Me;
use crate::media::beauty::Beauty;
use crate::ui::theme::{self, size, space};
use egui::{RichText, Slider, Ui};

/// Draws the sliders, `width` wide.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, me: &Me, width: f32) {
    let mut beauty = me.beauty;
    ui.spacing_mut().slider_width = width - 2.0 * space::S;
    for (text, level) in [("beauty-smoothing", &mut beauty.smoothing), ("beauty-whitening", &mut beauty.whitening)]
        .map(|(key, level)| (cx.with(key, &[("level", usize::from(*level).into())]), level))
    {
        let label = ui.label(RichText::new(text).size(size::SMALL));
        ui.add(Slider::new(level, 0..=Beauty::MOST).show_value(false).trailing_fill(true)).labelled_by(label.id);
    }
    if let Some(cost) = me.beauty_cost {
        let cost = format!("{:.1}", cost.as_secs_f32() * 1000.0);
        let text = cx.with("beauty-cost", &[("value", (&cost).into())]);
        ui.label(RichText::new(text).size(size::SMALL).color(theme::palette(ui).text_weak));
    }
    if beauty != me.beauty {
        cx.act(Action::SetBeauty(beauty));
    }
}
