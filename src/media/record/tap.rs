//! Where a stream's packets can be had beside the one who plays or sends them: one tap a person, for as long as they are there.

use crate::base::{Queue, Slot};
use crate::media::frame::Rgba;
use crate::rtmp::tag::{is_audio_sequence_header, is_video_sequence_header};
use crate::rtmp::{Packet, PacketKind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What flows through a tap.
#[derive(Clone, Debug)]
pub enum Tapped {
    /// A packet, and when it came, by the local clock.
    Packet(Packet, Duration),
    /// The stream begins anew: another connection, or another time line.
    Restart,
}

/// A tap on one person's stream. Clones are the same tap.
#[derive(Clone, Debug, Default)]
pub struct Tap(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Whether somebody listens; looked at for every packet.
    open: AtomicBool,
    /// A key frame is wanted.
    key: AtomicBool,
    next: AtomicU64,
}

#[derive(Debug, Default)]
struct State {
    /// How sound and pictures are coded: what a listener has to know first.
    headers: [Option<Packet>; 2],
    /// What ties the time line to the server's clock, as said last.
    clock: Option<Packet>,
    listeners: Vec<(u64, Queue<Tapped>)>,
    still: Option<Slot<Rgba>>,
}

/// A listener at a tap; dropping it ends that.
#[derive(Debug)]
#[must_use = "dropping it ends the listening"]
pub struct Listening {
    tap: Tap,
    id: u64,
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut state = self.tap.lock();
        state.listeners.retain(|(id, _)| *id != self.id);
        self.tap.0.open.store(!state.listeners.is_empty(), Ordering::Release);
    }
}

impl Tap {
    /// Puts everything that flows into `queue` from now on, beginning with what decoders need; a key frame is asked for.
    pub fn listen(&self, queue: Queue<Tapped>, now: Duration) -> Listening {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        for header in state.clock.iter().chain(state.headers.iter().flatten()) {
            queue.push(Tapped::Packet(header.clone(), now));
        }
        state.listeners.push((id, queue));
        self.0.open.store(true, Ordering::Release);
        drop(state);
        self.want_key_frame();
        Listening { tap: self.clone(), id }
    }

    /// Whether both are the same tap.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Asks for a key frame.
    pub fn want_key_frame(&self) {
        self.0.key.store(true, Ordering::Release);
    }

    /// Whether a key frame is wanted; counts as asked.
    pub(in crate::media) fn take_key_wish(&self) -> bool {
        self.0.key.swap(false, Ordering::AcqRel)
    }

    /// Asks for the next decoded picture, in its full size.
    pub fn want_still(&self, slot: Slot<Rgba>) {
        self.lock().still = Some(slot);
    }

    /// Where somebody waits for a picture.
    pub(in crate::media) fn take_still(&self) -> Option<Slot<Rgba>> {
        self.lock().still.take()
    }

    /// A packet flows.
    pub(in crate::media) fn pass(&self, packet: &Packet, at: Duration) {
        let header = match packet.kind {
            PacketKind::Audio => is_audio_sequence_header(&packet.payload).then_some(0),
            PacketKind::Video => is_video_sequence_header(&packet.payload).then_some(1),
            PacketKind::Data => None,
        };
        let clock = packet.kind == PacketKind::Data && super::super::timing::read_on_clock(packet).is_some();
        if header.is_none() && !clock && !self.0.open.load(Ordering::Acquire) {
            return;
        }
        let mut state = self.lock();
        if let Some(which) = header {
            state.headers[which] = Some(packet.clone());
        }
        if clock {
            state.clock = Some(packet.clone());
        }
        for (_, queue) in &state.listeners {
            queue.push(Tapped::Packet(packet.clone(), at));
        }
    }

    /// The stream begins anew.
    pub(in crate::media) fn restart(&self) {
        let mut state = self.lock();
        (state.headers, state.clock) = ([None, None], None);
        for (_, queue) in &state.listeners {
            queue.push(Tapped::Restart);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtmp::tag;

    fn video(payload: bytes::Bytes) -> Packet {
        Packet { kind: PacketKind::Video, timestamp_ms: 5, payload }
    }

    #[test]
    fn a_listener_hears_first_how_the_stream_is_coded_and_then_what_comes() {
        let (tap, queue) = (Tap::default(), Queue::bounded(10));
        tap.pass(&video(tag::avc_sequence_header(b"old")), Duration::ZERO);
        tap.pass(&video(tag::avc_sequence_header(b"new")), Duration::ZERO);
        tap.pass(&video(tag::avc_frame(true, 0, b"missed")), Duration::ZERO);
        let listening = tap.listen(queue.clone(), Duration::ZERO);
        assert!(tap.take_key_wish() && !tap.take_key_wish());
        tap.pass(&video(tag::avc_frame(true, 0, b"heard")), Duration::from_secs(1));
        let mut payloads = Vec::new();
        while let Some(Tapped::Packet(packet, _)) = queue.pop() {
            payloads.push(packet.payload);
        }
        assert_eq!(payloads, [tag::avc_sequence_header(b"new"), tag::avc_frame(true, 0, b"heard")]);
        drop(listening);
        tap.pass(&video(tag::avc_frame(true, 0, b"gone")), Duration::from_secs(2));
        assert!(queue.is_empty());
    }

    #[test]
    fn after_a_restart_old_headers_are_forgotten() {
        let (tap, queue) = (Tap::default(), Queue::bounded(10));
        tap.pass(&video(tag::avc_sequence_header(b"old")), Duration::ZERO);
        tap.restart();
        let _listening = tap.listen(queue.clone(), Duration::ZERO);
        assert!(queue.is_empty());
        tap.restart();
        assert!(matches!(queue.pop(), Some(Tapped::Restart)));
    }
}
