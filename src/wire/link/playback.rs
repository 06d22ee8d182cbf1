//! Receiving one stream.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::base::Queue;
use crate::rtmp::Packet;
use crate::rtmp::client::{Event, Role};
use crate::wire::CarrierKind;
use crate::wire::pipe::Ready;

use super::lateness::Lateness;
use super::task::Task;
use super::{Error, Options, State, TICK, Wire, moved};

/// Packets that may wait for the owner before reading pauses: about half a second of a call. The server then holds the stream back, and drops
/// whole runs of pictures up to a key frame, which is better than a hole anywhere.
const PAUSE_AT: usize = 64;

/// Room for all that one read can bring on top of that, so that nothing is ever dropped here.
const CAPACITY: usize = 16 * 1024;

/// How often a paused link looks whether its owner has caught up.
const PAUSE: Duration = Duration::from_millis(2);

/// The figures of a [`Playback`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaybackStats {
    /// Bytes received, framing included.
    pub bytes_received: u64,
    /// Packets received.
    pub packets_received: u64,
    /// What it rides on, once there is a connection.
    pub carrier: Option<CarrierKind>,
}

/// A stream that is being received. Dropping it says good-bye to the server, for at most 200 ms.
///
/// An owner that does not take its packets holds the sender back; nothing is dropped on this side.
#[derive(Debug)]
pub struct Playback {
    packets: Queue<(Packet, Duration)>,
    shared: Arc<Shared>,
    state: watch::Receiver<State>,
    _task: Task,
}

#[derive(Debug, Default)]
struct Shared {
    key_frame: Notify,
    arrived: Notify,
    bytes: AtomicU64,
    packets: AtomicU64,
    carrier: OnceLock<CarrierKind>,
}

impl Playback {
    /// Starts connecting; returns at once.
    pub fn start(runtime: &Handle, url: &str, options: Options) -> Self {
        let packets = Queue::bounded(CAPACITY);
        let shared = Arc::new(Shared::default());
        let (report, state) = watch::channel(State::Connecting);
        let (url, queue, inside) = (url.to_owned(), packets.clone(), shared.clone());
        let task = Task::spawn(runtime, |stop| async move {
            let error = run(&queue, &inside, &url, &options, &report, stop).await;
            report.send_replace(State::Closed(error));
        });
        Self { packets, shared, state, _task: task }
    }

    /// What has arrived, and when.
    pub fn packets(&self) -> &Queue<(Packet, Duration)> {
        &self.packets
    }

    /// Waits until there may be packets. Cancelling it loses nothing.
    pub async fn arrived(&self) {
        self.shared.arrived.notified().await;
    }

    /// Asks the publisher for a key frame, by way of the server; the server sees to it that this is not too often.
    pub fn request_key_frame(&self) {
        self.shared.key_frame.notify_one();
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
    pub fn stats(&self) -> PlaybackStats {
        PlaybackStats {
            bytes_received: self.shared.bytes.load(Ordering::Relaxed),
            packets_received: self.shared.packets.load(Ordering::Relaxed),
            carrier: self.shared.carrier.get().copied(),
        }
    }
}

/// Runs until the link is over, and says why it is.
async fn run(
    queue: &Queue<(Packet, Duration)>,
    shared: &Shared,
    url: &str,
    options: &Options,
    report: &watch::Sender<State>,
    mut stop: watch::Receiver<bool>,
) -> Error {
    let mut line = tokio::select! {
        opened = Wire::open(url, Role::Play, options) => match opened {
            Ok(line) => line,
            Err(error) => return error,
        },
        _ = stop.wait_for(|stop| *stop) => return Error::Stopped,
    };
    shared.carrier.get_or_init(|| line.carrier);
    let error = match drive(&mut line, queue, shared, report, &mut stop).await {
        Ok(never) => match never {},
        Err(error) => error,
    };
    line.close().await;
    error
}

async fn drive(
    line: &mut Wire,
    queue: &Queue<(Packet, Duration)>,
    shared: &Shared,
    report: &watch::Sender<State>,
    stop: &mut watch::Receiver<bool>,
) -> Result<std::convert::Infallible, Error> {
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lateness = Lateness::default();
    loop {
        line.flush();
        let caught_up = queue.len() < PAUSE_AT;
        tokio::select! {
            ready = line.pipe.ready(caught_up) => match ready? {
                Ready::Drained => {}
                Ready::Ended => return Err(Error::ClosedByPeer),
                Ready::Received => {
                    let now = line.clock.now();
                    line.pulse.heard(now);
                    shared.bytes.fetch_add(line.pipe.received().len() as u64, Ordering::Relaxed);
                    let received = line.session.receive(line.pipe.received(), now);
                    while let Some(event) = line.session.poll_event() {
                        match event {
                            Event::Started => {
                                report.send_replace(State::Live);
                            }
                            Event::Packet(packet) => {
                                shared.packets.fetch_add(1, Ordering::Relaxed);
                                lateness.note(packet.kind, packet.timestamp_ms, packet.payload.len(), now);
                                queue.push((packet, now));
                                shared.arrived.notify_one();
                            }
                            Event::Refused { code, description } => return Err(Error::Refused { code, description }),
                            Event::Ended => return Err(Error::Ended),
                            Event::KeyFrameRequested | Event::Reception(_) => {}
                        }
                    }
                    received?;
                    if let Some(reception) = lateness.poll(now) {
                        line.session.report(reception);
                    }
                }
            },
            () = shared.key_frame.notified() => line.session.request_key_frame(),
            _ = tick.tick() => line.tick()?,
            // What is not read is not heard, either.
            () = sleep(PAUSE), if !caught_up => line.pulse.heard(line.clock.now()),
            error = moved(line.local, &mut line.network) => return Err(error),
            _ = stop.wait_for(|stop| *stop) => return Err(Error::Stopped),
        }
    }
}
