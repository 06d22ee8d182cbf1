//! Addresses from the room service: a live room of one's own to send to, and the live room of somebody else to watch. Each is a task of the network's
//! runtime that keeps the seat, or the place in the audience, until it is dropped.

use crate::app::prejoin::preview::Wake;
use crate::base::ServerClock;
use crate::proto::api::{CreateRoom, Login, RoomState, Sending, StreamRules};
use crate::proto::{Code, MemberId, Mode, RoomId};
use crate::room::{self, Client, ErrorKind, Transport};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How often one says that one is still here. The server waits for 20 s.
const BEAT: Duration = Duration::from_secs(5);

/// Which server, and who asks.
#[derive(Clone)]
pub struct Desk {
    /// The server's address.
    pub server: String,
    /// How it is reached.
    pub transport: Transport,
    /// Name and key.
    pub login: Login,
    /// Where requests run.
    pub runtime: Handle,
    /// Called when there is something new to see.
    pub wake: Wake,
}

/// How it stands with a seat or a place.
#[derive(Clone, Debug, Default)]
pub enum State {
    /// The server has not answered yet.
    #[default]
    Asking,
    /// It is there.
    Held(Held),
    /// It did not come about, or is lost.
    Failed(room::Error),
}

/// A seat or a place.
#[derive(Clone, Debug)]
pub struct Held {
    /// The room.
    pub room: RoomId,
    /// What it is called.
    pub name: String,
    /// Where to send to, or what to play; `None`: nobody sends just now.
    pub url: Option<String>,
    /// Of a seat of one's own: what players play, once it flows.
    pub players: Option<String>,
    /// The server relays the stream itself.
    pub relayed_here: bool,
    /// How many watch.
    pub viewers: usize,
    /// The server's clock.
    pub clock: ServerClock,
}

/// A seat of one's own, or a place in the audience. Dropping it gives it up.
#[derive(Debug)]
pub struct Hold {
    state: Arc<Mutex<State>>,
    leave: Arc<Notify>,
}

impl Hold {
    /// Makes a live room called `title`; the address of [`Held`] is the one to send to.
    pub fn create(desk: Desk, title: String) -> Self {
        Self::start(desk, move |client, shown| async move {
            let seat = client.create_room(&CreateRoom::new(&title, Mode::Live)).await?;
            let (room, me) = (seat.room.clone(), seat.member.clone());
            shown.show(Held {
                room: room.clone(),
                name: seat.state.name.clone(),
                url: Some(seat.publish_url),
                players: None,
                relayed_here: seat.stream == StreamRules::default(),
                viewers: seat.state.audience,
                clock: client.clock().clone(),
            });
            Ok(Keeping { room, me: Some(me), announce: seat.stream.announce, seq: seat.seq })
        })
    }

    /// Takes a place in the audience of a live room; the address of [`Held`] is the one to play.
    pub fn watch(desk: Desk, room: String, password: Option<String>) -> Self {
        Self::start(desk, move |client, shown| async move {
            let ticket = client.add_audience(&room, password.as_deref()).await?;
            shown.show(Held {
                room: ticket.room.clone(),
                name: ticket.state.name.clone(),
                url: first(&ticket.state),
                players: None,
                relayed_here: true,
                viewers: ticket.state.audience,
                clock: client.clock().clone(),
            });
            Ok(Keeping { room: ticket.room, me: None, announce: false, seq: ticket.seq })
        })
    }

