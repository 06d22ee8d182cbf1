//! One's own camera and microphone: what is wanted, what is open, what has just been asked to open.
//!
//! A device may take seconds to open or hang in its driver, so it is opened on a thread of its own and nobody waits for it. Without a device the
//! call goes on.

use super::Event;
use super::actor::Config;
use super::run::Input;
use crate::base::{Clock, Slot, Worker};
use crate::media::capture::{AudioSource, Format, Outlet, Sound, SourceError, Video, VideoSource};
use crate::media::frame::Rgba;
use crate::proto::api::Sending;
use tokio::sync::mpsc;

/// A device that was asked for has been opened, or not.
pub(super) enum Opened {
    Video(u64, Result<Video, SourceError>),
    Sound(u64, Result<Sound, SourceError>),
}

/// One device.
struct Device<S, D> {
    source: S,
    /// Switched on, as far as the person is concerned.
    on: bool,
    open: Option<D>,
    opening: Option<Worker>,
    /// Number of the last request; answers to older ones come too late.
    round: u64,
    /// The person knows that it delivers nothing just now.
    failing: bool,
}

impl<S, D> Device<S, D> {
    fn new(source: S, on: bool) -> Self {
        Self { source, on, open: None, opening: None, round: 0, failing: false }
    }

    /// Gives the device back. One that hangs while it opens is left behind; its thread ends when the driver lets go.
    fn close(&mut self) {
        self.round += 1;
        self.failing = false;
        self.open = None;
        if let Some(worker) = self.opening.take() {
            worker.abandon();
        }
    }

    /// Closes what is open, and asks for the device on a thread of its own.
    fn ask(
        &mut self,
        name: &str,
        inputs: &mpsc::Sender<Input>,
        open: impl FnOnce() -> Result<D, SourceError> + Send + 'static,
        report: impl FnOnce(u64, Result<D, SourceError>) -> Opened + Send + 'static,
    ) where
        D: Send + 'static,
    {
        self.close();
        let (round, inputs) = (self.round, inputs.clone());
        let worker = Worker::spawn(name, move |stop| {
            let opened = open();
            // Too late, or the call is over: the device is dropped, here.
            if !stop.is_set() {
                let _ = inputs.blocking_send(Input::Opened(report(round, opened)));
            }
        });
        match worker {
            Ok(worker) => self.opening = Some(worker),
            Err(error) => tracing::error!(%error, "no thread to open a device"),
        }
    }

    /// Notes an answer; the error, if that is what it is.
    fn take(&mut self, round: u64, opened: Result<D, SourceError>) -> Option<SourceError> {
        if round != self.round {
            return None;
        }
        self.opening = None;
        match opened {
            Ok(device) => {
                self.open = Some(device);
                None
            }
            Err(error) => {
                self.on = false;
                Some(error)
            }
        }
    }

    /// Notes whether the open device delivers; the error, when it has just stopped to.
    fn watch(&mut self, failure: impl Fn(&D) -> Option<SourceError>) -> Option<SourceError> {
        let failure = self.open.as_ref().and_then(failure);
        let news = failure.is_some() && !self.failing;
        self.failing = failure.is_some();
        failure.filter(|_| news)
    }
}

/// One's own picture and sound.
pub(super) struct Sources {
    video: Device<VideoSource, Video>,
    sound: Device<AudioSource, Sound>,
    /// Nothing opens before the first seat; its room says what size of picture is wanted.
    format: Option<Format>,
    preview: Slot<Rgba>,
    shown: Option<Outlet>,
    clock: Clock,
    inputs: mpsc::Sender<Input>,
}

impl Sources {
    pub(super) fn new(config: &Config, inputs: mpsc::Sender<Input>) -> Self {
        Self {
            video: Device::new(config.video.clone(), config.camera),
            sound: Device::new(config.audio.clone(), config.mic),
            format: None,
            preview: Slot::new(),
            shown: None,
            clock: config.clock.clone(),
            inputs,
        }
    }

