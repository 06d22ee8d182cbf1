//! One's own camera and microphone: what is wanted, what is open, what has just been asked to open.
//!
//! A device may take seconds to open or hang in its driver, so it is opened on a thread of its own and nobody waits for it. Without a device the
//! call goes on.

use super::actor::Config;
use super::run::Input;
use super::snapshot::{DeviceState, Shared};
use super::{Event, Share};
use crate::base::{Clock, Slot, Worker};
use crate::media::audio::chain;
use crate::media::beauty;
use crate::media::capture::pause::Card;
use crate::media::capture::screen::{Mode, Target};
use crate::media::capture::{
    AudioSource, Format, Level, Outlet, Sound, SourceError, SourceErrorKind, SystemSound, Video, VideoSource,
};
use crate::media::devices::{Device as Known, Devices, InUse, Kind, List};
use crate::media::frame::Rgba;
use crate::proto::api::Sending;
use tokio::sync::mpsc;

/// A device that was asked for has been opened, or not.
pub(super) enum Opened {
    Video(u64, Result<Video, SourceError>),
    Sound(u64, Result<Sound, SourceError>),
    Share(u64, Result<Screen, SourceError>),
    /// The image for pauses cannot be used.
    Pause(SourceError),
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
    /// Why it did not open, or delivers nothing just now; the person knows.
    failure: Option<SourceError>,
    /// Whether it is the opening that failed.
    refused: bool,
    /// The device that was in use last.
    in_use: Option<InUse>,
    /// What was there when it did not open: it is tried again when there is more.
    there: Option<Vec<Known>>,
}

impl<S, D> Device<S, D> {
    fn new(source: S, on: bool) -> Self {
        Self { source, on, open: None, opening: None, round: 0, failure: None, refused: false, in_use: None, there: None }
    }

    /// Gives the device back. One that hangs while it opens is left behind; its thread ends when the driver lets go.
    fn close(&mut self) {
        self.round += 1;
        (self.failure, self.refused, self.there) = (None, false, None);
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
                (self.failure, self.refused) = (Some(error.clone()), true);
                Some(error)
            }
        }
    }

    /// Notes whether the open device delivers; the error, when it has just stopped to, or for another reason than before.
    fn watch(&mut self, failure: impl Fn(&D) -> Option<SourceError>) -> Option<SourceError> {
        if self.refused {
            return None;
        }
        let failure = self.open.as_ref().and_then(failure);
        let kind = |failure: &Option<SourceError>| failure.as_ref().map(|f| f.kind);
        let news = kind(&failure) != kind(&self.failure);
        self.failure.clone_from(&failure);
        failure.filter(|_| news)
    }

    /// Whether there are devices that were not there when it did not open.
    fn has_hope(&mut self, list: &List) -> bool {
        if !(self.refused && self.on && list.known) {
            return false;
        }
        let before = self.there.replace(list.devices.clone());
        before.is_some_and(|before| list.devices.iter().any(|device| !before.contains(device)))
    }

    fn state(&self) -> DeviceState {
        let in_use = self.open.as_ref().and_then(|_| self.in_use.clone());
        DeviceState { in_use, failure: self.failure.clone() }
    }
}

/// What tells one state of what is sent from another: requests so far, and what delivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round([u64; 2], [bool; 3]);

/// What is shared.
pub(super) struct Screen {
    video: Video,
    /// What the computer plays.
    sound: Option<SystemSound>,
    /// Why that is missing although it was asked for.
    sound_failure: Option<SourceError>,
}

