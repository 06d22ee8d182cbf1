//! One stream: who publishes it, who reads it, and what passes between them. Pure bookkeeping; time is an argument.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::rtmp::{Packet, PacketKind, Reception};
use crate::wire::ring::{Class, Dropped};

use super::headers::{Headers, for_readers};
use super::hub::Signal;
use super::inbox::Inbox;
use super::limits;
use super::parcel::Parcel;
use super::rate::Rate;
use super::recent::Recent;

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
    /// Payload bytes handed to the connections of readers, those who have left included.
    pub bytes_out: u64,
    /// Bits a second received, over the last few seconds.
    pub kbps: u32,
    /// Key frames asked of the publisher.
    pub key_frames_requested: u64,
    /// What was dropped for readers that fell behind, those who have left included.
    pub dropped: Dropped,
}

/// What a publisher's connection is told.
#[derive(Default)]
pub(super) struct Control(Mutex<Told>);

#[derive(Default)]
struct Told {
    orders: Orders,
    /// Who waits for them. (A `Notify` would be as good, but this is looked at for each packet.)
    waker: Option<Waker>,
}

/// What a publisher's connection has to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orders {
    pub key_frame: bool,
    pub ended: bool,
    pub reception: Option<Reception>,
}

impl Control {
    fn order(&self, change: impl FnOnce(&mut Orders)) {
        let mut told = lock(&self.0);
        change(&mut told.orders);
        let waker = told.waker.take();
        drop(told);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The next order, as soon as there is one; the end stays.
    pub fn poll(&self, cx: &mut Context<'_>) -> Poll<Signal> {
        let mut told = lock(&self.0);
        if told.orders.ended {
            return Poll::Ready(Signal::Ended);
        }
        if std::mem::take(&mut told.orders.key_frame) {
            return Poll::Ready(Signal::KeyFrame);
        }
        if let Some(reception) = told.orders.reception.take() {
            return Poll::Ready(Signal::Reception(reception));
        }
        if !told.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            told.waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn has_ended(&self) -> bool {
        lock(&self.0).orders.ended
    }
}

/// How a stream is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Manner {
    /// Viewers watch and do not talk: packets may wait a little for each other, and newcomers get the whole group of pictures.
    pub live: bool,
    /// A reader shows only what is new, so that it may be given older pictures to catch up with.
    pub catches_up: bool,
}

#[derive(Default)]
pub(super) struct Stream {
    /// Held while packets are handed out, so that two publishers' do not mix. Never taken while `state` is held.
    turn: Mutex<Turn>,
    state: Mutex<State>,
}

/// Packets of a live stream that wait for others to be written with.
#[derive(Default)]
struct Turn {
    gathered: Vec<Arc<Parcel>>,
    since: Duration,
}

#[derive(Default)]
struct State {
    publisher: Option<Present>,
    /// When the last publisher's connection broke, if it is not back yet.
    broke: Option<Duration>,
    /// Whether packets have come since the stream began.
    flowing: bool,
    /// Replaced as a whole, so that packets can be handed out without holding everything up.
    inboxes: Arc<[Arc<Inbox>]>,
    headers: Headers,
    recent: Recent,
    timestamp_ms: u32,
    key_frame: KeyFrame,
    rate: Rate,
    stats: StreamStats,
    /// What the publisher will be told of its receivers, and when it was told last.
    reception: Option<Reception>,
    reported: Option<Duration>,
}

/// The publisher, as its stream sees it.
struct Present {
    owner: String,
    live: bool,
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
    /// Bytes of the last one.
    size: usize,
}

impl Stream {
    /// Makes `owner` the publisher if the place is free, or its own.
    pub fn publish(&self, owner: &str, live: bool, now: Duration) -> Result<Arc<Control>, Busy> {
        let mut turn = lock(&self.turn);
        let mut state = lock(&self.state);
        if let Some(present) = &state.publisher {
            let returns = !owner.is_empty() && present.owner == owner;
            let silent = now.saturating_sub(present.heard) >= limits::TAKEOVER_SILENCE;
            if !returns && !silent && !present.control.has_ended() {
                return Err(Busy::Taken);
            }
            present.control.order(|orders| orders.ended = true);
        }
        let control = Arc::new(Control::default());
        state.publisher = Some(Present { owner: owner.to_owned(), live, control: control.clone(), heard: now });
        state.broke = None;
        state.forget(live);
        turn.gathered.clear();
        for inbox in &*state.inboxes {
            inbox.restart();
        }
        Ok(control)
    }

