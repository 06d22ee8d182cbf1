//! Sending one stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval};

use crate::base::Clock;
use crate::rtmp::client::{Event, Role};
use crate::rtmp::{Packet, PacketKind, Reception, tag};
use crate::wire::CarrierKind;
use crate::wire::pipe::{Piece, Ready};
use crate::wire::ring::{Class, Dropped, Limits, Ring};

use super::flight::{Flight, HANDSHAKE, Line};
use super::task::Task;
use super::{Error, Options, State, TICK, Wire, moved};

/// What may wait to be sent: older pictures only make the talk slower; 2 MiB are 300 ms of 50 Mbit/s.
const QUEUE: Limits = Limits { bytes: 2 * 1024 * 1024, span: Duration::from_millis(300), sound_span: Duration::from_millis(500) };

/// Bytes taken out of the queue ahead of the kernel: what is here can no longer be dropped. Also what may wait before sound.
const BATCH: usize = 4 * 1024;

/// What was told of a receiver is of no use after so long; one that still has reason to complains several times a second.
const RECEPTION_AGE: Duration = Duration::from_millis(1200);

/// A server that takes not a single byte for this long is gone.
const STALLED: Duration = Duration::from_secs(5);

/// Key frames that may be asked of the encoder: one a second, whoever asks.
const KEY_FRAME_INTERVAL: Duration = Duration::from_secs(1);

/// How far sending lags behind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Congestion {
    /// Payload bytes and framing that the kernel has not taken yet.
    pub queue_bytes: usize,
    /// How long the oldest of them has waited.
    pub queue_age: Duration,
    /// The whole way to a server of ours, as its acknowledgements tell; to another, as far as the kernel. `None` before the stream flows.
    pub line: Option<Line>,
    /// What the receiver who gets it worst told of late, and when that came.
    pub reception: Option<(Reception, Duration)>,
}

/// The figures of a [`Publication`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublicationStats {
    /// Bytes handed to the kernel, framing included.
    pub bytes_sent: u64,
    /// Packets taken out of the queue for sending.
    pub packets_sent: u64,
    /// Packets dropped because the network was too slow.
    pub dropped: Dropped,
    /// What it rides on, once there is a connection.
    pub carrier: Option<CarrierKind>,
}

/// A stream that is being sent. Dropping it says good-bye to the server, for at most 200 ms.
///
/// Headers (codec configuration, metadata, clock) may be sent at any time, those sent while connecting are kept; pictures and sound
/// that are older than 300 ms when the server accepts the stream are dropped.
#[derive(Debug)]
pub struct Publication {
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
    _task: Task,
}

#[derive(Debug)]
struct Shared {
    clock: Clock,
    queue: Mutex<Queue>,
    wake: Notify,
    bytes_sent: AtomicU64,
    carrier: OnceLock<CarrierKind>,
}

#[derive(Debug)]
struct Queue {
    ring: Ring,
    /// Bytes taken out and not yet taken by the kernel, and when the oldest of them came.
    in_flight: Option<(usize, Duration)>,
    /// Follows it further, once the server is known to tell.
    flight: Option<Flight>,
    expected_kbps: f64,
    /// Bytes handed to the pipe so far.
    pushed: u64,
    reception: Option<(Reception, Duration)>,
    key_frame_wanted: bool,
    key_frame_asked: Option<Duration>,
    packets_sent: u64,
}

impl Publication {
    /// Starts connecting; returns at once.
    pub fn start(runtime: &Handle, url: &str, options: Options) -> Self {
        let shared = Arc::new(Shared {
            clock: options.clock.clone(),
            queue: Mutex::new(Queue {
                ring: Ring::new(QUEUE),
                in_flight: None,
                flight: None,
                expected_kbps: f64::INFINITY,
                pushed: 0,
                reception: None,
                key_frame_wanted: false,
                key_frame_asked: None,
                packets_sent: 0,
            }),
            wake: Notify::new(),
            bytes_sent: AtomicU64::new(0),
            carrier: OnceLock::new(),
        });
        let (report, state) = watch::channel(State::Connecting);
        let (url, inside) = (url.to_owned(), shared.clone());
        let task = Task::spawn(runtime, |stop| async move {
            let error = run(&inside, &url, &options, &report, stop).await;
            report.send_replace(State::Closed(error));
        });
        Self { shared, state, _task: task }
    }

