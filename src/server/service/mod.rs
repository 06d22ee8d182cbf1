//! The room service without HTTP: the store of rooms, the clock, tokens, rates, and those who wait for events.
//!
//! What happens to a room is decided by [`Room`]; this brings requests to it and its effects to where they belong.

mod admin;
mod audience;
mod figures;
mod host;
mod messages;
mod people;
mod restore;
mod session;
mod streams;

pub use host::Direction;
pub use session::Access;

use super::MediaSide;
use super::engine::{Engine, Hook};
use super::limits::{self, Limits};
use super::receipt::Receipt;
use super::room::{AtDoor, Entered, Marks, Plan, Room, id, micros, room_not_found};
use super::store::{Due, Effects, News, Store, Totals, Verdict};
use super::token::{Action, Holder, Keys, PasswordDigest, Person};
use super::waiting::Waiting;
use crate::base::Clock;
use crate::proto::api::{Beat, CreateRoom, Enter, Events, Heartbeat, RoomPage, RoomState, Seat};
use crate::proto::{Code, Mode, Problem, RoomId, name};
use figures::Figures;
use people::Newest;
use session::{Rates, network};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

/// The application part of stream URLs.
pub const APP: &str = "live";

/// The room service. Clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    limits: RwLock<Limits>,
    clock: Clock,
    keys: Keys,
    store: Arc<dyn Store>,
    media: Arc<dyn MediaSide>,
    started: Duration,
    newest: Newest,
    /// Other servers with the same rooms.
    servers: RwLock<Arc<[String]>>,
    access: RwLock<Access>,
    figures: Figures,
    waiting: Waiting,
    rates: Mutex<Rates>,
    closing: watch::Sender<bool>,
}

impl Service {
    /// The service of the rooms in `store`.
    pub fn new(limits: Limits, keys: Keys, clock: Clock, store: Arc<dyn Store>, media: Arc<dyn MediaSide>) -> Self {
        let started = clock.now();
        Self(Arc::new(Inner {
            limits: RwLock::new(limits),
            clock,
            keys,
            store,
            media,
            started,
            newest: Newest::default(),
            servers: RwLock::default(),
            access: RwLock::default(),
            figures: Figures::default(),
            waiting: Waiting::default(),
            rates: Mutex::default(),
            closing: watch::Sender::new(false),
        }))
    }

    /// Takes other limits, for rooms and seats that are asked for from now on.
    pub fn set_limits(&self, limits: Limits) {
        *self.0.limits.write().unwrap_or_else(PoisonError::into_inner) = limits;
    }

    fn limits(&self) -> Limits {
        *self.0.limits.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells clients from now on that these servers have the same rooms.
    pub fn set_servers(&self, servers: Vec<String>) {
        *self.0.servers.write().unwrap_or_else(PoisonError::into_inner) = servers.into();
    }

    fn servers(&self) -> Arc<[String]> {
        self.0.servers.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets all who wait for events go.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closing(&self) -> bool {
        *self.0.closing.borrow()
    }

    /// Whether the store of rooms answers in time.
    pub async fn is_reachable(&self) -> bool {
        // No room has this name.
        matches!(tokio::time::timeout(limits::REACHABLE, self.0.store.find("")).await, Ok(Ok(_)))
    }

    /// A page of the listed rooms whose name contains `search`, in large or small letters.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn rooms(&self, search: &str, offset: usize, limit: usize) -> Result<RoomPage, Problem> {
        Ok(self.0.store.list(search.trim(), offset, limit.min(limits::PAGE)).await?)
    }

    /// How much there is in all, for operators.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn totals(&self) -> Result<Totals, Problem> {
        Ok(self.0.store.totals().await?)
    }

