//! The seat: one task that takes it, holds it and, when it is lost, takes it again. All talk with the room service happens here.
//!
//! It knows no media. What the call's thread wants comes in as [`Ask`]s, what it learns goes out as [`News`].

use super::Ended;
use super::actor::Entry;
use super::door::{self, Door};
use super::kept::Kept;
use super::run::Input;
use crate::base::network::{self, Network};
use crate::base::{Clock, Retry};
use crate::proto::api::{
    Heartbeat, Login, Message, MessageBody, ReceivedBy, RoomState, Seat, SendMessage, Sending, Session, Statistics,
};
use crate::proto::event::LeaveReason;
use crate::proto::{Code, Event, EventKind, MemberId, RoomId};
use crate::room::ErrorKind::{NotParlor, Problem};
use crate::room::{self, Client};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::{sleep, timeout};

/// "I am still here" this often; the server forgets a member after 20 s.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// A seat that was held this long was a success: the next loss starts with the short wait again.
const HELD: Duration = Duration::from_secs(10);
/// After a server's restart the room is gone until its creator is back: others wait this long for it (and for a free seat, while the
/// server has not yet noticed that their old one is empty).
const ROOM_MAY_COME_BACK: Duration = Duration::from_secs(60);
/// How long one waits for what was said before, and how many messages are asked for.
const LOOK_BACK: Duration = Duration::from_secs(3);
const HISTORY: usize = 50;
/// A receipt that is older than this is renewed: the server takes those of the last six hours.
const RECEIPT: Duration = Duration::from_secs(3600);
/// How long the server is told that one leaves.
const EXIT: Duration = Duration::from_millis(300);
/// Lines of chat that wait to be sent.
const MAX_PENDING: usize = 64;
/// A line of chat that could not be sent for so long is given back.
const MESSAGE_AGE: Duration = Duration::from_secs(20);
/// Wait after the server said that it is asked too often.
const SLOW_DOWN: Duration = Duration::from_secs(1);
/// How long the server may hold back the answer to "what happened?" while nothing happens.
const POLL: Duration = Duration::from_secs(20);
/// Requests from the call's thread that may wait.
pub(super) const ASKS: usize = 128;

/// What the call's thread wants.
#[derive(Debug)]
pub(super) enum Ask {
    /// Say this.
    Send(MessageBody),
    /// The stream flows: tell the room service, which does not see it.
    Announce,
    /// The stream broke: ask for the seat (and a fresh address) again.
    StreamLost,
    /// Do not wait for the back-off.
    RetryNow,
    /// End the room.
    Dissolve,
    /// Ask somebody to mute.
    RequestMute(MemberId),
    /// Remove somebody.
    RemoveMember(MemberId),
}

/// What was learnt.
#[derive(Debug)]
pub(super) enum News {
    /// One has a seat, for the first time or again.
    Seated(Box<Seat>, Option<Session>),
    /// Who is there.
    State(Box<RoomState>),
    /// What happened.
    Happened(Vec<Event>),
    /// How the others receive one's stream, as the room service heard it of them.
    Received(Vec<ReceivedBy>),
    /// What was said before one came, or while one was away.
    Said(Vec<Message>),
    /// The connection is lost; the next try is due at this local moment.
    Lost { next_try: Duration, tries: u32 },
    /// A message was not delivered.
    NotSent(MessageBody, room::Error),
    /// Something that was asked as a host was refused.
    Refused(room::Error),
    /// It is over.
    Over(Ended),
}

/// The task and what it needs.
pub(super) struct Keeper {
    pub(super) client: Client,
    pub(super) login: Login,
    pub(super) entry: Entry,
    /// Whether one has the key of a room that is encrypted from end to end.
    pub(super) sealed: bool,
    pub(super) session: Option<Session>,
    pub(super) clock: Clock,
    pub(super) sending: watch::Receiver<Sending>,
    pub(super) figures: watch::Receiver<Statistics>,
    /// The figures are to be told at once.
    pub(super) nudge: Arc<Notify>,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) leave: oneshot::Receiver<()>,
    pub(super) news: mpsc::Sender<Input>,
}

