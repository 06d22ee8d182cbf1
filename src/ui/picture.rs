//! A picture in its place: whole or cut to it, mirrored, turned, with round corners.

use super::tile_layout::{cover, fit};
use egui::epaint::{Mesh, RectShape, Vertex};
use egui::{Color32, CornerRadius, Painter, Pos2, Rect, Shape, TextureId, pos2, vec2};

/// By how many quarters a picture is turned to the right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// As it comes.
    #[default]
    None,
    /// A quarter.
    Quarter,
    /// On its head.
    Half,
    /// Three quarters.
    ThreeQuarters,
}

impl Turn {
    /// A quarter more.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::None => Self::Quarter,
            Self::Quarter => Self::Half,
            Self::Half => Self::ThreeQuarters,
            Self::ThreeQuarters => Self::None,
        }
    }

    /// Whether width and height change places.
    pub fn is_sideways(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }

    /// In degrees.
    pub fn degrees(self) -> u16 {
        match self {
            Self::None => 0,
            Self::Quarter => 90,
            Self::Half => 180,
            Self::ThreeQuarters => 270,
        }
    }

    /// Where in the picture that is which is shown here; both from 0 to 1.
    fn source(self, at: Pos2) -> Pos2 {
        match self {
            Self::None => at,
            Self::Quarter => pos2(at.y, 1.0 - at.x),
            Self::Half => pos2(1.0 - at.x, 1.0 - at.y),
            Self::ThreeQuarters => pos2(1.0 - at.y, at.x),
        }
    }
}

/// A picture that covers so much of its place in both directions is stretched to all of it: nobody sees that, but everybody sees thin bars. Pictures
/// that a slow network has made smaller are of a slightly different shape.
const NEARLY: f32 = 0.96;

/// How a picture is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pose {
    /// Left and right of the picture as it comes swapped.
    pub mirrored: bool,
    /// Turned, after that.
    pub turn: Turn,
    /// All of the place is covered, and what sticks out of it is cut off; else the whole picture is seen.
    pub fill: bool,
}

impl Pose {
    /// Width to height of a picture of `aspect` when it is shown like this.
    pub fn aspect(self, aspect: f32) -> f32 {
        if self.turn.is_sideways() { 1.0 / aspect } else { aspect }
    }

    /// Where in `outer` a picture of `aspect` is.
    pub fn place(self, outer: Rect, aspect: f32) -> Rect {
        let inner = fit(outer, self.aspect(aspect));
        let nearly = inner.width() > outer.width() * NEARLY && inner.height() > outer.height() * NEARLY;
        if self.fill || nearly { outer } else { inner }
    }

