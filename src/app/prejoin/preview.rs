//! Camera and microphone before a call: each on its own thread, so that a device that takes long to open does not hold up the page.

use crate::app::janitor::Janitor;
use crate::base::{Clock, Slot, Stop, Worker};
use crate::call::snapshot::DeviceState;
use crate::media::audio::Output;
use crate::media::capture::{AudioSource, Format, Sound, SourceError, Video, VideoSource};
use crate::media::devices::check::{self, MicCheck, Stage};
use crate::media::devices::{Choice, InUse};
use crate::media::frame::Rgba;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often level and failures are looked at.
const LOOK: Duration = Duration::from_millis(66);

/// Called from any thread when there is something new to see.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// How the devices are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The camera is being opened.
    pub opening: bool,
    /// Why there is no picture.
    pub video_failure: Option<SourceError>,
    /// Why there is no sound.
    pub audio_failure: Option<SourceError>,
    /// Level of the microphone, RMS.
    pub level: f32,
    /// The camera that is open.
    pub camera: Option<InUse>,
    /// The microphone that is open.
    pub mic: Option<InUse>,
    /// The trial of the microphone.
    pub check: Option<Stage>,
}

/// The devices of the page before a call.
pub struct Preview {
    picture: Slot<Rgba>,
    state: Arc<Mutex<State>>,
    video: Option<(VideoSource, Worker)>,
    sound: Option<(AudioSource, Worker)>,
    /// Where trials are heard; opened for the first one.
    output: Option<Output>,
    speaker_check: Option<Worker>,
    /// The microphone is to be tried through this.
    try_mic: Slot<Output>,
    wake: Wake,
}

impl Preview {
    /// Nothing open yet.
    pub fn new(wake: Wake) -> Self {
        Self {
            picture: Slot::new(),
            state: Arc::default(),
            video: None,
            sound: None,
            output: None,
            speaker_check: None,
            try_mic: Slot::new(),
            wake,
        }
    }

    /// One's own picture; newest wins.
    pub fn picture(&self) -> &Slot<Rgba> {
        &self.picture
    }

    /// How the devices are now.
    pub fn state(&self) -> State {
        lock(&self.state).clone()
    }

    /// Opens these sources, closing what is open of others; what failed is tried again.
    pub fn open(&mut self, video: VideoSource, audio: AudioSource) {
        let State { video_failure, audio_failure, .. } = self.state();
        if video_failure.is_some() || self.video.as_ref().is_none_or(|(open, _)| *open != video) {
            let old = self.video.take().map(|(_, worker)| worker);
            self.video = self.start_video(video.clone(), old).map(|worker| (video, worker));
        }
        if audio_failure.is_some() || self.sound.as_ref().is_none_or(|(open, _)| *open != audio) {
            let old = self.sound.take().map(|(_, worker)| worker);
            self.sound = self.start_sound(audio.clone(), old).map(|worker| (audio, worker));
        }
    }

    /// Plays a chime through this speaker; `None`: the system's default.
    pub fn test_speaker(&mut self, speaker: Option<String>) {
        let Some(output) = self.output(speaker) else { return };
        self.speaker_check =
            check::try_speaker(&output).map_err(|error| tracing::error!(%error, "no thread to try the speaker")).ok();
    }

    /// Records three seconds and plays them through this speaker; `None`: the system's default.
    pub fn test_mic(&mut self, speaker: Option<String>) {
        if let Some(output) = self.output(speaker) {
            self.try_mic.put(output);
        }
    }

    /// Turns to another speaker, if one has been tried.
    pub fn choose_speaker(&mut self, speaker: Option<String>) {
        if self.output.is_some() {
            self.output(speaker);
        }
    }

    /// How the speaker is, if it has been tried.
    pub fn speaker(&self) -> DeviceState {
        let output = self.output.as_ref();
        DeviceState { in_use: output.and_then(|o| o.using().now()), failure: output.and_then(Output::failure) }
    }

