//! Figures drawn over a picture: groups of rows, each with a small graph of the last minute where there is one.
//!
//! What does not fit is left out: first the groups stand in columns, then rows with a code lose their words, then only what matters most is
//! shown, then less of that. Screen readers get all of it as one text.

use super::plot;
use super::theme::{self, space};
use egui::{Color32, CornerRadius, FontId, Galley, Id, Painter, Pos2, Rect, Ui, Vec2, pos2, vec2};
use std::sync::Arc;

/// Height of a row.
const LINE: f32 = 15.0;
/// Height of a graph.
const GRAPH: f32 = 26.0;
/// Least width of a group with a graph.
const GRAPH_WIDTH: f32 = 150.0;
/// Width of a row's code.
const CODE: f32 = 28.0;
/// Between name and value.
const GAP: f32 = 10.0;
/// How dark it is behind the figures: enough to read them on a white picture.
pub const GROUND_ALPHA: u8 = 205;
/// The name plate below stays free.
const PLATE: f32 = 30.0;

/// Figures that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// What they are about.
    pub title: String,
    /// The figures.
    pub rows: Vec<Row>,
    /// One of them over the last minute.
    pub graph: Option<Graph>,
}

/// A figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Three letters for it, the same in every language; empty: it has none.
    pub code: &'static str,
    /// What it is; understood without the group's title.
    pub name: String,
    /// How much.
    pub value: String,
    /// Shown when there is little room.
    pub essential: bool,
}

/// A figure over the last minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// What it shows, and from where to where it went, for those who do not see it.
    pub text: String,
    /// One point a second, oldest first; `None` where nothing is known.
    pub points: Vec<Option<f32>>,
    /// What a point is counted in.
    pub unit: String,
}

/// Draws `groups` in the upper right corner of `tile`, as much as fits beside a strip of `left` and below one of `top` points, which are taken.
/// `id` tells one tile's from another's.
pub fn paint(ui: &mut Ui, tile: Rect, groups: &[Group], taken: Vec2, id: Id) {
    let room = tile.size() - Vec2::splat(2.0 * (space::S + space::S)) - vec2(0.0, PLATE) - taken;
    let blocks = arrange(ui.painter(), groups, room).unwrap_or_default();
    let size = blocks.iter().fold(Vec2::ZERO, |size, (at, block)| size.max(*at + block.size));
    let outer = size + Vec2::splat(2.0 * space::S);
    let rect = Rect::from_min_size(pos2(tile.right() - space::S - outer.x, tile.top() + space::S + taken.y), outer);
    if !blocks.is_empty() {
        ui.painter().with_clip_rect(tile).rect_filled(rect, CornerRadius::same(8), Color32::from_black_alpha(GROUND_ALPHA));
    }
    let response = ui.interact(rect, id.with("figures"), egui::Sense::hover());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, spoken(groups)));
    for (number, (at, block)) in blocks.into_iter().enumerate() {
        block.paint(ui, tile, rect.min + Vec2::splat(space::S) + at, id.with(number));
    }
}

/// All figures as one text.
fn spoken(groups: &[Group]) -> String {
    let group = |group: &Group| {
        let rows = group.rows.iter().map(|row| format!("{}: {}", row.name, row.value));
        rows.chain(group.graph.iter().map(|graph| graph.text.clone())).collect::<Vec<_>>().join(", ")
    };
    groups.iter().map(group).collect::<Vec<_>>().join("; ")
}

