//! The thread that owns a call: it turns commands and news into media that runs.
//!
//! It may wait (open, close and join things), which no task of the runtime and no window may. It never waits for the network.

use super::actor::{Config, Shared};
use super::peers::Peers;
use super::seat::{self, Ask, Keeper, News};
use super::snapshot::{Line, MAX_LINES, Me, Room};
use super::{Command, Ended, Event, Phase, Snapshot};
use crate::base::{Clock, ServerClock, Slot};
use crate::media::frame::Rgba;
use crate::proto::api::{MessageBody, RoomState, Seat, Sending};
use crate::proto::{self, EventKind, Invite, MemberId};
use crate::room::Client;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// How often states are looked at.
const TICK: Duration = Duration::from_millis(100);
/// How often figures are shown anew.
const FIGURES: Duration = Duration::from_millis(500);
/// How long leaving waits for the goodbye, which has a limit of its own.
const GOODBYE: Duration = Duration::from_millis(350);

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Input {
    Command(Command),
    News(News),
}

enum Wake {
    Leave,
    Input(Input),
    Tick,
}

/// The body of the thread.
pub(super) fn run(config: Config, shared: &Shared, inputs: mpsc::Sender<Input>, mut received: mpsc::Receiver<Input>) {
    let clock = ServerClock::new(config.clock.clone());
    let client = match Client::with_clock(&config.server, clock.clone()) {
        Ok(client) => client,
        Err(error) => return shared.end(Ended::Failed(error)),
    };
    let server = client.server().to_owned();
    let flags = Sending { mic: config.mic, camera: config.camera };
    let ((asks, asked), (sending, flags_seen), (leave, leaving)) =
        (mpsc::channel(seat::ASKS), watch::channel(flags), oneshot::channel());
    let keeper = Keeper {
        client,
        name: config.name.clone(),
        entry: config.entry.clone(),
        clock: config.clock.clone(),
        sending: flags_seen,
        asks: asked,
        leave: leaving,
        news: inputs,
    };
    let runtime = config.runtime.clone();
    runtime.spawn(seat::keep(keeper));
    let mut actor = Actor::new(config, shared, server, asks, sending);
    let mut ended = None;
    while ended.is_none() {
        ended = match runtime.block_on(next(shared, &mut received, TICK)) {
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
    /// `host:port`, for invites.
    server: String,
    asks: mpsc::Sender<Ask>,
    sending: watch::Sender<Sending>,
    phase: Phase,
    room: Option<Room>,
    member: Option<MemberId>,
    preview: Slot<Rgba>,
    peers: Peers,
    chat: VecDeque<Line>,
    /// Whether there is something new to show, and when figures were shown last.
    changed: bool,
    shown: Duration,
}

impl<'a> Actor<'a> {
    fn new(config: Config, shared: &'a Shared, server: String, asks: mpsc::Sender<Ask>, sending: watch::Sender<Sending>) -> Self {
        let clock = config.clock.clone();
        let now = clock.now();
        Self {
            shared,
            clock,
            server,
            asks,
            sending,
            phase: Phase::Entering,
            room: None,
            member: None,
            preview: Slot::new(),
            peers: Peers::default(),
            chat: VecDeque::new(),
            changed: true,
            shown: now,
            config,
        }
    }

    fn handle(&mut self, input: Input) {
        match input {
            Input::Command(command) => self.command(command),
            Input::News(news) => self.news(news),
        }
        self.changed = true;
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::SetMic(on) => drop(self.sending.send_if_modified(|s| std::mem::replace(&mut s.mic, on) != on)),
            Command::SetCamera(on) => drop(self.sending.send_if_modified(|s| std::mem::replace(&mut s.camera, on) != on)),
            Command::SetVideoSource(_) | Command::SetAudioSource(_) | Command::SetSpeaker(_) => {}
            Command::SendText(text) => self.say(MessageBody::Text { text }),
            Command::SendCustom { command, data } => self.say(MessageBody::Custom { command, data }),
            Command::RetryNow => self.ask(Ask::RetryNow),
            Command::Dissolve => self.ask(Ask::Dissolve),
        }
    }

    fn news(&mut self, news: News) {
        match news {
            News::Seated(seat) => self.seated(*seat),
            News::State(state) => self.state(&state),
            News::Happened(events) => events.into_iter().for_each(|event| self.happened(event)),
            News::Lost { next_try, tries } => {
                if !matches!(self.phase, Phase::Reconnecting { .. }) {
                    self.shared.tell(Event::Reconnecting);
                }
                self.phase = Phase::Reconnecting { next_try, tries };
            }
            News::NotSent(MessageBody::Text { text }, error) => self.shared.tell(Event::TextFailed { text, error }),
            News::NotSent(MessageBody::Custom { command, .. }, error) => {
                tracing::warn!(command, %error, "a message was not sent")
            }
            News::Over(_) => {}
        }
    }

    fn seated(&mut self, seat: Seat) {
        let mode = seat.state.mode;
        if self.room.is_some() {
            self.peers.expect_returns(self.clock.now());
        }
        self.shared.tell(if self.room.is_some() { Event::Reconnected } else { Event::Entered });
        self.phase = Phase::InCall;
        self.member = Some(seat.member.clone());
        let invite = Invite { server: Some(self.server.clone()), room: seat.room.clone() };
        let mine = seat.state.creator == seat.member;
        self.room = Some(Room { id: seat.room, name: seat.state.name.clone(), mode, cap: seat.state.cap, mine, invite });
        self.state(&seat.state);
    }

    fn state(&mut self, state: &RoomState) {
        let Some(me) = self.member.clone() else { return };
        let events = self.peers.apply(state, &me, self.clock.now());
        events.into_iter().for_each(|event| self.shared.tell(event));
    }

    fn happened(&mut self, event: proto::Event) {
        // Who is there comes with the list that is fetched after this.
        let EventKind::Message { member, name, body } = event.kind else { return };
        let own = self.member.as_ref() == Some(&member);
        match body {
            MessageBody::Text { text } => {
                if self.chat.len() == MAX_LINES {
                    self.chat.pop_front();
                }
                let line = Line { seq: event.seq, name: name.clone(), text: text.clone(), own, at_us: event.at_us };
                self.chat.push_back(line);
                self.shared.tell(Event::Text { member, name, text, own });
            }
            MessageBody::Custom { .. } if own => {}
            MessageBody::Custom { command, data } => self.shared.tell(Event::Custom { member, command, data }),
        }
    }

    fn tick(&mut self) {
        let now = self.clock.now();
        for event in self.peers.expire(now) {
            self.shared.tell(event);
            self.changed = true;
        }
        if self.changed || now.saturating_sub(self.shown) >= FIGURES {
            self.changed = false;
            self.shown = now;
            self.show();
        }
    }

    fn say(&self, body: MessageBody) {
        self.ask(Ask::Send(body));
    }

    fn ask(&self, ask: Ask) {
        if let Err(error) = self.asks.try_send(ask) {
            tracing::warn!(%error, "the room service's task does not listen");
        }
    }

    fn show(&self) {
        let Sending { mic, camera } = *self.sending.borrow();
        let me = Me {
            member: self.member.clone(),
            name: self.config.name.clone(),
            mic,
            camera,
            preview: self.preview.clone(),
            ..Me::default()
        };
        self.shared.show(Snapshot {
            phase: self.phase.clone(),
            room: self.room.clone(),
            me,
            peers: self.peers.show(),
            chat: self.chat.iter().cloned().collect(),
        });
    }

    /// Stops all media, side by side.
    fn stop(&mut self) {
        self.peers.clear();
    }
}