    /// Opens what is switched on.
    pub(super) fn start(&mut self, format: Format) {
        self.format = Some(format);
        self.open_video();
        self.open_sound();
    }

    /// On opens the camera (again), off gives it back.
    pub(super) fn set_camera(&mut self, on: bool) {
        if self.video.on != on {
            self.video.on = on;
            self.open_video();
        }
    }

    /// Off only mutes: the device stays open, so that on is instant. On opens it if it failed before.
    pub(super) fn set_mic(&mut self, on: bool) {
        self.sound.on = on;
        if on && self.sound.open.is_none() && self.sound.opening.is_none() {
            self.open_sound();
        }
    }

    /// Takes the picture from elsewhere.
    pub(super) fn set_video_source(&mut self, source: VideoSource) {
        self.video.source = source;
        self.open_video();
    }

    /// Takes the sound from elsewhere.
    pub(super) fn set_audio_source(&mut self, source: AudioSource) {
        self.sound.source = source;
        self.open_sound();
    }

    /// Notes what was opened. A device that cannot be opened counts as switched off.
    pub(super) fn take(&mut self, opened: Opened) -> Option<Event> {
        match opened {
            Opened::Video(round, video) => {
                let error = self.video.take(round, video);
                self.shown = self.video.open.as_ref().map(|v| v.show_in(self.preview.clone()));
                error.map(Event::VideoSourceFailed)
            }
            Opened::Sound(round, sound) => self.sound.take(round, sound).map(Event::AudioSourceFailed),
        }
    }

    /// What has just stopped to deliver. It goes on trying by itself.
    pub(super) fn watch(&mut self) -> Vec<Event> {
        let video = self.video.watch(Video::failure).map(Event::VideoSourceFailed);
        let sound = self.sound.watch(Sound::failure).map(Event::AudioSourceFailed);
        video.into_iter().chain(sound).collect()
    }

    /// What is switched on, for the others and for the person.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            mic: self.sound.on && self.sound.source != AudioSource::None,
            camera: self.video.on && self.video.source != VideoSource::None,
        }
    }

    /// What tells one opening of camera and microphone from another.
    pub(super) fn rounds(&self) -> [(u64, bool); 2] {
        [(self.video.round, self.video.open.is_some()), (self.sound.round, self.sound.open.is_some())]
    }

    /// The picture source that is open.
    pub(super) fn video(&self) -> Option<&Video> {
        self.video.open.as_ref()
    }

    /// The sound source that is open, muted or not.
    pub(super) fn sound(&self) -> Option<&Sound> {
        self.sound.open.as_ref()
    }

    /// One's own picture; the same place for the whole call.
    pub(super) fn preview(&self) -> Slot<Rgba> {
        self.preview.clone()
    }

    /// Gives all devices back.
    pub(super) fn close(&mut self) {
        self.shown = None;
        self.video.close();
        self.sound.close();
    }

    fn open_video(&mut self) {
        self.shown = None;
        match self.format {
            Some(format) if self.sending().camera => {
                let (source, clock) = (self.video.source.clone(), self.clock.clone());
                self.video.ask("open-camera", &self.inputs, move || Video::open(source, format, clock), Opened::Video);
            }
            _ => self.video.close(),
        }
        // The last picture of a camera that is off is not shown for ever.
        self.preview.take();
    }

    fn open_sound(&mut self) {
        if self.format.is_some() && self.sending().mic {
            let (source, clock) = (self.sound.source.clone(), self.clock.clone());
            self.sound.ask("open-mic", &self.inputs, move || Sound::open(source, clock), Opened::Sound);
        } else {
            self.sound.close();
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Video(round, opened) => write!(f, "Video({round}, {:?})", opened.as_ref().map(|_| ())),
            Self::Sound(round, opened) => write!(f, "Sound({round}, {:?})", opened.as_ref().map(|_| ())),
        }
    }
}
