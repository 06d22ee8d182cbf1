//! The letters that come with the program.

/// Inter: Latin, Greek, Cyrillic.
pub static INTER: &[u8] = include_bytes!("../../assets/fonts/Inter-Regular.otf");
/// The same, semi-bold.
pub static INTER_STRONG: &[u8] = include_bytes!("../../assets/fonts/Inter-SemiBold.otf");
/// Simplified Chinese (GB 2312) and what goes with it.
pub static CJK: &[u8] = include_bytes!("../../assets/fonts/DroidSansFallback-GB2312.ttf");
/// Emoji, in one colour.
pub static EMOJI: &[u8] = include_bytes!("../../assets/fonts/NotoEmoji-Regular.ttf");