/// A message on its way, and when it was said.
struct Pending(SendMessage, Duration);

/// Why holding the seat ended.
enum Why {
    Over(Ended),
    /// Try again.
    Lost,
}

/// Runs until the call is over or one leaves; then says goodbye, within a limit.
pub(super) async fn keep(keeper: Keeper) {
    let Keeper { client, login, entry, sealed, session, clock, mut sending, figures, nudge, mut asks, leave, news } = keeper;
    let (seen, pending, kept) = (AtomicU64::new(0), VecDeque::new(), Kept::default());
    let door = Door { client: client.clone(), login, entry, sending: *sending.borrow(), sealed, session };
    let network = network::watch();
    let mut holder = Holder { client, door, clock, figures, nudge, news, network, seat: None, seen, pending, kept };
    let over = tokio::select! {
        over = holder.run(&mut sending, &mut asks) => over,
        _ = leave => Ended::Left,
    };
    if let (Ended::Left, Some(seat)) = (&over, &holder.seat) {
        // A server that does not answer notices by itself, after 20 s.
        match timeout(EXIT, holder.client.exit_room(&seat.room)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::info!(%error, "could not say goodbye"),
            Err(_) => tracing::info!("the server did not answer the goodbye"),
        }
    }
    holder.tell(News::Over(over)).await;
}

/// What lasts longer than one connection.
struct Holder {
    client: Client,
    door: Door,
    clock: Clock,
    figures: watch::Receiver<Statistics>,
    nudge: Arc<Notify>,
    news: mpsc::Sender<Input>,
    network: watch::Receiver<Network>,
    seat: Option<Seat>,
    /// Number of the last event seen.
    seen: AtomicU64,
    pending: VecDeque<Pending>,
    kept: Kept,
}

impl Holder {
    async fn run(&mut self, sending: &mut watch::Receiver<Sending>, asks: &mut mpsc::Receiver<Ask>) -> Ended {
        match self.door.enter().await {
            Ok(seat) => self.take(seat).await,
            Err(error) => return Ended::Failed(error),
        }
        let mut retry = Retry::default();
        loop {
            let from = self.clock.now();
            if let Why::Over(over) = self.hold(sending, asks).await {
                return over;
            }
            if self.clock.now().saturating_sub(from) > HELD {
                retry.succeeded();
            }
            if let Err(error) = self.come_back(asks, &mut retry).await {
                return match error.kind() {
                    Problem(Code::Removed) => Ended::Removed,
                    // Whoever signs in again would throw out the other place, and be thrown out by it.
                    Problem(Code::SignedInElsewhere) => Ended::Replaced,
                    _ => Ended::Failed(error),
                };
            }
        }
    }

    fn no_answer(&self) -> room::Error {
        room::Error::Timeout { server: self.client.server().to_owned() }
    }

    async fn tell(&self, news: News) {
        // When the call's thread is gone, nobody wants to know.
        let _ = self.news.send(Input::News(news)).await;
    }

    /// Notes a seat and passes it on.
    async fn take(&mut self, seat: Seat) {
        // On the same seat the numbers go on, so that what was said meanwhile is heard; a new one starts at the present.
        let same =
            self.seat.as_ref().is_some_and(|old| old.member == seat.member && seat.seq >= self.seen.load(Ordering::Relaxed));
        if !same {
            self.seen.store(seat.seq, Ordering::Relaxed);
        }
        self.kept.state(&seat.state);
        let room = seat.room.clone();
        self.seat = Some(seat.clone());
        self.tell(News::Seated(Box::new(seat), self.client.session())).await;
        // Nobody has to wait for what was said; who cannot hear it now hears what is said next.
        match timeout(LOOK_BACK, self.client.get_messages(&room, None, HISTORY)).await {
            Ok(Ok(mut page)) => {
                self.kept.messages(&mut page.messages);
                self.tell(News::Said(page.messages)).await;
            }
            Ok(Err(error)) => tracing::info!(%error, "what was said before is not known"),
            Err(_) => tracing::info!("what was said before is not known: the server does not answer"),
        }
    }

