//! One RTMP connection to the relay, from its first byte to its last.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, Timeout, interval, timeout};

use crate::rtmp;
use crate::rtmp::server::{Config, Event, Reject, Session};
use crate::wire::{Carrier, Ready};

use super::hub::{Hub, Publisher, Reader, Signal};
use super::limits;
use super::outlet::SharedPipe;
use super::policy::{Action, Answer, Grant, Policy, Refusal, Request, Stay};
use super::stream::{Busy, Manner, Parting};

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
enum End {
    #[error("the peer said good-bye")]
    Goodbye,
    #[error("the peer closed the connection")]
    Closed,
    #[error("the connection broke")]
    Broken(#[from] io::Error),
    #[error("the peer broke the rules")]
    Protocol(#[from] rtmp::Error),
    #[error("the publisher sent nothing for {:?}", limits::PUBLISHER_IDLE)]
    Idle,
    #[error("the peer took nothing for {:?}", limits::STALLED)]
    Stalled,
    #[error("the stream is over")]
    StreamOver,
    #[error("another connection publishes the stream now, or it was closed")]
    Replaced,
    #[error("the player may no longer see the stream")]
    Revoked,
    #[error("the publisher sent more than {0} kbit/s for {grace:?}", grace = limits::OVERSPEED_GRACE)]
    TooFast(u32),
    #[error("the server stops")]
    Shutdown,
}

/// What the connection does: one thing at a time, as all clients have it.
enum Role {
    Idle,
    Asking(Question),
    Publishing {
        stream_id: u32,
        name: String,
        publisher: Publisher,
        heard: Duration,
        pace: Limit,
    },
    /// `stay` is there while the policy thinks about it.
    Playing {
        stream_id: u32,
        name: String,
        owner: String,
        reader: Reader,
        stay: Option<Stay>,
    },
}

/// How much a publisher may send, and since when it has sent more.
#[derive(Clone, Copy)]
struct Limit {
    kbps: u32,
    over: Option<Duration>,
}

impl Limit {
    /// Whether `kbps` have been too many for too long.
    fn is_broken(&mut self, kbps: u32, now: Duration) -> bool {
        if self.kbps == 0 || kbps <= self.kbps {
            self.over = None;
        }
        let is_over = self.kbps > 0 && kbps > self.kbps;
        is_over && now.saturating_sub(*self.over.get_or_insert(now)) >= limits::OVERSPEED_GRACE
    }
}

struct Question {
    stream_id: u32,
    action: Action,
    name: String,
    answer: Pin<Box<Timeout<Answer>>>,
}

/// What a role waits for.
enum News {
    Answer(Result<Grant, Reject>),
    Signal(Signal),
    Packets,
    Stay(bool),
}

impl Role {
    /// Waits for news. `room` is whether a player's connection can take more packets. Cancelling it loses nothing.
    async fn news(&mut self, room: bool) -> News {
        match self {
            Self::Asking(question) => News::Answer(match question.answer.as_mut().await {
                Ok(Ok(grant)) => Ok(grant),
                Ok(Err(Refusal::Denied(why))) => Err(Reject::Denied(why)),
                Ok(Err(Refusal::NotFound(_))) => Err(Reject::NotFound),
                Err(_) => Err(Reject::Failed("the server is too busy to answer".to_owned())),
            }),
            Self::Publishing { publisher, .. } => News::Signal(publisher.signal().await),
            Self::Playing { reader, stay, .. } => tokio::select! {
                () = reader.ready(), if room => News::Packets,
                answer = answered(stay) => News::Stay(answer),
            },
            Self::Idle => pending().await,
        }
    }

    fn stream_id(&self) -> Option<u32> {
        match self {
            Self::Idle => None,
            Self::Asking(Question { stream_id, .. }) | Self::Publishing { stream_id, .. } | Self::Playing { stream_id, .. } => {
                Some(*stream_id)
            }
        }
    }
}

/// The policy's answer, once; nothing while it is not asked.
async fn answered(stay: &mut Option<Stay>) -> bool {
    let Some(answer) = stay else { return pending().await };
    let may_stay = answer.as_mut().await;
    *stay = None;
    may_stay
}

struct Connection<C> {
    pipe: SharedPipe<C>,
    session: Session,
    role: Role,
    /// Whether the other end is one of ours.
    parlor: bool,
    peer: SocketAddr,
    hub: Hub,
    policy: Arc<dyn Policy>,
    /// Bytes written at the last look, and when that last changed.
    progress: (u64, Duration),
}

/// Serves one RTMP connection until it is over or `shutdown` becomes true.
pub async fn serve_connection<C: Carrier + 'static>(
    carrier: C,
    peer: SocketAddr,
    hub: Hub,
    policy: Arc<dyn Policy>,
    mut shutdown: watch::Receiver<bool>,
) {
    let now = hub.clock().now();
    let config = Config { set_up_timeout: limits::IDLE, ..Config::default() };
    let mut connection = Connection {
        pipe: SharedPipe::new(carrier),
        session: Session::new(config, now),
        role: Role::Idle,
        parlor: false,
        peer,
        hub,
        policy,
        progress: (0, now),
    };
    let end = connection.run(&mut shutdown).await;
    connection.finish(end).await;
}

impl<C: Carrier + 'static> Connection<C> {
    async fn run(&mut self, shutdown: &mut watch::Receiver<bool>) -> End {
        let mut stopped = pin!(shutdown.wait_for(|stop| *stop));
        let mut tick = interval(limits::TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if let Err(end) = self.fill() {
                return end;
            }
            let room = self.pipe.with(|pipe| pipe.pending()) < limits::BATCH;
            let (session, clock) = (&mut self.session, self.hub.clock());
            // A peer that takes no answers gets to say no more.
            let done = tokio::select! {
                biased;
                ready = self.pipe.ready(room, |bytes| session.receive(bytes, clock.now())) => self.moved(ready),
                news = self.role.news(room) => self.heard(news),
                _ = tick.tick() => self.tick(),
                _ = &mut stopped => Err(End::Shutdown),
            };
            if let Err(end) = done {
                return end;
            }
        }
    }

