//! The thread that owns a call: it turns commands and news into media that runs.
//!
//! It may wait (open, close and join things), which no task of the runtime and no window may. It never waits for the network.

mod looks;
mod record;
mod words;

use super::actor::{Config, Shared};
use super::attention::{ActiveSpeaker, MutedTalk};
use super::awake::Awake;
use super::hearing::Hearing;
use super::peers::{Means, Peers};
use super::quality::{Mine, Reports};
use super::reconcile;
use super::recordings::Recordings;
use super::seat::{self, Ask, Keeper, News};
use super::snapshot::{Line, Me, Room};
use super::sources::{Opened, Round, Sources};
use super::uplink::Uplink;
use super::{Command, Ended, Event, Phase, Snapshot, figures};
use crate::base::{Clock, Secret, ServerClock};
use crate::media::audio::Chime;
use crate::media::capture::{Format, Sound};
use crate::media::encode::audio;
use crate::media::play::Latency;
use crate::media::publish::{self, Publisher};
use crate::media::record::Tap;
use crate::media::seal::StreamKey;
use crate::media::stats::{CpuMeter, History, PublishSample};
use crate::proto::api::{Audio, Login, MessageBody, RoomState, Seat, Sending, Statistics, StreamRules};
use crate::proto::{Address, Invite, MemberId, Mode};
use crate::room::{self, Client};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// How often states are looked at while nothing is about to change, and while something is.
const TICK: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(10));
/// How often somebody is told that there are new figures; in between, whoever looks sees them anyway.
const FIGURES: Duration = Duration::from_millis(500);
/// Figures that somebody waits for are told at once, but not more often than this.
const NUDGE: Duration = Duration::from_secs(1);
/// How long leaving waits for the goodbye, which has a limit of its own.
const GOODBYE: Duration = Duration::from_millis(350);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Input {
    Command(Command),
    News(News),
    Opened(Opened),
}

enum Wake {
    Leave,
    Input(Input),
    Tick,
}

/// The body of the thread.
pub(super) fn run(config: Config, shared: &Shared, inputs: mpsc::Sender<Input>, mut received: mpsc::Receiver<Input>) {
    let clock = ServerClock::new(config.clock.clone());
    let client = match Client::with_clock(&config.server, &config.transport, clock.clone()) {
        Ok(client) => client,
        Err(error) => return shared.end(Ended::Failed(error)),
    };
    let server = client.address().clone();
    let flags = Sending { mic: config.mic, camera: config.camera, ..Sending::default() };
    let ((asks, asked), (sending, flags_seen), (leave, leaving)) =
        (mpsc::channel(seat::ASKS), watch::channel(flags), oneshot::channel());
    let (figures, figures_seen) = watch::channel(Statistics::default());
    let nudge = Arc::new(Notify::new());
    let keeper = Keeper {
        client,
        login: Login { access_key: config.access_key.clone(), ..Login::new(config.name.clone()) },
        entry: config.entry.clone(),
        sealed: config.key.is_some(),
        session: config.session.as_ref().and_then(|session| serde_json::from_str(session.expose()).ok()),
        clock: config.clock.clone(),
        sending: flags_seen,
        figures: figures_seen,
        nudge: nudge.clone(),
        asks: asked,
        leave: leaving,
        news: inputs.clone(),
    };
    let runtime = config.runtime.clone();
    runtime.spawn(seat::keep(keeper));
    let watching = runtime.spawn(room::network::watch());
    let mut actor = Actor::new(config, shared, server, clock, asks, (sending, figures, nudge), inputs);
    let mut ended = None;
    while ended.is_none() {
        ended = match runtime.block_on(next(shared, &mut received, actor.tick_length())) {
            Wake::Leave => Some(Ended::Left),
            Wake::Input(Input::News(News::Over(ended))) => Some(ended),
            Wake::Input(input) => {
                actor.handle(input);
                None
            }
            Wake::Tick => None,
        };
        actor.tick();
    }
    watching.abort();
    // The goodbye is said while the media stops.
    let _ = leave.send(());
    actor.stop();
    let goodbye = async { while !matches!(received.recv().await, None | Some(Input::News(News::Over(_)))) {} };
    if matches!(ended, Some(Ended::Left)) && runtime.block_on(async { timeout(GOODBYE, goodbye).await }).is_err() {
        tracing::info!("left without a goodbye");
    }
    shared.end(ended.unwrap_or(Ended::Left));
}

