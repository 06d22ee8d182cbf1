//! Where the others are heard: the one output, what has become of its device, and the trials of speaker and microphone.

use super::Event;
use super::actor::Speaker;
use super::snapshot::DeviceState;
use crate::base::{Clock, Queue, Worker};
use crate::media::audio::Output;
use crate::media::capture::{Sound, SourceErrorKind};
use crate::media::devices::check::{self, MicCheck, Stage};
use crate::media::devices::{Choice, InUse, Kind};
use crate::media::frame::Chunk;

/// The output of a call.
pub(super) struct Hearing {
    speaker: Speaker,
    clock: Clock,
    output: Option<Output>,
    /// Why nothing is heard; the person knows.
    failure: Option<SourceErrorKind>,
    /// The speaker that was in use last.
    in_use: Option<InUse>,
    speaker_check: Option<Worker>,
    mic_check: Option<MicCheck>,
}

impl Hearing {
    /// Opens the output; the event, if there can be none.
    pub(super) fn open(speaker: Speaker, clock: Clock) -> (Self, Option<Event>) {
        let mut hearing =
            Self { speaker, clock, output: None, failure: None, in_use: None, speaker_check: None, mic_check: None };
        let event = hearing.start();
        (hearing, event)
    }

    fn start(&mut self) -> Option<Event> {
        let clock = self.clock.clone();
        let opened = match &self.speaker {
            Speaker::Default => Output::open(Choice::Default, clock),
            Speaker::Device(id) => Output::open(Choice::This(id.clone()), clock),
            Speaker::Silent => Output::silent(clock),
        };
        match opened {
            Ok(output) => {
                self.output = Some(output);
                None
            }
            Err(error) => Some(Event::SpeakerFailed(error)),
        }
    }

    /// Turns to another speaker; returns whether it is another output, which nobody plays through yet.
    pub(super) fn choose(&mut self, device: Option<String>) -> (bool, Option<Event>) {
        let was_silent = self.speaker == Speaker::Silent;
        self.speaker = device.clone().map_or(Speaker::Default, Speaker::Device);
        self.in_use = None;
        match &self.output {
            Some(output) if !was_silent => {
                output.choose(device.into());
                (false, None)
            }
            _ => {
                let event = self.start();
                (event.is_none(), event)
            }
        }
    }

    /// What is heard in the room, for the echo canceller; what nobody hears makes no echo.
    pub(super) fn reference(&self) -> Option<Queue<Chunk>> {
        self.output.as_ref().filter(|_| self.speaker != Speaker::Silent).map(Output::reference)
    }

    /// What has just happened to the device. What failed goes on trying by itself.
    pub(super) fn watch(&mut self) -> Vec<Event> {
        let Some(output) = &self.output else { return Vec::new() };
        let failure = output.failure();
        let kind = failure.as_ref().map(|failure| failure.kind);
        let mut events = Vec::new();
        if kind != self.failure {
            self.failure = kind;
            events.extend(failure.map(Event::SpeakerFailed));
        }
        let moved = output.using().news(&mut self.in_use);
        events.extend(moved.map(|news| Event::DeviceMoved { kind: Kind::Speaker, news }));
        events
    }

    /// The output.
    pub(super) fn output(&self) -> Option<&Output> {
        self.output.as_ref()
    }

    /// How its device is.
    pub(super) fn state(&self) -> DeviceState {
        let output = self.output.as_ref();
        DeviceState { in_use: output.and_then(|o| o.using().now()), failure: output.and_then(Output::failure) }
    }

    /// Plays a chime.
    pub(super) fn test_speaker(&mut self) {
        let Some(output) = &self.output else { return };
        match check::try_speaker(output) {
            Ok(worker) => self.speaker_check = Some(worker),
            Err(error) => tracing::error!(%error, "no thread to try the speaker"),
        }
    }

    /// Records from `sound` and plays that.
    pub(super) fn test_mic(&mut self, sound: Option<&Sound>) {
        // The one before ends first.
        self.mic_check = None;
        let (Some(sound), Some(output)) = (sound, &self.output) else { return };
        match MicCheck::start(sound, output) {
            Ok(check) => self.mic_check = Some(check),
            Err(error) => tracing::error!(%error, "no thread to try the microphone"),
        }
    }

    /// How far the trial of the microphone has come.
    pub(super) fn mic_check(&self) -> Option<Stage> {
        self.mic_check.as_ref().map(MicCheck::stage)
    }

    /// Ends the trials and gives the output away, to be closed last.
    pub(super) fn close(&mut self) -> Option<Output> {
        (self.speaker_check, self.mic_check) = (None, None);
        self.output.take()
    }
}