    /// Hands on what has come, and moves what the session has to say, and what waits for the player, to the pipe when that is empty.
    fn fill(&mut self) -> Result<(), End> {
        self.flush();
        if let Role::Publishing { publisher, .. } = &self.role {
            publisher.hand_out();
        }
        if let Role::Playing { stream_id, reader, .. } = &self.role
            && self.pipe.with(|pipe| pipe.pending()) == 0
        {
            let taken = reader.take(limits::BATCH, |parcel| self.pipe.with(|pipe| pipe.push(parcel.piece(*stream_id))));
            taken.ok_or(End::StreamOver)?;
        }
        Ok(())
    }

    fn flush(&mut self) {
        let session = &mut self.session;
        self.pipe.with(|pipe| {
            while let Some(bytes) = session.poll_output() {
                pipe.push(bytes);
            }
        });
    }

    fn moved(&mut self, ready: io::Result<(Ready, Option<Result<(), rtmp::Error>>)>) -> Result<(), End> {
        let (ready, received) = ready?;
        match ready {
            Ready::Drained => {
                if let Role::Playing { reader, .. } = &self.role {
                    reader.takes(self.pipe.with(|pipe| pipe.written()));
                }
                Ok(())
            }
            Ready::Ended => Err(End::Closed),
            Ready::Received => {
                while let Some(event) = self.session.poll_event() {
                    self.event(event)?;
                }
                Ok(received.transpose().map(drop)?)
            }
        }
    }

