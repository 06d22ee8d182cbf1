//! The page on which a person changes the settings: over whatever is shown, so that a call goes on beneath it.

mod about;
mod apply;
mod network;
mod sections;

pub use apply::Asked;

use super::Settings;
use crate::app::call::dialogs::TalkKey;
use crate::app::devices::DevicesView;
use crate::app::view::{Action as Any, Cx};
use crate::ui::theme::{self, radius, size, space};
use crate::ui::{MaterialIcon, button, field, icons};
use egui::{Context, CornerRadius, FontId, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};

/// Largest size of the page.
const LARGEST: egui::Vec2 = vec2(860.0, 620.0);
/// Width of the list of sections.
const LIST: f32 = 190.0;
/// Narrower pages choose the section from a drop-down.
const NARROW: f32 = 560.0;

/// A part of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// Name, language, looks, what is told.
    #[default]
    General,
    /// One's own picture.
    Video,
    /// One's own sound, and the others'.
    Sound,
    /// Camera, microphone and speaker, to be chosen and tried out.
    Devices,
    /// How servers are reached.
    Network,
    /// Keys.
    Keys,
    /// Recordings.
    Recording,
    /// Version, licences and diagnostics.
    About,
}

impl Section {
    /// All of them, in the order of the list.
    pub const ALL: [Self; 8] =
        [Self::General, Self::Devices, Self::Video, Self::Sound, Self::Network, Self::Keys, Self::Recording, Self::About];

    /// Key of its title.
    const fn title(self) -> &'static str {
        match self {
            Self::General => "settings-general",
            Self::Video => "settings-video",
            Self::Sound => "settings-sound",
            Self::Devices => "devices-title",
            Self::Network => "settings-network",
            Self::Keys => "settings-keys",
            Self::Recording => "settings-recording",
            Self::About => "settings-about",
        }
    }

    const fn icon(self) -> MaterialIcon {
        match self {
            Self::General => icons::ICON_TUNE,
            Self::Video => icons::ICON_VIDEOCAM,
            Self::Sound => icons::ICON_VOLUME_UP,
            Self::Devices => icons::ICON_HEADSET_MIC,
            Self::Network => icons::ICON_LAN,
            Self::Keys => icons::ICON_KEYBOARD,
            Self::Recording => icons::ICON_FOLDER,
            Self::About => icons::ICON_INFO,
        }
    }
}

/// A click on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open it, at this section or where it was.
    Open(Option<Section>),
    /// Close it.
    Close,
    /// These are the settings from now on.
    Set(Box<Settings>),
    /// Ask for a folder for recordings.
    ChooseFolder,
    /// Ask for an image to be sent while the camera is off.
    ChoosePauseImage,
}

/// What is open on the page.
#[derive(Debug, Default)]
pub struct SettingsPage {
    /// Whether it is open.
    pub open: bool,
    /// The section that is shown.
    pub section: Section,
    /// The display name as it is being typed.
    name: String,
    /// The same of the proxy's address.
    proxy: String,
    /// What the program is made of, while that is looked at.
    licences: Option<about::List>,
}

/// What the page shows beside its own state.
#[derive(Debug)]
pub struct SettingsView<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// One is in a call: some things change with the next one only.
    pub in_call: bool,
    /// Where recordings go.
    pub recordings: &'a str,
    /// The devices, where they are open.
    pub devices: Option<DevicesView<'a>>,
    /// The key for talking that works everywhere.
    pub talk_key: &'a TalkKey,
}

impl SettingsPage {
    /// Opens it.
    pub fn open(&mut self, section: Option<Section>, settings: &Settings) {
        self.open = true;
        self.section = section.unwrap_or(self.section);
        self.name.clone_from(&settings.name);
        self.proxy.clone_from(&settings.network.proxy_address);
        self.licences = None;
    }

    /// Draws it over the page.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>, view: &SettingsView<'_>) {
        let window = ctx.content_rect().size();
        let wanted = (window - vec2(48.0, 48.0)).min(LARGEST).max(vec2(240.0, 200.0));
        let modal = egui::Modal::new(egui::Id::unique("settings")).show(ctx, |ui| {
            ui.set_width(wanted.x);
            ui.set_height(wanted.y);
            ui.horizontal(|ui| {
                ui.add_space(space::S);
                ui.label(RichText::new(cx.t("settings-title")).font(theme::strong(size::SUBTITLE + 2.0)));
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                    if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                        cx.act(Any::Settings(Action::Close));
                    }
                });
            });
            if wanted.x < NARROW {
                self.drop_down(ui, cx);
                ui.add_space(space::S);
                self.content(ui, cx, view);
            } else {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = space::L;
                    ui.vertical(|ui| {
                        ui.set_width(LIST);
                        self.list(ui, cx);
                    });
                    ui.vertical(|ui| {
                        ui.set_width(ui.available_width() - space::S);
                        self.content(ui, cx, view);
                    });
                });
            }
        });
        if modal.should_close() {
            cx.act(Any::Settings(Action::Close));
        }
    }

    fn content(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &SettingsView<'_>) {
        if self.section == Section::About
            && let Some(list) = &mut self.licences
        {
            // It scrolls by itself.
            if !about::licences(ui, cx, list) {
                self.licences = None;
            }
            return;
        }
        let id = ("settings section", self.section as usize);
        ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::M;
            let mut settings = view.settings.clone();
            sections::show(ui, cx, view, self, &mut settings);
            ui.add_space(space::M);
            if settings != *view.settings {
                cx.act(Any::Settings(Action::Set(Box::new(settings))));
            }
        });
    }

    fn list(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        ui.spacing_mut().item_spacing.y = 2.0;
        for section in Section::ALL {
            if row(ui, section, &cx.t(section.title()), section == self.section) {
                self.section = section;
            }
        }
    }

    fn drop_down(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        let options = Section::ALL.map(|section| (section.title().to_owned(), cx.t(section.title())));
        let mut chosen = self.section.title().to_owned();
        if field::choice(ui, &cx.t("settings-section"), &mut chosen, &options) {
            self.section = Section::ALL.into_iter().find(|section| section.title() == chosen).unwrap_or_default();
        }
    }
}

/// A row of the list of sections; returns whether it was clicked.
fn row(ui: &mut Ui, section: Section, text: &str, selected: bool) -> bool {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), theme::CONTROL_HEIGHT), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Tab, ui.is_enabled(), selected, text));
    let (fill, front) = match (selected, response.hovered()) {
        (true, _) => (p.accent_soft, p.accent),
        (false, true) => (p.hover, p.text),
        (false, false) => (egui::Color32::TRANSPARENT, p.text),
    };
    ui.painter().rect_filled(rect, CornerRadius::same(radius::CONTROL), fill);
    let icon = egui::Rect::from_min_size(rect.min, vec2(theme::CONTROL_HEIGHT, theme::CONTROL_HEIGHT));
    button::paint_icon(ui, icon, section.icon(), size::ICON, front);
    let font = if selected { theme::strong(size::BODY) } else { FontId::proportional(size::BODY) };
    ui.painter().text(pos2(icon.right() + space::XS, rect.center().y), egui::Align2::LEFT_CENTER, text, font, p.text);
    if response.has_focus() {
        let stroke = egui::Stroke::new(2.0, p.accent);
        ui.painter().rect_stroke(rect, f32::from(radius::CONTROL), stroke, egui::StrokeKind::Inside);
    }
    response.clicked()
}
