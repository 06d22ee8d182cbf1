//! The program a person sees: home, sidebar, stage, chat, controls, settings, languages, and the server inside it.
//!
//! `logic` takes what has arrived, `ui` draws plain data and collects [`Action`]s, which are applied once after the frame. Nothing here waits: requests
//! run on the tokio runtime, devices on threads of their own, and what takes long to end is put away by the [`janitor`].

pub mod call;
pub mod cli;
mod crash;
mod desktop;
pub mod devices;
pub mod diagnostics;
pub mod errors;
pub mod fatal;
pub mod home;
pub mod i18n;
mod instance;
pub mod janitor;
pub mod licences;
pub mod live;
mod notices;
pub mod prejoin;
mod qr;
pub mod record;
pub mod run;
pub mod server;
pub mod settings;
pub mod share;
pub mod shots;
pub mod view;

mod apply;
mod events;

use crate::base::{Clock, Slot};
use crate::call::Command;
use crate::media::devices::{Devices, Listening, Lists};
use crate::ui::planes::Painter;
use crate::ui::theme::{self, size, space};
use crate::ui::toast::Toasts;
use crate::ui::{button, card, fonts, toast};
use call::ended;
use call::session::{Plan, Session};
use call::talk_key::TalkKeys;
use call::videos::Graphics;
use cli::Args;
use crash::{Lost, Note};
use desktop::Awake;
use devices::Trial;
use egui::{CentralPanel, Context, RichText, Ui, ViewportCommand};
use errors::Sentence;
use home::sidebar;
use home::{Home, HomeView};
use i18n::{Lang, Texts};
use instance::Ear;
use interprocess::local_socket::tokio::Listener;
use janitor::Janitor;
use prejoin::preview::Wake;
use prejoin::{PreJoin, PreJoinView};
use server::Server;
use settings::page::{Asked, SettingsPage};
use settings::{Settings, Store};
use share::Sharing;
use shots::Timetable;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use view::{Action, Cx};

/// How soon news (figures, chat, who is there) are on the screen. Longer than from one picture to the next: the picture takes them along,
/// and need not wait for a painting of their own.
const NEWS: Duration = Duration::from_millis(45);
/// Windows narrower than this hide the room list unless it is asked for.
const NARROW: f32 = 760.0;

/// What the program needs to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// The command line.
    pub args: Args,
    /// When the program started.
    pub started: Duration,
    /// Where requests run.
    pub runtime: Handle,
    /// Where the settings are kept; `None`: nowhere.
    pub config: Option<PathBuf>,
    /// Whether to ask the system for fonts.
    pub system_fonts: bool,
    /// What draws the window.
    pub graphics: Graphics,
    /// Works out the colours of pictures, where a real graphics card draws the window.
    pub painter: Option<Painter>,
    /// Where later starts of the program are heard; taken by the first window.
    pub listener: Arc<Mutex<Option<Listener>>>,
}

/// What is shown.
enum Page {
    /// The first page.
    Home,
    /// The page before a call.
    PreJoin(Box<Preparing>),
    /// The devices are being given back, or the server is starting; then the call starts.
    Starting { plan: Box<Plan>, devices: Option<Slot<()>> },
    /// Standard live: a stream that is sent, another one that is watched.
    Live(Box<live::Stage>),
    /// The call.
    Call(Box<Session>),
    /// The call is over, or did not come about.
    Ended { sentence: Sentence, plan: Option<Box<Plan>>, entered: bool },
}

/// The page before a call, with its devices.
struct Preparing {
    form: PreJoin,
    trial: Trial,
}

