//! Sharing the screen: the dialog in which one chooses what, and the bar that says that one does.

mod apply;
mod bar;
mod cards;

pub use apply::Sharing;
pub use bar::bar;

use super::errors::{self, Part};
use super::view::{self, Cx};
use crate::call::Share;
use crate::media::capture::SourceError;
use crate::media::capture::screen::{Kind, Mode, Offer, Picker, Target};
use crate::ui::button::{self, Button};
use crate::ui::theme::{self, size, space};
use crate::ui::{card, field, icons};
use cards::Choice;
use egui::{Context, RichText, Ui};
use std::time::Duration;

/// What is listed is looked at again after this long.
const FRESH: Duration = Duration::from_secs(3);
/// The widest that the dialog is.
const WIDTH: f32 = 660.0;
/// What is above and below what can be scrolled: title and buttons.
const FIXED: f32 = 160.0;
/// What is around the list, in what can be scrolled: tabs and modes. The list is at least so high.
const AROUND: f32 = 180.0;
const LIST: f32 = 150.0;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Open or close the dialog.
    Open(bool),
    /// Share this.
    Start(Share),
    /// Let the person drag a rectangle, and share it.
    PickArea {
        /// What matters in it.
        mode: Mode,
        /// Whether what the computer plays is heard with it.
        sound: bool,
    },
    /// Share no more.
    Stop,
}

/// What a tab offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tab {
    #[default]
    Screen,
    Window,
    Area,
}

impl Tab {
    const ALL: [Self; 3] = [Self::Screen, Self::Window, Self::Area];

    /// What is listed in it.
    fn kind(self) -> Option<Kind> {
        match self {
            Self::Screen => Some(Kind::Screen),
            Self::Window => Some(Kind::Window),
            Self::Area => None,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Screen => "share-screen",
            Self::Window => "share-window",
            Self::Area => "share-area",
        }
    }
}

/// A list as it was last told: not yet, or what there is, or why not.
type Listed = Option<Result<Vec<Choice>, SourceError>>;

/// The dialog.
#[derive(Debug)]
pub struct Dialog {
    picker: Picker,
    tab: Tab,
    mode: Mode,
    /// Whether the computer's sound goes along; `None`: it cannot.
    sound: Option<bool>,
    chosen: Option<Target>,
    screens: Listed,
    windows: Listed,
    /// When a list was last asked for.
    asked: Option<(Kind, Duration)>,
    /// The button has been given the keyboard.
    focused: bool,
}

impl Dialog {
    /// An open dialog that knows nothing yet, for a person who last chose this mode. `sound`: whether the computer's sound can be shared, too.
    pub fn new(picker: Picker, mode: Mode, sound: bool) -> Self {
        let sound = sound.then_some(false);
        Self { picker, tab: Tab::default(), mode, sound, chosen: None, screens: None, windows: None, asked: None, focused: false }
    }

    /// What is to be listed now, if it is time to.
    pub fn wants(&mut self, now: Duration) -> Option<Kind> {
        let kind = self.tab.kind().filter(|_| matches!(self.picker, Picker::Own { .. }))?;
        if self.asked.is_some_and(|(asked, at)| asked == kind && now.saturating_sub(at) < FRESH) {
            return None;
        }
        self.asked = Some((kind, now));
        Some(kind)
    }

    /// Takes a list.
    pub fn take(&mut self, ctx: &Context, kind: Kind, listed: Result<Vec<Offer>, SourceError>) {
        let list = match kind {
            Kind::Screen => &mut self.screens,
            Kind::Window => &mut self.windows,
        };
        let old = list.take().and_then(Result::ok).unwrap_or_default();
        let listed = listed.map(|offers| cards::update(ctx, old, offers));
        // What is gone cannot be chosen, and of a single screen there is no choice.
        if let (Ok(choices), true) = (&listed, self.tab.kind() == Some(kind)) {
            let there = choices.iter().any(|choice| self.chosen.as_ref() == Some(&choice.target));
            if !there {
                self.chosen = choices.first().filter(|_| kind == Kind::Screen).map(|choice| choice.target.clone());
            }
        }
        *list = Some(listed);
    }

