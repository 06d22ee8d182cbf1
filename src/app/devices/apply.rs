//! Devices of the page that is shown: choosing, trying out, doing without; and what is said when they come and go.

use crate::app::devices::{self, DevicesView};
use crate::app::errors;
use crate::app::view::{Action, Cx};
use crate::app::{App, Page, prejoin};
use crate::call::Command;
use crate::call::snapshot::DeviceState;
use crate::media::capture::{AudioSource, SourceErrorKind, VideoSource};
use crate::media::devices::{Kind, Moved, News};
use crate::ui::toast;
use egui::Ui;
use std::time::Duration;

/// How often the dialog is painted while it is open: twelve times a second is what a meter needs.
const METER: Duration = Duration::from_millis(80);

impl App {
    /// The dialog, if it is open.
    pub(in crate::app) fn devices_ui(&self, ui: &Ui, actions: &mut Vec<Action>) {
        if !self.devices_open {
            return;
        }
        let lists = self.lists();
        let view = match &self.page {
            Page::PreJoin(preparing) => {
                let (form, state) = (&preparing.form, preparing.preview.state());
                let camera = DeviceState { in_use: state.camera, failure: state.video_failure };
                let mic = DeviceState { in_use: state.mic, failure: state.audio_failure };
                DevicesView {
                    lists: &lists,
                    chosen: [form.video.clone(), form.audio.clone(), form.speaker.clone()],
                    states: [camera, mic, preparing.preview.speaker()],
                    level: state.level,
                    check: state.check,
                    heard: false,
                }
            }
            Page::Call(session) => {
                let (plan, me) = (&session.plan, &session.snapshot().me);
                DevicesView {
                    lists: &lists,
                    chosen: [plan.video.to_string(), plan.audio.to_string(), plan.speaker.clone().unwrap_or_default()],
                    states: [me.camera_device.clone(), me.mic_device.clone(), me.speaker_device.clone()],
                    level: me.level.rms(),
                    check: me.mic_check,
                    heard: me.mic,
                }
            }
            _ => return,
        };
        let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
        devices::show(ui.ctx(), &mut cx, &view);
        ui.ctx().request_repaint_after(METER);
    }

    /// What did not open before a call is tried again when a device comes or goes; a call does so itself.
    pub(in crate::app) fn take_devices(&mut self) {
        let Some((devices, _)) = &self.devices else { return };
        let version = devices.version();
        if std::mem::replace(&mut self.devices_seen, version) == version {
            return;
        }
        if let Page::Live(stage) = &self.page {
            stage.reopen(false);
        }
        if let Page::PreJoin(preparing) = &mut self.page {
            let state = preparing.preview.state();
            if state.video_failure.is_some() || state.audio_failure.is_some() {
                preparing.preview.open(preparing.form.video_source(), preparing.form.audio_source());
            }
        }
    }

    /// Does what was clicked about devices.
    pub(in crate::app) fn apply_to_devices(&mut self, action: Action) {
        match action {
            Action::OpenDevices(open) => self.devices_open = open,
            Action::Choose(kind, word) => self.choose(kind, word),
            Action::TestSpeaker => self.test_speaker(),
            Action::TestMic => match &mut self.page {
                Page::PreJoin(preparing) => preparing.preview.test_mic(preparing.form.speaker()),
                _ => self.command(Command::TestMic),
            },
            Action::RetryDevice(kind) => self.retry(kind),
            Action::Without(kind) => self.do_without(kind),
            _ => {}
        }
    }

    fn choose(&mut self, kind: Kind, word: String) {
        match &mut self.page {
            Page::PreJoin(preparing) => {
                let form = &mut preparing.form;
                match kind {
                    Kind::Camera => form.video = word,
                    Kind::Microphone => form.audio = word,
                    Kind::Speaker => form.speaker = word,
                }
                let speaker = form.speaker();
                preparing.preview.choose_speaker(speaker);
                self.reopen();
            }
            Page::Call(session) => {
                let command = match kind {
                    Kind::Camera => {
                        session.plan.video = word.parse().unwrap_or_default();
                        self.settings.video = session.plan.video.clone();
                        Command::SetVideoSource(session.plan.video.clone())
                    }
                    Kind::Microphone => {
                        session.plan.audio = word.parse().unwrap_or_default();
                        self.settings.audio = session.plan.audio.clone();
                        Command::SetAudioSource(session.plan.audio.clone())
                    }
                    Kind::Speaker => {
                        session.plan.speaker = Some(word).filter(|word| !word.is_empty());
                        self.settings.speaker.clone_from(&session.plan.speaker);
                        Command::SetSpeaker(session.plan.speaker.clone())
                    }
                };
                session.send(command);
            }
            _ => {}
        }
    }