/// The program.
pub struct App {
    options: Options,
    clock: Clock,
    wake: Wake,
    texts: Texts,
    settings: Settings,
    store: Store,
    server: Server,
    home: Home,
    page: Page,
    /// What this computer has, while somebody may want to choose.
    devices: Option<(Devices, Listening)>,
    /// What was said last about each kind of device: it is taken back when something else is true.
    devices_said: [Option<String>; 3],
    /// Number of the lists that were looked at last.
    devices_seen: u64,
    /// Their dialog is open.
    devices_open: bool,
    /// They are looked at among the settings, on a page that has none open.
    trial: Option<Trial>,
    /// Choosing what to share of the screen.
    sharing: Sharing,
    toasts: Toasts<Action>,
    /// The room that is to be entered instead of the present one, if the person says yes: what it is called, and what leads there.
    switch: Option<(String, Action)>,
    /// The invite is shown as a picture.
    qr_open: bool,
    /// The dialog of the diagnostics file.
    diagnostics: Option<diagnostics::page::Dialog>,
    /// The room one was in when the program ended the last time, and that without leaving.
    lost: Option<Lost>,
    /// The note of the room one is in.
    note: Note,
    /// Hears later starts of the program.
    ear: Ear,
    awake: Awake,
    notifier: notices::Notifier,
    /// The window is the one in use.
    focused: bool,
    /// The page with the settings.
    settings_page: SettingsPage,
    /// The dialog of the system that is open.
    asked: Option<Asked>,
    /// The room list is shown although the window is narrow.
    sidebar_forced: bool,
    timetable: Timetable,
    /// Lines to say once in the room.
    to_say: Vec<String>,
    /// Test partners to call once in the room.
    partners_to_call: u8,
    /// Times the window was painted.
    painted: u64,
    /// The window has all of the screen, or is small and had this size before.
    unusual: Option<(bool, Option<egui::Vec2>)>,
    /// The key for talking that works everywhere.
    talk_key: TalkKeys,
    /// When trouble with one's own stream was last put in words.
    trouble_said: Option<Duration>,
    /// A file whose folder could not be shown.
    unshown: Slot<PathBuf>,
    janitor: Janitor,
}

impl App {
    /// The program, drawn into `ctx`.
    pub fn new(ctx: &Context, options: Options) -> Self {
        let (store, mut settings, aside) = Store::open(options.config.clone());
        options.args.apply(&mut settings);
        if settings.name.is_empty() {
            settings.name = system_user().unwrap_or_default();
        }
        let lang = settings.lang.unwrap_or_else(Lang::of_system);
        theme::install(ctx);
        fonts::install(ctx, lang.tag(), options.system_fonts);
        set_theme(ctx, settings.theme);
        ctx.set_zoom_factor(f32::from(settings.zoom) / 100.0);
        let clock = Clock::system();
        let texts = Texts::new(lang);
        let wake: Wake = {
            let ctx = ctx.clone();
            Arc::new(move || ctx.request_repaint_after(NEWS))
        };
        let data = options.config.as_deref().and_then(Path::parent).map(|folder| folder.join("server"));
        let server = Server::new(options.runtime.clone(), wake.clone(), &settings, data);
        let talk_key = TalkKeys::new(wake.clone(), options.runtime.clone());
        let timetable = Timetable::new(&options.args, clock.now());
        let note = Note::beside(options.config.as_deref());
        let listener = options.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ear = Ear::listen(listener, &options.runtime, wake.clone());
        let notifier = notices::Notifier::new(options.runtime.clone(), wake.clone());
        let mut toasts = Toasts::default();
        if let Some(file) = aside {
            let text = texts.with("toast-settings-damaged", &[("file", file.display().to_string().as_str().into())]);
            toasts.push(toast::Kind::Error, text, None, clock.now());
        }
        let mut app = Self {
            lost: note.take(unix_seconds()),
            note,
            ear,
            awake: Awake::default(),
            notifier,
            focused: true,
            qr_open: false,
            diagnostics: None,
            to_say: options.args.say.clone(),
            partners_to_call: options.args.test_partner,
            options,
            clock,
            wake,
            texts,
            settings,
            store,
            server,
            home: Home::default(),
            page: Page::Home,
            devices: None,
            devices_said: [None, None, None],
            devices_seen: 0,
            devices_open: false,
            trial: None,
            sharing: Sharing::default(),
            toasts,
            switch: None,
            settings_page: SettingsPage::default(),
            asked: None,
            sidebar_forced: false,
            timetable,
            painted: 0,
            unusual: None,
            talk_key,
            trouble_said: None,
            unshown: Slot::new(),
            janitor: Janitor::default(),
        };
        app.sharing.to_share = app.options.args.share(&app.texts);
        app.mention_crash();
        app.start_from_command_line();
        app
    }

