//! A camera, by nokhwa.
//!
//! A camera's driver may hang in any call, for ever. So one thread owns the device and nothing else; a second one watches it, leaves it
//! behind when it hangs, and opens the camera again, with growing pauses, when it fails. While the chosen camera is gone it opens another one.

use super::camera_device::Device;
use super::camera_list;
use super::feed::PictureFeed;
use super::source::{Format, SourceError, SourceErrorKind};
use crate::base::{Backoff, Clock, Stop, Worker};
use crate::media::convert::{ToPicture, ToRgba};
use crate::media::devices::{Choice, Chooser, Device as Known, Kind, Using};
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
pub(super) struct Camera {
    using: Using,
    _worker: Worker,
}

/// What the pictures should be, and where they go.
#[derive(Clone)]
struct Order {
    format: Format,
    feed: PictureFeed,
    clock: Clock,
}

impl Camera {
    /// Opens the chosen camera, another one while it is not there; returns it and its pictures a second.
    pub(super) fn open(choice: Choice, format: Format, feed: PictureFeed, clock: Clock) -> Result<(Self, u32), SourceError> {
        let using = Using::default();
        let order = Order { format, feed, clock };
        let mut watch = Watch { chooser: Chooser::new(Kind::Camera, choice, using.clone()), order, session: None };
        let open = move || {
            watch.open(&Stop::new())?;
            let fps = watch.session.as_ref().map_or(0, |session| session.fps);
            Ok::<_, SourceError>((watch, fps))
        };
        let (worker, fps) = Worker::open("camera", open, Watch::run)?;
        Ok((Self { using, _worker: worker }, fps.clamp(1, format.fps.max(1))))
    }

    /// The camera that is open.
    pub(super) fn using(&self) -> Using {
        self.using.clone()
    }
}

/// What the watching thread owns.
struct Watch {
    chooser: Chooser,
    order: Order,
    session: Option<Session>,
}

impl Watch {
    /// Opens what is wanted, or any camera where that does not open; the error is that of the wanted one.
    fn open(&mut self, stop: &Stop) -> Result<(), SourceError> {
        let mut first_error = None;
        loop {
            let now = self.order.clock.now();
            let wanted = self.chooser.wanted(now);
            match Session::start(&wanted, &self.order, stop) {
                Ok(session) => {
                    self.chooser.opened_as(&wanted, &session.device);
                    self.session = Some(session);
                    return Ok(());
                }
                Err(error) => {
                    tracing::debug!(?wanted, "camera: {error}");
                    self.chooser.failed(&wanted, error.kind, now);
                    let error = first_error.get_or_insert(error).clone();
                    if wanted == Choice::Default || stop.is_set() {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Keeps a camera going until told to stop.
    fn run(mut self, stop: &Stop) {
        let mut backoff = Backoff::new(REOPEN.0, REOPEN.1);
        loop {
            let stopped = match &self.session {
                Some(_) => stop.wait(LOOK),
                None => self.pause(backoff.next_wait(), stop),
            };
            if stopped {
                if let Some(session) = self.session.take() {
                    session.finish();
                }
                return;
            }
            let now = self.order.clock.now();
            match self.session.take() {
                Some(running) => match running.trouble(&self.order.clock) {
                    None => {
                        if running.health.pictures.load(Ordering::Relaxed) > 0 {
                            backoff.reset();
                            self.chooser.works();
                        }
                        match self.chooser.turn(now) {
                            Some(next) => self.turn(running, &next, stop),
                            None => self.session = Some(running),
                        }
                    }
                    Some(error) => {
                        tracing::warn!("camera: {error}");
                        self.chooser.lost(error.kind, now);
                        self.order.feed.fail(Some(error));
                        running.finish();
                    }
                },
                None => {
                    if let Err(error) = self.open(stop) {
                        self.order.feed.fail(Some(error));
                    }
                }
            }
        }
    }

    /// Opens another camera beside the running one, which goes on if that fails.
    fn turn(&mut self, running: Session, next: &Choice, stop: &Stop) {
        match Session::start(next, &self.order, stop) {
            Ok(session) => {
                running.finish();
                self.chooser.opened_as(next, &session.device);
                self.session = Some(session);
            }
            Err(error) => {
                tracing::info!(?next, "the camera to turn to does not open: {error}");
                self.chooser.failed(next, error.kind, self.order.clock.now());
                self.session = Some(running);
            }
        }
    }

    /// Waits before the next try, less when cameras come or go; returns whether to stop.
    fn pause(&self, wait: Duration, stop: &Stop) -> bool {
        let until = self.order.clock.now() + wait;
        while self.order.clock.now() < until && !self.chooser.has_news() {
            if stop.wait(LOOK.min(wait)) {
                return true;
            }
        }
        stop.is_set()
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

/// Pictures a second and name of an opened camera.
type Opened = Result<(u32, Known), SourceError>;

/// One opening of the device.
struct Session {
    worker: Worker,
    health: Arc<Health>,
    fps: u32,
    /// Which camera it is.
    device: Known,
}

impl Session {
    fn start(wanted: &Choice, order: &Order, stop: &Stop) -> Result<Self, SourceError> {
        let health = Arc::new(Health { live: AtomicBool::new(true), ..Health::default() });
        let (report, opened) = sync_channel(1);
        let (wanted, order, seen) = (wanted.clone(), order.clone(), Arc::clone(&health));
        let clock = order.clock.clone();
        let worker = Worker::spawn("camera-device", move |stop| run_device(&wanted, &order, &seen, &report, stop))?;
        let deadline = clock.now() + OPEN_LIMIT;
        loop {
            match opened.recv_timeout(LOOK) {
                Ok(Ok((fps, device))) => return Ok(Self { worker, health, fps, device }),
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

fn run_device(wanted: &Choice, order: &Order, health: &Health, report: &SyncSender<Opened>, stop: &Stop) {
    let opened =
        camera_list::find(wanted.id()).and_then(|(index, known)| Device::open(index, order.format).map(|device| (device, known)));
    let (mut device, known) = match opened {
        Ok(opened) => opened,
        Err(error) => return drop(report.send(Err(error))),
    };
    let mut scaler = match ToPicture::new(order.format.width, order.format.height) {
        Ok(scaler) => scaler,
        Err(error) => return drop(report.send(Err(SourceError::new(SourceErrorKind::UnsupportedFormat, error.to_string())))),
    };
    health.beat(&order.clock);
    if report.send(Ok((device.fps(), known))).is_err() {
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