    /// Queues a packet; never waits. When the queue is over its limits, pictures up to the next key frame are dropped and a key frame
    /// is asked for.
    pub fn send(&self, packet: Packet) -> Congestion {
        let now = self.shared.clock.now();
        let mut queue = self.shared.lock();
        let is_picture = packet.kind == PacketKind::Video && !tag::is_video_sequence_header(&packet.payload);
        queue.ring.push(packet, now);
        if is_picture {
            queue.key_frame_wanted |= queue.ring.awaits_key_frame();
        }
        let congestion = queue.congestion(now);
        drop(queue);
        self.shared.wake.notify_one();
        congestion
    }

    /// How far sending lags behind now.
    pub fn congestion(&self) -> Congestion {
        self.shared.lock().congestion(self.shared.clock.now())
    }

    /// Says what the line should carry, in kilobits a second: what is later than that is [late](Line::late).
    pub fn expect_rate(&self, kbps: f64) {
        let now = self.shared.clock.now();
        let mut queue = self.shared.lock();
        let Queue { expected_kbps, flight, pushed, .. } = &mut *queue;
        *expected_kbps = kbps;
        if let Some(flight) = flight {
            flight.expect_rate(kbps, *pushed, now);
        }
    }

    /// Whether the next picture should be a key frame (the server asked, or pictures were dropped). Says so once, and at most once a
    /// second.
    pub fn take_key_frame_request(&self) -> bool {
        let now = self.shared.clock.now();
        let mut queue = self.shared.lock();
        let too_soon = queue.key_frame_asked.is_some_and(|at| now.saturating_sub(at) < KEY_FRAME_INTERVAL);
        if !queue.key_frame_wanted || too_soon {
            return false;
        }
        queue.key_frame_wanted = false;
        queue.key_frame_asked = Some(now);
        true
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state.borrow().clone()
    }

