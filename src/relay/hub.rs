//! All streams by name, and the handles through which connections take part in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::base::Clock;
use crate::rtmp::Packet;
use crate::wire::ring::Dropped;

use super::limits;
use super::stream::{Busy, Control, Empty, Inbox, Parting, Stream, StreamStats, lock};

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

#[derive(Default)]
struct Inner {
    clock: Clock,
    streams: Mutex<HashMap<String, Arc<Stream>>>,
}

/// The figures of a [`Hub`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Streams that are published.
    pub published: usize,
    /// Readers of all streams.
    pub readers: usize,
    /// Packets received for the streams that are there now.
    pub packets_in: u64,
    /// Payload bytes received for the streams that are there now.
    pub bytes_in: u64,
    /// What was dropped for readers of the streams that are there now.
    pub dropped: Dropped,
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
    /// Someone has taken the place, or the stream was kicked: close.
    Ended,
}

impl Hub {
    /// A hub without streams.
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Inner { clock, ..Inner::default() }))
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
        let (stream, control) = self.join(name, |stream| stream.publish(owner, self.0.clock.now()))?;
        Ok(Publisher(Place { hub: self.clone(), name: name.to_owned(), stream }, control))
    }

    /// Becomes a reader of `name`, which may wait for `wait` while nobody publishes.
    ///
    /// # Errors
    /// When too many streams are there or too many readers of this one.
    pub fn play(&self, name: &str, wait: Duration) -> Result<Reader, Busy> {
        self.read(name, wait, false)
    }

    /// Like [`play`](Self::play), for a reader that shows only what is new: if the newest key frame is so young that no other may be asked
    /// for yet, it gets all pictures since then at once. (Any other player would lag behind by their length for ever.)
    ///
    /// # Errors
    /// Like [`play`](Self::play).
    pub fn play_catching_up(&self, name: &str, wait: Duration) -> Result<Reader, Busy> {
        self.read(name, wait, true)
    }

    fn read(&self, name: &str, wait: Duration, catches_up: bool) -> Result<Reader, Busy> {
        let (stream, inbox) = self.join(name, |stream| stream.play(wait, catches_up, self.0.clock.now()))?;
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
        self.find(name).map(|stream| stream.stats())
    }

    /// The figures of all streams together.
    pub fn stats(&self) -> Stats {
        let streams: Vec<_> = lock(&self.0.streams).values().cloned().collect();
        streams.iter().map(|stream| stream.stats()).fold(Stats::default(), |mut sum, one| {
            sum.published += usize::from(one.published);
            sum.readers += one.readers;
            sum.packets_in += one.packets_in;
            sum.bytes_in += one.bytes_in;
            sum.dropped += one.dropped;
            sum
        })
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
        if streams.len() >= limits::STREAMS {
            return Err(Busy::Full);
        }
        let stream = Arc::new(Stream::default());
        let joined = join(&stream)?;
        streams.insert(name.to_owned(), stream.clone());
        Ok((stream, joined))
    }

    fn sweep(&self, name: &str) {
        let mut streams = lock(&self.0.streams);
        if streams.get(name).is_some_and(|stream| stream.is_deserted()) {
            streams.remove(name);
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
pub struct Publisher(Place, Arc<Control>);

impl Publisher {
    /// Hands `packet` to all readers; never waits. Returns whether the stream has begun to flow by it.
    pub fn send(&self, packet: Packet) -> bool {
        self.0.stream.packet(&self.1, packet, self.0.now())
    }

    /// Waits for something to do. Cancelling it loses nothing.
    pub async fn signal(&self) -> Signal {
        loop {
            let orders = self.1.take();
            if orders.ended {
                return Signal::Ended;
            }
            if orders.key_frame {
                return Signal::KeyFrame;
            }
            self.1.wake.notified().await;
        }
    }

    /// Ends the publication. Returns whether the stream has stopped by it (and not before, nor gone on under another publisher).
    pub fn finish(&self, parting: Parting) -> bool {
        self.0.stream.unpublish(&self.1, parting, self.0.now())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.finish(Parting::Broken);
        self.0.hub.sweep(&self.0.name);
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

    /// Waits until [`pop`](Self::pop) may have something. Cancelling it loses nothing.
    pub async fn ready(&self) {
        self.1.wake.notified().await;
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
mod tests {
    use super::*;
    use crate::rtmp::{PacketKind, tag};
    use bytes::Bytes;

    const WAIT: Duration = Duration::from_secs(30);

    fn hub() -> (Hub, Clock) {
        let clock = Clock::manual(Duration::from_secs(1000));
        (Hub::new(clock.clone()), clock)
    }

    fn video(key: bool, timestamp_ms: u32) -> Packet {
        Packet { kind: PacketKind::Video, timestamp_ms, payload: tag::avc_frame(key, 0, &[0; 100]) }
    }

    fn sound(timestamp_ms: u32) -> Packet {
        Packet { kind: PacketKind::Audio, timestamp_ms, payload: tag::opus_frame(&[1; 20]) }
    }

    fn config(timestamp_ms: u32) -> Packet {
        Packet { kind: PacketKind::Video, timestamp_ms, payload: tag::avc_sequence_header(b"config") }
    }

    fn clock_message(timestamp_ms: u32) -> Packet {
        Packet { kind: PacketKind::Data, timestamp_ms, payload: Bytes::from_static(b"\x02\x00\x07onClock\x00\0\0\0\0\0\0\0\0") }
    }

    fn drain(reader: &Reader) -> Vec<Packet> {
        let mut all = Vec::new();
        while let Next::Packet(packet) = reader.pop() {
            all.push(packet);
        }
        all
    }

    /// What the publisher's connection would be told now.
    fn told(publisher: &Publisher) -> Vec<Signal> {
        let orders = publisher.1.take();
        let mut all = Vec::new();
        if orders.key_frame {
            all.push(Signal::KeyFrame);
        }
        if orders.ended {
            all.push(Signal::Ended);
        }
        all
    }

    #[test]
    fn a_new_reader_gets_headers_first_sound_at_once_and_pictures_from_a_key_frame_it_asked_for() {
        let (hub, clock) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        assert!(publisher.send(clock_message(0)));
        for packet in [config(0), video(true, 0), sound(5), video(false, 33)] {
            assert!(!publisher.send(packet));
        }
        assert_eq!(told(&publisher), []);
        clock.advance(Duration::from_secs(5));
        let reader = hub.play("s", WAIT).unwrap();
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        for packet in [video(false, 66), sound(70), video(true, 99), video(false, 132)] {
            publisher.send(packet);
        }
        assert_eq!(drain(&reader), [clock_message(33), config(33), sound(70), video(true, 99), video(false, 132)]);
        assert_eq!(hub.stream("s").unwrap().dropped, Dropped::default());
    }

    #[test]
    fn whoever_comes_soon_after_a_key_frame_catches_up_if_they_can_and_costs_no_other() {
        let (hub, clock) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        for packet in [config(0), video(true, 0), sound(5), video(false, 33)] {
            publisher.send(packet);
        }
        clock.advance(Duration::from_millis(500));
        let ours = hub.play_catching_up("s", WAIT).unwrap();
        assert_eq!(drain(&ours), [config(33), video(true, 0), video(false, 33)]);
        assert_eq!(told(&publisher), []);
        let other = hub.play("s", WAIT).unwrap();
        assert_eq!((drain(&other), told(&publisher)), (vec![config(33)], vec![Signal::KeyFrame]));
        publisher.send(video(false, 66));
        assert_eq!((drain(&ours), drain(&other)), (vec![video(false, 66)], vec![]));
        clock.advance(Duration::from_millis(600));
        let late = hub.play_catching_up("s", WAIT).unwrap();
        assert_eq!(drain(&late), [config(66)]);
    }

    #[test]
    fn payloads_are_shared_not_copied() {
        let (hub, _) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        let readers = [hub.play("s", WAIT).unwrap(), hub.play("s", WAIT).unwrap()];
        let packet = sound(1);
        publisher.send(packet.clone());
        for reader in &readers {
            let Next::Packet(got) = reader.pop() else { panic!("nothing came") };
            assert_eq!(got.payload.as_ptr(), packet.payload.as_ptr());
        }
    }

    #[test]
    fn key_frames_are_asked_for_once_a_second_for_all_readers_together_and_no_wish_is_lost() {
        let (hub, clock) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        publisher.send(video(true, 0));
        let first = hub.play("s", WAIT).unwrap();
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        let second = hub.play("s", WAIT).unwrap();
        first.request_key_frame();
        assert_eq!(told(&publisher), []);
        publisher.send(video(true, 100)); // satisfies both
        assert_eq!((drain(&first), drain(&second)), (vec![video(true, 100)], vec![video(true, 100)]));
        clock.advance(Duration::from_secs(2));
        publisher.send(video(false, 2000));
        assert_eq!(told(&publisher), []);

        first.request_key_frame();
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        publisher.send(video(true, 2100));
        clock.advance(Duration::from_millis(100));
        let _third = hub.play("s", WAIT).unwrap();
        publisher.send(video(false, 2200));
        assert_eq!(told(&publisher), []);
        drain(&first);
        drain(&second);
        clock.advance(Duration::from_millis(900));
        publisher.send(sound(3000)); // the wish of the third is still there
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        assert_eq!(hub.stream("s").unwrap().key_frames_requested, 3);
    }

    #[test]
    fn a_publisher_without_pictures_is_not_asked_for_any() {
        let (hub, clock) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        let _reader = hub.play("s", WAIT).unwrap();
        for t in 0..5 {
            publisher.send(sound(t));
            clock.advance(Duration::from_secs(1));
        }
        assert_eq!(told(&publisher), []);
    }

    #[test]
    fn a_slow_reader_loses_pictures_and_is_counted_while_others_lose_nothing() {
        let (hub, clock) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        publisher.send(video(true, 0));
        let (quick, slow) = (hub.play("s", WAIT).unwrap(), hub.play("s", WAIT).unwrap());
        publisher.send(video(true, 0));
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        clock.advance(Duration::from_secs(2));
        let mut seen = drain(&quick).len();
        drain(&slow);
        for t in 1..=50 {
            publisher.send(video(false, t * 10));
            publisher.send(sound(t * 10));
            seen += drain(&quick).len();
            clock.advance(Duration::from_millis(10));
        }
        assert_eq!(seen, 101);
        assert_eq!(told(&publisher), [Signal::KeyFrame]);
        let late = drain(&slow);
        assert_eq!((late.len(), late.iter().all(|p| p.kind == PacketKind::Audio)), (50, true));
        assert_eq!(hub.stream("s").unwrap().dropped, Dropped { video: 50, ..Dropped::default() });
        publisher.send(video(true, 600));
        publisher.send(video(false, 610));
        assert_eq!(drain(&slow), [video(true, 600), video(false, 610)]);
        drop(slow);
        assert_eq!(hub.stats().dropped.video, 50);
    }

    #[test]
    fn the_first_publisher_wins_but_its_owner_may_come_back() {
        let (hub, clock) = hub();
        let first = hub.publish("s", "anna").unwrap();
        first.send(sound(0));
        assert_eq!(hub.publish("s", "ben").err(), Some(Busy::Taken));
        assert_eq!(hub.publish("s", "").err(), Some(Busy::Taken));
        let reader = hub.play("s", WAIT).unwrap();
        drain(&reader);
        let second = hub.publish("s", "anna").unwrap();
        assert_eq!(told(&first), [Signal::Ended]);
        assert!(!first.send(sound(1)), "the old connection has no say any more");
        assert!(!first.finish(Parting::Clean), "and does not stop the stream");
        drop(first);
        second.send(config(0));
        second.send(video(false, 5));
        second.send(video(true, 10));
        assert_eq!(drain(&reader), [config(0), video(true, 10)]);
        assert!(hub.is_live("s"));

        // Nobody's publisher that has gone silent can be replaced by anyone.
        clock.advance(limits::TAKEOVER_SILENCE);
        assert!(hub.publish("s", "").is_ok());
    }

    #[test]
    fn a_reader_may_come_before_its_publisher_and_waits_as_long_as_it_may() {
        let (hub, clock) = hub();
        let (patient, hasty) = (hub.play("s", WAIT * 2).unwrap(), hub.play("s", WAIT).unwrap());
        clock.advance(WAIT + Duration::from_millis(1));
        patient.tick();
        hasty.tick();
        assert_eq!((patient.pop(), hasty.pop()), (Next::Nothing, Next::Ended));
        drop(hasty);
        let publisher = hub.publish("s", "anna").unwrap();
        for packet in [config(0), video(true, 0)] {
            publisher.send(packet);
        }
        clock.advance(WAIT * 9);
        patient.tick();
        assert_eq!(drain(&patient), [config(0), video(true, 0)]);
        assert_eq!(patient.pop(), Next::Nothing);
    }

    #[test]
    fn readers_outlive_a_broken_publisher_for_a_while_and_a_clean_end_not_at_all() {
        let (hub, clock) = hub();
        let reader = hub.play("s", WAIT).unwrap();
        let publisher = hub.publish("s", "anna").unwrap();
        publisher.send(video(true, 5000));
        assert_eq!(drain(&reader), [video(true, 5000)]);
        assert!(publisher.finish(Parting::Broken));
        drop(publisher);
        assert!(!hub.is_live("s"));
        clock.advance(limits::LINGER);
        reader.tick();
        let publisher = hub.publish("s", "ben").unwrap();
        publisher.send(video(false, 0));
        publisher.send(video(true, 1));
        assert_eq!(drain(&reader), [video(true, 1)]);
        drop(publisher);
        clock.advance(limits::LINGER + Duration::from_millis(1));
        reader.tick();
        assert_eq!(reader.pop(), Next::Ended);
        drop(reader);

        let publisher = hub.publish("s", "anna").unwrap();
        let reader = hub.play("s", WAIT).unwrap();
        publisher.send(sound(0));
        assert!(publisher.finish(Parting::Clean));
        assert_eq!((reader.pop(), reader.pop()), (Next::Packet(sound(0)), Next::Ended));
    }

    #[test]
    fn a_stream_is_live_while_packets_come() {
        let (hub, clock) = hub();
        assert!(!hub.is_live("s"));
        let publisher = hub.publish("s", "anna").unwrap();
        assert!(!hub.is_live("s"), "nothing has come yet");
        publisher.send(sound(0));
        assert!(hub.is_live("s"));
        clock.advance(limits::LIVE + Duration::from_millis(1));
        assert!(!hub.is_live("s"));
    }

    #[test]
    fn a_kick_ends_publisher_and_readers_and_frees_the_name() {
        let (hub, _) = hub();
        let publisher = hub.publish("s", "anna").unwrap();
        let reader = hub.play("s", WAIT).unwrap();
        publisher.send(sound(0));
        drain(&reader);
        hub.kick("s");
        hub.kick("unknown");
        assert_eq!((told(&publisher), reader.pop(), hub.is_live("s")), (vec![Signal::Ended], Next::Ended, false));
        assert!(hub.publish("s", "ben").is_ok());
    }

    #[test]
    fn streams_are_bounded_and_leave_nothing_behind() {
        let (hub, _) = hub();
        let readers: Vec<_> = (0..limits::STREAMS).map(|i| hub.play(&i.to_string(), WAIT).unwrap()).collect();
        assert_eq!(hub.publish("one more", "").err(), Some(Busy::Full));
        drop(readers);
        assert_eq!(lock(&hub.0.streams).len(), 0);
        drop(hub.publish("one more", "").unwrap());
        assert_eq!(lock(&hub.0.streams).len(), 0);
        assert_eq!(hub.stats(), Stats::default());
    }
}
