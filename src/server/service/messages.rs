//! What is said, and what happens: saying, looking back, waiting for more.

use super::{Service, rate_limited};
use crate::proto::api::{Events, Message, MessagePage, SendMessage, Sent};
use crate::proto::{Code, Event, EventKind, Problem, RoomId};
use crate::server::limits::{self, MESSAGES_PER_PAGE};
use crate::server::receipt;
use crate::server::room::Room;
use crate::server::token::Person;
use std::time::Duration;

impl Service {
    /// Says something.
    ///
    /// # Errors
    /// As [`Room::say`]; [`Code::RateLimited`].
    pub async fn say(&self, person: &Person, room: &RoomId, message: &SendMessage) -> Result<Sent, Problem> {
        self.check_rate(person)?;
        let seq = match self.act(room, |room, now| room.say(now, &person.identity, message)).await {
            Err(problem) if problem.code == Code::NotAMember && self.is_watching(person, room).await? => {
                let viewer = self.viewer_id(room, person);
                self.act(room, |room, now| room.say_as_viewer(now, &viewer, &person.name, message)).await?
            }
            said => said?,
        };
        Ok(Sent { seq })
    }

    /// What was said: the newest `limit` messages with a lower number than `before`.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`], [`Code::NotAMember`]: only for those inside.
    pub async fn messages(
        &self,
        person: &Person,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<MessagePage, Problem> {
        self.check_present(person, room).await?;
        let (events, more) = self.0.store.messages(room, before, limit.min(MESSAGES_PER_PAGE)).await?;
        Ok(MessagePage { messages: events.into_iter().filter_map(|event| self.message(room, event)).collect(), more })
    }

    fn message(&self, room: &RoomId, event: Event) -> Option<Message> {
        let seal = receipt::seal_of(&event, room, &self.0.keys)?;
        let Event { seq, at_us, kind, .. } = event;
        match kind {
            EventKind::Message { member, name, nonce, body } => Some(Message { seq, at_us, member, name, nonce, body, seal }),
            _ => None,
        }
    }

    /// What happened after event number `since`; waits up to `wait` for something to happen.
    ///
    /// # Errors
    /// As [`Room::check_audible`]; [`Code::RateLimited`] if the person waits several times over already; [`Code::Stopping`] to whoever waits
    /// when the server stops.
    pub async fn events(&self, person: &Person, room: &RoomId, since: u64, wait: Duration) -> Result<Events, Problem> {
        let mut waiter = self.0.waiting.start(room, &person.identity).ok_or_else(rate_limited)?;
        let mut closing = self.0.closing.subscribe();
        let until = tokio::time::sleep(wait.min(limits::LONGEST_WAIT));
        tokio::pin!(until);
        loop {
            waiter.listen();
            self.check_newest(person).await?;
            let look = |room: &Room, events| Ok((room.check_audible(&person.identity), events));
            let (audible, mut events) = self.view(room, Some(since), look).await?;
            if let Err(problem) = audible
                && !self.is_watching(person, room).await?
            {
                return Err(problem);
            }
            if !events.events.is_empty() || events.gap || until.is_elapsed() {
                for event in &mut events.events {
                    event.seal = receipt::seal_of(event, room, &self.0.keys);
                }
                return Ok(events);
            }
            if *closing.borrow() {
                return Err(Problem::new(Code::Stopping, "the server stops; connect again in a moment"));
            }
            tokio::select! {
                () = waiter.woken() => {}
                () = &mut until => {}
                _ = closing.wait_for(|closing| *closing) => {}
            }
        }
    }

    /// Fails for whoever neither has a seat there nor watches.
    pub(super) async fn check_present(&self, person: &Person, room: &RoomId) -> Result<(), Problem> {
        match self.view(room, None, |room, _| room.seated(&person.identity).map(drop)).await {
            Err(problem) if problem.code == Code::NotAMember && self.is_watching(person, room).await? => Ok(()),
            answer => answer,
        }
    }

    /// Counts something that others hear of.
    pub(super) fn check_rate(&self, person: &Person) -> Result<(), Problem> {
        if self.rates().messages.take(&person.identity, self.now()) { Ok(()) } else { Err(rate_limited()) }
    }
}
