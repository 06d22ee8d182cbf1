//! The program a person sees: home, sidebar, stage, chat, controls, settings, languages, and the server inside it.

pub mod i18n;
pub mod settings;