async fn next(shared: &Shared, received: &mut mpsc::Receiver<Input>, tick: Duration) -> Wake {
    tokio::select! {
        biased;
        () = shared.leave.cancelled() => Wake::Leave,
        input = received.recv() => input.map_or(Wake::Leave, Wake::Input),
        () = sleep(tick) => Wake::Tick,
    }
}

/// Everything that a call owns.
struct Actor<'a> {
    shared: &'a Shared,
    config: Config,
    clock: Clock,
    server_clock: ServerClock,
    /// For invites.
    server: Address,
    started: Duration,
    asks: mpsc::Sender<Ask>,
    sending: watch::Sender<Sending>,
    /// What the next heartbeat tells.
    figures: watch::Sender<Statistics>,
    /// Has it told at once.
    nudge: Arc<Notify>,
    /// When that was last done, and whether it is to be done.
    nudged: Option<Duration>,
    nudging: bool,
    /// What the others tell of one's stream, and whether it is in trouble.
    reports: Reports,
    mine: Mine,
    phase: Phase,
    room: Option<Room>,
    member: Option<MemberId>,
    /// For whoever wants the same seat again.
    session: Option<Secret>,
    sources: Sources,
    publisher: Option<Publisher>,
    uplink: Uplink,
    awake: Awake,
    /// The last minute of one's own stream, whichever publisher sent it.
    history: History<PublishSample>,
    cpu: CpuMeter,
    /// Where the packets of one's own stream can be had, and what is done with everybody's.
    tap: Tap,
    recordings: Recordings,
    /// How one's stream has to be made.
    rules: StreamRules,
    /// Whether the room service was told that the stream flows, where it asks for that.
    announced: bool,
    /// Which openings of camera and microphone the publisher has.
    connected: [Option<Round>; 2],
    hearing: Hearing,
    peers: Peers,
    speaker: ActiveSpeaker,
    muted_talk: MutedTalk,
    /// Whether the room service thinks that one is there.
    seat_held: bool,
    chat: VecDeque<Line>,
    /// Whether there is something new to show, and when figures were shown last.
    changed: bool,
    shown: Duration,
}

impl<'a> Actor<'a> {
    fn new(
        config: Config,
        shared: &'a Shared,
        server: Address,
        server_clock: ServerClock,
        asks: mpsc::Sender<Ask>,
        (sending, figures, nudge): (watch::Sender<Sending>, watch::Sender<Statistics>, Arc<Notify>),
        inputs: mpsc::Sender<Input>,
    ) -> Self {
        let clock = config.clock.clone();
        let now = clock.now();
        let sources = Sources::new(&config, inputs);
        let (hearing, event) = Hearing::open(config.speaker.clone(), clock.clone());
        event.into_iter().for_each(|event| shared.tell(event));
        sources.chain().set_reference(hearing.reference());
        Self {
            shared,
            clock,
            server_clock,
            server,
            started: now,
            asks,
            sending,
            figures,
            nudge,
            nudged: None,
            nudging: false,
            reports: Reports::default(),
            mine: Mine::default(),
            phase: Phase::Entering,
            room: None,
            member: None,
            session: None,
            sources,
            publisher: None,
            uplink: Uplink::new(),
            awake: Awake::new(now, SystemTime::now()),
            history: History::default(),
            cpu: CpuMeter::default(),
            tap: Tap::default(),
            recordings: Recordings::new(config.clock.clone()),
            rules: StreamRules::default(),
            announced: false,
            connected: [None; 2],
            hearing,
            peers: Peers::default(),
            speaker: ActiveSpeaker::default(),
            muted_talk: MutedTalk::default(),
            seat_held: false,
            chat: VecDeque::new(),
            changed: true,
            shown: now,
            config,
        }
    }

