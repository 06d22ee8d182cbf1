//! What can be asked of rooms: each function is one request, under the name by which it has always been known.

use super::{Client, Error, ErrorKind};
use crate::proto::api::{
    AudiencePage, Count, CreateRoom, Enter, Field, FieldList, FieldValue, MemberPage, MessageBody, MessagePage, Restore,
    RoomPage, RoomState, Seat, SendMessage, Sent, SetField, Ticket, Watch,
};
use crate::proto::{Code, MemberId, Problem, RoomId};
use reqwest::Method;

impl Client {
    /// A page of the room list, newest first.
    ///
    /// # Errors
    /// All kinds.
    pub async fn get_room_list(&self, offset: usize, limit: usize) -> Result<RoomPage, Error> {
        self.request(Method::GET, &["rooms"], &page(offset, limit), None::<&()>).await
    }

    /// A page of the rooms whose name contains `search`, newest first.
    ///
    /// # Errors
    /// All kinds.
    pub async fn find_rooms(&self, search: &str, offset: usize, limit: usize) -> Result<RoomPage, Error> {
        let search: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
        self.request(Method::GET, &["rooms"], &format!("{}&search={search}", page(offset, limit)), None::<&()>).await
    }

    /// Creates a room and takes the creator's seat. The room is listed when the stream pushed to [`Seat::publish_url`] flows. Tried twice if
    /// the network fails; there is one room all the same.
    ///
    /// # Errors
    /// All kinds; [`Code::BadName`], [`Code::Conflict`] (the id asked for is taken), [`Code::ServerFull`].
    pub async fn create_room(&self, room: &CreateRoom) -> Result<Seat, Error> {
        let room = CreateRoom { nonce: Some(room.nonce.unwrap_or_else(nonce)), ..room.clone() };
        let seat = twice(|| self.request(Method::POST, &["rooms"], "", Some(&room))).await?;
        Ok(self.pin_seat(seat))
    }

    /// Takes a seat in the room of that id or name. Asking again gives the same seat with fresh tokens.
    ///
    /// # Errors
    /// All kinds; [`Code::RoomNotFound`], [`Code::RoomFull`], [`Code::WrongPassword`], [`Code::KeyRequired`], [`Code::Removed`].
    pub async fn enter_room(&self, room: &str, password: Option<&str>) -> Result<Seat, Error> {
        self.take_seat(room, &Enter { password: password.map(str::to_owned), ..Enter::default() }).await
    }

    /// As [`enter_room`](Self::enter_room), where more is to be said.
    ///
    /// # Errors
    /// As there; [`Code::BadRequest`] of a server that is too old to hear it.
    pub async fn take_seat(&self, room: &str, enter: &Enter) -> Result<Seat, Error> {
        let seat = self.request(Method::POST, &["rooms", addressable(room)?, "members"], "", Some(enter)).await?;
        Ok(self.pin_seat(seat))
    }

    /// Brings back a room that the server lost when it was restarted, and one's seat in it; may be repeated.
    ///
    /// # Errors
    /// All kinds; [`Code::BadReceipt`], [`Code::RoomNotFound`] (it is over), [`Code::RoomFull`], [`Code::Removed`].
    pub async fn restore_room(&self, room: &RoomId, restore: &Restore) -> Result<Seat, Error> {
        let seat = self.request(Method::POST, &["rooms", room.as_str(), "restore"], "", Some(restore)).await?;
        Ok(self.pin_seat(seat))
    }

    /// Gives up one's seat.
    ///
    /// # Errors
    /// All kinds.
    pub async fn exit_room(&self, room: &RoomId) -> Result<(), Error> {
        self.order(Method::DELETE, &["rooms", room.as_str(), "members", "me"]).await
    }

    /// Ends the room for everybody (its creator only).
    ///
    /// # Errors
    /// All kinds; [`Code::Forbidden`] for anybody else.
    pub async fn dissolve(&self, room: &RoomId) -> Result<(), Error> {
        self.order(Method::DELETE, &["rooms", room.as_str()]).await
    }