    fn main_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let width = ui.available_width();
        let sidebar = match self.page {
            Page::Call(ref session) if session.page.look.is_bare() => false,
            Page::Home | Page::Call(_) => self.sidebar_forced || (self.settings.sidebar && width >= NARROW),
            Page::PreJoin(_) | Page::Starting { .. } | Page::Live(_) | Page::Ended { .. } => false,
        };
        let lists = self.lists();
        let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
        let rooms = self.server.rooms(&self.texts);
        if sidebar {
            let here = if let Page::Call(session) = &self.page { session.room() } else { None };
            sidebar::show(ui, &mut cx, &rooms, here, &mut self.home.search);
        }
        CentralPanel::no_frame().show(ui, |ui| match &mut self.page {
            Page::Home => {
                let server = self.server.view(&self.texts);
                let probe = self.server.probe(&self.texts);
                let view = HomeView {
                    theme: self.settings.theme,
                    choice: self.server.choice(),
                    server: &server,
                    servers: &self.settings.servers,
                    probe: probe.as_ref(),
                    recent: &self.settings.recent,
                    rooms: &rooms,
                    today: unix_seconds(),
                    lost: self.lost.as_ref().map(|lost| &lost.room),
                    sidebar,
                };
                self.home.show(ui, &mut cx, &view);
            }
            Page::PreJoin(preparing) => preparing_ui(ui, &mut cx, preparing, &lists, self.settings.theme),
            Page::Starting { plan, .. } => starting_ui(ui, &cx, plan),
            Page::Call(session) => {
                let key = self.talk_key.state();
                session.show(ui, &mut cx, &self.settings.stage, &key, (sidebar, self.devices_open));
            }
            Page::Live(stage) => {
                let public = self.server.public_address().map(|address| address.authority());
                let rooms = self.server.rooms(&self.texts);
                let ground = live::Ground { theme: self.settings.theme, lists: &lists, rooms: &rooms, public };
                stage.show(ui, &mut cx, &ground);
            }
            Page::Ended { sentence, entered, .. } => ended::show(ui, &mut cx, sentence, *entered),
        });
        if let Some(create) = &mut self.home.create {
            // A name of one's own was never asked for: the devices were not, either.
            create.show(ui.ctx(), &mut cx, &rooms, !self.settings.recent.is_empty());
        }
        self.switch_ui(ui, actions);
        self.devices_ui(ui, actions);
        self.qr_ui(ui, actions);
        self.settings_ui(ui, actions);
        if let Some(dialog) = &mut self.sharing.dialog {
            dialog.show(ui.ctx(), &mut Cx { texts: &self.texts, actions, now: self.clock.now() });
        }
        self.diagnostics_ui(ui, actions);
        let bar = if let Page::Call(session) = &self.page { session.page.bar_end } else { None };
        if let Some(action) = self.toasts.show(ui, &self.texts.t("close"), bar) {
            actions.push(action);
        }
    }

    /// The keys for it change the zoom: it is remembered.
    fn take_zoom(&mut self, ctx: &Context) {
        let percent = (ctx.zoom_factor() * 100.0).round() as u16;
        if percent != self.settings.zoom {
            self.settings.zoom = percent.clamp(*settings::ZOOM.start(), *settings::ZOOM.end());
        }
    }

    fn lists(&self) -> Arc<Lists> {
        self.devices.as_ref().map(|(devices, _)| devices.lists()).unwrap_or_default()
    }

    /// "Leave this room?"
    fn switch_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let Some((to, _)) = &self.switch else { return };
        let Page::Call(session) = &self.page else {
            self.switch = None;
            return;
        };
        let from = session.snapshot().room.as_ref().map_or(session.plan.title(), |r| r.name.as_str());
        let text = self.texts.with("switch-text", &[("from", from.into()), ("to", to.into())]);
        let mut answer = None;
        let modal = egui::Modal::new(egui::Id::unique("switch room")).frame(card::dialog(ui.ctx())).show(ui.ctx(), |ui| {
            ui.set_width(360.0);
            ui.label(RichText::new(self.texts.t("switch-title")).font(theme::strong(size::SUBTITLE)));
            ui.label(text);
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                if ui.add(button::Button::primary(&self.texts.t("switch-confirm"))).clicked() {
                    answer = Some(true);
                }
                if ui.add(button::Button::new(&self.texts.t("cancel"))).clicked() {
                    answer = Some(false);
                }
            });
        });
        if modal.should_close() {
            answer = Some(false);
        }
        if let Some(yes) = answer
            && let Some((_, there)) = self.switch.take()
            && yes
        {
            actions.extend([Action::Leave, there]);
        }
    }

    /// The invite as a picture.
    fn qr_ui(&mut self, ui: &Ui, actions: &mut Vec<Action>) {
        let Page::Call(session) = &self.page else { return };
        if let Some(invite) = session.invite().filter(|_| self.qr_open) {
            let room = session.snapshot().room.as_ref().map_or(session.plan.title(), |room| room.name.as_str());
            let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
            qr::show(ui.ctx(), &mut cx, room, &invite);
        }
    }

    /// The program ended in the middle of something the last time: that is said once, with what helps whoever mends it.
    fn mention_crash(&mut self) {
        let Some(config) = &self.options.config else { return };
        let Some((at, _)) = crash::reports(&crash::folder(config)).pop() else { return };
        if at > self.settings.crash_seen {
            self.settings.crash_seen = at;
            let action = (self.texts.t("diagnostics-open"), Action::Diagnostics(diagnostics::page::Action::Open));
            self.toasts.push(toast::Kind::Error, self.texts.t("toast-crashed"), Some(action), self.clock.now());
        }
    }

    /// What is done with the desktop around the window: later starts, clicks on notices, staying awake.
    fn take_desktop(&mut self, ctx: &Context) {
        // A window that was made small is not always told that another one is in use.
        self.focused = ctx.input(|input| {
            let view = input.viewport();
            let away = view.minimized == Some(true) || view.occluded == Some(true) || view.focused == Some(false);
            input.focused && !away
        });
        if self.focused {
            // Who looks at the window sees who is there; what was said, once the chat is open.
            let read = if let Page::Call(session) = &self.page { session.page.chat_open } else { true };
            self.notifier.withdraw(notices::About::People);
            self.notifier.withdraw(notices::About::Call);
            if read {
                self.notifier.withdraw(notices::About::Chat);
            }
        }
        let mut wanted = self.notifier.take_click();
        while let Some(message) = self.ear.take() {
            wanted = true;
            if let Some(Ok(invite)) = message.link.map(|link| link.parse()) {
                self.join(invite, None);
            }
        }
        if wanted {
            ctx.send_viewport_cmd(ViewportCommand::Minimized(false));
            ctx.send_viewport_cmd(ViewportCommand::Focus);
        }
        let in_call = matches!(self.page, Page::Call(_));
        self.awake.keep(in_call, &self.texts.t("awake-reason"), &mut self.janitor);
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &Context, _frame: &mut eframe::Frame) {
        self.take_events(ctx);
        self.take_devices();
        self.take_answer();
        self.take_diagnostics();
        self.take_desktop(ctx);
        self.take_zoom(ctx);
        self.take_sharing(ctx);
        self.take_talk_key(ctx);
        self.take_trial(ctx);
        self.straighten(ctx);
        // A window that is hidden is not drawn: nobody sees the others then.
        if ctx.input(|input| input.viewport().minimized == Some(true) || input.viewport().occluded == Some(true))
            && let Page::Call(session) = &mut self.page
        {
            for member in session.page.hide() {
                session.send(Command::SetView { member, lines: 0 });
            }
        }
        let now = self.clock.now();
        if let Some(next) = self.toasts.expire(now) {
            ctx.request_repaint_after(next);
        }
        self.timetable.keep(ctx, now, &self.wake);
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut eframe::Frame) {
        self.painted += 1;
        match self.painted {
            1 => ui.ctx().request_repaint(),
            // Now what was drawn the first time is on the screen.
            2 => {
                let after = self.clock.now().saturating_sub(self.options.started);
                tracing::info!(ms = after.as_millis(), "the window is drawn");
            }
            _ => {}
        }
        let mut actions = Vec::new();
        self.main_ui(ui, &mut actions);
        let ctx = ui.ctx().clone();
        for action in actions {
            self.apply(&ctx, action);
        }
    }

    /// The ground of every page: clearing the window with it is cheaper than painting it.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }
}