    /// Holds the seat until it is lost or the call is over.
    async fn hold(&mut self, sending: &mut watch::Receiver<Sending>, asks: &mut mpsc::Receiver<Ask>) -> Why {
        let Some(Seat { room, member, .. }) = self.seat.clone() else { return Why::Lost };
        // Taken out, because the three below share the rest.
        let mut pending = std::mem::take(&mut self.pending);
        let line = Line {
            client: &self.client,
            news: &self.news,
            clock: &self.clock,
            seen: &self.seen,
            kept: &self.kept,
            figures: &self.figures,
            nudge: &self.nudge,
            room,
            me: member,
        };
        let why = tokio::select! {
            why = line.listen() => why,
            why = line.beat(sending) => why,
            why = line.answer(asks, &mut pending) => why,
            never = line.measure_clock() => match never {},
        };
        self.pending = pending;
        why
    }

    /// Tries to get the seat back until that succeeds or makes no sense any more.
    async fn come_back(&mut self, asks: &mut mpsc::Receiver<Ask>, retry: &mut Retry) -> Result<(), room::Error> {
        // The room may be gone for other reasons than that one was away for long.
        let mut answered = None;
        loop {
            let now = self.clock.now();
            let wait = retry.failed(now);
            self.tell(News::Lost { next_try: now + wait, tries: retry.tries() }).await;
            self.wait_for_retry(asks, wait).await;
            let seat = match &self.seat {
                Some(seat) => {
                    let lost = door::Lost { seat: seat.clone(), restore: self.kept.restore() };
                    self.door.return_to(&lost).await
                }
                None => self.door.enter().await,
            };
            let now = self.clock.now();
            match seat {
                Ok(seat) => {
                    self.take(seat).await;
                    return Ok(());
                }
                Err(error) => {
                    if matches!(error.kind(), Problem(_)) {
                        answered.get_or_insert(now);
                    }
                    if !worth_retrying(&error, now.saturating_sub(answered.unwrap_or(now))) {
                        return Err(error);
                    }
                    tracing::info!(%error, "could not come back yet");
                }
            }
            self.give_up_old_messages().await;
        }
    }

    /// Waits for the next try; messages wait too.
    async fn wait_for_retry(&mut self, asks: &mut mpsc::Receiver<Ask>, wait: Duration) {
        let wait = sleep(wait);
        tokio::pin!(wait);
        self.network.mark_unchanged();
        loop {
            tokio::select! {
                () = &mut wait => return,
                Ok(()) = self.network.changed() => return,
                ask = asks.recv() => match ask {
                    None | Some(Ask::RetryNow) => return,
                    Some(Ask::Send(body)) => {
                        if let Err(body) = queue(&mut self.pending, body, &self.clock) {
                            self.tell(News::NotSent(body, self.no_answer())).await;
                        }
                    }
                    Some(Ask::Announce | Ask::StreamLost) => {}
                    Some(Ask::Dissolve | Ask::RequestMute(_) | Ask::RemoveMember(_)) => {
                        self.tell(News::Refused(self.no_answer())).await;
                    }
                },
            }
        }
    }

    async fn give_up_old_messages(&mut self) {
        let now = self.clock.now();
        while let Some(old) = self.pending.pop_front_if(|p| now.saturating_sub(p.1) > MESSAGE_AGE) {
            self.tell(News::NotSent(old.0.body, self.no_answer())).await;
        }
    }
}