    fn event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Packet { stream_id, packet } => self.packet(stream_id, packet),
            Event::Publish { stream_id, app, name } => self.ask(Action::Publish, stream_id, app, &name),
            Event::Play { stream_id, app, name } => self.ask(Action::Play, stream_id, app, &name),
            Event::StopPublish { stream_id } | Event::StopPlay { stream_id } => {
                if self.role.stream_id() == Some(stream_id) {
                    self.leave_role(Parting::Clean);
                }
            }
            Event::KeyFrameWanted { .. } => {
                if let Role::Playing { reader, .. } = &self.role {
                    reader.request_key_frame();
                }
            }
            Event::Reception { reception, .. } => {
                if let Role::Playing { reader, .. } = &self.role {
                    reader.report(reception);
                }
            }
            Event::Connected { parlor, .. } => self.parlor = parlor,
            Event::Closed => return Err(End::Goodbye),
        }
        Ok(())
    }

    fn packet(&mut self, from: u32, packet: rtmp::Packet) {
        if let Role::Publishing { stream_id, name, publisher, heard, .. } = &mut self.role
            && *stream_id == from
        {
            *heard = self.hub.clock().now();
            if publisher.gather(packet) {
                tracing::info!(peer = %self.peer, stream = %name, "stream started");
                self.policy.started(name);
            }
        }
    }

    fn ask(&mut self, action: Action, stream_id: u32, app: String, full_name: &str) {
        let (name, query) = full_name.split_once('?').unwrap_or((full_name, ""));
        let now = self.hub.clock().now();
        if !matches!(self.role, Role::Idle) {
            let why = "one connection carries one stream here".to_owned();
            self.session.reject(stream_id, Reject::Failed(why), now);
        } else if name.is_empty() || name.len() > limits::NAME {
            self.session.reject(stream_id, Reject::BadName, now);
        } else {
            let name = name.to_owned();
            let request = Request { action, app, name: name.clone(), query: query.to_owned(), peer: self.peer };
            let answer = Box::pin(timeout(limits::AUTHORIZE, self.policy.authorize(request)));
            self.role = Role::Asking(Question { stream_id, action, name, answer });
        }
    }

    fn heard(&mut self, news: News) -> Result<(), End> {
        match news {
            News::Packets | News::Stay(true) => {}
            News::Stay(false) => return Err(End::Revoked),
            News::Signal(Signal::Ended) => return Err(End::Replaced),
            News::Signal(Signal::KeyFrame) => {
                if let Role::Publishing { stream_id, .. } = self.role {
                    self.session.request_key_frame(stream_id);
                }
            }
            News::Signal(Signal::Reception(reception)) => {
                if let Role::Publishing { stream_id, .. } = self.role {
                    self.session.report(stream_id, reception);
                }
            }
            News::Answer(answer) => {
                if let Role::Asking(question) = std::mem::replace(&mut self.role, Role::Idle) {
                    self.answered(question, answer)?;
                }
            }
        }
        Ok(())
    }

    fn answered(&mut self, question: Question, answer: Result<Grant, Reject>) -> Result<(), End> {
        let Question { stream_id, action, name, .. } = question;
        let now = self.hub.clock().now();
        let role = answer.and_then(|grant| match action {
            Action::Publish => {
                let manner = Manner { live: grant.live, ..Manner::default() };
                let publisher = self.hub.publish_as(&name, &grant.owner, manner).map_err(refused)?;
                let pace = Limit { kbps: grant.max_kbps, over: None };
                Ok(Role::Publishing { stream_id, name: name.clone(), publisher, heard: now, pace })
            }
            Action::Play => {
                let manner = Manner { live: grant.live, catches_up: self.parlor };
                let reader = self.hub.play_as(&name, grant.wait, manner).map_err(refused)?;
                Ok(Role::Playing { stream_id, name: name.clone(), owner: grant.owner, reader, stay: None })
            }
        });
        match role {
            Ok(role) => {
                tracing::debug!(peer = %self.peer, stream = %name, ?action, "accepted");
                self.role = role;
                self.session.accept(stream_id, now);
                // Packets go behind the answers, and behind what waits already.
                self.flush();
                if let Role::Playing { reader, .. } = &self.role {
                    reader.attach(self.pipe.outlet(stream_id));
                }
                // What an impatient publisher sent before.
                while let Some(event) = self.session.poll_event() {
                    self.event(event)?;
                }
            }
            Err(reason) => {
                tracing::info!(peer = %self.peer, stream = %name, ?action, ?reason, "refused");
                self.session.reject(stream_id, reason, now);
            }
        }
        Ok(())
    }

    fn tick(&mut self) -> Result<(), End> {
        let now = self.hub.clock().now();
        self.session.tick(now)?;
        let (pending, written) = self.pipe.with(|pipe| (pipe.pending(), pipe.written()));
        if pending == 0 || written != self.progress.0 {
            self.progress = (written, now);
        }
        if now.saturating_sub(self.progress.1) > limits::STALLED {
            return Err(End::Stalled);
        }
        match &mut self.role {
            Role::Publishing { heard, .. } if now.saturating_sub(*heard) > limits::PUBLISHER_IDLE => Err(End::Idle),
            Role::Publishing { stream_id, publisher, pace, .. } => {
                if pace.is_broken(publisher.kbps(), now) {
                    let (kbps, grace) = (pace.kbps, limits::OVERSPEED_GRACE.as_secs());
                    let why = format!("more than {kbps} kbit/s for {grace} s: encode at a lower bitrate");
                    self.session.reject(*stream_id, Reject::Failed(why), now);
                    return Err(End::TooFast(kbps));
                }
                Ok(())
            }
            Role::Playing { name, owner, reader, stay, .. } => {
                reader.tick();
                stay.get_or_insert_with(|| self.policy.may_stay(name, owner));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn leave_role(&mut self, parting: Parting) {
        if let Role::Publishing { name, publisher, .. } = std::mem::replace(&mut self.role, Role::Idle)
            && publisher.finish(parting)
        {
            tracing::info!(peer = %self.peer, stream = %name, ?parting, "stream stopped");
            self.policy.stopped(&name);
        }
    }

    async fn finish(mut self, end: End) {
        tracing::debug!(peer = %self.peer, reason = &end as &dyn std::error::Error, "connection over");
        // A publisher that was cut off will be back; its readers wait for it. One that went away or was sent away will not.
        let parting = match end {
            End::Closed | End::Broken(_) | End::Protocol(_) | End::Idle | End::Stalled => Parting::Broken,
            End::Goodbye | End::StreamOver | End::Replaced | End::Revoked | End::TooFast(_) | End::Shutdown => Parting::Clean,
        };
        if let Some(stream_id) = self.role.stream_id() {
            self.session.end(stream_id);
        }
        self.leave_role(parting);
        self.flush();
        self.pipe.close(limits::FAREWELL).await;
    }
}

fn refused(busy: Busy) -> Reject {
    match busy {
        Busy::Taken => Reject::BadName,
        Busy::Full => Reject::Failed(busy.to_string()),
    }
}
