//! The sending end of a player's connection, shared by its own task, which reads and empties its queue, and by the publisher's, which writes to
//! it while nothing waits.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::unconstrained;

use crate::wire::{Carrier, Offer, Piece, Pipe, Ready, finish};

use super::inbox;
use super::limits;
use super::parcel::Parcel;
use super::stream::lock;

/// A pipe that several may hold, one at a time and never for long.
pub(super) struct SharedPipe<C>(Arc<Mutex<Pipe<C>>>);

impl<C: Carrier> SharedPipe<C> {
    pub fn new(carrier: C) -> Self {
        Self(Arc::new(Mutex::new(Pipe::new(carrier))))
    }

    /// Runs `with` on the pipe.
    pub fn with<T>(&self, with: impl FnOnce(&mut Pipe<C>) -> T) -> T {
        with(&mut lock(&self.0))
    }

    /// [`Pipe::ready`]; what was received is given to `receive` on the spot.
    pub async fn ready<T>(&self, read: bool, mut receive: impl FnMut(&[u8]) -> T) -> io::Result<(Ready, Option<T>)> {
        poll_fn(|cx| {
            let mut pipe = lock(&self.0);
            pipe.poll_ready(cx, read).map_ok(|ready| (ready, (ready == Ready::Received).then(|| receive(pipe.received()))))
        })
        .await
    }

    /// The way for a stream's packets, for a player on this message stream.
    pub fn outlet(&self, stream_id: u32) -> Arc<dyn inbox::Outlet>
    where
        C: 'static,
    {
        Arc::new(Outlet { pipe: self.0.clone(), stream_id })
    }

    /// Writes the rest and says good-bye, for at most `limit`.
    pub async fn close(self, limit: Duration) {
        finish(poll_fn(|cx| lock(&self.0).poll_close(cx)), limit).await;
    }
}

struct Outlet<C> {
    pipe: Arc<Mutex<Pipe<C>>>,
    stream_id: u32,
}

impl<C: Carrier> inbox::Outlet for Outlet<C> {
    fn offer(&self, parcels: &[Arc<Parcel>]) -> Offer {
        let offer = || {
            let mut pipe = lock(&self.pipe);
            match parcels {
                [one] => pipe.offer(&[one.piece(self.stream_id)]),
                more => pipe.offer(&more.iter().map(|parcel| parcel.piece(self.stream_id)).collect::<Vec<Piece>>()),
            }
        };
        // The runtime lets a task do only so much in one turn and then makes sockets look full: here that would be the publisher's task, and the
        // readers' sockets.
        let offered = pin!(unconstrained(poll_fn(|_| Poll::Ready(offer())))).poll(&mut Context::from_waker(Waker::noop()));
        match offered {
            Poll::Ready(offer) => offer,
            Poll::Pending => Offer::Waiting,
        }
    }

    fn takes_urgent(&self) -> bool {
        lock(&self.pipe).ahead() < limits::BATCH
    }

    fn interject(&self, parcel: &Parcel) {
        lock(&self.pipe).interject(parcel.rtmp(self.stream_id));
    }
}