/// One unbroken time on a seat.
struct Line<'a> {
    client: &'a Client,
    news: &'a mpsc::Sender<Input>,
    clock: &'a Clock,
    seen: &'a AtomicU64,
    kept: &'a Kept,
    figures: &'a watch::Receiver<Statistics>,
    nudge: &'a Notify,
    room: RoomId,
    me: MemberId,
}

impl Line<'_> {
    fn no_answer(&self) -> room::Error {
        room::Error::Timeout { server: self.client.server().to_owned() }
    }

    async fn tell(&self, news: News) {
        let _ = self.news.send(Input::News(news)).await;
    }

    /// Long-polls the room's events.
    async fn listen(&self) -> Why {
        loop {
            let mut batch = match self.client.events(&self.room, self.seen.load(Ordering::Relaxed), POLL).await {
                Ok(batch) => batch,
                Err(error) => match judge(error).await {
                    Some(why) => return why,
                    None => continue,
                },
            };
            self.seen.store(batch.next, Ordering::Relaxed);
            let over = batch.events.iter().find_map(|e| ended_by(&e.kind, &self.me));
            let stale = batch.gap || batch.events.iter().any(|e| !matches!(e.kind, EventKind::Message { .. }));
            self.kept.events(&mut batch.events);
            if !batch.events.is_empty() {
                self.tell(News::Happened(batch.events)).await;
            }
            if let Some(over) = over {
                return Why::Over(over);
            }
            if stale && let Some(why) = self.look().await {
                return why;
            }
        }
    }

    /// Learns the server's clock, once; heartbeats keep it from then on.
    async fn measure_clock(&self) -> Infallible {
        if let Err(error) = self.client.measure_clock().await {
            tracing::warn!(%error, "the server's clock is not known yet");
        }
        std::future::pending().await
    }

    /// Fetches who is there.
    async fn look(&self) -> Option<Why> {
        match self.client.get_room(&self.room).await {
            Ok(state) => {
                self.kept.state(&state);
                self.tell(News::State(Box::new(state))).await;
                None
            }
            Err(error) => judge(error).await,
        }
    }

    /// Heartbeats: every 5 s, and at once when something was switched. They also show whether the long poll tells everything.
    async fn beat(&self, sending: &mut watch::Receiver<Sending>) -> Why {
        let mut previous = 0;
        // How much of it all the server is too old for.
        let mut age = Age::OfToday;
        let mut looked = self.clock.now();
        loop {
            let sending_now = *sending.borrow_and_update();
            let beat = Heartbeat {
                sending: if age == Age::OfToday { sending_now } else { sending_now.plain() },
                statistics: (age != Age::KnowsNoFigures).then(|| self.figures.borrow().clone()),
            };
            if self.clock.now().saturating_sub(looked) > RECEIPT {
                looked = self.clock.now();
                if let Some(why) = self.look().await {
                    return why;
                }
            }
            match self.client.heartbeat(&self.room, beat).await {
                Ok(beat) => {
                    // Events that were there at the last beat have still not come: the poll is stuck, look without it.
                    if previous > self.seen.load(Ordering::Relaxed)
                        && let Some(why) = self.look().await
                    {
                        return why;
                    }
                    previous = beat.seq;
                    self.tell(News::Received(beat.received)).await;
                }
                Err(error) if error.kind() == Problem(Code::BadRequest) && age != Age::KnowsNoFigures => {
                    tracing::warn!(%error, "the server is older than this program: the others are not told all");
                    age = if age == Age::OfToday { Age::KnowsFewSwitches } else { Age::KnowsNoFigures };
                    continue;
                }
                Err(error) => {
                    if let Some(why) = judge(error).await {
                        return why;
                    }
                }
            }
            tokio::select! {
                () = sleep(HEARTBEAT) => {}
                () = self.nudge.notified() => {}
                changed = sending.changed() => if changed.is_err() { return Why::Over(Ended::Left) },
            }
        }
    }

    /// Does what the call's thread asks for.
    async fn answer(&self, asks: &mut mpsc::Receiver<Ask>, pending: &mut VecDeque<Pending>) -> Why {
        loop {
            // A message stays in the queue until the server has it: all this may be dropped while it waits for the answer.
            while let Some(first) = pending.front() {
                match self.client.send_msg(&self.room, &first.0).await {
                    Ok(_) => drop(pending.pop_front()),
                    Err(error) if error.kind() == Problem(Code::RateLimited) => sleep(SLOW_DOWN).await,
                    Err(error) if error.is_transient() => return Why::Lost,
                    Err(error) => {
                        if let Some(refused) = pending.pop_front() {
                            self.tell(News::NotSent(refused.0.body, error)).await;
                        }
                    }
                }
            }
            match asks.recv().await {
                None => return Why::Over(Ended::Left),
                Some(Ask::StreamLost) => return Why::Lost,
                Some(Ask::RetryNow) => {}
                Some(Ask::Announce) => {
                    while let Err(error) = self.client.announce_stream(&self.room).await {
                        if let Some(why) = judge(error).await {
                            return why;
                        }
                    }
                }
                Some(Ask::Send(body)) => {
                    if let Err(body) = queue(pending, body, self.clock) {
                        self.tell(News::NotSent(body, self.no_answer())).await;
                    }
                }
                Some(Ask::Dissolve) => self.refused(self.client.dissolve(&self.room).await).await,
                Some(Ask::RequestMute(member)) => self.refused(self.client.request_mute(&self.room, &member).await).await,
                Some(Ask::RemoveMember(member)) => self.refused(self.client.remove_member(&self.room, &member).await).await,
            }
        }
    }
}

