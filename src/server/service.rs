//! The room service without HTTP: the registry under a lock, the clock, tokens, rates, and those who wait for events.
//!
//! The media side is asked and told only while the lock is not held: it may call back.

use super::MediaSide;
use super::limiter::Limiter;
use super::limits::{self, Limits, POLLS_PER_MEMBER};
use super::registry::{Due, Effects, Entered, Registry, id, micros, stream_name};
use super::token::{Action, Holder, Keys, Person};
use crate::base::Clock;
use crate::proto::api::{
    Beat, CreateRoom, Enter, Events, Heartbeat, Login, RoomPage, RoomState, Seat, SendMessage, Sent, Session, Time,
};
use crate::proto::{Code, Identity, MemberId, Problem, RoomId, name};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// The application part of stream URLs.
pub const APP: &str = "live";

/// The room service. Clones are the same service.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    clock: Clock,
    keys: Keys,
    media: Arc<dyn MediaSide>,
    state: Mutex<State>,
    closing: watch::Sender<bool>,
}

struct State {
    registry: Registry,
    /// Woken when something happens in the room; there while somebody waits.
    waking: HashMap<RoomId, watch::Sender<()>>,
    waiting: HashMap<(RoomId, Identity), usize>,
    requests: Limiter<Identity>,
    messages: Limiter<Identity>,
    logins: Limiter<IpAddr>,
    wrong_passwords: Limiter<IpAddr>,
}

impl Service {
    /// A service without rooms.
    pub fn new(limits: Limits, keys: Keys, clock: Clock, media: Arc<dyn MediaSide>) -> Self {
        let state = State {
            registry: Registry::new(limits),
            waking: HashMap::new(),
            waiting: HashMap::new(),
            requests: Limiter::new(limits::REQUESTS),
            messages: Limiter::new(limits::MESSAGES),
            logins: Limiter::new(limits::LOGINS),
            wrong_passwords: Limiter::new(limits::WRONG_PASSWORDS),
        };
        Self(Arc::new(Inner { clock, keys, media, state: Mutex::new(state), closing: watch::Sender::new(false) }))
    }

    /// Lets all who wait for events go.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Whether [`close`](Self::close) was called.
    pub fn is_closing(&self) -> bool {
        *self.0.closing.borrow()
    }

    /// The server's clock.
    pub fn time(&self) -> Time {
        Time { now_us: micros(self.now()) }
    }

    /// Signs somebody in.
    ///
    /// # Errors
    /// [`Code::BadName`], [`Code::RateLimited`].
    pub fn login(&self, from: IpAddr, request: &Login) -> Result<Session, Problem> {
        let now = self.now();
        if !self.lock().logins.take(&network(from), now) {
            return Err(rate_limited());
        }
        let name = name::check(&request.name).map_err(|e| Problem::new(Code::BadName, e.to_string()))?;
        let person = Person { identity: Identity::new(id::random(id::IDENTITY_CHARS)), name: name.to_owned() };
        let token = self.0.keys.session(&person, now + limits::SESSION);
        Ok(Session { identity: person.identity, token })
    }

    /// Who makes a request, by their bearer token.
    ///
    /// # Errors
    /// [`Code::Unauthorized`], [`Code::RateLimited`].
    pub fn person(&self, token: &str) -> Result<Person, Problem> {
        let now = self.now();
        let person = self.0.keys.check_session(token, now);
        let person =
            person.ok_or_else(|| Problem::new(Code::Unauthorized, "sign in first: this session is unknown or has expired"))?;
        if self.lock().requests.take(&person.identity, now) { Ok(person) } else { Err(rate_limited()) }
    }

    /// A page of the room list.
    pub fn rooms(&self, offset: usize, limit: usize) -> RoomPage {
        self.lock().registry.list(offset, limit)
    }

    /// Creates a room; `via` is the `host:port` at which the client reached this server.
    ///
    /// # Errors
    /// As [`Registry::create`].
    pub fn create(&self, person: &Person, via: &str, request: &CreateRoom) -> Result<Seat, Problem> {
        let password = self.password(request.password.as_deref())?;
        let entered = self.act(|registry, now| registry.create(now, person, request, password))?;
        Ok(self.seat(entered, via))
    }

    /// Takes a seat.
    ///
    /// # Errors
    /// As [`Registry::enter`]; [`Code::RateLimited`] after many wrong passwords.
    pub fn enter(&self, from: IpAddr, person: &Person, via: &str, room: &str, request: &Enter) -> Result<Seat, Problem> {
        let password = self.password(request.password.as_deref())?;
        let (from, now) = (network(from), self.now());
        if password.is_some() && self.lock().wrong_passwords.is_exhausted(&from, now) {
            return Err(rate_limited());
        }
        let entered = self.act(|registry, now| registry.enter(now, person, room, password));
        if password.is_some() && entered.as_ref().is_err_and(|p| p.code == Code::WrongPassword) {
            self.lock().wrong_passwords.take(&from, now);
        }
        Ok(self.seat(entered?, via))
    }

