//! A running call: the [`Call`], the pictures it delivers, the page that shows it, and the test partners called into it.

use super::dialogs::TalkKey;
use super::look::Saved;
use super::page::{CallPage, CallView};
use super::videos::{Graphics, Videos};
use crate::app::devices::part;
use crate::app::errors;
use crate::app::janitor::Janitor;
use crate::app::prejoin::preview::Wake;
use crate::app::prejoin::{self, Target};
use crate::app::view::Cx;
use crate::base::{Secret, SecretKey};
use crate::call::{Call, Command, Config, Ended, Entry, Event, Phase, Snapshot, Speaker, Volume};
use crate::media::audio::chain::Noise;
use crate::media::beauty::Beauty;
use crate::media::capture::{AudioSource, Format, SourceError, SourceErrorKind, VideoSource};
use crate::media::devices::Kind;
use crate::media::play::Smoothness;
use crate::proto::{Address, Mode, RoomId};
use crate::room::Transport;
use crate::ui::Video;
use crate::ui::planes::Painter;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;

/// Everything that is needed to start a call, and to start it again.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which room.
    pub entry: Entry,
    /// What it is called.
    pub target: Target,
    /// Its kind, where that was known before.
    pub mode: Option<Mode>,
    /// The room's key, if it is encrypted from end to end.
    pub key: Option<SecretKey>,
    /// Server of an invite; `None`: the one in use.
    pub server: Option<String>,
    /// Display name.
    pub name: String,
    /// The session in which one has a seat there still.
    pub session: Option<Secret>,
    /// Where one's picture comes from.
    pub video: VideoSource,
    /// Its size and rate; `None`: by the room's kind.
    pub format: Option<Format>,
    /// Its bit rate in kbit/s; `None`: by the room's kind.
    pub kbps: Option<u32>,
    /// File with the picture that is sent while the camera is off; `None`: initials.
    pub pause_image: Option<std::path::PathBuf>,
    /// Where one's sound comes from.
    pub audio: AudioSource,
    /// Where the others' sound goes.
    pub speaker: Option<String>,
    /// Whether a short sound tells that somebody came, is gone or wrote.
    pub chimes: bool,
    /// How the others are played if it is a live room.
    pub smoothness: Smoothness,
    /// How much noise is taken out of one's sound.
    pub noise: Noise,
    /// Whether the others see one as in a mirror.
    pub mirror: bool,
    /// Whether the graphics card works out the colours of pictures.
    pub planes: bool,
    /// How much one's picture is smoothed and lightened.
    pub beauty: Beauty,
    /// How loud people of these names are played.
    pub volumes: BTreeMap<String, Volume>,
    /// Microphone on.
    pub mic: bool,
    /// Camera on.
    pub camera: bool,
}

impl Plan {
    /// What the room is called.
    pub fn title(&self) -> &str {
        match &self.target {
            Target::Create { name, .. } => name,
            Target::Enter { shown, .. } => shown,
        }
    }

    /// The password that was given for it.
    pub fn password(&self) -> Option<String> {
        match &self.entry {
            Entry::Create { password, .. } | Entry::Enter { password, .. } => password.clone(),
        }
    }
}

/// Which server a call is on.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its address.
    pub server: String,
    /// How it is reached.
    pub transport: Transport,
    /// Its access key, where it asks for one.
    pub access_key: Option<String>,
}

/// A running call.
pub struct Session {
    /// What was asked for.
    pub plan: Plan,
    /// What is open on its page.
    pub page: CallPage,
    /// Failures that the person goes on with.
    waved_through: Vec<(Kind, SourceErrorKind)>,
    call: Call,
    place: Place,
    /// Address to write into invites.
    public_address: Option<Address>,
    snapshot: Arc<Snapshot>,
    videos: Videos,
    partners: Vec<Call>,
    runtime: Handle,
    wake: Wake,
}

impl Session {
    /// Starts the call; returns at once. `public_address` replaces the server in invites.
    pub fn start(plan: Plan, place: Place, public_address: Option<Address>, runtime: Handle, wake: Wake) -> Self {
        let mut config = Config::new(place.server.clone(), plan.entry.clone(), plan.name.clone(), runtime.clone());
        config.transport = place.transport.clone();
        config.access_key.clone_from(&place.access_key);
        config.key.clone_from(&plan.key);
        config.session.clone_from(&plan.session);
        config.video = plan.video.clone();
        (config.format, config.kbps) = (plan.format, plan.kbps);
        config.pause_image.clone_from(&plan.pause_image);
        config.audio = plan.audio.clone();
        config.mic = plan.mic;
        config.camera = plan.camera;
        config.speaker = match plan.speaker.as_deref() {
            None => Speaker::Default,
            Some(prejoin::SILENT) => Speaker::Silent,
            Some(device) => Speaker::Device(device.to_owned()),
        };
        config.chimes = plan.chimes;
        config.smoothness = plan.smoothness;
        config.noise = plan.noise;
        config.mirror = plan.mirror;
        config.planes = plan.planes;
        config.beauty = plan.beauty;
        config.volumes.clone_from(&plan.volumes);
        config.on_change = wake.clone();
        let call = Call::start(config);
        let snapshot = call.snapshot();
        Self {
            plan,
            page: CallPage::default(),
            waved_through: Vec::new(),
            call,
            place,
            public_address,
            snapshot,
            videos: Videos::default(),
            partners: Vec::new(),
            runtime,
            wake,
        }
    }

