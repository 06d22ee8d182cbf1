//! Design tokens: the only place where colours, sizes and distances are written down.

use egui::{Color32, CornerRadius, FontFamily, FontId, Margin, Shadow, Stroke, Style, TextStyle, Theme, Ui, Visuals, vec2};

/// Distances, in points. Everything on screen is a multiple of [`XS`](space::XS).
pub mod space {
    /// Between an icon and its text.
    pub const XS: f32 = 4.0;
    /// Inside small things.
    pub const S: f32 = 8.0;
    /// Between neighbours.
    pub const M: f32 = 12.0;
    /// Inside cards.
    pub const L: f32 = 20.0;
    /// Between sections.
    pub const XL: f32 = 32.0;
}

/// Corner radii, in points.
pub mod radius {
    /// Buttons and fields.
    pub const CONTROL: u8 = 8;
    /// Cards and panels.
    pub const CARD: u8 = 14;
    /// Video tiles.
    pub const TILE: u8 = 12;
}

/// Text sizes, in points.
pub mod size {
    /// Hints and figures.
    pub const SMALL: f32 = 12.0;
    /// Everything else.
    pub const BODY: f32 = 14.0;
    /// Titles of cards.
    pub const SUBTITLE: f32 = 16.0;
    /// Titles of pages.
    pub const TITLE: f32 = 26.0;
    /// Icons in line with body text.
    pub const ICON: f32 = 20.0;
}

/// Height of buttons and fields.
pub const CONTROL_HEIGHT: f32 = 38.0;

/// Colours by role. One set for light, one for dark.
#[derive(Debug)]
pub struct Palette {
    /// Behind everything.
    pub ground: Color32,
    /// Cards, panels, fields.
    pub surface: Color32,
    /// Lists and quiet areas.
    pub sunken: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Hairlines.
    pub line: Color32,
    /// Text.
    pub text: Color32,
    /// Less important text (still 4.5:1 on its ground).
    pub text_weak: Color32,
    /// The one thing to do here.
    pub accent: Color32,
    /// The same, pressed or under the pointer.
    pub accent_strong: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// A tint of the accent for selected rows.
    pub accent_soft: Color32,
    /// Ending, failing, muted.
    pub danger: Color32,
    /// The same, pressed or under the pointer.
    pub danger_strong: Color32,
    /// A tint of it for notices.
    pub danger_soft: Color32,
    /// Worth knowing.
    pub warning: Color32,
    /// Behind video.
    pub stage: Color32,
    /// A tile without a picture.
    pub tile: Color32,
}

/// Colours of the light theme.
pub static LIGHT: Palette = Palette {
    ground: Color32::from_rgb(0xF5, 0xF6, 0xF5),
    surface: Color32::from_rgb(0xFF, 0xFF, 0xFF),
    sunken: Color32::from_rgb(0xEC, 0xEE, 0xED),
    hover: Color32::from_rgb(0xE3, 0xE7, 0xE5),
    line: Color32::from_rgb(0xDC, 0xE0, 0xDE),
    text: Color32::from_rgb(0x16, 0x1B, 0x1A),
    text_weak: Color32::from_rgb(0x56, 0x60, 0x5D),
    accent: Color32::from_rgb(0x0B, 0x73, 0x5E),
    accent_strong: Color32::from_rgb(0x08, 0x60, 0x4F),
    on_accent: Color32::WHITE,
    accent_soft: Color32::from_rgb(0xDC, 0xEF, 0xEA),
    danger: Color32::from_rgb(0xC9, 0x2A, 0x35),
    danger_strong: Color32::from_rgb(0xA8, 0x1F, 0x2A),
    danger_soft: Color32::from_rgb(0xFB, 0xE6, 0xE7),
    warning: Color32::from_rgb(0x95, 0x5F, 0x00),
    stage: Color32::from_rgb(0xE9, 0xEC, 0xEB),
    tile: Color32::from_rgb(0xD7, 0xDD, 0xDA),
};

