//! The page before a call: how one looks and sounds, under which name, through which devices.

pub mod preview;
pub mod sealed;

use crate::app::call::session::Plan;
use crate::app::call::tile_menu::noise_name;
use crate::app::devices::sources::FILE;
use crate::app::devices::{self, sources};
use crate::app::errors::{self, Sentence};
use crate::app::i18n::Texts;
use crate::app::settings::{Settings, Theme};
use crate::app::view::{Action, Cx};
use crate::base::{Secret, SecretKey};
use crate::call::Entry;
use crate::media::audio::chain::Noise;
use crate::media::capture::{AudioSource, VideoSource};
use crate::media::devices::{Kind, Lists};
use crate::media::play::Smoothness;
use crate::proto::{Mode, name};
use crate::ui::button::{self, Button, Look};
use crate::ui::field::{self, Field};
use crate::ui::theme::space;
use crate::ui::{Video, card, icons, meter, tile_layout};
use egui::{RichText, Ui, vec2};
use sealed::Sealed;

/// Height that the button below the form takes, with what is around it.
const BUTTON_ROOM: f32 = crate::ui::theme::CONTROL_HEIGHT + 2.0 * space::L;
/// What stands right below one's own picture: the switches, and a little air. They are to be seen without scrolling.
const SWITCHES: f32 = 46.0 + space::XS + 2.0 * space::S;
/// However small the window is, the picture is so high.
const LEAST_PICTURE: f32 = 90.0;
/// Stands for the system's default speaker.
const DEFAULT: &str = "";
/// Stands for no speaker at all.
pub const SILENT: &str = "none";

/// Where one is going.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A new room.
    Create {
        /// Its name.
        name: String,
        /// Its kind.
        mode: Mode,
    },
    /// A room that is there.
    Enter {
        /// Id or name.
        room: String,
        /// What to call it.
        shown: String,
    },
}

/// What is being chosen and typed.
#[derive(Clone, Debug)]
pub struct PreJoin {
    /// Where one is going.
    pub target: Target,
    /// The server of an invite; `None`: the one in use.
    pub server: Option<String>,
    /// Password of the room.
    pub password: String,
    /// Whether the room asks for one.
    pub locked: bool,
    /// Whether the room is encrypted from end to end, and its key.
    pub sealed: Sealed,
    /// Whether a new room ends when one leaves it.
    pub dissolve: bool,
    /// Display name.
    pub name: String,
    /// The picture's source, as a word.
    pub video: String,
    /// Path of a video file.
    pub video_path: String,
    /// Path of the picture for pauses; empty: initials.
    pub pause_image: String,
    /// The sound's source, as a word.
    pub audio: String,
    /// Path of a file with sound.
    pub audio_path: String,
    /// Id of the speaker.
    pub speaker: String,
    /// The room's kind, where that is known.
    pub mode: Option<Mode>,
    /// How a live room is played, as a word.
    pub smoothness: String,
    /// How much noise is taken out of one's sound, as a word.
    pub noise: String,
    /// Microphone on.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
    /// Whether errors of names are shown.
    pub strict: bool,
    /// What the last try came to.
    pub failure: Option<Sentence>,
    /// The name and the session under which one has a seat there still.
    pub session: Option<(String, Secret)>,
}

/// What the page shows beside its own state.
#[derive(Debug)]
pub struct PreJoinView<'a> {
    /// Light or dark.
    pub theme: Theme,
    /// One's own picture.
    pub video: &'a Video,
    /// The camera is being opened.
    pub opening: bool,
    /// Why there is no picture.
    pub video_failure: Option<&'a Sentence>,
    /// Why there is no sound.
    pub audio_failure: Option<&'a Sentence>,
    /// Level of the microphone, RMS.
    pub level: f32,
    /// Devices to choose from.
    pub lists: &'a Lists,
}

impl PreJoin {
    /// The page as the settings suggest it.
    pub fn new(target: Target, settings: &Settings) -> Self {
        let (video, video_path) = sources::words_of_video(&settings.video);
        let (audio, audio_path) = sources::words_of_audio(&settings.audio);
        let mode = match &target {
            Target::Create { mode, .. } => Some(*mode),
            Target::Enter { .. } => None,
        };
        Self {
            target,
            server: None,
            password: String::new(),
            locked: false,
            sealed: Sealed::default(),
            dissolve: true,
            name: settings.name.clone(),
            video,
            video_path,
            pause_image: settings.pause_image.clone(),
            audio,
            audio_path,
            speaker: settings.speaker.clone().unwrap_or_default(),
            mode,
            smoothness: word(settings.smoothness).to_owned(),
            noise: noise_word(settings.noise).to_owned(),
            mic: true,
            camera: true,
            strict: false,
            failure: None,
            session: None,
        }
    }