    /// The room as it is now, with fresh play URLs.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`].
    pub async fn get_room(&self, room: &RoomId) -> Result<RoomState, Error> {
        let mut state: RoomState = self.request(Method::GET, &["rooms", room.as_str()], "", None::<&()>).await?;
        self.pin_members(&mut state.members);
        Ok(state)
    }

    /// A page of the members, with what they measured last.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`].
    pub async fn get_room_members(&self, room: &RoomId, offset: usize, limit: usize) -> Result<MemberPage, Error> {
        let path = ["rooms", room.as_str(), "members"];
        let mut members: MemberPage = self.request(Method::GET, &path, &page(offset, limit), None::<&()>).await?;
        self.pin_members(&mut members.members);
        Ok(members)
    }

    /// Asks a member's program to mute their microphone (the host only). Only they can switch it on again.
    ///
    /// # Errors
    /// All kinds; [`Code::Forbidden`] for anybody else, [`Code::NotAMember`].
    pub async fn request_mute(&self, room: &RoomId, member: &MemberId) -> Result<(), Error> {
        self.order(Method::POST, &["rooms", room.as_str(), "members", member.as_str(), "mute"]).await
    }

    /// Removes a member for good (the host only).
    ///
    /// # Errors
    /// All kinds; [`Code::Forbidden`] for anybody else, [`Code::NotAMember`].
    pub async fn remove_member(&self, room: &RoomId, member: &MemberId) -> Result<(), Error> {
        self.order(Method::DELETE, &["rooms", room.as_str(), "members", member.as_str()]).await
    }

    /// The room's custom fields.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`].
    pub async fn get_custom_info(&self, room: &RoomId) -> Result<FieldList, Error> {
        self.request(Method::GET, &["rooms", room.as_str(), "fields"], "", None::<&()>).await
    }

    /// Sets a custom field; with `version`, only if it still has that one (0: is not there).
    ///
    /// # Errors
    /// All kinds; [`Code::Conflict`] (another version), [`Code::TooLarge`], [`Code::BadRequest`] (a bad key).
    pub async fn set_custom_info(
        &self,
        room: &RoomId,
        key: &str,
        value: impl Into<FieldValue>,
        version: Option<u64>,
    ) -> Result<Field, Error> {
        let set = SetField { value: value.into(), version };
        self.request(Method::PUT, &["rooms", room.as_str(), "fields", key], "", Some(&set)).await
    }

    /// Takes a custom field away.
    ///
    /// # Errors
    /// All kinds.
    pub async fn remove_custom_info(&self, room: &RoomId, key: &str) -> Result<(), Error> {
        self.order(Method::DELETE, &["rooms", room.as_str(), "fields", key]).await
    }

    /// Adds to a number in a custom field. Tried twice if the network fails; counted once.
    ///
    /// # Errors
    /// All kinds; [`Code::Conflict`] (the field holds a text).
    pub async fn inc_custom_info(&self, room: &RoomId, key: &str, by: u32) -> Result<Field, Error> {
        self.count(room, key, "inc", by).await
    }

    /// Takes away from a number in a custom field. Tried twice if the network fails; counted once.
    ///
    /// # Errors
    /// All kinds; [`Code::Conflict`] (the field holds a text).
    pub async fn dec_custom_info(&self, room: &RoomId, key: &str, by: u32) -> Result<Field, Error> {
        self.count(room, key, "dec", by).await
    }

    async fn count(&self, room: &RoomId, key: &str, way: &str, by: u32) -> Result<Field, Error> {
        let count = Count { by, nonce: nonce() };
        let path = ["rooms", room.as_str(), "fields", key, way];
        twice(|| self.request(Method::POST, &path, "", Some(&count))).await
    }