    /// Hands a packet of the publisher with this `control` to all readers, or keeps it until [`flush`](Self::flush) if `more` may follow or the
    /// stream is live. Returns whether the stream has begun to flow by it.
    pub fn packet(&self, control: &Arc<Control>, packet: Packet, more: bool, now: Duration) -> bool {
        let Some(parcel) = Parcel::new(for_readers(packet)) else { return false };
        let mut turn = lock(&self.turn);
        let mut state = lock(&self.state);
        let gathers = match &mut state.publisher {
            Some(present) if Arc::ptr_eq(&present.control, control) => {
                present.heard = now;
                present.live || more
            }
            _ => return false,
        };
        let bytes = parcel.packet.payload.len() as u64;
        state.stats.packets_in += 1;
        state.stats.bytes_in += bytes;
        state.rate.note(bytes, now);
        let begins = !std::mem::replace(&mut state.flowing, true);
        if !gathers {
            self.hand_out(&[parcel], state, now);
            return begins;
        }
        if turn.gathered.is_empty() {
            turn.since = now;
        }
        turn.gathered.push(parcel);
        if turn.gathered.len() >= limits::GATHERED || now.saturating_sub(turn.since) >= limits::GATHER {
            self.hand_out(&std::mem::take(&mut turn.gathered), state, now);
        }
        begins
    }

    /// How long until [`flush`](Self::flush) has something to do.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        let turn = lock(&self.turn);
        (!turn.gathered.is_empty()).then(|| (turn.since + limits::GATHER).saturating_sub(now))
    }

    /// Hands out what has been kept for a moment.
    pub fn flush(&self, control: &Arc<Control>, now: Duration) {
        let mut turn = lock(&self.turn);
        if turn.gathered.is_empty() {
            return;
        }
        let state = lock(&self.state);
        if state.publisher.as_ref().is_some_and(|present| Arc::ptr_eq(&present.control, control)) {
            self.hand_out(&std::mem::take(&mut turn.gathered), state, now);
        }
    }

    /// Gives parcels to all readers. The turn is the caller's; everything else may go on meanwhile.
    fn hand_out(&self, parcels: &[Arc<Parcel>], mut state: MutexGuard<'_, State>, now: Duration) {
        for parcel in parcels {
            state.note(parcel, now);
        }
        let (inboxes, key_frame) = (state.inboxes.clone(), state.key_frame.size);
        drop(state);
        let (mut wanted, mut lag) = (false, Duration::ZERO);
        for inbox in &*inboxes {
            wanted |= inbox.give(parcels, key_frame, now);
            // Those who tell what they receive are in the call; anybody else's network is their own affair.
            if inbox.tells {
                lag = lag.max(inbox.lag(now));
            }
        }
        let mut state = lock(&self.state);
        if lag > limits::LAG {
            state.note_reception(Reception { late_ms: lag.as_millis() as u32, kbps: 0 }, now);
        }
        state.key_frame.wanted |= wanted;
        state.ask_key_frame(now);
    }

    /// The publisher with this `control` has gone. Returns whether the stream has stopped by it.
    pub fn unpublish(&self, control: &Arc<Control>, parting: Parting, now: Duration) -> bool {
        self.flush(control, now);
        let mut state = lock(&self.state);
        match &state.publisher {
            Some(present) if Arc::ptr_eq(&present.control, control) => {}
            _ => return false,
        }
        state.publisher = None;
        state.forget(false);
        match parting {
            Parting::Broken => state.broke = Some(now),
            Parting::Clean => state.end_readers(),
        }
        std::mem::take(&mut state.flowing)
    }

    /// Adds a reader that may wait for `wait` if nobody publishes. It gets the pictures since the last key frame if it watches a live stream, or if it
    /// can catch up and that key frame is less than a second old: no encoder makes another one by then.
    pub fn play(&self, wait: Duration, manner: Manner, now: Duration) -> Result<Arc<Inbox>, Busy> {
        let mut state = lock(&self.state);
        if state.inboxes.len() >= limits::READERS {
            return Err(Busy::Full);
        }
        let pictures = if manner.live || manner.catches_up { state.recent.pictures(now) } else { &[] };
        let first = state.headers.packets(state.timestamp_ms).filter_map(Parcel::new).chain(pictures.iter().cloned());
        let tells = manner.catches_up && !manner.live;
        let inbox = Arc::new(Inbox::new(manner.live, tells, wait, first, now));
        state.inboxes = state.inboxes.iter().cloned().chain([inbox.clone()]).collect();
        state.key_frame.wanted |= inbox.awaits_key_frame();
        state.ask_key_frame(now);
        Ok(inbox)
    }

