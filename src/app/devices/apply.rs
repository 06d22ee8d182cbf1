//! Devices of the page that is shown: choosing, trying out, doing without; and what is said when they come and go.

use super::trial::Trial;
use crate::app::devices::{self, DevicesView};
use crate::app::errors;
use crate::app::settings::page::Section;
use crate::app::view::{Action, Cx};
use crate::app::{App, Page, prejoin};
use crate::call::Command;
use crate::media::capture::{AudioSource, SourceErrorKind, VideoSource};
use crate::media::devices::{Kind, Lists, Moved, News};
use crate::ui::toast;
use egui::{Context, Ui};
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
        let Some(view) = self.devices_view(&lists) else { return };
        let mut cx = Cx { texts: &self.texts, actions, now: self.clock.now() };
        devices::show(ui.ctx(), &mut cx, &view);
        ui.ctx().request_repaint_after(METER);
    }

    /// The devices as they are used now; none where the page shows them itself, or nobody has opened any.
    pub(in crate::app) fn devices_view<'a>(&'a self, lists: &'a Lists) -> Option<DevicesView<'a>> {
        Some(match &self.page {
            Page::PreJoin(preparing) => {
                let form = &preparing.form;
                let chosen = [form.video.clone(), form.audio.clone(), form.speaker.clone()];
                let mirrored = matches!(form.video_source(), VideoSource::Camera(_));
                preparing.trial.view(lists, chosen, mirrored)
            }
            Page::Call(session) => {
                let (plan, me) = (&session.plan, &session.snapshot().me);
                DevicesView {
                    lists,
                    chosen: [plan.video.to_string(), plan.audio.to_string(), plan.speaker.clone().unwrap_or_default()],
                    states: [me.camera_device.clone(), me.mic_device.clone(), me.speaker_device.clone()],
                    level: me.level.rms(),
                    check: me.mic_check,
                    heard: me.mic,
                    picture: devices::Picture {
                        video: Some(session.my_picture()).filter(|_| me.camera),
                        opening: false,
                        mirrored: self.settings.stage.mirror_view && matches!(plan.video, VideoSource::Camera(_)),
                    },
                }
            }
            Page::Home | Page::Ended { .. } => {
                let settings = &self.settings;
                let speaker = settings.speaker.clone().unwrap_or_default();
                let chosen = [settings.video.to_string(), settings.audio.to_string(), speaker];
                let mirrored = matches!(settings.video, VideoSource::Camera(_));
                self.trial.as_ref()?.view(lists, chosen, mirrored)
            }
            Page::Starting { .. } | Page::Live(_) => return None,
        })
    }

    /// Opens the devices while they are looked at among the settings and nobody else has them, and gives them back.
    pub(in crate::app) fn take_trial(&mut self, ctx: &Context) {
        let idle = matches!(self.page, Page::Home | Page::Ended { .. });
        if !(idle && self.settings_page.open && self.settings_page.section == Section::Devices) {
            self.end_trial();
            return;
        }
        if self.trial.is_none() {
            let mut trial = Trial::new(self.wake.clone());
            trial.preview.open(self.settings.video.clone(), self.settings.audio.clone());
            self.trial = Some(trial);
            self.watch_devices();
        }
        if let Some(trial) = &mut self.trial {
            trial.look(ctx);
            ctx.request_repaint_after(METER);
        }
    }

    fn end_trial(&mut self) {
        let Some(trial) = self.trial.take() else { return };
        trial.preview.close(&mut self.janitor);
        if matches!(self.page, Page::Home | Page::Ended { .. })
            && let Some(devices) = self.devices.take()
        {
            self.janitor.put_away(devices, || {});
        }
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
            if preparing.trial.has_failed() {
                preparing.trial.preview.open(preparing.form.video_source(), preparing.form.audio_source());
            }
        } else if let Some(trial) = self.trial.as_mut().filter(|trial| trial.has_failed()) {
            trial.preview.open(self.settings.video.clone(), self.settings.audio.clone());
        }
    }

    /// Does what was clicked about devices.
    pub(in crate::app) fn apply_to_devices(&mut self, action: Action) {
        match action {
            Action::OpenDevices(open) => self.devices_open = open,
            Action::Choose(kind, word) => self.choose(kind, word),
            Action::TestSpeaker => self.test_speaker(),
            Action::TestMic => match &mut self.page {
                Page::PreJoin(preparing) => preparing.trial.preview.test_mic(preparing.form.speaker()),
                Page::Call(_) => self.command(Command::TestMic),
                _ => {
                    if let Some(trial) = &mut self.trial {
                        trial.preview.test_mic(self.settings.speaker.clone());
                    }
                }
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
                preparing.trial.preview.choose_speaker(speaker);
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
            _ => {
                let settings = &mut self.settings;
                match kind {
                    Kind::Camera => settings.video = word.parse().unwrap_or_default(),
                    Kind::Microphone => settings.audio = word.parse().unwrap_or_default(),
                    Kind::Speaker => settings.speaker = Some(word).filter(|word| !word.is_empty()),
                }
                if let Some(trial) = &mut self.trial {
                    trial.preview.choose_speaker(self.settings.speaker.clone());
                }
                self.reopen();
            }
        }
    }

    fn test_speaker(&mut self) {
        match &mut self.page {
            Page::PreJoin(preparing) => {
                let speaker = preparing.form.speaker();
                preparing.trial.preview.test_speaker(speaker);
            }
            Page::Call(_) => self.command(Command::TestSpeaker),
            _ => {
                if let Some(trial) = &mut self.trial {
                    trial.preview.test_speaker(self.settings.speaker.clone());
                }
            }
        }
    }

    fn retry(&mut self, kind: Kind) {
        match &self.page {
            Page::Call(session) => session.send(match kind {
                Kind::Camera => Command::RetryCamera,
                Kind::Microphone => Command::RetryMic,
                Kind::Speaker => Command::SetSpeaker(session.plan.speaker.clone()),
            }),
            _ if kind == Kind::Speaker => self.test_speaker(),
            _ => self.reopen(),
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
