//! What clicks on the first page do.

use super::Action;
use super::create::Create;
use crate::app::crash::Lost;
use crate::app::prejoin::{PreJoin, Target};
use crate::app::settings::{Recent, SavedServer, ServerChoice};
use crate::app::{App, Page, prejoin, unix_seconds};
use crate::base::Secret;
use crate::proto::{Invite, Mode, RoomId};

impl App {
    /// Does what was clicked on the first page.
    pub(in crate::app) fn apply_to_home(&mut self, action: Action) {
        match action {
            Action::CloseCreate => self.home.create = None,
            Action::Created { prepare } => self.created(prepare),
            Action::Test(server) => self.server.test(&server),
            Action::Use(server) => self.use_saved(server),
            Action::ForgetServer(address) => {
                self.settings.forget_server(&address);
                self.use_server(ServerChoice::Here);
            }
            Action::EnterRecent(room) => self.enter_recent(room),
            Action::ForgetRecent(room) => self.settings.forget_room(&room.room, room.server.as_deref()),
            Action::OpenAgain => self.open_again(),
            Action::Rejoin(yes) => {
                if let Some(lost) = self.lost.take().filter(|_| yes) {
                    self.enter_recent(lost.room);
                    if let Page::PreJoin(preparing) = &mut self.page {
                        preparing.form.session = lost.session.map(|session| (lost.name, Secret::new(session)));
                    }
                }
            }
            Action::ShowQr(open) => self.qr_open = open,
        }
    }

    /// Opens the dialog for a new room.
    pub(in crate::app) fn open_create(&mut self, mode: Mode) {
        let name = prejoin::default_room_name(&self.texts, &self.settings.name);
        self.home.create = Some(Create::new(name, mode));
    }

    fn created(&mut self, prepare: bool) {
        let Some(create) = self.home.create.take() else { return };
        let form = create.into_form(&self.settings);
        if prepare {
            self.prepare(form);
        } else {
            self.start_or_prepare(form);
        }
    }

    /// Uses a server that was typed, and remembers it.
    fn use_saved(&mut self, server: SavedServer) {
        let address = server.address.clone();
        self.settings.note_server(server);
        self.use_server(ServerChoice::Address(address));
    }

    /// Uses another server.
    pub(in crate::app) fn use_server(&mut self, choice: ServerChoice) {
        if let ServerChoice::Address(address) = &choice {
            self.settings.address.clone_from(address);
            self.settings.access_key = self.settings.access_key_of(address).unwrap_or_default();
            self.server.set_access_key(self.settings.access_key.clone());
        }
        self.settings.server = choice.clone();
        self.server.choose(choice);
    }

    fn enter_recent(&mut self, recent: Recent) {
        let key = recent.key;
        match recent.server.as_deref().map(str::parse) {
            Some(Ok(server)) => {
                let invite = Invite { server: Some(server), room: RoomId::new(recent.room), key };
                self.join(invite, Some((recent.name, recent.mode)));
            }
            // What was at the server inside this program is there again.
            _ => {
                if *self.server.choice() != ServerChoice::Here {
                    self.use_server(ServerChoice::Here);
                }
                self.join(Invite { server: None, room: RoomId::new(recent.room), key }, Some((recent.name, recent.mode)));
            }
        }
    }

    /// From the page that says that a room is gone: a new one of the same name.
    fn open_again(&mut self) {
        let Page::Ended { plan: Some(plan), .. } = &self.page else { return };
        let (name, mode) = match &plan.target {
            Target::Create { name, mode } => (name.clone(), *mode),
            Target::Enter { shown, .. } => (shown.clone(), plan.mode.unwrap_or(Mode::Multi)),
        };
        let sealed = plan.key.is_some();
        self.go_home();
        self.home.create = Some(Create { sealed, ..Create::new(name, mode) });
    }

    /// From the page before a call back to where one came from.
    pub(in crate::app) fn back(&mut self) {
        let create = match &self.page {
            Page::PreJoin(preparing) => Create::from_form(&preparing.form),
            _ => None,
        };
        self.go_home();
        self.home.create = create;
    }

    /// Remembers the room that has just been entered.
    pub(in crate::app) fn note_room(&mut self) {
        let Page::Call(session) = &self.page else { return };
        let Some(room) = &session.snapshot().room else { return };
        let server = session.plan.server.clone().or_else(|| match self.server.choice() {
            ServerChoice::Here => None,
            ServerChoice::Address(address) => Some(address.clone()),
        });
        let (name, id, mode, called) = (room.name.clone(), room.id.to_string(), room.mode, session.plan.name.clone());
        let room = Recent { name, room: id, mode, server, key: room.invite.key.clone(), at: unix_seconds() };
        let session = session.snapshot().me.session.as_ref().map(|session| session.expose().to_owned());
        self.note.write(&Lost { room: room.clone(), name: called, session });
        self.lost = None;
        self.settings.note_room(room);
        self.save_settings();
    }

    /// Goes in with what is remembered; if that is not enough, the page before the call asks for the rest.
    pub(in crate::app) fn start_or_prepare(&mut self, mut form: PreJoin) {
        if form.name.is_empty() {
            form.name = self.texts.t("guest");
        }
        match prejoin::plan_of(&form, &self.settings) {
            Some(plan) => {
                self.go_home();
                self.ask_server_again(&plan);
                self.start(plan);
            }
            None => self.prepare(PreJoin { strict: true, ..form }),
        }
    }
}
