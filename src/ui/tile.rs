//! One person on the stage: picture or avatar, name plate, what is switched off.

use super::picture::Pose;
use super::theme::{self, radius, size, space};
use super::{MaterialIcon, Video, avatar, icons};
use egui::{
    Align2, Color32, CornerRadius, FontId, Id, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};

/// How dark it is behind a name: enough to read it on a white picture.
pub const PLATE_ALPHA: u8 = 175;
/// How high it is.
const PLATE: f32 = 26.0;
/// The crossed-out microphone.
pub const MUTED: Color32 = Color32::from_rgb(0xFF, 0xB4, 0xB8);

/// What to draw.
#[derive(Debug)]
pub struct Tile<'a> {
    /// Who, on the name plate.
    pub name: &'a str,
    /// Whose initials the avatar shows.
    pub initials_of: &'a str,
    /// What screen readers say: name and state.
    pub description: &'a str,
    /// Their picture; `None` draws the avatar.
    pub video: Option<&'a Video>,
    /// How it is shown.
    pub pose: Pose,
    /// Can be clicked, and is pinned or not; `None`: it is only looked at.
    pub pinned: Option<bool>,
    /// Draws these marks beside the name, each with its colour.
    pub marks: &'a [(MaterialIcon, Color32)],
    /// Draws the crossed-out microphone.
    pub muted: bool,
    /// Draws the border of someone who speaks.
    pub speaking: bool,
    /// A line in the middle, for instance that there is no connection.
    pub message: Option<&'a str>,
    /// What is wrong with the stream: draws a sign, and says so on hovering.
    pub trouble: Option<&'a str>,
}

