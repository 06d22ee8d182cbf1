//! The sections of the settings page. Each draws a copy of the settings and changes it.

use super::{Action, Section, SettingsPage, SettingsView, about, network};
use crate::app::call::tile_menu::noise_name;
use crate::app::call::{dialogs, keys};
use crate::app::devices;
use crate::app::errors;
use crate::app::i18n::Lang;
use crate::app::prejoin::{SMOOTHNESS, key as smoothness_key, noise_word, word as smoothness_word};
use crate::app::settings::{Preset, RATES, Settings, Theme};
use crate::app::view::{Action as Any, Cx};
use crate::media::audio::chain::Noise;
use crate::proto::name;
use crate::ui::button::{self, Button};
use crate::ui::field::{self, Field};
use crate::ui::icons;
use crate::ui::theme::{self, size, space};
use egui::{RichText, Ui};

/// Sizes of everything that are offered, in percent.
const ZOOMS: [u16; 8] = [75, 90, 100, 110, 125, 150, 175, 200];

/// Lengths of a recording's files that are offered, in minutes; 0: one file, however long.
const SLICES: [u16; 5] = [0, 10, 30, 60, 120];

/// Draws the section that is shown.
pub(super) fn show(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>, page: &mut SettingsPage, settings: &mut Settings) {
    match page.section {
        Section::General => general(ui, cx, page, settings),
        Section::Video => video(ui, cx, view, settings),
        Section::Sound => sound(ui, cx, view, settings),
        Section::Devices => trial(ui, cx, view),
        Section::Network => network::show(ui, cx, view, &mut page.proxy, &mut settings.network),
        Section::Keys => talk(ui, cx, view),
        Section::Recording => recording(ui, cx, view, settings),
        Section::About => about::show(ui, cx, page),
    }
}

fn general(ui: &mut Ui, cx: &mut Cx<'_>, page: &mut SettingsPage, settings: &mut Settings) {
    let wrong = name::check(&page.name).err().map(|error| errors::name(cx.texts, error));
    if Field::new(&cx.t("prejoin-name")).error(wrong.as_deref()).limit(80).show(ui, &mut page.name).changed()
        && let Ok(name) = name::check(&page.name)
    {
        name.clone_into(&mut settings.name);
    }
    let mut lang = settings.lang.map_or("", Lang::tag).to_owned();
    let mut langs = vec![(String::new(), cx.t("settings-lang-system"))];
    langs.extend(Lang::ALL.map(|lang| (lang.tag().to_owned(), lang.name().to_owned())));
    if field::choice(ui, &cx.t("settings-lang"), &mut lang, &langs) {
        settings.lang = Lang::ALL.into_iter().find(|known| known.tag() == lang);
    }
    group(ui, &cx.t("theme"), |ui| {
        let themes = [Theme::System, Theme::Light, Theme::Dark];
        let names = ["theme-system", "theme-light", "theme-dark"].map(|key| cx.t(key));
        let chosen = themes.iter().position(|theme| *theme == settings.theme).unwrap_or(0);
        if let Some(i) = button::segmented(ui, &[&names[0], &names[1], &names[2]], chosen) {
            settings.theme = themes[i];
        }
    });
    let mut zoom = settings.zoom.to_string();
    let mut zooms: Vec<u16> = ZOOMS.to_vec();
    // The keys know other sizes.
    if !zooms.contains(&settings.zoom) {
        zooms.push(settings.zoom);
        zooms.sort_unstable();
    }
    let zooms: Vec<_> = zooms.into_iter().map(|zoom| (zoom.to_string(), format!("{zoom} %"))).collect();
    if field::choice(ui, &cx.t("settings-zoom"), &mut zoom, &zooms) {
        settings.zoom = zoom.parse().unwrap_or(settings.zoom);
    }
    field::check(ui, &mut settings.chimes, &cx.t("settings-chimes"));
    field::check(ui, &mut settings.notifications, &cx.t("settings-notifications"));
}