    fn output(&mut self, speaker: Option<String>) -> Option<Output> {
        // A speaker that is "none" is tried as the system's default.
        let choice = Choice::from(speaker.filter(|speaker| speaker != super::SILENT));
        match &self.output {
            Some(output) => output.choose(choice),
            None => {
                let opened = Output::open(choice, Clock::system());
                self.output = opened.map_err(|error| tracing::error!(%error, "no output to try")).ok();
            }
        }
        self.output.clone()
    }

    fn start_video(&self, source: VideoSource, old: Option<Worker>) -> Option<Worker> {
        let (picture, state, wake) = (self.picture.clone(), self.state.clone(), self.wake.clone());
        if let Some(old) = &old {
            old.stop();
        }
        change(&state, &wake, |s| (s.opening, s.video_failure) = (true, None));
        let run = move |stop: &Stop| {
            // Two cannot have the same camera.
            drop(old);
            let opened = Video::open(source, Format::default(), Clock::system());
            change(&state, &wake, |s| s.opening = false);
            match opened {
                Ok(video) => {
                    let _outlet = video.show_in(picture);
                    while !stop.wait(LOOK) {
                        let camera = video.using().and_then(|using| using.now());
                        change(&state, &wake, |s| (s.video_failure, s.camera) = (video.failure(), camera));
                    }
                }
                Err(error) => change(&state, &wake, |s| s.video_failure = Some(error)),
            }
        };
        self.spawn("preview video", run, |s, error| s.video_failure = Some(error))
    }

    fn start_sound(&self, source: AudioSource, old: Option<Worker>) -> Option<Worker> {
        let (state, wake, try_mic) = (self.state.clone(), self.wake.clone(), self.try_mic.clone());
        if let Some(old) = &old {
            old.stop();
        }
        change(&state, &wake, |s| (s.level, s.audio_failure, s.check) = (0.0, None, None));
        let run = move |stop: &Stop| {
            drop(old);
            match Sound::open(source, Clock::system()) {
                Ok(sound) => {
                    let mut trial: Option<MicCheck> = None;
                    while !stop.wait(LOOK) {
                        if let Some(output) = try_mic.take() {
                            // The one before ends first.
                            drop(trial.take());
                            trial = MicCheck::start(&sound, &output).map_err(|error| tracing::error!(%error, "no trial")).ok();
                        }
                        let (mic, check) = (sound.using().and_then(|using| using.now()), trial.as_ref().map(MicCheck::stage));
                        change(&state, &wake, |s| {
                            (s.level, s.audio_failure) = (sound.level(), sound.failure());
                            (s.mic, s.check) = (mic, check);
                        });
                    }
                }
                Err(error) => change(&state, &wake, |s| s.audio_failure = Some(error)),
            }
        };
        self.spawn("preview sound", run, |s, error| s.audio_failure = Some(error))
    }

    fn spawn(
        &self,
        name: &str,
        run: impl FnOnce(&Stop) + Send + 'static,
        failed: impl FnOnce(&mut State, SourceError),
    ) -> Option<Worker> {
        Worker::spawn(name, run).map_err(|error| change(&self.state, &self.wake, |s| failed(s, error.into()))).ok()
    }

    /// Closes everything on another thread; the returned slot is filled when the devices are free.
    pub fn close(mut self, janitor: &mut Janitor) -> Slot<()> {
        let workers = (self.video.take(), self.sound.take(), self.speaker_check.take(), self.output.take());
        let wake = self.wake.clone();
        janitor.put_away(workers, move || wake())
    }
}

/// Changes the state, and wakes the window if it is really another one.
fn change(state: &Mutex<State>, wake: &Wake, change: impl FnOnce(&mut State)) {
    let mut now = lock(state);
    let before = now.clone();
    change(&mut now);
    let same = *now == before;
    drop(now);
    if !same {
        wake();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