    /// Draws it into `outer`. Where it does not reach the edges there is black.
    pub fn paint(self, painter: &Painter, outer: Rect, texture: TextureId, aspect: f32, rounding: u8) {
        let inner = self.place(outer, aspect);
        let covers = inner.width() > outer.width() - 1.0 && inner.height() > outer.height() - 1.0;
        if !covers {
            painter.rect_filled(outer, CornerRadius::same(rounding), Color32::BLACK);
        }
        let seen = if self.fill { cover(outer, self.aspect(aspect)) } else { Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)) };
        // Corners that come near those of the place follow them.
        let bars = (outer.width() - inner.width()).max(outer.height() - inner.height()) / 2.0;
        let rounding = (f32::from(rounding) - bars).max(0.0);
        if self.turn.is_sideways() {
            painter.add(self.fan(inner, seen, texture, rounding));
        } else {
            let uv = Rect { min: self.source(seen.min), max: self.source(seen.max) };
            let corners = CornerRadius::same(rounding.round() as u8);
            let shape = RectShape::filled(inner, corners, Color32::WHITE).with_texture(texture, uv);
            painter.add(Shape::Rect(shape));
        }
    }

    /// What a place in the shown picture (0 to 1 each way) is in the picture as it comes.
    fn source(self, at: Pos2) -> Pos2 {
        let at = self.turn.source(at);
        if self.mirrored { pos2(1.0 - at.x, at.y) } else { at }
    }

    /// The same as a fan of triangles: rectangles with a texture cannot be turned sideways.
    fn fan(self, inner: Rect, seen: Rect, texture: TextureId, radius: f32) -> Mesh {
        /// Pieces of each corner.
        const PIECES: u32 = 6;
        let radius = radius.min(inner.width() / 2.0).min(inner.height() / 2.0);
        let vertex = |at: Pos2| {
            let share = (at - inner.min) / inner.size();
            let uv = self.source(seen.min + share * seen.size());
            Vertex { pos: at, uv, color: Color32::WHITE }
        };
        let mut mesh = Mesh::with_texture(texture);
        mesh.vertices.push(vertex(inner.center()));
        let core = inner.shrink(radius);
        let corners = [core.right_bottom(), core.left_bottom(), core.left_top(), core.right_top()];
        for (quarter, corner) in (0_u8..).zip(corners) {
            for piece in 0..=PIECES {
                let angle = (f32::from(quarter) + piece as f32 / PIECES as f32) * std::f32::consts::FRAC_PI_2;
                mesh.vertices.push(vertex(corner + radius * vec2(angle.cos(), angle.sin())));
            }
        }
        let around = 4 * (PIECES + 1);
        for edge in 0..around {
            mesh.add_triangle(0, 1 + edge, 1 + (edge + 1) % around);
        }
        mesh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_quarters_are_a_whole_turn() {
        let mut turn = Turn::None;
        let at = pos2(0.2, 0.7);
        let mut corner = pos2(0.0, 0.0);
        for degrees in [90, 180, 270, 0] {
            turn = turn.next();
            assert_eq!(turn.degrees(), degrees);
            // What was in the lower left corner a quarter ago is in the upper left one now.
            corner = pos2(corner.y, 1.0 - corner.x);
            assert_eq!(turn.source(Pos2::ZERO), corner);
        }
        assert_eq!(turn.source(at), at);
    }

    #[test]
    fn what_was_sent_mirrored_is_put_right_before_it_is_turned() {
        for turn in [Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters] {
            let (plain, put_right) = (Pose { turn, ..Pose::default() }, Pose { turn, mirrored: true, ..Pose::default() });
            for at in [pos2(0.2, 0.7), pos2(0.9, 0.1)] {
                let sent = put_right.source(at);
                // Where that was before the sender swapped left and right.
                assert!(pos2(1.0 - sent.x, sent.y).distance(plain.source(at)) < 1e-5, "{turn:?}");
            }
        }
    }

    #[test]
    fn a_picture_on_its_side_has_its_sides_swapped() {
        let pose = Pose { turn: Turn::Quarter, ..Pose::default() };
        assert_eq!(pose.aspect(2.0), 0.5);
        let outer = Rect::from_min_size(Pos2::ZERO, vec2(200.0, 200.0));
        assert_eq!(pose.place(outer, 2.0).size(), vec2(100.0, 200.0));
        assert_eq!(Pose { fill: true, ..pose }.place(outer, 2.0), outer);
        assert_eq!(Pose::default().place(outer, 1.03), outer, "no thin bars");
        assert_eq!(Pose::default().place(outer, 1.1).width(), 200.0);
        assert!(Pose::default().place(outer, 1.1).height() < 190.0);
    }

    #[test]
    fn a_fan_shows_the_picture_where_a_rectangle_would() {
        let inner = Rect::from_min_size(pos2(10.0, 20.0), vec2(90.0, 160.0));
        let seen = Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0));
        let mesh = Pose { turn: Turn::Quarter, ..Pose::default() }.fan(inner, seen, TextureId::default(), 12.0);
        assert!(mesh.is_valid() && mesh.vertices.iter().all(|v| inner.expand(0.1).contains(v.pos)));
        assert!(mesh.vertices.iter().all(|v| v.uv.x > -1e-4 && v.uv.x < 1.0001 && v.uv.y > -1e-4 && v.uv.y < 1.0001));
        // The right edge of what is seen is the upper edge of what comes.
        let right = mesh.vertices.iter().max_by(|a, b| a.pos.x.total_cmp(&b.pos.x)).unwrap();
        assert!(right.uv.y.abs() < 1e-4);
    }
}