    /// Removes a reader.
    pub fn leave(&self, inbox: &Arc<Inbox>) {
        let mut state = lock(&self.state);
        state.inboxes = state.inboxes.iter().filter(|other| !Arc::ptr_eq(other, inbox)).cloned().collect();
        state.stats.dropped += inbox.dropped();
        state.stats.bytes_out += inbox.bytes_out();
    }

    /// A reader tells how the stream arrives. Those of a live stream are not asked: there may be thousands.
    pub fn report(&self, inbox: &Inbox, reception: Reception, now: Duration) {
        if inbox.tells {
            lock(&self.state).note_reception(reception, now);
        }
    }

    /// A reader cannot go on without a key frame.
    pub fn want_key_frame(&self, now: Duration) {
        let mut state = lock(&self.state);
        state.key_frame.wanted = true;
        state.ask_key_frame(now);
    }

    /// Ends a reader that has waited for a publisher longer than it may.
    pub fn expire(&self, inbox: &Inbox, now: Duration) {
        let state = lock(&self.state);
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
        let state = lock(&self.state);
        if let Some(present) = &state.publisher {
            present.control.order(|orders| orders.ended = true);
        }
        state.end_readers();
    }

    /// Whether packets come in.
    pub fn is_live(&self, now: Duration) -> bool {
        let state = lock(&self.state);
        let fresh = |p: &Present| now.saturating_sub(p.heard) <= limits::LIVE && !p.control.has_ended();
        state.flowing && state.publisher.as_ref().is_some_and(fresh)
    }

    /// Whether neither publisher nor reader is left.
    pub fn is_deserted(&self) -> bool {
        let state = lock(&self.state);
        state.publisher.is_none() && state.inboxes.is_empty()
    }

    /// The figures now.
    pub fn stats(&self, now: Duration) -> StreamStats {
        let state = lock(&self.state);
        let mut stats = state.stats.clone();
        stats.published = state.publisher.is_some();
        stats.readers = state.inboxes.len();
        stats.kbps = state.rate.kbps(now);
        for inbox in &*state.inboxes {
            stats.dropped += inbox.dropped();
            stats.bytes_out += inbox.bytes_out();
        }
        stats
    }
}

impl State {
    /// Notes what later readers need.
    fn note(&mut self, parcel: &Arc<Parcel>, now: Duration) {
        let packet = &parcel.packet;
        self.timestamp_ms = packet.timestamp_ms;
        self.headers.note(packet);
        self.recent.note(parcel, now);
        if packet.kind == PacketKind::Video {
            self.key_frame.possible = true;
        }
        if parcel.class == Class::KeyFrame {
            self.key_frame.wanted = false;
            self.key_frame.size = packet.payload.len();
        }
    }

    /// Another publisher begins, or none is there.
    fn forget(&mut self, live: bool) {
        self.headers = Headers::default();
        self.recent = Recent::of(live);
        self.key_frame = KeyFrame::default();
        self.rate = Rate::default();
        self.reception = None;
    }

    /// Tells the publisher the worst that was told of late, not too often.
    fn note_reception(&mut self, new: Reception, now: Duration) {
        let worst = self.reception.filter(|old| old.late_ms >= new.late_ms).unwrap_or(new);
        let too_soon = self.reported.is_some_and(|at| now.saturating_sub(at) < limits::REPORT_INTERVAL);
        self.reception = Some(worst);
        if let (false, Some(present)) = (too_soon, &self.publisher) {
            (self.reception, self.reported) = (None, Some(now));
            present.control.order(|orders| orders.reception = Some(worst));
        }
    }

    fn ask_key_frame(&mut self, now: Duration) {
        let KeyFrame { possible, wanted, asked, .. } = &mut self.key_frame;
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
        for inbox in &*self.inboxes {
            inbox.end();
        }
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