    /// Says what draws the window.
    pub fn drawn_by(&mut self, graphics: Graphics, painter: Option<Painter>) {
        self.videos = Videos::new(graphics, painter);
    }

    /// Takes the newest state; returns what has happened, and why test partners could not come. Those are put away by `janitor`.
    pub fn poll(&mut self, janitor: &mut Janitor) -> (Vec<Event>, Vec<Ended>) {
        self.snapshot = self.call.snapshot();
        if self.page.chat_open {
            self.page.chat.see(&self.snapshot.chat);
        }
        let mut failed = Vec::new();
        for partner in self.partners.extract_if(.., |partner| matches!(partner.snapshot().phase, Phase::Ended(_))) {
            if let Phase::Ended(why) = &partner.snapshot().phase {
                failed.push(why.clone());
            }
            janitor.put_away(partner, || {});
        }
        (self.call.events(), failed)
    }

    /// Says no more about what is wrong with this device, until it is something else.
    pub fn wave_through(&mut self, kind: Kind) {
        let failed = self.device_failures().into_iter().find(|(failed, _)| *failed == kind);
        self.waved_through.extend(failed.map(|(kind, error)| (kind, error.kind)));
    }

    fn device_failures(&self) -> Vec<(Kind, SourceError)> {
        let me = &self.snapshot.me;
        let states = [(Kind::Camera, &me.camera_device), (Kind::Microphone, &me.mic_device), (Kind::Speaker, &me.speaker_device)];
        states.into_iter().filter_map(|(kind, state)| Some((kind, state.failure.clone()?))).collect()
    }

    /// What the call looks like, for those who change the page meanwhile.
    pub fn latest(&self) -> Arc<Snapshot> {
        self.snapshot.clone()
    }

    /// What the call looks like.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// One's own picture.
    pub fn my_picture(&self) -> &Video {
        self.videos.me()
    }

    /// The room one is in.
    pub fn room(&self) -> Option<&RoomId> {
        self.snapshot.room.as_ref().map(|room| &room.id)
    }

    /// The link that brings others here.
    pub fn invite(&self) -> Option<String> {
        let mut invite = self.snapshot.room.as_ref()?.invite.clone();
        if self.public_address.is_some() {
            invite.server = self.public_address.clone();
        }
        Some(invite.to_string())
    }

    /// Hands a wish to the call.
    pub fn send(&self, command: Command) {
        self.call.send(command);
    }

    /// Puts a synthetic member called `name` into the room.
    pub fn call_partner(&mut self, name: String) {
        let Some(room) = self.room().cloned() else { return };
        let mut config = Config::test_partner(self.place.server.clone(), &room, name, self.runtime.clone());
        config.entry = Entry::Enter { room: room.to_string(), password: self.plan.password() };
        config.transport = self.place.transport.clone();
        config.access_key.clone_from(&self.place.access_key);
        config.key.clone_from(&self.plan.key);
        config.on_change = self.wake.clone();
        self.partners.push(Call::start(config));
    }

    /// Test partners called so far.
    pub fn partners(&self) -> usize {
        self.partners.len()
    }

    /// The call and the test partners, to be put away.
    pub fn into_calls(self) -> Vec<Call> {
        self.partners.into_iter().chain([self.call]).collect()
    }

    /// Draws the page.
    pub fn show(
        &mut self,
        ui: &mut egui::Ui,
        cx: &mut Cx<'_>,
        saved: &Saved,
        talk_key: &TalkKey,
        (sidebar, devices): (bool, bool),
    ) {
        let failures = self.device_failures();
        self.waved_through.retain(|waved| failures.iter().any(|(kind, error)| (*kind, error.kind) == *waved));
        let failures: Vec<_> = failures
            .into_iter()
            .filter(|(kind, error)| !self.waved_through.contains(&(*kind, error.kind)))
            .map(|(kind, error)| (kind, errors::source(cx.texts, part(kind), &error)))
            .collect();
        self.videos.update(ui.ctx(), &self.snapshot);
        let invite = self.invite();
        let view = CallView {
            snapshot: &self.snapshot,
            videos: &self.videos,
            camera: matches!(self.plan.video, VideoSource::Camera(_)),
            saved,
            talk_key,
            noise: self.plan.noise,
            title: self.plan.title(),
            creating: matches!(self.plan.entry, Entry::Create { .. }),
            invite: invite.as_deref(),
            partner_coming: self.partners.iter().any(|p| matches!(p.snapshot().phase, Phase::Entering)),
            sidebar,
            devices,
            failures: &failures,
        };
        self.page.show(ui, cx, &view);
    }
}