    /// Gives up a seat.
    ///
    /// # Errors
    /// As [`Registry::exit`].
    pub fn exit(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        self.act(|registry, now| registry.exit(now, &person.identity, room))
    }

    /// Ends a room.
    ///
    /// # Errors
    /// As [`Registry::dissolve`].
    pub fn dissolve(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        self.act(|registry, now| registry.dissolve(now, &person.identity, room))
    }

    /// The room as a member sees it.
    ///
    /// # Errors
    /// As [`Registry::state`].
    pub fn room(&self, person: &Person, via: &str, room: &RoomId) -> Result<RoomState, Problem> {
        let (member, state) = self.lock().registry.state(&person.identity, room)?;
        Ok(self.with_urls(Entered { member, state }, via).state)
    }

    /// Takes note of a heartbeat.
    ///
    /// # Errors
    /// As [`Registry::heartbeat`].
    pub fn heartbeat(&self, person: &Person, room: &RoomId, beat: Heartbeat) -> Result<Beat, Problem> {
        let seq = self.act(|registry, now| registry.heartbeat(now, &person.identity, room, beat.sending))?;
        Ok(Beat { now_us: micros(self.now()), seq })
    }

    /// Says something.
    ///
    /// # Errors
    /// As [`Registry::say`]; [`Code::RateLimited`].
    pub fn say(&self, person: &Person, room: &RoomId, message: SendMessage) -> Result<Sent, Problem> {
        if !self.lock().messages.take(&person.identity, self.now()) {
            return Err(rate_limited());
        }
        let seq = self.act(|registry, now| registry.say(now, &person.identity, room, message))?;
        Ok(Sent { seq })
    }

    /// What happened after event number `since`; waits up to `wait` for something to happen.
    ///
    /// # Errors
    /// As [`Registry::events`]; [`Code::RateLimited`] if the member waits several times over already.
    pub async fn events(&self, person: &Person, room: &RoomId, since: u64, wait: Duration) -> Result<Events, Problem> {
        let _waiter = Waiter::new(self, room, &person.identity)?;
        let mut closing = self.0.closing.subscribe();
        let until = tokio::time::sleep(wait.min(limits::LONGEST_WAIT));
        tokio::pin!(until);
        loop {
            // Looking and starting to wait happen under one lock: nothing slips in between.
            let mut woken = {
                let mut state = self.lock();
                let events = state.registry.events(&person.identity, room, since)?;
                if !events.events.is_empty() || events.gap || until.is_elapsed() || *closing.borrow() {
                    return Ok(events);
                }
                state.waking.entry(room.clone()).or_insert_with(|| watch::Sender::new(())).subscribe()
            };
            tokio::select! {
                _ = woken.changed() => {}
                () = &mut until => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        }
    }

    /// Whether the bearer of `token` may do `action` with `stream` now. Returns their seat.
    ///
    /// # Errors
    /// [`Code::Forbidden`] with the sentence for the client.
    pub fn authorize(&self, action: Action, stream: &str, token: &str) -> Result<Holder, Problem> {
        let refused = |why: &str| Problem::new(Code::Forbidden, why);
        let holder = self.0.keys.check_stream(token, action, stream, self.now());
        let holder = holder.ok_or_else(|| refused("the token is missing, wrong, expired or for something else"))?;
        let state = self.lock();
        let owner = state.registry.holder_of(stream).ok_or_else(|| refused("the stream's seat is gone"))?;
        let fits = match action {
            Action::Publish => owner == holder,
            Action::Play => owner.room == holder.room && state.registry.has_seat(&holder),
        };
        if fits { Ok(holder) } else { Err(refused("the token's seat is gone")) }
    }

    /// Whether that member may go on playing `stream`: both seats are still there.
    pub fn may_stay(&self, stream: &str, member: &MemberId) -> bool {
        let state = self.lock();
        let owner = state.registry.holder_of(stream);
        owner.is_some_and(|o| state.registry.has_seat(&Holder { room: o.room, member: member.clone() }))
    }

    /// Whether that stream belongs to a seat.
    pub fn is_room_stream(&self, stream: &str) -> bool {
        self.lock().registry.holder_of(stream).is_some()
    }

    /// Told by the media side: packets of that stream flow.
    pub fn started(&self, stream: &str) {
        self.act(|registry, now| registry.started(now, stream));
    }

    /// Told by the media side: that stream has ended.
    pub fn stopped(&self, stream: &str) {
        self.act(|registry, now| registry.stopped(now, stream));
    }

    /// Removes those whose time is up and whose stream does not flow.
    pub fn expire(&self) {
        let due: Vec<Due> = self.act(Registry::due);
        for Due { holder, stream } in due {
            let flows = self.0.media.is_live(&stream);
            self.act(|registry, now| registry.settle(now, &holder, flows));
        }
    }

    /// Calls [`expire`](Self::expire) every [`limits::TICK`], until [`close`](Self::close).
    pub async fn keep_expiring(&self) {
        let mut closing = self.0.closing.subscribe();
        let mut ticks = tokio::time::interval(limits::TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => self.expire(),
                _ = closing.wait_for(|closing| *closing) => return,
            }
        }
    }

