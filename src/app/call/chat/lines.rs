//! How lines of chat look: bubbles with text that can be selected and links that can be opened, and notices between them.

use super::links::{Piece, pieces};
use crate::app::view::Cx;
use crate::call::snapshot::Line;
use crate::ui::theme::{self, radius, size, space};
use egui::{Align, Color32, CornerRadius, Frame, Hyperlink, Label, Layout, Margin, RichText, Ui};

/// A line in its bubble; lines of the same person that follow each other share one name.
pub(super) fn line(ui: &mut Ui, cx: &Cx<'_>, line: &Line, continued: bool) {
    let p = theme::palette(ui);
    let text = match &line.text {
        Some(text) => text.clone(),
        None => cx.t("chat-unreadable"),
    };
    let colour = if line.text.is_some() { p.text } else { p.text_weak };
    let (fill, side): (Color32, _) = if line.own { (p.accent_soft, Align::Max) } else { (p.sunken, Align::Min) };
    ui.with_layout(Layout::top_down(side), |ui| {
        if !continued {
            ui.add_space(space::XS);
            let name = if line.own { cx.t("chat-you") } else { line.name.clone() };
            ui.add(Label::new(RichText::new(name).size(size::SMALL).color(p.text_weak)).truncate());
        }
        let most = ui.available_width() * 0.86 - 24.0;
        let bubble =
            Frame::new().fill(fill).corner_radius(CornerRadius::same(radius::CONTROL + 4)).inner_margin(Margin::symmetric(12, 8));
        let pieces = pieces(&text);
        bubble.show(ui, |ui| {
            // A bubble is as wide as its text, up to most of the column.
            let text = ui.painter().layout(text.clone(), egui::FontId::proportional(size::BODY), colour, most);
            if pieces.iter().any(|piece| matches!(piece, Piece::Link(_))) {
                ui.set_width(text.size().x.min(most));
                with_links(ui, &pieces);
            } else {
                ui.add(Label::new(text).selectable(true));
            }
        });
    });
}

/// Words and links in rows.
fn with_links(ui: &mut Ui, pieces: &[Piece<'_>]) {
    // Rows as high as their text: not as a button, nor as all the room that there is below.
    (ui.spacing_mut().item_spacing, ui.spacing_mut().interact_size.y) = (egui::Vec2::ZERO, 0.0);
    ui.horizontal_wrapped(|ui| {
        for piece in pieces {
            match piece {
                Piece::Text(text) => _ = ui.add(Label::new(RichText::new(*text).size(size::BODY)).wrap().selectable(true)),
                Piece::Link(address) => {
                    let text = RichText::new(*address).size(size::BODY);
                    ui.add(Hyperlink::from_label_and_url(text, *address).open_in_new_tab(true)).on_hover_text(*address);
                }
            }
        }
    });
}

/// Something that happened, in the middle.
pub(super) fn notice(ui: &mut Ui, text: &str) {
    let p = theme::palette(ui);
    ui.add_space(space::XS);
    ui.vertical_centered(|ui| {
        ui.add(Label::new(RichText::new(text).size(size::SMALL).color(p.text_weak)).wrap().selectable(true));
    });
    ui.add_space(space::XS);
}
