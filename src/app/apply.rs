//! What clicks do.

use super::call::session::{Place, Plan, Session};
use super::devices::Trial;
use super::i18n::Lang;
use super::prejoin::sealed::Sealed;
use super::prejoin::{self, PreJoin, Target};
use super::view::Action;
use super::{App, Page, Preparing};
use crate::base::SecretKey;
use crate::call::Command;
use crate::media::devices::Devices;
use crate::proto::api::RoomSummary;
use crate::proto::{Invite, Mode};
use crate::ui::{fonts, toast};
use egui::Context;

impl App {
    /// Does what was clicked.
    pub(super) fn apply(&mut self, ctx: &Context, action: Action) {
        match action {
            Action::SetLang(lang) => {
                self.settings.lang = Some(lang);
                self.speak(ctx, Some(lang));
            }
            Action::SetTheme(theme) => self.choose_theme(ctx, theme),
            Action::ShowSidebar(show) => {
                self.settings.sidebar = show;
                self.sidebar_forced = show;
            }
            Action::UseServer(choice) => self.use_server(choice),
            Action::RefreshRooms => self.server.refresh(),
            Action::Copy { text, said } => {
                ctx.copy_text(text);
                self.toasts.push(toast::Kind::Success, said, None, self.clock.now());
            }
            Action::New(mode) => self.open_create(mode),
            Action::First(action) => self.apply_to_home(action),
            Action::Settings(action) => self.apply_to_settings(ctx, action),
            Action::Diagnostics(action) => self.apply_to_diagnostics(ctx, action),
            Action::Join(invite) => self.join(invite, None),
            Action::Enter(room) => self.enter(room),
            Action::Home => self.go_home(),
            Action::Back => self.back(),
            Action::Start => self.start_from_page(),
            Action::Reopen => self.reopen(),
            Action::TryAgain => self.try_again(),
            Action::OpenDevices(_)
            | Action::Choose(..)
            | Action::TestSpeaker
            | Action::TestMic
            | Action::RetryDevice(_)
            | Action::Without(_) => self.apply_to_devices(action),
            Action::ToggleChat | Action::ToggleStats => self.toggle(&action),
            Action::SetMic(on) => {
                if let Page::Call(session) = &mut self.page {
                    session.page.talk.switched();
                }
                self.command(Command::SetMic(on));
            }
            Action::Talk(on) => self.command(Command::SetMic(on)),
            Action::Stage(act) => self.arrange(ctx, act),
            Action::SetCamera(on) => self.command(Command::SetCamera(on)),
            Action::SetVolume { member, name, volume } => {
                self.settings.set_volume(name, volume);
                self.command(Command::SetVolume { member, volume });
            }
            Action::SetBeauty(beauty) => {
                self.settings.beauty = beauty;
                self.command(Command::SetBeauty(beauty));
            }
            Action::SetNoise(noise) => {
                self.settings.noise = noise;
                if let Page::Call(session) = &mut self.page {
                    session.plan.noise = noise;
                }
                self.command(Command::SetNoise(noise));
            }
            Action::SetView { member, lines } => return self.command(Command::SetView { member, lines }),
            Action::Say(text) => self.command(Command::SendText(text)),
            Action::Record(action) => self.apply_record(action),
            Action::Share(action) => return self.apply_share(ctx, action),
            Action::RetryNow => self.command(Command::RetryNow),
            Action::CallPartner => self.call_partner(),
            Action::Live(action) => self.apply_to_live(action),
            Action::Leave => {
                self.go_home();
                self.server.refresh();
            }
        }
        self.save_settings();
    }