    /// Takes over what was changed on the page with the settings meanwhile.
    pub fn follow(&mut self, before: &Settings, now: &Settings) {
        let (before, now) = (Self::new(self.target.clone(), before), Self::new(self.target.clone(), now));
        let fields: [fn(&mut Self) -> &mut String; 4] =
            [|form| &mut form.name, |form| &mut form.pause_image, |form| &mut form.smoothness, |form| &mut form.noise];
        for field in fields {
            let (mut before, mut now) = (before.clone(), now.clone());
            if field(&mut before) != field(&mut now) {
                field(self).clone_from(field(&mut now));
            }
        }
    }

    /// How a live room is played.
    pub fn smoothness(&self) -> Smoothness {
        SMOOTHNESS.into_iter().find(|how| word(*how) == self.smoothness).unwrap_or_default()
    }

    /// The chosen picture for pauses.
    pub fn pause_image(&self) -> Option<std::path::PathBuf> {
        let path = self.pause_image.trim();
        (!path.is_empty()).then(|| path.into())
    }

    /// Whether there is no such file, as far as one can tell at once; whether it holds a picture is seen in the call.
    fn pause_image_missing(&self) -> bool {
        self.pause_image().is_some_and(|path| !path.is_file())
    }

    /// The chosen source of the picture.
    pub fn video_source(&self) -> VideoSource {
        sources::video(&self.video, &self.video_path)
    }

    /// The chosen source of the sound.
    pub fn audio_source(&self) -> AudioSource {
        sources::audio(&self.audio, &self.audio_path)
    }

    /// The chosen speaker.
    pub fn speaker(&self) -> Option<String> {
        Some(self.speaker.clone()).filter(|s| s != DEFAULT)
    }

    /// The chosen noise suppression.
    pub fn noise(&self) -> Noise {
        Noise::ALL.into_iter().find(|noise| noise_word(*noise) == self.noise).unwrap_or_default()
    }

    /// The room's key, if it has one; nothing while it is still asked for.
    fn key(&self) -> Option<Option<SecretKey>> {
        self.sealed.key(self.room_id()).ok()
    }

    /// The room's id. Where its kind is not known, it is called by its name perhaps.
    fn room_id(&self) -> Option<&str> {
        match &self.target {
            Target::Enter { room, .. } => self.mode.map(|_| room.as_str()),
            Target::Create { .. } => None,
        }
    }

    /// How to get in, if the names are good and no key is missing.
    pub fn entry(&self) -> Option<Entry> {
        name::check(&self.name).ok()?;
        self.key()?;
        let password = Some(self.password.clone()).filter(|p| !p.is_empty());
        match &self.target {
            Target::Create { name, mode } => {
                let name = name::check(name).ok()?.to_owned();
                Some(Entry::Create { name, mode: *mode, password, dissolve: self.dissolve })
            }
            Target::Enter { room, .. } => Some(Entry::Enter { room: room.clone(), password }),
        }
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>) {
        crate::app::home::top_bar(ui, cx, view.theme, true);
        let wide = ui.available_width() >= 760.0;
        let width = (ui.available_width() - 2.0 * space::L).min(if wide { 980.0 } else { 520.0 });
        let side = ((ui.available_width() - width) / 2.0).max(0.0);
        ui.add_space(((ui.available_height() - 600.0) / 3.0).max(0.0));
        ui.horizontal_top(|ui| {
            ui.add_space(side);
            ui.vertical(|ui| {
                ui.set_width(width);
                self.title(ui, cx);
                ui.add_space(space::M);
                if wide {
                    self.beside_each_other(ui, cx, view);
                } else {
                    self.below_each_other(ui, cx, view);
                }
            });
        });
    }