impl Screen {
    /// Opens it. Without the computer's sound it goes on all the same.
    fn open(share: &Share, clock: Clock) -> Result<Self, SourceError> {
        let video = Video::open(VideoSource::Screen(share.target.clone()), share.mode.format(), clock.clone())?;
        let (sound, sound_failure) = match share.sound.then(|| SystemSound::open(clock)) {
            Some(Ok(sound)) => (Some(sound), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        Ok(Self { video, sound, sound_failure })
    }
}

/// One's own picture and sound.
pub(super) struct Sources {
    video: Device<VideoSource, Video>,
    /// What is shown of the screen instead of the camera.
    share: Device<Option<Share>, Screen>,
    /// Which camera is shown in its corner.
    inset: Option<u64>,
    sound: Device<AudioSource, Sound>,
    /// Nothing opens before the first seat; its room says what size of picture is wanted.
    format: Option<Format>,
    preview: Slot<Rgba>,
    /// Previews are shown by something that works out colours itself.
    planes: bool,
    /// The picture is sent as a mirror shows it.
    mirror: bool,
    shown: Option<Outlet>,
    /// What this computer has, while a device is waited for.
    devices: Option<Devices>,
    /// What is sent while no camera delivers.
    card: Card,
    pause: Option<Video>,
    /// What the microphone's sound goes through.
    chain: chain::Control,
    /// What pictures of people go through.
    beauty: beauty::Control,
    clock: Clock,
    inputs: mpsc::Sender<Input>,
}

impl Sources {
    pub(super) fn new(config: &Config, inputs: mpsc::Sender<Input>) -> Self {
        let chain = chain::Control::default();
        chain.set_noise(config.noise);
        let beauty = beauty::Control::default();
        beauty.set(config.beauty);
        Self {
            beauty,
            chain,
            video: Device::new(config.video.clone(), config.camera),
            share: Device::new(None, false),
            inset: None,
            sound: Device::new(config.audio.clone(), config.mic),
            format: None,
            preview: Slot::new(),
            planes: config.planes,
            mirror: config.mirror,
            shown: None,
            devices: None,
            card: Card { name: config.name.clone(), image: config.pause_image.clone() },
            pause: None,
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
        if self.video.on != on || self.video.refused {
            self.video.on = on;
            self.open_video();
        }
    }

    /// Opens the picture's source anew.
    pub(super) fn retry_camera(&mut self) {
        self.video.on = true;
        self.open_video();
    }

    /// Opens the sound's source anew.
    pub(super) fn retry_mic(&mut self) {
        self.sound.on = true;
        self.open_sound();
    }

    /// Off only mutes: the device stays open, so that on is instant. On opens it if it failed before.
    pub(super) fn set_mic(&mut self, on: bool) {
        self.sound.on = on;
        if self.sound.refused && !on {
            self.sound.close();
        }
        if on && self.sound.open.is_none() && self.sound.opening.is_none() {
            self.open_sound();
        }
    }

    /// Sends the picture as a mirror shows it, from the next one on, or the right way round.
    pub(super) fn set_mirror(&mut self, on: bool) {
        self.mirror = on;
        if let Some(video) = &self.video.open {
            video.set_mirrored(on);
        }
    }

    /// Takes the picture from elsewhere.
    pub(super) fn set_video_source(&mut self, source: VideoSource) {
        self.video.source = source;
        self.video.in_use = None;
        self.open_video();
    }

    /// Takes the sound from elsewhere.
    pub(super) fn set_audio_source(&mut self, source: AudioSource) {
        self.sound.source = source;
        self.sound.in_use = None;
        // One that is muted is open all the same.
        let muted = self.sound.open.is_some() || self.sound.opening.is_some();
        self.open_sound_if(self.sound.on || muted);
    }

    /// Shows this of the screen from now on, instead of what is shared already.
    pub(super) fn share(&mut self, share: Share) {
        if self.format.is_none() {
            return;
        }
        self.stop_share();
        let clock = self.clock.clone();
        self.share.source = Some(share.clone());
        self.share.on = true;
        self.share.ask("open-screen", &self.inputs, move || Screen::open(&share, clock), Opened::Share);
    }

    /// Shows the camera again.
    pub(super) fn stop_share(&mut self) {
        (self.share.source, self.share.on, self.inset) = (None, false, None);
        self.share.close();
        self.show();
    }

    /// What matters in what is shared, while something is.
    pub(super) fn shares(&self) -> Option<Mode> {
        self.share.open.as_ref().and(self.share.source.as_ref()).map(|share| share.mode)
    }

    /// What is shared, or about to be.
    pub(super) fn shared(&self) -> Option<Shared> {
        let share = self.share.source.clone()?;
        let sound = self.system_sound().is_some();
        Some(Shared { share, open: self.share.open.is_some(), sound, shown: self.shows_share() })
    }

    /// Whether one's own picture is what one shares.
    fn shows_share(&self) -> bool {
        let window = matches!(&self.share.source, Some(Share { target: Target::Window(_), .. }));
        window && self.share.open.is_some()
    }

    /// Connects one's own picture.
    fn show(&mut self) {
        let screen = self.share.open.as_ref().map(|screen| &screen.video);
        for video in [self.video.open.as_ref(), screen].into_iter().flatten() {
            video.set_planes(self.planes);
        }
        if let Some(video) = &self.video.open {
            video.set_mirrored(self.mirror);
        }
        let video = if self.shows_share() { screen } else { self.video.open.as_ref() };
        self.shown = video.map(|video| video.show_in(self.preview.clone()));
        if self.shown.is_none() {
            // The last picture of a camera that is off is not shown for ever.
            self.preview.take();
        }
    }

    /// Puts the camera into the corner of what is shared, or takes it away.
    fn watch_inset(&mut self) {
        let Some(share) = &self.share.open else { return };
        let camera = self.delivers().then_some(self.video.round);
        if self.inset != camera {
            self.inset = camera;
            share.video.set_inset(self.video.open.as_ref().filter(|_| camera.is_some()));
        }
    }

    /// What is shared has come to its end by itself; why.
    fn watch_share(&mut self) -> Option<Event> {
        let failure = self.share.open.as_ref().and_then(|screen| screen.video.failure())?;
        self.stop_share();
        Some(Event::ShareFailed(failure))
    }

    /// Notes what was opened. A device that cannot be opened counts as switched off, until it is tried again.
    pub(super) fn take(&mut self, opened: Opened) -> Option<Event> {
        match opened {
            Opened::Video(round, video) => {
                let error = self.video.take(round, video);
                if let Some(video) = &self.video.open
                    && matches!(video.source(), VideoSource::Camera(_) | VideoSource::File(_))
                {
                    video.set_beauty(self.beauty.clone());
                }
                self.show();
                error.map(Event::VideoSourceFailed)
            }
            Opened::Share(round, share) => {
                let error = self.share.take(round, share);
                if error.is_some() {
                    self.stop_share();
                }
                self.show();
                let unheard = self.share.open.as_mut().and_then(|screen| screen.sound_failure.take());
                error.map(Event::ShareFailed).or_else(|| unheard.map(Event::SharedWithoutSound))
            }
            Opened::Sound(round, sound) => self.sound.take(round, sound).map(Event::AudioSourceFailed),
            Opened::Pause(error) => Some(Event::PauseImageFailed(error)),
        }
    }

    /// What has just stopped to deliver, or moved to another device. What failed goes on trying by itself.
    pub(super) fn watch(&mut self) -> Vec<Event> {
        self.try_again();
        let mut events = Vec::new();
        events.extend(self.video.watch(Video::failure).map(Event::VideoSourceFailed));
        // Of a microphone that is switched off here, nobody expects to be heard.
        let on = self.sound.on;
        let heard = |sound: &Sound| sound.failure().filter(|failure| on || failure.kind != SourceErrorKind::Silent);
        events.extend(self.sound.watch(heard).map(Event::AudioSourceFailed));
        let camera = self.video.open.as_ref().and_then(Video::using);
        let mic = self.sound.open.as_ref().and_then(Sound::using);
        let moved = [(Kind::Camera, camera, &mut self.video.in_use), (Kind::Microphone, mic, &mut self.sound.in_use)];
        for (kind, using, seen) in moved {
            events.extend(using.and_then(|using| using.news(seen)).map(|news| Event::DeviceMoved { kind, news }));
        }
        events.extend(self.watch_share());
        self.watch_inset();
        self.watch_pause();
        events
    }

    /// Opens what did not open, now that there is more to open.
    fn try_again(&mut self) {
        let camera = self.video.refused && matches!(self.video.source, VideoSource::Camera(_));
        let mic = self.sound.refused && matches!(self.sound.source, AudioSource::Device(_));
        if !(camera || mic) {
            self.devices = None;
            return;
        }
        let lists = self.devices.get_or_insert_with(Devices::watch).lists();
        if camera && self.video.has_hope(lists.of(Kind::Camera)) {
            self.open_video();
        }
        if mic && self.sound.has_hope(lists.of(Kind::Microphone)) {
            self.open_sound();
        }
    }

    /// What is switched on and not refused, for the others and for the person.
    pub(super) fn sending(&self) -> Sending {
        Sending {
            mic: self.sound.on && !self.sound.refused && self.sound.source != AudioSource::None,
            camera: self.video.on && !self.video.refused && self.video.source != VideoSource::None,
            recording: false,
            sharing: self.share.open.is_some(),
        }
    }

    /// How the camera and the microphone are.
    pub(super) fn states(&self) -> (DeviceState, DeviceState) {
        (self.video.state(), self.sound.state())
    }

    /// Loudness of the microphone.
    pub(super) fn level(&self) -> Level {
        self.sound.open.as_ref().map(Sound::meter).unwrap_or_default()
    }

    /// Starts the still picture when no camera delivers or is about to, and stops it when one does.
    fn watch_pause(&mut self) {
        let (Some(format), false) = (self.format, self.delivers() || self.video.opening.is_some()) else {
            if self.delivers() {
                self.pause = None;
            }
            return;
        };
        if self.pause.is_none() {
            let inputs = self.inputs.clone();
            let failed = move |error| {
                if let Err(error) = inputs.try_send(Input::Opened(Opened::Pause(error))) {
                    tracing::warn!(%error, "the image for pauses cannot be used");
                }
            };
            let pause = Video::pause(self.card.clone(), format, self.clock.clone(), failed);
            self.pause = pause.inspect_err(|error| tracing::error!(%error, "no picture for pauses")).ok();
        }
    }

    /// Whether a camera, or what stands for one, delivers.
    fn delivers(&self) -> bool {
        self.video.open.is_some() && self.video.failure.is_none() && self.video.source != VideoSource::None
    }

    /// What tells one opening of camera and microphone from another.
    pub(super) fn rounds(&self) -> [Round; 2] {
        let video = [self.delivers(), self.pause.is_some(), self.share.open.is_some()];
        // Beside what is shared, the camera is a small picture that comes and goes.
        let camera = if self.share.open.is_some() { 0 } else { self.video.round };
        let video = if self.share.open.is_some() { [false, false, true] } else { video };
        [Round([camera, self.share.round], video), Round([self.sound.round, 0], [self.sound.open.is_some(), false, false])]
    }

    /// What is shared of the screen, else the picture source that is open, or what stands in for it.
    pub(super) fn video(&self) -> Option<&Video> {
        if let Some(screen) = &self.share.open {
            return Some(&screen.video);
        }
        self.video.open.as_ref().filter(|_| self.delivers()).or(self.pause.as_ref())
    }

    /// What the computer plays, while that is shared.
    pub(super) fn system_sound(&self) -> Option<&SystemSound> {
        self.share.open.as_ref()?.sound.as_ref()
    }

    /// The sound source that is open, muted or not.
    pub(super) fn sound(&self) -> Option<&Sound> {
        self.sound.open.as_ref()
    }

    /// What pictures of people go through.
    pub(super) fn beauty(&self) -> &beauty::Control {
        &self.beauty
    }

    /// What the microphone's sound goes through.
    pub(super) fn chain(&self) -> &chain::Control {
        &self.chain
    }

    /// One's own picture; the same place for the whole call.
    pub(super) fn preview(&self) -> Slot<Rgba> {
        self.preview.clone()
    }

    /// Gives all devices back.
    pub(super) fn close(&mut self) {
        self.shown = None;
        self.pause = None;
        self.share.close();
        self.video.close();
        self.sound.close();
        self.devices = None;
    }

    fn open_video(&mut self) {
        self.video.refused = false;
        match self.format {
            Some(format) if self.sending().camera => {
                let (source, clock) = (self.video.source.clone(), self.clock.clone());
                self.video.ask("open-camera", &self.inputs, move || Video::open(source, format, clock), Opened::Video);
            }
            _ => self.video.close(),
        }
        self.show();
    }

    fn open_sound(&mut self) {
        self.open_sound_if(self.sound.on);
    }

    fn open_sound_if(&mut self, wanted: bool) {
        self.sound.refused = false;
        if self.format.is_some() && wanted && self.sound.source != AudioSource::None {
            let (source, clock, chain) = (self.sound.source.clone(), self.clock.clone(), self.chain.clone());
            let open = move || Sound::open_processed(source, clock, chain);
            self.sound.ask("open-mic", &self.inputs, open, Opened::Sound);
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
            Self::Share(round, opened) => write!(f, "Share({round}, {:?})", opened.as_ref().map(|_| ())),
            Self::Pause(error) => write!(f, "Pause({error})"),
        }
    }
}
