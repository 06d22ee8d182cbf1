//! The dialog in which devices are chosen and tried out, before a call and in it.

mod apply;
pub mod sources;
mod trial;

pub use trial::Trial;

use crate::app::errors::{self, Part, Sentence};
use crate::app::prejoin::{self, SILENT};
use crate::app::view::{Action, Cx};
use crate::call::snapshot::DeviceState;
use crate::media::devices::check::Stage;
use crate::media::devices::{InUse, Kind, Lists};
use crate::ui::button::{self, Button};
use crate::ui::picture::Pose;
use crate::ui::theme::{self, size, space};
use crate::ui::tile::Tile;
use crate::ui::{Video, card, field, icons, meter};
use egui::{Context, RichText, Ui, vec2};

/// A recording whose loudest sample is below this is hard to hear.
const QUIET: f32 = 0.02;

/// Largest width of one's own picture among the settings.
const PICTURE: f32 = 360.0;

/// What the dialog shows.
#[derive(Debug)]
pub struct DevicesView<'a> {
    /// Devices to choose from.
    pub lists: &'a Lists,
    /// What is chosen, as words: camera, microphone, speaker.
    pub chosen: [String; 3],
    /// How they are.
    pub states: [DeviceState; 3],
    /// Level of the microphone, RMS.
    pub level: f32,
    /// The trial of the microphone.
    pub check: Option<Stage>,
    /// Others hear what is tried out: one is in a call, and not muted.
    pub heard: bool,
    /// One's own picture.
    pub picture: Picture<'a>,
}

/// One's own picture, to be looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Picture<'a> {
    /// As it comes; none while there is nothing to be seen.
    pub video: Option<&'a Video>,
    /// The camera is being opened.
    pub opening: bool,
    /// It is shown as in a mirror.
    pub mirrored: bool,
}

/// Draws the dialog over the page.
pub fn show(ctx: &Context, cx: &mut Cx<'_>, view: &DevicesView<'_>) {
    let window = ctx.content_rect();
    let modal = egui::Modal::new(egui::Id::unique("devices")).show(ctx, |ui| {
        ui.set_width((window.width() - 4.0 * space::L).clamp(280.0, 460.0));
        egui::Frame::new().inner_margin(egui::Margin::same(space::S as i8)).show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.label(RichText::new(cx.t("devices-title")).font(theme::strong(size::SUBTITLE)));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                        cx.act(Action::OpenDevices(false));
                    }
                });
            });
            let height = (window.height() - 140.0).max(120.0);
            egui::ScrollArea::vertical().max_height(height).min_scrolled_height(height).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = space::S;
                speaker(ui, cx, view);
                ui.add_space(space::S);
                microphone(ui, cx, view);
                ui.add_space(space::S);
                camera(ui, cx, view);
                ui.add_space(space::S);
                if ui.add(Button::quiet(&cx.t("settings-all")).icon(icons::ICON_TUNE)).clicked() {
                    cx.act(Action::OpenDevices(false));
                    cx.act(Action::Settings(crate::app::settings::page::Action::Open(None)));
                }
            });
        });
    });
    if modal.should_close() {
        cx.act(Action::OpenDevices(false));
    }
}

/// Draws the same among other things, with one's own picture.
pub fn section(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>) {
    ui.spacing_mut().item_spacing.y = space::S;
    let width = ui.available_width().min(PICTURE);
    let (rect, _) = ui.allocate_exact_size(vec2(width, width * 9.0 / 16.0), egui::Sense::hover());
    let off = view.chosen[Kind::Camera as usize] == "none" || view.states[Kind::Camera as usize].failure.is_some();
    let message = match view.picture {
        Picture { opening: true, .. } => Some(cx.t("prejoin-opening")),
        Picture { video: None, .. } if off => Some(cx.t("prejoin-no-picture")),
        _ => None,
    };
    own_tile(ui, cx, rect, &cx.t("call-you"), &view.picture, true, message.as_deref());
    camera(ui, cx, view);
    ui.add_space(space::S);
    microphone(ui, cx, view);
    ui.add_space(space::S);
    speaker(ui, cx, view);
}

/// One's own picture, or what stands in its place.
pub fn own_tile(ui: &mut Ui, cx: &Cx<'_>, rect: egui::Rect, name: &str, picture: &Picture<'_>, mic: bool, message: Option<&str>) {
    let shown = picture.video.filter(|video| video.texture().is_some());
    let description = crate::app::call::stage::describe(cx.texts, name, mic, shown.is_some());
    Tile {
        name,
        initials_of: name,
        description: &description,
        video: shown,
        pose: Pose { mirrored: picture.mirrored, ..Pose::default() },
        pinned: None,
        marks: &[],
        muted: !mic,
        speaking: false,
        trouble: None,
        message: message.filter(|_| shown.is_none()),
    }
    .show(ui, rect, ui.scope_id().with(("tile", "own")));
}

