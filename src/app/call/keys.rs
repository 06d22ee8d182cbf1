//! The keys of a call, and what they do: shown over the stage and among the settings.

use crate::app::view::Cx;
use crate::ui::theme::{self, radius, size, space};
use egui::{CornerRadius, Label, RichText, Sense, Ui, vec2};

/// Width of what a key looks like, and of the gap behind it.
const KEY: f32 = 120.0;
/// Height of a line.
const LINE: f32 = 25.0;

/// What a key is called.
enum Name {
    /// The same everywhere.
    Is(&'static str),
    /// As this text says.
    Said(&'static str),
}

/// Keys and clicks, and the text that says what each does.
const LIST: [(Name, &str); 14] = [
    (Name::Is("M"), "keys-mute"),
    (Name::Is("V"), "keys-video"),
    (Name::Said("keys-space"), "keys-talk"),
    (Name::Is("S"), "keys-share"),
    (Name::Is("C"), "keys-chat"),
    (Name::Is("R"), "keys-record"),
    (Name::Is("D"), "keys-devices"),
    (Name::Is("F"), "keys-full"),
    (Name::Is("Ctrl+Shift+S"), "keys-stats"),
    (Name::Is("Ctrl + / Ctrl −"), "keys-zoom"),
    (Name::Is("?"), "keys-help"),
    (Name::Is("Esc"), "keys-escape"),
    (Name::Said("keys-click"), "keys-click-text"),
    (Name::Said("keys-double"), "keys-double-text"),
];

/// Draws the list.
pub fn list(ui: &mut Ui, cx: &Cx<'_>) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        ui.spacing_mut().interact_size.y = LINE;
        for (key, text) in &LIST {
            let key = match key {
                Name::Is(key) => (*key).to_owned(),
                Name::Said(text) => cx.t(text),
            };
            line(ui, &key, &cx.t(text));
        }
    });
    ui.label(RichText::new(cx.t("keys-typing")).size(size::SMALL).color(theme::palette(ui).text_weak));
}

fn line(ui: &mut Ui, key: &str, text: &str) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        let galley = ui.painter().layout_no_wrap(key.to_owned(), theme::strong(size::SMALL), p.text);
        let (rect, response) = ui.allocate_exact_size(vec2(KEY, LINE), Sense::hover());
        let cap = egui::Rect::from_min_size(rect.min, vec2(galley.size().x + 16.0, LINE));
        let stroke = egui::Stroke::new(1.0, p.line);
        ui.painter().rect(cap, CornerRadius::same(radius::CONTROL - 2), p.sunken, stroke, egui::StrokeKind::Inside);
        ui.painter().galley(cap.center() - galley.size() / 2.0, galley, p.text);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, key));
        ui.add(Label::new(text).wrap());
    });
}