fn video(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>, settings: &mut Settings) {
    let presets = Preset::ALL.map(|preset| {
        let name = match preset.size() {
            None => cx.t("preset-automatic"),
            Some((width, height, kbps)) => {
                let values = [width, height, kbps].map(|n| n.to_string());
                let values = [("width", (&values[0]).into()), ("height", (&values[1]).into()), ("kbps", (&values[2]).into())];
                cx.with("preset-size", &values)
            }
        };
        (format!("{preset:?}"), name)
    });
    let mut chosen = format!("{:?}", settings.preset);
    if field::choice(ui, &cx.t("settings-preset"), &mut chosen, &presets) {
        settings.preset = Preset::ALL.into_iter().find(|preset| format!("{preset:?}") == chosen).unwrap_or_default();
    }
    let mut rates = vec![(String::new(), cx.t("rate-automatic"))];
    rates.extend(RATES.map(|rate| (rate.to_string(), cx.with("rate-each", &[("count", (rate as usize).into())]))));
    let mut chosen = settings.fps.map(|fps| fps.to_string()).unwrap_or_default();
    if field::choice(ui, &cx.t("settings-rate"), &mut chosen, &rates) {
        settings.fps = chosen.parse().ok();
    }
    hint(ui, &cx.t("settings-video-hint"));
    if view.in_call {
        hint(ui, &cx.t("settings-next-call"));
    }
    let (label, text) = (cx.t("prejoin-pause-image"), cx.t("prejoin-pause-image-hint"));
    let missing = !settings.pause_image.trim().is_empty() && !std::path::Path::new(settings.pause_image.trim()).is_file();
    let wrong = missing.then(|| cx.t("prejoin-pause-image-missing"));
    Field::new(&label).hint(&text).error(wrong.as_deref()).limit(4096).show(ui, &mut settings.pause_image);
    if ui.add(Button::new(&cx.t("settings-choose-file")).icon(icons::ICON_FOLDER_OPEN)).clicked() {
        cx.act(Any::Settings(Action::ChoosePauseImage));
    }
}

fn sound(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>, settings: &mut Settings) {
    let noises = Noise::ALL.map(|noise| (noise_word(noise).to_owned(), noise_name(cx.texts, noise)));
    let mut chosen = noise_word(settings.noise).to_owned();
    if field::choice(ui, &cx.t("noise"), &mut chosen, &noises) {
        settings.noise = Noise::ALL.into_iter().find(|noise| noise_word(*noise) == chosen).unwrap_or_default();
    }
    hint(ui, &cx.t("settings-sound-hint"));
    let ways = SMOOTHNESS.map(|how| (smoothness_word(how).to_owned(), cx.t(smoothness_key(how))));
    let mut chosen = smoothness_word(settings.smoothness).to_owned();
    if field::choice(ui, &cx.t("prejoin-live"), &mut chosen, &ways) {
        settings.smoothness = SMOOTHNESS.into_iter().find(|how| smoothness_word(*how) == chosen).unwrap_or_default();
    }
    if view.in_call {
        hint(ui, &cx.t("settings-next-call"));
    }
    if !settings.volumes.is_empty() {
        let text = cx.with("settings-volumes", &[("count", settings.volumes.len().into())]);
        ui.label(text);
        if ui.add(Button::new(&cx.t("settings-volumes-forget"))).clicked() {
            settings.volumes.clear();
        }
    }
}

fn trial(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>) {
    match &view.devices {
        Some(devices) => devices::section(ui, cx, devices),
        None => hint(ui, &cx.t("settings-devices-elsewhere")),
    }
}

fn talk(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>) {
    hint(ui, &cx.t("settings-keys-hint"));
    keys::list(ui, cx);
    ui.separator();
    dialogs::anywhere(ui, cx, view.talk_key);
}

fn recording(ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>, settings: &mut Settings) {
    let label = cx.t("settings-recordings");
    Field::new(&label).hint(view.recordings).limit(4096).show(ui, &mut settings.recordings);
    hint(ui, &cx.with("settings-recordings-hint", &[("folder", view.recordings.into())]));
    if ui.add(Button::new(&cx.t("settings-choose-folder")).icon(icons::ICON_FOLDER_OPEN)).clicked() {
        cx.act(Any::Settings(Action::ChooseFolder));
    }
    let minutes = |minutes: u16| match minutes {
        0 => cx.t("settings-slices-never"),
        minutes => cx.with("settings-slices-each", &[("count", usize::from(minutes).into())]),
    };
    let options = SLICES.map(|slice| (slice.to_string(), minutes(slice)));
    let mut chosen = settings.record_slice_minutes.to_string();
    if field::choice(ui, &cx.t("settings-slices"), &mut chosen, &options) {
        settings.record_slice_minutes = chosen.parse().unwrap_or(settings.record_slice_minutes);
    }
    hint(ui, &cx.t("settings-slices-hint"));
}

/// A caption above what belongs together.
fn group(ui: &mut Ui, title: &str, content: impl FnOnce(&mut Ui)) {
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = space::XS;
        field::caption(ui, title);
        content(ui);
    });
}

pub(super) fn hint(ui: &mut Ui, text: &str) {
    let colour = theme::palette(ui).text_weak;
    ui.add(egui::Label::new(RichText::new(text).size(size::SMALL).color(colour)).wrap());
}
