//! What runs while the page is shown: the sources and the stream that is sent, the stream that is played, the seat or place at the room service.

use super::form::Form;
use super::room::{self, Desk, Hold};
use super::screen::{Screen, Wanted};
use super::studio::{Push, Studio, Target};
use super::words::{self, Side};
use super::{LiveView, PlayView, Program, PushView, RoomView, Show};
use crate::app::call::figures;
use crate::app::call::videos::{Feed, Graphics, Pace};
use crate::app::errors::{self, Part, Remedy, Sentence};
use crate::app::i18n::Texts;
use crate::app::janitor::Janitor;
use crate::app::prejoin::preview::Wake;
use crate::app::settings::{Settings, Theme};
use crate::app::view::{Cx, RoomsView};
use crate::base::{Proxy, ServerClock};
use crate::media::audio::chain::Noise;
use crate::media::devices::Lists;
use crate::media::trouble::{Kind, Trouble};
use crate::media::{address, play};
use crate::proto::{Mode, RoomId};
use egui::Ui;
use std::time::Duration;
use tokio::runtime::Handle;

/// Live rooms that are offered at most.
const MOST_SHOWS: usize = 12;
/// The time that a stream has run is painted this often.
const SECOND: Duration = Duration::from_secs(1);
/// While figures are shown, they are painted at least this often.
const FIGURES: Duration = Duration::from_millis(500);

/// What the page is given from outside.
pub struct Ground<'a> {
    /// Light or dark.
    pub theme: Theme,
    /// Devices to choose from.
    pub lists: &'a Lists,
    /// The room list.
    pub rooms: &'a RoomsView,
    /// `host:port` under which others reach the server in use, where that is another than this computer's own.
    pub public: Option<String>,
}

/// The page and what runs behind it.
pub struct Stage {
    /// The page's fields.
    pub form: Form,
    studio: Studio,
    preview: Feed,
    seat: Option<Hold>,
    /// The address that the server gave to send to.
    given: Option<String>,
    place: Option<Hold>,
    /// A password was given for it.
    with_password: bool,
    /// The address that the server gave to play.
    ticket: Option<String>,
    screen: Option<Screen>,
    /// Why it was stopped.
    stopped: Option<Trouble>,
    picture: Feed,
    pace: Pace,
    noise: Noise,
    speaker: Option<String>,
    /// What stands between this computer and servers, from the next start on.
    proxy: Proxy,
    runtime: Handle,
}

impl Stage {
    /// The page as the settings suggest it; opens the sources.
    pub fn open(texts: &Texts, settings: &Settings, graphics: Graphics, runtime: Handle, wake: Wake) -> Self {
        let form = Form::new(texts, settings);
        let (video, format, audio) = (form.video_source(), form.coding().format(), form.audio_source());
        let studio = Studio::open(video, format, audio, runtime.clone(), wake);
        studio.set_chain(None, settings.noise);
        Self {
            form,
            studio,
            preview: Feed::default(),
            seat: None,
            given: None,
            place: None,
            with_password: false,
            ticket: None,
            screen: None,
            stopped: None,
            picture: Feed::default(),
            pace: Pace::new(graphics),
            noise: settings.noise,
            speaker: settings.speaker.clone(),
            proxy: settings.network.proxy(),
            runtime,
        }
    }

    /// Starts what is started from now on through this.
    pub fn set_proxy(&mut self, proxy: Proxy) {
        self.proxy = proxy;
    }

    /// Uses the sources that are chosen now.
    pub fn choose_sources(&self) {
        self.studio.choose(self.form.video_source(), self.form.coding().format(), self.form.audio_source());
    }

    /// Opens sources that failed once more; without `asked`, only if some did.
    pub fn reopen(&self, asked: bool) {
        let state = self.studio.state();
        if asked || state.video_failure.is_some() || state.audio_failure.is_some() {
            self.studio.try_again();
        }
    }

    /// Whether one is heard is as the page says.
    pub fn switch_mic(&self) {
        self.studio.set_mic(self.form.mic);
    }

    /// Asks for an address to send to.
    pub fn fetch(&mut self, desk: Desk) {
        self.given = None;
        self.seat = Some(Hold::create(desk, self.form.title.trim().to_owned()));
    }

    /// Gives that address up.
    pub fn release(&mut self) {
        (self.seat, self.given) = (None, None);
    }

    /// Sends to the address of the page.
    pub fn start(&self) {
        let url = self.form.push_url.trim().to_owned();
        let clock = held(self.seat.as_ref()).filter(|held| held.url.as_ref() == Some(&url)).map(|held| held.clock);
        let (clock, proxy) = (clock.unwrap_or_default(), self.proxy.clone());
        self.studio.start(Target { url, kbps: self.form.coding().kbps, clock, proxy });
    }

