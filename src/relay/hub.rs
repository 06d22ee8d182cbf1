//! All streams by name, and the handles through which connections take part in them.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep, sleep};

use crate::base::Clock;
use crate::rtmp::{Packet, Reception};
use crate::wire::ring::Dropped;

use super::inbox::{Empty, Inbox, Outlet};
use super::limits;
use super::parcel::Parcel;
use super::stream::{Busy, Control, Manner, Parting, Stream, StreamStats, lock};

/// The meeting place of publishers and readers. Clones are the same place.
///
/// ```
/// use parlor::{base::Clock, relay::{Hub, Next}, rtmp::{Packet, PacketKind}};
/// let hub = Hub::new(Clock::system());
/// let reader = hub.play("room_anna", std::time::Duration::from_secs(30))?;
/// let publisher = hub.publish("room_anna", "anna")?;
/// let sound = Packet { kind: PacketKind::Audio, timestamp_ms: 20, payload: vec![0xaf, 1, 7].into() };
/// publisher.send(sound.clone());
/// assert_eq!(reader.pop(), Next::Packet(sound));
/// # Ok::<(), parlor::relay::Busy>(())
/// ```
#[derive(Clone, Default)]
pub struct Hub(Arc<Inner>);

struct Inner {
    clock: Clock,
    streams: Mutex<HashMap<String, Arc<Stream>>>,
    max_streams: AtomicUsize,
    /// The figures of streams that are not there any more.
    gone: Mutex<Stats>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { clock: Clock::default(), streams: Mutex::default(), max_streams: limits::STREAMS.into(), gone: Mutex::default() }
    }
}

/// The figures of a [`Hub`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Streams that are published.
    pub published: usize,
    /// Readers of all streams.
    pub readers: usize,
    /// Packets received since the start.
    pub packets_in: u64,
    /// Payload bytes received since the start.
    pub bytes_in: u64,
    /// Payload bytes handed to readers since the start.
    pub bytes_out: u64,
    /// What was dropped for readers that fell behind, since the start.
    pub dropped: Dropped,
}

impl Stats {
    fn add(&mut self, one: &StreamStats) {
        self.published += usize::from(one.published);
        self.readers += one.readers;
        self.packets_in += one.packets_in;
        self.bytes_in += one.bytes_in;
        self.bytes_out += one.bytes_out;
        self.dropped += one.dropped;
    }
}

/// What a reader gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A packet.
    Packet(Packet),
    /// Nothing now; [`Reader::ready`] waits for more.
    Nothing,
    /// The stream is over.
    Ended,
}

/// What a publisher's connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A reader needs a key frame.
    KeyFrame,
    /// How the stream arrives at the reader who gets it worst, told while it arrives late.
    Reception(Reception),
    /// Someone has taken the place, or the stream was kicked: close.
    Ended,
}