    fn now(&self) -> Duration {
        self.0.clock.now()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the registry, then does what follows from it.
    fn act<T>(&self, change: impl FnOnce(&mut Registry, Duration) -> T) -> T {
        let (result, kicked) = {
            let mut state = self.lock();
            // Read under the lock: the registry never sees time go backwards.
            let result = change(&mut state.registry, self.now());
            let Effects { touched, kicked } = state.registry.take_effects();
            for room in touched {
                if let Some(waking) = state.waking.get(&room) {
                    waking.send_replace(());
                }
            }
            (result, kicked)
        };
        for stream in kicked {
            self.0.media.kick(&stream);
        }
        result
    }

    fn password(&self, password: Option<&str>) -> Result<Option<super::token::PasswordDigest>, Problem> {
        match password {
            // An empty field of a form is no password.
            None | Some("") => Ok(None),
            Some(long) if long.len() > limits::PASSWORD_BYTES => {
                Err(Problem::new(Code::TooLarge, format!("the password is longer than {} bytes", limits::PASSWORD_BYTES)))
            }
            Some(password) => Ok(Some(self.0.keys.password(password))),
        }
    }

    fn seat(&self, entered: Entered, via: &str) -> Seat {
        let Entered { member, state } = self.with_urls(entered, via);
        let holder = Holder { room: state.room.clone(), member };
        let publish_url = self.url(via, Action::Publish, &holder, &stream_name(&holder));
        Seat { room: holder.room, member: holder.member, publish_url, seq: state.seq, state }
    }

    /// Adds the play URLs of the others.
    fn with_urls(&self, mut entered: Entered, via: &str) -> Entered {
        let holder = Holder { room: entered.state.room.clone(), member: entered.member.clone() };
        for other in entered.state.members.iter_mut().filter(|m| m.member != holder.member) {
            let stream = stream_name(&Holder { room: holder.room.clone(), member: other.member.clone() });
            other.play_url = Some(self.url(via, Action::Play, &holder, &stream));
        }
        entered
    }

    fn url(&self, via: &str, action: Action, holder: &Holder, stream: &str) -> String {
        let step = limits::STREAM_TOKEN_STEP.as_secs();
        let expires = (self.now() + limits::STREAM_TOKEN).as_secs().div_ceil(step) * step;
        let token = self.0.keys.stream(action, holder, stream, Duration::from_secs(expires));
        format!("rtmp://{via}/{APP}/{stream}?token={token}")
    }
}

/// Somebody who waits for events; uncounted when dropped.
struct Waiter<'s> {
    service: &'s Service,
    key: (RoomId, Identity),
}

impl<'s> Waiter<'s> {
    fn new(service: &'s Service, room: &RoomId, identity: &Identity) -> Result<Self, Problem> {
        let key = (room.clone(), identity.clone());
        let mut state = service.lock();
        // Only members are counted, so the table holds no more than there are seats.
        state.registry.events(identity, room, u64::MAX)?;
        let waiting = state.waiting.entry(key.clone()).or_default();
        if *waiting >= POLLS_PER_MEMBER {
            return Err(rate_limited());
        }
        *waiting += 1;
        drop(state);
        Ok(Self { service, key })
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut state = self.service.lock();
        if let Some(waiting) = state.waiting.get_mut(&self.key) {
            *waiting -= 1;
            if *waiting == 0 {
                state.waiting.remove(&self.key);
            }
        }
        // The receiver of this very waiter is dropped already: it lives inside the loop.
        if state.waking.get(&self.key.0).is_some_and(|waking| waking.receiver_count() == 0) {
            state.waking.remove(&self.key.0);
        }
    }
}

/// Who counts as one address: an IPv6 subscriber has a whole /64.
fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64))),
        ip => ip,
    }
}

fn rate_limited() -> Problem {
    Problem::new(Code::RateLimited, "too many requests; try again in a moment")
}
