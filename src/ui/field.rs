//! Text fields and choices with their labels.

use super::theme::{self, size, space};
use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{
    ComboBox, FontId, Id, Rect, Response, RichText, Role, Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2, WidgetInfo, pos2, vec2,
};

/// Side of a box with a tick.
const BOX: f32 = 20.0;

/// Height of an open list, at most: longer ones scroll.
const LIST: f32 = 340.0;

/// A text field with its label above; `error` is drawn below.
#[derive(Debug)]
#[must_use = "show it"]
pub struct Field<'a> {
    label: &'a str,
    hint: &'a str,
    error: Option<&'a str>,
    password: bool,
    width: f32,
    limit: usize,
}

impl<'a> Field<'a> {
    /// A field called `label`.
    pub fn new(label: &'a str) -> Self {
        Self { label, hint: "", error: None, password: false, width: f32::INFINITY, limit: 256 }
    }

    /// Grey text while it is empty.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = hint;
        self
    }

    /// What is wrong with its content.
    pub fn error(mut self, error: Option<&'a str>) -> Self {
        self.error = error;
        self
    }

    /// Hides its content.
    pub fn password(mut self) -> Self {
        self.password = true;
        self
    }

    /// How wide it is.
    pub fn width(mut self, width: f32) -> Self {
        self.width = width;
        self
    }

    /// Most characters it takes.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Shows label, field and error.
    pub fn show(self, ui: &mut Ui, text: &mut String) -> Response {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            let label = caption(ui, self.label);
            let response = self.bare(ui, text).labelled_by(label.id);
            if let Some(error) = self.error {
                let colour = theme::palette(ui).danger;
                ui.label(RichText::new(error).size(size::SMALL).color(colour));
            }
            response
        })
        .inner
    }

    /// Shows the field alone; the label is its accessible name.
    pub fn show_bare(self, ui: &mut Ui, text: &mut String) -> Response {
        let name = self.label.to_owned();
        self.bare(ui, text).accessible_name(name)
    }

    fn bare(&self, ui: &mut Ui, text: &mut String) -> Response {
        ui.add(
            TextEdit::singleline(text)
                .hint_text(self.hint)
                .password(self.password)
                .char_limit(self.limit)
                .desired_width(self.width.min(ui.available_width()))
                .margin(egui::Margin::symmetric(12, 9))
                .min_size(vec2(0.0, theme::CONTROL_HEIGHT))
                .align(egui::Align2::LEFT_CENTER),
        )
    }
}

/// Selects all of the text of the field with this `id`, so that typing replaces it.
pub fn select_all(ui: &Ui, id: Id, text: &str) {
    let mut state = TextEditState::load(ui.ctx(), id).unwrap_or_default();
    state.cursor.set_char_range(Some(CCursorRange::two(CCursor::new(0), CCursor::new(text.chars().count()))));
    state.store(ui.ctx(), id);
}

/// A box with a tick, and its text; returns whether it was clicked.
pub fn check(ui: &mut Ui, on: &mut bool, text: &str) -> bool {
    let p = theme::palette(ui);
    let room = ui.available_width() - BOX - space::S;
    let galley = ui.painter().layout(text.to_owned(), FontId::proportional(size::BODY), p.text, room);
    let wanted = vec2(BOX + space::S + galley.size().x, galley.size().y.max(BOX) + space::S);
    let (rect, mut response) = ui.allocate_exact_size(wanted, Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), *on, text));
    let tick = Rect::from_center_size(pos2(rect.left() + BOX / 2.0, rect.center().y), Vec2::splat(BOX));
    let line = if response.hovered() { p.accent } else { p.text_weak };
    let (fill, stroke) = if *on { (p.accent, Stroke::NONE) } else { (p.surface, Stroke::new(1.5, line)) };
    ui.painter().rect(tick, 5.0, fill, stroke, StrokeKind::Inside);
    if *on {
        super::button::paint_icon(ui, tick, super::icons::ICON_CHECK, 16.0, p.on_accent);
    }
    ui.painter().galley(pos2(tick.right() + space::S, rect.center().y - galley.size().y / 2.0), galley, p.text);
    super::button::focus_ring(ui, &response, tick, 5.0);
    response.clicked()
}

/// The label above a field or a group.
pub fn caption(ui: &mut Ui, text: &str) -> Response {
    let colour = theme::palette(ui).text_weak;
    ui.label(RichText::new(text).size(size::SMALL).color(colour))
}

/// A drop-down with its label above. `options` are what to store and what to show; returns whether the choice changed.
pub fn choice(ui: &mut Ui, label: &str, chosen: &mut String, options: &[(String, String)]) -> bool {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        let caption = caption(ui, label);
        let shown = options.iter().find(|(id, _)| id == chosen).map_or(chosen.as_str(), |(_, name)| name).to_owned();
        let before = chosen.clone();
        let width = ui.available_width();
        ui.scope(|ui| {
            ui.style_mut().text_styles.insert(egui::TextStyle::Button, egui::FontId::proportional(size::BODY));
            ComboBox::from_id_salt(label)
                .width(width)
                .height(LIST)
                .truncate()
                .selected_text(shown)
                .show_ui(ui, |ui| {
                    for (id, name) in options {
                        ui.selectable_value(chosen, id.clone(), name);
                    }
                })
                .response
                .labelled_by(caption.id);
        });
        *chosen != before
    })
    .inner
}