    /// Picture and form; each scrolls by itself, so that the button below the form stays where it is.
    fn beside_each_other(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>) {
        let width = ui.available_width();
        let form = 340.0;
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = space::XL;
            ui.vertical(|ui| {
                ui.set_width(width - form - space::XL);
                let height = ui.available_height() - space::M;
                egui::ScrollArea::vertical()
                    .id_salt("picture")
                    .max_height(height)
                    .show(ui, |ui| self.picture(ui, cx, view, height));
            });
            ui.vertical(|ui| {
                ui.set_width(form);
                let height = ui.available_height() - BUTTON_ROOM;
                let scroll = egui::ScrollArea::vertical().id_salt("form").max_height(height).auto_shrink([false, true]);
                let entered = scroll.show(ui, |ui| self.form(ui, cx, view)).inner;
                self.go(ui, cx, entered);
            });
        });
    }

    fn below_each_other(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>) {
        let height = ui.available_height() - BUTTON_ROOM;
        let scroll = egui::ScrollArea::vertical().id_salt("all").max_height(height).auto_shrink([false, true]);
        let entered = scroll.show(ui, |ui| {
            self.picture(ui, cx, view, height);
            ui.add_space(space::M);
            self.form(ui, cx, view)
        });
        self.go(ui, cx, entered.inner);
    }

    fn title(&self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal(|ui| {
            if button::icon(ui, icons::ICON_ARROW_BACK, &cx.t("back")).clicked() {
                cx.act(Action::Back);
            }
            let title = match &self.target {
                Target::Create { name, .. } => cx.with("prejoin-create", &[("room", name.trim().into())]),
                Target::Enter { shown, .. } => cx.with("prejoin-join", &[("room", shown.into())]),
            };
            ui.add(egui::Label::new(RichText::new(title).text_style(egui::TextStyle::Heading)).truncate());
        });
    }

    /// One's own picture with the switches below it, both within `height` if that is possible.
    fn picture(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>, height: f32) {
        let width = ui.available_width();
        let wanted = vec2(width, (width * 9.0 / 16.0).min((height - SWITCHES).max(LEAST_PICTURE)));
        let (room, _) = ui.allocate_exact_size(wanted, egui::Sense::hover());
        let rect = tile_layout::fit(room, tile_layout::ASPECT);
        let shown = self.camera && view.video.texture().is_some();
        let message = match () {
            () if !self.camera || self.video_source() == VideoSource::None => Some(cx.t("prejoin-no-picture")),
            () if view.opening => Some(cx.t("prejoin-opening")),
            () => None,
        };
        let name = if self.name.trim().is_empty() { cx.t("call-you") } else { self.name.trim().to_owned() };
        let picture = devices::Picture {
            video: Some(view.video).filter(|_| shown),
            opening: view.opening,
            mirrored: matches!(self.video_source(), VideoSource::Camera(_)),
        };
        devices::own_tile(ui, cx, rect, &name, &picture, self.mic, message.as_deref().filter(|_| self.camera));
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = space::M;
            let (icon, name, look) = mic_button(cx.texts, self.mic);
            if button::round(ui, icon, &name.0, &name.1, look, 0).clicked() {
                self.mic = !self.mic;
            }
            let (icon, name, look) = camera_button(cx.texts, self.camera);
            if button::round(ui, icon, &name.0, &name.1, look, 0).clicked() {
                self.camera = !self.camera;
            }
            let test = cx.t("devices-open-test");
            if button::round(ui, icons::ICON_SETTINGS, &test, &test, Look::Normal, 0).clicked() {
                cx.act(Action::OpenDevices(true));
            }
            ui.vertical(|ui| {
                field::caption(ui, &cx.t("prejoin-level"));
                meter::level(ui, if self.mic { view.level } else { 0.0 }, &cx.t("prejoin-level"));
            });
        });
        if matches!(self.audio_source(), AudioSource::Device(_)) {
            let noises = Noise::ALL.map(|noise| (noise_word(noise).to_owned(), noise_name(cx.texts, noise)));
            ui.add_space(space::XS);
            field::choice(ui, &cx.t("noise"), &mut self.noise, &noises);
        }
        for (kind, failure) in [(Kind::Camera, view.video_failure), (Kind::Microphone, view.audio_failure)] {
            if let Some(sentence) = failure {
                devices::failure(ui, cx, kind, sentence, devices::Asked::Elsewhere);
            }
        }
        if shown && matches!(self.video_source(), VideoSource::Camera(_)) {
            field::caption(ui, &cx.t("prejoin-mirror"));
        }
        if !self.camera {
            let (label, hint) = (cx.t("prejoin-pause-image"), cx.t("prejoin-pause-image-hint"));
            let wrong = self.pause_image_missing().then(|| cx.t("prejoin-pause-image-missing"));
            Field::new(&label).hint(&hint).error(wrong.as_deref()).limit(4096).show(ui, &mut self.pause_image);
        }
    }

    /// Returns whether Enter was pressed in a field.
    fn form(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>) -> bool {
        ui.spacing_mut().item_spacing.y = space::M;
        if let Some(failure) = &self.failure {
            card::notice(ui, card::Tone::Error, &failure.text, |_| {});
        }
        let entered = self.names(ui, cx);
        self.devices(ui, cx, view);
        entered
    }

    /// The button that goes on: below the form, and always in the window.
    fn go(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, entered: bool) {
        ui.add_space(space::S);
        let text = match self.target {
            Target::Create { .. } => cx.t("prejoin-create-button"),
            Target::Enter { .. } => cx.t("prejoin-join-button"),
        };
        if ui.add(Button::primary(&text).min_width(ui.available_width())).clicked() || entered {
            self.strict = true;
            if self.entry().is_some() {
                cx.act(Action::Start);
            }
        }
    }

    /// Name and password; returns whether Enter was pressed in one of them.
    fn names(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) -> bool {
        let enter = |ui: &Ui, r: &egui::Response| r.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let error = |text: &str, strict: bool| name::check(text).err().filter(|_| strict).map(|e| errors::name(cx.texts, e));
        // The room's name was checked where it was typed; one from the command line was not.
        if let Target::Create { name, .. } = &mut self.target
            && name::check(name).is_err()
        {
            let wrong = error(name, true);
            Field::new(&cx.t("prejoin-room")).error(wrong.as_deref()).limit(80).show(ui, name);
        }
        // An empty name is no mistake before one has tried.
        let wrong = error(&self.name, self.strict || !self.name.trim().is_empty());
        let r = Field::new(&cx.t("prejoin-name")).error(wrong.as_deref()).limit(80).show(ui, &mut self.name);
        let mut entered = enter(ui, &r);
        if self.locked {
            let hint = cx.t("prejoin-password-asked");
            let r = Field::new(&cx.t("prejoin-password")).hint(&hint).password().show(ui, &mut self.password);
            entered |= enter(ui, &r);
        }
        let room = self.room_id().map(str::to_owned);
        if let Some(r) = self.sealed.show(ui, cx, &self.target, room.as_deref(), self.strict) {
            entered |= enter(ui, &r);
        }
        entered
    }

    fn devices(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, view: &PreJoinView<'_>) {
        let texts = cx.texts;
        let more = [("pattern", "source-pattern"), (FILE, "source-file"), ("none", "source-none")];
        let cameras = options(texts, view.lists, Kind::Camera, &self.video, &more);
        if field::choice(ui, &texts.t("prejoin-camera"), &mut self.video, &cameras) {
            cx.actions.push(Action::Reopen);
        }
        if self.video == FILE {
            path(ui, cx, &mut self.video_path);
        }
        let more = [("tone", "source-tone"), (FILE, "source-audio-file"), ("none", "source-none")];
        let microphones = options(texts, view.lists, Kind::Microphone, &self.audio, &more);
        if field::choice(ui, &texts.t("prejoin-mic"), &mut self.audio, &microphones) {
            cx.actions.push(Action::Reopen);
        }
        if self.audio == FILE {
            path(ui, cx, &mut self.audio_path);
        }
        let speakers = options(texts, view.lists, Kind::Speaker, &self.speaker, &[(SILENT, "source-silent")]);
        field::choice(ui, &texts.t("prejoin-speaker"), &mut self.speaker, &speakers);
        if self.mode == Some(Mode::Live) {
            let named = |how: Smoothness| (word(how).to_owned(), texts.t(key(how)));
            field::choice(ui, &texts.t("prejoin-live"), &mut self.smoothness, &SMOOTHNESS.map(named));
        }
    }
}