    /// Short while something is awaited that only shows when one looks.
    fn tick_length(&self) -> Duration {
        match self.publisher.as_ref().map(Publisher::state) {
            Some(publish::State::Connecting) => TICK.1,
            None if self.uplink.waits() => TICK.1,
            _ => TICK.0,
        }
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Command(command) => self.command(command),
            Input::News(news) => self.news(news),
            Input::Opened(opened) => self.opened(opened),
        }
        self.changed = true;
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::SetMic(on) => self.sources.set_mic(on),
            Command::SetCamera(on) => self.sources.set_camera(on),
            Command::SetVideoSource(source) => self.sources.set_video_source(source),
            Command::SetAudioSource(source) => self.sources.set_audio_source(source),
            Command::SetSpeaker(device) => {
                let (other, event) = self.hearing.choose(device);
                event.into_iter().for_each(|event| self.shared.tell(event));
                if other {
                    self.sources.chain().set_reference(self.hearing.reference());
                    if let Some(means) = self.means() {
                        self.peers.restart(&means);
                    }
                }
            }
            Command::TestSpeaker => self.hearing.test_speaker(),
            Command::TestMic => self.hearing.test_mic(self.sources.sound()),
            Command::Share(share) => self.sources.share(share),
            Command::StopShare => self.sources.stop_share(),
            Command::RetryCamera => self.sources.retry_camera(),
            Command::RetryMic => self.sources.retry_mic(),
            Command::SetChimes(on) => self.config.chimes = on,
            Command::SetNoise(noise) => self.sources.chain().set_noise(noise),
            Command::SetMirror(on) => self.sources.set_mirror(on),
            Command::SetBeauty(beauty) => self.sources.beauty().set(beauty),
            Command::SetVolume { member, volume } => {
                if let Some(name) = self.peers.set_volume(&member, volume) {
                    self.config.volumes.insert(name, volume);
                }
            }
            Command::SetView { member, lines } => self.nudging |= self.peers.set_lines(&member, lines),
            Command::Record { what, place } => self.record(what, place),
            Command::StopRecording(what) => self.recordings.stop(&what),
            Command::TakeSnapshot { of, folder } => self.take_snapshot(of.as_ref(), folder),
            Command::SendText(text) => self.say(text),
            Command::SendCustom { command, data } => self.ask(Ask::Send(MessageBody::Custom { command, data })),
            Command::RetryNow => {
                self.uplink.hurry();
                self.peers.hurry();
                self.ask(Ask::RetryNow);
            }
            Command::Dissolve => self.ask(Ask::Dissolve),
            Command::RequestMute(member) => self.ask(Ask::RequestMute(member)),
            Command::RemoveMember(member) => self.ask(Ask::RemoveMember(member)),
        }
        self.connect_sources();
    }

    fn news(&mut self, news: News) {
        match news {
            News::Seated(seat, session) => {
                self.session = session.and_then(|session| serde_json::to_string(&session).ok()).map(Secret::new);
                self.seated(*seat);
            }
            News::State(state) => self.state(&state),
            News::Happened(events) => events.into_iter().for_each(|event| self.happened(event)),
            News::Lost { next_try, tries } => {
                let since = match self.phase {
                    Phase::Reconnecting { since, .. } => since,
                    _ => {
                        self.shared.tell(Event::Reconnecting);
                        self.clock.now()
                    }
                };
                self.phase = Phase::Reconnecting { since, next_try, tries };
                self.seat_held = false;
            }
            News::NotSent(MessageBody::Text { text }, error) => self.not_said(text, error),
            News::NotSent(MessageBody::Custom { command, .. }, error) => {
                tracing::warn!(command, %error, "a message was not sent")
            }
            News::Received(told) => self.reports.take(told, self.clock.now()),
            News::Said(messages) => self.said(messages),
            News::Refused(error) => self.shared.tell(Event::Refused(error)),
            News::Over(_) => {}
        }
    }

    /// The stream goes to the seat's address; the others are played at once, without waiting for it.
    fn seated(&mut self, seat: Seat) {
        let mode = seat.state.mode;
        let first = self.room.is_none();
        let same_seat = self.member.as_ref() == Some(&seat.member);
        // One that is on its way back goes on, too.
        let runs = self.publisher.as_ref().is_some_and(|p| !matches!(p.state(), publish::State::Closed(_)));
        if !first {
            self.peers.expect_returns(self.clock.now());
        }
        let (width, height, fps, kbps) = reconcile::quality(mode);
        let format = self.config.format.unwrap_or(Format { width, height, fps });
        if first {
            self.sources.start(format);
        }
        self.uplink.aim(publish::Config {
            url: seat.publish_url.clone(),
            format,
            kbps: self.config.kbps.unwrap_or(kbps),
            audio: match seat.stream.audio {
                Audio::Opus => audio::Codec::Opus,
                Audio::Aac => audio::Codec::Aac,
            },
            repeat_every: seat.stream.repeat_every_ms.map(|ms| Duration::from_millis(ms.into())),
            clock: self.server_clock.clone(),
            runtime: self.config.runtime.clone(),
            proxy: self.config.transport.proxy.clone(),
            history: self.history.clone(),
            tap: self.tap.clone(),
            seal: self.config.key.clone().map(|key| StreamKey::new(key, seat.member.as_str())),
        });
        if !(same_seat && runs) {
            // The old one goes first: the server takes one publisher a stream.
            self.publisher = None;
            self.publish();
        }
        self.seat_held = true;
        self.rules = seat.stream;
        self.announced = false;
        self.member = Some(seat.member.clone());
        let invite = Invite { server: Some(self.server.clone()), room: seat.room.clone(), key: self.config.key.clone() };
        let mine = seat.state.creator == seat.member;
        self.room = Some(Room { id: seat.room, name: seat.state.name.clone(), mode, cap: seat.state.cap, mine, invite });
        self.state(&seat.state);
    }

    fn state(&mut self, state: &RoomState) {
        let (Some(me), Some(means)) = (self.member.clone(), self.means()) else { return };
        let events = self.peers.apply(state, &me, &means, self.clock.now());
        for event in events {
            match &event {
                Event::PeerJoined { .. } => self.ring(Chime::Joined),
                Event::PeerLeft { .. } => self.ring(Chime::Left),
                other => self.note_recorder(other),
            }
            self.shared.tell(event);
        }
    }

    fn ring(&self, chime: Chime) {
        if let Some(output) = self.hearing.output().filter(|_| self.config.chimes) {
            chime.ring(output);
        }
    }

    fn opened(&mut self, opened: Opened) {
        if let Some(event) = self.sources.take(opened) {
            self.shared.tell(event);
        }
        self.connect_sources();
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        self.watch_clocks(now);
        self.watch_publisher();
        self.publish();
        self.watch_quality(now);
        for event in self.sources.watch() {
            self.shared.tell(event);
        }
        self.connect_sources();
        if self.muted_talk.update(self.sources.sending().mic, self.sources.chain().is_speaking(), now) {
            self.shared.tell(Event::TalkingWhileMuted);
        }
        for event in self.peers.expire(now) {
            self.shared.tell(event);
            self.changed = true;
        }
        for event in self.peers.unreadable() {
            self.shared.tell(event);
        }
        for event in self.hearing.watch() {
            self.shared.tell(event);
        }
        self.watch_recordings();
        let snapshot = self.snapshot(now);
        self.shared.show(snapshot);
        if self.changed || now.saturating_sub(self.shown) >= FIGURES {
            self.changed = false;
            self.shown = now;
            let measured = self.measured();
            self.figures.send_replace(measured);
            // Somebody's picture is shown larger: whoever sends it should know before the next heartbeat is due.
            if self.nudging && self.nudged.is_none_or(|at| now.saturating_sub(at) >= NUDGE) {
                (self.nudged, self.nudging) = (Some(now), false);
                self.nudge.notify_one();
            }
            self.shared.on_change();
        }
    }

    /// Starts the stream if none runs and one is due.
    fn publish(&mut self) {
        if self.publisher.is_none()
            && let Some(config) = self.uplink.due(self.clock.now())
        {
            self.connected = [None; 2];
            self.publisher = Some(Publisher::start(config));
            self.connect_sources();
        }
    }

    /// Hands the sources that are open and switched on to the publisher, and tells the others what one sends.
    fn connect_sources(&mut self) {
        if let Some(publisher) = &self.publisher {
            let [video, sound] = self.sources.rounds();
            // Connecting again what is connected would cost what is on its way.
            if self.connected[0].replace(video) != Some(video) {
                publisher.set_video(self.sources.video());
                publisher.set_system_sound(self.sources.system_sound());
            }
            if self.connected[1].replace(sound) != Some(sound) {
                publisher.set_sound(self.sources.sound());
            }
            publisher.set_mic(self.sources.sending().mic);
        }
        let flags = Sending { recording: self.recordings.any(), ..self.sources.sending() };
        self.sending.send_if_modified(|old| std::mem::replace(old, flags) != flags);
    }

    fn means(&self) -> Option<Means> {
        Some(Means {
            output: self.hearing.output()?.clone(),
            clock: self.server_clock.clone(),
            runtime: self.config.runtime.clone(),
            proxy: self.config.transport.proxy.clone(),
            key: self.config.key.clone(),
            latency: self.latency(),
            planes: self.config.planes,
            sync: self.config.sync,
            start: self.started,
            volumes: self.config.volumes.clone(),
        })
    }

    /// How late the others are played on purpose.
    fn latency(&self) -> Latency {
        let live = self.room.as_ref().is_some_and(|room| room.mode == Mode::Live);
        let usual = if live { Latency::Live(self.config.smoothness) } else { Latency::Call };
        self.config.latency.unwrap_or(usual)
    }

    fn ask(&self, ask: Ask) {
        if let Err(error) = self.asks.try_send(ask) {
            tracing::warn!(%error, "the room service's task does not listen");
        }
    }

    fn measured(&mut self) -> Statistics {
        let live = self.publisher.as_ref().filter(|publisher| publisher.state() == publish::State::Live).map(Publisher::stats);
        figures::statistics(live.as_ref(), self.peers.figures(), self.cpu.measure(self.clock.now()))
    }

    fn snapshot(&mut self, now: Duration) -> Snapshot {
        let Sending { mic, camera, .. } = self.sources.sending();
        let stats = self.publisher.as_ref().map(Publisher::stats).unwrap_or_default();
        let (camera_device, mic_device) = self.sources.states();
        let me = Me {
            session: self.session.clone(),
            member: self.member.clone(),
            name: self.config.name.clone(),
            mic,
            camera,
            sharing: self.sources.shared(),
            preview: self.sources.preview(),
            level: self.sources.level(),
            camera_device,
            mic_device,
            speaker_device: self.hearing.state(),
            mic_check: self.hearing.mic_check(),
            stats,
            trouble: self.mine.trouble(),
            cpu: self.cpu.measure(self.clock.now()),
            recordings: self.recordings.show(),
            beauty: self.sources.beauty().wanted(),
            beauty_cost: self.sources.beauty().cost(),
        };
        let peers = self.peers.show(self.mine.trouble(), now);
        let mine = me.member.as_ref().filter(|_| mic).zip(self.sources.sound().map(Sound::level));
        let others = peers.iter().map(|peer| (&peer.member, if peer.mic { peer.stats.sound.rms } else { 0.0 }));
        let speaker = self.speaker.update(mine.into_iter().chain(others), self.clock.now()).cloned();
        Snapshot {
            phase: self.phase.clone(),
            room: self.room.clone(),
            me,
            peers,
            speaker,
            chat: self.chat.iter().cloned().collect(),
        }
    }

    /// Stops all media, side by side.
    fn stop(&mut self) {
        for event in self.recordings.close() {
            self.shared.tell(event);
        }
        let (publisher, output) = (self.publisher.take(), self.hearing.close());
        let (peers, sources) = (&mut self.peers, &mut self.sources);
        std::thread::scope(|scope| {
            scope.spawn(move || drop(publisher));
            scope.spawn(move || sources.close());
            peers.clear();
        });
        drop(output);
    }
}
