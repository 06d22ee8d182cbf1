//! The design language: colours, type, spacing, and the widgets every screen is made of.
//!
//! This module knows egui and [`base`](crate::base), nothing else of ours: texts, pictures and figures come in as plain data,
//! clicks go out as responses. Every interactive widget carries an accessible name.

pub mod arrangement;
pub mod avatar;
pub mod button;
pub mod card;
pub mod field;
pub mod fonts;
pub mod logo;
pub mod menu;
pub mod meter;
pub mod overlay;
pub mod picture;
pub mod picture_card;
pub mod planes;
pub mod plot;
pub mod theme;
pub mod tile;
pub mod tile_layout;
pub mod toast;
pub mod video;

pub use egui_material_icons::{MaterialIcon, icons};
pub use video::Video;
