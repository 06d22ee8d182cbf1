//! The invite as a picture that a phone's camera reads.

use super::home;
use super::view::{Action, Cx};
use crate::ui::button::{self, Button};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, icons};
use egui::epaint::{Mesh, Shape};
use egui::{Color32, Context, Rect, RichText, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use qrcode::{Color, EcLevel, QrCode};

/// White around the code, in its dots: without it nothing is recognised.
const QUIET: usize = 4;

/// Draws the dialog over the page.
pub fn show(ctx: &Context, cx: &mut Cx<'_>, room: &str, invite: &str) {
    let window = ctx.content_rect();
    let side = (window.height() - 190.0).min(window.width() - 80.0).clamp(120.0, 360.0);
    let modal = egui::Modal::new(egui::Id::unique("qr")).frame(card::dialog(ctx)).show(ctx, |ui| {
        ui.set_width(side.max(220.0));
        ui.horizontal(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                    cx.act(Action::First(home::Action::ShowQr(false)));
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    let title = cx.with("qr-title", &[("room", room.into())]);
                    ui.add(egui::Label::new(RichText::new(title).font(theme::strong(size::SUBTITLE))).truncate());
                });
            });
        });
        ui.vertical_centered(|ui| {
            if !code(ui, side, invite, &cx.with("qr-picture", &[("room", room.into())])) {
                ui.label(cx.t("qr-too-long"));
            }
            ui.add_space(space::S);
            if ui.add(Button::primary(&cx.t("call-copy-invite")).icon(icons::ICON_CONTENT_COPY)).clicked() {
                cx.act(Action::Copy { text: invite.to_owned(), said: cx.t("toast-invite-copied") });
            }
        });
    });
    if modal.should_close() {
        cx.act(Action::First(home::Action::ShowQr(false)));
    }
}

/// Draws the code; false if the text does not fit into one.
fn code(ui: &mut Ui, side: f32, text: &str, name: &str) -> bool {
    let Some((dots, dark)) = dots(text) else { return false };
    let (rect, response) = ui.allocate_exact_size(vec2(side, side), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, name));
    // Black on white in both themes: many readers know nothing else.
    ui.painter().rect_filled(rect, 8.0, Color32::WHITE);
    // Whole pixels, so that the edges are sharp.
    let pixel = ui.ctx().pixels_per_point();
    let dot = (side / (dots + 2 * QUIET) as f32 * pixel).floor().max(1.0) / pixel;
    let whole = dot * dots as f32;
    let corner = ((rect.center() - vec2(whole, whole) / 2.0) * pixel).round() / pixel;
    let mut mesh = Mesh::default();
    for (i, _) in dark.iter().enumerate().filter(|(_, dark)| **dark) {
        let at = pos2(corner.x + (i % dots) as f32 * dot, corner.y + (i / dots) as f32 * dot);
        mesh.add_colored_rect(Rect::from_min_size(at, vec2(dot, dot)), Color32::BLACK);
    }
    ui.painter().add(Shape::mesh(mesh));
    true
}

/// Dots along a side, and which of them are dark, row by row.
fn dots(text: &str) -> Option<(usize, Vec<bool>)> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
    Some((code.width(), code.into_colors().into_iter().map(|dot| dot == Color::Dark).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invite_fits_and_its_corners_are_where_readers_look_for_them() {
        let (side, dark) = dots(&format!("parlor://192.168.1.20:1935/k7wq2mnd#pin={}", "A".repeat(43))).unwrap();
        assert_eq!(dark.len(), side * side);
        // The eye in each of three corners: a dark ring of seven, a light one of five, a dark heart of three.
        let at = |x: usize, y: usize| dark[y * side + x];
        for (x, y) in [(0, 0), (side - 7, 0), (0, side - 7)] {
            let row: Vec<bool> = (0..7).map(|i| at(x + i, y + 3)).collect();
            assert_eq!(row, [true, false, true, true, true, false, true]);
        }
        assert!(dots(&"x".repeat(5000)).is_none());
    }
}