    /// Creates a room and takes its creator's seat; the same person's same nonce, or an id of one's own open room, is that one's seat again.
    /// `via` is the base of stream addresses for the client, such as `rtmps://host:port`.
    ///
    /// # Errors
    /// [`Code::BadName`], [`Code::BadRequest`] (an id that none of ours looks like), [`Code::TooLarge`], [`Code::WrongMode`] (a live room that is to
    /// be encrypted from end to end), [`Code::Conflict`], [`Code::ServerFull`], [`Code::RateLimited`].
    pub async fn create(&self, from: IpAddr, person: &Person, via: &str, request: &CreateRoom) -> Result<Seat, Problem> {
        let password = self.password(request.password.as_deref())?;
        let name = name::check(&request.name).map_err(|e| Problem::new(Code::BadName, e.to_string()))?;
        if request.info.len() > limits::INFO_BYTES {
            return Err(Problem::new(Code::TooLarge, format!("the room's info is longer than {} bytes", limits::INFO_BYTES)));
        }
        if let Some(id) = &request.room {
            if !id::is_room_id(id.as_str()) {
                return Err(Problem::new(Code::BadRequest, "this is not a room's id"));
            }
            if self.0.keys.are_lasting() {
                return Err(Problem::new(Code::Conflict, "on this server rooms come back by receipt only"));
            }
        }
        if request.sealed && request.mode == Mode::Live {
            return Err(Problem::new(
                Code::WrongMode,
                "live rooms are for all that plays RTMP: they cannot be encrypted from end to end",
            ));
        }
        let marks = self.marks(from, person);
        for attempt in 0_u64.. {
            let id = match (&request.room, request.nonce) {
                (Some(id), _) => id.clone(),
                // The same request leads to the same id.
                (None, Some(nonce)) => self.id_of(person, nonce, attempt),
                (None, None) => RoomId::new(id::random(id::ROOM_CHARS)),
            };
            let plan = Plan {
                id,
                name: name.to_owned(),
                mode: request.mode,
                cap: self.limits().cap(request.mode),
                password,
                dissolve_on_creator_exit: request.dissolve_on_creator_exit,
                sealed: request.sealed,
                info: request.info.clone(),
                nonce: request.nonce,
            };
            if let Some(entered) = self.create_as(person, &marks, plan, request.room.is_some()).await? {
                return self.seat(entered, person, via).await;
            }
        }
        Err(Problem::new(Code::Internal, "no id is free"))
    }

    fn id_of(&self, person: &Person, nonce: u64, attempt: u64) -> RoomId {
        let (nonce, attempt) = (nonce.to_string(), attempt.to_string());
        RoomId::new(id::from_hash(&self.0.keys.hash(&["room", person.identity.as_str(), &nonce, &attempt]), id::ROOM_CHARS))
    }

    /// `None`: another room has that id.
    async fn create_as(&self, person: &Person, marks: &Marks, plan: Plan, wanted: bool) -> Result<Option<Entered>, Problem> {
        let mut result = Ok(None);
        let mut change = |slot: &mut Option<Room>, now| {
            match slot {
                Some(room) if room.creator_identity != person.identity || (!wanted && room.nonce != plan.nonce) => {
                    result = match wanted {
                        true => Err(Problem::new(Code::Conflict, "another room has this id")),
                        false => Ok(None),
                    };
                    return Verdict::Keep;
                }
                Some(room) if room.closed.is_none() && (wanted || plan.nonce.is_some()) => {
                    result = room.take_seat(now, person, marks).map(Some);
                    return if result.is_ok() { Verdict::Commit } else { Verdict::Keep };
                }
                Some(_) if plan.nonce.is_none() && !wanted => {
                    result = Ok(None);
                    return Verdict::Keep;
                }
                Some(_) | None => {}
            }
            let room = slot.insert(Room::new(now, plan.clone(), person));
            result = room.take_seat(now, person, marks).map(Some);
            Verdict::Create { rooms: self.limits().rooms }
        };
        let effects = self.0.store.update(&plan.id, None, &mut change).await?;
        self.carry_out(effects);
        result
    }

