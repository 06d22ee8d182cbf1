//! Streams: whose they are, who may send and play them, and what the media side tells of them.

use super::Service;
use crate::proto::{Code, MemberId, Problem};
use crate::server::room::{Room, id};
use crate::server::token::{Action, Holder};

impl Service {
    /// Whether the bearer of `token` may do `action` with `stream` now. Returns their seat.
    ///
    /// # Errors
    /// [`Code::Forbidden`] with the sentence for the client.
    pub async fn authorize(&self, action: Action, stream: &str, token: &str) -> Result<Holder, Problem> {
        let refused = |why: &str| Problem::new(Code::Forbidden, why);
        let holder = self.0.keys.check_stream(token, action, stream, self.now());
        let holder = holder.ok_or_else(|| refused("the token is missing, wrong, expired or for something else"))?;
        let owner = id::holder_of(stream).ok_or_else(|| refused("the stream belongs to no seat"))?;
        let fits = match action {
            // A server gets a stream in the name of its owner.
            Action::Publish | Action::Relay => owner == holder,
            Action::Play => owner.room == holder.room,
        };
        let seats = |room: &Room, _| Ok((room.seat(&owner.member).is_some(), room.seat(&holder.member).is_some()));
        match self.view(&owner.room, None, seats).await {
            Ok((true, true)) if fits => Ok(holder),
            Ok((true, false)) if fits && self.0.store.watcher(&holder.room, &holder.member).await?.is_some() => Ok(holder),
            Ok((true, _)) => Err(refused("the token's seat is gone")),
            Ok((false, _)) => Err(refused("the stream's seat is gone")),
            Err(problem) if problem.code == Code::RoomNotFound => Err(refused("the stream's seat is gone")),
            Err(problem) => Err(problem),
        }
    }

    /// Whether that member or viewer may go on playing `stream`: both places are still there. Nobody has to stop while the store fails.
    pub async fn may_stay(&self, stream: &str, member: &MemberId) -> bool {
        let Some(owner) = id::holder_of(stream) else { return false };
        let both = |room: &Room, _| Ok((room.seat(&owner.member).is_some(), room.seat(member).is_some()));
        match self.view(&owner.room, None, both).await {
            Ok((true, false)) => self.0.store.watcher(&owner.room, member).await.map_or(true, |watcher| watcher.is_some()),
            Ok((published, seated)) => published && seated,
            Err(problem) => problem.code != Code::RoomNotFound,
        }
    }

    /// Whether that stream belongs to a seat.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_room_stream(&self, stream: &str) -> Result<bool, Problem> {
        let Some(owner) = id::holder_of(stream) else { return Ok(false) };
        match self.view(&owner.room, None, |room, _| Ok(room.seat(&owner.member).is_some())).await {
            Err(problem) if problem.code == Code::RoomNotFound => Ok(false),
            answer => answer,
        }
    }

    /// Told by the media side: packets of that stream flow. A stream without a seat is ended.
    pub async fn started(&self, stream: &str) {
        let has_seat = match id::holder_of(stream) {
            Some(Holder { room, member }) => self.act(&room, |room, now| Ok(room.started(now, &member))).await,
            None => Ok(false),
        };
        match has_seat {
            Ok(true) => {}
            Ok(false) => self.0.media.kick(stream),
            Err(problem) if problem.code == Code::RoomNotFound => self.0.media.kick(stream),
            // It is found to flow when the seat is due.
            Err(problem) => tracing::warn!(stream, %problem, "the start of a stream was not noted"),
        }
    }

    /// Told by the media side: that stream has ended.
    pub async fn stopped(&self, stream: &str) {
        let Some(Holder { room, member }) = id::holder_of(stream) else { return };
        let stopped = self.act(&room, |room, now| {
            room.stopped(now, &member);
            Ok(())
        });
        if let Err(problem) = stopped.await
            && problem.code != Code::RoomNotFound
        {
            tracing::warn!(stream, %problem, "the end of a stream was not noted");
        }
    }
}