impl Tile<'_> {
    /// Draws it into `rect`. `id` tells it from the others.
    pub fn show(&self, ui: &mut Ui, rect: Rect, id: Id) -> Response {
        let p = theme::palette(ui);
        let rounding = CornerRadius::same(radius::TILE);
        let sense = if self.pinned.is_some() { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, id, sense);
        let described = match self.trouble {
            Some(trouble) => format!("{}. {trouble}", self.description),
            None => self.description.to_owned(),
        };
        response.widget_info(|| match self.pinned {
            Some(pinned) => WidgetInfo::selected(Role::Button, true, pinned, &described),
            None => WidgetInfo::labeled(Role::Image, true, &described),
        });
        let painter = ui.painter().with_clip_rect(rect.expand(3.0).intersect(ui.clip_rect()));
        match self.video.and_then(|v| Some((v.texture()?, v.aspect()?))) {
            Some((texture, aspect)) => self.pose.paint(&painter, rect, texture, aspect, radius::TILE),
            None => {
                painter.rect_filled(rect, rounding, p.tile);
                let r = (rect.height() * 0.2).clamp(12.0, 64.0);
                avatar::paint(&painter, rect.center(), r, self.initials_of);
            }
        }
        let cut = self.message.filter(|message| self.message(&painter, rect, message, p));
        self.plate(&painter, rect);
        if self.speaking {
            painter.rect_stroke(rect, rounding, Stroke::new(2.5, p.accent), StrokeKind::Inside);
        }
        super::button::focus_ring_inside(ui, &response, rect, f32::from(radius::TILE));
        match self.trouble {
            Some(trouble) => {
                let center = pos2(rect.right() - space::S - 13.0, rect.top() + space::S + 13.0);
                poor_connection(&painter, center);
                response.on_hover_text(trouble)
            }
            None => match cut {
                Some(message) => response.on_hover_text(message),
                None => response,
            },
        }
    }

    /// A line over the darkened picture, or below the avatar if it fits there. Returns whether it had to be cut.
    fn message(&self, painter: &egui::Painter, rect: Rect, message: &str, p: &theme::Palette) -> bool {
        let lay = |points: f32, rows: usize| {
            let width = (rect.width() - 2.0 * space::M).max(1.0);
            let mut job = egui::text::LayoutJob::simple(message.to_owned(), theme::strong(points), Color32::PLACEHOLDER, width);
            job.wrap.max_rows = rows;
            job.halign = egui::Align::Center;
            painter.layout_job(job)
        };
        let galley = lay(size::BODY, usize::MAX);
        if self.video.is_none() && galley.size().y <= rect.height() * 0.15 {
            let top = pos2(rect.center().x, rect.top() + rect.height() * 0.8 - galley.size().y / 2.0);
            painter.galley(top, galley, p.text_weak);
            return false;
        }
        painter.rect_filled(rect, CornerRadius::same(radius::TILE), Color32::from_black_alpha(PLATE_ALPHA));
        // Above the name.
        let room = rect.height() - PLATE - 2.0 * space::S;
        let galley = match galley.size().y <= room {
            true => galley,
            false => lay(size::SMALL, (room / (size::SMALL * 1.3)).max(1.0) as usize),
        };
        let middle = rect.center().y.min(rect.top() + space::S + room - galley.size().y / 2.0);
        let cut = galley.elided;
        painter.galley(pos2(rect.center().x, middle - galley.size().y / 2.0), galley, Color32::WHITE);
        cut
    }

    /// Name, crossed-out microphone and marks, lower left.
    fn plate(&self, painter: &egui::Painter, tile: Rect) {
        const ICON: f32 = 20.0;
        let muted = self.muted.then_some((icons::ICON_MIC_OFF, MUTED));
        let pin = (self.pinned == Some(true)).then_some((icons::ICON_KEEP, Color32::WHITE));
        let signs: Vec<(MaterialIcon, Color32)> = muted.into_iter().chain(pin).chain(self.marks.iter().copied()).collect();
        let icons_width = ICON * signs.len() as f32;
        let room = tile.width() - 2.0 * space::S - 2.0 * 9.0 - icons_width;
        if room < 0.0 || tile.height() < 44.0 {
            return;
        }
        // In a tile too small for a name the signs still matter.
        let galley = (room >= 16.0).then(|| {
            let mut job = egui::text::LayoutJob::simple_singleline(self.name.to_owned(), theme::strong(12.5), Color32::WHITE);
            job.wrap = egui::text::TextWrapping::truncate_at_width(room);
            painter.layout_job(job)
        });
        let text = galley.as_ref().map_or(0.0, |galley| galley.size().x);
        if text + icons_width == 0.0 {
            return;
        }
        let wanted = vec2(text + icons_width + 18.0, PLATE);
        let plate = Rect::from_min_size(pos2(tile.left() + space::S, tile.bottom() - space::S - wanted.y), wanted);
        painter.rect_filled(plate, CornerRadius::same(13), Color32::from_black_alpha(PLATE_ALPHA));
        let mut x = plate.left() + 9.0;
        for (icon, colour) in signs {
            let font = FontId::new(16.0, icon.font_family());
            painter.text(pos2(x, plate.center().y), Align2::LEFT_CENTER, icon.codepoint, font, colour);
            x += ICON;
        }
        if let Some(galley) = galley {
            painter.galley(pos2(x, plate.center().y - galley.size().y / 2.0), galley, Color32::WHITE);
        }
    }
}

/// One bar of three. Drawn, because the icon font's sign for it is that one bar alone, a dot on a picture.
fn poor_connection(painter: &egui::Painter, center: egui::Pos2) {
    painter.circle_filled(center, 13.0, Color32::from_black_alpha(170));
    for (bar, alpha) in [(0_u8, 255), (1, 90), (2, 90)] {
        let (left, height) = (center.x - 7.0 + 5.0 * f32::from(bar), 5.0 + 4.0 * f32::from(bar));
        let rect = Rect::from_min_size(pos2(left, center.y + 6.0 - height), vec2(4.0, height));
        painter.rect_filled(rect, CornerRadius::same(1), Color32::from_rgba_unmultiplied(0xFF, 0xC8, 0x57, alpha));
    }
}