impl Hub {
    /// A hub without streams.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, ..Inner::default() }))
    }

    /// At most so many streams may be there from now on, [`limits::STREAMS`] if this is never called; those that are there stay.
    pub fn limit_streams(&self, most: usize) {
        self.0.max_streams.store(most, Ordering::Relaxed);
    }

    /// The time that all timeouts go by.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Takes the publisher's place of `name`. The same `owner` replaces its own earlier connection; an empty owner is nobody's.
    ///
    /// # Errors
    /// When someone else publishes, or too many streams are there.
    pub fn publish(&self, name: &str, owner: &str) -> Result<Publisher, Busy> {
        self.publish_as(name, owner, Manner::default())
    }

    /// Like [`publish`](Self::publish), as a call or as a live stream.
    ///
    /// # Errors
    /// Like [`publish`](Self::publish).
    pub fn publish_as(&self, name: &str, owner: &str, manner: Manner) -> Result<Publisher, Busy> {
        let (stream, control) = self.join(name, |stream| stream.publish(owner, manner.live, self.0.clock.now()))?;
        let timer = manner.live.then(Mutex::default);
        Ok(Publisher { place: Place { hub: self.clone(), name: name.to_owned(), stream }, control, timer })
    }

    /// Becomes a reader of `name`, which may wait for `wait` while nobody publishes.
    ///
    /// # Errors
    /// When too many streams are there or too many readers of this one.
    pub fn play(&self, name: &str, wait: Duration) -> Result<Reader, Busy> {
        self.play_as(name, wait, Manner::default())
    }

    /// Like [`play`](Self::play). One that catches up gets all pictures since the newest key frame if that is so young that no other may be asked
    /// for yet (any other player would lag behind by their length for ever), and a viewer of a live stream the group that is running.
    ///
    /// # Errors
    /// Like [`play`](Self::play).
    pub fn play_as(&self, name: &str, wait: Duration, manner: Manner) -> Result<Reader, Busy> {
        let (stream, inbox) = self.join(name, |stream| stream.play(wait, manner, self.0.clock.now()))?;
        Ok(Reader(Place { hub: self.clone(), name: name.to_owned(), stream }, inbox))
    }

    /// Whether packets of `name` come in.
    pub fn is_live(&self, name: &str) -> bool {
        self.find(name).is_some_and(|stream| stream.is_live(self.0.clock.now()))
    }

    /// Ends `name`: its publisher's connection is closed and its readers are told that it is over.
    pub fn kick(&self, name: &str) {
        if let Some(stream) = self.find(name) {
            stream.kick();
        }
    }

    /// The figures of `name`, if there is such a stream.
    pub fn stream(&self, name: &str) -> Option<StreamStats> {
        self.find(name).map(|stream| stream.stats(self.0.clock.now()))
    }

    /// The figures of all streams together.
    pub fn stats(&self) -> Stats {
        let (streams, now): (Vec<_>, _) = (lock(&self.0.streams).values().cloned().collect(), self.0.clock.now());
        let mut sum = lock(&self.0.gone).clone();
        streams.iter().for_each(|stream| sum.add(&stream.stats(now)));
        sum
    }

    /// The figures of each stream, by name.
    pub fn streams(&self) -> Vec<(String, StreamStats)> {
        let streams: Vec<_> = lock(&self.0.streams).iter().map(|(name, stream)| (name.clone(), stream.clone())).collect();
        let now = self.0.clock.now();
        streams.into_iter().map(|(name, stream)| (name, stream.stats(now))).collect()
    }

    fn find(&self, name: &str) -> Option<Arc<Stream>> {
        lock(&self.0.streams).get(name).cloned()
    }

    /// Lets someone join a stream, which is made for the purpose if need be. Under the lock, so that it cannot be swept away meanwhile.
    fn join<T>(&self, name: &str, join: impl FnOnce(&Stream) -> Result<T, Busy>) -> Result<(Arc<Stream>, T), Busy> {
        let mut streams = lock(&self.0.streams);
        if let Some(stream) = streams.get(name) {
            return Ok((stream.clone(), join(stream)?));
        }
        if streams.len() >= self.0.max_streams.load(Ordering::Relaxed) {
            return Err(Busy::Full);
        }
        let stream = Arc::new(Stream::default());
        let joined = join(&stream)?;
        streams.insert(name.to_owned(), stream.clone());
        Ok((stream, joined))
    }

    fn sweep(&self, name: &str) {
        let mut streams = lock(&self.0.streams);
        if streams.get(name).is_some_and(|stream| stream.is_deserted())
            && let Some(stream) = streams.remove(name)
        {
            lock(&self.0.gone).add(&stream.stats(self.0.clock.now()));
        }
    }
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Hub").field("stats", &self.stats()).finish()
    }
}

/// A stream someone takes part in.
struct Place {
    hub: Hub,
    name: String,
    stream: Arc<Stream>,
}

impl Place {
    fn now(&self) -> Duration {
        self.hub.0.clock.now()
    }
}

/// The publisher's end of a stream. Dropped without [`finish`](Self::finish), its connection counts as broken.
pub struct Publisher {
    place: Place,
    control: Arc<Control>,
    /// Of a live stream: rings when what is kept for a moment is to be handed out.
    timer: Option<Mutex<Option<Pin<Box<Sleep>>>>>,
}

impl Publisher {
    /// Hands `packet` to all readers; never waits. Returns whether the stream has begun to flow by it.
    pub fn send(&self, packet: Packet) -> bool {
        self.place.stream.packet(&self.control, packet, false, self.place.now())
    }