/// The plan of a filled-in page; `None` while a name is bad.
pub(super) fn plan_of(form: &PreJoin, settings: &Settings) -> Option<Plan> {
    let entry = form.entry()?;
    let target = match (&form.target, &entry) {
        (Target::Create { mode, .. }, Entry::Create { name, .. }) => Target::Create { name: name.clone(), mode: *mode },
        (target, _) => target.clone(),
    };
    let (format, kbps) = settings.format();
    Some(Plan {
        entry,
        target,
        mode: form.mode,
        key: form.key()?,
        server: form.server.clone(),
        name: name::check(&form.name).ok()?.to_owned(),
        session: form.session.as_ref().filter(|(name, _)| name == form.name.trim()).map(|(_, session)| session.clone()),
        video: form.video_source(),
        format,
        kbps,
        pause_image: form.pause_image(),
        audio: form.audio_source(),
        speaker: form.speaker(),
        chimes: settings.chimes,
        smoothness: form.smoothness(),
        noise: form.noise(),
        mirror: settings.stage.mirror_sent,
        planes: false,
        beauty: settings.beauty,
        volumes: settings.volumes.iter().cloned().collect(),
        mic: form.mic,
        camera: form.camera,
    })
}

/// All ways to play a live room.
pub(super) const SMOOTHNESS: [Smoothness; 3] = [Smoothness::Automatic, Smoothness::Fast, Smoothness::Smooth];

