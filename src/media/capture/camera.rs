//! A camera, by nokhwa.
//!
//! A camera's driver may hang in any call, for ever. So one thread owns the device and nothing else; a second one watches it, leaves it
//! behind when it hangs, and opens the camera again, with growing pauses, when it fails.

use super::camera_device::Device;
use super::camera_list;
use super::feed::PictureFeed;
use super::source::{Format, SourceError, SourceErrorKind};
use crate::base::{Backoff, Clock, Stop, Worker};
use crate::media::convert::{ToPicture, ToRgba};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A camera that does not open within this hangs.
const OPEN_LIMIT: Duration = Duration::from_secs(8);
/// A camera that gives no picture for this long hangs.
const STALL_LIMIT: Duration = Duration::from_secs(3);
/// How long leaving waits for the driver to come back from a picture.
const LEAVE_LIMIT: Duration = Duration::from_millis(400);
/// How often the watching thread looks.
const LOOK: Duration = Duration::from_millis(100);
/// First and longest pause before a failed camera is opened again.
const REOPEN: (Duration, Duration) = (Duration::from_millis(300), Duration::from_secs(5));
/// Unusable pictures in a row after which the camera is opened again.
const MAX_BAD: u32 = 30;

/// An open camera, watched over. Dropping it releases the device.
#[derive(Debug)]
pub(super) struct Camera(#[expect(dead_code, reason = "held for its Drop")] Worker);

/// What to open, and where its pictures go.
#[derive(Clone)]
struct Order {
    id: Option<String>,
    format: Format,
    feed: PictureFeed,
    clock: Clock,
}

impl Camera {
    /// Opens a camera by its id, else the first one; returns it and its pictures a second.
    pub(super) fn open(id: Option<&str>, format: Format, feed: PictureFeed, clock: Clock) -> Result<(Self, u32), SourceError> {
        let order = Order { id: id.map(str::to_owned), format, feed, clock };
        let again = order.clone();
        let open = move || {
            Session::start(&order, &Stop::new()).map(|session| {
                let fps = session.fps;
                (session, fps)
            })
        };
        let (worker, fps) = Worker::open("camera", open, move |session, stop| watch(session, &again, stop))?;
        Ok((Self(worker), fps.clamp(1, format.fps.max(1))))
    }
}

/// Keeps a camera going until told to stop.
fn watch(first: Session, order: &Order, stop: &Stop) {
    let mut session = Some(first);
    let mut backoff = Backoff::new(REOPEN.0, REOPEN.1);
    loop {
        let wait = if session.is_some() { LOOK } else { backoff.next_wait() };
        if stop.wait(wait) {
            if let Some(session) = session {
                session.finish();
            }
            return;
        }
        match session.take() {
            Some(running) => match running.trouble(&order.clock) {
                None => {
                    if running.health.pictures.load(Ordering::Relaxed) > 0 {
                        backoff.reset();
                    }
                    session = Some(running);
                }
                Some(error) => {
                    tracing::warn!("camera: {error}");
                    order.feed.fail(Some(error));
                    running.finish();
                }
            },
            None => match Session::start(order, stop) {
                Ok(started) => session = Some(started),
                Err(error) => {
                    tracing::debug!("camera: {error}");
                    order.feed.fail(Some(error));
                }
            },
        }
    }
}

/// What the device's thread tells the watching one.
#[derive(Default)]
struct Health {
    /// Local time of the last picture, or of the opening, in microseconds.
    last: AtomicU64,
    pictures: AtomicU64,
    /// Taken away from a thread that is left behind: it delivers nothing any more.
    live: AtomicBool,
    error: Mutex<Option<SourceError>>,
}

impl Health {
    fn beat(&self, clock: &Clock) {
        self.last.store(u64::try_from(clock.now().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}

/// One opening of the device.
struct Session {
    worker: Worker,
    health: Arc<Health>,
    fps: u32,
}

impl Session {
    fn start(order: &Order, stop: &Stop) -> Result<Self, SourceError> {
        let health = Arc::new(Health { live: AtomicBool::new(true), ..Health::default() });
        let (report, opened) = sync_channel(1);
        let (order, seen) = (order.clone(), Arc::clone(&health));
        let clock = order.clock.clone();
        let worker = Worker::spawn("camera-device", move |stop| run_device(&order, &seen, &report, stop))?;
        let deadline = clock.now() + OPEN_LIMIT;
        loop {
            match opened.recv_timeout(LOOK) {
                Ok(Ok(fps)) => return Ok(Self { worker, health, fps }),
                Ok(Err(error)) => return Err(error),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(SourceError::new(SourceErrorKind::Other, "the camera's driver crashed"));
                }
                Err(RecvTimeoutError::Timeout) if clock.now() > deadline || stop.is_set() => {
                    health.live.store(false, Ordering::Release);
                    worker.abandon();
                    return Err(SourceError::new(SourceErrorKind::Stalled, "the camera does not open"));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    /// Why this session cannot go on, if so.
    fn trouble(&self, clock: &Clock) -> Option<SourceError> {
        if let Some(error) = self.health.error.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Some(error);
        }
        if self.worker.is_finished() {
            return Some(SourceError::new(SourceErrorKind::Other, "the camera's driver crashed"));
        }
        let last = Duration::from_micros(self.health.last.load(Ordering::Relaxed));
        (clock.now().saturating_sub(last) > STALL_LIMIT)
            .then(|| SourceError::new(SourceErrorKind::Stalled, "the camera gives no pictures any more"))
    }

    /// Ends the session, and leaves its thread behind if the driver does not come back.
    fn finish(self) {
        self.health.live.store(false, Ordering::Release);
        self.worker.stop();
        let pause = Duration::from_millis(5);
        let mut waited = Duration::ZERO;
        while !self.worker.is_finished() && waited < LEAVE_LIMIT {
            std::thread::sleep(pause);
            waited += pause;
        }
        if !self.worker.is_finished() {
            tracing::warn!("the camera's driver hangs; its thread is left behind");
            self.worker.abandon();
        }
    }
}

fn run_device(order: &Order, health: &Health, report: &SyncSender<Result<u32, SourceError>>, stop: &Stop) {
    let opened = camera_list::find(order.id.as_deref()).and_then(|index| Device::open(index, order.format));
    let mut device = match opened {
        Ok(device) => device,
        Err(error) => return drop(report.send(Err(error))),
    };
    let mut scaler = match ToPicture::new(order.format.width, order.format.height) {
        Ok(scaler) => scaler,
        Err(error) => return drop(report.send(Err(SourceError::new(SourceErrorKind::UnsupportedFormat, error.to_string())))),
    };
    health.beat(&order.clock);
    if report.send(Ok(device.fps())).is_err() {
        return;
    }
    let (mut to_rgba, mut bad) = (ToRgba::new(), 0);
    while !stop.is_set() && health.live.load(Ordering::Acquire) {
        let grabbed = device.grab();
        let captured = order.clock.now();
        let converted = grabbed.and_then(|frame| {
            scaler.frame(frame, captured).map_err(|e| SourceError::new(SourceErrorKind::UnsupportedFormat, e.to_string()))
        });
        match converted {
            Ok(picture) => {
                bad = 0;
                health.beat(&order.clock);
                health.pictures.fetch_add(1, Ordering::Relaxed);
                if health.live.load(Ordering::Acquire) {
                    order.feed.deliver(picture, &mut to_rgba);
                }
            }
            // A damaged picture now and then is usual on a shared bus.
            Err(error) if error.kind == SourceErrorKind::UnsupportedFormat && bad < MAX_BAD => bad += 1,
            Err(error) => {
                *health.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                return;
            }
        }
    }
}