/// Colours of the dark theme.
pub static DARK: Palette = Palette {
    ground: Color32::from_rgb(0x11, 0x14, 0x14),
    surface: Color32::from_rgb(0x1B, 0x1F, 0x1F),
    sunken: Color32::from_rgb(0x16, 0x1A, 0x1A),
    hover: Color32::from_rgb(0x2A, 0x31, 0x30),
    line: Color32::from_rgb(0x2C, 0x33, 0x32),
    text: Color32::from_rgb(0xEA, 0xEE, 0xED),
    text_weak: Color32::from_rgb(0x9C, 0xA8, 0xA5),
    accent: Color32::from_rgb(0x2F, 0xB3, 0x96),
    accent_strong: Color32::from_rgb(0x4C, 0xC9, 0xAE),
    on_accent: Color32::from_rgb(0x04, 0x1D, 0x18),
    accent_soft: Color32::from_rgb(0x16, 0x36, 0x30),
    danger: Color32::from_rgb(0xE5, 0x5A, 0x62),
    danger_strong: Color32::from_rgb(0xF0, 0x7A, 0x80),
    danger_soft: Color32::from_rgb(0x33, 0x17, 0x1A),
    warning: Color32::from_rgb(0xE3, 0xA9, 0x3A),
    stage: Color32::from_rgb(0x0B, 0x0D, 0x0D),
    tile: Color32::from_rgb(0x22, 0x28, 0x27),
};

/// The colours in force.
pub fn palette(ui: &Ui) -> &'static Palette {
    of(ui.visuals().dark_mode)
}

fn of(dark: bool) -> &'static Palette {
    if dark { &DARK } else { &LIGHT }
}

/// Name of the font family for titles and buttons.
pub const STRONG: &str = "strong";

/// Semi-bold text of `size` points.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(STRONG.into()))
}

/// Installs both themes.
pub fn install(ctx: &egui::Context) {
    ctx.set_style_of(Theme::Light, style(false));
    ctx.set_style_of(Theme::Dark, style(true));
}

fn style(dark: bool) -> Style {
    let p = of(dark);
    let mut style = Style { visuals: if dark { Visuals::dark() } else { Visuals::light() }, ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(size::SMALL)),
        (TextStyle::Body, FontId::proportional(size::BODY)),
        (TextStyle::Button, strong(size::BODY)),
        (TextStyle::Heading, strong(size::TITLE)),
        (TextStyle::Monospace, FontId::monospace(size::SMALL)),
    ]
    .into();

    let s = &mut style.spacing;
    s.item_spacing = vec2(space::S, space::S);
    s.button_padding = vec2(space::M, space::S);
    s.interact_size = vec2(CONTROL_HEIGHT, CONTROL_HEIGHT);
    s.icon_width = 20.0;
    s.icon_width_inner = 12.0;
    s.combo_height = 320.0;
    s.menu_margin = Margin::same(6);
    s.tooltip_width = 320.0;
    style.interaction.tooltip_delay = 0.35;
    style.interaction.selectable_labels = false;

    let v = &mut style.visuals;
    v.panel_fill = p.ground;
    v.window_fill = p.surface;
    v.window_stroke = Stroke::new(1.0, p.line);
    v.window_corner_radius = CornerRadius::same(radius::CARD);
    v.menu_corner_radius = CornerRadius::same(radius::CONTROL + 2);
    v.window_shadow =
        Shadow { offset: [0, 8], blur: 32, spread: 0, color: Color32::from_black_alpha(if dark { 120 } else { 40 }) };
    v.popup_shadow =
        Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(if dark { 110 } else { 36 }) };
    v.extreme_bg_color = p.surface;
    v.text_edit_bg_color = Some(p.surface);
    v.faint_bg_color = p.sunken;
    v.code_bg_color = p.sunken;
    v.hyperlink_color = p.accent;
    v.warn_fg_color = p.warning;
    v.error_fg_color = p.danger;
    v.weak_text_color = Some(p.text_weak);
    v.selection.bg_fill = p.accent_soft;
    v.selection.stroke = Stroke::new(1.5, p.accent);
    v.striped = false;

    let w = &mut v.widgets;
    let radius = CornerRadius::same(radius::CONTROL);
    for (visuals, fill, line, text) in [
        (&mut w.noninteractive, p.surface, p.line, p.text),
        (&mut w.inactive, p.surface, p.line, p.text),
        (&mut w.hovered, p.hover, p.line, p.text),
        (&mut w.active, p.hover, p.accent, p.text),
        (&mut w.open, p.surface, p.accent, p.text),
    ] {
        visuals.bg_fill = fill;
        visuals.weak_bg_fill = fill;
        visuals.bg_stroke = Stroke::new(1.0, line);
        visuals.fg_stroke = Stroke::new(1.0, text);
        visuals.corner_radius = radius;
        visuals.expansion = 0.0;
    }
    style
}