    fn start<F, A>(desk: Desk, enter: F) -> Self
    where
        F: FnOnce(Client, Shown) -> A + Send + 'static,
        A: Future<Output = Result<Keeping, room::Error>> + Send,
    {
        let (state, leave): (Arc<Mutex<State>>, Arc<Notify>) = Default::default();
        let (shown, left) = (Shown { state: state.clone(), wake: desk.wake }, leave.clone());
        desk.runtime.spawn(async move {
            let client = match Client::over(&desk.server, &desk.transport) {
                Ok(client) => client,
                Err(error) => return shown.fail(error),
            };
            // Leaving before the server has answered: what it may give afterwards it takes back by itself after 20 s.
            let entered = async {
                client.login_as(&desk.login).await?;
                // Without it only the measured delay is missing.
                if let Err(error) = client.measure_clock().await {
                    tracing::debug!(%error, "the server's clock is not known");
                }
                enter(client.clone(), shown.clone()).await
            };
            let keeping = tokio::select! {
                entered = entered => match entered {
                    Ok(keeping) => keeping,
                    Err(error) => return shown.fail(error),
                },
                () = left.notified() => return,
            };
            let (room, seat) = (keeping.room.clone(), keeping.me.is_some());
            tokio::select! {
                error = keep(&client, keeping, &shown) => shown.fail(error),
                () = left.notified() => {}
            }
            let given_up = if seat { client.exit_room(&room).await } else { client.remove_audience(&room, None).await };
            if let Err(error) = given_up {
                tracing::debug!(%error, "the server finds out by itself");
            }
        });
        Self { state, leave }
    }

    /// How it stands.
    pub fn state(&self) -> State {
        lock(&self.state).clone()
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.leave.notify_one();
    }
}

/// Where the task shows what it has.
#[derive(Clone)]
struct Shown {
    state: Arc<Mutex<State>>,
    wake: Wake,
}

impl Shown {
    fn show(&self, held: Held) {
        *lock(&self.state) = State::Held(held);
        (self.wake)();
    }

    fn change(&self, change: impl FnOnce(&mut Held) -> bool) {
        let changed = if let State::Held(held) = &mut *lock(&self.state) { change(held) } else { false };
        if changed {
            (self.wake)();
        }
    }

    fn fail(&self, error: room::Error) {
        tracing::warn!(%error, "no live room");
        *lock(&self.state) = State::Failed(error);
        (self.wake)();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is kept.
struct Keeping {
    room: RoomId,
    /// One's own seat; `None`: one watches.
    me: Option<MemberId>,
    announce: bool,
    /// Number of the last event that is known.
    seq: u64,
}

/// Keeps it until it is lost, for that reason.
async fn keep(client: &Client, mut keeping: Keeping, shown: &Shown) -> room::Error {
    let mut flows = keeping.me.is_none();
    loop {
        tokio::time::sleep(BEAT).await;
        let kept = async {
            if let Some(me) = keeping.me.as_ref().filter(|_| !flows) {
                if keeping.announce {
                    client.announce_stream(&keeping.room).await?;
                }
                // Asking again for one's seat keeps it until another program has been told the address.
                let seat = client.enter_room(keeping.room.as_str(), None).await?;
                let own = seat.state.members.into_iter().find(|member| member.member == *me);
                flows = own.is_some();
                let players = own.and_then(|own| own.play_url);
                shown.change(|held| players.is_some() && std::mem::replace(&mut held.players, players.clone()) != players);
            }
            let beat = client.heartbeat(&keeping.room, Sending::default()).await?;
            shown.change(|held| std::mem::replace(&mut held.viewers, beat.audience) != beat.audience);
            if keeping.me.is_none() && beat.seq != keeping.seq {
                let state = client.get_room(&keeping.room).await?;
                keeping.seq = state.seq;
                let url = first(&state);
                // Fresh credentials are no other stream.
                let stream = |url: &Option<String>| url.as_ref().map(|url| url.split('?').next().unwrap_or_default().to_owned());
                shown.change(|held| stream(&held.url) != stream(&url) && std::mem::replace(&mut held.url, url.clone()) != url);
            }
            Ok(())
        };
        match kept.await {
            Err(error) if lost(&error) => return error,
            Err(error) => tracing::debug!(%error, "the server was not reached"),
            Ok(()) => {}
        }
    }
}

/// Whether there is nothing left to keep; everything else passes.
fn lost(error: &room::Error) -> bool {
    let codes = [Code::RoomNotFound, Code::NotAMember, Code::Removed, Code::SignedInElsewhere, Code::Forbidden];
    codes.iter().any(|code| error.kind() == ErrorKind::Problem(*code))
}

/// The stream of whoever came first.
fn first(state: &RoomState) -> Option<String> {
    state.members.iter().find_map(|member| member.play_url.clone())
}