    /// Sends no more.
    pub fn stop(&self) {
        self.studio.stop();
    }

    /// Watches a live room.
    pub fn watch(&mut self, desk: Desk, room: &RoomId, janitor: &mut Janitor) {
        self.stop_playing(janitor);
        let password = self.form.password_for(room);
        self.with_password = password.is_some();
        self.place = Some(Hold::watch(desk, room.to_string(), password));
    }

    /// Plays the address of the page.
    pub fn play(&mut self, janitor: &mut Janitor) {
        let url = self.form.play_url.trim().to_owned();
        if self.ticket.as_ref() != Some(&url) {
            (self.place, self.ticket) = (None, None);
        }
        self.play_url(url, janitor);
    }

    fn play_url(&mut self, url: String, janitor: &mut Janitor) {
        self.put_away_screen(janitor);
        let clock = held(self.place.as_ref()).map_or_else(ServerClock::default, |held| held.clock);
        let (cache, percent, proxy) = (self.form.cache, self.form.percent, self.proxy.clone());
        let wanted = Wanted { url, cache, percent, speaker: self.speaker.clone(), clock, proxy };
        match Screen::start(wanted, self.runtime.clone()) {
            Ok(screen) => {
                self.studio.set_chain(Some(screen.output().reference()), self.noise);
                self.screen = Some(screen);
            }
            Err(error) => self.stopped = Some(Trouble::new(Kind::Broken, error.detail)),
        }
    }

    /// Plays no more.
    pub fn stop_playing(&mut self, janitor: &mut Janitor) {
        self.put_away_screen(janitor);
        (self.place, self.ticket) = (None, None);
    }

    fn put_away_screen(&mut self, janitor: &mut Janitor) {
        self.stopped = None;
        self.picture.video.clear();
        self.studio.set_chain(None, self.noise);
        if let Some(screen) = self.screen.take() {
            janitor.put_away(screen, || {});
        }
    }

    /// Cache and loudness are as the page says.
    pub fn adjust(&self) {
        if let Some(screen) = &self.screen {
            screen.set_cache(self.form.cache);
            screen.set_percent(self.form.percent);
        }
    }

    /// What is worth remembering of what was typed.
    pub fn remember(&self, settings: &mut Settings) {
        let form = &self.form;
        let live = &mut settings.live;
        if self.given.as_deref() != Some(form.push_url.trim()) {
            form.push_url.trim().clone_into(&mut live.push_url);
        }
        if self.ticket.as_deref() != Some(form.play_url.trim()) {
            form.play_url.trim().clone_into(&mut live.play_url);
        }
        (live.preset, live.custom, live.cache, live.percent) = (form.preset, form.custom.sane(), form.cache, form.percent);
        (settings.video, settings.audio) = (form.video_source(), form.audio_source());
    }

    /// Takes what has arrived.
    pub fn poll(&mut self, janitor: &mut Janitor) {
        if let Some(url) = held(self.seat.as_ref()).and_then(|held| held.url)
            && self.given.as_ref() != Some(&url)
        {
            self.form.push_url.clone_from(&url);
            self.form.push_wrong = None;
            self.given = Some(url);
        }
        if let Some(url) = held(self.place.as_ref()).and_then(|held| held.url)
            && self.ticket.as_ref() != Some(&url)
        {
            self.form.play_url.clone_from(&url);
            self.form.play_wrong = None;
            self.ticket = Some(url.clone());
            self.play_url(url, janitor);
        }
        let over = self.screen.as_ref().and_then(|screen| match screen.state() {
            play::State::Closed(trouble) if trouble.kind.is_final() => Some(trouble),
            _ => None,
        });
        if let Some(trouble) = over {
            self.put_away_screen(janitor);
            self.stopped = Some(trouble);
        }
    }

    /// Everything that takes a moment to end, to be put away.
    pub fn into_parts(self) -> (Studio, Option<Screen>) {
        (self.studio, self.screen)
    }

