//! Those who watch live rooms without a seat. They are many and cost little: no event tells of one of them, and each of them is known to the
//! store alone.

use super::{Service, network, rate_limited};
use crate::proto::api::{AudiencePage, RoomState, Ticket, Watch};
use crate::proto::{Code, MemberId, Mode, Problem, RoomId};
use crate::server::limits::{GONE, PAGE};
use crate::server::room::{Entered, Room, id};
use crate::server::store::Watcher;
use crate::server::token::Person;
use std::net::IpAddr;

impl Service {
    /// Lets somebody watch a live room; whoever watches already keeps their place. The room by id, or the newest listed one of that name.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::WrongMode`], [`Code::WrongPassword`], [`Code::Removed`], [`Code::AudienceFull`], [`Code::RateLimited`]
    /// after many wrong passwords.
    pub async fn watch(&self, from: IpAddr, person: &Person, via: &str, room: &str, request: &Watch) -> Result<Ticket, Problem> {
        let password = self.password(request.password.as_deref())?;
        let (from, now) = (network(from), self.now());
        if password.is_some() && self.rates().wrong_passwords.is_exhausted(&from, now) {
            return Err(rate_limited());
        }
        let marks = self.marks(from, person);
        let room = self.find(room).await?;
        let viewer = self.viewer_id(&room, person);
        let there = self.0.store.watcher(&room, &viewer).await?.is_some();
        let looked = self.view(&room, None, |room: &Room, _| {
            room.check_open()?;
            if room.mode != Mode::Live {
                return Err(Problem::new(Code::WrongMode, "only live rooms have an audience: take a seat"));
            }
            if !there {
                room.check_password(password)?;
            }
            room.check_welcome(&marks)?;
            Ok(room.state())
        });
        let state = looked.await;
        if password.is_some() && state.as_ref().is_err_and(|p| p.code == Code::WrongPassword) {
            self.rates().wrong_passwords.take(&from, now);
        }
        let mut state = state?;
        let watcher = Watcher { viewer: viewer.clone(), name: person.name.clone(), marks };
        let cap = self.limits().audience;
        let watching = self.0.store.watch(&room, &watcher, now + GONE, cap).await?;
        let full = || Problem::new(Code::AudienceFull, format!("{cap} people watch this room already; try again later"));
        state.audience = watching.ok_or_else(full)?;
        let Entered { member: viewer, state, .. } = self.with_urls(Entered { member: viewer, state, record: None }, via);
        Ok(Ticket { room, viewer, seq: state.seq, state })
    }

    /// Stops watching. Nothing happens if one does not watch.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unwatch(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        self.0.store.unwatch(room, &self.viewer_id(room, person)).await?;
        Ok(())
    }

    /// The host makes a viewer stop watching for good.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`] (the host or the viewer), [`Code::Forbidden`] for anybody but the host.
    pub async fn remove_viewer(&self, person: &Person, room: &RoomId, viewer: &MemberId) -> Result<(), Problem> {
        if *viewer == self.viewer_id(room, person) {
            return self.unwatch(person, room).await;
        }
        self.view(room, None, |room, _| room.check_host(&person.identity).map(drop)).await?;
        self.expel_viewer(room, viewer).await
    }

    /// Makes a viewer stop watching for good.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`].
    pub(super) async fn expel_viewer(&self, room: &RoomId, viewer: &MemberId) -> Result<(), Problem> {
        let watcher = self.0.store.watcher(room, viewer).await?;
        let watcher = watcher.ok_or_else(|| Problem::new(Code::NotAMember, "nobody of that id watches this room"))?;
        self.act(room, |room, _| room.bar(&watcher.marks)).await?;
        self.0.store.unwatch(room, viewer).await?;
        Ok(())
    }

    /// A page of those who watch.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`]: only for members.
    pub async fn audience(&self, person: &Person, room: &RoomId, offset: usize, limit: usize) -> Result<AudiencePage, Problem> {
        self.view(room, None, |room, _| room.seated(&person.identity).map(drop)).await?;
        Ok(self.0.store.audience(room, offset, limit.min(PAGE)).await?)
    }

    /// How many watch; nobody asks the store of rooms that have no audience.
    pub(super) async fn audience_of(&self, room: &RoomId, mode: Mode) -> Result<usize, Problem> {
        match mode {
            Mode::Live => Ok(self.0.store.audience(room, 0, 0).await?.total),
            Mode::Duo | Mode::Multi => Ok(0),
        }
    }

    /// A viewer is still there. `None`: that person does not watch.
    pub(super) async fn viewer_beat(&self, person: &Person, room: &RoomId) -> Result<Option<usize>, Problem> {
        let Some(watcher) = self.0.store.watcher(room, &self.viewer_id(room, person)).await? else { return Ok(None) };
        Ok(self.0.store.watch(room, &watcher, self.now() + GONE, usize::MAX).await?)
    }

    /// Whether that person watches.
    pub(super) async fn is_watching(&self, person: &Person, room: &RoomId) -> Result<bool, Problem> {
        Ok(self.0.store.watcher(room, &self.viewer_id(room, person)).await?.is_some())
    }

    /// The room as a viewer sees it.
    pub(super) async fn room_for_viewer(&self, person: &Person, via: &str, room: &RoomId) -> Result<RoomState, Problem> {
        let viewer = self.viewer_id(room, person);
        let look = |room: &Room, _| room.check_open().map(|()| room.state());
        let state = self.view(room, None, look).await?;
        Ok(self.with_urls(Entered { member: viewer, state, record: None }, via).state)
    }

    /// A person's id in an audience: always the same, and telling nothing of them.
    pub(super) fn viewer_id(&self, room: &RoomId, person: &Person) -> MemberId {
        MemberId::new(format!("v{}", self.0.keys.mark(&["viewer", room.as_str(), person.identity.as_str()])))
    }

    /// The id of a room of that id or name.
    async fn find(&self, wanted: &str) -> Result<RoomId, Problem> {
        let wanted = wanted.trim();
        let there = async |id: RoomId| match id::is_room_id(id.as_str()) {
            true => self.view(&id, None, |room, _| room.check_open()).await.is_ok().then_some(id),
            false => None,
        };
        if let Some(id) = there(RoomId::new(wanted)).await {
            return Ok(id);
        }
        if let Some(id) = self.0.store.find(wanted).await? {
            return Ok(id);
        }
        there(RoomId::new(wanted.to_ascii_lowercase())).await.ok_or_else(crate::server::room::room_not_found)
    }
}