pub(super) fn key(how: Smoothness) -> &'static str {
    match how {
        Smoothness::Automatic => "prejoin-live-automatic",
        Smoothness::Fast => "prejoin-live-fast",
        Smoothness::Smooth => "prejoin-live-smooth",
    }
}

pub(super) fn word(how: Smoothness) -> &'static str {
    match how {
        Smoothness::Automatic => "automatic",
        Smoothness::Fast => "fast",
        Smoothness::Smooth => "smooth",
    }
}

/// A word for a noise suppression.
pub(super) const fn noise_word(noise: Noise) -> &'static str {
    match noise {
        Noise::Off => "off",
        Noise::On => "on",
        Noise::Strong => "strong",
    }
}

/// A field for the path of a file; the file is opened when it has been typed.
fn path(ui: &mut Ui, cx: &mut Cx<'_>, text: &mut String) {
    let (label, hint) = (cx.t("prejoin-file"), cx.t("prejoin-file-hint"));
    if Field::new(&label).hint(&hint).limit(4096).show(ui, text).lost_focus() {
        cx.act(Action::Reopen);
    }
}

/// What can be chosen, as words and as they are shown: the system's default first, then each device, then what is in `more`. A chosen device
/// that is not there stays in the list, and says so.
pub(super) fn options(texts: &Texts, lists: &Lists, kind: Kind, chosen: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let list = lists.of(kind);
    let (default, prefix) = match kind {
        Kind::Camera => ("camera", "camera:"),
        Kind::Microphone => ("device", "device:"),
        Kind::Speaker => (DEFAULT, ""),
    };
    let default_name = match &list.default {
        Some(device) => texts.with("source-default-named", &[("name", (&device.name).into())]),
        None => texts.t("source-default"),
    };
    let mut all = vec![(default.to_owned(), default_name)];
    all.extend(list.devices.iter().map(|d| (format!("{prefix}{}", d.id), d.name.clone())));
    all.extend(more.iter().map(|(word, key)| ((*word).to_owned(), texts.t(key))));
    if let Some(path) = chosen.strip_prefix("file:") {
        all.push((chosen.to_owned(), path.to_owned()));
    }
    if list.known && !all.iter().any(|(word, _)| word == chosen) {
        let id = chosen.strip_prefix(prefix).unwrap_or(chosen);
        all.insert(1, (chosen.to_owned(), texts.with("source-missing", &[("name", short_name(id).into())])));
    }
    all
}

/// Something readable for a device of which only the id is known.
pub(super) fn short_name(id: &str) -> &str {
    id.rsplit_once(':').map_or(id, |(_, name)| name)
}

/// Icon, name and tooltip, and look of the microphone's button.
pub(super) fn mic_button(texts: &Texts, on: bool) -> (crate::ui::MaterialIcon, (String, String), Look) {
    if on {
        (icons::ICON_MIC, (texts.t("mic-mute"), texts.t("mic-mute-hint")), Look::Normal)
    } else {
        (icons::ICON_MIC_OFF, (texts.t("mic-unmute"), texts.t("mic-unmute-hint")), Look::Off)
    }
}

/// The same of the camera's button.
pub(super) fn camera_button(texts: &Texts, on: bool) -> (crate::ui::MaterialIcon, (String, String), Look) {
    if on {
        (icons::ICON_VIDEOCAM, (texts.t("camera-off"), texts.t("camera-off-hint")), Look::Normal)
    } else {
        (icons::ICON_VIDEOCAM_OFF, (texts.t("camera-on"), texts.t("camera-on-hint")), Look::Off)
    }
}

/// The name of a new room of `name`.
pub fn default_room_name(texts: &Texts, name: &str) -> String {
    let name = if name.trim().is_empty() { texts.t("guest") } else { name.trim().to_owned() };
    texts.with("prejoin-room-default", &[("name", (&name).into())])
}