    /// Takes a seat in the room of that id, or in the newest listed room of that name. Whoever has a seat gets the same again.
    ///
    /// # Errors
    /// As [`Room::enter`]; [`Code::RateLimited`] after many wrong passwords.
    pub async fn enter(&self, from: IpAddr, person: &Person, via: &str, room: &str, request: &Enter) -> Result<Seat, Problem> {
        let password = self.password(request.password.as_deref())?;
        let (network, now) = (network(from), self.now());
        if password.is_some() && self.rates().wrong_passwords.is_exhausted(&network, now) {
            return Err(rate_limited());
        }
        let said = AtDoor { password, has_key: request.sealed, sending: request.sending.unwrap_or_default() };
        let entered = self.enter_any(person, &self.marks(from, person), room.trim(), said).await;
        if password.is_some() && entered.as_ref().is_err_and(|p| p.code == Code::WrongPassword) {
            self.rates().wrong_passwords.take(&network, now);
        }
        self.seat(entered?, person, via).await
    }

    async fn enter_any(&self, person: &Person, marks: &Marks, wanted: &str, said: AtDoor) -> Result<Entered, Problem> {
        let by_id = async |id: RoomId| match id::is_room_id(id.as_str()) {
            true => self.act(&id, |room, now| room.enter(now, person, marks, said)).await,
            false => Err(room_not_found()),
        };
        let is_missing = |entered: &Result<Entered, Problem>| entered.as_ref().is_err_and(|p| p.code == Code::RoomNotFound);
        let mut entered = by_id(RoomId::new(wanted)).await;
        if is_missing(&entered)
            && let Some(id) = self.0.store.find(wanted).await?
        {
            entered = by_id(id).await;
        }
        if is_missing(&entered) {
            // A code may have been written down in capitals.
            entered = by_id(RoomId::new(wanted.to_ascii_lowercase())).await;
        }
        entered
    }

    /// Gives up a seat.
    ///
    /// # Errors
    /// As [`Room::exit`].
    pub async fn exit(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        self.act(room, |room, now| room.exit(now, &person.identity)).await
    }

    /// Ends a room.
    ///
    /// # Errors
    /// As [`Room::dissolve`].
    pub async fn dissolve(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        self.act(room, |room, now| room.dissolve(now, &person.identity)).await
    }

    /// The room as a member or a viewer sees it.
    ///
    /// # Errors
    /// As [`Room::seated`].
    pub async fn room(&self, person: &Person, via: &str, room: &RoomId) -> Result<RoomState, Problem> {
        let look = |room: &Room, _| {
            let member = room.seated(&person.identity)?.member.clone();
            Ok(Entered { member, state: room.state(), record: Some(room.record()) })
        };
        let mut state = match self.view(room, None, look).await {
            Err(problem) if problem.code == Code::NotAMember && self.is_watching(person, room).await? => {
                self.room_for_viewer(person, via, room).await?
            }
            entered => self.with_receipt(self.with_urls(entered?, via), person),
        };
        state.audience = self.audience_of(room, state.mode).await?;
        Ok(state)
    }

    /// Takes note of a heartbeat.
    ///
    /// # Errors
    /// As [`Room::heartbeat`]; [`Code::TooLarge`] and [`Code::BadRequest`] for figures that cannot be.
    pub async fn heartbeat(&self, person: &Person, room: &RoomId, beat: Heartbeat) -> Result<Beat, Problem> {
        if let Some(statistics) = &beat.statistics {
            figures::check(statistics)?;
        }
        let held = self.act(room, |room, now| {
            let seq = room.heartbeat(now, &person.identity, beat.sending)?;
            let member = room.seated(&person.identity)?.member.clone();
            let others: Vec<_> = room.seats.iter().map(|seat| seat.member.clone()).filter(|other| *other != member).collect();
            Ok((member, others, seq, room.mode))
        });
        let now_us = micros(self.now());
        match held.await {
            Err(problem) if problem.code == Code::NotAMember => {
                let audience = self.viewer_beat(person, room).await?.ok_or(problem)?;
                let seq = self.view(room, None, |room, _| Ok(room.seq)).await?;
                Ok(Beat { now_us, seq, audience, servers: self.servers().to_vec(), received: Vec::new() })
            }
            held => {
                let (member, others, seq, mode) = held?;
                let received = self.0.figures.about(room, &member, &others);
                if let Some(statistics) = beat.statistics {
                    self.0.figures.note(self.now(), room, &member, statistics);
                }
                let audience = self.audience_of(room, mode).await?;
                Ok(Beat { now_us, seq, audience, servers: self.servers().to_vec(), received })
            }
        }
    }

