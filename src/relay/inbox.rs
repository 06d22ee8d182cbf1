//! What waits for one reader. While nothing does, packets go straight to the reader's connection, in the publisher's own turn: nobody is
//! woken for them, and nothing is queued.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use crate::rtmp::Packet;
use crate::wire::Offer;
use crate::wire::ring::{Class, Dropped, Limits, Ring};

use super::limits;
use super::pace::Pace;
use super::parcel::Parcel;
use super::stream::lock;

/// A connection that packets can be written to at once.
pub(super) trait Outlet: Send + Sync {
    /// Writes the parcels, if nothing waits before them; never waits.
    fn offer(&self, parcels: &[Arc<Parcel>]) -> Offer;

    /// Whether little has to be written before sound would be, so that some may be [interjected](Self::interject).
    fn takes_urgent(&self) -> bool;

    /// Puts sound before the pictures that wait to be written, or between the chunks of one that is being written.
    fn interject(&self, parcel: &Parcel);
}

/// Why nothing can be popped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Empty {
    Now,
    Ended,
}

/// One reader of a stream.
pub(super) struct Inbox {
    pub wake: Notify,
    content: Mutex<Content>,
    outlet: OnceLock<Arc<dyn Outlet>>,
    /// When it came, and how long it may wait for a publisher.
    pub since: Duration,
    pub wait: Duration,
    /// Whether it is one of ours that tells how the stream arrives.
    pub tells: bool,
    /// Whether sound passes pictures: in a call. Who watches may have seconds of pictures waiting, and shows them in their order.
    sound_first: bool,
}

struct Content {
    ring: Ring<Arc<Parcel>>,
    pace: Pace,
    bytes_out: u64,
    ended: bool,
}

impl Inbox {
    /// With these packets waiting.
    pub fn new(live: bool, tells: bool, wait: Duration, first: impl Iterator<Item = Arc<Parcel>>, now: Duration) -> Self {
        let span = if live { limits::LIVE_SPAN } else { limits::SPAN };
        let mut ring = Ring::new(Limits { bytes: limits::RING, span, sound_span: limits::SOUND_SPAN });
        first.for_each(|parcel| ring.push(parcel, now));
        let content = Content { ring, pace: Pace::default(), bytes_out: 0, ended: false };
        let inbox = Self {
            wake: Notify::new(),
            content: Mutex::new(content),
            outlet: OnceLock::new(),
            since: now,
            wait,
            tells,
            sound_first: !live,
        };
        inbox.wake.notify_one();
        inbox
    }

    /// From now on packets may go straight to the reader's connection.
    pub fn attach(&self, outlet: Arc<dyn Outlet>) {
        // One connection has one outlet.
        let _ = self.outlet.set(outlet);
    }

    /// Gives parcels to the reader, at once or by and by. Returns whether it cannot go on without a key frame, which would have about
    /// `key_frame` bytes.
    pub fn give(&self, parcels: &[Arc<Parcel>], key_frame: usize, now: Duration) -> bool {
        let mut guard = lock(&self.content);
        let Content { ring, pace, bytes_out, .. } = &mut *guard;
        let was_behind = ring.has_fallen_behind();
        let mut admit = |parcel: &Arc<Parcel>| {
            let resume = !was_behind || parcel.class != Class::KeyFrame || pace.allows(parcel.packet.payload.len(), now);
            ring.admit(parcel.class, resume)
        };
        let (admitted, some);
        if let [one] = parcels {
            admitted = if admit(one) { parcels } else { &[] };
        } else {
            some = parcels.iter().filter(|parcel| admit(parcel)).cloned().collect::<Vec<_>>();
            admitted = &some;
        }
        if !admitted.is_empty() {
            let offer = match self.outlet.get() {
                Some(outlet) if ring.is_empty() => outlet.offer(admitted),
                // Its connection is at work and will look here again.
                Some(_) => Offer::Waiting,
                None => Offer::Full,
            };
            match offer {
                Offer::Taken | Offer::Begun => {
                    *bytes_out += admitted.iter().map(|parcel| parcel.packet.payload.len() as u64).sum::<u64>()
                }
                Offer::Full | Offer::Waiting => admitted.iter().for_each(|parcel| ring.store(parcel.clone(), now)),
            }
            if offer == Offer::Waiting
                && self.sound_first
                && let Some(outlet) = self.outlet.get()
            {
                // The connection is busy with a picture: sound goes between its chunks.
                while outlet.takes_urgent()
                    && let Some((sound, _)) = ring.pop_urgent()
                {
                    *bytes_out += sound.packet.payload.len() as u64;
                    outlet.interject(&sound);
                }
            }
            if offer != Offer::Taken && self.outlet.get().is_some() {
                pace.full();
            }
            if matches!(offer, Offer::Begun | Offer::Full) {
                self.wake.notify_one();
            }
        }
        match (was_behind, ring.has_fallen_behind()) {
            (false, true) => pace.fell(now),
            (true, false) => pace.flows(),
            _ => {}
        }
        ring.awaits_key_frame() && (!ring.has_fallen_behind() || pace.may_ask(key_frame, now))
    }

    /// The oldest packet, or whether there will be none any more.
    pub fn pop(&self) -> Result<Packet, Empty> {
        let mut packet = None;
        self.take(1, |parcel| packet = Some(parcel.packet.clone()))?;
        packet.ok_or(Empty::Now)
    }

    /// Hands over what waits, at least one parcel if there is one, until it has `most` bytes. Nothing overtakes it meanwhile.
    pub fn take(&self, most: usize, mut to: impl FnMut(&Parcel)) -> Result<(), Empty> {
        let mut content = lock(&self.content);
        let most = if content.ring.has_fallen_behind() { most.min(limits::TRICKLE) } else { most };
        let mut taken = 0;
        while taken < most {
            let urgent = if self.sound_first { content.ring.pop_urgent() } else { None };
            let Some((parcel, _)) = urgent.or_else(|| content.ring.pop()) else { break };
            taken += parcel.packet.payload.len().max(1);
            content.bytes_out += parcel.packet.payload.len() as u64;
            to(&parcel);
        }
        match taken {
            0 if content.ended => Err(Empty::Ended),
            0 => Err(Empty::Now),
            _ => Ok(()),
        }
    }

    /// The reader's connection takes bytes (again), and has taken `written` so far.
    pub fn takes(&self, written: u64, now: Duration) {
        lock(&self.content).pace.takes(written, now);
    }

    /// How long the oldest packet that waits has waited.
    pub fn lag(&self, now: Duration) -> Duration {
        let content = lock(&self.content);
        content.ring.oldest().map_or(Duration::ZERO, |at| now.saturating_sub(at))
    }

    /// Another publisher goes on: pictures begin with a key frame again.
    pub fn restart(&self) {
        lock(&self.content).ring.restart();
    }

    /// Nothing more will come.
    pub fn end(&self) {
        lock(&self.content).ended = true;
        self.wake.notify_one();
    }

    pub fn awaits_key_frame(&self) -> bool {
        lock(&self.content).ring.awaits_key_frame()
    }

    pub fn dropped(&self) -> Dropped {
        lock(&self.content).ring.dropped()
    }

    /// Payload bytes handed to the reader's connection.
    pub fn bytes_out(&self) -> u64 {
        lock(&self.content).bytes_out
    }
}
