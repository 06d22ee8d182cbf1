//! One stream: who publishes it, who reads it, and what passes between them. Pure bookkeeping; time is an argument.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use crate::rtmp::{Packet, PacketKind, tag};
use crate::wire::ring::{Dropped, Limits, Ring};

use super::headers::{Headers, for_readers};
use super::limits;
use super::recent::Recent;

const RING: Limits = Limits { bytes: limits::RING, span: limits::SPAN, sound_span: limits::SOUND_SPAN };

/// Why a stream cannot be published or played now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Busy {
    /// Someone else publishes it.
    #[error("somebody else publishes this stream")]
    Taken,
    /// No more streams, or no more readers of this one.
    #[error("the server is full")]
    Full,
}

/// How a publisher leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// It said so: its readers are told at once.
    Clean,
    /// Its connection broke: its readers wait for [`limits::LINGER`].
    Broken,
}

/// The figures of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamStats {
    /// Whether it is published.
    pub published: bool,
    /// How many play it or wait for it.
    pub readers: usize,
    /// Packets received.
    pub packets_in: u64,
    /// Payload bytes received.
    pub bytes_in: u64,
    /// Key frames asked of the publisher.
    pub key_frames_requested: u64,
    /// What was dropped for readers that fell behind, those who have left included.
    pub dropped: Dropped,
}

/// What a publisher's connection is told, and by what it is woken.
#[derive(Default)]
pub(super) struct Control {
    pub wake: Notify,
    orders: Mutex<Orders>,
}

/// What a publisher's connection has to do.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Orders {
    pub key_frame: bool,
    pub ended: bool,
}

impl Control {
    fn order(&self, change: impl FnOnce(&mut Orders)) {
        change(&mut lock(&self.orders));
        self.wake.notify_one();
    }

    /// The orders given since the last call; the end stays.
    pub fn take(&self) -> Orders {
        let mut orders = lock(&self.orders);
        let taken = *orders;
        orders.key_frame = false;
        taken
    }

    fn has_ended(&self) -> bool {
        lock(&self.orders).ended
    }
}

/// What waits for one reader, and by what it is woken.
pub(super) struct Inbox {
    pub wake: Notify,
    content: Mutex<Content>,
    since: Duration,
    wait: Duration,
}

struct Content {
    ring: Ring,
    ended: bool,
}

impl Inbox {
    /// The oldest packet, or whether there will be none any more.
    pub fn pop(&self) -> Result<Packet, Empty> {
        let mut content = lock(&self.content);
        match content.ring.pop() {
            Some((packet, _)) => Ok(packet),
            None if content.ended => Err(Empty::Ended),
            None => Err(Empty::Now),
        }
    }

    fn end(&self) {
        lock(&self.content).ended = true;
        self.wake.notify_one();
    }
}

/// Why nothing can be popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    Now,
    Ended,
}

#[derive(Default)]
pub(super) struct Stream(Mutex<State>);

#[derive(Default)]
struct State {
    publisher: Option<Present>,
    /// When the last publisher's connection broke, if it is not back yet.
    broke: Option<Duration>,
    /// Whether packets have come since the stream began.
    flowing: bool,
    inboxes: Vec<Arc<Inbox>>,
    headers: Headers,
    recent: Recent,
    timestamp_ms: u32,
    key_frame: KeyFrame,
    stats: StreamStats,
}

/// The publisher, as its stream sees it.
struct Present {
    owner: String,
    control: Arc<Control>,
    /// When it came or last sent a packet.
    heard: Duration,
}

/// Whether a key frame is wanted, and when one was last asked for.
#[derive(Default)]
struct KeyFrame {
    possible: bool,
    wanted: bool,
    asked: Option<Duration>,
}

impl Stream {
    /// Makes `owner` the publisher if the place is free, or its own.
    pub fn publish(&self, owner: &str, now: Duration) -> Result<Arc<Control>, Busy> {
        let mut state = lock(&self.0);
        if let Some(present) = &state.publisher {
            let returns = !owner.is_empty() && present.owner == owner;
            let silent = now.saturating_sub(present.heard) >= limits::TAKEOVER_SILENCE;
            if !returns && !silent && !present.control.has_ended() {
                return Err(Busy::Taken);
            }
            present.control.order(|orders| orders.ended = true);
        }
        let control = Arc::new(Control::default());
        state.publisher = Some(Present { owner: owner.to_owned(), control: control.clone(), heard: now });
        state.broke = None;
        state.headers = Headers::default();
        state.recent = Recent::default();
        state.key_frame = KeyFrame::default();
        for inbox in &state.inboxes {
            lock(&inbox.content).ring.restart();
        }
        Ok(control)
    }