/// Where everything stands inside `room`; `None` when not even a row fits.
fn arrange(painter: &Painter, groups: &[Group], room: Vec2) -> Option<Vec<(Vec2, Block)>> {
    for brief in [false, true] {
        let blocks: Vec<Block> = groups.iter().map(|group| Block::new(painter, group, brief)).collect();
        for columns in 1..=3 {
            if let Some(placed) = place(&blocks, columns, room) {
                return Some(placed);
            }
        }
    }
    let essential = Group {
        rows: groups.iter().flat_map(|group| &group.rows).filter(|row| row.essential).cloned().collect(),
        graph: groups.iter().find_map(|group| group.graph.clone()),
        ..Group::default()
    };
    let mut rows = essential.rows.len();
    // With the graph if there is room for it, then with fewer and fewer rows.
    std::iter::once(essential.clone())
        .chain(std::iter::from_fn(|| {
            let fewer = (rows > 0).then(|| Group { rows: essential.rows[..rows].to_vec(), graph: None, ..Group::default() });
            rows = rows.saturating_sub(1);
            fewer
        }))
        .map(|group| Block::new(painter, &group, true))
        .find(|block| block.size.x <= room.x && block.size.y <= room.y)
        .map(|block| vec![(Vec2::ZERO, block)])
}

/// The blocks one below the other in so many columns, if they fit.
fn place(blocks: &[Block], columns: usize, room: Vec2) -> Option<Vec<(Vec2, Block)>> {
    let all: f32 = blocks.iter().map(|block| block.size.y + space::S).sum();
    let mut placed = Vec::with_capacity(blocks.len());
    let (mut at, mut widest) = (Vec2::ZERO, 0.0_f32);
    for block in blocks {
        // A column ends when it has its share, as far as that leaves the others theirs.
        if at.y > 0.0 && at.y + block.size.y / 2.0 > all / columns as f32 {
            at = vec2(at.x + widest + 2.0 * space::S, 0.0);
            widest = 0.0;
        }
        placed.push((at, block.clone()));
        widest = widest.max(block.size.x);
        at.y += block.size.y + space::S;
    }
    // Values of a column end at one edge.
    let columns: Vec<(f32, f32)> = placed.iter().map(|(at, block)| (at.x, block.size.x)).collect();
    for (at, block) in &mut placed {
        let beside = columns.iter().filter(|(x, _)| *x == at.x);
        block.size.x = beside.map(|(_, width)| *width).fold(0.0, f32::max);
    }
    let fits = |(at, block): &(Vec2, Block)| at.x + block.size.x <= room.x && at.y + block.size.y <= room.y;
    placed.iter().all(fits).then_some(placed)
}

/// A group that has been laid out.
#[derive(Clone)]
struct Block {
    title: Option<Arc<Galley>>,
    rows: Vec<Line>,
    graph: Option<Graph>,
    size: Vec2,
}

/// A row: code, name, value.
#[derive(Clone)]
struct Line {
    code: Option<Arc<Galley>>,
    name: Option<Arc<Galley>>,
    value: Arc<Galley>,
}

impl Line {
    /// Width of what is before the value.
    fn head(&self) -> f32 {
        let name = self.name.as_ref().map_or(0.0, |name| name.size().x);
        if self.code.is_some() { CODE + name } else { name }
    }
}

impl Block {
    /// `brief`: what has a code needs no name.
    fn new(painter: &Painter, group: &Group, brief: bool) -> Self {
        let weak = Color32::from_white_alpha(190);
        let layout = |text: &str, font: FontId, colour| painter.layout_no_wrap(text.to_owned(), font, colour);
        let title =
            (!group.title.is_empty() && !brief).then(|| layout(&group.title, theme::strong(10.0), theme::DARK.accent_strong));
        let line = |row: &Row| Line {
            code: (!row.code.is_empty()).then(|| layout(row.code, theme::strong(10.0), theme::DARK.accent_strong)),
            name: (!brief || row.code.is_empty()).then(|| layout(&row.name, FontId::proportional(11.0), weak)),
            value: layout(&row.value, theme::strong(11.0), Color32::WHITE),
        };
        let rows: Vec<Line> = group.rows.iter().map(line).collect();
        let width =
            rows.iter().map(Line::head).fold(0.0, f32::max) + GAP + rows.iter().map(|row| row.value.size().x).fold(0.0, f32::max);
        let width = width.max(title.as_ref().map_or(0.0, |title| title.size().x));
        let graph = group.graph.clone();
        let (least, below) = if graph.is_some() { (GRAPH_WIDTH, GRAPH + space::XS) } else { (0.0, 0.0) };
        let size = vec2(width.max(least), (rows.len() + usize::from(title.is_some())) as f32 * LINE + below);
        Self { title, rows, graph, size }
    }