    /// Starts to watch the live room of that id or name. Keep it up with [`heartbeat`](Self::heartbeat).
    ///
    /// # Errors
    /// All kinds; [`Code::WrongMode`], [`Code::AudienceFull`], [`Code::WrongPassword`], [`Code::Removed`].
    pub async fn add_audience(&self, room: &str, password: Option<&str>) -> Result<Ticket, Error> {
        let watch = Watch { password: password.map(str::to_owned) };
        let path = ["rooms", addressable(room)?, "audience"];
        let mut ticket: Ticket = self.request(Method::POST, &path, "", Some(&watch)).await?;
        self.pin_members(&mut ticket.state.members);
        Ok(ticket)
    }

    /// Stops watching; with somebody else's id, makes them stop for good (the host only).
    ///
    /// # Errors
    /// All kinds; [`Code::Forbidden`] for anybody but the host.
    pub async fn remove_audience(&self, room: &RoomId, viewer: Option<&MemberId>) -> Result<(), Error> {
        self.order(Method::DELETE, &["rooms", room.as_str(), "audience", viewer.map_or("me", MemberId::as_str)]).await
    }

    /// A page of those who watch.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`].
    pub async fn get_audience_list(&self, room: &RoomId, offset: usize, limit: usize) -> Result<AudiencePage, Error> {
        self.request(Method::GET, &["rooms", room.as_str(), "audience"], &page(offset, limit), None::<&()>).await
    }

    /// What was said before event number `before` (`None`: up to now), the newest `limit` messages, oldest first.
    ///
    /// # Errors
    /// All kinds; [`Code::NotAMember`].
    pub async fn get_messages(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<MessagePage, Error> {
        let before = before.map(|before| format!("&before={before}")).unwrap_or_default();
        self.request(Method::GET, &["rooms", room.as_str(), "messages"], &format!("limit={limit}{before}"), None::<&()>).await
    }

    /// Says a line of chat to all in the room. Tried twice if the network fails; said once.
    ///
    /// # Errors
    /// All kinds; [`Code::TooLarge`].
    pub async fn send_text_msg(&self, room: &RoomId, text: &str) -> Result<Sent, Error> {
        self.send(room, MessageBody::Text { text: text.to_owned() }).await
    }

    /// Sends an application's own message to all in the room. Tried twice if the network fails; sent once.
    ///
    /// # Errors
    /// All kinds; [`Code::TooLarge`].
    pub async fn send_custom_msg(&self, room: &RoomId, command: &str, data: &str) -> Result<Sent, Error> {
        self.send(room, MessageBody::Custom { command: command.to_owned(), data: data.to_owned() }).await
    }

    async fn send(&self, room: &RoomId, body: MessageBody) -> Result<Sent, Error> {
        let message = SendMessage { body, nonce: nonce() };
        twice(|| self.send_msg(room, &message)).await
    }

    /// Sends a message once, for callers that keep it and send it again themselves: one nonce is said only once.
    ///
    /// # Errors
    /// All kinds; [`Code::TooLarge`].
    pub async fn send_msg(&self, room: &RoomId, message: &SendMessage) -> Result<Sent, Error> {
        self.request(Method::POST, &["rooms", room.as_str(), "messages"], "", Some(message)).await
    }
}

/// A second time if the network failed: nobody knows whether the first was heard.
async fn twice<T, F: Future<Output = Result<T, Error>>>(ask: impl Fn() -> F) -> Result<T, Error> {
    match ask().await {
        Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) => ask().await,
        answer => answer,
    }
}

/// Small enough for programs that know 64-bit floating point numbers only.
fn nonce() -> u64 {
    rand::random::<u64>() >> 11
}

fn page(offset: usize, limit: usize) -> String {
    format!("offset={offset}&limit={limit}")
}

/// An address cannot hold some names, and no room can have such a name.
fn addressable(room: &str) -> Result<&str, Error> {
    match room.trim().chars().all(|c| c == '.') {
        true => Err(Problem::new(Code::RoomNotFound, "there is no such room").into()),
        false => Ok(room),
    }
}