    fn test_speaker(&mut self) {
        match &mut self.page {
            Page::PreJoin(preparing) => {
                let speaker = preparing.form.speaker();
                preparing.preview.test_speaker(speaker);
            }
            _ => self.command(Command::TestSpeaker),
        }
    }

    fn retry(&mut self, kind: Kind) {
        match &self.page {
            Page::PreJoin(_) if kind == Kind::Speaker => self.test_speaker(),
            Page::PreJoin(_) => self.reopen(),
            Page::Call(session) => session.send(match kind {
                Kind::Camera => Command::RetryCamera,
                Kind::Microphone => Command::RetryMic,
                Kind::Speaker => Command::SetSpeaker(session.plan.speaker.clone()),
            }),
            _ => {}
        }
    }

    fn do_without(&mut self, kind: Kind) {
        match &mut self.page {
            Page::PreJoin(preparing) => match kind {
                Kind::Camera => preparing.form.camera = false,
                Kind::Microphone => preparing.form.mic = false,
                Kind::Speaker => {}
            },
            Page::Call(session) => {
                session.wave_through(kind);
                match kind {
                    Kind::Camera => session.send(Command::SetCamera(false)),
                    Kind::Microphone => session.send(Command::SetMic(false)),
                    Kind::Speaker => {}
                }
            }
            _ => {}
        }
    }

    /// Says that another device is used, and offers what can be done about it.
    pub(in crate::app) fn device_moved(&mut self, kind: Kind, news: &News) {
        let t = |key: &str| self.texts.t(key);
        let what = t(match kind {
            Kind::Camera => "prejoin-camera",
            Kind::Microphone => "prejoin-mic",
            Kind::Speaker => "prejoin-speaker",
        });
        let name = if news.name.is_empty() { t("source-default") } else { news.name.clone() };
        let undo = |id: Option<&str>| Some((t("undo"), Action::Choose(kind, word_of(kind, id))));
        let values = |lost: &str, key: &str| {
            self.texts.with(key, &[("kind", (&what).into()), ("name", (&name).into()), ("lost", lost.into())])
        };
        let (text, action) = match &news.how {
            Moved::FellBack { id, name, why } => {
                let lost = name.as_deref().unwrap_or_else(|| prejoin::short_name(id));
                let key = match why {
                    SourceErrorKind::NoDevice => "toast-device-gone",
                    SourceErrorKind::Busy => "toast-device-busy",
                    _ => "toast-device-broken",
                };
                (values(lost, key), Some((t("devices-choose-another"), Action::OpenDevices(true))))
            }
            Moved::Returned => (values("", "toast-device-back"), undo(None)),
            Moved::Followed { from } => (values("", "toast-device-followed"), from.as_deref().and_then(|id| undo(Some(id)))),
        };
        if let Some(before) = self.devices_said[kind as usize].replace(text.clone()) {
            self.toasts.withdraw(&before);
        }
        self.toasts.push(toast::Kind::Info, text, action, self.clock.now());
    }

    /// Notes in the log what the page shows as a card.
    pub(in crate::app) fn device_failed(&self, kind: Kind, error: &crate::media::capture::SourceError) {
        let sentence = errors::source(&self.texts, devices::part(kind), error);
        tracing::warn!(detail = sentence.detail, "{}", sentence.text);
    }
}

/// The word that chooses this device, or the system's default one.
fn word_of(kind: Kind, id: Option<&str>) -> String {
    let id = id.map(str::to_owned);
    match kind {
        Kind::Camera => VideoSource::Camera(id).to_string(),
        Kind::Microphone => AudioSource::Device(id).to_string(),
        Kind::Speaker => id.unwrap_or_default(),
    }
}