    /// Like [`send`](Self::send), but the packet may wait for [`hand_out`](Self::hand_out): those that have come together go on together.
    pub(super) fn gather(&self, packet: Packet) -> bool {
        self.place.stream.packet(&self.control, packet, true, self.place.now())
    }

    /// No more comes at the moment.
    pub(super) fn hand_out(&self) {
        // In a live stream the timer says when.
        if self.timer.is_none() {
            self.place.stream.flush(&self.control, self.place.now());
        }
    }

    /// Waits for something to do, and hands out on time what is kept for a moment in a live stream. Cancelling it loses nothing.
    pub async fn signal(&self) -> Signal {
        poll_fn(|cx| self.poll_signal(cx)).await
    }

    fn poll_signal(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        if let Poll::Ready(signal) = self.control.poll(cx) {
            return Poll::Ready(signal);
        }
        let Some(timer) = &self.timer else { return Poll::Pending };
        let mut timer = lock(timer);
        while let Some(due) = self.place.stream.due(self.place.now()) {
            let timer = timer.get_or_insert_with(|| Box::pin(sleep(due)));
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.place.stream.flush(&self.control, self.place.now());
            timer.as_mut().reset(Instant::now() + limits::GATHER);
        }
        // The next one is set when something is gathered again.
        *timer = None;
        Poll::Pending
    }

    /// Kilobits a second that it sends, over the last few seconds.
    pub fn kbps(&self) -> u32 {
        self.place.stream.stats(self.place.now()).kbps
    }

    /// Ends the publication. Returns whether the stream has stopped by it (and not before, nor gone on under another publisher).
    pub fn finish(&self, parting: Parting) -> bool {
        self.place.stream.unpublish(&self.control, parting, self.place.now())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.finish(Parting::Broken);
        self.place.hub.sweep(&self.place.name);
    }
}

/// A reader's end of a stream; dropping it leaves.
pub struct Reader(Place, Arc<Inbox>);

impl Reader {
    /// The next packet; never waits.
    pub fn pop(&self) -> Next {
        match self.1.pop() {
            Ok(packet) => Next::Packet(packet),
            Err(Empty::Now) => Next::Nothing,
            Err(Empty::Ended) => Next::Ended,
        }
    }

    /// Hands over what waits, at least one parcel if there is one, until it has `most` bytes. `None` if the stream is over.
    pub(super) fn take(&self, most: usize, to: impl FnMut(&Parcel)) -> Option<()> {
        match self.1.take(most, to) {
            Ok(()) | Err(Empty::Now) => Some(()),
            Err(Empty::Ended) => None,
        }
    }

    /// Hands over what waits as FLV tags, each with its size behind it; the same bytes go to all readers. Never waits. Returns whether there will
    /// be more.
    pub fn take_flv(&self, most: usize, mut to: impl FnMut(Bytes)) -> bool {
        self.take(most, |parcel| to(parcel.flv())).is_some()
    }

    /// From now on packets may go straight to the reader's connection.
    pub(super) fn attach(&self, outlet: Arc<dyn Outlet>) {
        self.1.attach(outlet);
    }

    /// The connection takes bytes (again), and has taken `written` so far.
    pub(super) fn takes(&self, written: u64) {
        self.1.takes(written, self.0.now());
    }

    /// Waits until [`pop`](Self::pop) may have something. Cancelling it loses nothing.
    pub async fn ready(&self) {
        self.1.wake.notified().await;
    }

    /// Tells how the stream arrives.
    pub fn report(&self, reception: Reception) {
        self.0.stream.report(&self.1, reception, self.0.now());
    }

    /// Asks the publisher for a key frame, as soon as it may be asked again.
    pub fn request_key_frame(&self) {
        self.0.stream.want_key_frame(self.0.now());
    }

    /// Looks at the time: a reader that has waited for a publisher long enough gets [`Next::Ended`].
    pub fn tick(&self) {
        self.0.stream.expire(&self.1, self.0.now());
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.stream.leave(&self.1);
        self.0.hub.sweep(&self.0.name);
    }
}

#[cfg(test)]
mod tests;
