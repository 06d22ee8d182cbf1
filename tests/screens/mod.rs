//! A window without a window system, for one screen.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use egui_kittest::Harness;
use parlor::app::errors::{Remedy, Sentence};
use parlor::app::i18n::{Lang, Texts};
use parlor::app::view::{Action, Cx};
use parlor::ui::{fonts, theme};
use std::time::Duration;

mod about;
mod app;
mod call;
mod chat;
mod devices;
mod diagnostics;
mod home;
mod live;
mod planes;
mod prejoin;
mod record;
mod sealed;
mod settings;
mod share;
mod stage;

/// A window of ordinary size.
pub const SIZE: (f32, f32) = (1180.0, 760.0);

/// A screen and what was clicked on it.
pub struct State<S> {
    pub screen: S,
    pub actions: Vec<Action>,
    pub now: Duration,
}

pub type Screen<'a, S> = Harness<'a, State<S>>;

pub fn texts(lang: Lang) -> Texts {
    Texts::new(lang)
}

/// Draws `screen` with `draw` in a window of `size`. Fonts are the bundled ones; a character that they lack fails the test.
pub fn screen<'a, S: 'a>(
    lang: Lang,
    size: (f32, f32),
    state: S,
    mut draw: impl FnMut(&mut egui::Ui, &mut Cx<'_>, &mut S) + 'a,
) -> Screen<'a, S> {
    let texts = Texts::new(lang);
    let light = std::env::var("PARLOR_TEST_THEME").is_ok_and(|t| t == "light");
    Harness::builder()
        .with_size(size)
        .with_max_steps(16)
        .with_theme(if light { egui::Theme::Light } else { egui::Theme::Dark })
        .with_context_setup(move |ctx| {
            theme::install(ctx);
            fonts::install(ctx, lang.tag(), false);
        })
        .build_ui_state(
            move |ui, state: &mut State<S>| {
                let mut cx = Cx { texts: &texts, actions: &mut state.actions, now: state.now };
                draw(ui, &mut cx, &mut state.screen);
            },
            State { screen: state, actions: Vec::new(), now: Duration::from_secs(1000) },
        )
}

/// Something went wrong, and this helps.
pub fn sentence(remedy: Remedy) -> Sentence {
    Sentence { text: "It went wrong.".into(), detail: Some("os error 111".into()), remedy }
}

/// Draws the window and, with PARLOR_TEST_PICTURES set to a folder, keeps the picture there for people to look at.
pub fn picture<S>(screen: &mut Screen<'_, S>, name: &str) -> image::RgbaImage {
    let picture = screen.render().expect("drawing needs a graphics driver (on Debian: mesa-vulkan-drivers)");
    if let Some(folder) = std::env::var_os("PARLOR_TEST_PICTURES") {
        picture.save(std::path::Path::new(&folder).join(format!("{name}.png"))).unwrap();
    }
    picture
}

/// Types `text` into the field called `label`, of one line or several.
pub fn type_into<S>(screen: &mut Screen<'_, S>, label: &str, text: &str) {
    use egui::accesskit::Role;
    use egui_kittest::kittest::Queryable;
    let one = screen.query_by_role_and_label(Role::TextInput, label).is_some();
    let role = if one { Role::TextInput } else { Role::MultilineTextInput };
    screen.get_by_role_and_label(role, label).focus();
    screen.run();
    screen.get_by_role_and_label(role, label).type_text(text);
    screen.run();
}