    /// Draws the page.
    pub fn show(&mut self, ui: &mut Ui, cx: &mut Cx<'_>, ground: &Ground<'_>) {
        let state = self.studio.state();
        self.preview.watch(ui.ctx(), self.studio.preview(), &self.pace, Duration::from_millis(25));
        self.preview.update(ui.ctx(), None);
        if let Some(screen) = &self.screen {
            self.picture.watch(ui.ctx(), screen.picture(), &self.pace, Duration::ZERO);
            self.picture.update(ui.ctx(), None);
        }
        let video_failure = state.video_failure.as_ref().map(|error| errors::source(cx.texts, Part::Camera, error));
        let audio_failure = state.audio_failure.as_ref().map(|error| errors::source(cx.texts, Part::Mic, error));
        if video_failure.is_some() || state.opening {
            self.preview.video.clear();
        }
        let now = cx.now;
        let push = match &state.push {
            Push::Off => PushView::Off,
            Push::Connecting => PushView::Connecting,
            Push::Live(since) => {
                ui.ctx().request_repaint_after(SECOND);
                PushView::Live(now.saturating_sub(*since))
            }
            Push::Broken(trouble) => PushView::Broken(words::trouble(cx.texts, Side::Push, trouble)),
            Push::Failed(trouble) => PushView::Failed(words::trouble(cx.texts, Side::Push, trouble)),
        };
        let played = self.played(cx.texts);
        let mut place = room_view(cx.texts, self.place.as_ref());
        if let RoomView::Failed(sentence) = &mut place
            && sentence.remedy == Remedy::Password
            && !self.with_password
        {
            // None was given, so none was wrong.
            sentence.text = cx.t("prejoin-password-asked");
        }
        let (mut push_figures, mut play_figures) = (Vec::new(), Vec::new());
        if self.form.stats {
            if push.runs() {
                push_figures = figures::of_me(cx.texts, &state.stats, state.cpu, now);
            }
            if let Some(screen) = &self.screen {
                play_figures = figures::of_peer(cx.texts, &screen.stats(), now);
            }
            ui.ctx().request_repaint_after(FIGURES);
        }
        let own = self.given.as_deref() == Some(self.form.push_url.trim());
        let parts = address::parts(self.form.push_url.trim(), ground.public.as_deref().filter(|_| own));
        let program = parts.map(|address::Parts { server, key, encrypted }| Program { server, key, encrypted });
        let players = held(self.seat.as_ref()).and_then(|held| {
            let url = held.players.filter(|_| own)?;
            address::ways(&url, ground.public.as_deref(), held.relayed_here)
        });
        let shows = shows(ground.rooms);
        let asked = matches!(&place, RoomView::Failed(sentence) if sentence.remedy == Remedy::Password);
        let locked = self.form.watched.clone().filter(|_| asked);
        let view = LiveView {
            theme: ground.theme,
            lists: ground.lists,
            preview: &self.preview.video,
            opening: state.opening,
            video_failure: video_failure.as_ref(),
            audio_failure: audio_failure.as_ref(),
            level: state.level,
            push: &push,
            push_figures: &push_figures,
            seat: &room_view(cx.texts, self.seat.as_ref()),
            program: program.as_ref(),
            players: players.as_ref(),
            picture: &self.picture.video,
            play: &played,
            play_figures: &play_figures,
            locked: locked.as_ref(),
            place: &place,
            shows: shows.as_deref(),
        };
        super::show(ui, cx, &mut self.form, &view);
    }

    fn played(&self, texts: &Texts) -> PlayView {
        let words = |trouble: &Trouble| words::trouble(texts, Side::Play, trouble);
        match (&self.screen, &self.stopped) {
            (Some(screen), _) => match screen.state() {
                play::State::Connecting => PlayView::Connecting,
                play::State::Playing => match screen.stats().unsupported {
                    Some(codec) => PlayView::Waiting(Sentence {
                        text: texts.t("live-error-nothing"),
                        detail: Some(codec),
                        remedy: Remedy::Nothing,
                    }),
                    None => PlayView::Playing,
                },
                play::State::Stalled => PlayView::Stalled,
                play::State::Closed(trouble) => PlayView::Waiting(words(&trouble)),
            },
            (None, Some(trouble)) if trouble.kind == Kind::Finished => PlayView::Finished,
            (None, Some(trouble)) => PlayView::Failed(words(trouble)),
            (None, None) => PlayView::Off,
        }
    }
}

fn held(hold: Option<&Hold>) -> Option<room::Held> {
    match hold?.state() {
        room::State::Held(held) => Some(held),
        room::State::Asking | room::State::Failed(_) => None,
    }
}

fn room_view(texts: &Texts, hold: Option<&Hold>) -> RoomView {
    match hold.map(Hold::state) {
        None => RoomView::None,
        Some(room::State::Asking) => RoomView::Asking,
        Some(room::State::Held(held)) => RoomView::Held { name: held.name, viewers: held.viewers, flows: held.url.is_some() },
        Some(room::State::Failed(error)) => RoomView::Failed(errors::room(texts, &error)),
    }
}

/// The live rooms of a list.
fn shows(rooms: &RoomsView) -> Option<Vec<Show>> {
    let RoomsView::List(rooms) = rooms else { return None };
    let live = rooms.iter().filter(|room| room.mode == Mode::Live);
    let show =
        |room: &crate::proto::api::RoomSummary| Show { room: room.room.clone(), name: room.name.clone(), locked: room.locked };
    Some(live.map(show).take(MOST_SHOWS).collect())
}