fn camera(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>) {
    choose(ui, cx, view, Kind::Camera, "prejoin-camera", &[("pattern", "source-pattern"), ("none", "source-none")]);
    status(ui, cx, view, Kind::Camera);
}

fn speaker(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>) {
    choose(ui, cx, view, Kind::Speaker, "prejoin-speaker", &[]);
    status(ui, cx, view, Kind::Speaker);
    if ui.add(Button::new(&cx.t("devices-test-speaker")).icon(icons::ICON_VOLUME_UP)).clicked() {
        cx.act(Action::TestSpeaker);
    }
}

fn microphone(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>) {
    choose(ui, cx, view, Kind::Microphone, "prejoin-mic", &[("tone", "source-tone"), ("none", "source-none")]);
    meter::level(ui, view.level, &cx.t("prejoin-level"));
    status(ui, cx, view, Kind::Microphone);
    let running = matches!(view.check, Some(Stage::Recording(_) | Stage::Playing(_)));
    let name = cx.t("devices-test-mic");
    if ui.add_enabled(!running, Button::new(&name).icon(icons::ICON_MIC)).clicked() {
        cx.act(Action::TestMic);
    }
    let said = match view.check {
        None => cx.t(if view.heard { "devices-mic-heard" } else { "devices-mic-hint" }),
        Some(Stage::Recording(share)) => {
            progress(ui, share, &cx.t("devices-recording"));
            cx.t("devices-recording")
        }
        Some(Stage::Playing(share)) => {
            progress(ui, share, &cx.t("devices-playing"));
            cx.t("devices-playing")
        }
        Some(Stage::Done(loudest)) if loudest <= 0.0 => cx.t("devices-nothing"),
        Some(Stage::Done(loudest)) if loudest < QUIET => cx.t("devices-quiet"),
        Some(Stage::Done(_)) => cx.t("devices-done"),
    };
    let label = field::caption(ui, &said);
    ui.ctx().accesskit_node_builder(label.id, |node| node.set_live(egui::accesskit::Live::Polite));
}

fn progress(ui: &mut Ui, share: f32, name: &str) {
    let bar = ui.add(egui::ProgressBar::new(share).desired_height(6.0));
    bar.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ProgressIndicator, true, name));
}

fn choose(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>, kind: Kind, label: &str, more: &[(&str, &str)]) {
    let mut chosen = view.chosen[kind as usize].clone();
    let silent = [(SILENT, "source-silent")];
    // An output that nobody hears is offered before the call only, but shown where it is chosen.
    let more = if kind == Kind::Speaker && chosen == SILENT { &silent } else { more };
    let options = prejoin::options(cx.texts, view.lists, kind, &chosen, more);
    if field::choice(ui, &cx.t(label), &mut chosen, &options) {
        cx.act(Action::Choose(kind, chosen));
    }
}

/// Which device it really is, or why there is none.
fn status(ui: &mut Ui, cx: &mut Cx<'_>, view: &DevicesView<'_>, kind: Kind) {
    let state = &view.states[kind as usize];
    if let Some(error) = &state.failure {
        failure(ui, cx, kind, &errors::source(cx.texts, part(kind), error), Asked::Here);
    } else if let Some(in_use) = &state.in_use {
        field::caption(ui, &cx.with("devices-in-use", &[("name", (&name_in_use(cx, in_use)).into())]));
    }
}

/// What to call the device that is open.
fn name_in_use(cx: &Cx<'_>, in_use: &InUse) -> String {
    if in_use.name.is_empty() {
        in_use.id.as_deref().map_or_else(|| cx.t("source-default"), |id| prejoin::short_name(id).to_owned())
    } else {
        in_use.name.clone()
    }
}

/// The device's part in a call, as errors have it.
pub fn part(kind: Kind) -> Part {
    match kind {
        Kind::Camera => Part::Camera,
        Kind::Microphone => Part::Mic,
        Kind::Speaker => Part::Speaker,
    }
}

/// Where a failure is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Beside the devices to choose from.
    Here,
    /// Elsewhere: another one is chosen in the dialog.
    Elsewhere,
}

/// A failed device in words, with what can be done about it.
pub fn failure(ui: &mut Ui, cx: &mut Cx<'_>, kind: Kind, sentence: &Sentence, asked: Asked) {
    let shown = card::notice(ui, card::Tone::Error, &sentence.text, |ui| {
        crate::app::home::details(ui, cx, sentence.detail.as_deref());
        ui.horizontal_wrapped(|ui| {
            if ui.add(Button::new(&cx.t("retry"))).clicked() {
                cx.act(Action::RetryDevice(kind));
            }
            if asked == Asked::Elsewhere {
                if ui.add(Button::new(&cx.t("devices-choose-another"))).clicked() {
                    cx.act(Action::OpenDevices(true));
                }
                if ui.add(Button::new(&cx.t("devices-without"))).clicked() {
                    cx.act(Action::Without(kind));
                }
            }
        });
    });
    ui.ctx().accesskit_node_builder(shown.response.id, |node| node.set_live(egui::accesskit::Live::Polite));
}
