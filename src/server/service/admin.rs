//! What operators see and do.

use super::Service;
use crate::proto::api::{AdminMember, AdminRoom, AdminRooms, Overview};
use crate::proto::{MemberId, Problem, RoomId};
use crate::server::limits::PAGE;
use crate::server::room::{Room, id, micros};

impl Service {
    /// The server at a glance.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn overview(&self) -> Result<Overview, Problem> {
        let now = self.now();
        let (_, rooms) = self.0.store.all(0, 0).await?;
        Ok(Overview {
            version: crate::version().to_owned(),
            now_us: micros(now),
            uptime_s: now.saturating_sub(self.0.started).as_secs(),
            rooms,
            media: self.0.media.totals(),
        })
    }

    /// A page of all rooms with everybody in them.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all_rooms(&self, offset: usize, limit: usize) -> Result<AdminRooms, Problem> {
        let (rooms, total) = self.0.store.all(offset, limit.min(PAGE)).await?;
        let mut lines = Vec::with_capacity(rooms.len());
        for room in rooms {
            lines.push(AdminRoom { audience: self.audience_of(&room.id, room.mode).await?, ..self.line(room) });
        }
        Ok(AdminRooms { rooms: lines, total })
    }

    fn line(&self, room: Room) -> AdminRoom {
        let members = room.seats.iter().map(|seat| AdminMember {
            member: seat.member.clone(),
            name: seat.name.clone(),
            joined: seat.joined,
            sending: seat.sending,
            stream: self.0.media.figures(&id::stream_name(&room.id, &seat.member)),
            statistics: self.0.figures.get(&room.id, &seat.member),
        });
        AdminRoom {
            members: members.collect(),
            listed: room.is_listed(),
            locked: room.password.is_some(),
            room: room.id,
            name: room.name,
            mode: room.mode,
            info: room.info,
            created_us: room.created_us,
            cap: room.cap,
            creator: room.creator,
            audience: 0,
        }
    }

    /// Ends a room.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`](crate::proto::Code::RoomNotFound).
    pub async fn shut(&self, room: &RoomId) -> Result<(), Problem> {
        self.act(room, |room, now| room.shut(now)).await
    }

    /// Removes a member or a viewer, who does not come back.
    ///
    /// # Errors
    /// [`Code::RoomNotFound`](crate::proto::Code::RoomNotFound), [`Code::NotAMember`](crate::proto::Code::NotAMember).
    pub async fn expel(&self, room: &RoomId, member: &MemberId) -> Result<(), Problem> {
        let is_seat = self.view(room, None, |room, _| Ok(room.seat(member).is_some())).await?;
        match is_seat {
            true => self.act(room, |room, now| room.expel(now, member)).await,
            false => self.expel_viewer(room, member).await,
        }
    }
}