    /// A receiver to wait for changes of the state with.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// The figures so far.
    pub fn stats(&self) -> PublicationStats {
        let queue = self.shared.lock();
        PublicationStats {
            bytes_sent: self.shared.bytes_sent.load(Ordering::Relaxed),
            packets_sent: queue.packets_sent,
            dropped: queue.ring.dropped(),
            carrier: self.shared.carrier.get().copied(),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// The server takes the stream from now on, and acknowledges after each `window` bytes, or not to speak of.
    fn start(&mut self, window: Option<u32>, now: Duration) {
        self.ring.freshen(now);
        let mut flight = Flight::new(window.unwrap_or(1), now);
        flight.expect_rate(self.expected_kbps, self.pushed, now);
        self.flight = Some(flight);
    }

    fn acknowledged(&mut self, received: u32, now: Duration) {
        if let Some(flight) = &mut self.flight {
            flight.acknowledged(received, now);
        }
    }

    /// Gives a packet to the pipe.
    fn send(&mut self, line: &mut Wire, packet: &Packet, arrived: Duration, now: Duration) {
        let Some(bytes) = line.session.framed(packet) else { return };
        self.packets_sent += 1;
        let class = Class::of(packet);
        let before = line.pipe.written() + if class.is_urgent() { line.pipe.ahead() } else { line.pipe.pending() } as u64;
        if let Some(flight) = &mut self.flight {
            flight.sent(before, bytes.len(), arrived, now);
        }
        if class.is_urgent() { line.pipe.interject(bytes) } else { line.pipe.push(Piece::picture(bytes)) }
    }

    fn congestion(&self, now: Duration) -> Congestion {
        let (in_flight, since) = self.in_flight.unzip();
        let oldest = since.or(self.ring.oldest());
        let reception = self.reception.filter(|(_, at)| now.saturating_sub(*at) < RECEPTION_AGE);
        let line = self.flight.as_ref().map(|flight| flight.line(self.pushed, now));
        Congestion {
            queue_bytes: self.ring.bytes() + in_flight.unwrap_or(0),
            queue_age: oldest.map_or(Duration::ZERO, |at| now.saturating_sub(at)),
            line,
            reception,
        }
    }
}

/// Runs until the link is over, and says why it is.
async fn run(
    shared: &Shared,
    url: &str,
    options: &Options,
    report: &watch::Sender<State>,
    mut stop: watch::Receiver<bool>,
) -> Error {
    let mut line = tokio::select! {
        opened = Wire::open(url, Role::Publish, options) => match opened {
            Ok(line) => line,
            Err(error) => return error,
        },
        _ = stop.wait_for(|stop| *stop) => return Error::Stopped,
    };
    shared.carrier.get_or_init(|| line.carrier);
    let error = match drive(&mut line, shared, report, &mut stop).await {
        Ok(never) => match never {},
        Err(error) => error,
    };
    line.close().await;
    error
}

async fn drive(
    line: &mut Wire,
    shared: &Shared,
    report: &watch::Sender<State>,
    stop: &mut watch::Receiver<bool>,
) -> Result<std::convert::Infallible, Error> {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut live = false;
    let mut progress = (0, shared.clock.now());
    loop {
        line.flush();
        if live {
            fill(line, shared);
        }
        tokio::select! {
            ready = line.pipe.ready(true) => match ready? {
                Ready::Drained => {}
                Ready::Ended => return Err(Error::ClosedByPeer),
                Ready::Received => {
                    line.pulse.heard(line.clock.now());
                    let received = line.session.receive(line.pipe.received(), line.clock.now());
                    while let Some(event) = line.session.poll_event() {
                        match event {
                            Event::Started => {
                                live = true;
                                shared.lock().start(line.session.window(), line.clock.now());
                                report.send_replace(State::Live);
                            }
                            Event::Reception(reception) => shared.lock().reception = Some((reception, line.clock.now())),
                            Event::KeyFrameRequested => shared.lock().key_frame_wanted = true,
                            Event::Refused { code, description } => return Err(Error::Refused { code, description }),
                            Event::Ended => return Err(Error::Ended),
                            Event::Packet(_) => {}
                        }
                    }
                    received?;
                    if let Some(received) = line.session.acknowledged() {
                        shared.lock().acknowledged(received, line.clock.now());
                    }
                }
            },
            () = shared.wake.notified(), if live => {}
            _ = tick.tick() => {
                line.tick()?;
                let now = line.clock.now();
                if line.pipe.pending() == 0 || line.pipe.written() != progress.0 {
                    progress = (line.pipe.written(), now);
                }
                if now.saturating_sub(progress.1) > STALLED {
                    return Err(Error::Timeout);
                }
            }
            error = moved(line.local, &mut line.network) => return Err(error),
            _ = stop.wait_for(|stop| *stop) => return Err(Error::Stopped),
        }
        let written = line.pipe.written();
        if live && line.session.window().is_none() && written != shared.bytes_sent.load(Ordering::Relaxed) {
            // What the kernel has taken is all that can be known.
            shared.lock().acknowledged(written.saturating_sub(HANDSHAKE) as u32, line.clock.now());
        }
        shared.bytes_sent.store(written, Ordering::Relaxed);
    }
}

/// Moves packets from the queue to the pipe while there is room, sound first: also between the chunks of a picture that is on its way.
fn fill(line: &mut Wire, shared: &Shared) {
    let now = line.clock.now();
    let mut queue = shared.lock();
    let mut since = if line.pipe.pending() == 0 { None } else { queue.in_flight.map(|(_, since)| since) };
    while line.pipe.ahead() < BATCH
        && let Some((packet, arrived)) = queue.ring.pop_urgent()
    {
        since.get_or_insert(arrived);
        queue.send(line, &packet, arrived, now);
    }
    while line.pipe.pending() < BATCH
        && let Some((packet, arrived)) = queue.ring.pop()
    {
        since.get_or_insert(arrived);
        queue.send(line, &packet, arrived, now);
    }
    queue.in_flight = since.map(|since| (line.pipe.pending(), since));
    queue.pushed = line.pipe.written() + line.pipe.pending() as u64;
}