impl Drop for App {
    /// Leaves the room and stops the server before the process ends.
    fn drop(&mut self) {
        tracing::debug!(self.painted, "the window closes");
        self.save_settings();
        self.note.clear();
        let page = std::mem::replace(&mut self.page, Page::Home);
        drop(page);
        drop(std::mem::take(&mut self.janitor));
        if let Some(host) = self.server.take_host() {
            let stopped = Slot::new();
            let report = stopped.clone();
            self.options.runtime.spawn(async move {
                host.stop().await;
                report.put(());
            });
            if stopped.take_within(Duration::from_secs(3)).is_none() {
                tracing::warn!("the server inside this program did not stop in time");
            }
        }
    }
}

fn preparing_ui(ui: &mut Ui, cx: &mut Cx<'_>, preparing: &mut Preparing, lists: &Lists, theme: settings::Theme) {
    preparing.trial.look(ui.ctx());
    let state = preparing.trial.preview.state();
    // Of a device that one goes on without, nothing has to be said.
    let form = &preparing.form;
    let video_failure = state.video_failure.filter(|_| form.camera).map(|e| errors::source(cx.texts, errors::Part::Camera, &e));
    let audio_failure = state.audio_failure.filter(|_| form.mic).map(|e| errors::source(cx.texts, errors::Part::Mic, &e));
    let view = PreJoinView {
        theme,
        video: &preparing.trial.feed.video,
        opening: state.opening,
        video_failure: video_failure.as_ref(),
        audio_failure: audio_failure.as_ref(),
        level: state.level,
        lists,
    };
    preparing.form.show(ui, cx, &view);
}

fn starting_ui(ui: &mut Ui, cx: &Cx<'_>, plan: &Plan) {
    let key = if matches!(plan.target, prejoin::Target::Create { .. }) { "call-creating" } else { "call-entering" };
    let text = cx.with(key, &[("room", plan.title().into())]);
    ui.add_space(ui.available_height() * 0.45);
    ui.vertical_centered(|ui| ui.label(RichText::new(text).size(size::SUBTITLE).color(theme::palette(ui).text_weak)));
}

/// What the system calls the person, if that is a name.
fn system_user() -> Option<String> {
    let user = std::env::var("USER").or_else(|_| std::env::var("USERNAME")).ok()?;
    crate::proto::name::check(&user).ok().filter(|user| *user != "root").map(str::to_owned)
}

/// The time of day and the date, as seconds since the UNIX epoch.
fn unix_seconds() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

fn set_theme(ctx: &Context, theme: settings::Theme) {
    ctx.set_theme(match theme {
        settings::Theme::System => egui::ThemePreference::System,
        settings::Theme::Light => egui::ThemePreference::Light,
        settings::Theme::Dark => egui::ThemePreference::Dark,
    });
}
