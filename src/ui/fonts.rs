//! Fonts: Inter for Latin, Greek and Cyrillic, Material Symbols for icons; Chinese (and all else) from the system, and where the
//! system has none, from a bundled simplified-Chinese subset and a bundled emoji font, so that text never turns into boxes.

use super::theme;
use crate::base::fonts::{CJK, EMOJI, INTER, INTER_STRONG};
use egui::epaint::text::{FallbackRequest, FontInsert, FontProvider};
use egui::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

/// Installs the fonts. `system` also asks the operating system for characters that Inter lacks (shapes follow `locale`);
/// tests leave it out, so that they see the same glyphs everywhere.
pub fn install(ctx: &egui::Context, locale: &str, system: bool) {
    let mut fonts = FontDefinitions::default();
    for (name, data) in [("Inter", INTER), ("Inter strong", INTER_STRONG)] {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(data)));
    }
    // What egui brings along stays behind Inter: emoji, and symbols.
    let rest = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    for (family, first) in [(FontFamily::Proportional, "Inter"), (FontFamily::Name(theme::STRONG.into()), "Inter strong")] {
        let chain = std::iter::once(first.to_owned()).chain(rest.iter().filter(|name| *name != "Ubuntu-Light").cloned());
        fonts.families.insert(family, chain.collect());
    }
    ctx.set_fonts(fonts);
    egui_material_icons::initialize(ctx);
    set_locale(ctx, locale, system);
}

/// Changes whose shapes of Chinese characters are preferred (they differ between Chinese and Japanese).
pub fn set_locale(ctx: &egui::Context, locale: &str, system: bool) {
    let mut providers: Vec<Arc<dyn FontProvider>> = Vec::new();
    if system {
        providers.push(Arc::new(egui_system_font_provider::SystemFontProvider::new().with_locale(Some(locale))));
    }
    providers.push(Arc::new(bundled));
    providers.push(Arc::new(emoji));
    ctx.set_font_providers(providers);
}

/// The last resort.
fn bundled(request: &FallbackRequest<'_>) -> Option<FontInsert> {
    let first = request.cluster.chars().next()?;
    covered(first).then(|| FontInsert::new("Droid Sans Fallback", FontData::from_static(CJK), Vec::new()))
}

/// Emoji that the system lacks.
fn emoji(request: &FallbackRequest<'_>) -> Option<FontInsert> {
    let first = request.cluster.chars().next()?;
    let known = matches!(first, '\u{203c}'..='\u{3299}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f000}'..='\u{1faff}');
    known.then(|| FontInsert::new("Noto Emoji", FontData::from_static(EMOJI), Vec::new()))
}

/// Whether the subset is worth asking: GB 2312 holds punctuation, kana, CJK ideographs and full-width forms.
fn covered(c: char) -> bool {
    matches!(c, '\u{2010}'..='\u{266f}' | '\u{3000}'..='\u{312f}' | '\u{3220}'..='\u{9fff}' | '\u{fe30}'..='\u{ffef}')
}