    /// Draws the dialog over the page.
    pub fn show(&mut self, ctx: &Context, cx: &mut Cx<'_>) {
        let window = ctx.content_rect();
        let modal = egui::Modal::new(egui::Id::unique("share")).show(ctx, |ui| {
            ui.set_width((window.width() - 4.0 * space::L).clamp(280.0, WIDTH));
            egui::Frame::new().inner_margin(egui::Margin::same(space::S as i8)).show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(cx.t("share-title")).font(theme::strong(size::SUBTITLE)));
                    ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                        if button::icon(ui, icons::ICON_CLOSE, &cx.t("close")).clicked() {
                            act(cx, Action::Open(false));
                        }
                    });
                });
                ui.add_space(space::XS);
                // In the smallest windows all of it scrolls, but title and buttons.
                let most = (window.height() - FIXED).max(LIST);
                egui::ScrollArea::vertical().id_salt("all").min_scrolled_height(most).max_height(most).show(ui, |ui| {
                    match self.picker {
                        Picker::Own { areas } => self.own_ui(ui, cx, areas, most),
                        Picker::System => drop(card::notice(ui, card::Tone::Info, &cx.t("share-system"), |_| {})),
                        Picker::None => drop(card::notice(ui, card::Tone::Error, &cx.t("share-none"), |_| {})),
                    }
                    ui.add_space(space::S);
                    self.mode_ui(ui, cx);
                });
                ui.add_space(space::S);
                self.buttons_ui(ui, cx);
            });
        });
        if modal.should_close() {
            act(cx, Action::Open(false));
        }
    }

    /// Tabs, and what is in them.
    fn own_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, areas: bool, most: f32) {
        let tabs = &Tab::ALL[..if areas { 3 } else { 2 }];
        let names: Vec<String> = tabs.iter().map(|tab| cx.t(tab.key())).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let chosen = tabs.iter().position(|tab| *tab == self.tab).unwrap_or(0);
        if let Some(index) = button::segmented(ui, &names, chosen) {
            self.tab = tabs[index];
            self.chosen = None;
            if let (Tab::Screen, Some(Ok(choices))) = (self.tab, &self.screens) {
                self.chosen = choices.first().map(|choice| choice.target.clone());
            }
        }
        ui.add_space(space::S);
        let list = match self.tab {
            Tab::Screen => &self.screens,
            Tab::Window => &self.windows,
            Tab::Area => {
                card::notice(ui, card::Tone::Info, &cx.t("share-area-text"), |_| {});
                return;
            }
        };
        let room = (most - AROUND).clamp(LIST, 380.0);
        match list {
            None => drop(ui.label(cx.t("share-loading"))),
            Some(Err(error)) => {
                let sentence = errors::source(cx.texts, Part::Screen, error);
                card::notice(ui, card::Tone::Error, &sentence.text, |_| {});
            }
            Some(Ok(choices)) if choices.is_empty() => {
                card::notice(ui, card::Tone::Info, &cx.t("share-no-windows"), |_| {});
            }
            Some(Ok(choices)) => {
                let scroll = egui::ScrollArea::vertical().max_height(room).auto_shrink([false, true]);
                let clicked = scroll.show(ui, |ui| cards::show(ui, cx, choices, self.chosen.as_ref())).inner;
                if let Some((target, twice)) = clicked {
                    self.chosen = Some(target);
                    if twice && let Some(share) = self.share(cx) {
                        act(cx, Action::Start(share));
                    }
                }
            }
        }
    }

    fn mode_ui(&mut self, ui: &mut Ui, cx: &Cx<'_>) {
        field::caption(ui, &cx.t("share-mode"));
        ui.horizontal_wrapped(|ui| {
            for (mode, key) in [(Mode::Detail, "share-detail"), (Mode::Motion, "share-motion")] {
                if ui.radio(self.mode == mode, cx.t(key)).clicked() {
                    self.mode = mode;
                }
                ui.add_space(space::M);
            }
        });
        if let Some(sound) = &mut self.sound {
            ui.checkbox(sound, cx.t("share-sound"));
        }
    }

    fn buttons_ui(&mut self, ui: &mut Ui, cx: &mut Cx<'_>) {
        ui.horizontal(|ui| {
            let area = self.tab == Tab::Area && self.picker == Picker::Own { areas: true };
            let action = if area {
                Some(Action::PickArea { mode: self.mode, sound: self.sound.unwrap_or_default() })
            } else {
                self.share(cx).map(Action::Start)
            };
            let name = cx.t(if area { "share-drag" } else { "share-start" });
            let button = Button::primary(&name).icon(icons::ICON_SCREEN_SHARE);
            let start = ui.add_enabled(action.is_some(), button);
            if action.is_some() && !std::mem::replace(&mut self.focused, true) {
                start.request_focus();
            }
            if let Some(action) = action.filter(|_| start.clicked()) {
                act(cx, action);
            }
            if ui.add(Button::new(&cx.t("cancel"))).clicked() {
                act(cx, Action::Open(false));
            }
        });
    }

    /// What is chosen.
    fn share(&self, cx: &Cx<'_>) -> Option<Share> {
        if self.picker == Picker::System {
            return Some(self.named(Target::Portal, cx.t("share-name-portal")));
        }
        let choices = [&self.screens, &self.windows].into_iter().flatten().flatten().flatten();
        let choice = choices.into_iter().find(|choice| Some(&choice.target) == self.chosen.as_ref())?;
        Some(self.named(choice.target.clone(), choice.title(cx.texts)))
    }

    fn named(&self, target: Target, name: String) -> Share {
        Share { target, name, mode: self.mode, sound: self.sound.unwrap_or_default() }
    }
}

fn act(cx: &mut Cx<'_>, action: Action) {
    cx.act(view::Action::Share(action));
}
