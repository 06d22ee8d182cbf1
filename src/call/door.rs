//! How one gets into the room, and back into it after the connection was lost.

use super::actor::Entry;
use crate::proto::api::{CreateRoom, Enter, Login, Restore, Seat, Sending, Session};
use crate::proto::{self, Code};
use crate::room::ErrorKind::{Problem, Timeout, Unreachable};
use crate::room::{self, Client};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

/// A try to come back that has no answer yet is joined by another after this: what it waits for may have been lost with the network, and systems
/// repeat an unanswered request to connect only after 1, 3 and 7 s.
const ANOTHER: Duration = Duration::from_millis(350);
/// Tries under way at once: as many as their limit on connecting allows.
const AT_ONCE: usize = 8;
/// Tries before all of them are given up, so that waits may grow.
const TRIES: usize = 25;

/// What it takes to get in.
#[derive(Clone)]
pub(super) struct Door {
    pub(super) client: Client,
    pub(super) login: Login,
    pub(super) entry: Entry,
    /// What is switched on when one comes.
    pub(super) sending: Sending,
    /// Whether one has the key of a room that is encrypted from end to end.
    pub(super) sealed: bool,
    /// One's session from before, if there is one: the seat held in it is the same again.
    pub(super) session: Option<Session>,
}

/// What one has of the seat that was lost.
#[derive(Clone)]
pub(super) struct Lost {
    pub(super) seat: Seat,
    pub(super) restore: Option<Restore>,
}

impl Door {
    /// The first time.
    pub(super) async fn enter(&self) -> Result<Seat, room::Error> {
        match &self.session {
            Some(session) => self.client.resume(&self.login, session.clone()),
            None => _ = self.client.login_as(&self.login).await?,
        }
        match &self.entry {
            Entry::Create { .. } => self.client.create_room(&self.room(None)?).await,
            Entry::Enter { room, password } => self.take_seat(room, password.clone()).await,
        }
    }

    /// A seat on which the others see at once what is switched off.
    async fn take_seat(&self, room: &str, password: Option<String>) -> Result<Seat, room::Error> {
        // What is as servers take it to be is not said: older ones would not understand.
        let sending = Some(self.sending).filter(|sending| *sending != Sending::default());
        let mut enter = Enter { password, sending, sealed: self.sealed };
        match self.client.take_seat(room, &enter).await {
            Err(error) if error.kind() == Problem(Code::BadRequest) && enter.sending.take().is_some() => {
                tracing::info!(%error, "the server is older than this program: the others see a little later what is switched off");
                self.client.take_seat(room, &enter).await
            }
            entered => entered,
        }
    }

    /// Asks for the lost seat over connections of its own, several times over until there is an answer; the answer may be no.
    pub(super) async fn return_to(&self, lost: &Lost) -> Result<Seat, room::Error> {
        self.client.forget_connections();
        let mut tries = JoinSet::new();
        let no_answer = || room::Error::Timeout { server: self.client.server().to_owned() };
        // One number for all of them: one room comes of it.
        let nonce = rand::random::<u64>() >> 11;
        for _ in 0..TRIES {
            if tries.len() < AT_ONCE {
                let (door, lost) = (self.clone(), lost.clone());
                tries.spawn(async move { door.ask(&lost, nonce).await });
            }
            let next = sleep(ANOTHER);
            tokio::pin!(next);
            loop {
                tokio::select! {
                    Some(ended) = tries.join_next() => match ended {
                        Ok(Err(error)) if matches!(error.kind(), Unreachable | Timeout) && !tries.is_empty() => {}
                        Ok(answer) => return answer,
                        Err(error) => tracing::error!(%error, "a try to come back broke off"),
                    },
                    () = &mut next => break,
                }
            }
        }
        Err(no_answer())
    }

    /// The same seat if the server still knows us, else a new one; the creator brings the room back.
    async fn ask(&self, lost: &Lost, nonce: u64) -> Result<Seat, room::Error> {
        let room = &lost.seat.room;
        if let Some(restore) = &lost.restore {
            match self.client.restore_room(room, restore).await {
                // The server has another key than before, or the room is over: by the door, as everybody.
                Err(error) if matches!(error.kind(), Problem(Code::BadReceipt | Code::RoomNotFound)) => {
                    tracing::info!(%error, "the receipt is worth nothing");
                }
                restored => return restored,
            }
        }
        let (Entry::Create { password, .. } | Entry::Enter { password, .. }) = &self.entry;
        match self.take_seat(room.as_str(), password.clone()).await {
            Err(error) if error.kind() == Problem(Code::RoomNotFound) && matches!(self.entry, Entry::Create { .. }) => {
                let again = CreateRoom { room: Some(room.clone()), ..self.room(Some(nonce))? };
                self.client.create_room(&again).await
            }
            entered => entered,
        }
    }

    /// The room of a creator's entry.
    fn room(&self, nonce: Option<u64>) -> Result<CreateRoom, room::Error> {
        let Entry::Create { name, mode, password, dissolve } = &self.entry else {
            // Whoever came through the door does not build it.
            return Err(proto::Problem::new(Code::RoomNotFound, "the room is gone").into());
        };
        let (password, dissolve_on_creator_exit) = (password.clone(), *dissolve);
        let sealed = self.sealed;
        Ok(CreateRoom { password, dissolve_on_creator_exit, sealed, nonce, ..CreateRoom::new(name.clone(), *mode) })
    }
}