impl Line<'_> {
    async fn refused(&self, asked: Result<(), room::Error>) {
        if let Err(error) = asked {
            self.tell(News::Refused(error)).await;
        }
    }
}

/// What a server understands of a heartbeat: it refuses one in which anything is new to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Age {
    OfToday,
    KnowsFewSwitches,
    KnowsNoFigures,
}

/// Whether this event is the end of the call for `me`.
fn ended_by(kind: &EventKind, me: &MemberId) -> Option<Ended> {
    match kind {
        EventKind::Dissolved { reason } => Some(Ended::Dissolved(*reason)),
        EventKind::Left { member, reason: LeaveReason::Replaced, .. } if member == me => Some(Ended::Replaced),
        EventKind::Left { member, reason: LeaveReason::Removed, .. } if member == me => Some(Ended::Removed),
        _ => None,
    }
}

/// What an error means for a seat that was fine so far; `None`: nothing, ask again.
async fn judge(error: room::Error) -> Option<Why> {
    match error.kind() {
        // The server cannot look after its rooms for a while; streams go on.
        Problem(Code::RateLimited | Code::StoreUnavailable) => {
            tracing::info!(%error, "asked again in a moment");
            sleep(SLOW_DOWN).await;
            return None;
        }
        Problem(Code::SignedInElsewhere) => return Some(Why::Over(Ended::Replaced)),
        _ => {}
    }
    tracing::warn!(%error, "lost the seat");
    Some(Why::Lost)
}

/// Whether another try to come back, `since` after the loss, makes sense.
fn worth_retrying(error: &room::Error, since: Duration) -> bool {
    match error.kind() {
        Problem(Code::RoomNotFound | Code::RoomFull | Code::Conflict | Code::NotAMember) => since < ROOM_MAY_COME_BACK,
        // A proxy in front of a server that is just being restarted may answer anything.
        NotParlor => true,
        _ => error.is_transient(),
    }
}

/// Appends a message, or gives it back when too many wait.
fn queue(pending: &mut VecDeque<Pending>, body: MessageBody, clock: &Clock) -> Result<(), MessageBody> {
    if pending.len() >= MAX_PENDING {
        return Err(body);
    }
    pending.push_back(Pending(SendMessage { body, nonce: rand::random() }, clock.now()));
    Ok(())
}