    /// What the flags of the command line ask for.
    pub(super) fn start_from_command_line(&mut self) {
        let args = &self.options.args;
        let (target, server, key) = if let Some(name) = args.create.clone() {
            (Target::Create { name, mode: args.mode }, None, args.sealed.then(SecretKey::random))
        } else if let Some(room) = args.enter.clone() {
            (Target::Enter { shown: room.clone(), room }, None, None)
        } else if let Some(invite) = args.join.clone() {
            (
                Target::Enter { room: invite.room.to_string(), shown: invite.room.to_string() },
                invite.server.map(|s| s.to_string()),
                invite.key,
            )
        } else {
            if args.live || args.push.is_some() || args.play.is_some() {
                self.apply_to_live(super::live::Action::Open);
                return;
            }
            // A link that the system opened leads to the page before the call.
            if let Some(invite) = args.link.clone() {
                self.join(invite, None);
            }
            return;
        };
        let mut form = PreJoin::new(target, &self.settings);
        form.password = args.password.clone().unwrap_or_default();
        form.server = server;
        form.sealed = Sealed::of(key);
        (form.mic, form.camera) = (!args.mute, !args.no_video);
        self.start_or_prepare(form);
    }

    /// Speaks a language from now on; `None`: the system's.
    pub(super) fn speak(&mut self, ctx: &Context, lang: Option<Lang>) {
        let lang = lang.unwrap_or_else(Lang::of_system);
        self.texts = super::i18n::Texts::new(lang);
        fonts::set_locale(ctx, lang.tag(), self.options.system_fonts);
    }

    /// To the page before the call into the room of an invite, of which name and kind may be known.
    pub(super) fn join(&mut self, invite: Invite, known: Option<(String, Mode)>) {
        if matches!(self.page, Page::Call(_)) {
            self.switch = Some((invite.room.to_string(), Action::Join(invite)));
            return;
        }
        // Another server is used for this call only: one's own choice of server, and its room list, stay.
        let server = invite.server.filter(|server| !self.server.is_at(server)).map(|server| server.to_string());
        let room = invite.room.to_string();
        let (shown, mode) = known.map_or((room.clone(), None), |(name, mode)| (name, Some(mode)));
        let form = PreJoin::new(Target::Enter { shown, room }, &self.settings);
        self.prepare(PreJoin { server, mode, sealed: Sealed::of(invite.key), ..form });
    }

    fn enter(&mut self, room: RoomSummary) {
        if matches!(self.page, Page::Call(_)) {
            self.switch = Some((room.name.clone(), Action::Enter(room)));
            return;
        }
        let mut form = PreJoin::new(Target::Enter { room: room.room.to_string(), shown: room.name }, &self.settings);
        form.locked = room.locked;
        form.sealed = Sealed::without_key(room.sealed);
        form.mode = Some(room.mode);
        self.prepare(form);
    }

    /// Shows the page before a call and opens the devices.
    pub(super) fn prepare(&mut self, form: PreJoin) {
        self.go_home();
        // What is open already need not be opened again.
        let mut trial = self.trial.take().unwrap_or_else(|| Trial::new(self.wake.clone()));
        trial.preview.open(form.video_source(), form.audio_source());
        self.page = Page::PreJoin(Box::new(Preparing { form, trial }));
        self.home.join.clear();
        self.watch_devices();
    }

    /// Keeps a list of the devices from now on, until the first page is shown again.
    pub(super) fn watch_devices(&mut self) {
        let wake = self.wake.clone();
        self.devices.get_or_insert_with(|| {
            let devices = Devices::watch();
            let listening = devices.on_change(move || wake());
            (devices, listening)
        });
    }

    pub(super) fn reopen(&mut self) {
        if let Page::PreJoin(preparing) = &mut self.page {
            preparing.trial.feed.video.clear();
            preparing.trial.preview.open(preparing.form.video_source(), preparing.form.audio_source());
        } else if let Some(trial) = &mut self.trial {
            trial.feed.video.clear();
            trial.preview.open(self.settings.video.clone(), self.settings.audio.clone());
        }
    }

    /// From the page before a call into the call: first the devices are given back, so that the call can have them.
    fn start_from_page(&mut self) {
        let Page::PreJoin(preparing) = std::mem::replace(&mut self.page, Page::Home) else { return };
        let Preparing { form, trial } = *preparing;
        let devices = trial.preview.close(&mut self.janitor);
        let Some(plan) = prejoin::plan_of(&form, &self.settings) else { return };
        self.settings.name.clone_from(&plan.name);
        self.settings.video = plan.video.clone();
        self.settings.pause_image.clone_from(&form.pause_image);
        self.settings.audio = plan.audio.clone();
        self.settings.speaker.clone_from(&plan.speaker);
        self.settings.smoothness = plan.smoothness;
        self.settings.noise = plan.noise;
        self.ask_server_again(&plan);
        self.page = Page::Starting { plan: Box::new(plan), devices: Some(devices) };
    }

