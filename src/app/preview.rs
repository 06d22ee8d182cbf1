//! Camera and microphone before a call: each on its own thread, so that a device that takes long to open does not hold up the page.

use super::janitor::Janitor;
use crate::base::{Clock, Slot, Stop, Worker};
use crate::media::capture::{AudioSource, Format, Sound, SourceError, Video, VideoSource};
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
}

/// The devices of the page before a call.
pub struct Preview {
    picture: Slot<Rgba>,
    state: Arc<Mutex<State>>,
    video: Option<(VideoSource, Worker)>,
    sound: Option<(AudioSource, Worker)>,
    wake: Wake,
}

impl Preview {
    /// Nothing open yet.
    pub fn new(wake: Wake) -> Self {
        Self { picture: Slot::new(), state: Arc::default(), video: None, sound: None, wake }
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
                        change(&state, &wake, |s| s.video_failure = video.failure());
                    }
                }
                Err(error) => change(&state, &wake, |s| s.video_failure = Some(error)),
            }
        };
        self.spawn("preview video", run, |s, error| s.video_failure = Some(error))
    }

    fn start_sound(&self, source: AudioSource, old: Option<Worker>) -> Option<Worker> {
        let (state, wake) = (self.state.clone(), self.wake.clone());
        if let Some(old) = &old {
            old.stop();
        }
        change(&state, &wake, |s| (s.level, s.audio_failure) = (0.0, None));
        let run = move |stop: &Stop| {
            drop(old);
            match Sound::open(source, Clock::system()) {
                Ok(sound) => {
                    while !stop.wait(LOOK) {
                        change(&state, &wake, |s| (s.level, s.audio_failure) = (sound.level(), sound.failure()));
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
        let workers = (self.video.take(), self.sound.take());
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