    /// Hands a packet of the publisher with this `control` to all readers. Returns whether the stream has begun to flow by it.
    pub fn packet(&self, control: &Arc<Control>, packet: Packet, now: Duration) -> bool {
        let mut guard = lock(&self.0);
        let state = &mut *guard;
        match &mut state.publisher {
            Some(present) if Arc::ptr_eq(&present.control, control) => present.heard = now,
            _ => return false,
        }
        let packet = for_readers(packet);
        state.stats.packets_in += 1;
        state.stats.bytes_in += packet.payload.len() as u64;
        state.timestamp_ms = packet.timestamp_ms;
        state.headers.note(&packet);
        state.recent.note(&packet, now);
        if packet.kind == PacketKind::Video {
            state.key_frame.possible = true;
            if tag::is_key_frame(&packet.payload) {
                state.key_frame.wanted = false;
            }
        }
        for inbox in &state.inboxes {
            let mut content = lock(&inbox.content);
            content.ring.push(packet.clone(), now);
            state.key_frame.wanted |= content.ring.awaits_key_frame();
            drop(content);
            inbox.wake.notify_one();
        }
        state.ask_key_frame(now);
        !std::mem::replace(&mut state.flowing, true)
    }

    /// The publisher with this `control` has gone. Returns whether the stream has stopped by it.
    pub fn unpublish(&self, control: &Arc<Control>, parting: Parting, now: Duration) -> bool {
        let mut state = lock(&self.0);
        match &state.publisher {
            Some(present) if Arc::ptr_eq(&present.control, control) => {}
            _ => return false,
        }
        state.publisher = None;
        state.headers = Headers::default();
        state.recent = Recent::default();
        state.key_frame = KeyFrame::default();
        match parting {
            Parting::Broken => state.broke = Some(now),
            Parting::Clean => state.end_readers(),
        }
        std::mem::take(&mut state.flowing)
    }

    /// Adds a reader that may wait for `wait` if nobody publishes. One that can catch up gets the pictures since a young key frame.
    pub fn play(&self, wait: Duration, catches_up: bool, now: Duration) -> Result<Arc<Inbox>, Busy> {
        let mut state = lock(&self.0);
        if state.inboxes.len() >= limits::READERS {
            return Err(Busy::Full);
        }
        let mut ring = Ring::new(RING);
        for header in state.headers.packets(state.timestamp_ms) {
            ring.push(header, now);
        }
        if catches_up {
            state.recent.pictures(now).iter().for_each(|picture| ring.push(picture.clone(), now));
        }
        let awaits_key_frame = ring.awaits_key_frame();
        let inbox =
            Arc::new(Inbox { wake: Notify::new(), content: Mutex::new(Content { ring, ended: false }), since: now, wait });
        inbox.wake.notify_one();
        state.inboxes.push(inbox.clone());
        state.key_frame.wanted |= awaits_key_frame;
        state.ask_key_frame(now);
        Ok(inbox)
    }

    /// Removes a reader.
    pub fn leave(&self, inbox: &Arc<Inbox>) {
        let mut state = lock(&self.0);
        state.inboxes.retain(|other| !Arc::ptr_eq(other, inbox));
        state.stats.dropped += lock(&inbox.content).ring.dropped();
    }

    /// A reader cannot go on without a key frame.
    pub fn want_key_frame(&self, now: Duration) {
        let mut state = lock(&self.0);
        state.key_frame.wanted = true;
        state.ask_key_frame(now);
    }

    /// Ends a reader that has waited for a publisher longer than it may.
    pub fn expire(&self, inbox: &Inbox, now: Duration) {
        let state = lock(&self.0);
        if state.publisher.is_some() {
            return;
        }
        let (since, limit) = match state.broke {
            Some(broke) if broke >= inbox.since => (broke, limits::LINGER),
            _ => (inbox.since, inbox.wait),
        };
        if now.saturating_sub(since) > limit {
            inbox.end();
        }
    }

    /// Ends publisher and readers.
    pub fn kick(&self) {
        let state = lock(&self.0);
        if let Some(present) = &state.publisher {
            present.control.order(|orders| orders.ended = true);
        }
        state.end_readers();
    }

    /// Whether packets come in.
    pub fn is_live(&self, now: Duration) -> bool {
        let state = lock(&self.0);
        let fresh = |p: &Present| now.saturating_sub(p.heard) <= limits::LIVE && !p.control.has_ended();
        state.flowing && state.publisher.as_ref().is_some_and(fresh)
    }

    /// Whether neither publisher nor reader is left.
    pub fn is_deserted(&self) -> bool {
        let state = lock(&self.0);
        state.publisher.is_none() && state.inboxes.is_empty()
    }

    /// The figures now.
    pub fn stats(&self) -> StreamStats {
        let state = lock(&self.0);
        let mut stats = state.stats.clone();
        stats.published = state.publisher.is_some();
        stats.readers = state.inboxes.len();
        for inbox in &state.inboxes {
            stats.dropped += lock(&inbox.content).ring.dropped();
        }
        stats
    }
}

impl State {
    fn ask_key_frame(&mut self, now: Duration) {
        let KeyFrame { possible, wanted, asked } = &mut self.key_frame;
        let too_soon = asked.is_some_and(|at| now.saturating_sub(at) < limits::KEY_FRAME_INTERVAL);
        if !*possible || !*wanted || too_soon {
            return;
        }
        if let Some(present) = &self.publisher {
            *asked = Some(now);
            self.stats.key_frames_requested += 1;
            present.control.order(|orders| orders.key_frame = true);
        }
    }

    fn end_readers(&self) {
        for inbox in &self.inboxes {
            inbox.end();
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