    /// A server that did not answer earlier may be there by now: what is known of it is no reason to refuse a call.
    pub(super) fn ask_server_again(&mut self, plan: &Plan) {
        if plan.server.is_none() && self.server.failure(&self.texts).is_some() {
            self.server.choose(self.server.choice().clone());
        }
    }

    /// Starts the call, as soon as there is a server.
    pub(super) fn start(&mut self, mut plan: Plan) {
        plan.planes = self.options.painter.is_some();
        if let Some(sentence) = self.server.failure(&self.texts).filter(|_| plan.server.is_none()) {
            self.page = Page::Ended { sentence, plan: Some(Box::new(plan)), entered: false };
            return;
        }
        let Some(address) = plan.server.clone().or_else(|| self.server.address()) else {
            self.page = Page::Starting { plan: Box::new(plan), devices: None };
            return;
        };
        let public = self.server.public_address().filter(|_| plan.server.is_none()).cloned();
        let transport = match &plan.server {
            Some(_) => self.settings.network.transport(),
            None => self.server.transport(),
        };
        // An invite's server is told nothing of another one's key.
        let key = match &plan.server {
            Some(server) => self.settings.access_key_of(server),
            None => self.server.access_key(),
        };
        let at = Place { server: address, transport, access_key: key };
        let mut session = Session::start(plan, at, public, self.options.runtime.clone(), self.wake.clone());
        session.drawn_by(self.options.graphics, self.options.painter.clone());
        session.page.stats = self.options.args.stats;
        if self.options.args.chat {
            session.page.toggle_chat();
        }
        self.page = Page::Call(Box::new(session));
        self.watch_devices();
    }

    fn try_again(&mut self) {
        match std::mem::replace(&mut self.page, Page::Home) {
            Page::Ended { plan: Some(plan), .. } => {
                self.ask_server_again(&plan);
                self.start(*plan);
            }
            page => {
                self.page = page;
                self.server.choose(self.server.choice().clone());
            }
        }
    }

    fn toggle(&mut self, action: &Action) {
        if let Page::Call(session) = &mut self.page {
            match action {
                Action::ToggleChat => session.page.toggle_chat(),
                _ => session.page.stats = !session.page.stats,
            }
        }
    }

    pub(super) fn command(&mut self, command: Command) {
        if let Page::Call(session) = &self.page {
            session.send(command);
        }
    }

    pub(super) fn call_partner(&mut self) {
        if let Page::Call(session) = &mut self.page {
            let name = self.texts.t("call-partner-name");
            let name = if session.partners() == 0 { name } else { format!("{name} {}", session.partners() + 1) };
            session.call_partner(name);
        }
    }

    /// Shows the first page; a running call or preview is put away.
    pub(super) fn go_home(&mut self) {
        self.say_goodbye_to_recordings();
        match std::mem::replace(&mut self.page, Page::Home) {
            Page::Call(session) => drop(self.janitor.put_away(session.into_calls(), || {})),
            Page::PreJoin(preparing) => drop(preparing.trial.preview.close(&mut self.janitor)),
            Page::Live(stage) => drop(self.janitor.put_away(stage.into_parts(), || {})),
            Page::Home | Page::Starting { .. } | Page::Ended { .. } => {}
        }
        self.devices_open = false;
        self.home.create = None;
        self.qr_open = false;
        self.note.clear();
        if let Some(devices) = self.devices.take() {
            self.janitor.put_away(devices, || {});
        }
    }

    pub(super) fn save_settings(&mut self) {
        if let Err(error) = self.store.save(&self.settings) {
            let text = self.texts.with("toast-settings-unsaved", &[("reason", error.to_string().as_str().into())]);
            self.toasts.push(toast::Kind::Error, text, None, self.clock.now());
        }
    }
}