#[cfg(test)]
mod tests {
    use super::super::{overlay, tile};
    use super::*;

    /// Relative luminance of WCAG 2.
    fn luminance(c: Color32) -> f32 {
        let lin = |v: u8| {
            let v = f32::from(v) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * lin(c.r()) + 0.7152 * lin(c.g()) + 0.0722 * lin(c.b())
    }

    fn contrast(a: Color32, b: Color32) -> f32 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn what_is_written_over_pictures_can_be_read_even_on_white() {
        let over = |alpha: u8| {
            let rest = 255 - alpha;
            Color32::from_rgb(rest, rest, rest)
        };
        for (what, front, alpha) in [
            ("figures", Color32::WHITE, overlay::GROUND_ALPHA),
            ("codes of figures", DARK.accent_strong, overlay::GROUND_ALPHA),
            ("a name", Color32::WHITE, tile::PLATE_ALPHA),
            ("the sign of a muted microphone", tile::MUTED, tile::PLATE_ALPHA),
        ] {
            let c = contrast(front, over(alpha));
            assert!(c >= 4.5, "{what}: a contrast of only {c:.2}");
        }
    }

    #[test]
    fn text_can_be_read_on_every_ground_it_is_drawn_on() {
        for (name, p) in [("light", &LIGHT), ("dark", &DARK)] {
            for (what, front, back) in [
                ("text on ground", p.text, p.ground),
                ("text on surface", p.text, p.surface),
                ("text on hover", p.text, p.hover),
                ("text on tile", p.text, p.tile),
                ("weak on ground", p.text_weak, p.ground),
                ("weak on surface", p.text_weak, p.surface),
                ("weak on sunken", p.text_weak, p.sunken),
                ("accent button", p.on_accent, p.accent),
                ("accent button, hovered", p.on_accent, p.accent_strong),
                ("accent text", p.accent, p.surface),
                ("danger text", p.danger, p.surface),
                ("danger notice", p.danger, p.danger_soft),
                ("danger on ground", p.danger, p.ground),
                ("danger button", p.surface, p.danger),
                ("danger button, hovered", p.surface, p.danger_strong),
                ("accent on its tint", p.accent, p.accent_soft),
                ("text on sunken", p.text, p.sunken),
                ("text on the accent's tint", p.text, p.accent_soft),
                ("text on danger's tint", p.text, p.danger_soft),
                ("text on stage", p.text, p.stage),
                ("weak on stage", p.text_weak, p.stage),
                ("weak on tile", p.text_weak, p.tile),
                ("weak on hover", p.text_weak, p.hover),
                ("warning text", p.warning, p.surface),
            ] {
                let c = contrast(front, back);
                assert!(c >= 4.5, "{name}: {what} has a contrast of only {c:.2}");
            }
        }
    }
}
