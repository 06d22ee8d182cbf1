//! What this program is: its build, and whose work it is made of.

use super::SettingsPage;
use super::sections::hint;
use crate::app::diagnostics;
use crate::app::licences::{Licences, Part};
use crate::app::view::{Action as Any, Cx};
use crate::base::stamp;
use crate::media::library;
use crate::ui::button::{self, Button};
use crate::ui::field::Field;
use crate::ui::icons;
use crate::ui::theme::{self, radius, size, space};
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{CornerRadius, FontId, RichText, Role, ScrollArea, Sense, TextStyle, Ui, WidgetInfo, pos2, vec2};

/// Height of a row of the list of parts: two lines.
const ROW: f32 = 44.0;
/// Longest text that is searched.
const LONGEST: usize = 80;

/// The list of what the program is made of, while it is open.
#[derive(Debug)]
pub(super) struct List {
    all: Licences,
    search: String,
    /// Places of the parts in which the search is found.
    found: Vec<usize>,
    /// The part that is read.
    open: Option<Reading>,
}

/// A part, and its lines.
#[derive(Debug)]
struct Reading {
    part: usize,
    lines: Vec<String>,
}

impl List {
    /// Everything.
    fn new() -> Self {
        let all = Licences::read(crate::LICENCES);
        let found = all.find("");
        Self { all, search: String::new(), found, open: None }
    }
}

/// Draws the section; the list in its place while that is open.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, page: &mut SettingsPage) {
    ui.label(RichText::new("Parlor").font(theme::strong(size::TITLE)));
    let version = cx.with("about-version", &[("version", crate::version().into())]);
    ui.add(egui::Label::new(version).selectable(true));
    hint(ui, &cx.t("about-text"));
    egui::Grid::new("build").num_columns(2).min_row_height(0.0).spacing(vec2(space::L, space::XS)).show(ui, |ui| {
        let built = format!("{}, {}", stamp::TARGET, stamp::PROFILE);
        for (key, value) in [("about-commit", stamp::commit()), ("about-built", built), ("about-ffmpeg", library::ffmpeg())] {
            ui.label(RichText::new(cx.t(key)).size(size::SMALL).color(theme::palette(ui).text_weak));
            ui.add(egui::Label::new(RichText::new(value).size(size::SMALL)).wrap().selectable(true));
            ui.end_row();
        }
    });
    ui.horizontal_wrapped(|ui| {
        if ui.add(Button::new(&cx.t("about-licences")).icon(icons::ICON_BALANCE)).clicked() {
            page.licences = Some(List::new());
        }
        if ui.add(Button::new(&cx.t("about-copy")).icon(icons::ICON_CONTENT_COPY)).clicked() {
            cx.act(Any::Copy { text: format!("parlor {}", library::stamp()), said: cx.t("about-copied") });
        }
    });
    hint(ui, &cx.t("about-licences-hint"));
    ui.add_space(space::S);
    if ui.add(Button::new(&cx.t("diagnostics-open")).icon(icons::ICON_SAVE)).clicked() {
        cx.act(Any::Diagnostics(diagnostics::page::Action::Open));
    }
    hint(ui, &cx.t("about-diagnostics"));
}

/// Draws the open list, or the part that is read. Returns whether it stays open.
pub(super) fn licences(ui: &mut Ui, cx: &Cx<'_>, list: &mut List) -> bool {
    let mut stays = true;
    let title = match &list.open {
        Some(reading) => list.all.parts.get(reading.part).map_or("", |part| part.name).to_owned(),
        None => cx.t("licences-title"),
    };
    ui.horizontal(|ui| {
        if button::icon(ui, icons::ICON_ARROW_BACK, &cx.t("back")).clicked() {
            stays = list.open.take().is_some();
        }
        ui.add(egui::Label::new(RichText::new(title).font(theme::strong(size::SUBTITLE))).truncate());
    });
    match &list.open {
        Some(reading) => read(ui, list.all.parts.get(reading.part), reading),
        None => search(ui, cx, list),
    }
    stays
}

fn search(ui: &mut Ui, cx: &Cx<'_>, list: &mut List) {
    let label = cx.t("licences-search");
    if Field::new(&label).hint(&label).limit(LONGEST).show_bare(ui, &mut list.search).changed() {
        list.found = list.all.find(&list.search);
    }
    match list.found.len() {
        0 => hint(ui, &cx.with("licences-none", &[("search", list.search.as_str().into())])),
        found => hint(ui, &cx.with("licences-count", &[("found", found.into()), ("count", list.all.parts.len().into())])),
    }
    ui.spacing_mut().item_spacing.y = 2.0;
    let mut chosen = None;
    // Only the rows in sight are laid out.
    ScrollArea::vertical().id_salt("parts").auto_shrink(false).show_rows(ui, ROW, list.found.len(), |ui, rows| {
        for place in list.found.get(rows).into_iter().flatten() {
            let part = list.all.parts.get(*place);
            chosen = part
                .filter(|part| row(ui, part))
                .map(|part| Reading { part: *place, lines: list.all.lines(part) })
                .or(chosen.take());
        }
    });
    list.open = chosen;
}

/// A row of the list; returns whether it was clicked.
fn row(ui: &mut Ui, part: &Part) -> bool {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, ui.is_enabled(), format!("{}, {}", part.name, part.licence)));
    if response.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), p.hover);
    }
    let lines = [(part.name, size::BODY, p.text, 4.0), (part.licence, size::SMALL, p.text_weak, 24.0)];
    for (text, size, colour, y) in lines {
        let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(FontId::proportional(size), colour));
        job.wrap = TextWrapping::truncate_at_width(rect.width() - 2.0 * space::S);
        let galley = ui.painter().layout_job(job);
        ui.painter().galley(pos2(rect.left() + space::S, rect.top() + y), galley, colour);
    }
    // Inside: what is outside is cut off at the edge of the list.
    button::focus_ring(ui, &response, rect.shrink(4.0), f32::from(radius::CONTROL) - 4.0);
    response.clicked()
}

fn read(ui: &mut Ui, part: Option<&Part>, reading: &Reading) {
    hint(ui, part.map_or("", |part| part.licence));
    let p = theme::palette(ui);
    egui::Frame::new().fill(p.sunken).corner_radius(8.0).inner_margin(8.0).show(ui, |ui| {
        let row = ui.text_style_height(&TextStyle::Monospace);
        ui.spacing_mut().item_spacing.y = 2.0;
        ScrollArea::both().id_salt(("text", reading.part)).auto_shrink(false).show_rows(
            ui,
            row,
            reading.lines.len(),
            |ui, rows| {
                for line in reading.lines.get(rows).into_iter().flatten() {
                    ui.add(egui::Label::new(RichText::new(line).monospace()).extend().selectable(true));
                }
            },
        );
    });
}