    /// Whether that stream belongs to a live room, whose people watch more than they talk. Not when the store fails: a call is the safe guess.
    pub async fn is_live_stream(&self, stream: &str) -> bool {
        let Some(owner) = id::holder_of(stream) else { return false };
        self.view(&owner.room, None, |room, _| Ok(room.mode == Mode::Live)).await.unwrap_or(false)
    }

    /// The engine that relays the streams, if this server does not do it itself.
    pub fn engine(&self) -> Option<&Engine> {
        self.0.media.engine()
    }

    /// Answers a call of the engine; an error is a no.
    ///
    /// # Errors
    /// [`Code::Forbidden`].
    pub async fn hook(&self, hook: &Hook) -> Result<(), Problem> {
        let engine = self.engine().ok_or_else(|| Problem::new(Code::Forbidden, "no engine is configured"))?;
        engine.answer(self, hook, self.now()).await
    }

    /// Ends what the engine still has of a stream whose publisher comes again.
    pub(super) async fn make_way(&self, stream: &str) {
        self.0.media.make_way(stream).await;
    }

    /// Takes note that somebody's own stream flows, where the engine does not say so itself.
    ///
    /// # Errors
    /// [`Code::Forbidden`] where it does; [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub async fn announce(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        if !self.engine().is_some_and(Engine::trusts_clients) {
            return Err(Problem::new(Code::Forbidden, "whether a stream flows is told by who relays it"));
        }
        let started = |room: &mut Room, now| {
            let member = room.seated(&person.identity)?.member.clone();
            room.started(now, &member);
            Ok(())
        };
        self.act(room, started).await
    }

    /// Removes those whose time is up and whose stream does not flow, and forgets rooms that were dissolved a while ago.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn expire(&self) -> Result<(), Problem> {
        for due in self.0.store.due().await? {
            self.settle(&due).await?;
        }
        self.0.figures.purge(self.now());
        Ok(())
    }

    async fn settle(&self, due: &Due) -> Result<(), Problem> {
        let flows = match &due.member {
            Some(member) => self.0.media.is_live(&id::stream_name(&due.room, member)).await,
            None => false,
        };
        let mut change = |slot: &mut Option<Room>, now| {
            match (&due.member, slot.as_mut()) {
                (Some(member), Some(room)) => room.settle(now, member, flows),
                (Some(_), None) => return Verdict::Keep,
                (None, _) => *slot = None,
            }
            Verdict::Commit
        };
        let effects = self.0.store.update(&due.room, Some(due), &mut change).await?;
        self.carry_out(effects);
        Ok(())
    }

    /// Calls [`expire`](Self::expire) every [`limits::TICK`], until [`close`](Self::close).
    pub async fn keep_expiring(&self) {
        let mut closing = self.0.closing.subscribe();
        let mut ticks = tokio::time::interval(limits::TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                _ = closing.wait_for(|closing| *closing) => return,
            }
            if let Err(problem) = self.expire().await {
                tracing::warn!(%problem, "could not look for members who are gone");
            }
        }
    }

    /// Hears what happens in other processes that use the same store, until [`close`](Self::close).
    pub async fn keep_listening(&self) {
        let (mut news, mut closing) = (self.0.store.news(), self.0.closing.subscribe());
        loop {
            let heard = tokio::select! {
                heard = news.recv() => heard,
                _ = closing.wait_for(|closing| *closing) => return,
            };
            match heard {
                Ok(News::Woken(room)) => self.0.waiting.wake(&room),
                Ok(News::Kicked(stream)) => self.0.media.kick(&stream),
                Ok(News::SignedIn(identity, issued_us)) => self.heard_of(&identity, issued_us),
                Ok(News::Missed) | Err(RecvError::Lagged(_)) => {
                    self.0.newest.forget_all();
                    self.0.waiting.wake_all();
                }
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn now(&self) -> Duration {
        self.0.clock.now()
    }

    fn rates(&self) -> MutexGuard<'_, Rates> {
        self.0.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a room, then does what follows from it.
    async fn act<T: Send>(
        &self,
        id: &RoomId,
        mut change: impl FnMut(&mut Room, Duration) -> Result<T, Problem> + Send,
    ) -> Result<T, Problem> {
        let mut result = Err(room_not_found());
        let mut change = |slot: &mut Option<Room>, now| {
            result = slot.as_mut().ok_or_else(room_not_found).and_then(|room| change(room, now));
            if result.is_ok() { Verdict::Commit } else { Verdict::Keep }
        };
        let effects = self.0.store.update(id, None, &mut change).await?;
        self.carry_out(effects);
        result
    }

    async fn view<T: Send>(
        &self,
        id: &RoomId,
        since: Option<u64>,
        mut look: impl FnMut(&Room, Events) -> Result<T, Problem> + Send,
    ) -> Result<T, Problem> {
        let mut seen = Err(room_not_found());
        self.0.store.view(id, since, &mut |room, events| seen = look(room, events)).await?;
        seen
    }

    fn carry_out(&self, Effects { woken, kicked }: Effects) {
        for room in &woken {
            self.0.waiting.wake(room);
        }
        for stream in &kicked {
            self.0.media.kick(stream);
        }
    }

    fn password(&self, password: Option<&str>) -> Result<Option<PasswordDigest>, Problem> {
        match password {
            // An empty field of a form is no password.
            None | Some("") => Ok(None),
            Some(long) if long.len() > limits::PASSWORD_BYTES => {
                Err(Problem::new(Code::TooLarge, format!("the password is longer than {} bytes", limits::PASSWORD_BYTES)))
            }
            Some(password) => Ok(Some(self.0.keys.password(password))),
        }
    }

    async fn seat(&self, entered: Entered, person: &Person, via: &str) -> Result<Seat, Problem> {
        self.note_seat(person, &entered.state.room).await?;
        let entered = self.with_urls(entered, via);
        let holder = Holder { room: entered.state.room.clone(), member: entered.member.clone() };
        let mut state = self.with_receipt(entered, person);
        state.audience = self.audience_of(&holder.room, state.mode).await?;
        let publish_url = self.url(via, Action::Publish, &holder, &id::stream_name(&holder.room, &holder.member));
        let stream = self.engine().map(Engine::rules).unwrap_or_default();
        Ok(Seat { room: holder.room, member: holder.member, publish_url, stream, seq: state.seq, state })
    }

    /// Adds the play URLs of the others; of a live room, one's own as well: whoever sends gives it to players that know no rooms.
    fn with_urls(&self, mut entered: Entered, via: &str) -> Entered {
        let holder = Holder { room: entered.state.room.clone(), member: entered.member.clone() };
        for other in entered.state.members.iter_mut().filter(|m| m.member != holder.member || entered.state.mode == Mode::Live) {
            let stream = id::stream_name(&holder.room, &other.member);
            other.play_url = Some(self.url(via, Action::Play, &holder, &stream));
        }
        entered
    }

    /// Adds the receipt of the seat.
    fn with_receipt(&self, entered: Entered, person: &Person) -> RoomState {
        let Entered { member, mut state, record } = entered;
        let at_us = micros(self.now());
        // Without a lasting key nobody could read it after a restart.
        let record = record.filter(|_| self.0.keys.are_lasting());
        let receipt = record.map(|record| Receipt { at_us, identity: person.identity.clone(), member, record });
        state.receipt = receipt.and_then(|receipt| receipt.seal(&self.0.keys));
        state
    }

    fn url(&self, via: &str, action: Action, holder: &Holder, stream: &str) -> String {
        let step = limits::STREAM_TOKEN_STEP.as_secs();
        let expires = (self.now() + limits::STREAM_TOKEN).as_secs().div_ceil(step) * step;
        let expires = Duration::from_secs(expires);
        let token = self.0.keys.stream(action, holder, stream, expires);
        match (self.engine(), id::holder_of(stream)) {
            (Some(engine), Some(seat)) => engine.url(action, via, &seat, &token, expires),
            _ => format!("{via}/{APP}/{stream}?token={token}"),
        }
    }
}

fn rate_limited() -> Problem {
    Problem::new(Code::RateLimited, "too many requests; try again in a moment")
}
