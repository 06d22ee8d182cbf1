//! Initials in a coloured circle, for people without a picture.

use super::theme;
use crate::base::avatar::{colour, initials};
use egui::{Align2, Color32, Painter, Pos2};

/// Draws the avatar of `name`.
pub fn paint(painter: &Painter, center: Pos2, radius: f32, name: &str) {
    let [r, g, b] = colour(name);
    painter.circle_filled(center, radius, Color32::from_rgb(r, g, b));
    painter.text(center, Align2::CENTER_CENTER, initials(name), theme::strong(radius * 0.8), Color32::WHITE);
}