    fn paint(self, ui: &mut Ui, tile: Rect, at: Pos2, id: Id) {
        let painter = ui.painter().with_clip_rect(tile);
        let mut y = at.y;
        if let Some(title) = self.title {
            painter.galley(pos2(at.x, y), title, Color32::WHITE);
            y += LINE;
        }
        for Line { code, name, value } in self.rows {
            let indent = if code.is_some() { CODE } else { 0.0 };
            if let Some(code) = code {
                painter.galley(pos2(at.x, y + 1.0), code, Color32::WHITE);
            }
            if let Some(name) = name {
                painter.galley(pos2(at.x + indent, y), name, Color32::WHITE);
            }
            painter.galley(pos2(at.x + self.size.x - value.size().x, y), value, Color32::WHITE);
            y += LINE;
        }
        if let Some(graph) = self.graph {
            let area = Rect::from_min_size(pos2(at.x, y + space::XS), vec2(self.size.x, GRAPH));
            plot::small(ui, area, id, &graph);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(title: &str, rows: usize, graph: bool) -> Group {
        let row = |n: usize| Row { name: format!("{title} {n}"), value: "123 / 456 ms".into(), essential: n == 0, code: "" };
        let graph = graph.then(|| Graph {
            text: format!("{title} graph"),
            points: vec![Some(1.0), None, Some(2.0)],
            unit: String::new(),
        });
        Group { title: title.into(), rows: (0..rows).map(row).collect(), graph }
    }

    /// How many rows stand in how many columns of a tile of this size, and whether there is a graph.
    fn arranged(size: Vec2) -> Option<(usize, usize, bool)> {
        let groups = [group("Delay", 3, true), group("Network", 4, true), group("Picture", 5, false), group("Sound", 2, false)];
        let ctx = egui::Context::default();
        super::super::fonts::install(&ctx, "en", false);
        let mut result = None;
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            result = arrange(ui.painter(), &groups, size).map(|blocks| {
                let columns: std::collections::BTreeSet<i32> = blocks.iter().map(|(at, _)| at.x as i32).collect();
                assert!(blocks.iter().all(|(at, block)| (at.x + block.size.x <= size.x) && (at.y + block.size.y <= size.y)));
                let graph = blocks.iter().any(|(_, block)| block.graph.is_some());
                (blocks.iter().map(|(_, block)| block.rows.len()).sum(), columns.len(), graph)
            });
        });
        // Nobody draws it.
        output.textures_delta.clear();
        result
    }

    #[test]
    fn everything_is_shown_where_it_fits_and_what_matters_where_it_does_not() {
        assert_eq!(arranged(vec2(900.0, 600.0)), Some((14, 1, true)));
        assert_eq!(arranged(vec2(560.0, 220.0)), Some((14, 2, true)));
        assert_eq!(arranged(vec2(250.0, 110.0)), Some((4, 1, true)), "one of each group");
        assert_eq!(arranged(vec2(250.0, 62.0)), Some((4, 1, false)));
        assert_eq!(arranged(vec2(250.0, 40.0)), Some((2, 1, false)));
        assert_eq!((arranged(vec2(250.0, 10.0)), arranged(vec2(40.0, 600.0))), (None, None));
    }

    #[test]
    fn screen_readers_get_all_of_it() {
        let text = spoken(&[group("Delay", 2, true), group("Sound", 1, false)]);
        assert_eq!(text, "Delay 0: 123 / 456 ms, Delay 1: 123 / 456 ms, Delay graph; Sound 0: 123 / 456 ms");
    }
}
